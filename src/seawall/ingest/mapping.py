"""A mapping file: how lines of a log become columns, written in TOML by whoever knows the log, without code.

Comes in: a TOML text. Goes out: a checked ``Mapping``; ``mapped`` makes a format of it. Every mistake is one sentence
with the file, the key and what to do. The language is described in ``docs/how-to/add-a-log-format.md``.

A mapping is trusted configuration like ``seawall.toml``: its regular expressions run without a time limit, on at most
PATTERN_LINE characters of a line.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from seawall.ingest.typed import RAW
from seawall.model import Basis, Fault
from seawall.model.unreadable import UNREADABLE_TEXT
from seawall.model.unreadable import reason as why
from seawall.reference import rsit

FILE_BOUND = 1 << 20  # bytes of a mapping file; those that ship have fewer than 10,000
PATTERNS_BOUND = 200  # regular expressions of one mapping: each line may be tried against all
PATTERN_LINE = 16_384  # characters of a line that a regular expression sees; syslog messages end at 8,192 (RFC 5425)
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
UNITS = ("iso", "s", "ms", "us", "ns", "syslog")
COLUMNS = {  # as a mapping names them -> as ``typed.RAW`` does
    **{name.removesuffix("_raw").removesuffix("_text"): name for name in RAW if name not in ("time", "time_raw")},
    "http_host": "host",
    "url": "path",
}
del COLUMNS["has_http_host"]

Text = str | int | bool
Names = str | tuple[str, ...]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all parts share: a key that is not known is a mistake."""


class Csv(_Part, frozen=True, tag_field="type", tag="csv"):
    """Cells between delimiters. Without ``fields`` the first line names them."""

    delimiter: str = ","
    quote: str = '"'  # "" when cells are never quoted
    fields: tuple[str, ...] = ()
    least: int = 0  # cells that a line must have; 0: as many as there are names


class Ndjson(_Part, frozen=True, tag_field="type", tag="ndjson"):
    """One JSON object a line (or an array of them); fields are dotted paths."""

    root: Names = ()  # keys below which the record stands, where they are there


class Header(_Part, frozen=True):
    """What stands before the pairs of a line that begins so."""

    begins: str
    fields: tuple[str, ...]
    separator: str = "|"
    delimiter: str = ""  # the header's field that names the delimiter of this line's pairs


class KeyValue(_Part, frozen=True, tag_field="type", tag="keyvalue"):
    """Pairs such as ``src=192.0.2.7``."""

    delimiter: str = " "
    equals: str = "="
    quote: str = '"'
    loose: bool = False  # values may hold the delimiter: a value ends where the next key begins
    headers: tuple[Header, ...] = ()  # when given, a line must have one of them


class Pattern(_Part, frozen=True):
    """A regular expression whose named groups are fields; ``set`` adds constant ones."""

    pattern: str
    contains: str = ""  # looked for first, because that is quick
    set: dict[str, Text] = {}


class Patterns(_Part, frozen=True, tag_field="type", tag="regex"):
    """Tried in order, searched anywhere in the line; the first that fits is taken."""

    patterns: tuple[Pattern, ...]


class Time(_Part, frozen=True):
    """When it happened. Several units are tried in order."""

    field: Names = ()
    join: tuple[str, ...] = ()  # instead of field: several that make one text together, with a space between
    unit: Names = "iso"
    zone: str = ""  # of texts without an offset; "": the sensor's, by the sensor table


class Choice(_Part, frozen=True):
    """Where a column's value comes from, in full."""

    field: Names = ()
    constant: Text | None = None
    match: str = ""  # a regular expression; its first group is the value, and without a match there is none
    values: str | dict[str, Text] = ""  # a table of [values], or one of its own
    otherwise: Text | None = None  # when the fields hold nothing


class Rule(_Part, frozen=True):
    """Columns set where every named field holds one of the given values; the first rule that fits is taken."""

    when: dict[str, Text | tuple[Text, ...]]
    set: dict[str, Text]


class Recognise(_Part, frozen=True):
    """How ``--format auto`` tells: one early line has all of these."""

    contains: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()


class Mapping(_Part, frozen=True):
    """A whole mapping file."""

    name: str
    reader: Csv | Ndjson | KeyValue | Patterns
    time: Time
    columns: dict[str, str | tuple[str, ...] | Choice]
    about: str = ""
    prefix: Literal["", "syslog"] = ""
    skip: tuple[str, ...] = ()  # lines that begin so carry no record
    empty: tuple[str, ...] = ("-",)  # texts that mean: nothing (as the empty text always does)
    values: dict[str, dict[str, Text]] = {}
    rules: tuple[Rule, ...] = ()
    recognise: Recognise | None = None


def names(given: Names) -> tuple[str, ...]:
    """One name or several, as several."""
    return (given,) if isinstance(given, str) else given


def text_of_value(value: Text) -> str:
    """A TOML text, number or boolean as the text it is compared with."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def load_mapping(path: Path) -> Mapping:
    """The mapping in a file. Raises Fault E-MAPPING-001 when it cannot be read, E-MAPPING-002 for a mistake in it."""
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BOUND + 1)
    except OSError as error:
        raise _unreadable(path, error.strerror or error) from None
    if len(data) > FILE_BOUND:
        raise _unreadable(path, f"it has more than {FILE_BOUND} bytes")
    return parse_mapping(data, str(path))


def parse_mapping(data: bytes, label: str) -> Mapping:
    """A mapping from its text; ``label`` names it in what is said about it. Raises as ``load_mapping``."""
    try:
        tree = tomllib.loads(data.decode("utf-8"))
    except UNREADABLE_TEXT as error:
        raise _unreadable(label, f"it is no TOML: {why(error)}") from None
    try:
        mapping = msgspec.convert(tree, Mapping)
    except msgspec.ValidationError as error:
        reason, _, where = str(error).partition(" - at `")
        raise _wrong(label, where.removesuffix("`").removeprefix("$.") or "its top", reason) from None
    _Check(mapping, label).all()
    return mapping


class _Check:
    """What TOML and types cannot say. Each method raises for the first mistake it finds."""

    def __init__(self, mapping: Mapping, label: str) -> None:
        self._mapping = mapping
        self._label = label

    def all(self) -> None:
        """Everything, in the order of the file."""
        if not NAME.fullmatch(self._mapping.name):
            self._say("name", "use lower-case letters, digits and hyphens, at most 40, beginning with a letter")
        self._reader()
        self._time()
        if "kind" not in self._mapping.columns:
            self._say("columns", "give kind, the type of event: a field, or { constant = 'flow' }")
        for name, source in self._mapping.columns.items():
            self._column(f"columns.{name}", name)
            if isinstance(source, Choice):
                self._choice(f"columns.{name}", source)
        for number, rule in enumerate(self._mapping.rules):
            for name, value in rule.set.items():
                self._column(f"rules[{number}].set.{name}", name)
                self._known_value(f"rules[{number}].set.{name}", name, value)
            if not rule.when:
                self._say(f"rules[{number}].when", "name at least one field and its value")

    def _reader(self) -> None:
        reader = self._mapping.reader
        if isinstance(reader, Csv):
            if len(reader.delimiter) != 1 or len(reader.quote) > 1 or reader.delimiter == reader.quote:
                self._say("reader.delimiter", 'use one character such as "," or "\\t", and another one as quote')
            if len(set(reader.fields)) != len(reader.fields):
                self._say("reader.fields", "each name may stand once")
            if not 0 <= reader.least <= len(reader.fields):
                self._say("reader.least", "give at most the number of fields, and name those")
        elif isinstance(reader, KeyValue):
            if len(reader.delimiter) != 1 or not reader.equals or len(reader.quote) > 1:
                self._say("reader", "delimiter has one character, equals at least one, quote at most one")
            for number, header in enumerate(reader.headers):
                where = f"reader.headers[{number}]"
                if not header.begins or not header.separator:
                    self._say(where, "begins and separator need at least one character")
                if header.delimiter and header.delimiter not in header.fields[-1:]:
                    self._say(f"{where}.delimiter", "name the last of the header's fields")
        elif isinstance(reader, Patterns):
            if not 0 < len(reader.patterns) <= PATTERNS_BOUND:
                self._say("reader.patterns", f"give 1 to {PATTERNS_BOUND} of them")
            for number, one in enumerate(reader.patterns):
                self._expression(f"reader.patterns[{number}].pattern", one.pattern)

    def _time(self) -> None:
        time = self._mapping.time
        for unit in names(time.unit):
            if unit not in UNITS and "%" not in unit:
                self._say("time.unit", f"{unit!r} is neither one of {', '.join(UNITS)} nor a strptime text with %")
        if "syslog" in names(time.unit) and self._mapping.prefix != "syslog":
            self._say("time.unit", "the unit syslog needs prefix = 'syslog'")
        if bool(names(time.field)) == bool(time.join) and names(time.unit) != ("syslog",):
            self._say("time", "name the field that holds the time, or give join = [...] for several")
        if time.zone:
            try:
                ZoneInfo(time.zone)
            except (OSError, ValueError, KeyError):
                self._say("time.zone", f"{time.zone!r} is no time zone; use a name like Asia/Taipei")

    def _column(self, where: str, name: str) -> None:
        if name not in COLUMNS:
            self._say(where, f"there is no such column; use one of {', '.join(COLUMNS)}")

    def _choice(self, where: str, choice: Choice) -> None:
        if (choice.constant is None) == (not names(choice.field)):
            self._say(where, "give either field or constant")
        if choice.match:
            self._expression(f"{where}.match", choice.match, groups=1)
        if isinstance(choice.values, str) and choice.values and choice.values not in self._mapping.values:
            self._say(f"{where}.values", f"there is no table [values.{choice.values}]")

    def _known_value(self, where: str, name: str, value: Text) -> None:
        known = [str(basis) for basis in Basis]
        if name == "basis" and value not in known:
            self._say(where, f"use one of {', '.join(known)}")
        if name == "rsit" and rsit().get(str(value)) is None:
            self._say(where, "use a class and type of the Reference Security Incident Taxonomy, as class:type")

    def _expression(self, where: str, pattern: str, groups: int = 0) -> None:
        try:
            compiled = re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            self._say(where, f"it is no regular expression: {error}")
        if compiled.groups < groups:
            self._say(where, "put the part that is the value into parentheses")

    def _say(self, where: str, reason: str) -> None:
        raise _wrong(self._label, where, reason)


def _unreadable(label: object, reason: object) -> Fault:
    return Fault("E-MAPPING-001", "Cannot read the mapping {path}: {reason}.", path=label, reason=reason)


def _wrong(label: str, where: str, reason: str) -> Fault:
    return Fault(
        "E-MAPPING-002",
        "The mapping {path} is not understood at {key}: {reason}.",
        path=label,
        key=where,
        reason=reason,
    )
