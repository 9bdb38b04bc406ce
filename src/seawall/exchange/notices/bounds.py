"""How many notices, and how large, a peer may bring (rule 10)."""

from __future__ import annotations

import msgspec

from seawall.model.notice import MAX_NOTICE_BYTES


class NoticeBounds(msgspec.Struct, frozen=True):
    """All sizes in bytes."""

    body_bytes: int = MAX_NOTICE_BYTES  # of one body as JSON
    envelope_bytes: int = 400 * 1024  # of one as it travels: base64 of the body adds a third, head and signature 1 kB
    nesting: int = 32  # a key set in a body nests about six deep
    at_once: int = 20  # of one request, one answer, one round
    request_bytes: int = 9 * 1024 * 1024  # 20 of the largest
    rounds: int = 100  # of one synchronisation: 2,000 notices; what is left waits for the next
    waiting: int = 2_000  # of ours for one peer that has not come for them
    kept: int = 2_000  # of settled ones, in each direction and for each peer
    ahead_seconds: float = 86_400.0  # a moment further ahead of our clock is not believed


DEFAULT_NOTICE_BOUNDS = NoticeBounds()
