"""Sightings at once: what lines show the moment they are read, kept in the store until the lake tells the same.

line -> glimpse -> keys it meets -> tally -> (every FLUSH_SECONDS) store and warnings
commit -> the lake's hits take the place of what was counted for these lines
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable

import pyarrow as pa

from seawall.flow.node import Node
from seawall.flow.tail.hurry import Hurry
from seawall.flow.tail.latency import Latency
from seawall.flow.tail.storing import Slice, Stored
from seawall.flow.warning_at_once import WarningsAtOnce
from seawall.ingest.live import Block, Followed
from seawall.ingest.live.looking import Looker
from seawall.lake import LakeSession
from seawall.match.live import LiveKeys
from seawall.match.live_hits import held_run, hits_of
from seawall.match.tally import HeldSightings, Key, Seen, Tally, finding, joined, summary
from seawall.model import ObservableType, Unavailable

FLUSH_SECONDS = 0.2
KEYS_SECONDS = 0.5  # between looks at whether indicators have changed
COMMITTED_KEPT = 500_000  # sightings counted on top of the lake before it is read anew
RENEW_AT = 50_000  # changed keys, above which the whole table is read anew


class Seeing:
    """Looks at every block once. One thread uses it."""

    def __init__(self, node: Node, looker: Looker, session: LakeSession, hurry: Hurry) -> None:
        """``hurry`` hears of alarms."""
        self._node = node
        self._hurry = hurry
        self._looker = looker
        self._session = session
        self._change = 0
        self.keys = LiveKeys(self._all_keys())
        self._open: deque[Slice] = deque()
        self._settling: list[Slice] = []  # stored, and counted here until the lake can be read
        self._due = False  # to read the lake anew
        self._changed: set[Key] = set()
        self._read_anew()
        self._waiting: dict[float, int] = {}
        self._told: dict[Key, tuple[ObservableType, str, str]] = {}  # rows of ours in the store
        self._warnings = WarningsAtOnce(node, session)
        self._next_flush = self._next_keys = 0.0
        self.latency = Latency()
        self.seen: set[Key] = set()
        node.store.sightings.remove_own()

    @property
    def warned(self) -> int:
        """Warnings drawn at once."""
        return self._warnings.count

    def begin(self, one: Slice) -> None:
        """Another slice is filled from now on."""
        self._open.append(one)

    def look(self, block: Block, followed: Followed) -> None:
        """Count what the block's lines show into the slice that is being filled."""
        if not len(self.keys) and not self._hurry.wanted:
            return
        looked = self._looker.look(block, followed)
        self._hurry.look(looked)
        if not len(self.keys):
            return
        tally, keys, clocks = self._open[-1].seen, self.keys, self._held.clocks
        meet, with_cves = keys.meet, keys.has_cves
        found = 0
        for seen in looked.glimpses:
            numbers = meet(seen.src, seen.dst, seen.domain, seen.url, seen.others)
            if with_cves and (cves := self._looker.cves(seen, followed)):
                numbers += tuple({number for cve in cves for number in keys.text("cve", cve)})
            if not numbers:
                continue
            told = self._looker.circumstances(seen, followed)
            if told is None:
                continue
            numbers = keys.standing(numbers, told.time)
            moment = clocks.right(told.side, told.sensor, told.time)
            for number in numbers:
                tally.hit(number, told.side, moment, told.sector, told.sensor, told.basis)
                self._note(number, told.side)
            found += bool(numbers)
        for rows in looked.rows:
            hits = hits_of(keys, rows, 0)
            tally.take(hits, clocks)
            for number, side in set(zip(hits["indicator"].to_pylist(), hits["side"].to_pylist(), strict=True)):
                self._note(number, side)
            found += len(hits)
        if found:
            self._waiting[block.since] = self._waiting.get(block.since, 0) + found

    def flush(self, *, now: bool = False) -> None:
        """Put what has changed into the store and draw warnings, when it is time (or ``now``)."""
        moment = time.monotonic()
        if moment >= self._next_keys:
            self._next_keys = moment + KEYS_SECONDS
            self._refresh_keys()
        if not self._changed or (moment < self._next_flush and not now):
            return
        changed, self._changed = self._changed, set()
        self._put(changed)
        self._warnings.draw(self._findings({number for number, _ in changed}))
        done = time.monotonic()
        for since, count in self._waiting.items():
            self.latency.add(done - since, count)
        self._waiting = {}
        self._next_flush = done + FLUSH_SECONDS

    def stored(self, stored: Stored) -> None:
        """A slice is in the lake: what its lines showed is told from there now, or as soon as it can be read."""
        self._settling.append(self._open.popleft())
        self._due |= stored.anew or stored.run not in (None, self._run) or len(self._committed) > COMMITTED_KEPT
        if self._due:
            try:
                self._read_anew()
            except Unavailable:
                return
        elif len(stored.hits):
            for number in set(stored.hits["indicator"].to_pylist()):
                self._base(number)
            self._committed.take(stored.hits, self._held.clocks)
            for number, side in zip(*(stored.hits[name].to_pylist() for name in ("indicator", "side")), strict=True):
                self._sides[number].add(side)
        done = {key for one in self._settling for key in one.seen}
        self._settling = []
        waiting = {key for one in self._open for key in one.seen}
        self._changed &= waiting
        self._put(waiting & done)
        gone = [self._told.pop(key) for key in done if key not in waiting and key in self._told]
        if gone:
            self._node.store.sightings.remove_own(gone)

    def _put(self, keys: Iterable[Key]) -> None:
        rows = []
        keys = sorted(keys)
        self.keys.fetch(number for number, _ in keys)
        for key in keys:
            facts = self.keys.facts(key[0])
            if facts is not None and (seen := self._whole(key)) is not None:
                told = summary(facts, key[1], seen)
                rows.append(told)
                self._told[key] = (told.type, told.value, told.side)
                self.seen.add(key)
        if rows:
            self._node.store.sightings.put(rows)

    def _findings(self, numbers: set[int]) -> list[dict[str, object]]:
        """What is known of these indicators on every side."""
        made = []
        for number in sorted(numbers):
            facts = self.keys.facts(number)
            if facts is None:  # withdrawn a moment ago
                continue
            for side in sorted(self._sides[number]):
                if (seen := self._whole((number, side))) is not None:
                    made.append(finding(facts, side, seen))
        return made

    def _whole(self, key: Key) -> Seen | None:
        """One sighting: what the lake tells, and what waits."""
        self._base(key[0])
        parts = [self._committed.get(key), *(one.seen.get(key) for one in (*self._settling, *self._open))]
        return joined(part for part in parts if part is not None)

    def _base(self, number: int) -> None:
        """Begin with what the lake told of an indicator when it was read."""
        if number not in self._sides:
            held = self._held.of(number)
            self._sides[number] = set(held)
            for side, seen in held.items():
                self._committed[(number, side)] = seen

    def _note(self, number: int, side: str) -> None:
        self._base(number)
        self._sides[number].add(side)
        self._changed.add((number, side))

    def _read_anew(self) -> None:
        """Somebody else has matched meanwhile, or much has gathered: the lake knows it all."""
        with self._node.lake.reading() as reading:
            self._held, self._run = HeldSightings(reading), held_run(reading)
        self._due = False
        self._committed = Tally()
        self._sides: dict[int, set[str]] = {}  # of the indicators in ``_committed``
        for one in self._open:
            for number, side in one.seen:
                self._base(number)
                self._sides[number].add(side)

    def _refresh_keys(self) -> None:
        indicators = self._node.store.indicators
        change = indicators.change()
        if change == self._change:
            return
        changed = indicators.keys(self._change)
        if len(changed) <= RENEW_AT:
            self.keys.update(changed)
            self._change = change
        if len(changed) > RENEW_AT or len(self.keys) != sum(indicators.count_by_type().values()):  # some were withdrawn
            self.keys = LiveKeys(self._all_keys())

    def _all_keys(self) -> pa.Table:
        self._change = self._node.store.indicators.change()
        return self._node.store.indicators.keys()
