"""Rejected lines of followed files: the same quarantine files as an ordinary reading writes, added to as lines come.

The position of a file says how long its quarantine file is; a longer one was written before a kill, by lines that are
read again.
"""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import msgspec
import xxhash

from seawall.ingest.interface import Rejected
from seawall.ingest.live.state import unwritable
from seawall.ingest.quarantine import KEPT_PER_INPUT, NAME_LENGTH, SUFFIX, QuarantineEntry

ENTRY_BYTES = 512  # least size of an entry taken for the bound, so that the count need not be read
BOUND = KEPT_PER_INPUT * ENTRY_BYTES


class LiveQuarantine:
    """The rejected lines of one followed file."""

    def __init__(self, folder: Path, label: str, identity: str, length: int) -> None:
        """``identity``: the absolute path, as for an ordinary reading. ``length``: bytes known to be good."""
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", label.rsplit("/", 1)[-1])[-NAME_LENGTH:]
        digest = xxhash.xxh3_64_hexdigest(identity.encode("utf-8", "surrogatepass"))
        self._path = folder / f"{plain}-{digest}{SUFFIX}"
        self._label = label
        self.length = length
        self.left_out = 0

    def add(self, rejected: list[Rejected]) -> None:
        """Keep lines; on disk when this returns. Raises Unavailable E-INGEST-061 when the disk refuses."""
        if not rejected:
            return
        if self.length >= BOUND:
            self.left_out += len(rejected)
            return
        entries = [
            msgspec.json.encode(
                QuarantineEntry(
                    self._label, one.line, one.code, one.reason, base64.b64encode(one.raw).decode("ascii"), one.length
                )
            )
            for one in sorted(rejected, key=lambda one: one.line)
        ]
        data = b"".join(entry + b"\n" for entry in entries)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("r+b" if self._path.exists() else "wb") as file:
                file.truncate(min(self.length, file.seek(0, os.SEEK_END)))
                self.length = file.seek(0, os.SEEK_END)
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self.length += len(data)
        except OSError as error:
            raise unwritable(self._path.parent, error) from error
