"""Policy zones served by the node itself: the orders of one point, followed as an agent there would follow them.

What goes into the zones is on the ledger before the first resolver can fetch it. A point's own rules (what a plant may
block, what a cloud may learn) were applied by the book; the zones only hold what it says.
"""

from __future__ import annotations

import logging
import threading
import time

import msgspec

from seawall.flow.enforced_hits import MAX_TAKEN, take_hits
from seawall.flow.node import Node
from seawall.flow.orders import changes_for, wait_for_change, whole_book
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault
from seawall.model.order import Point
from seawall.protect.rpz import RpzPrimary, RpzSettings

LOG = logging.getLogger(__name__)
FOLDER = "rpz"
WAIT_SECONDS = 1.0  # for the book to change, before hits are looked for
COMPARE_SECONDS = 60.0  # between two comparisons of the zones with the whole book
AGAIN_SECONDS = 5.0  # after something went wrong


class RpzService:
    """A primary and the thread that keeps it in step with the book."""

    def __init__(self, node: Node) -> None:
        """Raises NotFound E-STORE-301 for an unknown point, Fault E-PROTECT-100..111 for settings that cannot be."""
        self._node = node
        self._name = node.store.orders.point(node.settings.rpz.point).name
        self.primary = RpzPrimary(primary_settings(node), node.clock)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="rpz-follow", daemon=True)
        self._reached = -1  # number of the book's last change that the zones hold; -1: they must be compared
        self._compared = 0.0

    def start(self) -> None:
        """Serve what the zones hold already, then bring them up to date. Raises Unavailable E-PROTECT-110."""
        self.primary.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop following and serving; the zones stay on disk."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        self.primary.close()

    def step(self) -> None:
        """Bring the zones to where the book is now, and its hits to the node."""
        node = self._node
        point = node.store.orders.point(self._name)
        pull = changes_for(node, point, self._reached if self._reached >= 0 else node.store.orders.last())
        if pull.stopped:
            self.primary.clear()
            self._reached = -1
        elif pull.snapshot or self._reached < 0 or time.monotonic() >= self._compared + COMPARE_SECONDS:
            self._compare(point)
        elif pull.changes:
            self._record(point, {"after": pull.after, "last": pull.last, "changes": len(pull.changes)})
            self.primary.apply(pull.changes, node.clock())
            self._reached = pull.last
        hits = self.primary.hits()
        for first in range(0, len(hits), MAX_TAKEN):
            take_hits(node, point.name, hits[first : first + MAX_TAKEN])

    def _compare(self, point: Point) -> None:
        sequence, orders = whole_book(self._node, point)
        if self._reached < sequence:
            self._record(point, {"book": sequence})
        self.primary.reconcile(orders, self._node.clock())
        self._reached, self._compared = sequence, time.monotonic()

    def _record(self, point: Point, details: dict[str, str | int | list[str]]) -> None:
        details["by"] = FOLDER
        self._node.ledger.record_event(
            LedgerEvent(EventKind.AGENT_TOLD, self._node.clock(), "node", point.name, details)
        )

    def _follow(self) -> None:
        while not self._stop.is_set():
            try:
                self.step()
                wait_for_change(self._node, max(self._reached, 0), WAIT_SECONDS)
                continue
            except Fault as fault:
                LOG.warning("policy zones: %s", fault)
            except Exception:
                LOG.exception("policy zones")
            self._reached = -1
            self._stop.wait(AGAIN_SECONDS)


def rpz_service(node: Node) -> RpzService | None:
    """The service that the settings ask for, if they ask for one."""
    return RpzService(node) if node.settings.rpz.point else None


def primary_settings(node: Node) -> RpzSettings:
    """The primary's settings out of the node's; key files are looked for in the node's folder."""
    given = msgspec.to_builtins(node.settings.rpz)
    del given["point"]
    for key in given["keys"]:
        key["secret_file"] = str(node.folder / key["secret_file"])
    return msgspec.convert(given | {"folder": str(node.folder / FOLDER)}, RpzSettings)
