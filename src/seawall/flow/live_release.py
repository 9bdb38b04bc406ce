"""From an alarm in a followed log to an object that a circle may ask for, without waiting for the schedule.

The tail hands over the alarmed rows of each slice right after the lake holds it. A thread asks of their values what the
whole run asks (``match.fresh``), from the same lake, and stores the same objects (``shareable``); ``seawall serve``
puts them before policy and tells the peers. What is not answered here, or came when this had used up its share of the
time, comes with the schedule.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import OrderedDict

import pyarrow as pa
import pyarrow.compute as pc

from seawall.flow.live_desk import ask_for_desk
from seawall.flow.live_pace import Duty
from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.flow.screens import NodeScreens, node_screens
from seawall.match.fresh import Surroundings, alarmed_values, fresh_candidates
from seawall.model import Observable, Pap, Tlp
from seawall.model.observation import Basis

SHARE, SPARE = 0.1, 10.0  # of one core that asking may take for long, and the seconds of a burst
MOST_VALUES = 2_000  # of one question; a flood is the schedule's
MOST_ROWS = 50_000  # alarmed rows that wait for a question
SURROUNDINGS_SECONDS = 600.0  # sensors and their clocks change slowly
TOLD_KEPT = 100_000  # values remembered as told: their growth is told by the schedule
CLOSE_SECONDS = 30.0  # to wait at the end for what is being asked
AGAIN_SECONDS = 5.0  # a value that was no candidate is not asked about sooner


class AlarmsTold:
    """Asks about alarmed values in a thread of its own. ``close`` it."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._duty = Duty(SHARE, SPARE)
        self._offered: queue.SimpleQueue[pa.Table | None] = queue.SimpleQueue()
        self._told: OrderedDict[Observable, float] = OrderedDict()  # -> not again before, monotonic seconds
        self._surroundings: Surroundings | None = None
        self._read_at = 0.0
        self._screens: NodeScreens | None = None
        self._closing, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="alarms", daemon=True)
        self.told = 0  # objects stored
        self.left = 0  # alarmed rows left to the schedule
        self._thread.start()

    @staticmethod
    def wanted(node: Node) -> bool:
        """Whether anything found could go anywhere."""
        return node.settings.live.release_at_once and bool(node.store.circles.list())

    def offer(self, rows: pa.Table) -> None:
        """Alarmed rows (OBSERVATION_SCHEMA) that the lake holds now. Returns at once."""
        if len(rows):
            self._offered.put(rows)

    def close(self) -> None:
        """Ask about what was offered, without pausing, and end."""
        self._closing.set()
        self._offered.put(None)
        self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._ended:
            rows = self._offered.get()
            if rows is None:
                return
            self._closing.wait(self._duty.wait())
            began = time.thread_time()
            try:
                self.told += self._ask(self._with_more(rows))
            except Exception as error:  # the schedule does it again
                as_fault(error, "telling of alarms at once")
            finally:
                # the engine's own threads work too: what the clock says is the upper bound of both on one core
                self._duty.spent(max(time.thread_time() - began, 0.01))

    def _with_more(self, rows: pa.Table) -> pa.Table:
        """With all that came meanwhile, up to a bound."""
        held, count = [rows], len(rows)
        while not self._offered.empty():
            more = self._offered.get()
            if more is None:
                self._ended = True
                break
            if count + len(more) > MOST_ROWS:
                self.left += len(more)
                continue
            held.append(more)
            count += len(more)
        return pa.concat_tables(held)

    def _ask(self, rows: pa.Table) -> int:
        if not self.wanted(self._node):
            return 0
        now = time.monotonic()
        with self._node.lake.reading() as session:
            since = {
                value: first
                for value, first in alarmed_values(session, rows).items()
                if self._told.get(value, 0.0) <= now
            }
            if not since:
                return 0
            if len(since) > MOST_VALUES:
                since = dict(list(since.items())[:MOST_VALUES])
            if self._node.store.sightings.told((value.type, value.value) for value in since):
                ask_for_desk(self._node)  # told a moment before the line was read, perhaps: nobody else would notice
            if self._surroundings is None or now - self._read_at > SURROUNDINGS_SECONDS:
                self._surroundings, self._screens, self._read_at = Surroundings(session), node_screens(self._node), now
            screens = self._screens or node_screens(self._node)
            found = fresh_candidates(session, screens, since, self._surroundings, tlp=Tlp.AMBER, pap=Pap.GREEN)
        from seawall.flow.shareable import tell_candidates

        changed = tell_candidates(self._node, found)
        named = set(zip(found["type"].to_pylist(), found["value"].to_pylist(), strict=True))
        for value in since:
            stays = (value.type.value, value.value) in named
            self._remember(value, float("inf") if stays else now + AGAIN_SECONDS)
        return changed

    def _remember(self, value: Observable, until: float) -> None:
        self._told[value] = until
        self._told.move_to_end(value)
        while len(self._told) > TOLD_KEPT:
            self._told.popitem(last=False)


def alarmed(rows: pa.Table) -> pa.Table:
    """The rows with a hostile basis."""
    return rows.filter(pc.not_equal(pc.cast(rows["basis"], pa.string()), Basis.NONE.value))
