"""The order of an ingest. Each file: chunks, typed rows, settled rows. Each batch: identity, enrichment, one commit.

1. Find the inputs; a content known to the lake is counted as held without a line-by-line look.
2. Read a chunk of complete lines, each digested (``chunks``).
3. The format's reader gives typed rows and rejected lines (``salvage`` for JSON, ``records`` for other lines).
4. Settle odd values, reject wrong ones (``settle``); rejected lines go to quarantine.
5. When enough lines wait (``batch``): hold the lake, tell new lines from held ones (``identity``), complete and roll
   them up (``enrich``), commit. A killed run leaves whole batches; reading the files again gives the same lake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow.compute as pc

from seawall.ingest.batch import Batches
from seawall.ingest.chunks import BrokenInputError, Buffer, Chunk, EngineFile, chunks
from seawall.ingest.fingerprints import Fingerprint
from seawall.ingest.formats import by_name
from seawall.ingest.inputs import Input, Source, discover
from seawall.ingest.interface import (
    Engine,
    Format,
    IngestOptions,
    IngestReport,
    OnWait,
    Progress,
    Reader,
    Reading,
    Rejected,
)
from seawall.ingest.mapped import mapped_format
from seawall.ingest.quarantine import Quarantine, sweep_quarantine
from seawall.ingest.settle import settle
from seawall.ingest.thrift import thrifty
from seawall.lake import Lake, LakeSession
from seawall.model import Fault

PROBLEMS_SHOWN = 3


def ingest(
    paths: Sequence[str | Path],
    lake: Lake,
    options: IngestOptions,
    progress: Progress | None = None,
    on_wait: OnWait | None = None,
) -> IngestReport:
    """Take logs into the lake: files, folders, ``-`` for standard input.

    Raises Fault E-INGEST-001 when the input yielded nothing at all (nothing stored and nothing held already),
    E-INGEST-002 for an unknown format, Unavailable E-INGEST-003 when the quarantine cannot be written, and the lake's
    faults. What was committed before stays.
    """
    run = _Run(lake, options, progress, on_wait)
    try:
        with thrifty(), lake.scratch() as session:
            return run.all(paths, session)
    finally:
        run.close()


class _Tally:
    """What one file brought."""

    def __init__(self) -> None:
        self.good = 0
        self.rejected = 0
        self.by_type: Counter[str] = Counter()


class _Run:
    def __init__(self, lake: Lake, options: IngestOptions, progress: Progress | None, on_wait: OnWait | None) -> None:
        self._options = options
        self._progress = progress
        self._format = mapped_format(options.mapping) if options.mapping is not None else by_name(options.format)
        self._batches = Batches(lake, options, on_wait)
        self._engine_file = EngineFile()
        self._buffer = Buffer(options.chunk_bytes)
        self._files = self._held = self._rejected = self._events = 0
        self._by_type: Counter[str] = Counter()
        self._problems: list[str] = []
        self._first_rejected = ""
        self._done = 0
        self._total: int | None = None

    def close(self) -> None:
        """Let go of memory and temporary files."""
        self._batches.close()
        self._engine_file.close()

    def all(self, paths: Sequence[str | Path], session: LakeSession) -> IngestReport:
        """Every input in turn."""
        sweep_quarantine(self._options.quarantine)
        sweep_quarantine(self._options.quarantine)
        inputs = discover(paths, self._problems)
        sizes = [one.size for one in inputs]
        self._total = None if None in sizes else sum(size or 0 for size in sizes)
        for given in inputs:
            self._one(given, session)
            self._done += given.size or 0
        self._batches.commit()
        duplicates = self._batches.duplicates + self._held
        report = IngestReport(
            self._files,
            self._batches.stored + duplicates + self._rejected,
            self._batches.stored,
            duplicates,
            self._rejected,
            self._batches.unknown_sensors,
            dict(self._by_type.most_common()),
            self._problems,
        )
        said_nothing = report.files and not report.rejected and not report.problems  # such as a log of a header alone
        if not report.stored and not report.duplicates and not said_nothing:
            raise _nothing(report, self._first_rejected)
        return report

    def _one(self, given: Input, session: LakeSession) -> None:
        try:
            if self._held_whole(given):
                return
            source = Source(given, self._format, self._options.stdin)
        except OSError as error:
            self._problems.append(f"{given.label}: {error.strerror or error}")
            return
        try:
            if source.format is not None:
                self._files += 1
                self._read(given, source, source.format, session)
            elif given.named:
                self._problems.append(f"{given.label}: {source.reason}")
        finally:
            source.close()

    def _held_whole(self, given: Input) -> bool:
        """True, and counted, when this very content was taken in before."""
        known = self._batches.known
        if given.path is None or not given.size or not known.worth_a_look(given.path, given.size):
            return False
        source = Source(given, self._format, None)
        try:
            if source.format is None or not source.exhaust():
                return False
            found = known.find(source.digest, source.bytes, self._told_as(source.format))
        finally:
            source.close()
        if found is None:
            return False
        self._files += 1
        self._held += found.events
        self._events += found.events
        self._by_type.update(found.by_type)
        self._report(given.size)
        return True

    def _read(self, given: Input, source: Source, format: Format, session: LakeSession) -> None:
        self._batches.begin(given.label)
        tally = _Tally()
        reader = format.reader(Engine(session, self._engine_file, given.written))
        quarantine = Quarantine(self._options.quarantine, given.label, str(given.path and given.path.absolute()))
        try:
            broken = self._chunks(given, source, reader, tally, quarantine)
            quarantine.close()
        except BaseException:
            quarantine.abandon()
            raise
        if quarantine.left_out:
            self._problems.append(f"{given.label}: {quarantine.left_out} rejected lines are counted but not kept")
        self._rejected += tally.rejected
        self._by_type.update(tally.by_type)
        # a rejected line may be good another time, say with a sensor's time zone
        if self._options.remember and not broken and not tally.rejected:
            digest, size = source.digest, source.bytes
            self._batches.known.add(Fingerprint(digest, size, self._told_as(format), tally.good, dict(tally.by_type)))

    def _chunks(
        self,
        given: Input,
        source: Source,
        reader: Reader,
        tally: _Tally,
        quarantine: Quarantine,
    ) -> bool:
        """Take every chunk; True when the input breaks in the middle, which is then a problem of the report."""
        try:
            for chunk in chunks(source, self._buffer):
                rejected = self._chunk(chunk, reader, tally)
                if rejected and not self._first_rejected:
                    first = min(rejected, key=lambda one: one.line)
                    self._first_rejected = f"{given.label}, line {first.line}: {first.reason}"
                quarantine.add(rejected)
                self._batches.commit_if_full()
                self._report(source.done)
        except BrokenInputError as error:
            self._problems.append(f"{given.label}: {error}; its complete lines were kept")
            return True
        return False

    def _chunk(self, chunk: Chunk, reader: Reader, tally: _Tally) -> list[Rejected]:
        """Put the chunk's good lines into the batch; its rejected lines."""
        reading = reader.read(chunk) if len(chunk) else Reading([], [])
        rejected = chunk.rejected + reading.rejected
        for found in reading.found:
            options = self._options
            good, settled, refused = settle(found, reader.flaw, options.sensors, options.sensor, options.timezone)
            rejected += refused
            if len(good):
                self._batches.add(good, settled)
                counts = pc.value_counts(settled.column("kind")).to_pylist()
                tally.by_type.update({count["values"]: count["counts"] for count in counts})
                tally.good += len(good)
                self._events += len(good)
        tally.rejected += len(rejected)
        self._events += len(rejected)
        return rejected

    def _told_as(self, format: Format) -> str:
        """The format and, where a person named it, the sensor: equal files of two sensors are two logs."""
        return format.name if self._options.sensor is None else f"{format.name} of {self._options.sensor}"

    def _report(self, done: int) -> None:
        if self._progress is not None:
            self._progress(self._done + done, self._total, self._events)


def _nothing(report: IngestReport, first_rejected: str) -> Fault:
    reasons = report.problems[:PROBLEMS_SHOWN]
    if report.rejected:
        reasons = [f"all {report.rejected} lines were rejected, the first in {first_rejected}", *reasons]
    return Fault(
        "E-INGEST-001",
        "Nothing was taken in: {reasons}.",
        reasons="; ".join(reasons) or "no file there is a log that we know",
    )
