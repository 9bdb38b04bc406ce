"""Logs of tools that enforce exports, read into hits: for points that have no agent.

What is met is added up by directive and hour. A log that grew since it was read last may be read again: an hour's hit
is known by its first line, and what is told anew replaces it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from seawall.flow.context import WHOLE_NODE
from seawall.flow.enforced_hits import MAX_TAKEN, take_hits
from seawall.flow.hits import Reported
from seawall.flow.node import Node
from seawall.model import Fault, NotFound, Observable
from seawall.model.directive import Action
from seawall.protect.drivers.interface import ToolHit
from seawall.protect.gate import undo_name
from seawall.protect.hit_logs import HIT_LOGS, HitLog
from seawall.store.hits_fold import DAY

MAX_LINE = 65_536  # characters of a line that are looked at; EVE's records of files are the longest
MAX_KEPT = 100_000  # hits of one log: directives times hours
MAX_REMEMBERED = 200_000  # values whose answer is kept while a log is read
HOUR = 3_600_000_000  # microseconds
PAGE = 1_000

Named = Observable | str
"""A value, or a directive's name whose value is not known yet."""


def take_log(node: Node, path: Path, kind: str, point: str) -> Reported:
    """Read a log of that kind, and keep what it tells as hits of ``point``.

    Raises Refused E-FLOW-004, Fault E-FLOW-986 to -988 and what ``take_hits`` raises.
    """
    node.require("ingest")
    if kind not in HIT_LOGS:
        raise Fault(
            "E-FLOW-986",
            "There is no kind of log {given}; use one of {known}.",
            given=repr(kind[:40]),
            known=", ".join(HIT_LOGS),
        )
    hits = sorted(_hits(node, _added_up(node, path, HIT_LOGS[kind])), key=_day)
    found = take_hits(node, point, [])
    for part in _parts(hits):
        found = _sum(found, take_hits(node, point, part))
    return found


def _day(hit: ToolHit) -> tuple[str, int]:
    return hit.undo_id, hit.first_seen // DAY


def _parts(hits: list[ToolHit]) -> Iterator[list[ToolHit]]:
    """As many as are taken at once; a directive's day, which may have to be added up, is in one part."""
    part: list[ToolHit] = []
    for _, day in groupby(hits, _day):
        held = list(day)  # at most 24
        if len(part) + len(held) > MAX_TAKEN:
            yield part
            part = []
        part += held
    yield part


def _added_up(node: Node, path: Path, log: HitLog) -> dict[tuple[Named, int], list[int]]:
    """First moment, last moment and count by what was met and hour."""
    ours = _Ours(node)
    now, zone = node.clock(), ZoneInfo(node.settings.node.timezone)
    found: dict[tuple[Named, int], list[int]] = {}
    undated = 0
    for line in _lines(path):
        met = log.read(line, now, zone)
        if met is None:
            continue
        named = met.undo_id or next((value for value in met.values if ours.names(value)), None)
        if named is None:
            continue
        if met.at is None:
            undated += 1
            continue
        told = found.setdefault((named, met.at // HOUR), [met.at, met.at, 0])
        told[:] = min(told[0], met.at), max(told[1], met.at), told[2] + 1
        if len(found) > MAX_KEPT:
            raise Fault(
                "E-FLOW-987", "{path} tells of more than {most} hits; split it by time.", path=path, most=MAX_KEPT
            )
    if undated and not found:
        raise Fault("E-FLOW-988", "No line of {path} that names a directive of ours begins with a moment.", path=path)
    return found


def _hits(node: Node, found: dict[tuple[Named, int], list[int]]) -> Iterator[ToolHit]:
    values = _values_of(node, {named for named, _ in found if isinstance(named, str)})
    for (named, _), (first, last, count) in found.items():
        value = values.get(named) if isinstance(named, str) else named
        if value is not None:
            undo_id = named if isinstance(named, str) else undo_name(Action.BLOCK, named)
            yield ToolHit(value.type, value.value, undo_id, first, last, count)


def _values_of(node: Node, undo_ids: set[str]) -> dict[str, Observable]:
    """What directives are about: from the order book, else by one pass over the indicators."""
    booked = node.store.orders.several(sorted(undo_ids))
    found = {name: Observable(one.order.type, one.order.value) for name, one in booked.items()}
    after: int | None = 0 if undo_ids - found.keys() else None
    while after is not None:
        page = node.store.indicators.list(WHOLE_NODE, after=after, limit=PAGE)
        for entry in page.items:
            value = Observable(entry.type, entry.value)
            found |= {name: value for action in Action if (name := undo_name(action, value)) in undo_ids}
        after = page.next
    return found


class _Ours:
    """Whether an indicator names a value, remembered while a log is read."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[Observable, bool] = {}

    def names(self, value: Observable) -> bool:
        if (answer := self._known.get(value)) is None:
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            found = self._node.store.indicators.lookup(value.type, value.value, visibility=WHOLE_NODE)
            answer = self._known[value] = found is not None
        return answer


def _lines(path: Path) -> Iterator[str]:
    """Lines without their ends; what is over ``MAX_LINE`` is not looked at. Raises NotFound or Fault E-FLOW-989."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            while line := file.readline(MAX_LINE):
                yield line.rstrip("\r\n")
                while not line.endswith("\n") and (line := file.readline(MAX_LINE)):
                    pass
    except OSError as error:
        kind = NotFound if isinstance(error, FileNotFoundError) else Fault
        why = error.strerror or error
        raise kind("E-FLOW-989", "Cannot read the log {path}: {reason}.", path=path, reason=why) from None


def _sum(one: Reported, other: Reported) -> Reported:
    return Reported(
        one.new + other.new,
        one.updated + other.updated,
        one.unchanged + other.unchanged,
        one.refused + other.refused,
        (*one.problems, *other.problems)[:100],
    )
