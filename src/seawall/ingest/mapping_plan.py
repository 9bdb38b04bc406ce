"""How the fields of a line become a record: each column's source, the value tables, the rules, the time.

Made once for a mapping; used for every line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Map
from datetime import UTC, datetime, timedelta

from seawall.ingest.interface import EARLIEST, LATEST
from seawall.ingest.mapping import COLUMNS, PATTERN_LINE, Choice, Mapping, Rule, Text, Time, names, text_of_value
from seawall.ingest.mapping_readers import Fields
from seawall.ingest.records import LineRefused, Record, epoch_microseconds
from seawall.ingest.settle import BAD_TIME, NO_TIME, SHOWN
from seawall.ingest.values import moment
from seawall.model import Basis
from seawall.model.clock import from_microseconds, system_clock, to_microseconds

NO_KIND = "no-kind"
FLAGS = {"true": True, "false": False}
JUDGED = ("alert", "drop")  # kinds of which ``meaning`` finds the basis by action and category
NUMBER_BOUND = 40  # characters of a number of seconds
YEARS_BACK = 8  # 29 February may be that far away (1896 to 1904)
PER_SECOND = {"s": 0, "ms": 3, "us": 6, "ns": 9}  # decimal places to the second

Getter = Callable[[Fields], str | None]


def field_names(mapping: Mapping) -> set[str]:
    """Every field that the mapping uses."""
    used = {*names(mapping.time.field), *mapping.time.join}
    for source in mapping.columns.values():
        used.update(names(source.field if isinstance(source, Choice) else source))
    for rule in mapping.rules:
        used.update(rule.when)
    if mapping.recognise is not None:
        used.update(mapping.recognise.fields)
    return used


def single_names(mapping: Mapping) -> set[str]:
    """Fields that are the only source of a column: an object there is a wrong type, not one of several ways."""
    given = [names(source.field if isinstance(source, Choice) else source) for source in mapping.columns.values()]
    return {one[0] for one in [*given, names(mapping.time.field)] if len(one) == 1}


class Plan:
    """Makes records of fields."""

    def __init__(self, mapping: Mapping) -> None:
        self._empty = frozenset(mapping.empty)
        self._columns = [(COLUMNS[name], name, self._getter(name, mapping)) for name in mapping.columns]
        self._rules = [_Rule(rule) for rule in mapping.rules]
        self._time = _Clock(mapping.time, self._empty)

    def record(self, fields: Fields, time: int | None, bare_time: str | None, written: int | None) -> Record:
        """The record of a line. ``time``, ``bare_time``: its prefix's; ``written``: by when it was written, None: now.

        Raises LineRefused when it has no kind, or a time that cannot be read.
        """
        record: Record = {}
        for raw, name, get in self._columns:
            if (text := get(fields)) is not None:
                _put(record, raw, name, text)
        for rule in self._rules:
            if rule.fits(fields):
                for name, text in rule.set:
                    _put(record, COLUMNS[name], name, text)
                break
        if record.get("kind") is None:
            raise LineRefused(NO_KIND, "the mapping finds no type of event in it")
        if "basis" not in record and record["kind"] not in JUDGED:
            record["basis"] = Basis.NONE.value
        record["time"], record["time_raw"] = self._time.read(fields, time, bare_time, written)
        return record

    def _getter(self, name: str, mapping: Mapping) -> Getter:
        source = mapping.columns[name]
        if not isinstance(source, Choice):
            return self._first(names(source))
        if source.constant is not None:
            fixed = text_of_value(source.constant)
            return lambda _fields: fixed
        get = self._first(names(source.field))
        if source.match:
            get = _matched(get, re.compile(source.match))
        if source.values:
            table = mapping.values[source.values] if isinstance(source.values, str) else source.values
            get = _looked_up(get, table)
        return get if source.otherwise is None else _or_else(get, text_of_value(source.otherwise))

    def _first(self, wanted: tuple[str, ...]) -> Getter:
        empty = self._empty
        if len(wanted) == 1:
            only = wanted[0]

            def one(fields: Fields) -> str | None:
                text = fields.get(only)
                return None if text in empty else text

            return one

        def several(fields: Fields) -> str | None:
            return next((text for name in wanted if (text := fields.get(name)) and text not in empty), None)

        return several


def _matched(get: Getter, pattern: re.Pattern[str]) -> Getter:
    def matched(fields: Fields) -> str | None:
        text = get(fields)
        found = pattern.search(text[:PATTERN_LINE]) if text is not None else None
        return (found[1] or None) if found is not None else None

    return matched


def _looked_up(get: Getter, given: Map[str, Text]) -> Getter:
    table = {key.lower(): text_of_value(value) or None for key, value in given.items()}
    otherwise = table.pop("*", "")

    def looked_up(fields: Fields) -> str | None:
        text = get(fields)
        if text is None:
            return None
        found = table.get(text.lower(), otherwise)
        return text if found == "" else found

    return looked_up


def _or_else(get: Getter, fixed: str) -> Getter:
    return lambda fields: fixed if (text := get(fields)) is None else text


def _put(record: Record, raw: str, name: str, text: str) -> None:
    if name in ("host", "http_host"):
        if host := text.lower().rstrip("."):
            record[raw] = host
            if name == "http_host":
                record["has_http_host"] = True
    elif name == "client_is_source":
        record[raw] = FLAGS.get(text.lower())
    elif name == "certificate":
        record[raw] = text.replace(":", "")
    elif name not in ("path",) or raw not in record:  # a whole URL says more than its path
        record[raw] = text


class _Rule:
    def __init__(self, rule: Rule) -> None:
        self._when = [
            (field, [_condition(text_of_value(one)) for one in (wanted if isinstance(wanted, tuple) else (wanted,))])
            for field, wanted in rule.when.items()
        ]
        self.set = [(name, text_of_value(text)) for name, text in rule.set.items()]

    def fits(self, fields: Fields) -> bool:
        """True when every field holds one of its values."""
        for field, conditions in self._when:
            text = fields.get(field)
            if text is None:
                return False
            given = text.lower().split(",") if field.endswith("[]") else (text.lower(),)
            if not any(holds(one) for one in given for holds in conditions):
                return False
        return True


def _condition(wanted: str) -> Callable[[str], bool]:
    """``text``, ``text*``, ``*text``, ``*text*``, ``*`` (anything), ``>=7``; upper and lower case are one."""
    text = wanted.lower()
    if text.startswith(">=") and text[2:].isdigit():
        least = int(text[2:])
        return lambda given: given.isdecimal() and len(given) < 20 and int(given) >= least
    before, after, core = text.startswith("*"), text.endswith("*"), text.strip("*")
    if before and after:
        return lambda given: core in given
    if before:
        return lambda given: given.endswith(core)
    return (lambda given: given.startswith(core)) if after else (lambda given: given == text)


class _Clock:
    """The time of a line."""

    def __init__(self, given: Time, empty: frozenset[str]) -> None:
        self._fields = names(given.field)
        self._join = given.join
        self._units = [unit for unit in names(given.unit) if unit != "syslog"]
        self._syslog = "syslog" in names(given.unit)
        self._zone = given.zone
        self._empty = empty

    def read(
        self, fields: Fields, time: int | None, bare_time: str | None, written: int | None
    ) -> tuple[int | None, str | None]:
        """Microseconds UTC, or an ISO text whose zone is the sensor's. Raises LineRefused."""
        tried = ""
        for text in self._texts(fields):
            tried = text
            for unit in self._units:
                found = self._one(text, unit, written)
                if found != (None, None):
                    return found
        if self._syslog and (time is not None or bare_time is not None):
            return self._placed(bare_time) if time is None and bare_time is not None else (time, None)
        if tried:
            raise LineRefused(BAD_TIME, f"the timestamp {tried[:SHOWN]!r} cannot be read")
        raise LineRefused(NO_TIME, "it has no timestamp")

    def _texts(self, fields: Fields) -> Iterator[str]:
        if self._join:
            parts = [fields.get(name) for name in self._join]
            if all(parts):
                yield " ".join(part for part in parts if part)
            return
        for name in self._fields:
            if (text := fields.get(name)) and text not in self._empty:
                yield text

    def _one(self, text: str, unit: str, written: int | None) -> tuple[int | None, str | None]:
        if unit == "iso":
            known = moment(text, None)
            return (known, None) if known is not None else self._placed(text)
        if unit in PER_SECOND:
            return epoch_microseconds(f"{text}e-{PER_SECOND[unit]}") if len(text) <= NUMBER_BOUND else None, None
        made = _stripped(text, unit, written)
        if made is None:
            return None, None
        if made.tzinfo is not None:
            return _bounded(made), None
        return self._placed(made.isoformat())

    def _placed(self, text: str) -> tuple[int | None, str | None]:
        """A time without offset: by the mapping's zone, else left to the sensor's."""
        if self._zone:
            return moment(text, self._zone), None
        return (None, text) if moment(text, "+00:00") is not None else (None, None)


def _stripped(text: str, unit: str, written: int | None) -> datetime | None:
    """``text`` read by a strptime text. Without a year it is the latest one that is not after ``written``."""
    if "%y" in unit.lower() or "%G" in unit or "%c" in unit or "%x" in unit:
        return _parsed(text, unit)
    limit = from_microseconds(system_clock() if written is None else written) + timedelta(days=1)
    for year in range(limit.year, limit.year - YEARS_BACK - 1, -1):
        made = _parsed(f"{year} {text}", f"%Y {unit}")
        if made is not None and (made if made.tzinfo else made.replace(tzinfo=UTC)) <= limit:
            return made
    return None


def _parsed(text: str, unit: str) -> datetime | None:
    try:
        return datetime.strptime(text, unit)  # noqa: DTZ007  # its zone is the text's, the mapping's or the sensor's
    except (ValueError, OverflowError):
        return None


def _bounded(made: datetime) -> int | None:
    try:
        found = to_microseconds(made)
    except (OverflowError, ValueError):
        return None
    return found if EARLIEST <= found < LATEST else None
