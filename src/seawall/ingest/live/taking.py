"""Blocks of followed files into the lake: the ordinary way of ingest, a batch at a time.

Order of a commit, each step durable before the next: (1) rows, roll-up and what the caller adds, in one commit of the
lake; (2) the digests of the lines, for counting equal ones; (3) rejected lines; (4) positions. A kill between any two
has the lines read again, and the lake knows them.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pyarrow.compute as pc
import xxhash

from seawall.ingest.batch import Batches, OnStored
from seawall.ingest.chunks import Buffer, Chunk, EngineFile, chunks
from seawall.ingest.interface import Engine, IngestOptions, OnWait, Reader, Reading, Rejected
from seawall.ingest.live.blocks import Block
from seawall.ingest.live.occurrences import LiveMemory
from seawall.ingest.live.rejects import LiveQuarantine
from seawall.ingest.live.state import POSITIONS_KEPT, Position, load_positions, save_positions
from seawall.ingest.live.watched import Followed
from seawall.ingest.settle import settle
from seawall.lake import Lake, LakeSession

HEADER_BYTES = 256 << 10  # of a file's beginning that a reader gets again after a restart, for its header
CHUNK_BYTES = 16 << 20
PLACE_STEP = 0x9E37_79B9_7F4A_7C15 >> 2  # odd; spreads line numbers over the digest's upper half


class Taken(msgspec.Struct, frozen=True):
    """What became of the lines of a batch."""

    lines: int
    stored: int
    duplicates: int
    rejected: int
    by_type: dict[str, int]


class _File(msgspec.Struct):
    """A followed file on its way into the lake."""

    number: int  # of the batch
    reader: Reader
    quarantine: LiveQuarantine
    position: Position


class LiveIngest:
    """Takes blocks. One thread uses it; ``close`` it."""

    def __init__(
        self,
        lake: Lake,
        options: IngestOptions,
        folder: Path,
        session: LakeSession,
        *,
        on_wait: OnWait | None = None,
        on_stored: OnStored | None = None,
    ) -> None:
        """``folder`` holds positions and digests; ``session`` lends the engine. Raises Fault E-INGEST-060."""
        self._options = options
        self._folder = folder
        self._positions = {position.key: position for position in load_positions(folder)}
        self._memory = LiveMemory(folder)
        self._batches = Batches(lake, options, on_wait, memory=self._memory, on_stored=on_stored)
        self._session = session
        self._engine_file = EngineFile()
        self._buffer = Buffer(CHUNK_BYTES)
        self._files: dict[str, _File] = {}

    @property
    def positions(self) -> tuple[Position, ...]:
        """As last saved."""
        return tuple(self._positions.values())

    def take(self, blocks: Sequence[Block], files: dict[str, Followed]) -> Taken:
        """Store the blocks' lines and save how far that is. ``files``: what the blocks belong to, and what has ended.

        Raises the lake's faults and Unavailable E-INGEST-061: nothing of the blocks then counts as taken.
        """
        before = (self._batches.stored, self._batches.duplicates)
        by_type: Counter[str] = Counter()
        rejected: dict[str, list[Rejected]] = {}
        try:
            for group in _of_one_file(blocks):
                file = self._begun(files[group[0].key])
                self._batches.resume(file.number)
                rejected.setdefault(group[0].key, []).extend(self._lines(group, files[group[0].key], file, by_type))
            self._batches.commit()
        except BaseException:
            self._memory.drop()
            raise
        self._memory.keep()
        for key, lines in rejected.items():
            self._files[key].quarantine.add(lines)
        self._save(blocks, files)
        stored, duplicates = self._batches.stored - before[0], self._batches.duplicates - before[1]
        refused = sum(map(len, rejected.values()))
        return Taken(sum(block.lines for block in blocks), stored, duplicates, refused, dict(by_type))

    def forget(self, key: str) -> None:
        """A spool file of ours is in the lake whole: remove it. A position that outlives it is forgotten later."""
        position = self._positions.pop(key, None)
        self._files.pop(key, None)
        if position is not None:
            Path(position.path).unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of memory and temporary files."""
        self._batches.close()
        self._engine_file.close()

    def _begun(self, followed: Followed) -> _File:
        """The file with its reader; a reader that starts in the middle gets the header first."""
        if (held := self._files.get(followed.key)) is not None:
            return held
        position = self._positions.get(followed.key) or _position(followed)
        number = self._batches.begin(followed.label)
        reader = followed.format.reader(Engine(self._session, self._engine_file, written_at(followed.path)))
        if position.offset:
            prime(reader, followed.path, position.offset, self._buffer)
        quarantine = LiveQuarantine(
            self._options.quarantine, followed.label, str(followed.path.absolute()), position.quarantined
        )
        if not followed.own:
            self._memory.begin(number, followed.key, position.remembered)
        self._files[followed.key] = _File(number, reader, quarantine, position)
        return self._files[followed.key]

    def _lines(self, blocks: list[Block], followed: Followed, file: _File, by_type: Counter[str]) -> list[Rejected]:
        """Give the good lines to the batch; the rejected ones."""
        rejected = [block.rejected for block in blocks if block.rejected is not None]
        data = b"".join(block.data for block in blocks if block.data is not None)
        first = next((block.first_line for block in blocks if block.data is not None), 1)
        options = self._options
        for chunk in chunks(io.BytesIO(data), self._buffer, first):
            known = _known_by_place(chunk, followed.path) if followed.own else chunk
            reading = file.reader.read(known) if len(known) else Reading([], [])
            rejected += chunk.rejected + reading.rejected
            for found in reading.found:
                good, settled, refused = settle(
                    found, file.reader.flaw, options.sensors, followed.sensor or options.sensor, options.timezone
                )
                rejected += refused
                if len(good):
                    self._batches.add(good, settled)
                    counts = pc.value_counts(settled.column("kind")).to_pylist()
                    by_type.update({count["values"]: count["counts"] for count in counts})
        return rejected

    def _save(self, blocks: Sequence[Block], files: dict[str, Followed]) -> None:
        for followed in files.values():
            if followed.key not in self._files:
                self._begun(followed)
            file = self._files[followed.key]
            mine = [block for block in blocks if block.key == followed.key]
            before = file.position
            file.position = self._positions[followed.key] = Position(
                followed.key,
                str(followed.path),
                followed.device,
                followed.inode,
                followed.head,
                mine[-1].end if mine else before.offset,
                mine[-1].first_line + mine[-1].lines - 1 if mine else before.lines,
                followed.format.name,
                () if followed.own else self._memory.stretches(file.number),
                file.quarantine.length,
                followed.ended,
            )
        save_positions(self._folder, tuple(self._positions.values())[-POSITIONS_KEPT:])
        for followed in files.values():
            if followed.own and followed.ended:
                self.forget(followed.key)


def _of_one_file(blocks: Sequence[Block]) -> Iterable[list[Block]]:
    """Blocks that follow each other in one file; a line that is too long stands alone."""
    by_file: dict[str, list[Block]] = {}
    for block in blocks:
        by_file.setdefault(block.key, []).append(block)
    for mine in by_file.values():
        run: list[Block] = []
        for block in mine:
            if run and (block.rejected is not None or run[-1].rejected is not None):
                yield run
                run = []
            run.append(block)
        yield run


def _position(followed: Followed) -> Position:
    return Position(followed.key, str(followed.path), followed.device, followed.inode, followed.head)


def written_at(path: Path) -> int | None:
    """When a file was last changed, in microseconds UTC: years that a line does not name are reckoned from it."""
    try:
        return path.stat().st_mtime_ns // 1000
    except OSError:
        return None


def prime(reader: Reader, path: Path, until: int, buffer: Buffer) -> None:
    """Let a reader see the beginning of its file again, for its header; what it finds there was found before."""
    try:
        with path.open("rb") as file:
            start = file.read(min(until, HEADER_BYTES))
    except OSError:
        return
    for chunk in chunks(io.BytesIO(start[: start.rfind(b"\n") + 1]), buffer):
        reader.read(chunk)


def _known_by_place(chunk: Chunk, path: Path) -> Chunk:
    """Lines of a spool file are told apart by where they stand: what was received twice, was sent twice."""
    made = chunk.only(np.arange(len(chunk)))
    base = np.uint64(xxhash.xxh3_64_intdigest(f"{path.parent.name}/{path.name}".encode()))
    marks = (base + chunk.numbers.astype(np.uint64) * np.uint64(PLACE_STEP)).astype(np.int64)
    made.digest_high = made.digest_high ^ marks
    return made
