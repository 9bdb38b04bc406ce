"""The four readers of the mapping language: one line to fields, each a name and a text.

A reader answers None for a line that carries no record, such as a header, and raises LineRefused for one that does not
have the promised shape. Fields that hold nothing are left out.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, Protocol

import msgspec

from seawall.ingest.interface import LINE_BOUND
from seawall.ingest.json_lines import NOT_JSON, WRONG_TYPE
from seawall.ingest.mapping import PATTERN_LINE, Csv, Header, KeyValue, Mapping, Ndjson, Patterns, names, text_of_value
from seawall.ingest.records import LineRefused
from seawall.model.unreadable import UNREADABLE

NOT_CSV = "not-csv"
NO_PAIRS = "no-pairs"
NO_PATTERN = "no-pattern"
DEPTH = 16  # levels of JSON looked into; OCSF and ECS need fewer than 8
KEY_BOUND = 128  # characters of a key
ITEMS = 256  # items of a list in which a selector looks
Fields = dict[str, str]
_SELECTOR = re.compile(r"(?P<list>[^\[\]]+)\[(?:(?P<key>[^=\]]+)=(?P<value>[^\]]*))?\](?:\.(?P<rest>[^\[\]]+))?")


class LineReader(Protocol):
    """Reads the lines of one file in their order."""

    def fields(self, body: str) -> Fields | None:
        """The fields of a line; None for one that carries no record. Raises LineRefused."""


def line_reader(mapping: Mapping, wanted: Iterable[str], single: Iterable[str]) -> LineReader:
    """A reader for one file. ``wanted``: all field names that are used; ``single``: those that must hold a text."""
    reader = mapping.reader
    if isinstance(reader, Csv):
        return _CsvLines(reader)
    if isinstance(reader, Ndjson):
        return _JsonObjects(reader, wanted, single)
    return _Pairs(reader) if isinstance(reader, KeyValue) else _Expressions(reader)


class _CsvLines:
    def __init__(self, given: Csv) -> None:
        csv.field_size_limit(LINE_BOUND)
        self._names = list(given.fields)
        self._least = given.least or len(given.fields)
        quoting = {"quotechar": given.quote} if given.quote else {"quoting": csv.QUOTE_NONE}
        self._read = partial(csv.reader, delimiter=given.delimiter, strict=True, **quoting)

    def fields(self, body: str) -> Fields | None:
        try:
            cells = next(self._read([body]), [])
        except csv.Error as error:
            raise LineRefused(NOT_CSV, str(error)) from None
        if not self._names:
            self._names = [cell.strip() for cell in cells]
            self._least = len(cells)
            return None
        if not self._least <= len(cells) <= len(self._names):
            raise LineRefused(NOT_CSV, f"it has {len(cells)} cells where {len(self._names)} are named")
        return {name: text for name, cell in zip(self._names, cells, strict=False) if (text := cell.strip())}


class _JsonObjects:
    """Objects made flat: ``a.b`` for nested or dotted keys; the first item of a list stands for the list.

    ``a[]`` and ``a[].b`` are all items, joined by commas; ``a[key=value].b`` is of the first item that fits.
    """

    def __init__(self, given: Ndjson, wanted: Iterable[str], single: Iterable[str]) -> None:
        self._roots = [key.split(".") for key in names(given.root)]
        self._single = frozenset(single)
        self._selectors: dict[str, list[tuple[str, str, str, str]]] = {}
        for name in wanted:
            if (found := _SELECTOR.fullmatch(name)) is not None:
                parts = found["key"] or "", (found["value"] or "").lower(), found["rest"] or "", name
                self._selectors.setdefault(found["list"], []).append(parts)

    def fields(self, body: str) -> Fields | None:
        try:
            event = msgspec.json.decode(body)
        except RecursionError:
            raise LineRefused(NOT_JSON, "it is nested too deeply") from None
        except UNREADABLE as error:
            raise LineRefused(NOT_JSON, str(error).removeprefix("JSON is malformed: ")) from None
        for root in self._roots:
            below = event
            for key in root:
                below = below.get(key) if isinstance(below, dict) else None
            event = event if below is None else below
        if not isinstance(event, dict):
            raise LineRefused(NOT_JSON, "it is no JSON object")
        found: Fields = {}
        self._object(event, "", found, 0)
        return found

    def _object(self, node: dict[str, Any], before: str, found: Fields, depth: int) -> None:
        for key, value in node.items():
            name = before + key
            if isinstance(value, dict | list):
                if name in self._single and (isinstance(value, dict) or any(isinstance(one, dict) for one in value)):
                    raise LineRefused(WRONG_TYPE, f"{name} is no text")
                if depth < DEPTH:
                    self._below(value, name, found, depth + 1)
            elif value is not None and value != "":
                found.setdefault(name, value if value.__class__ is str else text_of_value(value))
                if name in self._selectors:
                    self._select([value], name, found, depth)

    def _below(self, value: dict[str, Any] | list[Any], name: str, found: Fields, depth: int) -> None:
        if isinstance(value, dict):
            self._object(value, name + ".", found, depth)
            return
        if name in self._selectors:
            self._select(value[:ITEMS], name, found, depth)
        first = next((item for item in value if item is not None), None)
        if isinstance(first, dict):
            self._object(first, name + ".", found, depth)
        elif first is not None and not isinstance(first, list):
            found.setdefault(name, text_of_value(first))

    def _select(self, items: list[Any], name: str, found: Fields, depth: int) -> None:
        for key, wanted, rest, full in self._selectors[name]:
            texts = []
            for item in items:
                if key and not (isinstance(item, dict) and text_of_value(item.get(key, "")).lower() == wanted):
                    continue
                inner: Fields = {}
                if isinstance(item, dict):
                    self._object(item, "", inner, depth)
                elif item is not None and not isinstance(item, list):
                    inner[""] = text_of_value(item)
                if rest in inner:
                    texts.append(inner[rest])
            if texts:
                found.setdefault(full, texts[0] if key else ",".join(texts))


class _Pairs:
    def __init__(self, given: KeyValue) -> None:
        self._given = given
        self._default = _pair(given, given.delimiter)
        self._splitters = {given.delimiter: self._default}

    def fields(self, body: str) -> Fields | None:
        pair = self._default
        found: Fields = {}
        if self._given.headers:
            header = next((one for one in self._given.headers if body.startswith(one.begins)), None)
            if header is None:
                begins = " or ".join(one.begins for one in self._given.headers)
                raise LineRefused(NO_PAIRS, f"it does not begin with {begins}")
            found, body, delimiter = _header(header, body[len(header.begins) :])
            pair = self._splitter(delimiter) if delimiter else pair
        for key, text in _loose(pair, body) if self._given.loose else _plain(pair, body):
            if text:
                found.setdefault(key, text)
        if not found:
            raise LineRefused(NO_PAIRS, f"it has no pair with {self._given.equals}")
        return found

    def _splitter(self, delimiter: str) -> re.Pattern[str]:
        """The expression for a delimiter that a line named; one character, so there are not many."""
        if delimiter not in self._splitters:
            self._splitters[delimiter] = _pair(self._given, delimiter)
        return self._splitters[delimiter]


def _pair(given: KeyValue, delimiter: str) -> re.Pattern[str]:
    """Finds a pair, or the key alone when values may hold the delimiter. Linear in the line."""
    between, equals = re.escape(delimiter), re.escape(given.equals)
    key = rf"(?:(?<={between})|^)\s*(?P<key>[^\s{re.escape(given.equals[0])}{between}]{{1,{KEY_BOUND}}}){equals}"
    if given.loose:
        return re.compile(key)
    quote = re.escape(given.quote)
    quoted = rf"{quote}(?P<quoted>[^{quote}]*){quote}(?=\s*(?:{between}|$))|" if given.quote else "(?P<quoted>(?!))|"
    return re.compile(rf"{key}(?:{quoted}(?P<bare>[^{between}]*))")


def _plain(pair: re.Pattern[str], body: str) -> Iterator[tuple[str, str]]:
    for found in pair.finditer(body):
        yield found["key"], found["bare"].strip() if found["quoted"] is None else found["quoted"]


def _loose(key: re.Pattern[str], body: str) -> Iterator[tuple[str, str]]:
    """Values end where the next key begins."""
    keys = list(key.finditer(body))
    ends = [found.start() for found in keys[1:]] + [len(body)]
    for found, end in zip(keys, ends, strict=True):
        yield found["key"], body[found.end() : end].strip()


def _header(header: Header, rest: str) -> tuple[Fields, str, str]:
    """The header's fields, what follows it, and the delimiter that it names or "".

    LEEF 2.0: the delimiter is one character, or hexadecimal as ``x09`` or ``0x09``, and may be left out.
    """
    many, delimiter = len(header.fields), ""
    cells = re.split(rf"(?<!\\){re.escape(header.separator)}", rest, maxsplit=many)
    if header.delimiter and len(cells) >= many:
        text = cells[many - 1]
        code = re.fullmatch(r"0?[xX]([0-9a-fA-F]{1,4})", text)
        if code is not None:
            delimiter = chr(int(code[1], 16))
        elif len(text) <= 1:
            delimiter = text
        else:  # none was named: the pairs begin here
            cells = [*cells[: many - 1], "", header.separator.join(cells[many - 1 :])]
    if len(cells) != many + 1:
        raise LineRefused(NO_PAIRS, f"its header has {len(cells) - 1} parts, not {many}")
    found = {name: cell.replace("\\", "") for name, cell in zip(header.fields, cells, strict=False) if cell}
    found.pop(header.delimiter, None)
    return found, cells[-1], delimiter


class _Expressions:
    def __init__(self, given: Patterns) -> None:
        self._tried = [
            (one.contains, re.compile(one.pattern), {name: text_of_value(text) for name, text in one.set.items()})
            for one in given.patterns
        ]

    def fields(self, body: str) -> Fields | None:
        seen = body[:PATTERN_LINE]
        for contains, pattern, fixed in self._tried:
            if contains in seen and (match := pattern.search(seen)) is not None:
                return {**{name: text for name, text in match.groupdict().items() if text}, **fixed}
        raise LineRefused(NO_PATTERN, "no pattern of the mapping fits it")
