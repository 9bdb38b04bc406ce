"""A campaign of ours as STIX 2.1: what probably belongs together, and the kinds of evidence for it. Never a verdict.

- a ``campaign`` (section 4.2) with its time and, in words, what its values share;
- a ``relationship`` *indicates* (4.7, indicator to campaign) from each value's indicator;
- a ``grouping`` (4.5, context suspicious-activity) that names them all, for tools that show groupings;
- for each possible link a ``relationship`` *related-to* (3.7, common relationships): the specification's
  *attributed-to* (4.2.3) says that somebody did it, which nobody here knows.

What is shared is told by kind and number, not by value: a fingerprint or a range may come from a sensor whose records
never leave, and the same machine of ours is an own asset.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from seawall.model.campaign import Campaign, Kind, PossibleLink, Reason
from seawall.model.stix.ids import derived_id
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stix.versioning import timestamp

LABEL = "seawall-grouping"
CONTEXT = "suspicious-activity"
ATTACKERS = re.compile(
    r"(intrusion-set|threat-actor|campaign)--[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)
"""What a possible link may point to: a galaxy's tag is no STIX object."""
NO_VERDICT = "A grouping by evidence, no attribution and no verdict."
SHARED = {
    Kind.LABEL: "a name that sources give to one campaign",
    Kind.RELATION: "a relationship to one campaign",
    Kind.EVENT: "one and the same record",
    Kind.REGISTERED: "a registered domain",
    Kind.PATTERN: "the way their names are built",
    Kind.ADDRESS: "an address",
    Kind.RANGE: "a range of addresses",
    Kind.AS: "a network (AS)",
    Kind.CERTIFICATE: "a certificate",
    Kind.JA3: "a client fingerprint (JA3)",
    Kind.JA4: "a client fingerprint (JA4)",
    Kind.HASSH: "a client fingerprint (hassh)",
    Kind.MALWARE: "a tool",
    Kind.SIGNATURE: "an alarm",
    Kind.FILE_NAME: "a file name",
    Kind.TECHNIQUE: "techniques",
    Kind.VICTIM: "a target",
    Kind.SECTORS: "the sectors that they were met in",
}
"""What leaves is STIX, whose text is English (section 3.2: ``lang`` would say otherwise)."""


def campaign_objects(
    campaign: Campaign, indicators: Sequence[str], *, id: str, name: str, identity: str, at: int
) -> list[dict[str, Any]]:
    """The objects of one campaign at ``at`` (microseconds UTC), each after all that it refers to.

    ``id``: under which it is told; it must not derive from its values, or whoever may not have these could test them.
    """
    common = {
        "spec_version": "2.1",
        "created_by_ref": identity,
        "created": timestamp(at),
        "modified": timestamp(at),
        "labels": [f"PAP:{campaign.pap.label.upper()}", LABEL],
        "object_marking_refs": [TLP2_IDS[campaign.tlp]],
    }
    first = timestamp(campaign.first_seen)
    whole = {
        "type": "campaign",
        "id": id,
        "name": name,
        "description": f"{NO_VERDICT} {evidence_words(campaign.reasons)}",
        "first_seen": first,
        "last_seen": max(first, timestamp(campaign.last_seen)),
        **common,
    }
    members = [
        {
            "type": "relationship",
            "id": derived_id("relationship", id, "indicates", indicator),
            "relationship_type": "indicates",
            "source_ref": indicator,
            "target_ref": id,
            **common,
        }
        for indicator in indicators
    ]
    group = {
        "type": "grouping",
        "id": derived_id("grouping", id),
        "name": name,
        "description": NO_VERDICT,
        "context": CONTEXT,
        "object_refs": [id, *indicators],
        **common,
    }
    return [whole, *members, group, *(_possible(id, link, common) for link in linkable(campaign.links))]


def linkable(links: Iterable[PossibleLink]) -> list[PossibleLink]:
    """The possible links that point to STIX objects of attackers."""
    return [link for link in links if ATTACKERS.fullmatch(link.object_id)]


def _possible(id: str, link: PossibleLink, common: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "relationship",
        "id": derived_id("relationship", id, "related-to", link.object_id),
        "relationship_type": "related-to",
        "source_ref": id,
        "target_ref": link.object_id,
        "description": f"A possible link, for a person to judge; no attribution. {evidence_words(link.reasons)}",
        **common,
    }


def evidence_words(reasons: Iterable[Reason]) -> str:
    """What is shared, by kind, with the number of values of the strongest of each kind.

    >>> evidence_words([Reason(Kind.CERTIFICATE, "8f3a", 1.3, 4), Reason(Kind.CERTIFICATE, "11", 1.3, 2)])
    'In common: a certificate (4 values).'
    """
    most: dict[Kind, int] = {}
    for reason in reasons:
        most[reason.kind] = max(most.get(reason.kind, 0), reason.members)
    told = [f"{SHARED[kind]} ({count} values)" if count else SHARED[kind] for kind, count in most.items()]
    return f"In common: {', '.join(told)}." if told else "Linked as wholes only."
