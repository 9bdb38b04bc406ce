"""The bounded buffer between reading and storing: what does not fit into memory goes to a file, and says so."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from seawall.ingest.live.blocks import Block
from seawall.ingest.live.state import unwritable
from seawall.messages import mark

OVERFLOW = "overflow.spool"
SPILLED_BYTES = 4 << 30  # in the file; it is made empty when all of them are in the lake


class Backlog:
    """Blocks that wait for the lake. At most ``bound`` bytes of them are in memory."""

    def __init__(self, folder: Path, bound: int, say: Callable[[str], None]) -> None:
        """``say`` hears when spilling begins and ends. What an earlier process left is dropped: its source keeps it."""
        self._path = folder / OVERFLOW
        self._bound = bound
        self._say = say
        self._file: BinaryIO | None = None
        self._in_memory = 0
        self._in_file = 0  # bytes written and not loaded yet
        self._end = 0  # of the file
        self.spilled_lines = self.spilled_bytes = 0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from error

    @property
    def full(self) -> bool:
        """Whether nothing more is to be read until what was spilled is in the lake. Logs keep their lines meanwhile."""
        return self._in_file > 0 and self._end >= SPILLED_BYTES

    def add(self, block: Block) -> None:
        """Take a block into account; its data go to the file when memory is full. Raises Unavailable E-INGEST-061."""
        size = len(block.data) if block.data is not None else 0
        if not size or self._in_memory + size <= self._bound:
            self._in_memory += size
            return
        if block.held_by is None:
            self._spill(block, size)
        block.data = None
        self.spilled_lines += block.lines
        self.spilled_bytes += size

    def load(self, block: Block) -> Block:
        """The block with its data, and out of the account."""
        if block.data is not None:
            self._in_memory -= len(block.data)
            return block
        if block.rejected is not None:
            return block
        size = block.end - block.start
        if block.held_by is not None:
            with block.held_by.open("rb") as file:
                file.seek(block.start)
                block.data = file.read(size)
            return block
        if self._file is None:
            raise ValueError("this block was never added")
        block.data = os.pread(self._file.fileno(), size, block.spilled_at)
        self._in_file -= size
        if not self._in_file:
            self._file.truncate(0)
            self._end = 0
            self._say(mark("What was spilled to disk is in the lake."))
        return block

    def close(self) -> None:
        """Remove the file."""
        if self._file is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)
            self._file = None

    def _spill(self, block: Block, size: int) -> None:
        try:
            if self._file is None:
                self._file = self._path.open("w+b", buffering=0)
            if not self._in_file:
                self._say(mark("Lines come faster than they are stored; they wait on disk."))
            block.spilled_at = self._file.seek(self._end)
            view = memoryview(block.data or b"")
            while view:  # a disk that is nearly full takes a part
                view = view[self._file.write(view) :]
        except OSError as error:
            raise unwritable(self._path.parent, error) from error
        self._in_file += size
        self._end += size
        if self._end - size < SPILLED_BYTES <= self._end:
            self._say(mark("As much waits on disk as may; logs are read on when it is in the lake."))
