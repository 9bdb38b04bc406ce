"""The order of an ingest. Each file: chunks, typed rows, settled rows. Each batch: identity, enrichment, one commit.

1. Find the inputs; a content known to the lake is counted as held without a line-by-line look.
2. Read a chunk of complete lines, each digested (``chunks``).
3. Read it typed and strictly (``salvage.read_typed``); a chunk that the engine refuses takes the slow path.
4. Settle odd values, reject wrong ones (``settle``); rejected lines go to quarantine.
5. When enough lines wait: hold the lake, tell new lines from held ones (``identity``), complete and roll them up
   (``enrich``), commit. A killed run leaves whole batches; reading the files again gives the same lake.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.ingest.chunks import BrokenInputError, Buffer, Chunk, EngineFile, chunks
from seawall.ingest.ends import DEFAULT_OWN, Ranges
from seawall.ingest.enrich import Places, Rows, enrich
from seawall.ingest.fingerprints import Fingerprint, Fingerprints
from seawall.ingest.formats import by_name
from seawall.ingest.identity import Identity, Lines
from seawall.ingest.inputs import Input, Source, discover
from seawall.ingest.interface import Format, IngestOptions, IngestReport, OnWait, Progress, Rejected
from seawall.ingest.quarantine import Quarantine, sweep_quarantine
from seawall.ingest.salvage import read_typed, salvage
from seawall.ingest.settle import settle
from seawall.lake import Lake, LakeSession, Part
from seawall.model import Fault, Unavailable

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
        with lake.scratch() as session:
            return run.all(paths, session)
    finally:
        run.close()


class _Piece:
    """Settled rows of one file, waiting for their batch."""

    def __init__(self, file: int, chunk: Chunk, table: pa.Table) -> None:
        self.file = np.full(len(chunk), file, dtype=np.int32)
        self.number = chunk.numbers
        self.high, self.low = chunk.digest_high, chunk.digest_low
        self.table = table


class _Tally:
    """What one file brought."""

    def __init__(self) -> None:
        self.good = 0
        self.rejected = 0
        self.by_type: Counter[str] = Counter()


class _Run:
    def __init__(self, lake: Lake, options: IngestOptions, progress: Progress | None, on_wait: OnWait | None) -> None:
        self._lake = lake
        self._options = options
        self._progress = progress
        self._on_wait = on_wait
        self._format = by_name(options.format)
        self._places = Places(options)
        self._ranges = Ranges([*DEFAULT_OWN, *(options.own.networks() if options.own is not None else ())])
        self._identity = Identity()
        self._engine_file = EngineFile()
        self._buffer = Buffer(options.chunk_bytes)
        self._labels: list[str] = []
        self._waiting: list[_Piece] = []
        self._lines_waiting = 0
        self._files = self._stored = self._duplicates = self._rejected = self._events = 0
        self._by_type: Counter[str] = Counter()
        self._problems: list[str] = []
        self._first_rejected = ""
        self._done = 0
        self._total: int | None = None

    def close(self) -> None:
        """Let go of memory and temporary files."""
        self._identity.close()
        self._engine_file.close()

    def all(self, paths: Sequence[str | Path], session: LakeSession) -> IngestReport:
        """Every input in turn."""
        sweep_quarantine(self._options.quarantine)
        inputs = discover(paths, self._problems)
        self._total = sum(one.size for one in inputs) if all(one.size for one in inputs) else None
        with self._lake.reading() as snapshot:
            self._known = Fingerprints(snapshot)
        for given in inputs:
            self._one(given, session)
            self._done += given.size
        self._flush()
        report = IngestReport(
            self._files,
            self._stored + self._duplicates + self._rejected,
            self._stored,
            self._duplicates,
            self._rejected,
            len(self._places.unknown),
            dict(self._by_type.most_common()),
            self._problems,
        )
        if not report.stored and not report.duplicates:
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
            if source.format is None:
                if given.named:
                    self._problems.append(f"{given.label}: {source.reason}")
                return
            self._files += 1
            self._read(given, source, source.format, session)
        finally:
            source.close()

    def _held_whole(self, given: Input) -> bool:
        """True, and counted, when this very content was taken in before."""
        if given.path is None or not given.size or not self._known.worth_a_look(given.path, given.size):
            return False
        source = Source(given, self._format, None)
        try:
            if source.format is None or not source.exhaust():
                return False
            found = self._known.find(source.digest, source.bytes, source.format.name)
        finally:
            source.close()
        if found is None:
            return False
        self._files += 1
        self._duplicates += found.good
        self._rejected += found.rejected
        self._events += found.good + found.rejected
        self._by_type.update(found.by_type)
        self._report(given.size)
        return True

    def _read(self, given: Input, source: Source, format: Format, session: LakeSession) -> None:
        self._labels.append(given.label)
        tally = _Tally()
        identity = str(given.path.absolute()) if given.path is not None else given.label
        quarantine = Quarantine(self._options.quarantine, given.label, identity)
        broken = False
        try:
            try:
                for chunk in chunks(source, self._buffer):
                    quarantine.add(self._chunk(chunk, format, session, tally))
                    self._report(source.done)
            except BrokenInputError as error:
                broken = True
                self._problems.append(f"{given.label}: {error}; its complete lines were kept")
            quarantine.close()
        except OSError as error:
            raise Unavailable(
                "E-INGEST-003",
                "The quarantine in {folder} cannot be written: {reason}. Free some space and run it again.",
                folder=self._options.quarantine,
                reason=error.strerror or error,
            ) from error
        if quarantine.left_out:
            self._problems.append(f"{given.label}: {quarantine.left_out} rejected lines are counted but not kept")
        self._by_type.update(tally.by_type)
        if not broken:
            known = Fingerprint(
                source.digest, source.bytes, format.name, tally.good, tally.rejected, dict(tally.by_type)
            )
            self._known.add(known)

    def _chunk(self, chunk: Chunk, format: Format, session: LakeSession, tally: _Tally) -> list[Rejected]:
        """Put the chunk's good lines into the batch; its rejected lines."""
        rejected = list(chunk.rejected)
        found: list[tuple[Chunk, pa.Table]] = []
        if len(chunk):
            table = read_typed(chunk, format, session, self._engine_file)
            if table is not None:
                found = [(chunk, table)]
            else:
                found, flawed = salvage(chunk, format, session, self._engine_file)
                rejected += flawed
        for lines, rows in found:
            good, settled, refused = settle(lines, rows, format, self._options.sensors)
            rejected += refused
            if len(good):
                self._waiting.append(_Piece(len(self._labels) - 1, good, settled))
                self._lines_waiting += len(good)
                counts = pc.value_counts(settled.column("kind")).to_pylist()
                tally.by_type.update({count["values"]: count["counts"] for count in counts})
                tally.good += len(good)
        tally.rejected += len(rejected)
        self._rejected += len(rejected)
        self._events += len(rejected) + sum(len(lines) for lines, _ in found)
        if rejected and not self._first_rejected:
            first = min(rejected, key=lambda one: one.line)
            self._first_rejected = f"{self._labels[-1]}, line {first.line}: {first.reason}"
        if self._lines_waiting >= self._options.batch_lines:
            self._flush()
        return rejected

    def _report(self, done: int) -> None:
        if self._progress is not None:
            self._progress(self._done + done, self._total, self._events)

    def _flush(self) -> None:
        """Commit what waits."""
        if not self._waiting and not self._known.pending:
            return
        pieces, self._waiting, self._lines_waiting = self._waiting, [], 0
        with self._lake.writing(self._on_wait) as writer:
            if pieces:
                joined = {
                    name: np.concatenate([getattr(one, name) for one in pieces])
                    for name in ("file", "number", "high", "low")
                }
                table = pa.concat_tables([one.table for one in pieces])
                lines = Lines(joined["file"], table.column("time").to_numpy(), joined["high"], joined["low"])
                verdict = self._identity.judge(lines, writer)
                kept = ~verdict.held
                new = int(kept.sum())
                parts: tuple[Part, ...] = ()
                if new:
                    if new < len(kept):
                        table = table.filter(pa.array(kept))
                    rows = Rows(
                        table,
                        joined["file"][kept],
                        self._labels,
                        joined["number"][kept],
                        joined["high"][kept],
                        joined["low"][kept],
                        verdict.occurrence[kept],
                    )
                    enriched = enrich(rows, self._places, self._ranges, self._options.geography)
                    parts = writer.append_observations(enriched.observations)
                    writer.append_rollup(enriched.rollup)
                self._stored += new
                self._duplicates += len(kept) - new
                self._identity.stored(lines, kept, parts)
            self._known.write(writer)


def _nothing(report: IngestReport, first_rejected: str) -> Fault:
    reasons = report.problems[:PROBLEMS_SHOWN]
    if report.rejected:
        reasons = [f"all {report.rejected} lines were rejected, the first in {first_rejected}", *reasons]
    return Fault(
        "E-INGEST-001",
        "Nothing was taken in: {reasons}.",
        reasons="; ".join(reasons) or "no file there is a log that we know",
    )
