"""One peer's line: wait at its door until it has something for us, fetch it, wait again; and call it when it does not
wait at ours.

Each peer has threads of its own, so one that stalls holds up nobody else. At most one synchronisation with a peer runs
at a time; what a line misses, the schedule brings.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from seawall.exchange.bounds import Bounds
from seawall.exchange.live import HOLD_SECONDS, ask
from seawall.exchange.taxii.wire import Wire
from seawall.flow.exchange import sync_peer
from seawall.flow.health import may_be_called
from seawall.flow.live_brought import add_brought
from seawall.flow.live_pace import DEAF_SECONDS, Pace, Seconds
from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.flow.peer_keys import calling_context
from seawall.flow.post import deliver
from seawall.model import Fault, NotFound
from seawall.model.peer import PeerRecord, PeerState

ANSWER_SECONDS = HOLD_SECONDS + 10.0  # a peer that holds us longer than it may has stalled
NOT_NOW_SECONDS = 5.0  # while the peer is throttled or asked us to wait
BOUNDS = Bounds(
    answer_seconds=ANSWER_SECONDS,
    silence_seconds=ANSWER_SECONDS,
    page_bytes=65_536,
    patience_seconds=2,
    patience_times=2,
)


class Line:
    """The fast way to one peer. ``start`` it once; ``end`` it from any thread."""

    def __init__(self, node: Node, peer: str, *, hold: float = HOLD_SECONDS, seconds: Seconds = time.monotonic) -> None:
        self._node, self.peer, self._hold = node, peer, hold
        self._pace, self._push_pace = Pace(seconds), Pace(seconds)
        self._known = ""
        self._ended = threading.Event()
        self._one = threading.Lock()  # one synchronisation at a time
        self._wire: Wire | None = None
        self._asked_to_push = threading.Event()
        self._threads: list[threading.Thread] = []
        self.fetches = 0

    def start(self) -> None:
        """Begin to wait, and to push when asked."""
        for name, work in (("line", self._waiting), ("push", self._pushing)):
            thread = threading.Thread(target=work, name=f"{name}-{self.peer}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def end(self, *, join: float = 0.0) -> None:
        """Wait no more; what runs is cut off. ``join``: seconds to wait for the threads."""
        self._ended.set()
        self._asked_to_push.set()
        if (wire := self._wire) is not None:
            wire.interrupt()
        for thread in self._threads:
            thread.join(join)

    def push(self) -> None:
        """Something of ours waits for the peer, and it is not at our door: bring it there."""
        self._asked_to_push.set()

    def _waiting(self) -> None:
        while not self._ended.is_set():
            self._ended.wait(self._guarded(self._once, self._pace))

    def _pushing(self) -> None:
        while not self._ended.is_set():
            self._asked_to_push.wait()
            self._asked_to_push.clear()
            if not self._ended.is_set():
                self._ended.wait(self._guarded(self._push_once, self._push_pace))

    def _guarded(self, work: Callable[[], float], pace: Pace) -> float:
        try:
            return work()
        except NotFound:
            return DEAF_SECONDS
        except Exception as error:  # one line never ends because of what its peer does
            if not isinstance(error, Fault):
                as_fault(error, f"the line to {self.peer}")
            return pace.failed()

    def _once(self) -> float:
        """One question and what follows; the seconds to wait before the next."""
        record = self._node.store.peers.get(self.peer)
        if record.state is not PeerState.VERIFIED or not may_be_called(self._node, self.peer):
            return NOT_NOW_SECONDS
        began = time.monotonic()
        mark = self._ask(record)
        if self._ended.is_set():
            return 0.0
        if mark == self._known:
            return self._pace.quiet(time.monotonic() - began)
        while (wait := self._pace.before_fetch()) > 0:
            if self._ended.wait(wait):
                return 0.0
        anything = self._exchange()
        self._known = mark  # after the fetch: what it failed to bring is asked for again
        return self._pace.fetched(anything=anything)

    def _push_once(self) -> float:
        if not may_be_called(self._node, self.peer):
            return NOT_NOW_SECONDS
        while (wait := self._push_pace.before_fetch()) > 0:
            if self._ended.wait(wait):
                return 0.0
        self._asked_to_push.clear()  # what was asked until now goes with this one
        self._exchange()
        return self._push_pace.fetched(anything=True)

    def _ask(self, record: PeerRecord) -> str:
        wire = Wire(
            self.peer, bounds=BOUNDS, context=calling_context(self._node, record), pin=record.certificate_sha256
        )
        self._wire = wire
        try:
            return ask(wire, record, self._known, seconds=self._hold)
        finally:
            self._wire = None
            wire.close()

    def _exchange(self) -> bool:
        """Fetch and bring, without preparing findings from the lake; whether anything came."""
        node = self._node
        with self._one:
            before = node.store.notices.last(self.peer, ours=False)
            report = sync_peer(node, self.peer, prepare=False)
            self.fetches += 1
            add_brought(node, self.peer, report)
            came = any(report[name] for name in ("received", "rejected", "sent", "refused"))
            came |= node.store.notices.last(self.peer, ours=False) > before
            if not self._ended.is_set():
                came |= deliver(node, self.peer).received > 0
        return came
