"""From checked words of the node to the tools: judged by the limits, kept on disk, then offered to each worker.

The order never changes: limits, disk, tools. Cases that must not go wrong:

- an order that was in force and is refused now (the node made it longer, the limits were tightened) leaves the tools;
- an order begins and ends at its own moments, also while nobody can be asked;
- a snapshot takes the place of everything only when its last page has come.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from seawall.model import ObservableType
from seawall.model.agent import Outcome, SignedChanges, SnapshotPage
from seawall.model.order import Change, Order
from seawall.protect.agent.checking import SteadyClock
from seawall.protect.agent.limits import Limits
from seawall.protect.agent.reporting import Standing
from seawall.protect.agent.state import AgentState, Held
from seawall.protect.agent.worker import Worker

REJUDGED = 2_000  # orders looked at again in one go
EXPIRED = 10_000  # that end in one go


class Intake:
    """Takes in what was checked. Its methods may be called by several threads."""

    def __init__(
        self,
        state: AgentState,
        limits: Limits,
        workers: Sequence[Worker],
        clock: SteadyClock,
        tell: Callable[[Sequence[Outcome]], None],
    ) -> None:
        self._state, self._limits, self._workers, self._clock, self._tell = state, limits, workers, clock, tell
        self._types = frozenset[ObservableType]().union(*(worker.types for worker in workers))
        self._lock = threading.Lock()
        self._counts = Counter(state.counts())
        self._refused = state.refused()
        self._freed = True
        self._looked = clock()
        self.stopped = state.fact("stopped") == "1"
        self.cleared = state.fact("cleared") is not None

    def changes(self, found: SignedChanges) -> None:
        """Changes that follow what we have, whole or not at all."""
        with self._lock:
            self._clock.believe(found.made_at)
            at = self._clock()
            before: dict[str, Held | None] = dict(
                self._state.several([change.order.undo_id for change in found.changes])
            )
            now = dict(before)
            problems = [
                outcome
                for change in found.changes
                if (outcome := self._one(change, now, at, self._counts, self._types)) is not None
            ]
            kept = [held for held in now.values() if held is not None]
            gone = [name for name, held in now.items() if held is None]
            stopped = "1" if found.stopped else None
            self._state.take(kept, gone, found.last, stopped=stopped, latest=found.made_at, epoch=found.epoch or None)
            self._refused += _refusals(now) - _refusals(before)
            self._offer(_steps(before, now, at), found.last)
            self._switch(found.stopped)
        self._tell(problems)

    def snapshot(self, pages: Iterable[SnapshotPage]) -> int:
        """Everything in force, page by page; the number at which the book then stands."""
        counts: Counter[ObservableType] = Counter()
        page: SnapshotPage | None = None
        for page in pages:
            self._clock.believe(page.made_at)
            at = self._clock()
            now: dict[str, Held | None] = {}
            for order in page.orders:
                self._one(Change(page.sequence, "put", order), now, at, counts, self._types)
            self._state.gather([held for held in now.values() if held is not None], first=page.number == 0)
        if page is None or not page.final:
            raise ValueError("a snapshot without an end is not taken")
        with self._lock:
            stopped = "1" if page.stopped else None
            self._state.settle(page.sequence, stopped=stopped, latest=page.made_at, epoch=page.epoch or None)
            self._counts, self._refused = Counter(self._state.counts()), self._state.refused()
            for worker in self._workers:
                worker.reached(page.sequence)
                worker.compare()
            self._switch(page.stopped)
        self._tell(self._state.problems(100))
        return page.sequence

    def pass_time(self) -> None:
        """What has run out goes, what begins now comes; a person at the gateway may have cleared or resumed."""
        with self._lock:
            at = self._clock()
            steps = [Change(0, "put", held.order) for held in self._state.beginning(self._looked, at)]
            over = self._state.expire(at, EXPIRED)
            for held in over:
                if held.problem:
                    self._refused -= 1
                else:
                    self._counts[held.order.type] -= 1
                    self._freed = True
            steps += [Change(0, "remove", held.order) for held in over if not held.problem]
            self._looked = max(self._looked, at)
            self._offer([step for step in steps if step.op == "remove" or not _problem_of(step, self._state)], 0)
            cleared = self._state.fact("cleared") is not None
            if cleared != self.cleared:
                self.cleared = cleared
                self._switch(self.stopped)

    def standing(self) -> Standing:
        """How many orders act or are refused here, and whether the tools are to be empty."""
        with self._lock:
            return Standing(self._counts.total(), self._refused, self.stopped, self.cleared)

    def rejudge(self, limits: str | None = None) -> None:
        """Judge again what may come out otherwise now: everything, when the limits are others than before (``limits``
        names those of a start) or the window of a plant opened or closed; what was refused, when there is room."""
        window = str(self._limits.window_open(self._clock()))
        known = limits if limits is not None else self._state.fact("limits")
        everything = (known, window) != (self._state.fact("limits"), self._state.fact("window"))
        if everything:
            self._walk(refused=False)
            self._state.remember(limits=known, window=window)
        elif self._refused and self._freed:
            self._walk(refused=True)

    def _walk(self, *, refused: bool) -> None:
        self._freed = False
        after = ""
        while True:
            with self._lock:
                page = self._state.held(after, REJUDGED, refused=refused)
                if not page:
                    return
                self._judge_again(page, self._clock())
            after = page[-1].order.undo_id

    def _judge_again(self, page: Sequence[Held], at: int) -> None:
        before: dict[str, Held | None] = {held.order.undo_id: held for held in page}
        now = dict(before)
        for held in page:
            self._one(Change(held.sequence, "put", held.order), now, at, self._counts, self._types)
        moved = [held for name, held in now.items() if held is not None and held != before[name]]
        gone = [name for name, held in now.items() if held is None]
        if moved or gone:
            self._refused += _refusals(now) - _refusals(before)
            self._state.change(moved, gone)
            self._offer(_steps(before, now, at), 0)

    def _one(
        self,
        change: Change,
        now: dict[str, Held | None],
        at: int,
        counts: Counter[ObservableType],
        types: frozenset[ObservableType],
    ) -> Outcome | None:
        """What is held of one order after this change; a refusal is returned and kept with it."""
        order = change.order
        old = now.get(order.undo_id)
        if old is not None and not old.problem:
            counts[old.order.type] -= 1
            self._freed = True
        now[order.undo_id] = None
        if change.op == "remove" or order.expires_at <= at or order.type not in types:
            return None
        problem, detail = self._limits.judge(order, at, lambda kind: counts.total() if kind is None else counts[kind])
        now[order.undo_id] = Held(order, change.sequence, problem, detail)
        if not problem:
            counts[order.type] += 1
            return None
        return Outcome(change.sequence, order.undo_id, problem, detail)

    def _offer(self, steps: Sequence[Change], sequence: int) -> None:
        if steps or sequence:
            for worker in self._workers:
                worker.offer(steps, sequence)

    def _switch(self, stopped: bool) -> None:
        self.stopped = stopped
        for worker in self._workers:
            worker.empty(stopped or self.cleared)


def _acting(held: Held | None, at: int) -> Order | None:
    return held.order if held is not None and not held.problem and held.order.starts_at <= at else None


def _steps(before: dict[str, Held | None], now: dict[str, Held | None], at: int) -> list[Change]:
    """What the tools have to do; removals first, so that one value under two names ends as the later one says."""
    gone, come = [], []
    for name, held in now.items():
        old, new = _acting(before.get(name), at), _acting(held, at)
        if new is not None and new != old:
            come.append(Change(held.sequence if held is not None else 0, "put", new))
        elif new is None and old is not None:
            gone.append(Change(0, "remove", old))
    return gone + come


def _refusals(held: dict[str, Held | None]) -> int:
    return sum(one is not None and bool(one.problem) for one in held.values())


def _problem_of(step: Change, state: AgentState) -> bool:
    held = state.several([step.order.undo_id]).get(step.order.undo_id)
    return held is None or bool(held.problem)
