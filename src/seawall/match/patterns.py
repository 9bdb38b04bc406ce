"""Indicators whose pattern is more than a list of values, met with the rows of the lake.

An event hits such an indicator when it completes the pattern: with rows of its own side that came before it, or at the
same moment, it satisfies it. For a single ``[...]`` that is every row which passes it.

1. New rows are scanned once for as many patterns as fit one number of bits; a pattern of which nothing new passes
   anything is done.
2. Where the pattern takes several rows, what lies around the new ones, as far as its WITHIN reaches, is scanned too.
3. ``completions`` says which rows complete it; those become hits.

Patterns come from strangers, so the work of one run has a bound. What does not fit waits for the next run, what never
fits or cannot be asked of the lake is named, and both are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.codec.pattern import Node, PatternError, parse
from seawall.match.completions import completions, span
from seawall.match.hits import FOUND
from seawall.match.interface import LakeSession
from seawall.match.keys import EVERLASTING
from seawall.match.pattern import leaves, too_costly
from seawall.match.pattern_lake import MAX_TESTS, Spellings
from seawall.match.pattern_sql import Sql, row_condition
from seawall.match.report import MatchOptions, MatchState, PatternCounts
from seawall.model import Fault, ObservableType

PATTERN = ObservableType.PATTERN.value
MAX_WORK = 2_000_000_000  # rows x brackets in one run: two to four minutes of one core
MAX_ROWS = 5_000_000  # that pass some bracket of one pattern: 200 bytes each on disk, 24 in memory
MAX_HITS = 1_000_000  # of one pattern in one run: what more rows complete is ordinary traffic
MAX_PROBLEMS = 20  # patterns named; all are counted
MAX_DAYS = 400  # asked for by name; more are all
DAY = 86_400_000_000  # microseconds
_ROWS, _COMPLETED = "match_pattern_rows", "match_pattern_completed"


class Behind(msgspec.Struct):
    """What patterns have not met yet. ``numbers``: by key, the generation up to which they have met the rows."""

    counts: PatternCounts = PatternCounts()
    numbers: dict[int, int] = {}
    waiting: tuple[int, ...] = ()  # those of them that only want of time kept back: the next run goes on
    problems: tuple[str, ...] = ()


class _Pattern(msgspec.Struct, frozen=True):
    number: int
    name: str
    until: int
    tree: Node
    tests: tuple[Node, ...]
    reach: int | None


def apart(keys: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The keys that are values, and those that are patterns."""
    complex = pc.equal(keys["type"].cast(pa.string()), PATTERN)
    if not pc.any(complex).as_py():
        return keys, keys.slice(0, 0)
    return keys.filter(pc.invert(complex)), keys.filter(complex)


def not_asked(keys: pa.Table, done: MatchState, sentence: str) -> Behind:
    """What is told when no pattern can be evaluated at all."""
    bases = {number: _base(number, done) for number in keys["number"].to_pylist()}
    return Behind(PatternCounts(0, len(bases)), bases, (), (sentence,) if bases else ())


def meet_patterns(session: LakeSession, keys: pa.Table, done: MatchState, options: MatchOptions, run: int) -> Behind:
    """Add to ``match_found`` every row that completes a pattern and had not met it before."""
    if not keys.num_rows:
        return Behind()
    work = _Work(session, options, run)
    groups: dict[tuple[bool, int], list[_Pattern]] = {}
    for pattern in work.readable(keys):
        refused = pattern.number in done.behind and pattern.number not in done.waiting
        groups.setdefault((refused, -_base(pattern.number, done)), []).append(pattern)
    for key in sorted(groups):  # those that are up to date first: they cost least; those that were refused last
        work.meet(groups[key], -key[1])
    left = {number: _base(number, done) for number in (*work.refused, *work.waiting)}
    told = [f"{name}: {sentence}" for name, sentence in work.refused.values()]
    told += [f"{name}: there was no time left in this run; the next one goes on" for name in work.waiting.values()]
    more = (f"{len(told) - MAX_PROBLEMS} more patterns were left out",) if len(told) > MAX_PROBLEMS else ()
    counts = PatternCounts(keys.num_rows - len(left), len(left))
    return Behind(counts, left, tuple(work.waiting), (*told[:MAX_PROBLEMS], *more))


def _base(number: int, done: MatchState) -> int:
    """The generation up to which a pattern has met the rows; 0: none of them."""
    return done.behind.get(number, done.generation if number <= done.last_number else 0)


class _Work:
    """One run: what is left of its work, and what was left out, by number: (indicator, why)."""

    def __init__(self, session: LakeSession, options: MatchOptions, run: int) -> None:
        self.refused: dict[int, tuple[str, str]] = {}
        self.waiting: dict[int, str] = {}
        self._session, self._since, self._run = session, options.since, run
        self._left = MAX_WORK
        self._spelt = Spellings(session)
        self._conditions: dict[Node, Sql] = {}

    def readable(self, keys: pa.Table) -> Iterable[_Pattern]:
        """The patterns that can be asked of the lake; the others are refused with their reason."""
        names = keys["indicator_id"] if "indicator_id" in keys.column_names else keys["number"]
        untils = keys["valid_until"] if "valid_until" in keys.column_names else pa.nulls(keys.num_rows, pa.int64())
        columns = (column.to_pylist() for column in (keys["number"], names, untils, keys["value"]))
        for number, name, until, text in zip(*columns, strict=True):
            try:
                tree = parse(text, repeated_qualifiers=True)
                tests = tuple(dict.fromkeys(leaf.test for leaf in leaves(tree)))
                if len(tests) > MAX_TESTS:
                    raise too_costly()
                for test in tests:
                    self._condition(test)
            except (Fault, PatternError) as error:
                self.refused[number] = (str(name), str(error))
                continue
            yield _Pattern(number, str(name), EVERLASTING if until is None else until, tree, tests, span(tree))

    def meet(self, patterns: Sequence[_Pattern], base: int) -> None:
        """Evaluate patterns that have met the rows of generations up to ``base``."""
        relation = self._session.observations(base)
        rows = self._count(relation)
        for batch in _batches(patterns) if rows else ():
            affordable = [pattern for pattern in batch if self._afford(pattern, rows)]
            if affordable and not self._batch(affordable, relation, base):
                for pattern in affordable:  # one of them passes nearly everything: each on its own
                    if self._afford(pattern, rows) and not self._batch([pattern], relation, base):
                        self._refuse(pattern, too_costly())

    def _batch(self, batch: Sequence[_Pattern], relation: str, base: int) -> bool:
        """Scan once for several patterns, then meet each; False when too many rows pass."""
        bits = _bits(batch)
        if not self._scan(relation, bits):
            return False
        times, sides, masks, events = self._rows()
        apart: list[_Pattern] = []
        for pattern in batch:
            touched = (masks & _mask(pattern, bits)) != 0
            if not touched.any():
                continue
            if base and pattern.reach != 0:
                apart.append(pattern)
                continue
            self._keep(pattern, bits, times[touched], sides[touched], masks[touched], events[touched])
        fresh = {pattern.number: times[(masks & _mask(pattern, bits)) != 0] for pattern in apart}
        for pattern in apart:
            self._around(pattern, int(fresh[pattern.number].min()), int(fresh[pattern.number].max()))
        return True

    def _around(self, pattern: _Pattern, first: int, last: int) -> None:
        """A pattern of several rows: also those around the new ones, from ``first`` to ``last``, that it reaches."""
        relation = self._session.observations(0)
        if pattern.reach is not None:
            first, last = first - pattern.reach, last + pattern.reach
            days = range(first // DAY, last // DAY + 1)
            if len(days) <= MAX_DAYS:
                relation = self._session.observations(0, set(days) & self._session.days())
            relation = f"(SELECT * FROM {relation} AS o WHERE time >= {first:d} AND time <= {last:d})"
        if not self._afford(pattern, self._count(relation)):
            return
        bits = _bits([pattern])
        if not self._scan(relation, bits):
            self._refuse(pattern, too_costly())
            return
        times, sides, masks, events = self._rows()
        self._keep(pattern, bits, times, sides, masks, events)

    def _keep(
        self, pattern: _Pattern, bits: Mapping[Node, int], times: np.ndarray, sides: np.ndarray, masks: np.ndarray,
        events: np.ndarray,
    ) -> None:  # fmt: skip
        """Side by side, the rows that complete the pattern become hits."""
        found = []
        try:
            for side in np.unique(sides):
                here = sides == side
                found.append(events[here][completions(pattern.tree, bits, times[here], masks[here])])
        except Fault as fault:
            self._refuse(pattern, fault)
            return
        completed = np.concatenate(found)
        if len(completed) > MAX_HITS:
            self._refuse(pattern, too_costly())
            return
        self._session.register(_COMPLETED, pa.table({"event": completed}))
        self._session.sql(
            f"INSERT INTO {FOUND} SELECT r.event, {pattern.number:d}, '{PATTERN}', r.time, r.side, r.sector, r.sensor, "
            f"r.basis, {self._run:d} FROM {_ROWS} r SEMI JOIN {_COMPLETED} c ON c.event = r.event "
            f"WHERE r.time < {pattern.until:d}"
        )

    def _scan(self, relation: str, bits: Mapping[Node, int]) -> bool:
        """Fill ``match_pattern_rows`` with the rows that pass any test; False when there are too many."""
        values: list[object] = []
        parts = []
        for test, bit in bits.items():
            condition, bound = self._condition(test)
            parts.append(f"CASE WHEN {condition} THEN {bit:d}::BIGINT ELSE 0::BIGINT END")
            values += bound
        columns = "event, time, side, sector, sensor, basis"
        since = f" WHERE time >= {self._since:d}" if self._since is not None else ""
        self._session.sql(
            f"CREATE OR REPLACE TEMP TABLE {_ROWS} AS SELECT * FROM (SELECT {columns}, {' | '.join(parts)} AS mask "
            f"FROM {relation} AS o{since}) WHERE mask <> 0 LIMIT {MAX_ROWS + 1:d}",
            values,
        )
        return self._count(_ROWS) <= MAX_ROWS

    def _rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Times, sides as numbers, masks and events of what was found, in order of time."""
        found = self._session.sql(f"SELECT event, time, side, mask FROM {_ROWS} ORDER BY time, event")
        sides = pc.fill_null(found["side"], "").combine_chunks().dictionary_encode().indices
        times, masks, events = (found[name].to_numpy().astype(np.int64) for name in ("time", "mask", "event"))
        return times, sides.to_numpy(zero_copy_only=False), masks, events

    def _condition(self, test: Node) -> Sql:
        if test not in self._conditions:
            self._conditions[test] = row_condition(test, self._spelt)
        return self._conditions[test]

    def _afford(self, pattern: _Pattern, rows: int) -> bool:
        """Take a scan's work from what is left; False: the pattern waits, or is refused because it never fits."""
        cost = rows * len(pattern.tests)
        if cost > MAX_WORK:
            self._refuse(pattern, too_costly())
            return False
        if cost > self._left:
            self.waiting[pattern.number] = pattern.name
            return False
        self._left -= cost
        return True

    def _refuse(self, pattern: _Pattern, fault: Fault) -> None:
        self.refused[pattern.number] = (pattern.name, str(fault))

    def _count(self, relation: str) -> int:
        return int(self._session.sql(f"SELECT count(*) AS n FROM {relation} AS o")["n"][0].as_py())


def _batches(patterns: Sequence[_Pattern]) -> Iterable[list[_Pattern]]:
    """As many patterns at once as have bits together."""
    batch: list[_Pattern] = []
    for pattern in patterns:
        if batch and len(_bits([*batch, pattern])) > MAX_TESTS:
            yield batch
            batch = []
        batch.append(pattern)
    if batch:
        yield batch


def _bits(patterns: Sequence[_Pattern]) -> dict[Node, int]:
    """A bit for each different test."""
    tests = dict.fromkeys(test for pattern in patterns for test in pattern.tests)
    return {test: 1 << place for place, test in enumerate(tests)}


def _mask(pattern: _Pattern, bits: Mapping[Node, int]) -> int:
    return sum(bits[test] for test in pattern.tests)
