"""What the two ends of the line say to each other, and what ``flow`` gives down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class Problem(msgspec.Struct, frozen=True):
    """One notice that was not taken in as it was meant; ``sentence`` is for its sender."""

    number: int
    sentence: str
    kept: bool = True  # its number counts as used; else the sender may bring it again


class Standing(msgspec.Struct, frozen=True):
    """How far one side has come in the other's notices: the last number and what it committed to."""

    number: int = 0
    digest: str = ""  # SHA-256 of that notice's signed payload, lower hex


class Heard(msgspec.Struct, frozen=True):
    """What became of a few notices: how far the receiver has come now, and what it did not like."""

    taken: Standing
    problems: tuple[Problem, ...] = ()


class Offered(msgspec.Struct, frozen=True):
    """The document of GET and POST in both directions; what is not meant is left out."""

    notices: tuple[msgspec.Raw, ...] = ()
    more: bool = False
    taken: Standing = Standing()
    problems: tuple[Problem, ...] = ()
    kinds: str = ""  # further kinds of notices that this side reads, by commas


class NoticeDesk(Protocol):
    """The node behind the exchange of notices; ``peer`` is its code name. From several threads at once."""

    def standing(self, peer: str) -> Standing:
        """How far we have come in this peer's notices."""

    def reads(self, peer: str, kinds: str) -> None:
        """The peer says which further kinds of notices it reads, by commas; an older version says nothing."""

    def waiting(self, peer: str, after: int, limit: int) -> tuple[Sequence[bytes], bool]:
        """Our envelopes for this peer behind number ``after``, all on the ledger, and whether there are more."""

    def take(self, peer: str, envelopes: Sequence[bytes]) -> Heard:
        """Check, order and handle what the peer brought. May raise Refused once it is one misdeed too many."""

    def settle(self, peer: str, taken: Standing, problems: Sequence[Problem]) -> None:
        """The peer says how far it has come in ours, and what it did not like."""
