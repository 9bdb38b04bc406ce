"""What the node is told of this gateway: how each tool is, what was refused, what was met. Bounded, and never twice.

A report is kept on disk under its number before it is sent and until the node took it, so that after a crash the same
report goes out under the same number, which the node counts once. What is met while the line is down is added up by
value; of more values than are kept, the further ones are counted in no report.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Sequence

import msgspec

from seawall.model import Fault, ObservableType
from seawall.model.agent import MAX_TOLD, AgentReport, Outcome, ToolHit, ToolState
from seawall.protect.agent.checking import SteadyClock
from seawall.protect.agent.config import Times
from seawall.protect.agent.state import AgentState

MOST_PROBLEMS = 10_000  # kept while nobody can be told; the oldest go first
MOST_HITS = 100_000  # values met and not told yet
LEAST_PAUSE = 0.2  # seconds between two reports

Key = tuple[ObservableType, str]


class Standing(msgspec.Struct, frozen=True):
    """How the agent stands, for reports and for ``seawall agent status``."""

    orders: int = 0
    refused: int = 0
    stopped: bool = False
    cleared: bool = False


class Reporting:
    """Gathers what is to be told; ``next`` gives the report to send, ``taken`` is called when the node has it."""

    def __init__(self, state: AgentState, clock: SteadyClock, times: Times) -> None:
        self._state, self._clock, self._times = state, clock, times
        self._wake = threading.Condition()
        self._problems: deque[Outcome] = deque(maxlen=MOST_PROBLEMS)
        self._hits: OrderedDict[Key, ToolHit] = OrderedDict()
        self._tools: tuple[ToolState, ...] = ()
        self._standing = Standing()
        self._trouble = ""
        self._new = True
        self._sent = 0.0
        kept = state.fact("report")
        waiting = state.fact("hits")
        for hit in [] if waiting is None else msgspec.json.decode(waiting, type=list[ToolHit]):
            self._add(hit)
        self._kept = None if kept is None else msgspec.json.decode(kept, type=AgentReport)

    def tell(self, problems: Sequence[Outcome], hits: Sequence[ToolHit]) -> None:
        """A worker or the intake has something to say."""
        with self._wake:
            self._problems.extend(problems)
            for hit in hits:
                self._add(hit)
            self._new = True
            self._wake.notify_all()

    def position(self, tool: str) -> str | None:
        """Up to where a tool's counters or logs are in reports, or wait for one; None: it was never asked."""
        return self._state.fact(f"counted:{tool}")

    def met(self, tool: str, hits: Sequence[ToolHit], position: str) -> None:
        """Take a tool's hits; they and the place that is reached are on disk when this returns."""
        with self._wake:
            for hit in hits:
                self._add(hit)
            self._state.remember(**{"hits": self._waiting(), f"counted:{tool}": position})
            if hits:
                self._new = True
                self._wake.notify_all()

    def _waiting(self) -> str | None:
        return msgspec.json.encode(list(self._hits.values())).decode() if self._hits else None

    def note(self, tools: Sequence[ToolState], standing: Standing) -> bool:
        """How things stand now; whether that is news."""
        with self._wake:
            told = [_without_noise(tool) for tool in self._tools], self._standing
            self._tools, self._standing = tuple(tools), standing
            changed = ([_without_noise(tool) for tool in tools], standing) != told
            if changed:
                self._new = True
                self._wake.notify_all()
            return changed

    def trouble(self, fault: Fault | None) -> None:
        """What is wrong with the node's word or the line; None: nothing."""
        text = "" if fault is None else str(fault)
        with self._wake:
            self._new |= text != self._trouble
            self._trouble = text

    @property
    def said(self) -> str:
        """The trouble as it stands."""
        return self._trouble

    def next(self, seconds: float) -> AgentReport | None:
        """The next report, once there is something new, the heartbeat is due, or an earlier one was not taken."""
        with self._wake:
            if self._kept is not None:
                return self._kept
            due = self._sent + self._times.heartbeat - time.monotonic()
            if not self._new and due > 0:
                self._wake.wait(min(seconds, due))
            due = self._sent + self._times.heartbeat - time.monotonic()
            if not self._new and due > 0:
                return None
            report = self._made()
            told = msgspec.json.encode(report).decode()
            self._state.remember(report=told, number=report.number, hits=self._waiting())
            self._kept = report
        return report

    def taken(self) -> None:
        """The node has the report that was sent last."""
        self._state.remember(report=None)
        with self._wake:
            self._kept = None
            self._sent = time.monotonic()

    def _made(self) -> AgentReport:
        problems = [self._problems.popleft() for _ in range(min(MAX_TOLD, len(self._problems)))]
        hits = [self._hits.popitem(last=False)[1] for _ in range(min(MAX_TOLD, len(self._hits)))]
        self._new = bool(self._problems or self._hits)
        return AgentReport(
            number=int(self._state.fact("number") or 0) + 1,
            at=self._clock(),
            sequence=self._state.sequence or 0,
            tools=self._tools,
            problems=tuple(problems),
            hits=tuple(hits),
            orders=self._standing.orders,
            refused=self._standing.refused,
            stopped=self._standing.stopped,
            cleared=self._standing.cleared,
            trouble=self._trouble,
        )

    def _add(self, hit: ToolHit) -> None:
        key = hit.type, hit.value
        if (held := self._hits.get(key)) is not None:
            first, last = min(held.first_seen, hit.first_seen), max(held.last_seen, hit.last_seen)
            undo_id = hit.undo_id or held.undo_id
            self._hits[key] = ToolHit(hit.type, hit.value, undo_id, first, last, held.count + hit.count)
        elif len(self._hits) < MOST_HITS:
            self._hits[key] = hit


def _without_noise(tool: ToolState) -> ToolState:
    """What always moves is no news: the time of a comparison."""
    return msgspec.structs.replace(tool, compared_at=None, apply_ms=None, waiting=0)
