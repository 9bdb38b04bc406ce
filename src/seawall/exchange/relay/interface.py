"""What a relay does for whoever holds a token: the contract of ``RelayClient`` and of the fakes in tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

ID_BYTES = 16  # of mailboxes, messages and rounds: random
TOKEN_BYTES = 32  # random; a relay keeps only its SHA-256
TAG_BYTES = 16


class Waiting(msgspec.Struct, frozen=True):
    """One message in a mailbox."""

    id: str  # 32 hex digits, random, given by the relay: proves nothing
    data: bytes  # as it was put; unchecked
    expires: int  # microseconds UTC


class CountAnswer(msgspec.Struct, frozen=True):
    """How many tags both sides gave, noised; both sides get the same."""

    count: int  # never negative
    rounded_to: int
    epsilon: float
    left: int  # further counts that this pair has in the epoch


class Relay(Protocol):
    """A relay as its users see it. Ids are 32 hex digits, tokens 32 bytes.

    Whatever a relay answers is hostile until checked: it may drop, repeat, delay, swap, cut and invent messages.
    """

    def put(self, mailbox: str, token: bytes, data: bytes, *, expires: int) -> str:
        """Leave ``data`` (its size a padded class) until ``expires`` (microseconds UTC); the message's id.

        The same bytes put again while they wait keep their id and are held once.
        Raises NotFound E-EXCHANGE-774 for an unknown mailbox and for a wrong token alike, MailboxFull 775,
        RelayBusy 776, Refused 777 (size is no class), 778 (too large), 779 (expires too soon), Unavailable 770 to 773.
        """

    def fetch(
        self, mailbox: str, token: bytes, after: str | None = None, limit: int = 100, *, wait: float = 0.0
    ) -> Sequence[Waiting]:
        """What waits behind the message ``after``, oldest first; ``wait``: seconds to stay when there is nothing.

        All that waits when ``after`` is None or no longer there. An answer holds at most 16 MiB: ask again until it is
        empty. Nothing is deleted. Raises as ``put``.
        """

    def delete(self, mailbox: str, token: bytes, ids: Iterable[str]) -> int:
        """Forget these messages; how many there were. Those not there are none. Raises as ``put``."""

    def count(self, round_id: str, token: bytes, tags: Sequence[bytes]) -> CountAnswer | None:
        """Give this side's tags (16 bytes each, distinct, in any order) to a round; None while the other side has not.

        Ask again with the same tags until there is an answer; the first answer stays, whatever is asked later.
        Tags are sorted, and random ones fill them up to {1, 1.25, 1.5, 1.75} x 2^k, so that the relay sees neither
        order nor exact number. Raises NotFound 774, Refused 781 (other tags than before, or a round that is over), 782
        (too few or too many), 783 (no count left in this epoch), 784 (a tag twice, or of another length).
        """

    def witness(self, checkpoint: str) -> str:
        """Ask for a cosignature: ``ledger.Request(old, proof, note).encode()`` as text, or a checkpoint alone.

        Returns the note with the witness's line under the ledger's own, checked with the witness's key where the client
        was given one. Raises NotFound 774 for a ledger that the witness does not know or whose key did not sign,
        SignedElsewhere 786 with the ``size`` from which the proof must begin, Forked 787 with the ``held`` note that
        contradicts this one.
        """
