"""Zeek logs as TSV: a header that names separators, fields and the log, then one record a line.

    #separator \\x09
    #set_separator  ,
    #empty_field    (empty)
    #unset_field    -
    #path   conn
    #fields ts      uid     id.orig_h ...
    #types  time    string  addr ...

Headers may come again in the middle of a file, also with other fields. Lines before the first header are refused: what
their columns are, nobody could tell. What the fields mean stands in ``ingest.zeek_fields``; ``#types`` adds nothing to
it. Escapes (``\\x2c``, ``\\\\``) are resolved, so that a record is the same as in JSON.

Reference: Zeek book, "Zeek TSV Format Logs"; ``src/threading/formatters/Ascii.cc`` of Zeek for escapes.

Lines of one header are split and their columns picked at once; only when that fails is each line looked at.
"""

from __future__ import annotations

import re

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from seawall.ingest.chunks import BYTE_ORDER_MARK, Chunk
from seawall.ingest.interface import LINE_BOUND, Engine, Flaw, Reader, Reading, Rejected, Typed
from seawall.ingest.zeek_fields import SHAPE, OneLog, query

HEADER = ord("#")  # no record begins so: Zeek writes \x23 there
HEAD_LINES = 20  # in which a header must be complete to be recognised
BLOCK_BYTES = 4 * LINE_BOUND  # split at once by one thread; a line must fit
NO_HEADER = "no-header"
NO_TIME_FIELD = "no-time-field"
WRONG_FIELDS = "wrong-fields"
_RELATION = "ingest_zeek"
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|\\)")


class Header(msgspec.Struct, frozen=True):
    """What a header says; the defaults are Zeek's."""

    separator: bytes = b"\t"
    set_separator: str = ","
    empty: str = "(empty)"
    unset: str = "-"
    path: str | None = None
    fields: tuple[str, ...] = ()

    def after(self, line: bytes) -> Header:
        """This header as changed by one more line of it; comments change nothing."""
        name, _, rest = line.rstrip(b"\r").partition(b" " if line.startswith(b"#separator ") else self.separator)
        if line.startswith(b"#separator"):
            return Header(separator=_unescaped(line[len(b"#separator") :].strip()) or b"\t")
        text = rest.decode("utf-8", "backslashreplace")
        if name == b"#fields":
            names = (field.decode("utf-8", "backslashreplace") for field in rest.split(self.separator))
            return msgspec.structs.replace(self, fields=tuple(names))
        if name == b"#path":
            return msgspec.structs.replace(self, path=None if text in ("", self.unset) else text)
        attribute = {b"#set_separator": "set_separator", b"#empty_field": "empty", b"#unset_field": "unset"}.get(name)
        return msgspec.structs.replace(self, **{attribute: text}) if attribute and text else self


class ZeekTsv:
    """Zeek TSV; see ``interface.Format`` for what each method promises."""

    name = "zeek-tsv"

    def recognises(self, head: bytes) -> bool:
        """True when the file begins with a header whose fields hold a time."""
        header = Header()
        if not self.plausible(head):
            return False
        for line in head.removeprefix(BYTE_ORDER_MARK).split(b"\n", HEAD_LINES)[:HEAD_LINES]:
            if line.startswith(b"#"):
                header = header.after(line)
        return "ts" in header.fields

    def plausible(self, head: bytes) -> bool:
        """True when the file begins with a line of a header."""
        return head.removeprefix(BYTE_ORDER_MARK).startswith((b"#separator", b"#fields\t"))

    def unfold(self, whole: bytes) -> bytes | None:
        """Records are lines already."""
        return None

    def reader(self, engine: Engine) -> Reader:
        """A reader that remembers the header."""
        return ZeekTsvReader(engine)


class ZeekTsvReader:
    """Reads one file; see ``interface.Reader``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._header = Header()
        self._log = OneLog()

    def read(self, chunk: Chunk) -> Reading:
        """The records under each header of the chunk."""
        marks = np.flatnonzero(chunk.begin_with(HEADER))
        if not len(marks):
            return self._log.named(self._section(chunk, self._header))
        sections: dict[Header, list[np.ndarray]] = {}
        at = 0
        for mark in [*marks.tolist(), len(chunk)]:
            if mark > at:
                sections.setdefault(self._header, []).append(np.arange(at, mark))
            if mark < len(chunk):
                self._header = self._header.after(chunk.line(mark))
            at = mark + 1
        reading = Reading([], [])
        for header, parts in sections.items():
            found = self._section(chunk.only(np.concatenate(parts)), header)
            reading = Reading(reading.found + found.found, reading.rejected + found.rejected)
        return self._log.named(reading)

    def flaw(self, line: bytes) -> Flaw | None:
        """Every field is a text."""
        return None

    def _section(self, chunk: Chunk, header: Header) -> Reading:
        """Lines of one header."""
        if "ts" not in header.fields:
            missing = (NO_TIME_FIELD, "its header names no field 'ts'")
            code, reason = missing if header.fields else (NO_HEADER, "no line '#fields' stands before it")
            return Reading([], [chunk.reject(index, code, reason) for index in range(len(chunk))])
        rejected: list[Rejected] = []
        columns = _quick(chunk, header)
        if columns is None:
            chunk, columns, rejected = _line_by_line(chunk, header)
        if not len(chunk):
            return Reading([], rejected)
        texts = {name: _settled(column, header, isinstance(SHAPE[name], list)) for name, column in columns.items()}
        if header.path is not None:
            texts.setdefault("_path", pa.repeat(pa.scalar(header.path), len(chunk)))
        self._engine.session.register(_RELATION, pa.table(texts))
        return Reading([Typed(chunk, self._engine.session.sql(query(_RELATION, texts)))], rejected)


def _wanted(header: Header) -> dict[str, int]:
    """Fields that are read, and where they stand; the first of equal names."""
    return {name: header.fields.index(name) for name in SHAPE if name in header.fields}


def _quick(chunk: Chunk, header: Header) -> dict[str, pa.ChunkedArray] | None:
    """The wanted columns of all lines at once; None when a line has more or fewer fields or is no UTF-8."""
    if len(header.separator) != 1 or not (header.separator == b"\t" or b" " <= header.separator <= b"~"):
        return None
    wanted = _wanted(header)
    runs = chunk.runs()
    try:
        table = csv.read_csv(
            pa.BufferReader(pa.py_buffer(runs[0] if len(runs) == 1 else b"".join(runs))),
            csv.ReadOptions(column_names=[str(i) for i in range(len(header.fields))], block_size=BLOCK_BYTES),
            csv.ParseOptions(delimiter=header.separator.decode("latin-1"), quote_char=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                include_columns=[str(index) for index in wanted.values()],
                column_types={str(index): pa.string() for index in wanted.values()},
                null_values=[header.unset],
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    return dict(zip(wanted, table.columns, strict=True)) if len(table) == len(chunk) else None


def _line_by_line(chunk: Chunk, header: Header) -> tuple[Chunk, dict[str, pa.ChunkedArray], list[Rejected]]:
    """The good lines, their wanted columns, and the lines with a wrong number of fields."""
    wanted = _wanted(header)
    kept: list[int] = []
    rows: list[list[bytes]] = []
    rejected: list[Rejected] = []
    for index in range(len(chunk)):
        values = chunk.line(index).removesuffix(b"\r").split(header.separator)
        if len(values) != len(header.fields):
            reason = f"it has {len(values)} fields where its header names {len(header.fields)}"
            rejected.append(chunk.reject(index, WRONG_FIELDS, reason))
            continue
        kept.append(index)
        rows.append([values[at] for at in wanted.values()])
    columns = {}
    for at, name in enumerate(wanted):
        texts = [row[at].decode("utf-8", "backslashreplace") for row in rows]
        columns[name] = pa.chunked_array([[None if text == header.unset else text for text in texts]], pa.string())
    return chunk.only(np.array(kept, dtype=np.int64)), columns, rejected


def _settled(column: pa.ChunkedArray, header: Header, is_list: bool) -> pa.Array:
    """A column with empty fields empty, escapes resolved, and of a set its first item as a list."""
    array = column.combine_chunks()
    if pc.any(pc.equal(array, header.empty)).as_py():
        array = pc.if_else(pc.equal(array, header.empty), None if is_list else "", array)
    if is_list:
        array = pc.list_element(pc.split_pattern(array, header.set_separator, max_splits=1), 0)
    escaped = pc.fill_null(pc.match_substring(array, "\\"), False)
    if pc.any(escaped).as_py():
        texts = (_unescaped(text.encode()) for text in array.filter(escaped).to_pylist())
        resolved = pa.array([text.decode("utf-8", "backslashreplace") for text in texts], pa.string())
        array = pc.replace_with_mask(array, escaped, resolved)
    return pa.ListArray.from_arrays(np.arange(len(array) + 1, dtype=np.int32), array) if is_list else array


def _unescaped(text: bytes) -> bytes:
    """Bytes for ``\\xNN``, one backslash for two. A backslash before anything else stays, as in old logs."""
    return _ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode("ascii")) if found[1] else b"\\", text)
