"""What this node knows of values, for grouping them: lake, sightings, what peers told, what was imported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from seawall.codec.values import address_halves
from seawall.flow.campaigns_knowledge import Knowledge, read_knowledge
from seawall.flow.context import WHOLE_NODE
from seawall.flow.live_rows import own_sightings
from seawall.flow.node import Node
from seawall.flow.screens import node_screens
from seawall.lake import LakeSession
from seawall.match import candidate_table
from seawall.model import ObservableType, SightingSummary
from seawall.model.campaign import Kind
from seawall.reference import Geography, registered_domain
from seawall.warn.campaigns import EvidenceBook
from seawall.warn.campaigns.lake import lake_background, lake_links

PAGE = 10_000
LEFT_OUT = frozenset(
    kind.value
    for kind in (
        ObservableType.JA3,
        ObservableType.JA4,
        ObservableType.HASSH,
        ObservableType.AS,
        ObservableType.CVE,
        ObservableType.CIDR,
        ObservableType.FILE_NAME,
        ObservableType.PATTERN,
    )
)
"""Types that say what several attackers may use: common ground of values, not values of a campaign."""
MANY_SECTORS = 3
"""A value met in more sectors than this picks no target."""
Key = tuple[str, str]


class Place(NamedTuple):
    """Where a value was met, and when first and last (microseconds UTC)."""

    side: str
    sector: str
    first: int
    last: int


class Known:
    """Everything that is known of the values, beside what they share."""

    def __init__(self) -> None:
        self.book = EvidenceBook()
        self.sides: dict[Key, dict[str, int]] = defaultdict(dict)  # side -> first seen
        self.sectors: dict[Key, list[str]] = defaultdict(list)
        self.places: dict[Key, list[Place]] = defaultdict(list)
        self.levels: dict[Key, tuple[int, int]] = {}  # TLP, PAP: the strictest
        self.origins: dict[Key, set[str]] = defaultdict(set)
        self.knowledge = Knowledge()

    def seen(self, row: dict[str, Any], peer: str | None) -> None:
        """One finding (a row of FINDING_SCHEMA) of ours or of a peer's."""
        key = (row["type"], row["value"])
        if row["type"] in LEFT_OUT:
            return
        self.book.item(key, first=row["first_seen"], last=row["last_seen"], peer=peer)
        sides = self.sides[key]
        sides[row["side"]] = min(sides.get(row["side"], row["first_seen"]), row["first_seen"])
        self.sectors[key] += [sector for sector in row["sectors"] if sector not in self.sectors[key]]
        tlp, pap = self.levels.get(key, (0, 0))
        self.levels[key] = max(tlp, int(row["tlp"])), max(pap, int(row["pap"]))
        if peer is not None:
            self.origins[key].add(peer)


def gather(node: Node) -> Known:
    """Read all of it. The lake is read in one snapshot."""
    known, keys = Known(), node.store.indicators.keys()
    with node.lake.reading() as session:
        own = own_sightings(node, session, keys)
        for table in (candidate_table(session, node_screens(node)), own):
            for row in table.to_pylist():
                known.seen(row, None)
        for one in _told(node):
            known.seen(_row(one), one.origin)
            _told_place(known, one)
        _overlap(node, known)
        _indicators(known, keys)
        read_knowledge(node, known.book, keys, known.knowledge)
        _records(node, known, session)
    _hits(node, known)
    for key, sectors in known.sectors.items():
        if 1 < len(sectors) <= MANY_SECTORS:
            known.book.link(key, Kind.SECTORS, ", ".join(sorted(sectors)))
    return known


def _records(node: Node, known: Known, session: LakeSession) -> None:
    book = known.book
    if not len(book):
        return
    for key, kind, text in lake_links(session, book.keys()):
        book.link(key, kind, text)
    book.from_values(registered_domain, lambda values: networks_of(node.geography, values))
    fingerprints = {
        (kind.value, text)
        for kind in (Kind.JA3, Kind.JA4, Kind.HASSH, Kind.CERTIFICATE)
        for text in book.features(kind)
    }
    for kind, text, sharers in lake_background(session, book.features(Kind.ADDRESS), fingerprints):
        book.background(kind, text, sharers)
    for key, place in _places(session, book.keys()):
        known.places[key].append(place)


def networks_of(geography: Geography, addresses: list[str]) -> Iterable[int | None]:
    """The AS of each address, None where unknown."""
    halves = np.array([address_halves(address) for address in addresses], np.int64).reshape(-1, 2)
    return geography.lookup_many(halves[:, 1], halves[:, 0])[1]


def _places(session: LakeSession, keys: list[Key]) -> Iterator[tuple[Key, Place]]:
    """Where our sensors met the values: alarms, and every record of what an indicator names is judged by ``match``."""
    # ``camp_items`` was registered with the links
    met = session.sql(
        "SELECT i.number, r.side, r.sector, min(r.first) AS first, max(r.last) AS last "
        f"FROM {session.rollup(0)} AS r JOIN camp_items i ON r.type = i.type AND coalesce(r.high, 0) = i.h "
        "AND coalesce(r.low, 0) = i.l AND CASE WHEN r.type = 'url' THEN split_part(r.value, '?', 1) "
        "ELSE coalesce(r.value, '') END = i.v WHERE r.role <> 'own' GROUP BY i.number, r.side, r.sector"
    )
    for row in met.to_pylist():
        yield keys[row["number"]], Place(row["side"], row["sector"], row["first"], row["last"])


def _told(node: Node) -> Iterator[SightingSummary]:
    after: int | None = 0
    while after is not None:
        page = node.store.sightings.list(WHOLE_NODE, after=after, limit=PAGE)
        yield from (item for item in page.items if item.origin is not None and item.count > 0)  # 0: withdrawn
        after = page.next


def _row(one: SightingSummary) -> dict[str, Any]:
    return {
        "type": one.type.value,
        "value": one.value,
        "side": one.side,
        "first_seen": one.first_seen,
        "last_seen": one.last_seen,
        "sectors": one.sectors,
        "tlp": one.tlp,
        "pap": one.pap,
    }


def _told_place(known: Known, one: SightingSummary) -> None:
    """A peer says when it first saw a value and in which sectors in order, so only the first sector has a moment."""
    if one.sectors and one.type.value not in LEFT_OUT:
        place = Place(one.side, one.sectors[0], one.first_seen, one.last_seen)
        known.places[one.type.value, one.value].append(place)


def _overlap(node: Node, known: Known) -> None:
    """Values that a comparison found on both sides are known to us and to the peer, whoever may speak of them."""
    for peer in node.store.peers.list():
        after: int | None = 0
        while after is not None:
            page = node.store.overlaps.list(peer.code_name, after=after, limit=PAGE)
            for item in page.items:
                key = (item.type.value, item.value)
                if key in known.book:
                    known.book.item(key, first=item.found_at, last=item.found_at)
            after = page.next


def _indicators(known: Known, keys: pa.Table) -> None:
    """The campaigns that indicators name, in the words of whom they came from; and their markings."""
    columns = (keys[name].to_pylist() for name in ("type", "value", "campaign", "origin", "tlp", "pap"))
    for type, value, campaign, origin, tlp, pap in zip(*columns, strict=True):
        key = (type, value)
        if key not in known.book:
            continue
        if campaign:
            known.book.link(key, Kind.LABEL, campaign, peer=origin)
            held = known.levels.get(key, (0, 0))
            known.levels[key] = max(held[0], tlp), max(held[1], pap)
            if origin is not None:
                known.origins[key].add(origin)


def _hits(node: Node, known: Known) -> None:
    for one in node.store.hits.totals():
        key = (one.type.value, one.value)
        if key in known.book:
            known.places[key].append(Place(one.side, one.sector, one.first_seen, one.last_seen))
