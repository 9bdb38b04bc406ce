"""Gathering pairs: what our sensors met beside what peers told, or the sides of our own lake beside each other.

Three ways lead to a pair, and any of them is enough: telemetry of two sides in one lake; sightings that a peer told;
and the overlap alone, found by comparing in private, of which the peer told first moments or nothing (then the day on
which it brought the value into a comparison stands for it). No raw data of the other side is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from seawall.codec.sharing import read_sighting
from seawall.flow.hit_rows import hit_contacts, hit_sides
from seawall.flow.live_rows import just_met, own_sightings
from seawall.flow.node import Node
from seawall.flow.screens import node_screens
from seawall.flow.tiers import prepared_sightings_of
from seawall.flow.warning import with_told, without_echo
from seawall.lake import LakeSession
from seawall.match import candidate_table, contact_table, sensor_offsets
from seawall.model import Fault, NotFound, Observable, ObservableType, Pap, Tlp, Visibility, to_microseconds
from seawall.model.epoch import DAY
from seawall.model.finding_table import FINDING_SCHEMA
from seawall.model.moments import parse_moment
from seawall.warn.lead import PAIR_SCHEMA, PROOF_SCHEMA, pairs_of_sides, pairs_with_peers

BATCH = 2_000  # values of one look into the store's objects
OWN_TLP, OWN_PAP = Tlp.AMBER, Pap.GREEN  # of what our own sensors found, as warnings mark it


class Gathered(msgspec.Struct, frozen=True):
    """Pairs of PAIR_SCHEMA, and what one must know to read them."""

    pairs: pa.Table
    one_lake: bool  # the parties are sides of our lake
    here: str  # the side that is ours
    until: int | None  # the last moment of which our sensors told; None: they told nothing
    corrected_sensors: int  # whose clocks were wrong, and were set right before anything was compared


def gather_pairs(node: Node, seen: Visibility, party: str | None = None) -> Gathered:
    """All pairs that the asker may see: with peers when any told or compared anything, else of our lake's sides.

    ``party``: one peer by its code name, or one side of the lake. Raises NotFound E-FLOW-775 for neither.
    """
    theirs, overlaps = node.store.columns.told(seen), node.store.columns.overlaps()
    peers = {peer.code_name for peer in node.store.peers.list()}
    peers |= {*pc.unique(theirs["origin"]).to_pylist(), *pc.unique(overlaps["peer"]).to_pylist()}
    with node.lake.reading() as session:
        sides = _sides(session) | hit_sides(node)
        if party is not None and party not in peers | sides:
            raise NotFound("E-FLOW-775", "{name} is neither a peer nor a side of this lake.", name=ascii(party[:60]))
        if party in peers:
            theirs, overlaps = (
                table.filter(pc.equal(table[name], party)) for table, name in ((theirs, "origin"), (overlaps, "peer"))
            )
        if seen.tlp_at_most < OWN_TLP:
            overlaps = overlaps.slice(0, 0)
        corrected = len(sensor_offsets(session)) if sides else 0
        until = _until(session)
        told = len(theirs) + len(overlaps) > 0 and (party is None or party in peers)
        if told or (party is not None and party not in sides):
            pairs = _with_peers(node, session, theirs, overlaps, seen)
            return Gathered(_in_campaigns(node, session, pairs), False, node.side, until, corrected)
        here = node.side if node.side in sides else min(sides, default=node.side)
        pairs = _of_sides(node, session, here, seen) if len(sides) > 1 else PAIR_SCHEMA.empty_table()
        if party is not None:
            pairs = pairs.filter(pc.equal(pairs["party"], party))
        return Gathered(_in_campaigns(node, session, pairs), True, here, until, corrected)


def since(pairs: pa.Table, moment: int) -> pa.Table:
    """Pairs whose value nobody had met before ``moment`` (microseconds UTC)."""
    first = pc.min_element_wise(pairs["there_first"], pairs["here_first"], pairs["proved_there"])
    return pairs.filter(pc.fill_null(pc.greater_equal(first, moment), False))


def _with_peers(node: Node, session: LakeSession, theirs: pa.Table, overlaps: pa.Table, seen: Visibility) -> pa.Table:
    wanted = pa.concat_tables([theirs.select(["type", "value"]), overlaps.select(["type", "value"])])
    wanted = wanted.group_by(["type", "value"]).aggregate([])
    keys = node.store.indicators.keys()
    contacts = contact_table(session, node_screens(node), wanted, tlp=OWN_TLP, pap=OWN_PAP)
    session.register("lead_seen", own_sightings(node, session, keys))
    session.register("lead_wanted", wanted)
    met = session.sql("SELECT s.* FROM lead_seen s SEMI JOIN lead_wanted w ON s.type = w.type AND s.value = w.value")
    fresh = [just_met(node, contacts, met), hit_contacts(node, contacts, met)]
    ours = pa.concat_tables([contacts, without_echo(node, met).cast(contacts.schema), *fresh])
    ours = pa.concat_tables([ours, _remembered(node, session, overlaps, ours)])
    ours = with_told(node, ours)
    candidates = candidate_table(session, node_screens(node), tlp=OWN_TLP, pap=OWN_PAP)
    session.register("lead_candidates", candidates)
    others = session.sql(
        "SELECT c.* FROM lead_candidates c ANTI JOIN lead_wanted w ON c.type = w.type AND c.value = w.value"
    ).cast(FINDING_SCHEMA)
    return pairs_with_peers(session, _visible(pa.concat_tables([ours, others]), seen), theirs, _proofs(overlaps))


def _of_sides(node: Node, session: LakeSession, here: str, seen: Visibility) -> pa.Table:
    screens = node_screens(node)
    values = candidate_table(session, screens, tlp=OWN_TLP, pap=OWN_PAP).select(["type", "value"])
    values = values.group_by(["type", "value"]).aggregate([])
    contacts = contact_table(session, screens, values, tlp=OWN_TLP, pap=OWN_PAP)
    met = own_sightings(node, session, node.store.indicators.keys()).cast(FINDING_SCHEMA)
    delay = round(node.settings.warn.assumed_sharing_delay_seconds * 1_000_000)
    return pairs_of_sides(session, _visible(pa.concat_tables([contacts, met]), seen), here, delay)


def _proofs(overlaps: pa.Table) -> pa.Table:
    """A value that a peer brought into a comparison was held there by the end of that day at the latest."""
    day = pc.add(overlaps["theirs_said"], pa.scalar(DAY, pa.int64()))
    proved = pc.min_element_wise(day, overlaps["found_at"])
    columns = [overlaps["peer"], overlaps["type"], overlaps["value"], proved]
    return pa.table(columns, names=PROOF_SCHEMA.names).cast(PROOF_SCHEMA)


def _remembered(node: Node, session: LakeSession, overlaps: pa.Table, known: pa.Table) -> pa.Table:
    """Values of the overlap that our lake holds no longer, from our own sightings in the store, else from the day on
    which we first brought them into a comparison."""
    session.register("lead_overlaps", overlaps)
    session.register("lead_known", known)
    missing = session.sql(
        "SELECT o.type, o.value, min(o.ours_said) AS said FROM lead_overlaps o "
        "ANTI JOIN lead_known k ON o.type = k.type AND o.value = k.value GROUP BY o.type, o.value"
    )
    rows = [row for batch in missing.to_batches(max_chunksize=BATCH) for row in _recalled(node, batch.to_pylist())]
    return pa.Table.from_pylist(rows, schema=FINDING_SCHEMA)


def _recalled(node: Node, asked: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    values = [Observable(ObservableType(str(row["type"])), str(row["value"])) for row in asked]
    held = prepared_sightings_of(node, values)
    for value, row in zip(values, asked, strict=True):
        found = held.get((value.type, value.value))
        told = read_sighting(found.body) if found is not None else None
        exact, sectors, bases = told.evidence() if told is not None else (None, (), ())
        first = exact if exact is not None else _moment(told.first_seen if told is not None else None) or row["said"]
        yield {
            "type": value.type.value, "value": value.value, "side": node.side, "first_seen": first, "last_seen": first,
            "count": told.count if told is not None else 1, "hostile": 1, "sectors": list(sectors),
            "basis": list(bases), "sensors": 0, "tlp": int(found.tlp if found is not None else OWN_TLP),
            "pap": int(found.pap if found is not None else OWN_PAP),
        }  # fmt: skip


def _moment(text: str | None) -> int | None:
    try:
        return None if text is None else to_microseconds(parse_moment(text))
    except Fault:
        return None


def _in_campaigns(node: Node, session: LakeSession, pairs: pa.Table) -> pa.Table:
    """The campaigns that the node groups values into, else the label that an indicator brought."""
    members = node.store.columns.campaigns()
    if not len(members) or not len(pairs):
        return pairs
    session.register("lead_pairs", pairs)
    session.register("lead_members", members)
    named = session.sql(
        "SELECT p.* REPLACE (coalesce(m.campaign, p.campaign) AS campaign) FROM lead_pairs p "
        "LEFT JOIN lead_members m ON m.type = p.type AND m.value = p.value ORDER BY p.party, p.type, p.value"
    )
    return named.cast(PAIR_SCHEMA)


def _visible(found: pa.Table, seen: Visibility) -> pa.Table:
    """Our own findings as far as the asker may see them."""
    return found.filter(pc.less_equal(found["tlp"], int(seen.tlp_at_most)))


def _sides(session: LakeSession) -> set[str]:
    return set(session.sql(f"SELECT DISTINCT side FROM {session.rollup()} AS r")["side"].to_pylist())


def _until(session: LakeSession) -> int | None:
    found = session.sql(f"SELECT max(last) AS last FROM {session.rollup()} AS r")["last"].to_pylist()
    return found[0] if found else None
