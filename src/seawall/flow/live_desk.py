"""Warnings at the desk within a minute of what they are about, without anybody asking for the list.

A warning that was drawn at once from a line (``seawall tail``) gets its place within a second or two. When a peer has
told something new, everything is drawn and placed as for any list; that may take a share of the time, and nothing waits
longer than ``AT_LATEST`` for its turn.
"""

from __future__ import annotations

import time

from seawall.flow.context import WHOLE_NODE
from seawall.flow.live_pace import Duty
from seawall.flow.node import Node
from seawall.flow.warning_desk import place_warnings, refresh_desk
from seawall.model import Unavailable

SHARE, SPARE = 0.1, 10.0  # of one core that drawing may take for long, and the seconds of a burst
AT_LATEST = 30.0  # seconds that something due waits; drawing from the largest lake measured takes less than 20
PAGE = 1_000
DUE = "live-desk-due"
"""Key of the note that another process sets anew when the lake holds something about a value that a peer told."""


def ask_for_desk(node: Node) -> None:
    """Have ``seawall serve`` draw warnings soon. Called by the process that follows logs."""
    node.store.notes.set(DUE, str(node.clock()))


class LiveDesk:
    """Keeps the desk up to now. One thread uses it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._duty = Duty(SHARE, SPARE)
        self._told = node.store.sightings.change()
        self._placed: int | None = None
        self._asked: str | None = None
        self._due: float | None = time.monotonic()  # what came before this process began

    def step(self) -> bool:
        """Place what was drawn, and draw what is due when it is time; whether anything was done."""
        now = time.monotonic()
        if self._due is None and (self._has_told() or self._node.store.notes.get(DUE) != self._asked):
            self._due = now
        try:
            if self._due is not None and (self._duty.free() or now - self._due >= AT_LATEST):
                self._draw()
            elif self._node.store.desk.warnings_reached() != self._placed:
                place_warnings(self._node)
            else:
                return False
        except Unavailable:  # another process sorts the warnings, or the lake does not answer: the next step asks again
            return False
        self._placed = self._node.store.desk.warnings_reached()
        return True

    def _draw(self) -> None:
        began = time.process_time()  # the engine has threads of its own; what else this process did counts too
        asked = self._node.store.notes.get(DUE)
        try:
            refresh_desk(self._node)
            self._due, self._asked = None, asked
        finally:
            self._duty.spent(time.process_time() - began)

    def _has_told(self) -> bool:
        """Whether a peer told something since the last time that this was asked."""
        sightings = self._node.store.sightings
        reached = sightings.change()  # first: what comes meanwhile is found the next time
        if reached == self._told:
            return False
        told, after = False, self._told
        while not told:
            page = sightings.list(WHOLE_NODE, after=after, limit=PAGE)
            told = any(item.origin is not None for item in page.items)
            if page.next is None:
                break
            after = page.next
        self._told = reached
        return told
