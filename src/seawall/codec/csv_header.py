"""What the columns of an indicator CSV mean, read from its header or, without one, left to each cell."""

from __future__ import annotations

import csv
from collections.abc import Sequence

import msgspec

from seawall.codec.value_types import VAGUE_WORDS, type_of_word, word_key
from seawall.model import ObservableType

_NAMES = {
    "value": "value indicator ioc observable indicator-value ioc-value",
    "type": "type entity-type indicator-type ioc-type kind value-type",
    "external_id": "id external-id uuid ioc-id indicator-id",
    "campaign": "campaign campaign-name campaigns",
    "description": "description notes note comment comments details context",
    "confidence": "confidence confidence-level",
    "tlp": "tlp marking traffic-light",
    "valid_from": "valid-from",
    "valid_until": "valid-until expires expiration expiry",
    "source": "source provider feed",
}
_COLUMNS = {name: column for column, names in _NAMES.items() for name in names.split()}
DELIMITERS = ",;\t|"


class Layout(msgspec.Struct, frozen=True):
    """Where things stand in a row. ``typed`` are columns that hold one type each; no ``value``: look at every cell."""

    value: int | None = None
    type: int | None = None
    typed: tuple[tuple[int, ObservableType | None], ...] = ()
    extra: tuple[tuple[str, int], ...] = ()  # (field of IndicatorRow, column)
    header: bool = True  # the first row is a header, not data


def layout_of(first_row: Sequence[str]) -> Layout:
    """Read a header; a row in which no column is recognisable is data."""
    columns: dict[str, int] = {}
    typed: list[tuple[int, ObservableType | None]] = []
    for place, cell in enumerate(first_row):
        key = word_key(cell)
        if (name := _COLUMNS.get(key)) is not None:
            columns.setdefault(name, place)
        elif (kind := type_of_word(key)) is not None or key in VAGUE_WORDS:
            typed.append((place, kind))
    extra = tuple((name, place) for name, place in columns.items() if name not in ("value", "type"))
    if "value" in columns:
        return Layout(columns["value"], columns.get("type"), extra=extra)
    if typed:
        return Layout(typed=tuple(typed), extra=extra)
    return Layout(header=False)


def _rows(lines: Sequence[str], delimiter: str) -> list[list[str]]:
    """The rows as far as they can be read."""
    rows: list[list[str]] = []
    try:
        rows.extend(csv.reader(lines, delimiter=delimiter))
    except csv.Error:
        return rows
    return rows


def delimiter_of(lines: Sequence[str]) -> str:
    """The delimiter that the first lines agree on best; a comma when none does."""
    best, most = ",", 0
    for delimiter in DELIMITERS:
        counts = [len(row) - 1 for row in _rows(lines, delimiter)]
        steady = sum(count == counts[0] for count in counts) if counts and counts[0] > 0 else 0
        if steady > most:
            best, most = delimiter, steady
    return best


def looks_like_csv(lines: Sequence[str]) -> bool:
    """True when a header is recognisable, or all of the first lines have the same number of columns."""
    if not lines:
        return False
    rows = _rows(lines, delimiter_of(lines))
    if not rows or not rows[0]:
        return False
    if layout_of(rows[0]).header and (len(rows[0]) > 1 or len(rows) > 1):
        return True
    return len(rows[0]) > 1 and len(rows) > 2 and all(len(row) == len(rows[0]) for row in rows)
