"""Where a drop stands in its chain, on both sides. Pure: the caller keeps the states.

Drops from one node to another are numbered without gaps, and each names the link of the one before. A drop is taken in
only when all before it were: a recall must never arrive before what it recalls.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from seawall.exchange.drop.header import Header
from seawall.model import Fault, Refused

MAX_AHEAD = 1_000  # numbers that a drop may be ahead of the last one to be remembered: years of nightly files


class Place(StrEnum):
    """What a drop is to us."""

    NEXT = "next"
    REPEATED = "repeated"


class Sending(msgspec.Struct, frozen=True):
    """The chain that we send to one peer."""

    epoch: int
    number: int = 0  # the last one written
    link: str = ""
    acknowledged: int = 0  # the last one that the peer has taken in, with all before it
    acknowledged_at: int | None = None
    missing: tuple[int, ...] = ()  # what the peer says never came
    rejected: int = 0  # objects of the acknowledged drop that the peer did not accept


class SentPart(msgspec.Struct, frozen=True):
    """Which stretch of a circle's outbox a drop carried: behind ``after``, up to and with ``until``."""

    circle: str
    after: str | None
    until: str | None
    objects: int


class Sent(msgspec.Struct, frozen=True):
    """One drop that we wrote. ``placed``: its file got its name."""

    number: int
    link: str
    previous: str
    made_at: int
    parts: tuple[SentPart, ...]
    placed: bool = False


class Receiving(msgspec.Struct, frozen=True):
    """The chain that one peer sends to us."""

    epoch: int = 0
    number: int = 0  # the last one taken in
    link: str = ""
    at: int | None = None  # when
    offered: tuple[int, ...] = ()  # came too early and was turned away
    rejected: int = 0  # objects of the last one that were not accepted
    worth: int = 0  # the last one that held objects: only such are worth an answer of their own


def judge(header: Header, peer: str, chain: Receiving, link: str, known: Callable[[int], str | None]) -> Place:
    """Whether a drop comes next or came before; ``known``: link of a number taken in earlier in this chain.

    Raises Refused E-EXCHANGE-211 (older chain), -212 (same number, other content), -214 (does not continue), Fault
    E-EXCHANGE-213 (something before it is missing).
    """
    if header.epoch < chain.epoch:
        raise Refused("E-EXCHANGE-211", "Drop {number} belongs to a chain that {peer} has ended since.",
                      number=header.number, peer=peer)  # fmt: skip
    if header.epoch > chain.epoch:
        chain = Receiving(header.epoch)
    if header.number <= chain.number:
        if known(header.number) == link:
            return Place.REPEATED
        raise Refused(
            "E-EXCHANGE-212",
            "Drop {number} from {peer} came before with other content; nothing was taken in: ask them what happened.",
            number=header.number,
            peer=peer,
        )
    if header.number > chain.number + 1:
        raise Fault(
            "E-EXCHANGE-213",
            "Drop {number} from {peer} cannot be taken in before drop {missing}, which has not arrived; "
            "import that one first, or ask them for it: 'seawall export-drop PEER --again {first}'.",
            number=header.number,
            peer=peer,
            missing=_listed(range(chain.number + 1, header.number)),
            first=chain.number + 1,
        )
    if header.previous != chain.link:
        raise Refused(
            "E-EXCHANGE-214",
            "Drop {number} from {peer} does not continue the one before; nothing was taken in: ask them what happened.",
            number=header.number,
            peer=peer,
        )
    return Place.NEXT


def offer(chain: Receiving, number: int) -> Receiving:
    """The chain after drop ``number`` was turned away for coming too early; absurd numbers are not remembered."""
    if number > chain.number + MAX_AHEAD:
        return chain
    return msgspec.structs.replace(chain, offered=tuple(sorted({*chain.offered, number})))


def missing_numbers(chain: Receiving) -> tuple[int, ...]:
    """Numbers that must have been lost or are still under way: those below a later one that came."""
    came = {number for number in chain.offered if number > chain.number}
    highest = max(came, default=0)
    return tuple(number for number in range(chain.number + 1, highest) if number not in came)


def _listed(numbers: range) -> str:
    """``3`` or ``3-7``."""
    return str(numbers.start) if len(numbers) == 1 else f"{numbers.start}-{numbers.stop - 1}"
