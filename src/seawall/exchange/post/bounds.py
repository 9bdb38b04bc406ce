"""How many sealed messages, and how large, a peer may bring and we keep for it (rule 10)."""

from __future__ import annotations

import msgspec

from seawall.exchange.envelope import MAX_ENVELOPE_BYTES

MIB = 1024 * 1024


class PostBounds(msgspec.Struct, frozen=True):
    """Sizes in bytes, times in seconds."""

    at_once: int = 100  # messages of one request or one answer
    sealed_bytes: int = 16 * MIB  # of them together; one alone may be of any size that a message may have
    request_bytes: int = 16 * MIB + MAX_ENVELOPE_BYTES + MIB  # the last may come over it; lists of numbers beside them
    rounds: int = 200  # of one delivery over the line: 20,000 small messages; what is left waits for the next
    answer_seconds: float = 45.0  # a request is answered after this even while its messages are still being handled
    busy_seconds: float = 900.0  # how long a peer that still handles is waited for: a first overlap of a million values
    look_seconds: float = 2.0  # between two looks at such a peer
    handled_at_once: int = 4  # peers whose messages are handled; the fifth waits, and hears that it is busy
    answered_at_once: int = 4  # other requests about messages
    asked_at_once: int = 2  # of them, of one peer: a command and a job may both ask
    retry_seconds: int = 2  # what is beyond is told to come again after
    waiting: int = 2_000  # of ours for one peer that has not come for them
    waiting_bytes: int = 512 * MIB  # of them together: a first overlap of a million values is 96 MB
    kept: int = 2_000  # numbers of settled ones, in each direction and for each peer
    early: int = 64  # of a peer's that came before their turn
    early_bytes: int = 64 * MIB  # of them together; what is beyond it comes again
    early_ahead: int = 1_000  # numbers that one may be ahead of its turn to be held at all
    numbers: int = 2_000  # in one list of numbers of a standing
    problems: int = 20  # told at once
    sentence: int = 1_000  # characters of one problem


DEFAULT_POST_BOUNDS = PostBounds()
