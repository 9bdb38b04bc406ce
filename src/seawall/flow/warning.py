"""Drawing warnings: our findings beside what peers told us, and the sides of our own lake beside each other."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from seawall.codec.sharing import candidate_id, sighting_id
from seawall.flow.context import WHOLE_NODE
from seawall.flow.hit_rows import hit_contacts, hit_sides
from seawall.flow.live_rows import just_met, own_sightings
from seawall.flow.node import Node
from seawall.flow.scores import reliabilities
from seawall.flow.screens import node_screens
from seawall.identity import read_card
from seawall.lake import LakeSession
from seawall.match import Screens, contact_table, findings_of, overlap_table
from seawall.model import Observable, ObservableType, Pap, SightingSummary, Tlp, Warning
from seawall.warn import VoiceKind, WarnOptions, warnings

DRAWN = "warnings-drawn"
"""Key of the note that says from which state of lake, indicators and sightings the stored warnings were drawn."""
PAGE = 10_000
DOUBTED_BELOW = 0.3
"""Reliability (``flow.scores``), drawn towards its prior: five refuted values and none confirmed are below it."""


def refresh_warnings(node: Node) -> int:
    """Draw warnings anew when anything they rest on has changed; returns how many are held."""
    with node.lake.reading() as session:
        doubted = doubted_peers(node)
        state = (
            f"{session.generation}/{node.store.indicators.change()}/{node.store.sightings.change()}"
            f"/{','.join(sorted(doubted))}"
        )
        if node.store.notes.get(DRAWN) == state:
            return node.store.warnings.count(WHOLE_NODE)
        drawn = list(_draw(node, session, doubted))
    held = {(item.type, item.value) for item in _held(node)}
    node.store.warnings.put(drawn)
    node.store.warnings.remove(held - {(item.type, item.value) for item in drawn})
    node.store.notes.set(DRAWN, state)
    return len(drawn)


def warnings_if_told(node: Node, told: Iterable[SightingSummary]) -> list[Warning]:
    """What would be warned about here, had peers told these sightings and nothing else; nothing is kept."""
    said = list(told)
    if not said:
        return []
    with node.lake.reading() as session:
        keys = node.store.indicators.keys()
        return list(_exchanged(node, session, node_screens(node), keys, said, doubted_peers(node)))


def _draw(node: Node, session: LakeSession, doubted: frozenset[str]) -> Iterable[Warning]:
    screens = node_screens(node)
    keys = node.store.indicators.keys()
    told = list(_told(node))
    found: dict[tuple[str, str], Warning] = {}
    if len(_sides(session) | {one.side for one in node.store.sightings.own()} | hit_sides(node)) >= 2:
        delay = round(node.settings.warn.assumed_sharing_delay_seconds * 1_000_000)
        ours = pa.concat_tables([overlap_table(session, screens, pap=Pap.GREEN), own_sightings(node, session, keys)])
        options = WarnOptions(assumed_sharing_delay=delay, one_sided=False)
        found |= {(item.type.value, item.value): item for item in warnings(session, ours, None, options)}
    if told:
        found |= {
            (item.type.value, item.value): item for item in _exchanged(node, session, screens, keys, told, doubted)
        }
    return found.values()


def doubted_peers(node: Node) -> frozenset[str]:
    """Peers of whose values that our people answered most were no attack: their word alone raises no warning."""
    return frozenset(
        name for (kind, name), share in reliabilities(node).items() if kind is VoiceKind.PEER and share < DOUBTED_BELOW
    )


def _exchanged(
    node: Node,
    session: LakeSession,
    screens: Screens,
    keys: pa.Table,
    told: list[SightingSummary],
    doubted: frozenset[str],
) -> Iterable[Warning]:
    theirs = findings_of(told)
    wanted = theirs.select(["type", "value"]).group_by(["type", "value"]).aggregate([])
    contacts = contact_table(session, screens, wanted, tlp=Tlp.AMBER, pap=Pap.GREEN)
    session.register("flow_seen", own_sightings(node, session, keys))
    session.register("flow_wanted", wanted)
    seen = session.sql("SELECT s.* FROM flow_seen s SEMI JOIN flow_wanted w ON s.type = w.type AND s.value = w.value")
    met = pa.concat_tables([just_met(node, contacts, seen), hit_contacts(node, contacts, seen)])
    ours = pa.concat_tables([contacts, without_echo(node, seen).cast(contacts.schema), met])
    return warnings(session, with_told(node, ours), theirs, WarnOptions(doubted=doubted))


def without_echo(node: Node, seen: pa.Table) -> pa.Table:
    """Leave out what we met only because a peer named it as its own candidate: that is its sighting once more, and no
    indicator that vouches for it."""
    return seen.filter(pa.array([not echo for echo in echoes(node, seen)], pa.bool_()))


def echoes(node: Node, seen: pa.Table) -> list[bool]:
    """For each row of ``seen`` (FINDING_SCHEMA), whether its indicator is a peer's candidate for the same value."""
    identities = [read_card(peer.card).identity_id for peer in node.store.peers.list()]
    found = []
    for row in seen.select(["type", "value", "indicator_id"]).to_pylist():
        value = Observable(ObservableType(row["type"]), row["value"])
        found.append(any(row["indicator_id"] == candidate_id(identity, value) for identity in identities))
    return found


def confirmed(node: Node) -> set[tuple[str, str]]:
    """(type, value) of the warnings that we hold about values met on both sides."""
    refresh_warnings(node)
    return {(item.type.value, item.value) for item in _held(node) if item.other_first_seen is not None}


def with_told(node: Node, ours: pa.Table) -> pa.Table:
    """Fill ``told_at`` with when we put our own sighting of a value into an outbox, or told it after a comparison."""
    identity = node.keys.identity_id
    ids: list[str] = []
    for row in ours.select(["type", "value", "side", "indicator_id"]).to_pylist():
        value = Observable(ObservableType(row["type"]), row["value"])
        ids.append(sighting_id(identity, row["indicator_id"] or candidate_id(identity, value), value, row["side"]))
    added = node.store.outbox.first_added(sorted(set(ids)))
    keys = list(zip(ours["type"].to_pylist(), ours["value"].to_pylist(), strict=True))
    told = node.store.overlaps.told_at(keys)
    moments = [
        min((at for at in (added.get(id), told.get(key)) if at is not None), default=None)
        for id, key in zip(ids, keys, strict=True)
    ]
    column = pa.array(moments, pa.int64())
    return ours.set_column(ours.schema.get_field_index("told_at"), "told_at", column)


def _told(node: Node) -> Iterable[SightingSummary]:
    after: int | None = 0
    while after is not None:
        page = node.store.sightings.list(WHOLE_NODE, after=after, limit=PAGE)
        yield from (item for item in page.items if item.origin is not None and item.count > 0)  # 0: withdrawn
        after = page.next


def _held(node: Node) -> Iterable[Warning]:
    after: int | None = 0
    while after is not None:
        page = node.store.warnings.list(WHOLE_NODE, after=after, limit=PAGE)
        yield from page.items
        after = page.next


def _sides(session: LakeSession) -> set[str]:
    return set(session.sql(f"SELECT DISTINCT side FROM {session.rollup()} AS r")["side"].to_pylist())
