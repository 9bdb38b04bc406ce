"""Which refusals are on record, so that a repeat writes no leaf. Derived: losing it costs duplicates only."""

from __future__ import annotations

import struct
from contextlib import suppress

from seawall.ledger.files import LedgerFiles
from seawall.model import Unavailable

_ENTRY = struct.Struct(">16sQ")  # refusal key, leaf index


class RefusalMemory:
    """Refusal key -> leaf index, in a file beside the leaves; read when first needed, followed afterwards."""

    def __init__(self, files: LedgerFiles) -> None:
        self._files = files
        self._known: dict[bytes, int] = {}
        self._read_to = 0

    def follow(self, size: int) -> None:
        """Read what other processes added. Entries at or above ``size`` belong to leaves that were cut."""
        end = self._files.size("refusals") // _ENTRY.size * _ENTRY.size
        if end < self._read_to:  # somebody removed the file: what we hold is still true
            self._read_to = end
        if end > self._read_to:
            for key, index in _ENTRY.iter_unpack(self._files.read("refusals", self._read_to, end - self._read_to)):
                if index < size:
                    self._known[key] = index
            self._read_to = end

    def find(self, key: bytes) -> int | None:
        """The leaf that stands for this refusal."""
        return self._known.get(key)

    def add(self, entries: dict[bytes, int]) -> None:
        """Remember refusals whose leaves are on disk."""
        if entries:
            self._known.update(entries)
            data = b"".join(_ENTRY.pack(key, index) for key, index in entries.items())
            with suppress(Unavailable):  # the leaves are on disk: a full disk here costs duplicates later
                self._files.overwrite("refusals", self._read_to, data)
                self._read_to += len(data)
