"""What the two ends say to each other beside the messages, and what ``flow`` gives down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

MAX_NUMBER = 1 << 53  # as in a sealed message


class Problem(msgspec.Struct, frozen=True):
    """One message that its reader did not want; ``sentence`` is for its sender."""

    sequence: int
    sentence: str


class Standing(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far one side has come in the other's messages, and what will not come any more of its own.

    Over the line it travels beside the messages; through a relay as a sealed message of its own, where ``turn``,
    ``heard`` and ``sent`` tell which visits to the relay the other side has seen, so that what was lost there is known
    at once.
    """

    taken: int = 0  # all up to this number were handled, rejected or given up
    digest: str = ""  # what number ``taken`` said
    early: tuple[int, ...] = ()  # numbers behind it that are held until their turn
    gone: tuple[int, ...] = ()  # of the sender's own: nothing comes under these numbers any more
    problems: tuple[Problem, ...] = ()
    busy: bool = False  # messages are being handled just now
    turn: int = 0  # the sender's visit to the relay
    heard: int = 0  # the highest turn of the other side that was seen
    sent: int = 0  # the highest number that the sender ever laid there


class Exchanged(msgspec.Struct, frozen=True, omit_defaults=True):
    """The document of GET and POST in both directions; what is not meant is left out."""

    messages: tuple[bytes, ...] = ()
    more: bool = False
    standing: Standing = Standing()


class PostDesk(Protocol):
    """The node behind the exchange of messages; ``peer`` is its code name. From several threads at once."""

    def standing(self, peer: str) -> Standing:
        """How far we have come in this peer's messages."""

    def waiting(self, peer: str, after: int) -> tuple[Sequence[bytes], bool]:
        """Ours for this peer behind number ``after``, all on the ledger, and whether there are more."""

    def take(self, peer: str, sealed: Sequence[bytes]) -> Sequence[str]:
        """Open, order and handle what the peer brought; sentences for our own people about what was not good.

        May raise Refused once it is one misdeed too many, Unavailable when it has to come again.
        """

    def settle(self, peer: str, standing: Standing) -> None:
        """The peer says how far it has come in ours."""
