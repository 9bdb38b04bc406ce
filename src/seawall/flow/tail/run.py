"""The order of a tail. One thread reads and looks, another stores.

1. Read what has come (``ingest.live.Follower``), a block of complete lines at a time.
2. Look at each block (``seeing``): sightings and warnings at once.
3. Keep the block (``ingest.live.Backlog``): in memory as far as it reaches, else on disk.
4. Every few seconds or so many lines hand a slice to the storing thread; when it is in the lake, forget it here.
5. At a signal: read once more, store everything, report.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import ExitStack

from seawall.flow.lakeless import require_lake
from seawall.flow.live_release import AlarmsTold
from seawall.flow.node import Node
from seawall.flow.pipeline import LAST_INGEST, LAST_MATCH
from seawall.flow.tables import node_sensors
from seawall.flow.tail.hurry import Hurry
from seawall.flow.tail.interface import Say, TailReport, TailWish
from seawall.flow.tail.seeing import Seeing
from seawall.flow.tail.storing import Slice, Stored, Storer
from seawall.ingest import IngestOptions
from seawall.ingest.formats import by_name
from seawall.ingest.live import Backlog, Block, Followed, Follower, load_positions, only_tail
from seawall.ingest.live.listen import Listener, is_address
from seawall.ingest.live.looking import Looker
from seawall.ingest.live.streams import Streams, left_over

IDLE_SECONDS = 0.05  # between looks when nothing comes
SLICES_WAITING = 4  # of settings.live.commit_lines; more are stored even while reading is behind
WANTED_SECONDS = 10.0  # between looks at whether anybody is to be told of alarms
FOLDER = "tail"  # in the node's: positions, digests, spool

Watching = Callable[[TailReport], None]
"""Called now and then with the figures so far."""


def tail(
    node: Node,
    wish: TailWish,
    *,
    stop: threading.Event,
    say: Say,
    waiting: Callable[[str], None] | None = None,
    watching: Watching | None = None,
) -> TailReport:
    """Follow until ``stop`` is set (or everything was read, with ``once``); then store what was read.

    Raises Refused E-FLOW-004, Fault E-INGEST-002 (unknown format), E-INGEST-060 to -062, and what lake and store raise:
    what was stored before stays, the rest is read again next time.
    """
    node.require("ingest")
    node.require("match")
    require_lake(node)
    wanted = by_name(wish.format)
    folder = node.folder / FOLDER
    with only_tail(folder), node.lake.scratch() as session:
        report = TailReport()
        paths = [source for source in wish.sources if not is_address(source)]
        follower = Follower(paths, load_positions(folder), wanted, report.problems.append)
        for segment in left_over(folder):
            follower.follow_own(segment)
        addresses = [source for source in wish.sources if is_address(source)]
        listener = Listener(addresses, Streams(folder, wanted))
        options = _options(node, wish)
        looker = Looker(options, session)
        hurry = Hurry(wanted=AlarmsTold.wanted(node))
        seeing = Seeing(node, looker, session, hurry)
        alarms = AlarmsTold(node)
        storer = Storer(
            node.lake, options, folder, lambda: seeing.keys, waiting, say, lambda: not (stop.is_set() or wish.once)
        )
        backlog = Backlog(folder, node.settings.live.buffer_bytes, say)
        run = _Run(node, wish, report, follower, listener, seeing, storer, backlog, hurry, alarms)
        with ExitStack() as ending:
            for one in (alarms, looker, follower, backlog, storer, listener):
                ending.callback(one.close)
            run.until(stop, watching)
        return run.figures()


class _Run:
    def __init__(
        self,
        node: Node,
        wish: TailWish,
        report: TailReport,
        follower: Follower,
        listener: Listener,
        seeing: Seeing,
        storer: Storer,
        backlog: Backlog,
        hurry: Hurry,
        alarms: AlarmsTold,
    ) -> None:
        self._node = node
        self._wish = wish
        self._report = report
        self._follower = follower
        self._listener = listener
        self._seeing = seeing
        self._storer = storer
        self.backlog = backlog
        self._hurry, self._alarms = hurry, alarms
        self._early = 0  # the number of the slice that was closed before its time
        self._next_wanted = 0.0
        self._numbers = 0
        self._queue: deque[Slice] = deque()
        self._by_type: Counter[str] = Counter()
        self._filled = self._new_slice()

    def until(self, stop: threading.Event, watching: Watching | None) -> None:
        """Follow; then store what waits."""
        self._follower.resume()
        next_word = time.monotonic() + 1.0
        while not stop.is_set():
            busy = self._step()
            if watching is not None and time.monotonic() >= next_word:
                self._report.dropped = self._listener.dropped()
                watching(self.figures())
                next_word = time.monotonic() + 1.0
            if not busy:
                if self._wish.once and not self._follower.behind():
                    break
                stop.wait(IDLE_SECONDS)
        self._report.dropped = self._listener.dropped()
        self._listener.close()
        self._step()
        self._follower.end_own()
        while self._step():
            pass
        self._seeing.flush(now=True)
        self._close_slice()
        while self._queue or self._storer.busy:
            self._hand_over(ending=True)
            self._answered(self._storer.answer(timeout=0.2))
        self._report.problems += self._follower.unrecognised()
        self._node.store.notes.set(LAST_INGEST, str(self._node.clock()))
        self._node.store.notes.set(LAST_MATCH, str(self._node.clock()))

    def figures(self) -> TailReport:
        """The report as of now."""
        report = self._report
        report.sightings = len(self._seeing.seen)
        report.warnings = self._seeing.warned
        report.spilled = self.backlog.spilled_lines
        report.latency = self._seeing.latency.as_dict()
        report.by_type = dict(self._by_type.most_common())
        return report

    def _step(self) -> bool:
        """Read, look, keep, hand over; whether anything came."""
        for segment in self._listener.news():
            self._follower.follow_own(segment)
        blocks, files = self._follower.poll(reading=not self.backlog.full)
        for block in blocks:
            self._take(block, files[block.key])
        for followed in files.values():
            if followed.ended:
                self._filled.files[followed.key] = followed
                self._filled.begun = self._filled.begun or time.monotonic()
        self._seeing.flush()
        settings = self._node.settings.live
        age = time.monotonic() - self._filled.begun
        if self._filled.begun and not self._storer.busy and not self._queue and age >= settings.commit_seconds:
            self._close_slice()
        self._commit_early()
        self._hand_over()
        self._answered(self._storer.answer())
        return bool(blocks)

    def _commit_early(self) -> None:
        """Somebody new alarmed: do not wait, as far as early commits may cost."""
        now = time.monotonic()
        if now >= self._next_wanted:  # circles are made and left while a tail runs
            self._next_wanted = now + WANTED_SECONDS
            self._hurry.wanted = AlarmsTold.wanted(self._node)
        if self._filled.begun and not self._storer.busy and not self._queue and self._hurry.is_due():
            self._early = self._filled.number
            self._close_slice()

    def _take(self, block: Block, followed: Followed) -> None:
        self._filled.begun = self._filled.begun or time.monotonic()
        self._seeing.look(block, followed)
        self.backlog.add(block)
        self._filled.blocks.append(block)
        self._filled.files[followed.key] = followed
        self._filled.lines += block.lines
        if self._filled.lines >= self._node.settings.live.commit_lines:
            self._close_slice()

    def _new_slice(self) -> Slice:
        self._numbers += 1
        made = Slice(self._numbers)
        self._seeing.begin(made)
        return made

    def _close_slice(self) -> None:
        if self._filled.begun:
            self._hurry.begun()
            self._queue.append(self._filled)
            self._filled = self._new_slice()

    def _hand_over(self, *, ending: bool = False) -> None:
        """Give the storing thread its next slice. While reading is behind, storing waits for its turn: both want the
        same processor, and sightings come first.
        """
        ending = ending or self.backlog.full
        wait = not ending and len(self._queue) < SLICES_WAITING and self._follower.behind()
        if self._queue and not self._storer.busy and not wait:
            one = self._queue.popleft()
            for block in one.blocks:
                self.backlog.load(block)
            self._storer.store(one)

    def _answered(self, stored: Stored | None) -> None:
        if stored is None:
            return
        if stored.number == self._early:
            self._hurry.took(stored.seconds)
        self._alarms.offer(stored.alarmed)
        self._seeing.stored(stored)
        self._report.lines += stored.taken.lines
        self._report.stored += stored.taken.stored
        self._report.duplicates += stored.taken.duplicates
        self._report.rejected += stored.taken.rejected
        self._report.hits += stored.found
        self._by_type.update(stored.taken.by_type)


def _options(node: Node, wish: TailWish) -> IngestOptions:
    return IngestOptions(
        quarantine=node.folder / "quarantine",
        node_side=node.side,
        format=wish.format,
        side=wish.side,
        sector=wish.sector,
        sensor=wish.sensor,
        node_sector="unknown",
        timezone=node.settings.node.timezone,
        sensors=node_sensors(node),
        own=node.own_assets,
        geography=node.geography,
    )
