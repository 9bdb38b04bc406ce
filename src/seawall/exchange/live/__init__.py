"""A peer learns at once that something waits for it, and nothing more.

Comes in: a peer's question with the mark it was last told. Goes out: the mark of now, as soon as it is another one, or
after a while the same. Never here: what waits, how much, of which circle, or for whom else. The peer fetches as at any
other time, and what leaves then has its release and its leaf.

    room = WaitingRoom()                                  # in the serving node
    app = peer_app(service, ..., live=room)
    room.tell({"peer-a"})                                 # from any thread: something waits for this one
    mark = ask(wire, peer, mark, seconds=25)              # in the other node: returns when something waits
"""

from typing import TYPE_CHECKING

from seawall.model.faces import on_first_use

if TYPE_CHECKING:
    from seawall.exchange.live.client import ask
    from seawall.exchange.live.paths import HOLD_SECONDS, LIVE_PATH, MARK_LENGTH
    from seawall.exchange.live.room import WaitingRoom
    from seawall.exchange.live.server import live_router, live_state
else:
    __getattr__ = on_first_use(
        __name__,
        {
            "client": ("ask",),
            "paths": ("HOLD_SECONDS", "LIVE_PATH", "MARK_LENGTH"),
            "room": ("WaitingRoom",),
            "server": ("live_router", "live_state"),
        },
    )

__all__ = ["HOLD_SECONDS", "LIVE_PATH", "MARK_LENGTH", "WaitingRoom", "ask", "live_router", "live_state"]
