"""Indicator CSV: rows in, values out, streaming. Every cell may be defanged.

With a header that has ``value`` and ``type``, those count, and beside them ``id``, ``campaign``, ``description``,
``confidence``, ``tlp``, ``valid_from``, ``valid_until``, ``source`` where present (and common other names of these).
With columns named after types (``md5,sha1,sha256``), each such cell is a value. Without a recognisable header each
cell is looked at. A cell with several values (``file`` with three hashes) gives several rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from seawall.codec.csv_header import Layout, delimiter_of, layout_of
from seawall.codec.detection import detect
from seawall.codec.indicators import IndicatorRow, Rejected
from seawall.codec.losses import LossCounter
from seawall.codec.moments import moment_of
from seawall.codec.refang import refang
from seawall.codec.spelling import canonical_pair
from seawall.codec.value_types import VAGUE_WORDS, type_of_word, word_key
from seawall.model import Fault, ObservableType, Tlp

SNIFFED_LINES = 20
MAX_CELL = 1 << 20  # characters; a longer cell is no indicator but a broken quote
_CONFIDENCE_WORDS = {"none": 0, "low": 15, "med": 50, "medium": 50, "moderate": 50, "high": 85}  # STIX appendix A
_MAX_TEXT = 4096  # characters kept of a description or campaign

Pair = tuple[ObservableType, str]
Extras = dict[str, object]


def read_csv(lines: Iterable[str], losses: LossCounter) -> Iterator[IndicatorRow | Rejected]:
    """The values of a CSV in order, and what could not be used. ``lines`` keep their line ends.

    Never raises for what the lines contain.
    """
    source = iter(lines)
    head = [line.replace("\0", "") for line in islice(source, SNIFFED_LINES)]
    head = head[_comments(head) :]
    if not head:
        return
    csv.field_size_limit(MAX_CELL)
    head[0] = head[0].removeprefix("\ufeff")
    cleaned = (line if "\0" not in line else line.replace("\0", "") for line in source)
    reader = csv.reader(chain(head, cleaned), delimiter=delimiter_of(head), skipinitialspace=True)
    first = next(reader, None)
    if first is None:
        return
    layout = layout_of(first)
    rows: Iterator[list[str]] = _rows(reader)
    if not layout.header:
        rows = chain([first], rows)
    make = _Typed(layout, losses) if layout.type is not None else _Untyped(layout, losses)
    for row in rows:
        if row is _BROKEN:
            yield Rejected(reader.line_num, None, "the row cannot be read as CSV (a cell is too long)")
        elif row:
            yield from make(row, reader.line_num)


_BROKEN: list[str] = ["broken"]


def _comments(head: list[str]) -> int:
    """How many comment lines stand in front."""
    return next((place for place, line in enumerate(head) if line.strip() and not line.startswith("#")), len(head))


def _rows(reader: Iterator[list[str]]) -> Iterator[list[str]]:
    while True:
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield _BROKEN


class _Extras:
    """The other columns of a row. Their combinations repeat, so each distinct one is read once."""

    def __init__(self, layout: Layout, losses: LossCounter) -> None:
        self.columns = layout.extra
        self.losses = losses
        self.campaign = next((place for name, place in layout.extra if name == "campaign"), None)

    def of(self, row: list[str]) -> tuple[Extras, str | None]:
        """The fields, and why the row must be refused, if it must."""
        found: Extras = {}
        for name, place in self.columns:
            cell = row[place].strip() if place < len(row) else ""
            if not cell:
                continue
            value = _FIELDS[name](cell)
            if value is not None:
                found[name] = value
            elif name == "tlp":
                return found, f"its marking {cell[:40]!r} is no TLP level"
            else:
                self.losses.add(f"csv:{name}", f"{cell[:80]!r} cannot be read as {name}")
        return found, None


class _Typed:
    """Rows with a type and a value column: the ordinary case, a million rows at a time."""

    def __init__(self, layout: Layout, losses: LossCounter) -> None:
        self.value, self.type = layout.value or 0, layout.type or 0
        self.extras = _Extras(layout, losses)
        self.kinds: dict[str, ObservableType | None] = {}
        self.width = max(self.value, self.type) + 1

    def __call__(self, row: list[str], line: int) -> Iterator[IndicatorRow | Rejected]:
        if len(row) < self.width:
            yield Rejected(line, None, "the row has too few columns")
            return
        word, text = row[self.type], row[self.value].strip()
        try:
            kind = self.kinds[word]
        except KeyError:
            kind = self.kind_of(word)
        fields, refused = self.extras.of(row)
        if refused is not None:
            yield Rejected(line, text[:120], refused)
            return
        try:
            if kind is None:
                yield from self.vague(text, word, line, fields)
            else:
                found, value = canonical_pair(kind, refang(text))
                yield IndicatorRow(found, value, line, **fields)  # type: ignore[arg-type]
        except ValueError as error:
            yield Rejected(line, text[:120], f"it is not a value of type {word[:40]!r}: {error}")

    def kind_of(self, word: str) -> ObservableType | None:
        kind = type_of_word(word)
        if len(self.kinds) < 1000:
            self.kinds[word] = kind
        return kind

    def vague(self, text: str, word: str, line: int, fields: Extras) -> Iterator[IndicatorRow | Rejected]:
        """The word says ``file`` or ``ip``, or nothing we know: the value must tell."""
        known = not word.strip() or word_key(word) in VAGUE_WORDS
        found = _several(text)
        if not found:
            reason = "its type cannot be told" if known else f"{word[:40]!r} is not a type that we know"
            yield Rejected(line, text[:120], reason)
        for kind, value in found:
            yield IndicatorRow(kind, value, line, **fields)  # type: ignore[arg-type]


class _Untyped:
    """Rows without a type column: a value column, columns named after types, or any cell."""

    def __init__(self, layout: Layout, losses: LossCounter) -> None:
        self.layout = layout
        self.extras = _Extras(layout, losses)
        self.cells = ((layout.value, None),) if layout.value is not None else layout.typed

    def __call__(self, row: list[str], line: int) -> Iterator[IndicatorRow | Rejected]:
        fields, refused = self.extras.of(row)
        if refused is not None:
            yield Rejected(line, None, refused)
            return
        found: list[Pair] = []
        for place, kind in self.cells or [(place, None) for place in range(len(row))]:
            if place < len(row) and (text := row[place].strip()):
                found.extend(_declared(kind, text) if kind is not None else _several(text))
        if not found:
            yield Rejected(line, next((cell[:120] for cell in row if cell.strip()), None), "no value in this row")
        for kind, value in dict.fromkeys(found):
            yield IndicatorRow(kind, value, line, **fields)  # type: ignore[arg-type]


def _declared(kind: ObservableType, text: str) -> list[Pair]:
    try:
        return [canonical_pair(kind, refang(text))]
    except ValueError:
        return []


def _several(text: str) -> list[Pair]:
    """The value of a cell, or the values of a list in a cell."""
    whole = detect(text)
    if whole is not None:
        return [(whole.type, whole.value)]
    parts = text.replace(";", ",").replace("\n", ",").split(",")
    return [(found.type, found.value) for part in parts if len(parts) > 1 and (found := detect(part)) is not None]


def _text(cell: str) -> str:
    return cell[:_MAX_TEXT]


def _confidence(cell: str) -> int | None:
    word = cell.lower().removesuffix("%")
    if word.isascii() and word.isdigit():
        return int(word) if int(word) <= 100 else None
    return _CONFIDENCE_WORDS.get(word)


def _tlp(cell: str) -> Tlp | None:
    try:
        return Tlp.parse(cell)
    except Fault:
        return None


_FIELDS: dict[str, Callable[[str], object]] = {
    "external_id": _text,
    "campaign": _text,
    "description": _text,
    "confidence": _confidence,
    "tlp": _tlp,
    "valid_from": moment_of,
    "valid_until": moment_of,
    "source": _text,
}
