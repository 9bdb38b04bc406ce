"""How much of what both sides hold is told, tier by tier: each under policy, on the ledger, and after evidence.

Tier 1, that it matched, both learn from the run. Steps for more, for each value: (1) a standing release that lets
sightings go, or a person (``overlap_reveal``), permits a tier; (2) whoever asked for the run opens first,
after policy permitted the sighting to leave; (3) the other side checks the opening; (4) it opens its own and tells what
policy permits; (5) that opening is checked, and the rest is told. Without an opening that holds nothing above tier 1
leaves. Tier 4 goes the ordinary way: the objects stand in the circle's outbox.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from seawall.codec.sharing import candidate_id, encode, read_sighting
from seawall.flow.context import release_context, stored_markings
from seawall.flow.evidence import page_evidence
from seawall.flow.items import page_kinds
from seawall.flow.node import Node
from seawall.flow.outgoing import record_and_put
from seawall.flow.overlap_circles import overlap_circles
from seawall.flow.recall_marking import without_taken_back
from seawall.flow.refresh import refresh_if_possible
from seawall.flow.stops import in_force
from seawall.flow.usage import Usage
from seawall.model import Observable, ObservableType, Recorded, Release
from seawall.model.circle import CircleTerms
from seawall.model.overlap import OverlapItem, Tier
from seawall.model.stix.known_extensions import EVIDENCE_EXTENSION
from seawall.model.stored import StoredObject
from seawall.policy import Decision, ReleaseRequest, decide_page

Key = tuple[ObservableType, str]
MAX_TOLD = 200  # values of one message: an opening with its proof takes some kilobytes
OF_TIER: dict[Tier, frozenset[str]] = {
    Tier.SEEN: frozenset({"extension_type", "first_seen_microseconds", "bases"}),
    Tier.SECTOR: frozenset({"extension_type", "first_seen_microseconds", "bases", "sectors"}),
}
"""What of a sighting's evidence a tier tells. The bases go with the moment: the opened commitment names them too."""
_BEYOND = frozenset({"last_seen", "count", "description", "where_sighted_refs", "observed_data_refs"})
"""What of a sighting no tier below 4 tells."""


class Decided(msgspec.Struct, frozen=True):
    """What policy said of some values. Keys are (type, value)."""

    releases: tuple[Release, ...]
    told: Mapping[Key, tuple[str, bytes]]  # which circle permits it, and the sighting as it leaves there
    reasons: Mapping[Key, str]  # why nothing of a value may be told


def permit(node: Node, peer: str, items: Iterable[OverlapItem]) -> list[OverlapItem]:
    """Step (1) for what was just found: tiers 2 and 3 are permitted where a running standing release names sightings.

    Returns the items as they are now. What a person permitted stays.
    """
    standing = any(_lets_sightings_go(node, terms) for terms in overlap_circles(node, peer))
    if not standing:
        return list(items)
    raised = [
        msgspec.structs.replace(item, permitted=Tier.SECTOR) if item.permitted < Tier.SECTOR else item for item in items
    ]
    node.store.overlaps.change(raised)
    return raised


def decide(node: Node, peer: str, items: Sequence[OverlapItem]) -> Decided:
    """What policy says of telling each item as far as it is permitted; refusals are on the ledger when this returns."""
    sightings = own_sightings_of(node, [Observable(item.type, item.value) for item in items])
    open_items = {(item.type, item.value): item for item in items if (item.type, item.value) in sightings}
    reasons = {(item.type, item.value): "it is no candidate here any more" for item in items}
    told: dict[Key, tuple[str, bytes]] = {}
    releases: list[Release] = []
    for terms in overlap_circles(node, peer):
        decision = _decide_in(node, peer, terms, [(item, sightings[key]) for key, item in open_items.items()])
        bodies = {one.id: one.body for release in decision.releases for one in release.objects}
        refused = {one.object_id: one.reason for one in decision.withheld}
        node.ledger.record_many(decision.withheld)
        releases += decision.releases
        for key in list(open_items):
            if (body := bodies.get(sightings[key].id)) is not None:
                told[key] = terms.name, body
                del open_items[key]
            else:
                reasons[key] = refused.get(sightings[key].id, "it was taken back from this peer")
    return Decided(tuple(releases), told, {key: reason for key, reason in reasons.items() if key not in told})


def record(node: Node, releases: Sequence[Release]) -> list[Recorded[Release]]:
    """Put releases on the ledger, and count them against the standing releases that let them go."""
    recorded = node.ledger.record_many(releases)
    for circle in {one.value.circle for one in recorded}:
        usage = Usage.load(node, circle)
        for one in recorded:
            if one.value.circle == circle and one.value.rule.startswith("standing:"):
                usage.add(one.value.rule.removeprefix("standing:"), len(one.value.objects), node.clock())
        usage.save(node)
    return recorded


def reveal_details(node: Node, peer: str, items: Sequence[OverlapItem]) -> int:
    """Tier 4: put the sightings and their indicators into the outbox of a circle; how many objects were put out."""
    values = [Observable(item.type, item.value) for item in items]
    sightings = own_sightings_of(node, values)
    indicators = node.store.objects.latest({candidate_id(node.keys.identity_id, value) for value in values})
    done = 0
    for item in items:
        held = sightings.get((item.type, item.value))
        if held is None:
            continue
        objects = [*(indicators[id] for id in held.inputs if id in indicators), held]
        for terms in overlap_circles(node, peer):
            wanted = without_taken_back(node, terms.name, peer, objects)
            requests = [_request(node, one, held, terms, peer, item.permitted_by) for one in wanted]
            if not requests:
                continue
            decision = decide_page(requests, terms, release_context(node, terms, peer))
            put = record_and_put(node, terms.name, peer, decision.releases, decision.withheld)
            done += put.released
            if put.released:
                break
    return done


def own_sightings_of(node: Node, values: Sequence[Observable]) -> dict[Key, StoredObject]:
    """Our own sighting of each value as a candidate, the earliest where several sides saw it; others are left out."""
    found = prepared_sightings_of(node, values)
    if len(found) < len(values):
        refresh_if_possible(node)  # the job that prepares them has not run since
        found = prepared_sightings_of(node, values)
    return found


def prepared_sightings_of(node: Node, values: Sequence[Observable]) -> dict[Key, StoredObject]:
    """The same of what is prepared already, without looking for news."""
    identity = node.keys.identity_id
    of = {candidate_id(identity, value): value for value in values}
    made = node.store.descent.derived(of)
    held = node.store.objects.latest(id for ids in made.values() for id in ids if id.startswith("sighting--"))
    found: dict[Key, StoredObject] = {}
    for indicator, ids in sorted(made.items()):
        ours = [held[id] for id in ids if id in held and held[id].origin is None and held[id].created_by == identity]
        standing = [one for one in ours if not read_sighting(one.body).withdrawn]
        if standing:
            value = of[indicator]
            found[value.type, value.value] = min(standing, key=lambda one: read_sighting(one.body).first_seen or "")
    return found


def _decide_in(
    node: Node, peer: str, terms: CircleTerms, items: Sequence[tuple[OverlapItem, StoredObject]]
) -> Decision:
    """One circle's answer for all items at once, so that its caps count them together."""
    terms = in_force(node, terms)
    wanted = {one.id for one in without_taken_back(node, terms.name, peer, [held for _, held in items])}
    gone = node.store.recalls.taken_back(terms.name, peer, {id for _, held in items for id in held.inputs})
    wanted -= {held.id for _, held in items if gone.keys() & set(held.inputs)}  # nor what rests on a recalled one
    requests = []
    indicators: set[str] = set()
    for item, held in items:
        if held.id in wanted:
            part = msgspec.structs.replace(held, body=reduced(held.body, min(item.permitted, Tier.SECTOR)))
            requests.append(_request(node, part, held, terms, peer, item.permitted_by))
            indicators |= set(held.inputs)
    if not requests:
        return Decision((), ())
    use = Usage.load(node, terms.name).as_of(node.clock())
    context = release_context(node, terms, peer, standing_use=use)
    # the peer holds the value; the id of its indicator tells nothing beyond it
    context = msgspec.structs.replace(context, may_refer=indicators.__contains__)
    return decide_page(requests, terms, context)


def _request(
    node: Node, leaving: StoredObject, sighting: StoredObject, terms: CircleTerms, peer: str, people: tuple[str, ...]
) -> ReleaseRequest:
    return ReleaseRequest(
        object=leaving,
        markings=stored_markings(node, leaving),
        recipient=peer,
        approved_by=people,
        evidence=page_evidence(node, [sighting], terms)[0],
        kinds=page_kinds(node, [leaving], terms)[0],
    )


def reduced(body: bytes, tier: Tier) -> bytes:
    """A sighting as a tier tells it: the same object with less in it."""
    whole = msgspec.json.decode(body, type=dict[str, object])
    part = {name: value for name, value in whole.items() if name not in _BEYOND}
    extensions = whole.get("extensions")
    evidence = extensions.get(EVIDENCE_EXTENSION) if isinstance(extensions, dict) else None
    if isinstance(evidence, dict):
        kept = {name: value for name, value in evidence.items() if name in OF_TIER[tier]}
        part["extensions"] = {EVIDENCE_EXTENSION: kept}
    return encode(part)


def _lets_sightings_go(node: Node, terms: CircleTerms) -> bool:
    return any(
        "sighting" in rule.types and not rule.suspended and rule.expires_at > node.clock()
        for rule in in_force(node, terms).standing
    )
