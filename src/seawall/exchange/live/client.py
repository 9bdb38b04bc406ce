"""Our side of the line: wait at a peer's door until it says that something waits for us."""

from __future__ import annotations

import msgspec

from seawall.exchange.live.paths import HOLD_SECONDS, LIVE_MEDIA_TYPE, LIVE_PATH, MARK_LENGTH
from seawall.exchange.taxii.wire import Wire
from seawall.model import Unavailable
from seawall.model.peer import PeerRecord
from seawall.model.unreadable import UNREADABLE

MAX_ANSWER = 4_096  # bytes looked at; ours has about forty
_HEX = frozenset("0123456789abcdef")


class _Marked(msgspec.Struct):
    mark: str


def ask(wire: Wire, peer: PeerRecord, known: str, *, seconds: float = HOLD_SECONDS) -> str:
    """The peer's mark, another one than ``known`` when something waits for us.

    Raises what ``Wire.get`` raises (NotFound for a peer that knows no live line), and Unavailable E-EXCHANGE-856 for an
    answer that is none.
    """
    asked = {"seconds": str(int(seconds)), **({"known": known} if known else {})}
    answer = wire.get(f"{peer.url.rstrip('/')}{LIVE_PATH}", asked, media=LIVE_MEDIA_TYPE)
    try:
        if answer.status == 200 and len(answer.body) <= MAX_ANSWER:
            mark = msgspec.json.decode(answer.body, type=_Marked).mark
            if len(mark) == MARK_LENGTH and set(mark) <= _HEX:
                return mark
    except UNREADABLE:
        pass
    raise Unavailable(
        "E-EXCHANGE-856", "The peer {peer} gave no readable answer about what waits; try again later.", peer=wire.peer
    )
