"""A campaign on its way out: made into STIX objects by a person, released as all others are, and what peers told of
theirs.

Steps: (1) the objects of all members are found, with every peer that told a part; (2) what is not at hand as an object
stops it, because nobody could inherit its terms; (3) campaign, relationships and grouping are stored with all of that
as their inputs (rule 2); (4) for each member of the circle one page is decided, recorded, and put out. A relationship
to a value that is withheld from somebody is withheld too, and the grouping names only what its reader may know.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from seawall.codec.campaign_objects import campaign_objects, linkable
from seawall.codec.sharing import candidate_id, encode, sighting_id
from seawall.flow.context import WHOLE_NODE, find_objects, page_markings, release_context
from seawall.flow.items import page_kinds
from seawall.flow.node import Node
from seawall.flow.outgoing import record_and_put
from seawall.flow.shareable import prepare_findings
from seawall.identity import read_card
from seawall.model import Fault, Observable, ObservableType, Refused, rfc3339
from seawall.model.campaign import Campaign
from seawall.model.campaign_source import CAMPAIGNS
from seawall.model.circle import CircleTerms
from seawall.model.stix.ids import random_id
from seawall.model.stored import StoredObject
from seawall.model.unreadable import UNREADABLE
from seawall.policy import Decision, ReleaseRequest, decide_page, visibility

TOLD = "campaign-told:"
"""Begin of the note that keeps under which STIX id a campaign is told: drawn by lot, because our own id derives from
the first values, and who may not have these could test guesses of them."""
TOLD_AT = "campaign-told-at:"
"""Begin of the note that keeps when a campaign (by its STIX id) was last told to anybody, and its id here."""
MAX_VALUES = 400
"""Values that are named with one campaign: with their indicators about a thousand objects, one page of the ledger. The
markings of all others count too."""
MAX_BEHIND = 5_000  # objects behind one campaign, half of what inheritance follows (``flow.context``)
MAX_NAME = 100
PAGE = 1_000
Key = tuple[ObservableType, str]
Shape = TypeVar("Shape")


class Behind(msgspec.Struct, frozen=True):
    """The stored objects that a campaign was made from."""

    indicators: tuple[str, ...]  # one of each value, in the order of the members
    inputs: tuple[str, ...]
    origins: frozenset[str]
    excluded: frozenset[str]


def release_campaign(node: Node, id: str, circle: str, *, name: str | None = None) -> dict[str, object]:
    """Make a campaign's objects and release them, with its values, to every member of a circle whom the terms permit.

    Raises NotFound for a campaign that is not here, Fault E-FLOW-812 for one that went into another, E-FLOW-813 for a
    name that is too long, Refused E-FLOW-814 when a peer's word in it is not at hand as an object.
    """
    person = node.require("release")
    terms = node.store.circles.get(circle)
    campaign = node.store.campaigns.get(id, visibility=visibility(person))
    made = offer_campaign(node, campaign, name)
    whole = next(item for item in made if item.type == "campaign")
    people = (person.name,) if node.approver is None else (person.name, node.approver.name)
    if node.approver is not None:
        for item in made:
            about = f"{item.id} {item.version}"
            node.store.approvals.both("release", about, person.name, node.approver.name, node.clock())
    recipients: dict[str, dict[str, object]] = {}
    for member in sorted(terms.members):
        decision = _decide(node, made, terms, member, people)
        record_and_put(node, terms.name, member, decision.releases, decision.withheld)
        recipients[member] = _told(decision, whole.id)
    released = any(told["campaign"] for told in recipients.values())
    if released:
        node.store.notes.set(TOLD_AT + whole.id, f"{node.clock()} {campaign.id}")
    return {
        "id": campaign.id,
        "campaign": whole.id,
        "name": msgspec.json.decode(whole.body)["name"],
        "circle": circle,
        "released": released,
        "objects": [item.id for item in made if item.source == CAMPAIGNS],
        "values": sum(item.type == "indicator" for item in made),
        "recipients": recipients,
        "approved_by": list(people),
    }


def _told(decision: Decision, id: str) -> dict[str, object]:
    released = [item.id for release in decision.releases for item in release.objects]
    rules = sorted({one.rule for one in decision.withheld})
    return {"campaign": id in released, "released": len(released), "withheld": len(decision.withheld), "rules": rules}


def _decide(
    node: Node, made: Sequence[StoredObject], terms: CircleTerms, member: str, people: tuple[str, ...]
) -> Decision:
    markings, kinds = page_markings(node, made), page_kinds(node, made, terms)
    requests = [
        ReleaseRequest(object=item, markings=marked, recipient=member, approved_by=people, kinds=kind)
        for item, marked, kind in zip(made, markings, kinds, strict=True)
    ]
    referred = {link for item in made for link in item.inputs}
    return decide_page(requests, terms, release_context(node, terms, member, referred=referred))


def offer_campaign(node: Node, campaign: Campaign, name: str | None) -> list[StoredObject]:
    """The campaign's objects as they are stored, after the indicators of its values. A version that says nothing new
    is not written."""
    if campaign.merged_into is not None or not campaign.values:
        into = campaign.merged_into or "-"
        raise Fault("E-FLOW-812", "{id} holds no value any more; it went into {into}.", id=campaign.id, into=into)
    if name is not None and not 0 < len(name.strip()) <= MAX_NAME:
        raise Fault("E-FLOW-813", "A campaign's name has 1 to {most} characters.", most=MAX_NAME)
    prepare_findings(node)
    behind = _behind(node, campaign)
    missing = sorted(campaign.origins - behind.origins)
    if missing or len(behind.inputs) > MAX_BEHIND:
        raise Refused(
            "E-FLOW-814",
            "{id} cannot be released: what {peer} told stands in it and is not at hand as an object, so its terms "
            "cannot be kept.",
            id=campaign.id,
            peer=", ".join(missing) or "-",
        )
    at, id = node.clock(), _told_id(node, campaign.id)
    held_before = node.store.objects.latest([id]).get(id)
    called = name.strip() if name is not None else _name_before(held_before) or f"campaign {id[-12:]}"
    bodies = campaign_objects(campaign, behind.indicators, id=id, name=called, identity=node.keys.identity_id, at=at)
    targets = {link.object_id for link in linkable(campaign.links)}
    held = node.store.objects.latest([str(body["id"]) for body in bodies])
    items = [_stored(node, body, held.get(str(body["id"])), campaign, behind, targets, at) for body in bodies]
    node.store.objects.put([item for item in items if item is not held.get(item.id)])
    return [*(found for one in behind.indicators for found in find_objects(node, one)[:1]), *items]


def _stored(
    node: Node,
    body: dict[str, Any],
    held: StoredObject | None,
    campaign: Campaign,
    behind: Behind,
    targets: set[str],
    at: int,
) -> StoredObject:
    target = str(body.get("target_ref", ""))
    inputs = (*behind.inputs, target) if target in targets else behind.inputs
    if held is not None:
        before = msgspec.json.decode(held.body)
        body = {**body, "created": before["created"]}
        same = {**before, "modified": body["modified"]} == body
        if same and not held.revoked and set(held.inputs) == set(inputs) and held.excluded == behind.excluded:
            return held
        body["modified"] = max(str(body["modified"]), str(before["modified"]))
    return StoredObject(
        id=str(body["id"]),
        type=str(body["type"]),
        version=str(body["modified"]),
        created_by=node.keys.identity_id,
        body=encode(body),
        tlp=campaign.tlp,
        pap=campaign.pap,
        source=CAMPAIGNS,
        stored_at=at,
        inputs=inputs,
        excluded=behind.excluded,
    )


def _told_id(node: Node, id: str) -> str:
    told = node.store.notes.get(TOLD + id)
    if told is None:
        told = random_id("campaign", os.urandom)
        node.store.notes.set(TOLD + id, told)
    return told


def _name_before(held: StoredObject | None) -> str | None:
    return None if held is None or held.revoked else str(msgspec.json.decode(held.body)["name"])


def _behind(node: Node, campaign: Campaign) -> Behind:
    """Step (1): of each member our indicator or an imported one, and everything that peers told of it."""
    keys = [(member.type, member.value) for member in _members(node, campaign.id)]
    named = _indicators_of(node, keys)
    identities = {peer.code_name: read_card(peer.card).identity_id for peer in node.store.peers.list()}
    wanted: dict[str, None] = {}
    said_of: dict[str, None] = {}
    of_value: dict[Key, list[str]] = {}
    for key in keys:
        own = candidate_id(node.keys.identity_id, Observable(*key))
        of_value[key] = [own, *named.get(key, ())]
        wanted |= dict.fromkeys(of_value[key])
    excluded: set[str] = set()
    for told in node.store.sightings.told(keys):
        identity = identities.get(told.origin or "")
        value = Observable(told.type, told.value)
        indicator = told.indicator_id or (candidate_id(identity, value) if identity is not None else None)
        if indicator is not None:
            of_value[told.type, told.value].append(indicator)
            wanted[indicator] = None
            if identity is not None:
                wanted[sighting_id(identity, indicator, value, told.side)] = None
        excluded |= told.excluded
    for relation in _objects(node, "relationship"):
        said = _read(relation, _Relation) if relation.source != CAMPAIGNS else None
        if said is not None and (said.source_ref in wanted or said.target_ref in wanted):
            said_of |= {relation.id: None, said.source_ref: None, said.target_ref: None}
    held = {
        id: found for id in wanted | said_of if (found := [one for one in find_objects(node, id) if not one.revoked])
    }
    chosen = [next((id for id in of_value[key] if id in held), None) for key in keys]
    indicators = tuple(dict.fromkeys(id for id in chosen if id is not None))
    entries = [one for found in held.values() for one in found]
    return Behind(
        indicators[:MAX_VALUES],
        tuple(held),
        frozenset(item.origin for item in entries if item.origin is not None),
        frozenset(excluded).union(*(item.excluded for item in entries)),
    )


def _members(node: Node, id: str) -> Iterator[Any]:
    after: int | None = 0
    while after is not None:
        page = node.store.campaigns.members(id, after=after, limit=PAGE)
        yield from page.items
        after = page.next


def _indicators_of(node: Node, keys: Iterable[Key]) -> dict[Key, list[str]]:
    wanted = {(type.value, value): (type, value) for type, value in keys}
    table = node.store.indicators.keys()
    columns = (table[name].to_pylist() for name in ("type", "value", "indicator_id"))
    found: dict[Key, list[str]] = defaultdict(list)
    for type, value, id in zip(*columns, strict=True):
        if (type, value) in wanted:
            found[wanted[type, value]].append(id)
    return found


class _Campaign(msgspec.Struct):
    name: str = ""
    description: str = ""
    first_seen: str | None = None
    last_seen: str | None = None


class _Relation(msgspec.Struct):
    source_ref: str
    target_ref: str
    relationship_type: str = ""


def told_campaigns(node: Node, *, limit: int = 100) -> list[dict[str, object]]:
    """Campaigns that peers told, newest first, with how many values they name and which of ours may be the same."""
    seen = visibility(node.require("read"))
    ours: dict[str, list[str]] = defaultdict(list)
    after: int | None = 0
    while after is not None:
        standing = node.store.campaigns.list(seen, after=after, limit=PAGE)
        for one in standing.items:
            for link in one.links:
                ours[link.object_id].append(one.id)
        after = standing.next
    held = [item for item in _objects(node, "campaign") if item.origin is not None and item.tlp <= seen.tlp_at_most]
    values: dict[str, set[str]] = defaultdict(set)
    for item in _objects(node, "relationship"):
        if (said := _read(item, _Relation)) is not None and said.relationship_type == "indicates":
            values[said.target_ref].add(said.source_ref)
    rows: list[dict[str, object]] = []
    for item in sorted(held, key=lambda one: (-one.stored_at, one.id)):
        if item.origin in seen.excluded_origins or (read := _read(item, _Campaign)) is None:
            continue
        rows.append(
            {
                "id": item.id,
                "name": read.name[:MAX_NAME],
                "origin": item.origin,
                "description": read.description[:500],
                "first_seen": read.first_seen,
                "last_seen": read.last_seen,
                "values": len(values[item.id]),
                "ours": ours.get(item.id, []),
                "told_at": rfc3339(item.stored_at),
                "tlp": item.tlp.label,
                "pap": item.pap.label,
            }
        )
    return rows[:limit]


def _read(item: StoredObject, shape: type[Shape]) -> Shape | None:
    try:
        return msgspec.json.decode(item.body, type=shape)
    except UNREADABLE:
        return None  # kept as it came; it says nothing that could be shown


def _objects(node: Node, type: str) -> Iterator[StoredObject]:
    after: int | None = 0
    while after is not None:
        page = node.store.objects.list(WHOLE_NODE, types=[type], after=after, limit=PAGE)
        yield from (item for item in page.items if not item.revoked)
        after = page.next
