"""What the first lines of a log would become, with nothing stored: for whoever writes a mapping or doubts a format.

Comes in: one path and a format. Goes out: for each line its fields as they were read, the columns of the lake that it
would fill, and why it would be rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from seawall.ingest.chunks import Buffer, Chunk, EngineFile, chunks
from seawall.ingest.ends import DEFAULT_OWN, Ranges
from seawall.ingest.enrich import Places, Rows, enrich
from seawall.ingest.formats import by_name
from seawall.ingest.inputs import Input, Source, discover
from seawall.ingest.interface import Engine, Flaw, Format, IngestOptions, Rejected
from seawall.ingest.mapped import LineDecoder, MappedFormat, mapped_format
from seawall.ingest.mapping import Mapping, Ndjson, Time
from seawall.ingest.mapping_readers import Fields, LineReader, line_reader
from seawall.ingest.records import LineRefused, text_of
from seawall.ingest.settle import settle
from seawall.lake import Lake
from seawall.model import Fault

LINES = 20  # explained: a screen or two
LINES_BOUND = 1_000
PREVIEW_BYTES = 8 << 20  # of lines held; the first lines of a log are shorter


class ExplainedLine(msgspec.Struct, frozen=True):
    """One line. ``columns`` are rows of the lake (several for a line of several records); ``flaws`` say why not."""

    line: int
    fields: Fields
    columns: list[dict[str, Any]]
    flaws: list[Flaw]


class Explanation(msgspec.Struct, frozen=True):
    """The first lines of one log as ``format`` takes them."""

    format: str
    lines: int
    items: list[ExplainedLine]


def explain(path: str | Path, lake: Lake, options: IngestOptions, *, lines: int = LINES) -> Explanation:
    """The first ``lines`` lines of ``path`` (a file, or ``-``) as ``ingest`` would take them.

    Raises Fault E-MAPPING-003 for what is no log that we know, the faults of ``load_mapping`` and E-INGEST-002.
    """
    wanted = mapped_format(options.mapping) if options.mapping is not None else by_name(options.format)
    problems: list[str] = []
    given = next(iter(discover([path], problems)), None)
    if given is None:
        raise _nothing(path, "; ".join(problems) or "there is nothing to read")
    source = Source(given, wanted, options.stdin)
    try:
        if source.format is None:
            raise _nothing(given.label, source.reason)
        chunk = next(chunks(source, Buffer(PREVIEW_BYTES)), None)
        if chunk is None:
            raise _nothing(given.label, "the file is empty")
        return _explained(chunk, given, source.format, lake, options, max(1, min(lines, LINES_BOUND)))
    finally:
        source.close()


def _explained(
    chunk: Chunk, given: Input, format: Format, lake: Lake, options: IngestOptions, lines: int
) -> Explanation:
    last = int(chunk.numbers[lines - 1]) if len(chunk) >= lines else None
    first = chunk.only(np.arange(min(lines, len(chunk))))
    rejected = [one for one in chunk.rejected if last is None or one.line <= last]
    rows: dict[int, list[dict[str, Any]]] = {}
    engine_file = EngineFile()
    try:
        with lake.scratch() as session:
            reader = format.reader(Engine(session, engine_file, given.written))
            reading = reader.read(first)
            rejected += reading.rejected
            for found in reading.found:
                good, table, refused = settle(found, reader.flaw, options.sensors, options.sensor, options.timezone)
                rejected += refused
                for number, row in zip(good.numbers.tolist(), _rows(good, table, given.label, options), strict=True):
                    rows.setdefault(number, []).append(row)
    finally:
        engine_file.close()
    return Explanation(format.name, len(first), _items(first, format, given, rows, rejected))


def _rows(chunk: Chunk, table: pa.Table, label: str, options: IngestOptions) -> list[dict[str, Any]]:
    """The rows that the lake would get."""
    if not len(chunk):
        return []
    size = len(chunk)
    rows = Rows(
        table,
        np.zeros(size, dtype=np.int32),
        [label],
        chunk.numbers,
        chunk.digest_high,
        chunk.digest_low,
        np.zeros(size, dtype=np.int32),
    )
    ranges = Ranges([*DEFAULT_OWN, *(options.own.networks() if options.own is not None else ())])
    found: list[dict[str, Any]] = enrich(rows, Places(options), ranges, options.geography).observations.to_pylist()
    return found


def _items(
    chunk: Chunk, format: Format, given: Input, rows: dict[int, list[dict[str, Any]]], rejected: Sequence[Rejected]
) -> list[ExplainedLine]:
    flaws: dict[int, list[Flaw]] = {}
    for one in rejected:
        flaws.setdefault(one.line, []).append(Flaw(one.code, one.reason))
    see = _Fields(format, given.written)
    items = []
    for index, number in enumerate(chunk.numbers.tolist()):
        fields = see(chunk.line(index))
        items.append(ExplainedLine(number, fields, rows.get(number, []), flaws.pop(number, [])))
    items += [ExplainedLine(number, {}, [], found) for number, found in flaws.items()]
    return sorted(items, key=lambda item: item.line)


class _Fields:
    """The fields of a line as its format reads them; of formats without a mapping, what a JSON line holds."""

    def __init__(self, format: Format, written: int | None) -> None:
        self._decoder: LineDecoder | None = format.decoder(written) if isinstance(format, MappedFormat) else None
        plain = Mapping(name="json", reader=Ndjson(), time=Time(), columns={})
        self._json: LineReader = line_reader(plain, (), ())

    def __call__(self, line: bytes) -> Fields:
        try:
            if self._decoder is None:
                return self._json.fields(text_of(line)) or {}
            seen = self._decoder.see(line)
        except LineRefused:
            return {}
        return seen.fields if seen is not None else {}


def _nothing(path: object, reason: str) -> Fault:
    return Fault("E-MAPPING-003", "Cannot explain {path}: {reason}.", path=path, reason=reason)
