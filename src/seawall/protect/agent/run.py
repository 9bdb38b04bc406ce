"""The agent's life: one thread asks the node, one drives each tool, and this one passes time and reports.

What stops what: a node that cannot be reached stops nothing (blocks end by the kernel's clock); a tool that cannot be
reached stops no other; a word of the node that does not hold is refused, said, and reported, and what stood before
stays.
"""

from __future__ import annotations

import logging
import os
import random
import threading
import time
from collections.abc import Callable, Mapping

from seawall.messages import mark
from seawall.model import Clock, Fault, Unavailable, system_clock
from seawall.model.agent import ToolCondition
from seawall.protect.agent.around import surroundings
from seawall.protect.agent.checking import SteadyClock
from seawall.protect.agent.config import AgentConfig, limits_of
from seawall.protect.agent.enrolment import load
from seawall.protect.agent.following import Following
from seawall.protect.agent.intake import Intake
from seawall.protect.agent.reporting import LEAST_PAUSE, Reporting
from seawall.protect.agent.state import AgentState
from seawall.protect.agent.status import hold, note_status
from seawall.protect.agent.worker import Worker
from seawall.protect.drivers.interface import Driver

LOG = logging.getLogger(__name__)
STOP_SECONDS = 3.0
TICK = 0.2  # seconds: what begins, ends or is cleared by hand acts within about this time
REJUDGE_SECONDS = 30.0  # the window of a plant opens and closes within this time
NOTE_SECONDS = 10.0  # how old "seawall agent status" may be when nothing is new
PAUSE_FIRST, PAUSE_MOST = 0.25, 20.0  # seconds between attempts to reach the node

Say = Callable[..., None]
"""``say(sentence, **values)``: one line for whoever watches the journal."""


class Agent:
    """One running agent; ``run`` returns after ``stop``. Only one at a time uses a state folder."""

    def __init__(
        self,
        config: AgentConfig,
        drivers: Mapping[str, Driver],
        *,
        say: Say,
        clock: Clock = system_clock,
        random_seed: int | None = None,
    ) -> None:
        """Raises NotFound E-PROTECT-056 when not enrolled, Unavailable -044 / -061 for a state that cannot be had."""
        self._config, self._say = config, say
        self._random = random.Random(random_seed)  # noqa: S311 - spreads attempts, keeps no secret
        self._enrolled = load(config.folder)
        self._hold = hold(config.folder)
        self._state = AgentState(config.folder)
        self._look_at_types(drivers)
        self._clock = SteadyClock(clock, int(self._state.fact("latest") or 0))
        self._stopping = threading.Event()
        self._reporting = Reporting(self._state, self._clock, config.times)
        emptied = self._state.fact("stopped") == "1" or self._state.fact("cleared") is not None
        self._workers = [
            Worker(
                driver,
                self._state.in_force,
                clock=self._clock,
                times=config.times,
                tell=self._reporting.tell,
                emptied=emptied,
                book=self._reporting,
            )
            for driver in drivers.values()
        ]
        self._limits = limits_of(config, surroundings(self._enrolled.url))
        self._intake = Intake(
            self._state, self._limits, self._workers, self._clock, lambda problems: self._reporting.tell(problems, ())
        )
        latest = self._clock.latest or self._clock.raw
        self._contact = time.monotonic() - max(0, self._clock.raw - latest) / 1_000_000
        self._stale = False
        self._noted = 0.0
        self._conditions: dict[str, ToolCondition] = {}
        self._lines = [self._line() for _ in range(2)]  # one is held open, one reports

    def run(self) -> None:
        """Work until ``stop``."""
        self._intake.rejudge(self._limits.name)  # they may have been changed while nobody ran
        for worker in self._workers:
            worker.start()
        talking = [
            threading.Thread(target=talk, args=(line,), name=talk.__name__, daemon=True)
            for talk, line in zip((self._ask, self._tell), self._lines, strict=True)
        ]
        for thread in talking:
            thread.start()
        looked = time.monotonic()
        while not self._stopping.wait(TICK):
            try:
                self._intake.pass_time()
                if time.monotonic() - looked > REJUDGE_SECONDS:
                    self._intake.rejudge()
                    looked = time.monotonic()
                self._look_around()
            except Fault as fault:  # a full disk: what the tools hold ends by itself
                self._reporting.trouble(fault)
        for worker in self._workers:
            worker.stop()
        for thread, line in zip(talking, self._lines, strict=True):
            line.interrupt()
            thread.join(STOP_SECONDS)
        self._state.close()
        os.close(self._hold)

    def stop(self) -> None:
        """End ``run`` soon; what the tools hold stays and ends by itself."""
        self._stopping.set()

    def _look_at_types(self, drivers: Mapping[str, Driver]) -> None:
        """Orders of kinds that no tool here takes are not kept: after a tool was added, the whole book is taken."""
        types = ",".join(sorted({kind.value for driver in drivers.values() for kind in driver.types}))
        if types != self._state.fact("types"):
            self._state.remember(types=types, sequence=None, least=self._state.sequence)

    def _line(self) -> Following:
        return Following(self._config.folder, self._enrolled, self._state, self._clock)

    def _ask(self, following: Following) -> None:
        pause, said = 0.0, ""
        while not self._stopping.is_set():
            try:
                found = following.changes(self._config.times.wait)
                if found is not None:
                    self._intake.changes(found)
                else:
                    self._say(mark("Took the whole book, as of number {sequence}."), sequence=self._take(following))
                self._contact, pause = time.monotonic(), 0.0
                if said:
                    self._say(mark("The node's word holds again."))
                said = ""
                self._reporting.trouble(None)
            except Exception as error:
                if self._stopping.is_set():
                    break
                pause = min(PAUSE_MOST, max(PAUSE_FIRST, pause * 2))
                fault = as_fault(error)
                self._reporting.trouble(fault)
                if fault.code != said:
                    said = fault.code
                    self._say("{problem}", problem=fault)
                self._stopping.wait(pause * self._random.uniform(0.7, 1.3))
        following.close()

    def _take(self, following: Following) -> int:
        return self._intake.snapshot(following.book())

    def _tell(self, following: Following) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            try:
                report = self._reporting.next(1.0)
                if report is not None:
                    following.report(report)
                    self._reporting.taken()
                    self._stopping.wait(LEAST_PAUSE)
                pause = 0.0
            except Exception as error:  # the line's trouble is said by who asks
                LOG.debug("a report was not taken", exc_info=error)
                pause = min(PAUSE_MOST, max(PAUSE_FIRST, pause * 2))
                self._stopping.wait(pause * self._random.uniform(0.7, 1.3))
        following.close()

    def _look_around(self) -> None:
        tools = [worker.state() for worker in self._workers]
        for tool in tools:
            before = self._conditions.get(tool.name)
            if before is not tool.condition:
                self._conditions[tool.name] = tool.condition
                self._say(
                    "{tool}: {condition}. {problem}", tool=tool.name, condition=tool.condition, problem=tool.problem
                )
        standing = self._intake.standing()
        news = self._reporting.note(tools, standing)
        away = time.monotonic() - self._contact
        stale = away > self._config.times.stale_hours * 3600
        if stale is not self._stale:
            self._stale = stale
            if stale:
                self._say(
                    mark(
                        "No word of the node for {hours} hours: what is in force ends in its time, nothing new comes."
                    ),
                    hours=round(away / 3600, 1),
                )
        if news or time.monotonic() - self._noted > NOTE_SECONDS:
            self._noted = time.monotonic()
            contact = self._clock.raw - int(away * 1_000_000)
            note_status(self._state, tools, standing, self._reporting.said, contact=contact)


def as_fault(error: Exception) -> Fault:
    """What went wrong, as a sentence; what nobody foresaw keeps its trace in the log."""
    if isinstance(error, Fault):
        return error
    LOG.error("the node's word was not taken", exc_info=error)
    return Unavailable(
        "E-PROTECT-065",
        "What the node said was not taken in, because of {reason}; it is asked again.",
        reason=type(error).__name__,
    )
