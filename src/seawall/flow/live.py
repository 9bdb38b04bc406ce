"""What makes things fast between nodes, in ``seawall serve``: nobody waits for the schedule.

Ours: what changed in the store is put before policy at once, and the peers for whom something was released hear that
something waits (``live_watch``): those at our door by a new mark, the others by a call. Theirs: a line to each peer
waits at its door and fetches (``live_line``); what came in goes to whoever acts on values (``live_arrivals``). The
warning desk follows (``live_desk``). The schedule stays, and repairs whatever is missed here.

Off with ``peers = false`` in ``[live]`` of seawall.toml: then this node waits at no door and lets nobody wait at its.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from seawall.exchange.live import HOLD_SECONDS, WaitingRoom
from seawall.flow.live_desk import LiveDesk
from seawall.flow.live_line import Line
from seawall.flow.live_watch import LOOK_SECONDS, Watch
from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.flow.relay_book import relay_of
from seawall.model.peer import PeerRecord, PeerState

MAX_LINES = 64  # peers at whose doors we wait, two threads each; others are left to the schedule
AFTER_ERROR_SECONDS = 5.0
STOP_SECONDS = 2.0


class Live:
    """The fast way of one serving node. ``room`` is for the peer listener; ``start`` and ``stop`` once."""

    def __init__(self, node: Node, *, hold: float = HOLD_SECONDS) -> None:
        self._node = node
        self._hold = hold
        self.room = WaitingRoom()
        self.desk = LiveDesk(node)
        self._watch = Watch(node, self._tell, peers_changed=self._follow)
        self._lines: dict[str, Line] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._loop, args=(self._watch.step, LOOK_SECONDS, self._watch.close), name="live", daemon=True
            ),
            threading.Thread(target=self._loop, args=(self.desk.step, 1.0), name="live-desk", daemon=True),
        ]

    @property
    def is_on(self) -> bool:
        """Whether the settings want lines to peers."""
        return self._node.settings.live.peers

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Answer everybody who waits, and end."""
        self._stopping.set()
        self.room.close()
        for line in self._lines.values():
            line.end()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        for line in self._lines.values():
            line.end(join=STOP_SECONDS)

    def stands(self, peer: str) -> bool:
        """Whether a peer that waited may still be told: verified now, and lines are on."""
        return self.is_on and self._node.store.peers.get(peer).state is PeerState.VERIFIED

    def _tell(self, peers: Iterable[str]) -> None:
        told = set(peers)
        self.room.tell(told)
        for name in told:
            if (line := self._lines.get(name)) is not None and not self.room.is_near(name):
                line.push()

    def _follow(self, peers: Sequence[PeerRecord]) -> None:
        """Lines to those that are to have one; an answer at once to those that may not wait any more."""
        verified = {peer.code_name for peer in peers if peer.state is PeerState.VERIFIED}
        self.room.release(self.room.waiting() - verified)
        wanted = {peer.code_name for peer in peers if peer.code_name in verified and self._has_line(peer)}
        for name in self._lines.keys() - wanted:
            self._lines.pop(name).end()
        for name in sorted(wanted - self._lines.keys())[: max(0, MAX_LINES - len(self._lines))]:
            self._lines[name] = Line(self._node, name, hold=self._hold)
            self._lines[name].start()

    def _has_line(self, peer: PeerRecord) -> bool:
        return self.is_on and not peer.carried and bool(peer.url) and relay_of(self._node, peer.code_name) is None

    def _loop(self, step: Callable[[], object], pause: float, at_end: Callable[[], None] = lambda: None) -> None:
        while not self._stopping.wait(pause):
            try:
                step()
            except Exception as error:  # the store is busy, or something worse: the schedule goes on meanwhile
                as_fault(error, "the fast way between nodes")
                self._stopping.wait(AFTER_ERROR_SECONDS)
        at_end()
