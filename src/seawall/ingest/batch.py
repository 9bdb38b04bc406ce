"""What waits for the next commit, and the commit: new lines told from held ones, completed, rolled up, stored."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.ingest.chunks import Chunk
from seawall.ingest.ends import DEFAULT_OWN, Ranges
from seawall.ingest.enrich import Places, Rows, enrich
from seawall.ingest.fingerprints import Fingerprints
from seawall.ingest.identity import Identity, Lines, Memory
from seawall.ingest.interface import IngestOptions, OnWait
from seawall.lake import Lake, LakeWriter, Part

OnStored = Callable[[LakeWriter, pa.Table, int], None]
"""Called within the commit with the rows just stored (OBSERVATION_SCHEMA without ``event``) and the first one's event
number; the others follow it."""


class _Piece:
    """Settled rows of one file."""

    def __init__(self, file: int, chunk: Chunk, table: pa.Table) -> None:
        self.file = np.full(len(chunk), file, dtype=np.int32)
        self.number = chunk.numbers
        self.high, self.low = chunk.digest_high, chunk.digest_low
        self.table = table


class Batches:
    """Collects good lines and commits them in batches. ``close`` it."""

    def __init__(
        self,
        lake: Lake,
        options: IngestOptions,
        on_wait: OnWait | None,
        *,
        memory: Memory | None = None,
        on_stored: OnStored | None = None,
    ) -> None:
        """``memory`` and ``on_stored`` are for logs that are followed while they grow."""
        self._lake = lake
        self._on_stored = on_stored
        self._options = options
        self._on_wait = on_wait
        self._places = Places(options)
        self._ranges = Ranges([*DEFAULT_OWN, *(options.own.networks() if options.own is not None else ())])
        self._identity = Identity(memory)
        self._labels: list[str] = []
        self._file = -1
        self._waiting: list[_Piece] = []
        self._lines = 0
        self.stored = 0
        self.duplicates = 0
        with lake.reading() as snapshot:
            self.known = Fingerprints(snapshot)

    @property
    def unknown_sensors(self) -> int:
        """Distinct sensors that the table does not know, among the lines stored."""
        return len(self._places.unknown)

    def begin(self, label: str) -> int:
        """Another file begins, and gets this number; the lines added from now on are its own."""
        self._labels.append(label)
        self._file = len(self._labels) - 1
        return self._file

    def resume(self, file: int) -> None:
        """The lines added from now on belong to a file begun earlier."""
        self._file = file

    def add(self, chunk: Chunk, table: pa.Table) -> None:
        """Good lines and their settled rows."""
        self._waiting.append(_Piece(self._file, chunk, table))
        self._lines += len(chunk)

    def commit_if_full(self) -> None:
        """Commit when enough lines wait."""
        if self._lines >= self._options.batch_lines:
            self.commit()

    def commit(self) -> None:
        """Commit what waits. Raises the lake's faults; what was committed before stays."""
        if not self._waiting and not self.known.pending:
            return
        pieces, self._waiting, self._lines = self._waiting, [], 0
        with self._lake.writing(self._on_wait) as writer:
            if pieces:
                self._store(pieces, writer)
            self.known.write(writer)

    def close(self) -> None:
        """Remove temporary files."""
        self._identity.close()

    def _store(self, pieces: list[_Piece], writer: LakeWriter) -> None:
        file, number, high, low = (
            np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("file", "number", "high", "low")
        )
        table = pa.concat_tables([piece.table for piece in pieces])
        lines = Lines(file, table.column("time").to_numpy(), high, low)
        verdict = self._identity.judge(lines, writer)
        new = ~verdict.held
        count = int(new.sum())
        parts: tuple[Part, ...] = ()
        if count:
            table = table if count == len(new) else table.filter(pa.array(new))
            rows = Rows(table, file[new], self._labels, number[new], high[new], low[new], verdict.occurrence[new])
            enriched = enrich(rows, self._places, self._ranges, self._options.geography)
            parts = writer.append_observations(enriched.observations)
            writer.append_rollup(enriched.rollup)
            if self._on_stored is not None:
                self._on_stored(writer, enriched.observations, _first_event(writer, parts))
        self.stored += count
        self.duplicates += len(new) - count
        self._identity.stored(lines, new, parts)


def _first_event(writer: LakeWriter, parts: tuple[Part, ...]) -> int:
    """The number of the first row stored in ``parts``, which one call made."""
    return min(int(pc.min(writer.read_part(part, ["event"]).column(0)).as_py()) for part in parts)
