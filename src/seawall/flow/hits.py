"""What a site's own systems found, told by command, CSV or webhook: each hit is checked, kept once, and is a sighting.

For a side that keeps its telemetry in its own SIEM: indicators go out (``intel export``), hits come in here.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from seawall.codec.values import canonical, detect, refang
from seawall.flow.authority import require
from seawall.flow.node import Node
from seawall.flow.refresh import refresh_if_possible
from seawall.flow.screens import node_screens
from seawall.model import Actor, Basis, Fault, NotFound, Observable, ObservableType, to_microseconds
from seawall.model.hit import Hit
from seawall.model.indicator import IndicatorEntry
from seawall.model.moments import parse_moment
from seawall.policy import visibility

COUNT_BOUND = 10**12  # of one hit; a thousand times the events of a national day
EARLIEST = 631_152_000_000_000  # 1990-01-01T00:00:00Z, as for telemetry
SKEW = 86_400_000_000  # microseconds that a reporter's clock may be ahead
CSV_ROWS = 1_000_000
CSV_CELL = 8_192  # characters
MAX_CELL = 1 << 20  # characters that the parser takes before it gives up
WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 _.:/-]{0,63}", re.ASCII)
REFUSED_KEPT = 100  # of one report
IDENTIFIER = 200  # characters of a reporter's own id
HOSTILE = (Basis.ALERT, Basis.BLOCKED, Basis.HONEYPOT, Basis.ANALYST)
COLUMNS = ("value", "count", "first", "last", "type", "side", "sector", "indicator", "id", "candidate", "basis")
NEEDED = COLUMNS[:4]


class HitReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A hit as somebody reports it. ``first`` and ``last`` are RFC 3339; what is None is told by us."""

    value: str
    count: int
    first: str
    last: str
    type: str | None = None  # told from the value
    side: str | None = None  # the node's own
    sector: str | None = None  # the node's own
    indicator: str | None = None  # the first that names the value
    id: str | None = None  # the reporter's own; the same again replaces
    candidate: bool = False  # no indicator names it; ``basis`` says why it is hostile
    basis: str | None = None


class RefusedHit(msgspec.Struct, frozen=True):
    """A report that was not taken, with its place (line of a CSV, place in a list from 1)."""

    place: int
    fault: Fault


class Reported(msgspec.Struct, frozen=True):
    """What became of reports; of refused ones the first REFUSED_KEPT are told."""

    new: int
    updated: int
    unchanged: int
    refused: int
    problems: tuple[RefusedHit, ...]
    unprepared: Fault | None = None  # why the next exchange with a peer does not tell of them yet

    @property
    def taken(self) -> int:
        """Reports that are held now."""
        return self.new + self.updated + self.unchanged


def report_hits(node: Node, reports: Iterable[tuple[int, HitReport | Fault]], actor: Actor | None = None) -> Reported:
    """Keep reports, each with its place, some thousands at a time; a wrong one is refused by itself.

    Raises Refused E-FLOW-004, and what reading the reports raises: those kept before stay.
    """
    actor = actor or node.actor
    require(actor, "ingest")
    problems: list[RefusedHit] = []
    refused = 0

    def good() -> Iterator[Hit]:
        nonlocal refused
        checker = _Checker(node, actor)
        for place, report in reports:
            try:
                yield checker.hit(report)
            except Fault as fault:
                refused += 1
                if len(problems) < REFUSED_KEPT:
                    problems.append(RefusedHit(place, fault))

    counts = node.store.hits.put(good())
    told = counts.new + counts.updated and node.store.circles.list()
    unprepared = refresh_if_possible(node) if told else None
    return Reported(counts.new, counts.updated, counts.unchanged, refused, tuple(problems), unprepared)


class _Checker:
    """From reports to hits. Raises Fault E-FLOW-093 to E-FLOW-099, E-VALUE-001, E-MODEL-001."""

    def __init__(self, node: Node, actor: Actor) -> None:
        self._node = node
        self._actor = actor
        self._seen = visibility(actor)
        self._screens = node_screens(node)
        self._now = node.clock()

    def hit(self, report: HitReport | Fault) -> Hit:
        """The checked hit."""
        if isinstance(report, Fault):
            raise report
        value = _value(report)
        first, last = self._moments(report)
        if not 1 <= report.count <= COUNT_BOUND:
            raise Fault(
                "E-FLOW-093",
                "The count is {given}; use a number from 1 to {most}.",
                given=report.count,
                most=COUNT_BOUND,
            )
        basis = self._basis(report)
        entry = self._entry(report, value)
        if entry is None:
            self._candidate(report, value)
        return Hit(
            type=value.type,
            value=value.value,
            side=_word("side", report.side or self._node.side),
            sector=_word("sector", report.sector or self._node.settings.node.sector),
            first_seen=first,
            last_seen=last,
            count=report.count,
            indicator_id=entry.indicator_id if entry is not None else None,
            basis=basis.value,
            reported_by=self._actor.name,
            reported_at=self._now,
            hit_id=_identifier(report.id),
        )

    def _moments(self, report: HitReport) -> tuple[int, int]:
        first, last = (to_microseconds(parse_moment(text[:64])) for text in (report.first, report.last))
        if not EARLIEST <= first <= last <= self._now + SKEW:
            raise Fault(
                "E-FLOW-094",
                "The times from {first} to {last} cannot be: give the first before the last, and none in the future.",
                first=report.first[:40],
                last=report.last[:40],
            )
        return first, last

    def _basis(self, report: HitReport) -> Basis:
        allowed = HOSTILE if report.candidate else (*HOSTILE, Basis.NONE)
        given = report.basis or ("" if report.candidate else Basis.NONE.value)
        if given not in allowed:
            raise Fault(
                "E-FLOW-095",
                "The basis is {given}; say why it counts as hostile with one of {known}.",
                given=repr(given[:40]),
                known=", ".join(allowed),
            )
        return Basis(given)

    def _entry(self, report: HitReport, value: Observable) -> IndicatorEntry | None:
        """The indicator that names the value and that the reporter may see; None when there is none."""
        if report.indicator is not None:
            named = self._node.store.indicators.by_id(report.indicator[:200], visibility=self._seen)
            for entry in named:
                if (entry.type, entry.value) == (value.type, value.value):
                    return entry
            raise NotFound(
                "E-FLOW-096",
                "No indicator {id} names {value} here.",
                id=ascii(report.indicator[:100]),
                value=repr(value.value[:100]),
            )
        return self._node.store.indicators.lookup(value.type, value.value, visibility=self._seen)

    def _candidate(self, report: HitReport, value: Observable) -> None:
        """Pass for a value that may be a candidate. Our own, listed and unexplained values may not."""
        if not report.candidate:
            raise NotFound(
                "E-FLOW-097",
                "No indicator here names {value}; import one first, or report it as a candidate with a basis.",
                value=repr(value.value[:100]),
            )
        if self._screens.is_own(value):
            raise Fault("E-FLOW-098", "{value} is our own; it can be no candidate.", value=repr(value.value[:100]))
        if (name := self._screens.listed(value)) is not None:
            raise Fault(
                "E-FLOW-099",
                "{value} stands on the warninglist {list}; it can be no candidate.",
                value=repr(value.value[:100]),
                list=repr(name[:100]),
            )


def _value(report: HitReport) -> Observable:
    text = refang(report.value.strip()[:CSV_CELL])
    if report.type is not None:
        try:
            kind = ObservableType(report.type.strip().lower())
        except ValueError:
            known = ", ".join(one.value for one in ObservableType)
            raise Fault(
                "E-FLOW-100",
                "There is no observable type {given}; use one of {known}.",
                given=repr(report.type[:40]),
                known=known,
            ) from None
        return canonical(kind, text)
    found = detect(text)
    if found is None:
        raise Fault("E-FLOW-101", "{value} is no value that we know; name its type.", value=repr(report.value[:100]))
    return found


def _word(name: str, text: str) -> str:
    if WORD.fullmatch(text.strip()) is None:
        raise Fault(
            "E-FLOW-102",
            "The {name} is {given}; use up to 64 letters, digits and hyphens.",
            name=name,
            given=repr(text[:40]),
        )
    return text.strip()


def _identifier(text: str | None) -> str | None:
    text = (text or "").strip()
    if len(text) > IDENTIFIER or not text.isprintable():
        raise Fault("E-FLOW-103", "An id has at most {most} printable characters.", most=IDENTIFIER)
    return text or None


def read_hits(path: Path) -> Iterator[tuple[int, HitReport | Fault]]:
    """The reports of a CSV with their lines; a row that is no report is a Fault in its place.

    Raises Fault E-FLOW-104 when the file cannot be read, is no CSV or lacks a needed column.
    """
    csv.field_size_limit(MAX_CELL)  # of the process: all who read CSV set the same
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = [name.strip().lower() for name in next(rows, [])]
            missing = [name for name in NEEDED if name not in header]
            if missing:
                raise _unusable(path, f"it lacks the column {', '.join(missing)}")
            for number, row in enumerate(rows):
                if number == CSV_ROWS:
                    raise _unusable(path, f"it has more than {CSV_ROWS} rows")
                if any(len(cell) > CSV_CELL for cell in row):
                    raise _unusable(path, f"a cell of line {rows.line_num} has more than {CSV_CELL} characters")
                if any(cell.strip() for cell in row):
                    yield rows.line_num, _report(dict(zip(header, row, strict=False)))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unusable(path, getattr(error, "strerror", None) or error) from None


def _report(row: dict[str, str]) -> HitReport | Fault:
    given: dict[str, object] = {name: text for name in COLUMNS if (text := row.get(name, "").strip())}
    given["candidate"] = str(given.get("candidate", "")).lower() in ("1", "true", "yes")
    try:
        return msgspec.convert(given, HitReport, strict=False)
    except msgspec.ValidationError as error:
        return Fault("E-FLOW-105", "This is no report of a hit: {reason}.", reason=error)


def _unusable(path: Path, reason: object) -> Fault:
    return Fault("E-FLOW-104", "Cannot take hits from {path}: {reason}.", path=path, reason=reason)
