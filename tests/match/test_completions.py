"""Rows that complete a pattern: the same rows that a search among all choices finds."""

from __future__ import annotations

import random
from functools import partial

import numpy as np
import pytest

from counting import calls
from seawall.codec.pattern import Comparison, Observation, parse
from seawall.match.completions import completions, span
from seawall.match.pattern import Instant, Search, leaves
from seawall.model import Fault

SECOND = 1_000_000
LETTERS = "abc"


def some_pattern(chance: random.Random, depth: int = 2) -> str:
    """A pattern of few brackets, with every operator and qualifier."""
    kind = chance.randrange(7) if depth else 0
    if kind == 0:
        return f"[x:{chance.choice(LETTERS)} = 1]"
    if kind <= 3:
        word = (" AND ", " OR ", " FOLLOWEDBY ")[kind - 1]
        return f"({word.join(some_pattern(chance, depth - 1) for _ in range(chance.choice((2, 2, 3))))})"
    inner = f"({some_pattern(chance, depth - 1)})"
    if kind == 4:
        return f"{inner} WITHIN {chance.choice((0, 1, 2, 5, 20))} SECONDS"
    if kind == 5:
        return f"{inner} REPEATS {chance.choice((1, 2, 3))} TIMES"
    start = chance.randrange(10)
    return f"{inner} START t'1970-01-01T00:00:{start:02d}Z' STOP t'1970-01-01T00:00:{start + 8:02d}Z'"


def bit(leaf: Observation) -> int:
    """The bit of a bracket: that of the letter it asks for."""
    assert isinstance(leaf.test, Comparison)
    return 1 << LETTERS.index(str(leaf.test.path.steps[0]))


def passing(masks: list[int], leaf: Observation) -> list[int]:
    """The places that pass a bracket."""
    return [place for place, mask in enumerate(masks) if mask & bit(leaf)]


def ask(pattern: str, moments: list[int], masks: list[int]) -> list[int]:
    """The places that complete it; bit 0 is the first letter's bracket."""
    tree = parse(pattern, repeated_qualifiers=True)
    bits = {leaf.test: bit(leaf) for leaf in leaves(tree)}
    return completions(tree, bits, np.array(moments, np.int64), np.array(masks, np.int64)).tolist()


def searched(pattern: str, moments: list[int], masks: list[int]) -> set[int]:
    """The same by search: some choice holds the row and no later moment."""
    tree = parse(pattern, repeated_qualifiers=True)
    found = set()
    for place, moment in enumerate(moments):
        upto = [Instant(at, at) for at in moments if at <= moment]
        search = Search(upto, partial(passing, masks[: len(upto)]))
        if search.ends_with(tree, place):
            found.add(place)
    return found


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("alone", [True, False], ids=["one bracket a row", "several"])
def test_the_same_rows_as_by_search(seed: int, alone: bool) -> None:
    """Hundreds of patterns over rows at different moments, each passing one bracket or several."""
    chance = random.Random(seed)
    for _ in range(120):
        pattern = some_pattern(chance)
        moments = sorted(chance.sample(range(24), chance.randrange(1, 9)))
        masks = [chance.choice((1, 2, 4) if alone else range(1, 8)) for _ in moments]
        times = [moment * SECOND for moment in moments]
        assert set(ask(pattern, times, masks)) == searched(pattern, times, masks), (pattern, moments, masks)


def test_rows_of_one_moment_complete_together_what_any_order_would() -> None:
    """Of rows at one moment nobody knows which came first: some of them completes what they complete together."""
    chance = random.Random(9)
    for _ in range(200):
        pattern = some_pattern(chance)
        times = sorted(chance.randrange(4) * SECOND for _ in range(chance.randrange(1, 8)))
        masks = [chance.randrange(1, 8) for _ in times]
        found, expected = ask(pattern, times, masks), searched(pattern, times, masks)
        assert set(found) <= expected
        assert {times[place] for place in found} == {times[place] for place in expected}, (pattern, times, masks)


def test_what_a_row_completes_it_completes_whatever_comes_later() -> None:
    """New rows only add completions, and none beyond the pattern's span from them."""
    chance = random.Random(3)
    for _ in range(200):
        pattern = some_pattern(chance)
        times = [moment * SECOND for moment in sorted(chance.sample(range(30), 8))]
        masks = [chance.choice((1, 2, 4)) for _ in times]
        missing = chance.randrange(8)
        fewer = [place for place in range(8) if place != missing]
        before = {times[fewer[p]] for p in ask(pattern, [times[p] for p in fewer], [masks[p] for p in fewer])}
        after = {times[place] for place in ask(pattern, times, masks)}
        assert before <= after
        if (reach := span(parse(pattern, repeated_qualifiers=True))) is not None:
            assert all(abs(moment - times[missing]) <= reach for moment in after - before)


@pytest.mark.parametrize(
    ("pattern", "seconds"),
    [
        ("[x:a = 1]", 0),
        ("[x:a = 1] OR [x:b = 1]", 0),
        ("[x:a = 1] FOLLOWEDBY [x:b = 1]", None),
        ("([x:a = 1] FOLLOWEDBY [x:b = 1]) WITHIN 5 SECONDS", 5),
        ("([x:a = 1] REPEATS 3 TIMES) WITHIN 2.5 SECONDS", 2.5),
        ("([x:a = 1] AND [x:b = 1]) START t'1970-01-01T00:00:00Z' STOP t'1970-01-01T00:01:00Z'", 60),
        ("([x:a = 1] AND [x:b = 1] WITHIN 5 SECONDS) OR ([x:c = 1] WITHIN 9 SECONDS)", None),
    ],
)
def test_the_span_bounds_every_choice(pattern: str, seconds: float | None) -> None:
    """What must be looked at around a new row."""
    reach = span(parse(pattern, repeated_qualifiers=True))
    assert reach == (None if seconds is None else round(seconds * SECOND))


def test_a_million_rows_are_columns() -> None:
    """No call for each row: a sequence within a minute among a million rows."""
    chance = np.random.default_rng(1)
    times = np.sort(chance.integers(0, 86_400 * SECOND, 1_000_000))
    masks = chance.integers(1, 3, 1_000_000)
    tree = parse("([x:a = 1] FOLLOWEDBY [x:b = 1]) WITHIN 60 SECONDS")
    bits = {leaf.test: place + 1 for place, leaf in enumerate(leaves(tree))}
    found: list[int] = []
    assert calls(lambda: found.extend([len(completions(tree, bits, times, masks))])) < 5_000
    assert found[0] > 400_000


def test_what_would_take_too_long_ends_with_a_sentence() -> None:
    """Thousands of rows that would each stand for two brackets, and a repetition of nothing."""
    with pytest.raises(Fault, match="E-MATCH-016"):
        ask("[x:a = 1] AND [x:b = 1]", [n * SECOND for n in range(5_000)], [3] * 5_000)
    with pytest.raises(Fault, match="E-MATCH-018"):
        ask("[x:a = 1] REPEATS 0 TIMES", [1], [1])
