"""Notices between two nodes: small signed documents beside the objects, over the line or in carried files.

Comes in: a body to sign, or envelopes that a peer sent. Goes out: envelopes of notices that are on the ledger, and
opened ones whose signature, recipient and moment held. Never here: keeping them, their order, their meaning.

An envelope is DSSE over ``{"from", "to", "number", "kind", "at", "body"}``, signed by the sender's node. Over the line
a peer asks ``GET /seawall/v1/notices?after=N`` and brings its own with ``POST /seawall/v1/notices``; both answers also
say how far the other side has come, so that nothing new costs one small request.

>>> from seawall.exchange.notices import NOTICES_PATH
>>> NOTICES_PATH
'/seawall/v1/notices'
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.notices.bounds import DEFAULT_NOTICE_BOUNDS, NoticeBounds
    from seawall.exchange.notices.client import exchange_notices
    from seawall.exchange.notices.envelope import BadNotice, Payload, Sealed, open_notice, read_payload, seal_notice
    from seawall.exchange.notices.interface import Heard, NoticeDesk, Problem, Standing
    from seawall.exchange.notices.paths import NOTICES_MEDIA_TYPE, NOTICES_PATH
    from seawall.exchange.notices.server import notices_router, notices_state
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "bounds": ("DEFAULT_NOTICE_BOUNDS", "NoticeBounds"),
            "client": ("exchange_notices",),
            "envelope": ("BadNotice", "Payload", "Sealed", "open_notice", "read_payload", "seal_notice"),
            "interface": ("Heard", "NoticeDesk", "Problem", "Standing"),
            "paths": ("NOTICES_MEDIA_TYPE", "NOTICES_PATH"),
            "server": ("notices_router", "notices_state"),
        },
    )

__all__ = [
    "DEFAULT_NOTICE_BOUNDS",
    "NOTICES_MEDIA_TYPE",
    "NOTICES_PATH",
    "BadNotice",
    "Heard",
    "NoticeBounds",
    "NoticeDesk",
    "Payload",
    "Problem",
    "Sealed",
    "Standing",
    "exchange_notices",
    "notices_router",
    "notices_state",
    "open_notice",
    "read_payload",
    "seal_notice",
]
