"""A STIX pattern against observed data (STIX 2.1 section 9): is there a choice of observations that satisfies it?

Steps: (1) which observations pass each ``[...]``, (2) a search for distinct observations, one for each ``[...]`` (and
each repetition), within the times that the qualifiers allow. An observation that was made n times counts n times.
An interval ``first_observed`` to ``last_observed`` stands for any moment in it, so what could have been counts.
"""

from __future__ import annotations

import base64
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import combinations, islice
from typing import Protocol

import msgspec

from seawall.codec.pattern import Both, Comparison, Node, Observation, Path, PatternError, Qualified, parse
from seawall.codec.pattern.tree import STAR
from seawall.match.observed import Observed
from seawall.match.pattern_values import fits
from seawall.model import Fault, to_microseconds
from seawall.model.moments import parse_moment

MAX_INSTANCES = 10_000  # observations, repeated ones counted as often; a pattern that needs more is a statistic
MAX_STEPS = 1_000_000  # choices tried: seconds; only contradictory repetitions need more
PLACES_OF_A_STEP = 64  # observations gone through in the time of one step
MAX_REPETITIONS = 200  # of a compound expression: each is one level of the search
MAX_REFERENCES = 16  # references followed one after the other in a path


class Found(msgspec.Struct, frozen=True):
    """Whether the pattern matches, and the ids of one choice of observations that satisfies it."""

    matches: bool
    observed: tuple[str, ...] = ()


def match_pattern(pattern: str, observed: list[Observed]) -> Found:
    """Whether ``pattern`` matches ``observed``.

    Raises Fault E-MATCH-015 for a pattern that cannot be read, E-MATCH-016 for a search that takes too long, and
    E-MATCH-012 to E-MATCH-014 for comparisons that make no sense.
    """
    try:
        tree = parse(pattern, repeated_qualifiers=True)
    except PatternError as error:
        raise Fault("E-MATCH-015", "The pattern cannot be read: {reason}.", reason=error) from None
    instances = _instances(tree, observed)
    chosen = Search(instances, lambda node: [place for place, one in enumerate(instances) if _roots(node.test, one)])(
        tree
    )
    if chosen is None:
        return Found(matches=False)
    ids = (instances[place].id for place in sorted(chosen))
    return Found(matches=True, observed=tuple(dict.fromkeys(name for name in ids if name is not None)))


def needed(node: Node) -> int:
    """How many observations, at most, a choice for this expression holds."""
    if isinstance(node, Both):
        return sum(needed(part) for part in node.parts)
    if isinstance(node, Qualified):
        return needed(node.inner) * (int(node.first) if node.kind == "REPEATS" else 1)
    return 1


def required(node: Node) -> Counter[Node]:
    """How often the test of each ``[...]`` must at least be passed."""
    if isinstance(node, Observation):
        return Counter({node.test: 1})
    if isinstance(node, Qualified):
        inner = required(node.inner)
        return Counter({test: n * int(node.first) for test, n in inner.items()}) if node.kind == "REPEATS" else inner
    if not isinstance(node, Both):
        return Counter()
    parts = [required(part) for part in node.parts]
    joined = parts[0]
    for part in parts[1:]:
        joined = joined & part if node.word == "OR" else joined + part
    return joined


def _instances(tree: Node, observed: list[Observed]) -> list[Observed]:
    """Observations in order of time, each as often as it was made and can be needed."""
    copies = needed(tree)
    counted = (
        one
        for one in sorted(observed, key=lambda one: (one.first, one.last))
        for _ in range(min(one.number, copies, MAX_INSTANCES))
    )
    instances = list(islice(counted, MAX_INSTANCES + 1))
    if len(instances) > MAX_INSTANCES:
        raise too_costly()
    return instances


class Timed(Protocol):
    """What a search knows of an observation: microseconds UTC."""

    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...


class Instant(msgspec.Struct, frozen=True):
    """An observation made at one moment, as every row of the lake is."""

    first: int
    last: int


class Search:
    """A search among observations in order of time. ``passes``: the places of those that pass one ``[...]``."""

    def __init__(self, instances: Sequence[Timed], passes: Callable[[Observation], list[int]]) -> None:
        self.instances = instances
        self._passes = passes
        self._passing: dict[Node, list[int]] = {}
        self.steps = 0
        self._instants = all(one.first == one.last for one in instances)

    def __call__(self, tree: Node) -> frozenset[int] | None:
        """The places of one choice that satisfies the pattern; None when there is none. Raises Fault E-MATCH-016."""
        for leaf in leaves(tree):
            self._pass(leaf)
        if any(len(self._passing[test]) < count for test, count in required(tree).items()):
            return None
        return next(self.bind(tree, frozenset(), frozenset(range(len(self.instances)))), None)

    def ends_with(self, tree: Node, place: int) -> bool:
        """Whether some choice that satisfies the pattern holds this place. Raises Fault E-MATCH-016."""
        for leaf in leaves(tree):
            self._pass(leaf)
        if any(len(self._passing[test]) < count for test, count in required(tree).items()):
            return False
        return any(place in choice for choice in self.bind(tree, frozenset(), frozenset(range(len(self.instances)))))

    def _spend(self, places: int = 0) -> None:
        """One step, and what going through so many places costs. Raises Fault E-MATCH-016."""
        self.steps += 1 + places // PLACES_OF_A_STEP
        if self.steps > MAX_STEPS:
            raise too_costly()

    def bind(self, node: Node, used: frozenset[int], allowed: frozenset[int]) -> Iterator[frozenset[int]]:
        """Every choice of instances, none of ``used`` and all of ``allowed``, that satisfies the expression."""
        self._spend()
        match node:
            case Observation():
                for place in self._pass(node):
                    if place in allowed and place not in used:
                        yield frozenset((place,))
            case Both(word="OR"):
                for part in node.parts:
                    yield from self.bind(part, used, allowed)
            case Both():
                yield from self._all(node.parts, frozenset(), used, allowed, ordered=node.word == "FOLLOWEDBY")
            case Qualified(kind="REPEATS"):
                yield from self._repeated(node.inner, int(node.first), used, allowed)
            case Qualified(kind="WITHIN"):
                yield from self._within(node, used, allowed)
            case Qualified():
                start, stop = bounds(node)
                self._spend(len(allowed))
                fitting = (p for p in allowed if self.instances[p].last >= start and self.instances[p].first < stop)
                yield from self.bind(node.inner, used, frozenset(fitting))

    def _all(
        self, parts: tuple[Node, ...], chosen: frozenset[int], used: frozenset[int], allowed: frozenset[int], *,
        ordered: bool,
    ) -> Iterator[frozenset[int]]:  # fmt: skip
        """Choices for all parts, distinct; ``ordered``: none of a part before the latest of the parts before it."""
        if not parts:
            yield chosen
            return
        if ordered and chosen:
            self._spend(len(allowed))
            latest = max(self.instances[place].first for place in chosen)
            allowed = frozenset(place for place in allowed if self.instances[place].last >= latest)
        for more in self.bind(parts[0], used | chosen, allowed):
            yield from self._all(parts[1:], chosen | more, used, allowed, ordered=ordered)

    def _repeated(
        self, inner: Node, times: int, used: frozenset[int], allowed: frozenset[int]
    ) -> Iterator[frozenset[int]]:
        if times > len(allowed):
            return
        if isinstance(inner, Observation):
            free = [place for place in self._pass(inner) if place in allowed and place not in used]
            for choice in combinations(free, times):
                self._spend(times)
                yield frozenset(choice)
            return
        if times > MAX_REPETITIONS:
            raise too_costly()
        yield from self._all((inner,) * times, frozenset(), used, allowed, ordered=False)

    def _within(self, node: Qualified, used: frozenset[int], allowed: frozenset[int]) -> Iterator[frozenset[int]]:
        """Choices that some window of this length touches: it may begin where one of its observations ends."""
        length = round(float(node.first) * 1_000_000)
        places = sorted(allowed)
        firsts = [self.instances[place].first for place in places]
        wanted = [(self._passing[test], count) for test, count in required(node.inner).items()]
        for start in sorted({self.instances[place].last for place in places}):
            low = bisect_left(firsts, start) if self._instants else 0
            window = places[low : bisect_right(firsts, start + length)]
            if not window or any(_between(passing, window[0], window[-1]) < count for passing, count in wanted):
                continue
            self._spend(len(window))
            if not self._instants:
                window = [place for place in window if self.instances[place].last >= start]
            yield from self.bind(node.inner, used, frozenset(window))

    def _pass(self, node: Observation) -> list[int]:
        """Which instances pass the test of one ``[...]``."""
        if (held := self._passing.get(node.test)) is None:
            held = self._passes(node)
            self._passing[node.test] = held
        return held


def leaves(node: Node) -> Iterator[Observation]:
    """Every ``[...]`` of a pattern, from left to right."""
    if isinstance(node, Observation):
        yield node
    elif isinstance(node, Both):
        for part in node.parts:
            yield from leaves(part)
    elif isinstance(node, Qualified):
        yield from leaves(node.inner)


def _between(passing: list[int], first: int, last: int) -> int:
    """How many of the places lie from ``first`` to ``last``."""
    return bisect_right(passing, last) - bisect_left(passing, first)


def _roots(test: Node, observed: Observed) -> frozenset[str]:
    """The objects of one observation for which a test is true; AND must hold for one and the same object."""
    if isinstance(test, Both):
        sets = [_roots(part, observed) for part in test.parts]
        return frozenset.union(*sets) if test.word == "OR" else frozenset.intersection(*sets)
    if not isinstance(test, Comparison):
        raise TypeError(f"{type(test).__name__} does not stand inside brackets")
    return frozenset(name for name in observed.roots if _holds(test, observed, observed.scos[name]))


def _holds(test: Comparison, observed: Observed, sco: Mapping[str, object]) -> bool:
    if sco.get("type") != test.path.type:
        return False
    values = _values(sco, test.path, observed)
    if test.operator == "EXISTS":
        return (next(values, None) is not None) != test.negated
    return any(fits(value, test.operator, test.value) != test.negated for value in values)


def _values(sco: object, path: Path, observed: Observed) -> Iterator[object]:
    """What stands at a path: references followed, ``[*]`` for every member, ``_hex`` and ``_bin`` decoded."""
    held: list[object] = [sco]
    name, followed = "", 0
    for place, step in enumerate(path.steps):
        if isinstance(step, int):
            held = [part[step] for part in held if isinstance(part, list) and step < len(part)]
        elif step == STAR and name and all(isinstance(part, list) for part in held):
            held = [member for part in held if isinstance(part, list) for member in part]
        else:
            name = step
            held = [part[step] for part in held if isinstance(part, dict) and step in part]
        if name.endswith(("_ref", "_refs")) and place + 1 < len(path.steps) and followed < MAX_REFERENCES:
            followed += 1
            held = [observed.scos.get(part, part) if isinstance(part, str) else part for part in held]
        held = list({id(part): part for part in held}.values())  # many references may lead to one object
    for value in held:
        if isinstance(value, str) and name.endswith("_hex"):
            yield from _decoded(bytes.fromhex, value)
        elif isinstance(value, str) and name.endswith("_bin"):
            yield from _decoded(partial(base64.b64decode, validate=True), value)
        else:
            yield value


def _decoded(decode: Callable[[str], bytes], value: str) -> Iterator[bytes]:
    try:
        yield decode(value)
    except ValueError:  # binascii.Error is one
        return


def bounds(node: Qualified) -> tuple[int, int]:
    """START and STOP in microseconds UTC; STOP itself lies outside."""
    return _microseconds(str(node.first)), _microseconds(str(node.second))


def _microseconds(text: str) -> int:
    return to_microseconds(parse_moment(text))


def too_costly() -> Fault:
    """The bound of every search."""
    return Fault("E-MATCH-016", "The pattern leaves too many choices among these observations; narrow it or them.")
