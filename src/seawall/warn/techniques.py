"""Ways of working, compared across sides: espionage and living off the land leave no value in common.

Two sequences of ATT&CK techniques are aligned locally (Smith, Waterman 1981): the best stretch in common, in order,
with gaps. Agreeing on a technique counts by how rare it is (``ln(sequences / those with it)``); a technique and a
sub-technique of it agree in part. The *similarity* is the alignment's score as a share of what the shorter sequence
scores with itself.

Whether that is more than chance is asked of unrelated sequences: of the same length, drawn from all techniques known
here by how often each occurs, in any order. ``p`` is the share of them that does as well; ``q`` corrects for how many
pairs were compared (Benjamini, Hochberg 1995). A match is possible, never proven: a hunt can confirm it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec
import numpy as np

from seawall.model.campaign import TechniqueSighting
from seawall.warn.lead import Interval, benjamini_hochberg, wilson
from seawall.warn.lead.intervals import Floats
from seawall.warn.techniques_pool import OFTEN, SOMETIMES

MAX_COMPARED = 3_000
"""Sequences compared with each other, the newest: 4.5 million pairs at most are looked at by what they share."""
MIN_COMMON = 3
"""Techniques that agree at least: two in common are common."""
MIN_SIMILARITY = 0.3
MOST_Q = 0.1
"""Of the matches told, about one in ten may be chance."""
DRAWS = 500
GAP, PART = 0.25, 0.6
"""A technique that only one of them used costs a quarter of an agreement of middling rarity; a technique and its
sub-technique agree to 60 %: reporters differ in how closely they name."""
FEW_IN_TAIL = 5
EULER = 0.5772156649
TOOL_IN_COMMON = 0.1  # added to the similarity for naming a tool alike; not part of p, since tools are not drawn


class Match(msgspec.Struct, frozen=True):
    """Two sequences that may be one actor's."""

    one: TechniqueSighting
    other: TechniqueSighting
    similarity: float  # 0 to 1
    common: tuple[str, ...]  # in order
    tools: tuple[str, ...]
    p: float  # share of unrelated sequences that do as well
    p_interval: Interval
    q: float


class Compared(msgspec.Struct, frozen=True):
    """All matches, and how often unrelated sequences would match."""

    sequences: int
    pairs: int  # across sides, each compared
    matches: tuple[Match, ...]
    draws: int  # unrelated sequences tried
    false_matches: int  # of these, how many would have been called a match by similarity alone
    false_match_rate: Interval | None  # None: nothing was compared
    known_techniques: int


class Rarity:
    """How telling each technique is, and how unrelated sequences are drawn."""

    def __init__(self, sequences: Iterable[Sequence[str]], sets: Iterable[Iterable[str]] = ()) -> None:
        """``sets``: what actors of imported knowledge use; with these and public reports chance is judged."""
        count: Counter[str] = Counter(dict.fromkeys(OFTEN, 3) | dict.fromkeys(SOMETIMES, 1))
        total = 12  # reports that name so many of them each
        for techniques in (*sequences, *sets):
            count.update(set(techniques))
            total += 1
        self._count, self._total = count, total
        self.names = sorted(count)
        weights = np.array([count[name] for name in self.names], np.float64)
        self._chances = weights / weights.sum()

    def weight(self, technique: str) -> float:
        """Between 0.2 and 4: what agreeing on it is worth."""
        return max(0.2, min(4.0, math.log((self._total + 1) / (self._count.get(technique, 0) + 0.5))))

    def unrelated(self, length: int, random: np.random.Generator) -> list[str]:
        """A sequence that nobody planned."""
        chosen = random.choice(len(self.names), min(length, len(self.names)), replace=False, p=self._chances)
        return [self.names[place] for place in chosen]


def align(one: Sequence[str], other: Sequence[str], rarity: Rarity) -> tuple[float, tuple[str, ...]]:
    """(similarity 0 to 1, the techniques in common in order)."""
    least = min(sum(map(rarity.weight, one)), sum(map(rarity.weight, other)))
    if not least:
        return 0.0, ()
    rows, columns = len(one) + 1, len(other) + 1
    score = [[0.0] * columns for _ in range(rows)]
    back: list[list[int]] = [[0] * columns for _ in range(rows)]  # 1: both, 2: skip one's, 3: skip other's
    best = (0.0, 0, 0)
    for i in range(1, rows):
        for j in range(1, columns):
            ways = (
                0.0,
                score[i - 1][j - 1] + _agreement(one[i - 1], other[j - 1], rarity),
                score[i - 1][j] - GAP,
                score[i][j - 1] - GAP,
            )
            back[i][j] = max(range(4), key=ways.__getitem__)
            score[i][j] = ways[back[i][j]]
            best = max(best, (score[i][j], i, j))
    return best[0] / least, _common(one, other, back, best[1], best[2])


def _agreement(one: str, other: str, rarity: Rarity) -> float:
    if one == other:
        return rarity.weight(one)
    if one.split(".")[0] == other.split(".")[0] and one.startswith("T"):
        return PART * min(rarity.weight(one), rarity.weight(other))
    return -2 * GAP


def _common(one: Sequence[str], other: Sequence[str], back: list[list[int]], i: int, j: int) -> tuple[str, ...]:
    found = []
    while i and j and back[i][j]:
        way = back[i][j]
        if way == 1 and one[i - 1].split(".")[0] == other[j - 1].split(".")[0]:
            found.append(max(one[i - 1], other[j - 1], key=len))
        i, j = i - (way in (1, 2)), j - (way in (1, 3))
    return tuple(reversed(found))


def compare(sightings: Sequence[TechniqueSighting], *, seed: int, actors: Iterable[Iterable[str]] = ()) -> Compared:
    """Possible matches between sequences of different sides, likeliest first; the same seed gives the same answer."""
    chosen = sorted(sightings, key=lambda one: (-one.last_seen, one.id))[:MAX_COMPARED]
    rarity = Rarity([one.sequence for one in chosen], actors)
    sets = [frozenset(name.split(".")[0] for name in one.sequence) for one in chosen]
    pairs, found = 0, []
    for place, one in enumerate(chosen):
        for before in range(place):
            other = chosen[before]
            if one.side == other.side:
                continue
            pairs += 1
            if len(sets[place] & sets[before]) < MIN_COMMON:
                continue
            similarity, common = align(one.sequence, other.sequence, rarity)
            if len(common) >= MIN_COMMON and similarity >= MIN_SIMILARITY:
                found.append((one, other, similarity, common))
    return _judged(chosen, found, pairs, rarity, seed)


def _judged(
    chosen: Sequence[TechniqueSighting],
    found: Sequence[tuple[TechniqueSighting, TechniqueSighting, float, tuple[str, ...]]],
    pairs: int,
    rarity: Rarity,
    seed: int,
) -> Compared:
    random = np.random.default_rng(seed)
    p_values, hits = [], []
    for one, other, similarity, _ in found:
        drawn = [align(one.sequence, rarity.unrelated(len(other.sequence), random), rarity)[0] for _ in range(DRAWS)]
        hits.append(sum(value >= similarity for value in drawn))
        p_values.append(_chance(similarity, np.array(drawn), hits[-1]))
    # pairs that share too little were compared too: their p is 1
    q_values = benjamini_hochberg([*p_values, *[1.0] * (pairs - len(found))])[: len(found)] if found else []
    matches = []
    for (one, other, similarity, common), p, as_good, q in zip(found, p_values, hits, q_values, strict=True):
        if q <= MOST_Q:
            tools = tuple(sorted({tool.lower() for tool in one.tools} & {tool.lower() for tool in other.tools}))
            first, second = sorted((one, other), key=lambda seen: (seen.first_seen, seen.id))
            similarity = min(1.0, similarity + TOOL_IN_COMMON * bool(tools))
            interval = wilson(as_good, DRAWS)
            matches.append(
                Match(first, second, round(similarity, 3), common, tools, round(p, 6), interval, round(q, 6))
            )
    false, draws = _false_matches(chosen, rarity, random) if pairs else (0, 0)
    return Compared(
        len(chosen),
        pairs,
        tuple(sorted(matches, key=lambda match: (match.q, -match.similarity, match.one.id, match.other.id))),
        draws,
        false,
        wilson(false, draws) if draws else None,
        len(rarity.names),
    )


def _chance(similarity: float, drawn: Floats, as_good: int) -> float:
    """The share of unrelated sequences that do as well."""
    counted = (as_good + 1) / (len(drawn) + 1)
    if as_good >= FEW_IN_TAIL:
        return counted
    scale = max(float(drawn.std()), 1e-3) * math.sqrt(6) / math.pi
    place = float(drawn.mean()) - EULER * scale
    return min(counted, -math.expm1(-math.exp(-(similarity - place) / scale)))


def _false_matches(chosen: Sequence[TechniqueSighting], rarity: Rarity, random: np.random.Generator) -> tuple[int, int]:
    """How many of ``DRAWS`` unrelated sequences, beside sequences seen here, pass the bounds of similarity."""
    false = 0
    for draw in range(DRAWS):
        seen = chosen[draw % len(chosen)]
        similarity, common = align(seen.sequence, rarity.unrelated(len(seen.sequence), random), rarity)
        false += len(common) >= MIN_COMMON and similarity >= MIN_SIMILARITY
    return false, DRAWS
