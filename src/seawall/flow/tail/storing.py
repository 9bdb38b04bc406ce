"""The thread that stores: slices of followed files into the lake, one commit each, while reading goes on."""

from __future__ import annotations

import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec
import pyarrow as pa

from seawall.flow.live_release import alarmed
from seawall.flow.tail.interface import Say
from seawall.ingest.interface import IngestOptions
from seawall.ingest.live import Block, Followed, LiveIngest, Taken
from seawall.lake import Lake, LakeSession, LakeWriter
from seawall.match.live import LiveKeys
from seawall.match.live_hits import held_run, keep_hits
from seawall.match.tally import Tally
from seawall.messages import mark
from seawall.model import Unavailable

PASSING = ("E-LAKE-032", "E-LAKE-041")  # the storage of a lake does not answer, or took us for dead
RETRY_SECONDS = 5.0


class Slice(msgspec.Struct):
    """Lines of one commit, and what they showed when they were read."""

    number: int
    blocks: list[Block] = []
    files: dict[str, Followed] = {}
    seen: Tally = msgspec.field(default_factory=Tally)
    lines: int = 0
    begun: float = 0.0  # monotonic seconds of the first line


class Stored(msgspec.Struct):
    """What became of a slice."""

    number: int
    taken: Taken
    hits: pa.Table
    found: int  # pairs of a line and an indicator
    run: int | None  # of ``match`` before this slice; None: nothing was stored
    alarmed: pa.Table  # its rows with a hostile basis
    seconds: float  # that storing took
    anew: bool = False  # it was offered again: the lake may hold more of it than ``hits``


class Storer:
    """Stores one slice at a time. ``close`` it."""

    def __init__(
        self,
        lake: Lake,
        options: IngestOptions,
        folder: Path,
        keys: Callable[[], LiveKeys],
        on_wait: Callable[[str], None] | None,
        say: Say,
        patient: Callable[[], bool],
    ) -> None:
        """``keys`` gives the indicators of the moment; ``folder`` holds the positions.

        While ``patient`` says so, a slice is offered again to a storage that does not answer, and ``say`` hears of it.
        """
        self._lake = lake
        self._options = options
        self._folder = folder
        self._keys = keys
        self._on_wait = on_wait
        self._say = say
        self._patient = patient
        self._live: LiveIngest | None = None
        self._hits: list[pa.Table] = []
        self._alarmed: list[pa.Table] = []
        self._attempts: list[list[pa.Table]] = []  # the hits of those that were refused
        self._match_run: int | None = None
        self._asked: queue.SimpleQueue[Slice | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Stored | BaseException] = queue.SimpleQueue()
        self._busy = False
        self._thread = threading.Thread(target=self._run, name="storing", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether a slice was handed over and not answered for."""
        return self._busy

    def store(self, one: Slice) -> None:
        """Hand over a slice; its blocks have their data."""
        self._busy = True
        self._asked.put(one)

    def answer(self, timeout: float = 0.0) -> Stored | None:
        """The slice that was stored meanwhile; None when none was. Raises what went wrong."""
        if not self._busy:
            return None
        try:
            found = self._answers.get(timeout=timeout) if timeout else self._answers.get_nowait()
        except queue.Empty:
            return None
        self._busy = False
        if isinstance(found, BaseException):
            raise found
        return found

    def close(self) -> None:
        """End the thread when it has done what it was given."""
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._lake.scratch() as session:
                try:
                    self._begun(session)
                    while (one := self._asked.get()) is not None:
                        began = time.monotonic()
                        taken = self._taken(one, session)
                        hits = pa.concat_tables(self._hits) if self._hits else pa.table({})
                        found = _most([*self._attempts, self._hits]) if self._attempts else len(hits)
                        alarms = pa.concat_tables(self._alarmed) if self._alarmed else pa.table({})
                        told = Stored(one.number, taken, hits, found, self._match_run, alarms, time.monotonic() - began)
                        self._answers.put(msgspec.structs.replace(told, anew=bool(self._attempts)))
                finally:
                    self._end()
        except BaseException as error:
            self._answers.put(error)

    def _taken(self, one: Slice, session: LakeSession) -> Taken:
        """Store a slice. After a refusal that passes begin anew with what is on disk, as after a kill."""
        told = False
        self._attempts = []
        while True:
            self._hits, self._alarmed, self._match_run = [], [], None
            try:
                taken = self._begun(session).take(one.blocks, one.files)
            except Unavailable as fault:
                if fault.code not in PASSING or not self._patient():
                    raise
                self._end()
                self._attempts.append(self._hits)
                if not told:
                    waits = mark("The lake takes nothing now and is asked again; what is read waits. {reason}")
                    self._say(waits, reason=fault)
                told = True
                again = time.monotonic() + RETRY_SECONDS
                while self._patient() and time.monotonic() < again:
                    time.sleep(RETRY_SECONDS / 50)
            else:
                if told:
                    self._say(mark("The lake takes lines again."))
                return taken

    def _begun(self, session: LakeSession) -> LiveIngest:
        if self._live is None:
            self._live = LiveIngest(
                self._lake, self._options, self._folder, session, on_wait=self._on_wait, on_stored=self._stored
            )
        return self._live

    def _end(self) -> None:
        if self._live is not None:
            self._live.close()
        self._live = None

    def _stored(self, writer: LakeWriter, rows: pa.Table, first_event: int) -> None:
        self._match_run = held_run(writer)
        if len(alarms := alarmed(rows)):
            self._alarmed.append(alarms)
        keys = self._keys()
        if len(keys):
            self._hits.append(keep_hits(writer, keys, rows, first_event))


def _most(attempts: list[list[pa.Table]]) -> int:
    """How many hits a slice has: an attempt that was stored though it seemed refused leaves none to the next."""
    most: Counter[tuple[object, ...]] = Counter()
    for tables in attempts:
        most |= Counter(
            pair
            for table in tables
            for pair in zip(*(table[name].to_pylist() for name in table.column_names if name != "event"), strict=True)
        )
    return most.total()
