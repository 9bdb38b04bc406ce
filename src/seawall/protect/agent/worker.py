"""One thread for each tool: what waits for it, its clock, its misfortunes. A tool that is down, slow or full holds up
no other, and its queue is bounded: what does not fit is dropped, and the tool is compared with the state instead.

Whatever a tool was told, the state on disk says at least as much, so a comparison (``Driver.reconcile``) always mends:
after a start, after a tool was away, every minute, and when changes were dropped. Changes are merged by their order.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from seawall.model import Clock, Fault
from seawall.model.agent import Outcome, ToolCondition, ToolHit, ToolState
from seawall.model.order import Change, Order
from seawall.protect.agent.config import Times
from seawall.protect.drivers.interface import Counting, Driver

LOG = logging.getLogger(__name__)
MAX_WAITING = 50_000  # changes in one queue: above this, filling a tool anew is no slower
MAX_BATCH = 10_000  # changes of one transaction: some 0.1 s in the packet filter
PAUSE_FIRST, PAUSE_MOST = 0.2, 30.0  # seconds after a failure, doubled each time
SHARE = 20  # a comparison that took a second is not made again within twenty: a million addresses cost some
PLACE_SECONDS = 60.0  # a log in which nothing was ours is not read again from further back than this
IDLE = 0.25  # seconds between looks at the clock


class Told(msgspec.Struct, frozen=True):
    """Changes on their way to a tool: up to which number of the book, and since when (monotonic seconds)."""

    sequence: int
    since: float


class HitBook(Protocol):
    """Where hits wait for a report, with the place in each tool's counters that they reach to."""

    def position(self, tool: str) -> str | None:
        """Up to where this tool's hits were taken; None: it was never asked."""

    def met(self, tool: str, hits: Sequence[ToolHit], position: str) -> None:
        """Take hits and the place that is reached with them, on disk together."""


class Worker:
    """Drives one tool. ``orders``: everything in force here at a moment; ``tell``: something worth a report."""

    def __init__(
        self,
        driver: Driver,
        orders: Callable[[int], Sequence[Order]],
        *,
        clock: Clock,
        times: Times,
        tell: Callable[[Sequence[Outcome], Sequence[ToolHit]], None],
        emptied: bool = False,
        book: HitBook | None = None,
    ) -> None:
        self._driver, self._orders, self._clock, self._times, self._tell = driver, orders, clock, times, tell
        self._wake = threading.Condition()
        self._pending: dict[str, Change] = {}
        self._told = Told(0, 0.0)
        self._compare, self._empty = True, emptied
        self._stopping = False
        self._next = {"compare": 0.0, "expire": 0.0, "hits": 0.0}
        self._pause = 0.0
        self._state = ToolState(driver.name, ToolCondition.STARTING, clock())
        self._thread = threading.Thread(target=self._run, name=f"tool-{driver.name}", daemon=True)
        self.types = driver.types
        self._book = book if isinstance(driver, Counting) else None
        self._resumed, self._place_at = False, 0.0
        if isinstance(driver, Counting) and book is not None and (position := book.position(driver.name)) is not None:
            driver.resume(position)
            self._resumed = True

    def start(self) -> None:
        """Begin with a comparison: whatever happened while nobody looked is mended first."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End the thread; what the tool holds stays, and ends by itself."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()
        self._thread.join(seconds)

    def offer(self, changes: Sequence[Change], sequence: int) -> None:
        """Changes that the state holds already. Never waits."""
        with self._wake:
            for change in changes if not self._empty else ():
                if change.order.type in self.types:
                    self._pending.pop(change.order.undo_id, None)  # the last word about an order also stands last
                    self._pending[change.order.undo_id] = change
            if len(self._pending) > MAX_WAITING:
                self._pending.clear()
                self._compare = True
                self._changed(ToolCondition.BEHIND)
            self._told = Told(max(sequence, self._told.sequence), time.monotonic())
            self._wake.notify_all()

    def compare(self) -> None:
        """The state was replaced as a whole: compare at once."""
        with self._wake:
            self._pending.clear()
            self._compare = True
            self._told = Told(self._told.sequence, time.monotonic())
            self._wake.notify_all()

    def reached(self, sequence: int) -> None:
        """After a snapshot: the comparison that comes stands for everything up to this number."""
        with self._wake:
            self._told = Told(sequence, time.monotonic())

    def empty(self, wanted: bool) -> None:
        """Take everything out and keep it out (the kill switch), or fill it again."""
        with self._wake:
            if self._empty != wanted:
                self._empty, self._compare = wanted, True
                self._pending.clear()
                self._wake.notify_all()

    def state(self) -> ToolState:
        """How the tool is."""
        with self._wake:
            return msgspec.structs.replace(self._state, waiting=len(self._pending))

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._due():
                    left = self._next["compare"] - time.monotonic() if self._pause else IDLE
                    self._wake.wait(max(0.01, left))
                if self._stopping:
                    break
                if not self._due():
                    continue
            try:
                self._step()
                self._pause = 0.0
            except Exception as error:  # one tool's misfortune, whatever it is, stays its own
                self._failed(error)
        try:
            self._driver.close()
        except Exception:
            LOG.debug("closing %s", self._driver.name, exc_info=True)

    def _due(self) -> bool:
        now = time.monotonic()
        if self._pause and now < self._next["compare"]:
            return False
        return bool(self._compare or self._pending or any(now >= moment for moment in self._next.values()))

    def _step(self) -> None:
        with self._wake:
            emptied, compare = self._empty, self._compare
            told = self._told
            changes = list(self._pending.values())[:MAX_BATCH]
            whole = len(changes) == len(self._pending)
        if emptied:
            self._cleared()
        elif compare or time.monotonic() >= self._next["compare"]:
            self._compared(told)
        elif changes:
            self._applied(changes, told if whole else Told(0, told.since))
        else:
            self._looked()

    def _cleared(self) -> None:
        self._driver.clear()  # again each time: somebody may have brought an old rule set back
        with self._wake:
            self._pending.clear()
            self._compare = not self._empty
            self._changed(ToolCondition.CLEARED, held=0, problem="")
        self._next = dict.fromkeys(self._next, time.monotonic() + self._times.compare)

    def _compared(self, told: Told) -> None:
        """Everything that waits is in the state already, so the comparison stands for it."""
        with self._wake:
            self._pending.clear()
            self._compare = False
        at, began = self._clock(), time.monotonic()
        if self._state.condition in (ToolCondition.STARTING, ToolCondition.DOWN, ToolCondition.CLEARED):
            self._driver.prepare()
        first = self._state.compared_at is None
        drift = self._driver.reconcile(self._orders(at), at)
        if first and not self._resumed:  # the very first start: what was counted before is none of ours
            self._driver.hits()
            self._note_hits(())
        with self._wake:
            state = self._state
            self._changed(
                ToolCondition.OK,
                sequence=max(state.sequence, told.sequence),
                held=drift.held,
                missing=state.missing + (0 if first else drift.missing),
                unexpected=state.unexpected + drift.unexpected,
                compared_at=at,
                problem="",
                apply_ms=_since(told, state),
            )
        now = time.monotonic()
        self._next["compare"] = now + max(self._times.compare, (now - began) * SHARE)
        self._tell((), ())

    def _applied(self, changes: Sequence[Change], told: Told) -> None:
        """The changes of one transaction; what came meanwhile for the same order stays in the queue. ``told``: the
        number that is reached with them; 0 when more waits."""
        outcomes = self._driver.apply(changes, self._clock())
        with self._wake:
            for change in changes:
                if self._pending.get(change.order.undo_id) is change:
                    del self._pending[change.order.undo_id]
            state = self._state
            number = max(state.sequence, told.sequence)
            self._changed(ToolCondition.OK, sequence=number, problem="", apply_ms=_since(told, state))
        self._tell([outcome for outcome in outcomes if outcome.problem], ())

    def _looked(self) -> None:
        """What the tool cannot end itself is ended; what it met is asked for."""
        now = time.monotonic()
        if now >= self._next["expire"]:
            self._next["expire"] = now + self._times.expire
            self._driver.expire(self._clock())
        if now >= self._next["hits"]:
            self._next["hits"] = now + self._times.hits
            hits = self._driver.hits()
            if hits or now >= self._place_at:
                self._note_hits(hits)

    def _note_hits(self, hits: Sequence[ToolHit]) -> None:
        """On disk together with where the tool's counters stood: whoever is killed tells each of them once."""
        self._place_at = time.monotonic() + PLACE_SECONDS
        if self._book is not None and isinstance(self._driver, Counting):
            self._book.met(self._driver.name, hits, self._driver.position())
        elif hits:
            self._tell((), hits)

    def _failed(self, error: Exception) -> None:
        """Not reached: said once, tried again with growing pauses, and compared as a whole before anything else."""
        if not isinstance(error, Fault):
            LOG.error("the tool %s", self._driver.name, exc_info=error)
        sentence = str(error) if isinstance(error, Fault) else f"{type(error).__name__}"
        self._pause = min(PAUSE_MOST, (self._pause or PAUSE_FIRST / 2) * 2)
        with self._wake:
            self._compare = True
            self._next["compare"] = time.monotonic() + self._pause
            self._changed(ToolCondition.DOWN, problem=sentence)
        self._tell((), ())

    def _changed(self, condition: ToolCondition, **fields: object) -> None:
        """A new state; its moment moves only when the condition does."""
        since = self._state.since if condition is self._state.condition else self._clock()
        self._state = msgspec.structs.replace(self._state, condition=condition, since=since, **fields)


def _since(told: Told, state: ToolState) -> float | None:
    """Milliseconds from the node's answer to the tool's; the last known where nothing new was told."""
    if told.sequence <= state.sequence or not told.since:
        return state.apply_ms
    return round((time.monotonic() - told.since) * 1000, 1)
