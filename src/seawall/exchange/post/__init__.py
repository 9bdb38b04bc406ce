"""Sealed messages between two nodes over their own line, beside objects and notices.

Comes in: sealed messages that are on the ledger, or those that a peer brought. Goes out: the same, and how far each
side has come in the other's. Never here: keys, opening, keeping, order, meaning (``flow.post`` has them).

A peer asks ``GET /seawall/v1/post?after=N`` and brings its own with ``POST /seawall/v1/post``; both answers also give
what waits and say how far the other side has come, so that nothing new costs one small request.

>>> from seawall.exchange.post import POST_PATH
>>> POST_PATH
'/seawall/v1/post'
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.post.bounds import DEFAULT_POST_BOUNDS, PostBounds
    from seawall.exchange.post.client import Carried, exchange_post
    from seawall.exchange.post.interface import MAX_NUMBER, Exchanged, PostDesk, Problem, Standing
    from seawall.exchange.post.paths import POST_MEDIA_TYPE, POST_PATH
    from seawall.exchange.post.server import close_post, post_router, post_state
    from seawall.exchange.post.wire import encoded, read_exchanged, read_standing
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "bounds": ("DEFAULT_POST_BOUNDS", "PostBounds"),
            "client": ("Carried", "exchange_post"),
            "interface": ("MAX_NUMBER", "Exchanged", "PostDesk", "Problem", "Standing"),
            "paths": ("POST_MEDIA_TYPE", "POST_PATH"),
            "server": ("close_post", "post_router", "post_state"),
            "wire": ("encoded", "read_exchanged", "read_standing"),
        },
    )

__all__ = [
    "DEFAULT_POST_BOUNDS",
    "MAX_NUMBER",
    "POST_MEDIA_TYPE",
    "POST_PATH",
    "Carried",
    "Exchanged",
    "PostBounds",
    "PostDesk",
    "Problem",
    "Standing",
    "close_post",
    "encoded",
    "exchange_post",
    "post_router",
    "post_state",
    "read_exchanged",
    "read_standing",
]
