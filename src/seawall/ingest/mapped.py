"""Formats made from mapping files: those that ship in ``mappings/``, and a person's own.

One line: the prefix is taken off, the reader gives fields, the plan makes a record of them. What was not said in the
mapping is judged as for every format, by ``typed`` and ``settle``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path

import msgspec

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import HEAD_LINES, array_lines
from seawall.ingest.mapping import Mapping, Ndjson, load_mapping, parse_mapping
from seawall.ingest.mapping_plan import Plan, field_names, single_names
from seawall.ingest.mapping_readers import Fields, line_reader
from seawall.ingest.records import LineRefused, Record, RecordReader, text_of
from seawall.ingest.syslog_line import frames, parse_header

SHIPPED = Path(__file__).parent / "mappings"
SYSLOG = "syslog."  # before the fields of the prefix


class Seen(msgspec.Struct, frozen=True):
    """What a line holds before it is mapped; ``time`` and ``bare_time`` are the prefix's."""

    fields: Fields
    time: int | None = None
    bare_time: str | None = None


class LineDecoder:
    """Decodes the lines of one file by a mapping."""

    def __init__(self, mapping: Mapping, plan: Plan, written: int | None) -> None:
        self._mapping = mapping
        self._plan = plan
        self._written = written
        self._lines = line_reader(mapping, field_names(mapping), single_names(mapping))
        self._syslog = mapping.prefix == "syslog"

    def see(self, line: bytes) -> Seen | None:
        """The fields of a line; None for one that carries no record. Raises LineRefused."""
        if not self._syslog:
            return self._body(text_of(line), {}, None, None)
        header = parse_header(line, year_of=self._written)
        given = {SYSLOG + "host": header.host, SYSLOG + "app": header.app}
        before = {name: text for name, text in given.items() if text is not None}
        return self._body(text_of(header.body), before, header.time_us, header.time_raw)

    def _body(self, body: str, before: Fields, time: int | None, bare_time: str | None) -> Seen | None:
        if self._mapping.skip and body.startswith(self._mapping.skip):
            return None
        fields = self._lines.fields(body)
        return None if fields is None else Seen({**before, **fields} if before else fields, time, bare_time)

    def decode(self, line: bytes) -> Sequence[Record]:
        """The line's record."""
        seen = self.see(line)
        return () if seen is None else (self._plan.record(seen.fields, seen.time, seen.bare_time, self._written),)


class MappedFormat:
    """A log format from a mapping; see ``interface.Format`` for what each method promises."""

    def __init__(self, name: str, path: Path | None = None) -> None:
        self._named = name
        self._path = path

    @classmethod
    def of(cls, mapping: Mapping) -> MappedFormat:
        """The format of a mapping at hand."""
        made = cls(mapping.name)
        made.__dict__["mapping"] = mapping
        return made

    @property
    def name(self) -> str:
        """The mapping's name."""
        return self._named

    @cached_property
    def mapping(self) -> Mapping:
        """The mapping, read on first use: most commands need none."""
        if self._path is None:
            raise LookupError(self._named)
        return parse_mapping(self._path.read_bytes(), self._path.name)

    @cached_property
    def plan(self) -> Plan:
        """How fields become columns."""
        return Plan(self.mapping)

    def decoder(self, written: int | None = None) -> LineDecoder:
        """A decoder for one file; ``written``: microseconds UTC by which its lines were written, None: now."""
        return LineDecoder(self.mapping, self.plan, written)

    def recognises(self, head: bytes) -> bool:
        """True when an early line has everything that the mapping names under ``recognise``."""
        told = self.mapping.recognise
        if told is None or not (told.contains or told.fields):
            return False
        marks = [text.encode() for text in told.contains]
        decoder = self.decoder()
        is_json = isinstance(self.mapping.reader, Ndjson)
        lines = (array_lines(head) or head) if is_json else head
        for line in lines.split(b"\n", HEAD_LINES)[:HEAD_LINES]:
            if not is_json and line.lstrip()[:1] == b"{":
                continue  # a JSON object that quotes such a line
            if all(mark in line for mark in marks) and (not told.fields or _has(decoder, line, told.fields)):
                return True
        return False

    def plausible(self, head: bytes) -> bool:
        """A mapped format is never guessed."""
        return False

    def unfold(self, whole: bytes) -> bytes | None:
        """An array of objects, one a line; counted syslog frames, one a line."""
        if isinstance(self.mapping.reader, Ndjson):
            return array_lines(whole)
        return frames(whole) if self.mapping.prefix == "syslog" else None

    def reader(self, engine: Engine) -> Reader:
        """Records, line by line."""
        return RecordReader(self.decoder(engine.written), engine)


def _has(decoder: LineDecoder, line: bytes, names: Sequence[str]) -> bool:
    try:
        seen = decoder.see(line)
    except LineRefused:
        return False
    return seen is not None and all(name in seen.fields for name in names)


@cache
def shipped() -> tuple[MappedFormat, ...]:
    """The formats whose mappings come with the package, by name."""
    return tuple(MappedFormat(path.stem, path) for path in sorted(SHIPPED.glob("*.toml")))


def mapped_format(path: Path) -> MappedFormat:
    """The format of a person's mapping file. Raises Fault E-MAPPING-001 or E-MAPPING-002."""
    return MappedFormat.of(load_mapping(path))
