"""Which rows complete a STIX pattern: with rows before them, or of the same moment, they satisfy it.

For every expression each row gets one number: the latest moment at which a choice of rows may begin that ends with this
row. Later is always better, for WITHIN as for FOLLOWEDBY, so one number is enough, and every operator is a few passes
over columns. What this cannot see is whether one row would have to stand for two ``[...]`` at once; where that could
be, each row found is tried by ``pattern.Search``.

A row that completes a pattern goes on doing so whatever rows come later, which is what lets ``match`` look at new rows
and their surroundings only.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import reduce

import numpy as np

from seawall.codec.pattern import Both, Node, Observation, Qualified
from seawall.match.pattern import MAX_INSTANCES, MAX_STEPS, Instant, Search, bounds, leaves, too_costly
from seawall.model import Fault

Numbers = np.ndarray[tuple[int], np.dtype[np.int64]]
Flags = np.ndarray[tuple[int], np.dtype[np.bool_]]

NEVER = int(np.iinfo(np.int64).min)
LONGEST = 2**62  # microseconds: longer than any two rows lie apart
MAX_TRIED = 2_000  # rows tried one by one, of one pattern and side in one run


def span(node: Node) -> int | None:
    """How far apart, in microseconds, the rows of a choice can lie at most; None: as far as they like."""
    if isinstance(node, Observation):
        return 0
    if isinstance(node, Both):
        parts = [span(part) for part in node.parts]
        known = [part for part in parts if part is not None]
        return max(known) if node.word == "OR" and len(known) == len(parts) else None
    if not isinstance(node, Qualified):
        return None
    inner = span(node.inner)
    if node.kind == "REPEATS":
        return inner if node.first == 1 else None
    if node.kind == "WITHIN":
        length = within(node)
    else:
        start, stop = bounds(node)
        length = max(0, stop - start)
    return length if inner is None else min(length, inner)


def within(node: Qualified) -> int:
    """The microseconds of a WITHIN."""
    return min(round(float(node.first) * 1_000_000), LONGEST)


def completions(tree: Node, bits: Mapping[Node, int], times: Numbers, masks: Numbers) -> Numbers:
    """The places of the rows that complete ``tree``.

    Rows stand in order of time; ``masks`` hold the bits of the tests that each passes. Raises Fault E-MATCH-016 when
    rows would have to be tried one by one and are too many, E-MATCH-018 for a repetition of no times.
    """
    begins = _Begins(bits, times, masks)
    found = np.flatnonzero(begins.of(tree, np.ones(len(times), dtype=bool)) != NEVER)
    if begins.exact:
        return found
    if len(found) > MAX_TRIED:
        raise too_costly()
    tried = _Tried(tree, bits, times, masks)
    return np.array([place for place in found.tolist() if tried(place)], dtype=np.int64)


class _Begins:
    """The latest beginnings, expression by expression. ``exact``: no row had to stand for two brackets."""

    def __init__(self, bits: Mapping[Node, int], times: Numbers, masks: Numbers) -> None:
        self.exact = True
        self._bits, self._times, self._masks = bits, times, masks

    def of(self, node: Node, allowed: Flags) -> Numbers:
        """For each row the latest beginning of a choice, among rows ``allowed``, that ends with it; or NEVER."""
        match node:
            case Observation():
                return np.where(allowed & self._passes(node), self._times, NEVER)
            case Both(word="OR"):
                return reduce(np.maximum, [self.of(part, allowed) for part in node.parts])
            case Both():
                return self._all(node, allowed)
            case Qualified(kind="REPEATS"):
                return self._repeated(node, allowed)
            case Qualified(kind="WITHIN"):
                found = self.of(node.inner, allowed)
                apart = self._times - np.where(found == NEVER, self._times, found)
                return np.where(apart <= within(node), found, NEVER)
            case Qualified():
                start, stop = bounds(node)
                return self.of(node.inner, allowed & (self._times >= start) & (self._times < stop))
        raise TypeError(f"{type(node).__name__} stands inside brackets")

    def _all(self, node: Both, allowed: Flags) -> Numbers:
        found, taken = self.of(node.parts[0], allowed), self._passes(node.parts[0])
        for part in node.parts[1:]:
            more, wanted = self.of(part, allowed), self._passes(part)
            self.exact &= not bool(np.any(allowed & taken & wanted))
            taken = taken | wanted
            so_far = np.maximum.accumulate(found)
            if node.word == "AND":
                found = np.maximum(np.minimum(found, np.maximum.accumulate(more)), np.minimum(so_far, more))
            else:  # all of the parts before have happened when this part begins
                before = np.searchsorted(self._times, more, side="right")
                found = np.where((more != NEVER) & (before > 0), so_far[before - 1], NEVER)
        return found

    def _repeated(self, node: Qualified, allowed: Flags) -> Numbers:
        times = int(node.first)
        if times == 0:
            raise Fault("E-MATCH-018", "The pattern asks for something to be repeated 0 times; ask for 1 or more.")
        found = self.of(node.inner, allowed)
        if times == 1:
            return found
        nothing = np.full(len(found), NEVER)
        if times > len(found):
            return nothing
        if not _single(node.inner):
            self.exact = False
            return found
        places = np.flatnonzero(found != NEVER)
        if len(places) >= times:
            nothing[places[times - 1 :]] = self._times[places[: len(places) - times + 1]]
        return nothing

    def _passes(self, node: Node) -> Flags:
        """Which rows pass any ``[...]`` of an expression."""
        wanted = reduce(int.__or__, (self._bits[leaf.test] for leaf in leaves(node)), 0)
        return np.asarray((self._masks & wanted) != 0)


class _Tried:
    """Whether one row completes a pattern, by a search among the rows that can stand with it."""

    def __init__(self, tree: Node, bits: Mapping[Node, int], times: Numbers, masks: Numbers) -> None:
        self._tree, self._bits, self._times, self._masks = tree, bits, times, masks
        self._reach = span(tree)
        self._steps = 0

    def __call__(self, place: int) -> bool:
        """Raises Fault E-MATCH-016 when all tries together take too long."""
        at = int(self._times[place])
        first = 0 if self._reach is None else int(np.searchsorted(self._times, at - self._reach, side="left"))
        last = int(np.searchsorted(self._times, at, side="right"))
        if last - first > MAX_INSTANCES:
            raise too_costly()
        masks = self._masks[first:last]

        def passes(node: Observation) -> list[int]:
            return [int(found) for found in np.flatnonzero(masks & self._bits[node.test])]

        search = Search([Instant(moment, moment) for moment in self._times[first:last].tolist()], passes)
        answer = search.ends_with(self._tree, place - first)
        self._steps += search.steps + last - first
        if self._steps > MAX_STEPS:
            raise too_costly()
        return answer


def _single(node: Node) -> bool:
    """Whether every choice for this expression is a single row."""
    if isinstance(node, Both):
        return node.word == "OR" and all(map(_single, node.parts))
    if isinstance(node, Qualified):
        return _single(node.inner) and (node.kind != "REPEATS" or node.first == 1)
    return isinstance(node, Observation)
