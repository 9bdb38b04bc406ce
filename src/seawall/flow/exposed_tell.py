"""Telling a circle that a vulnerability is exploited here: since when and in which sectors, as our sensors saw it.

A CVE number is no candidate, because two sides that meet one say nothing about one attacker; so no standing release
tells of it by itself. A person does, with a sighting of the vulnerability: no machine, product or count stands in it.
"""

from __future__ import annotations

from seawall.codec.converted import cve as cve_number
from seawall.flow.exposed_answers import flaw_object, stored, tell_member
from seawall.flow.exposed_seen import seen_by_sensors
from seawall.flow.node import Node
from seawall.flow.overlap_circles import CANDIDATE_PAP, CANDIDATE_TLP
from seawall.model import Fault, NotFound, Refused, Tlp, rfc3339
from seawall.model.exposure import Exploited
from seawall.model.stix.ids import derived_id
from seawall.model.stix.known_extensions import EVIDENCE_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp

MAX_SECTORS = 50


def tell_exploited(node: Node, cve: str, *, circle: str, tlp: str | None = None) -> dict[str, object]:
    """Tell the members of a circle what our sensors saw of a vulnerability; each refusal is on the record.

    Raises Fault E-FLOW-873 for no CVE number, NotFound E-FLOW-878 where no sensor of ours met it, Refused E-FLOW-876
    when nobody may be told.
    """
    person = node.require("release")
    number = cve_number(cve)
    if number is None:
        raise Fault("E-FLOW-873", "{given} is no CVE number.", given=ascii(cve[:40]))
    met = [one for one in seen_by_sensors(node) if one.cve == number]
    if not met:
        raise NotFound("E-FLOW-878", "No sensor here has met {cve}; there is nothing to tell.", cve=number)
    terms = node.store.circles.get(circle)
    at = node.clock()
    marking, pap = Tlp.parse(tlp) if tlp is not None else CANDIDATE_TLP, CANDIDATE_PAP
    second = node.approver
    people = (person.name,) if second is None else (person.name, second.name)
    flaw = flaw_object(node, number, circle, marking, pap, at)
    sighting = stored(_sighting(node, number, circle, flaw.id, met, marking, at), marking, pap, at)
    if second is not None:
        node.store.approvals.both("release", f"{sighting.id} {sighting.version}", person.name, second.name, at)
    released: list[str] = []
    withheld: dict[str, str] = {}
    for member in sorted(terms.members):
        reason = tell_member(node, terms, member, (flaw, sighting), people)
        if reason is None:
            released.append(member)
        else:
            withheld[member] = reason
    if not released:
        raise Refused(
            "E-FLOW-876",
            "Nobody in {circle} may be told: {reason}.",
            circle=circle,
            reason="; ".join(f"{member}: {why}" for member, why in withheld.items())[:1_000],
        )
    return {
        "id": sighting.id, "cve": number, "since": rfc3339(min(one.since for one in met)), "circle": circle,
        "recipients": released, "withheld": withheld, "tlp": marking.label, "approved_by": list(people),
    }  # fmt: skip


def _sighting(
    node: Node, number: str, circle: str, flaw: str, met: list[Exploited], tlp: Tlp, at: int
) -> dict[str, object]:
    first = min(one.since for one in met)
    last = max(one.last or one.since for one in met)
    sectors = sorted({sector for one in met for sector in one.sectors})[:MAX_SECTORS]
    return {
        "type": "sighting",
        "spec_version": "2.1",
        "id": derived_id("sighting", node.keys.identity_id, "exploited", circle, number),
        "created_by_ref": node.keys.identity_id,
        "created": timestamp(first),
        "modified": max(timestamp(first), timestamp(at)),
        "first_seen": timestamp(first),
        "last_seen": timestamp(last),
        "sighting_of_ref": flaw,
        "labels": [f"PAP:{CANDIDATE_PAP.label.upper()}"],
        "object_marking_refs": [TLP2_IDS[tlp]],
        "extensions": {
            EVIDENCE_EXTENSION: {
                "extension_type": "property-extension",
                "first_seen_microseconds": first,
                "sectors": sectors,
                "bases": ["alert"],
            }
        },
    }
