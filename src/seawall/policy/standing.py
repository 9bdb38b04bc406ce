"""Standing releases: what goes without a click, and the brakes on it."""

from __future__ import annotations

from seawall.model import Tlp
from seawall.model.circle import StandingRelease
from seawall.policy.request import ReleaseContext, ReleaseRequest, StandingUse


def obstacle(
    standing: StandingRelease, request: ReleaseRequest, tlp: Tlp, confidence: int, context: ReleaseContext
) -> str | None:
    """Why ``standing`` does not let this object go; None when it does."""
    use = context.standing_use.get(standing.name, StandingUse())
    evidence = request.evidence
    hindrances = (
        (standing.suspended, "it is suspended"),
        (standing.expires_at <= context.at, "it has expired"),
        (len(set(standing.approved_by)) < 2, "two named people have not approved it"),
        (context.node_id not in standing.signed_by, "this node has not signed it"),
        (request.object.type not in standing.types, "it does not cover this type"),
        (tlp > min(standing.tlp_at_most, Tlp.AMBER), "the TLP is stricter than it covers"),
        (confidence < standing.least_confidence, "the confidence is too low"),
        (evidence.sensors < standing.least_sensors, "too few sensors stand behind it"),
        (bool(standing.bases) and standing.bases.isdisjoint(evidence.bases), "no permitted basis stands behind it"),
        (use.last_hour >= standing.cap_per_hour, "the cap for this hour is reached"),
        (use.last_day >= standing.cap_per_day, "the cap for this day is reached"),
    )
    return next((reason for hindered, reason in hindrances if hindered), None)
