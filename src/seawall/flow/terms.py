"""What two sides must have said alike before a circle counts as agreed: its terms as text, and their digest."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

from seawall.model.circle import CircleTerms, StandingRelease


def shared_terms(terms: CircleTerms) -> dict[str, object]:
    """The part of the terms that both sides must share, as plain values.

    Left out because they are local: members and exclusions (code names), the version number, whether *we* enforce
    what members send, and who approved.
    """
    return {
        "name": terms.name,
        "tlp_ceiling": terms.tlp_ceiling.label,
        "tlp_floor": terms.tlp_floor.label,
        "pap_ceiling": terms.pap_ceiling.label,
        "types": sorted(terms.types),
        "track": terms.track.value,
        "community": terms.community,
        "onward_at_most": terms.onward_at_most.label if terms.onward_at_most is not None else None,
        "attribution": terms.attribution,
        "redaction": sorted(terms.redaction),
        "minimum_context": sorted(terms.minimum_context),
        "commitment_age_seconds": terms.commitment_age_seconds,
        "standing": sorted((_standing(item) for item in terms.standing), key=lambda item: str(item["name"])),
    }


def _standing(item: StandingRelease) -> dict[str, object]:
    return {
        "name": item.name,
        "types": sorted(item.types),
        "least_confidence": item.least_confidence,
        "least_sensors": item.least_sensors,
        "bases": sorted(item.bases),
        "tlp_at_most": item.tlp_at_most.label,
        "cap_per_hour": item.cap_per_hour,
        "cap_per_day": item.cap_per_day,
    }


@lru_cache(maxsize=1_024)
def terms_digest(terms: CircleTerms) -> str:
    """SHA-256 over the sorted JSON of ``shared_terms``, lower hex."""
    return hashlib.sha256(msgspec.json.encode(shared_terms(terms), order="sorted")).hexdigest()
