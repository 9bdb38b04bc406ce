"""What this node knows of who met what on which day: our own roll-up and hits, what peers told, what comparisons found.

Only candidates become predictions (DESIGN section 1): our own by the rule of ``match.candidates``; a peer's passed the
peer's rule, and here nothing that is ours or on a warninglist gets in. A told row is known from the day on which it was
told, a compared one from the day on which the comparison found it, so that an evaluation learns nothing early.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from seawall.flow.node import Node
from seawall.flow.screens import node_screens
from seawall.match import Screens, candidate_table, day_table
from seawall.model import Observable, ObservableType, SightingSummary, Tlp, Visibility
from seawall.model.overlap import RunState
from seawall.warn.predictors import Compared, History, history
from seawall.warn.predictors.history import DAY, US

Key = tuple[ObservableType, str]
OWN_TLP = Tlp.AMBER  # of what our own sensors found
PAGE = 10_000
MAX_OWN_VALUES = 1_000_000
MAX_PEER_VALUES = 500_000
"""Newest values of one peer that are looked at: a flood of one peer fills its own share of memory and no more."""
MAX_PEER_VICTIMS = 64
"""Sides and sectors that one peer may name; what goes beyond counts as one more."""
MAX_SECTORS = 8
"""Of one sighting; its sectors stand in order of arrival."""
MAX_SESSIONS = 1_000
BEYOND, COMPARED = "other", "compared"


@dataclass(frozen=True)
class Victim:
    """A side and sector of ours (``peer`` empty) or of a peer."""

    peer: str
    side: str
    sector: str

    @property
    def name(self) -> str:
        """As people read it."""
        place = f"{self.side}/{self.sector}" if self.side else self.sector
        return f"{self.peer}: {place}" if self.peer else place


@dataclass(frozen=True)
class Gathered:
    """A history with the names behind its numbers, and what stayed out of it."""

    past: History
    keys: list[Key]  # of each source
    victims: list[Victim]
    peers: list[str]  # of each party: "" for us
    compared: dict[int, Compared]  # by party
    last_day: int  # days since 1970-01-01 UTC, the last of the history
    left_out: dict[str, int] = field(default_factory=dict)

    def sides(self) -> set[str]:
        """Sides of our own victims."""
        return {victim.side for victim in self.victims if not victim.peer}

    def ours(self, side: str | None = None, sector: str | None = None) -> list[int]:
        """The numbers of our victims, of one side or sector."""
        return [
            number
            for number, victim in enumerate(self.victims)
            if not victim.peer and side in (None, victim.side) and sector in (None, victim.sector)
        ]


def gather(node: Node, *, days: int, seen: Visibility) -> Gathered:
    """The last ``days`` days up to the newest record that is not dated ahead, as far as ``seen`` may see it."""
    today = node.clock() // DAY
    collected = _Collector(today, node_screens(node))
    told = _told(node, seen)
    for peer, rows in told.items():
        collected.told(peer, rows)
    compared = {}
    for record in node.store.peers.list():
        if record.code_name not in seen.excluded_origins and seen.tlp_at_most >= OWN_TLP:
            collected.compared(record.code_name, node)
            if (sizes := _sizes(node, record.code_name)) is not None:
                compared[collected.party(record.code_name)] = sizes
    if seen.tlp_at_most >= OWN_TLP:
        collected.own(node)
    return collected.gathered(days, compared)


def _told(node: Node, seen: Visibility) -> dict[str, list[SightingSummary]]:
    """What each peer told, its newest values only."""
    found: dict[str, list[SightingSummary]] = {}
    after: int | None = 0
    while after is not None:
        page = node.store.sightings.list(seen, after=after, limit=PAGE)
        for one in page.items:
            if one.origin is not None and one.count > 0:
                found.setdefault(one.origin, []).append(one)
        found = {peer: rows[-MAX_PEER_VALUES:] for peer, rows in found.items()}
        after = page.next
    return found


def _sizes(node: Node, peer: str) -> Compared | None:
    """What each side put into comparisons in the newest epoch of each type, added up, and all that was found in common.

    The peer's size holds its padding, so its weight comes out a little low.
    """
    epochs: dict[ObservableType, str] = {}
    mine = theirs = 0
    for session in node.store.overlaps.sessions(peer, state=RunState.COMPLETE, limit=MAX_SESSIONS):
        if epochs.setdefault(session.type, session.epoch) == session.epoch:
            mine, theirs = mine + session.mine, theirs + session.theirs
    common = node.store.overlaps.count(peer)
    return Compared(max(mine, common), max(theirs, common), common) if epochs or common else None


class _Collector:
    """Rows as lists of numbers; values, victims and parties get their numbers as they come."""

    def __init__(self, today: int, screens: Screens) -> None:
        self._today = today
        self._screens = screens
        self._sources: dict[Key, int] = {}
        self._kept: dict[Key, bool] = {}
        self._victims: dict[Victim, int] = {}
        self._parties: dict[str, int] = {"": US}
        self._rows = tuple(array("q") for _ in range(5))  # source, victim, day, known, first moment
        self._left_out: dict[str, int] = {"screened": 0, "dated_ahead": 0}

    def party(self, peer: str) -> int:
        """The number of a peer; "" is us."""
        return self._parties.setdefault(peer, len(self._parties))

    def told(self, peer: str, rows: list[SightingSummary]) -> None:
        """A peer's sightings: a row on its first and on its last day for each sector."""
        for one in rows:
            key = one.type, one.value
            if not self._passes(key):
                continue
            heard = self._today if one.told_at is None else min(one.told_at // DAY, self._today)
            for moment in {one.first_seen, one.last_seen}:
                for sector in one.sectors[:MAX_SECTORS] or ("unknown",):
                    self._row(key, Victim(peer, one.side, sector), moment, heard)

    def compared(self, peer: str, node: Node) -> None:
        """Values that a comparison found to be held by both: the peer's row on the day on which it put them in."""
        for item in _common(node, peer):
            if self._passes((item[0], item[1])):
                self._row((item[0], item[1]), Victim(peer, "", COMPARED), item[2], item[3] // DAY)

    def own(self, node: Node) -> None:
        """Our candidates and what peers named, on the days on which the lake or the site's own systems met them."""
        hits = [one for one in node.store.hits.totals() if self._passes((one.type, one.value))]
        with node.lake.reading() as session:
            alarmed = candidate_table(session, self._screens).select(["type", "value"])
            named = set(self._sources)
            wanted = pa.concat_tables([alarmed.cast(_VALUES), _table(self._sources)]).slice(0, MAX_OWN_VALUES)
            days = day_table(session, wanted)
        candidates = set(zip(*(alarmed[name].to_pylist() for name in ("type", "value")), strict=True))
        columns = (days[name].to_pylist() for name in ("type", "value", "side", "sector", "first", "day", "hostile"))
        for kind, value, side, sector, first, day, hostile in zip(*columns, strict=True):
            key = ObservableType(kind), value
            if key in named or (hostile and (kind, value) in candidates):
                self._row(key, Victim("", side, sector), first, day)
        for one in hits:
            for moment in {one.first_seen, one.last_seen}:
                self._row((one.type, one.value), Victim("", one.side, one.sector), moment, moment // DAY)

    def gathered(self, days: int, compared: dict[int, Compared]) -> Gathered:
        """All rows of the last ``days`` days before and with the newest one."""
        source, victim, day, known, moment = (np.array(column, np.int64) for column in self._rows)
        last = int(day.max(initial=0)) or self._today
        first = last - days + 1
        party = [self.party(one.peer) for one in self._victims]
        past = history(
            len(self._sources), days, party, [source, victim, day - first, known - first, moment], begins=first * DAY
        )
        peers = sorted(self._parties, key=self._parties.__getitem__)
        return Gathered(past, list(self._sources), list(self._victims), peers, compared, last, self._left_out)

    def _passes(self, key: Key) -> bool:
        if key not in self._kept:
            value = Observable(*key)
            self._kept[key] = not self._screens.is_own(value) and self._screens.listed(value) is None
            self._left_out["screened"] += not self._kept[key]
        return self._kept[key]

    def _row(self, key: Key, victim: Victim, moment: int, known: int) -> None:
        day = moment // DAY
        if day > self._today:
            self._left_out["dated_ahead"] += 1
            return
        source = self._sources.setdefault(key, len(self._sources))
        for column, number in zip(self._rows, (source, self._victim(victim), day, known, moment), strict=True):
            column.append(number)

    def _victim(self, victim: Victim) -> int:
        number = self._victims.get(victim)
        if number is None:
            if victim.peer and sum(one.peer == victim.peer for one in self._victims) >= MAX_PEER_VICTIMS:
                victim = Victim(victim.peer, "", BEYOND)
            number = self._victims.setdefault(victim, len(self._victims))
            self.party(victim.peer)
        return number


_VALUES = pa.schema([("type", pa.string()), ("value", pa.string())])


def _table(keys: dict[Key, int]) -> pa.Table:
    columns = [[kind.value for kind, _ in keys], [value for _, value in keys]]
    return pa.Table.from_arrays([pa.array(column, pa.string()) for column in columns], schema=_VALUES)


def _common(node: Node, peer: str) -> Iterator[tuple[ObservableType, str, int, int]]:
    """(type, value, when they put it into a comparison, when it was found), the newest."""
    after: int | None = 0
    held = node.store.overlaps.count(peer)
    while after is not None:
        page = node.store.overlaps.list(peer, after=after, limit=PAGE)
        for item in page.items:
            held -= 1
            if held < MAX_PEER_VALUES:
                yield item.type, item.value, item.theirs_said, item.found_at
        after = page.next
