"""Records decoded line by line in Python: for every format that the engine cannot read as JSON by itself.

A format gives a ``Decoder`` that turns one line into records, each a dictionary from names of ``typed.RAW`` to values
(texts; an integer for ``time``, booleans for the two flags). The rest is shared: one Arrow table a chunk, one SQL for
the types, so that all formats judge addresses, numbers, hosts and hashes alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Protocol

import numpy as np
import pyarrow as pa

from seawall.ingest.chunks import Chunk
from seawall.ingest.interface import EARLIEST, LATEST, Engine, Flaw, Reading, Rejected, Typed
from seawall.ingest.typed import RAW, typed

Record = dict[str, str | int | bool | None]
_ARROW = {"VARCHAR": pa.string(), "BIGINT": pa.int64(), "BOOLEAN": pa.bool_()}
_RELATION = "ingest_records"
SLICE_LINES = 65_536  # decoded at once


class LineRefused(Exception):
    """A line that is no record, with its ``flaw``: a stable code and a sentence part."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.flaw = Flaw(code, reason)


class Decoder(Protocol):
    """Decodes the lines of one file in their order."""

    def decode(self, line: bytes) -> Sequence[Record]:
        """The line's records; none for a header or a comment. Raises LineRefused."""


class RecordReader:
    """A ``Reader`` over a ``Decoder``."""

    def __init__(self, decoder: Decoder, engine: Engine) -> None:
        self._decoder = decoder
        self._engine = engine

    def read(self, chunk: Chunk) -> Reading:
        """The records of every line, in order; a slice of the chunk at a time, for a dictionary a line takes room."""
        found: list[Typed] = []
        rejected: list[Rejected] = []
        for first in range(0, len(chunk), SLICE_LINES):
            self._slice(chunk, range(first, min(first + SLICE_LINES, len(chunk))), found, rejected)
        return Reading(found, rejected)

    def _slice(self, chunk: Chunk, part: range, found: list[Typed], rejected: list[Rejected]) -> None:
        records: list[Record] = []
        lines: list[int] = []
        for index in part:
            try:
                decoded = self._decoder.decode(chunk.line(index))
            except LineRefused as refused:
                rejected.append(chunk.reject(index, refused.flaw.code, refused.flaw.reason))
                continue
            records += decoded
            lines += [index] * len(decoded)
        if records:
            self._engine.session.register(_RELATION, raw_table(records))
            rows = self._engine.session.sql(typed(_RELATION))
            found.append(Typed(chunk.only(np.array(lines)), rows))

    def flaw(self, line: bytes) -> Flaw | None:
        """A decoder gives texts only where texts belong: nothing to add."""
        return None


def raw_table(records: Sequence[Record]) -> pa.Table:
    """Records as a table with every column of RAW. A text with half a surrogate pair has it replaced."""
    names = set().union(*records)
    columns = {}
    for name, kind in RAW.items():
        type = _ARROW[kind]
        columns[name] = (
            _array([record.get(name) for record in records], type) if name in names else pa.nulls(len(records), type)
        )
    return pa.table(columns)


def _array(values: list[str | int | bool | None], type: pa.DataType) -> pa.Array:
    try:
        return pa.array(values, type)
    except UnicodeEncodeError:
        texts = [str(v).encode("utf-8", "replace").decode() if v is not None else None for v in values]
        return pa.array(texts, type)


def text_of(line: bytes) -> str:
    """A log line as text; bytes that are no UTF-8 stay visible as escapes."""
    return line.rstrip(b"\r").decode("utf-8", "backslashreplace")


def epoch_microseconds(text: str) -> int | None:
    """Microseconds UTC of seconds since 1970 with any fraction, exactly; None when it is none, or not 1990 to 2100."""
    try:
        made = int(Decimal(text) * 1_000_000)
    except (InvalidOperation, ValueError, OverflowError):
        return None
    return made if EARLIEST <= made < LATEST else None
