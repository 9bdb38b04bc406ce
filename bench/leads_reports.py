"""Dated public reports replayed as sides by the day of publication: what lead each publisher's readers had.

Publication dates are not sightings: a report appears weeks to years after what it tells was seen, and reports cite
each other. The replay shows what would have been known when, and that the figures stay silent when there is too little.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from seawall.codec.values import detect, refang
from seawall.model import to_microseconds
from seawall.model.finding_table import FINDING_SCHEMA
from seawall.warn.lead import By, LeadOptions, analyse, pairs_of_sides

LABEL = "publication dates are not sightings"
DATE = re.compile(r"(20\d\d)[-/](0[1-9]|1[0-2])[-/](0[1-9]|[12]\d|3[01])")
PATTERN_VALUE = re.compile(r"=\s*'([^']{4,300})'")
TOKEN = re.compile(r"[\w.:/@\[\]-]{7,300}")
MIN_NAME = 6  # letters of an actor's name: shorter ones stand in other words
INDICATORS = frozenset({"ipv4", "ipv6", "domain", "url", "email", "md5", "sha1", "sha256"})


class Named(NamedTuple):
    """One value that a publisher named on a day, in a report."""

    publisher: str
    report: str
    day: date
    type: str
    value: str


def read_reports(folder: Path) -> tuple[list[Named], dict[str, int]]:
    """Every dated value below ``folder``, and how many files of each publisher tell no day."""
    found: list[Named] = []
    undated: dict[str, int] = {}
    readers = (
        ("volexity", "iocs-volexity", "*.csv", _volexity),
        ("unit42", "unit42-stix", "*.json", _unit42),
        ("eset", "iocs-eset", "*/**/README.adoc", _eset),
    )
    for publisher, name, files, reader in readers:
        for path in sorted((folder / name).glob(files)):
            values = list(reader(path))
            if not values:
                undated[publisher] = undated.get(publisher, 0) + 1
            found += [Named(publisher, report, day, type, value) for report, day, type, value in values]
    return found, undated


def replay_reports(folder: Path) -> dict[str, Any]:
    """Each publisher against each other: what both named, who first, and how far that can be read."""
    named, undated = read_reports(folder)
    publishers = sorted({one.publisher for one in named})
    shown = []
    for here in publishers:
        found = _analysed(named, here)
        shown += [{"here": here, "there": group["group"], **_short(group)} for group in found]
    return {
        "label": LABEL,
        "publishers": {
            name: {
                "reports": len({one.report for one in named if one.publisher == name}),
                "values": len({one.value for one in named if one.publisher == name}),
                "files_without_day": undated.get(name, 0),
            }
            for name in publishers
        },
        "pairs": shown,
        "named_by_both": _both(named),
        "actors_of_both": _actors(folder, named),
    }


def _analysed(named: Iterable[Named], here: str) -> list[dict[str, Any]]:
    import msgspec

    rows = [
        {
            "type": one.type, "value": one.value, "side": one.publisher, "first_seen": _moment(one.day),
            "last_seen": _moment(one.day), "count": 1, "hostile": 1, "sectors": [], "basis": ["analyst"], "sensors": 2,
            "campaign": None, "tlp": 0, "pap": 0,
        }
        for one in named
    ]  # fmt: skip
    pairs = pairs_of_sides(_Session(), pa.Table.from_pylist(rows, schema=FINDING_SCHEMA), here)
    report = analyse(pairs, LeadOptions(by=By.PEER, one_lake=True))
    plain: list[dict[str, Any]] = [msgspec.to_builtins(group) for group in report.groups]
    return plain


def _short(group: dict[str, Any]) -> dict[str, Any]:
    names = ("state", "both", "only_there", "only_here", "first_there", "first_here", "share_first_there", "share_low",
             "share_high", "p_there", "p_here", "taken_out")  # fmt: skip
    days = {
        name.replace("seconds", "days"): round(group[name] / 86_400, 1)
        for name in ("raw_lead_seconds", "lead_over_null_seconds")
        if group[name] is not None
    }
    return {name: group[name] for name in names} | days


def _both(named: Iterable[Named]) -> list[dict[str, Any]]:
    """The values that two publishers named, one by one: few enough to look at."""
    first: dict[tuple[str, str], dict[str, Named]] = {}
    for one in sorted(named, key=lambda each: each.day):
        first.setdefault((one.type, one.value), {}).setdefault(one.publisher, one)
    shared = [sorted(each.values(), key=lambda one: one.day) for each in first.values() if len(each) > 1]
    return [
        {"type": earlier.type, "value": earlier.value, "first": earlier.publisher, "later": later.publisher,
         "days": (later.day - earlier.day).days, "reports": [earlier.report, later.report]}
        for earlier, later, *_ in sorted(shared)
    ]  # fmt: skip


def _actors(folder: Path, named: Iterable[Named]) -> list[dict[str, Any]]:
    """Actors that reports of two publishers name in their titles, by the synonyms of the MISP galaxy: coarser than any
    value, and as far as these reports reach. A title that names nobody tells nothing."""
    packed = folder / "misp-galaxy" / "threat-actor.json.gz"
    if not packed.exists():
        return []
    first: dict[str, dict[str, tuple[date, str]]] = {}
    reports = sorted({(one.day, one.publisher, one.report) for one in named})
    for actor in json.loads(gzip.decompress(packed.read_bytes()))["values"]:
        names = {_plain(name) for name in (actor["value"], *actor.get("meta", {}).get("synonyms", ()))}
        names = {name for name in names if len(name) >= MIN_NAME}
        for day, publisher, report in reports:
            if any(name in _plain(report) for name in names):
                first.setdefault(actor["value"], {}).setdefault(publisher, (day, report))
    found = []
    for actor_name, by in sorted(first.items()):
        if len(by) > 1:
            (earlier, one), (later, other), *_ = sorted(by.items(), key=lambda each: each[1])
            found.append({"actor": actor_name, "first": earlier, "later": later, "days": (other[0] - one[0]).days,
                          "reports": [one[1], other[1]]})  # fmt: skip
    return found


def _plain(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _volexity(path: Path) -> Iterator[tuple[str, date, str, str]]:
    day = _day(path.name.partition("__")[2])
    if day is not None:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            for row in csv.reader(file):
                yield from ((path.stem, day, *each) for each in _values(row[:1]))


def _unit42(path: Path) -> Iterator[tuple[str, date, str, str]]:
    day = _day(path.name)
    if day is not None:
        for item in json.loads(path.read_text("utf-8")).get("objects", ()):
            values = PATTERN_VALUE.findall(str(item.get("pattern", "")))
            yield from ((path.stem, day, *each) for each in _values(values))


def _eset(path: Path) -> Iterator[tuple[str, date, str, str]]:
    """A section belongs to the last article linked above it whose address holds a day."""
    day: date | None = None
    for line in path.read_text("utf-8", "replace").splitlines():
        if "welivesecurity.com/" in line:
            day = _day(line)  # an article whose address holds none ends the section before
        elif day is not None:
            yield from ((path.parent.name, day, *each) for each in _values(TOKEN.findall(line)))


def _values(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    for text in texts:
        found = detect(refang(text.strip()))
        if found is not None and found.type.value in INDICATORS and not _is_file_name(found.type.value, found.value):
            yield found.type.value, found.value


def _is_file_name(type: str, value: str) -> bool:
    return type == "domain" and value.rpartition(".")[2] in {"exe", "dll", "doc", "docx", "zip", "dat", "py", "sh"}


def _day(text: str) -> date | None:
    found = DATE.search(text)
    return date(int(found[1]), int(found[2]), int(found[3])) if found else None


def _moment(day: date) -> int:
    return to_microseconds(datetime(day.year, day.month, day.day, tzinfo=UTC))


class _Session:
    """DuckDB in memory."""

    def __init__(self) -> None:
        self._connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": "false"})

    def register(self, name: str, table: pa.Table, /) -> None:
        self._connection.register(name, table)

    def sql(self, query: str, parameters: Any = (), /) -> pa.Table:
        relation: Any = self._connection.sql(query, params=list(parameters) or None)
        return pa.table({}) if relation is None else relation.to_arrow_table()
