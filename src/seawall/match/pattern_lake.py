"""A STIX pattern against the lake: each row is one observation, made at one moment (STIX 2.1 sections 4.14 and 9).

Steps: (1) SQL finds the rows that pass any ``[...]``, with one bit for each that they pass; (2) of neighbours in time
that pass the same, only the first and last few are kept, which loses no answer as long as no WITHIN stands inside;
(3) ``pattern.Search`` looks for a choice among them. A WITHIN around the whole is a window over all rows, and only
windows that hold enough of everything are searched. What would take too long ends with a sentence, never with a "no".
"""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa

from seawall.codec.pattern import Both, Comparison, Node, Observation, PatternError, Qualified, parse
from seawall.codec.values import halves_address
from seawall.match.interface import LakeSession
from seawall.match.pattern import MAX_INSTANCES, Instant, Search, bounds, leaves, needed, required, too_costly
from seawall.match.pattern_sql import row_condition
from seawall.match.pattern_values import fits
from seawall.model import Fault

MAX_TESTS = 60  # different [...] of one pattern: bits of a signed 64-bit number, with room to spare
MAX_CANDIDATES = 20_000_000  # rows that pass something: 24 bytes each
MAX_WINDOWS = 10_000  # windows of a WITHIN searched one by one; the first good one ends it
MAX_NESTED = 2_000  # rows of a pattern with a WITHIN inside, which has to be tried from every row
MAX_EXAMPLES = 1_000  # rows shown of a pattern that matches many
MAX_SPELLINGS = 1_000_000  # different IPv6 addresses that are compared as text


class FoundInLake(msgspec.Struct, frozen=True):
    """Whether the pattern matches; rows by their event numbers, in order of time; how many rows pass each ``[...]``.

    ``events`` are one choice that satisfies the pattern; ``examples`` the first rows that match a pattern of a single
    ``[...]``, else that choice again.
    """

    matches: bool
    events: tuple[int, ...] = ()
    examples: tuple[int, ...] = ()
    passing: tuple[int, ...] = ()


class _Rows(msgspec.Struct, frozen=True):
    """Rows in order of time: event numbers, moments, and the tests that each passes."""

    events: np.ndarray[tuple[int], np.dtype[np.int64]]
    times: np.ndarray[tuple[int], np.dtype[np.int64]]
    masks: np.ndarray[tuple[int], np.dtype[np.int64]]

    def cut(self, which: slice | np.ndarray[tuple[int], np.dtype[np.bool_]]) -> _Rows:
        """Some of them."""
        return _Rows(self.events[which], self.times[which], self.masks[which])


def match_lake(
    session: LakeSession, pattern: str, *, since: int | None = None, examples: int = MAX_EXAMPLES
) -> FoundInLake:
    """Whether ``pattern`` matches the rows of the lake from ``since`` (microseconds UTC) on.

    Raises Fault E-MATCH-015 for a pattern that cannot be read, E-MATCH-016 for one that takes too long, E-MATCH-017 for
    a path that the lake does not hold, and E-MATCH-012 to E-MATCH-014 for comparisons that make no sense.
    """
    try:
        tree = parse(pattern, repeated_qualifiers=True)
    except PatternError as error:
        raise Fault("E-MATCH-015", "The pattern cannot be read: {reason}.", reason=error) from None
    brackets = list(leaves(tree))
    tests = list(dict.fromkeys(leaf.test for leaf in brackets))
    if len(tests) > MAX_TESTS:
        raise too_costly()
    rows = _candidates(session, tests, since)
    counts = [int(np.count_nonzero(rows.masks & (1 << place))) for place in range(len(tests))]
    chosen = _Matcher({test: 1 << place for place, test in enumerate(tests)}).find(tree, rows)
    passing = tuple(counts[tests.index(leaf.test)] for leaf in brackets)
    if chosen is None:
        return FoundInLake(matches=False, passing=passing)
    shown = rows.events[:examples].tolist() if isinstance(tree, Observation) else chosen[:examples]
    return FoundInLake(matches=True, events=tuple(chosen), examples=tuple(shown), passing=passing)


# -------------------------------------------------------------------------------------------------- (1) rows by SQL


def _candidates(session: LakeSession, tests: list[Node], since: int | None) -> _Rows:
    spelt = Spellings(session)
    bits, values = [], list[object]()
    for place, test in enumerate(tests):
        condition, bound = row_condition(test, spelt)
        bits.append(f"CASE WHEN {condition} THEN {1 << place:d}::BIGINT ELSE 0::BIGINT END")
        values += bound
    found = session.sql(
        f"SELECT event, time, mask FROM (SELECT event, time, {' | '.join(bits)} AS mask FROM {session.observations()} "
        f"AS o{f' WHERE time >= {since:d}' if since is not None else ''}) WHERE mask <> 0 ORDER BY time, event "
        f"LIMIT {MAX_CANDIDATES + 1:d}",
        values,
    )
    if found.num_rows > MAX_CANDIDATES:
        raise too_costly()
    columns = (found[name].to_numpy().astype(np.int64) for name in ("event", "time", "mask"))
    return _Rows(*columns)


class Spellings:
    """Tests of IPv6 addresses as text: each address that there is is spelt and asked once."""

    def __init__(self, session: LakeSession) -> None:
        self._session = session
        self._count = 0

    def __call__(self, end: str, test: Comparison) -> str:
        query = (
            f"SELECT DISTINCT {end}_high AS high, {end}_low AS low FROM {self._session.observations()} AS o "
            f"WHERE {end}_high IS NOT NULL AND NOT ({end}_high = 0 AND {end}_low BETWEEN 281470681743360 AND "
            f"281474976710655) LIMIT {MAX_SPELLINGS + 1:d}"
        )
        there = self._session.sql(query)
        if there.num_rows > MAX_SPELLINGS:
            raise too_costly()
        pairs = zip(there["high"].to_pylist(), there["low"].to_pylist(), strict=True)
        good = [pair for pair in pairs if fits(halves_address(*pair), test.operator, test.value)]
        if not good:
            return "false"
        name, self._count = f"spelt_{self._count:d}", self._count + 1
        table = pa.table({"high": [high for high, _ in good], "low": [low for _, low in good]})
        self._session.register(name, table)
        return f"EXISTS (SELECT 1 FROM {name} AS s WHERE s.high = {end}_high AND s.low = {end}_low)"


# ---------------------------------------------------------------------------------------- (2) fewer rows, (3) search


class _Matcher:
    """Finds one choice of rows that satisfies a pattern."""

    def __init__(self, bits: dict[Node, int]) -> None:
        self._bits = bits

    def find(self, tree: Node, rows: _Rows) -> list[int] | None:
        """Event numbers in order of time; None when there is no choice. Raises Fault E-MATCH-016."""
        if isinstance(tree, Both) and tree.word == "OR":
            return self._any(tree, rows)
        if isinstance(tree, Qualified) and tree.kind == "STARTSTOP":
            start, stop = bounds(tree)
            return self.find(tree.inner, rows.cut((rows.times >= start) & (rows.times < stop)))
        if not self._enough(tree, rows):
            return None
        if isinstance(tree, Qualified) and tree.kind == "WITHIN":
            return self._within(tree, rows)
        if _has_within(tree):
            return self._nested(tree, rows)
        return self._search(tree, rows.cut(_telling(rows, needed(tree), _edges(tree))))

    def _any(self, tree: Both, rows: _Rows) -> list[int] | None:
        """One alternative suffices; that another takes too long matters only when none does."""
        fault: Fault | None = None
        for part in tree.parts:
            try:
                if (found := self.find(part, rows)) is not None:
                    return found
            except Fault as costly:
                fault = costly
        if fault is not None:
            raise fault
        return None

    def _within(self, tree: Qualified, rows: _Rows) -> list[int] | None:
        """A choice whose earliest row begins the window: windows from every moment at which something was seen."""
        length = round(float(tree.first) * 1_000_000)
        starts = np.unique(rows.times, return_index=True)[1]
        limits = np.minimum(rows.times[starts].astype(np.float64) + length, float(np.iinfo(np.int64).max // 2))
        ends = np.searchsorted(rows.times, limits.astype(np.int64), side="right")
        good = np.ones(len(starts), dtype=bool)
        for test, count in required(tree.inner).items():
            total = np.concatenate(([0], np.cumsum((rows.masks & self._bits[test]) != 0)))
            good &= total[ends] - total[starts] >= count
        windows = list(zip(starts[good].tolist(), ends[good].tolist(), strict=True))
        for start, end in windows[:MAX_WINDOWS]:
            if (found := self.find(tree.inner, rows.cut(slice(start, end)))) is not None:
                return found
        if len(windows) > MAX_WINDOWS:
            raise too_costly()
        return None

    def _nested(self, tree: Node, rows: _Rows) -> list[int] | None:
        """A WITHIN stands inside: few rows are searched whole, many only for a yes."""
        if len(rows.times) <= MAX_NESTED:
            return self._search(tree, rows)
        some = rows.cut(_telling(rows, needed(tree), _edges(tree)))
        found = self._search(tree, some) if len(some.times) <= MAX_NESTED else None
        if found is None:
            raise too_costly()
        return found

    def _search(self, tree: Node, rows: _Rows) -> list[int] | None:
        if len(rows.times) > MAX_INSTANCES:
            raise too_costly()
        instances = [Instant(moment, moment) for moment in rows.times.tolist()]

        def passes(node: Observation) -> list[int]:
            return [int(place) for place in np.flatnonzero(rows.masks & self._bits[node.test])]

        chosen = Search(instances, passes)(tree)
        return None if chosen is None else [int(rows.events[place]) for place in sorted(chosen)]

    def _enough(self, tree: Node, rows: _Rows) -> bool:
        """Whether every test that must hold is passed by as many rows as it is asked for."""
        return all(
            int(np.count_nonzero(rows.masks & self._bits[test])) >= count for test, count in required(tree).items()
        )


def _has_within(node: Node) -> bool:
    if isinstance(node, Qualified):
        return node.kind == "WITHIN" or _has_within(node.inner)
    return isinstance(node, Both) and any(map(_has_within, node.parts))


def _edges(node: Node) -> list[int]:
    """Every START and STOP: what lies on two sides of one is not alike."""
    if isinstance(node, Qualified):
        return [*(bounds(node) if node.kind == "STARTSTOP" else ()), *_edges(node.inner)]
    return [edge for part in node.parts for edge in _edges(part)] if isinstance(node, Both) else []


def _telling(rows: _Rows, count: int, edges: list[int]) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Which rows are enough: of neighbours that pass the same tests, the first and the last ``count``.

    A choice takes at most ``count`` rows of such a run. Those at the run's last moment can be exchanged for its last
    rows, the others for its first ones: the order among all chosen rows stays.
    """
    size = len(rows.times)
    if size <= 2 * count:
        return np.ones(size, dtype=bool)
    begins = np.ones(size, dtype=bool)
    begins[1:] = rows.masks[1:] != rows.masks[:-1]
    for edge in edges:
        place = int(np.searchsorted(rows.times, edge, side="left"))
        if place < size:
            begins[place] = True
    starts = np.flatnonzero(begins)
    run = np.cumsum(begins) - 1
    ends = np.append(starts[1:], size)
    places = np.arange(size)
    keep: np.ndarray[tuple[int], np.dtype[np.bool_]] = (places - starts[run] < count) | (ends[run] - places <= count)
    return keep
