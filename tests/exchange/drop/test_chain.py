"""The order of drops: next, repeated, too early, forked, ended."""

from __future__ import annotations

import pytest

from seawall.exchange.drop import Header, Place, Receiving, judge, missing_numbers
from seawall.exchange.drop.chain import offer
from seawall.model import Fault, Refused

LINKS = {1: "a", 2: "b", 3: "c"}
CHAIN = Receiving(epoch=10, number=3, link="c")


def drop(number: int, previous: str = "", epoch: int = 10) -> Header:
    """A header as far as the chain looks at it."""
    return Header(sender="s", recipient="r", epoch=epoch, number=number, previous=previous, made_at=0)


def place(header: Header, link: str, chain: Receiving = CHAIN) -> Place:
    """What it is to a node that has taken in three."""
    return judge(header, "seoul", chain, link, LINKS.get)


def test_the_next_one_continues_the_last() -> None:
    """Its number is one higher and it names the last link."""
    assert place(drop(4, "c"), "d") is Place.NEXT
    assert place(drop(1), "a", Receiving()) is Place.NEXT


def test_an_old_one_with_the_same_content_is_a_repeat() -> None:
    """Also when it was written again."""
    assert place(drop(2, "a"), "b") is Place.REPEATED


def test_an_old_number_with_other_content_is_refused() -> None:
    """Two different drops may not bear one number."""
    with pytest.raises(Refused, match="E-EXCHANGE-212"):
        place(drop(2, "a"), "x")


def test_a_gap_names_what_is_missing() -> None:
    """One number, or from and to, and how to ask for it."""
    with pytest.raises(Fault, match=r"Drop 5 from seoul cannot be taken in before drop 4, .*--again 4"):
        place(drop(5, "d"), "e")
    with pytest.raises(Fault, match="before drop 4-8"):
        place(drop(9, "h"), "i")


def test_a_drop_that_names_another_past_is_refused() -> None:
    """The number fits, the link does not."""
    with pytest.raises(Refused, match="E-EXCHANGE-214"):
        place(drop(4, "x"), "d")


def test_a_new_chain_ends_the_old_one() -> None:
    """It begins at one; drops of the old chain are refused from then on."""
    assert place(drop(1, epoch=11), "z") is Place.NEXT
    with pytest.raises(Fault, match="before drop 1"):
        place(drop(2, "z", epoch=11), "y")
    with pytest.raises(Refused, match="E-EXCHANGE-211"):
        place(drop(4, "c", epoch=9), "d")


def test_what_is_missing_is_what_lies_below_something_that_came() -> None:
    """Turned-away drops are at hand, so only the others are missing."""
    chain = offer(offer(CHAIN, 6), 8)
    assert missing_numbers(chain) == (4, 5, 7)
    assert missing_numbers(CHAIN) == ()
    assert missing_numbers(offer(CHAIN, 1_000_000)) == ()
