"""Ways of working are matched in order and by rarity, and chance is stated beside every match."""

from __future__ import annotations

import numpy as np

from seawall.model.campaign import TechniqueSighting
from seawall.warn.techniques import DRAWS, Rarity, align, compare

ESPIONAGE = ("T1190", "T1505.003", "T1003.003", "T1558.003", "T1550.002", "T1114.002", "T1567.002")


def seen(id: str, side: str, *sequence: str, tools: tuple[str, ...] = ()) -> TechniqueSighting:
    return TechniqueSighting(id, sequence, side, ("defence",), 10, 20, tools)


def unrelated(count: int, side: str, seed: int, length: int = 7) -> list[TechniqueSighting]:
    random, rarity = np.random.default_rng(seed), Rarity([])
    return [seen(f"{side}-{n}", side, *rarity.unrelated(length, random)) for n in range(count)]


def test_a_way_of_working_is_found_on_the_other_side() -> None:
    """Among forty unrelated sequences a side, the one actor's two sequences match, with a gap and a closer name."""
    here = seen("here", "TW", *ESPIONAGE, tools=("Mimikatz",))
    there = seen("there", "KR", *ESPIONAGE[:2], "T1082", "T1003", *ESPIONAGE[3:], tools=("mimikatz",))
    found = compare([here, there, *unrelated(40, "TW", 1), *unrelated(40, "KR", 2)], seed=7)
    assert [(match.one.id, match.other.id) for match in found.matches] == [("here", "there")]
    match = found.matches[0]
    assert match.common == ESPIONAGE
    assert match.tools == ("mimikatz",)
    assert match.p <= 0.01
    assert match.p_interval.high < 0.05
    assert found.pairs == 41 * 41


def test_unrelated_sequences_match_as_seldom_as_stated() -> None:
    """Sequences drawn by lot give no match, and the rate stated for them is small, with its interval."""
    found = compare([*unrelated(30, "TW", 3), *unrelated(30, "KR", 4)], seed=7)
    assert found.matches == ()
    assert found.draws == DRAWS
    assert found.false_match_rate is not None
    assert found.false_match_rate.low <= found.false_matches / DRAWS <= found.false_match_rate.high < 0.1


def test_order_and_rarity_count() -> None:
    """The same techniques backwards agree less; what everybody does agrees less than what few do."""
    rarity = Rarity([ESPIONAGE])
    assert align(ESPIONAGE, ESPIONAGE, rarity)[0] == 1.0
    assert align(ESPIONAGE, ESPIONAGE[::-1], rarity)[0] < 0.35
    common = Rarity([("T1566.001",)] * 500)
    assert common.weight("T1566.001") < common.weight("T1606.002")
    assert align((), ESPIONAGE, rarity) == (0.0, ())


def test_one_side_alone_and_nothing_are_no_match() -> None:
    """Sequences of one side are not compared; nothing gives nothing, and no rate."""
    assert compare([seen("a", "TW", *ESPIONAGE), seen("b", "TW", *ESPIONAGE)], seed=1).pairs == 0
    empty = compare([], seed=1)
    assert (empty.matches, empty.false_match_rate) == ((), None)
