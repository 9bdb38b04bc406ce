"""Campaigns: grouped from all that the node knows, compared with those of before, kept with their history.

A campaign stays here until a person releases it (``flow.campaigns_told``). The sightings and indicators of its members
leave each under its own marking.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from seawall.flow.campaigns_evidence import Key, gather
from seawall.flow.campaigns_made import Making
from seawall.flow.campaigns_released import count_stale
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.model import ObservableType
from seawall.model.campaign import Campaign, HistoryEntry, HistoryKind, Member
from seawall.warn.campaigns import Evidence, Named, Prior, group, name_groups

BUILT = "campaigns-built"
"""Key of the note that says from which state of lake, indicators, sightings and objects campaigns were grouped."""
BUILT_AT = "campaigns-built-at"
PAGE = 10_000


class _Held(NamedTuple):
    """What was kept before."""

    campaigns: dict[str, Campaign]
    members: dict[Key, str]


def build_campaigns(node: Node, *, rebuild: bool = False) -> dict[str, object]:
    """Group anew when anything has changed; ``rebuild`` forgets the campaigns of before, names and all.

    JSON of the answer: values, campaigns, new, merged, split, ended, changed (false: nothing new, nothing done).
    """
    node.require("match")
    state = _state(node)
    if not rebuild and node.store.notes.get(BUILT) == state:
        return {"values": None, "campaigns": node.store.campaigns.count(WHOLE_NODE), "changed": False}
    known = gather(node)
    evidence = known.book.evidence()
    making = Making(known, evidence, group(evidence))
    if rebuild:
        node.store.notes.set(BUILT, "")  # whatever happens from here on, the next run groups again
        node.store.campaigns.clear()
    held = _held(node)
    moments = dict(zip(evidence.keys, evidence.first.tolist(), strict=True))
    prior = Prior(held.members, {id: one.first_seen for id, one in held.campaigns.items()})
    named = name_groups([making.keys(number) for number in range(len(making.members))], moments, prior)
    _write(node, making, named, held)
    node.store.notes.set(BUILT, state)
    node.store.notes.set(BUILT_AT, str(node.clock()))
    counted = Counter(kind for _, kind, _ in named.events)
    return {
        "values": len(evidence.keys),
        "campaigns": node.store.campaigns.count(WHOLE_NODE),
        "new": counted[HistoryKind.FOUNDED],
        "merged": len(named.merged_into),
        "split": len(named.split_from),
        "ended": len(named.ended),
        "changed": True,
    }


def campaign_job(node: Node) -> str:
    """The scheduled job: one sentence."""
    done = build_campaigns(node)
    stale = count_stale(node)
    more = f", {stale} released ones need a person: seawall campaigns released" if stale else ""
    return f"{done['campaigns']} campaigns" + ("" if done["changed"] else ", nothing new") + more


def _state(node: Node) -> str:
    with node.lake.reading() as session:
        generation = session.generation
    store = node.store
    return f"{generation}/{store.indicators.change()}/{store.sightings.change()}/{store.reached()[1]}"


def _held(node: Node) -> _Held:
    campaigns: dict[str, Campaign] = {}
    after: int | None = 0
    while after is not None:
        page = node.store.campaigns.list(WHOLE_NODE, merged=True, after=after, limit=PAGE)
        campaigns |= {one.id: one for one in page.items}
        after = page.next
    return _Held(campaigns, {(type, value): id for type, value, id in node.store.campaigns.memberships()})


def _write(node: Node, making: Making, named: Named, held: _Held) -> None:
    """Campaigns first, then members, then what nobody holds any more, then the history."""
    evidence = making.evidence
    resting = _resting(evidence, held, named)
    written: dict[str, Campaign] = {}
    for number, id in enumerate(named.ids):
        written[id] = making.campaign(number, named, held.campaigns.get(id), len(resting.get(id, ())))
    for id, other in named.merged_into.items():
        written[id] = msgspec.structs.replace(held.campaigns[id], merged_into=other, values=0, arrivals=())
    for id in named.ended:
        written[id] = msgspec.structs.replace(held.campaigns[id], values=0, arrivals=())
    campaigns = node.store.campaigns
    campaigns.put(written.values())
    campaigns.put_members(making.rows(named.ids))
    for id, keys in resting.items():
        moved = _of(node, [key for key in keys if held.members[key] != id])
        campaigns.put_members(msgspec.structs.replace(member, campaign=id) for member in moved)
    grouped = {evidence.keys[item] for items in making.members for item in items}
    lost = [key for key in evidence.keys if key in held.members and key not in grouped]
    campaigns.remove_members([(ObservableType(type), value) for type, value in lost])
    campaigns.add_history(list(_history(node.clock(), named, held, written)))


def _of(node: Node, keys: Sequence[Key]) -> Iterable[Member]:
    return node.store.campaigns.members_of([(ObservableType(type), value) for type, value in keys]) if keys else ()


def _resting(evidence: Evidence, held: _Held, named: Named) -> dict[str, list[Key]]:
    """Members whose records are gone: they stay where they were, or go where their campaign went."""
    today = set(evidence.keys)
    found: dict[str, list[Key]] = defaultdict(list)
    for key, id in held.members.items():
        if key not in today:
            found[named.merged_into.get(id, id)].append(key)
    return found


def _history(at: int, named: Named, held: _Held, written: dict[str, Campaign]) -> Iterator[HistoryEntry]:
    for id, kind, other in named.events:
        values = written[id].values if id in written else held.campaigns[id].values if id in held.campaigns else 0
        yield HistoryEntry(id, at, kind, other, values)
    for id in sorted(named.ended):
        yield HistoryEntry(id, at, HistoryKind.ENDED, None, 0)
    told = {id for id, _, _ in named.events} | named.ended
    for id, campaign in written.items():
        before = held.campaigns[id].values if id in held.campaigns else campaign.values
        if id not in told and before != campaign.values:
            kind = HistoryKind.GREW if campaign.values > before else HistoryKind.SHRANK
            yield HistoryEntry(id, at, kind, None, campaign.values)
