"""What resolvers write when a policy zone of ours concerned a question, as hits (rule 4: a torn line waits).

    BIND      2026-11-22T17:51:51.098Z rpz: client @0x7f.. 192.0.2.7#4711 (a.bad.example): rpz QNAME NXDOMAIN rewrite
              a.bad.example/A/IN via a.bad.example.block.rpz.seawall        ("disabled rpz QNAME": watched)
    Unbound   [1795369593] unbound[8:0] info: rpz: applied [block.rpz.seawall] *.bad.example. rpz-nxdomain
              192.0.2.7@4711 a.bad.example. A IN                            (or 192.0.2.66/32 for an address)
    PowerDNS  msg="seawall-rpz block.rpz.seawall *.bad.example." ... ts="1795369843.004"    (by a few lines of Lua)

The trigger that matched names the order; who asked stays here (rule 3). What stands in a log is an attacker's: a line
counts only when its trigger is one that we hold, and its moment only when it lies in the last day.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from seawall.model import Fault, ObservableType, to_microseconds
from seawall.model.agent import ToolHit
from seawall.model.moments import parse_moment
from seawall.protect.names import is_name
from seawall.protect.rpz.book import ZoneBook
from seawall.protect.rpz.bounds import MAX_HIT_BYTES
from seawall.protect.rpz.settings import RpzSettings
from seawall.protect.rpz.triggers import labels, owner_of
from seawall.protect.rpz.zones import IP_TRIGGER, kind_of

_BIND = re.compile(rb"rpz (?:QNAME|IP) \S+ rewrite \S+ via (?P<trigger>\S+)$")
_UNBOUND = re.compile(rb"info: rpz: applied \[(?P<zone>[^\]\s]+)\] (?P<trigger>\S+) rpz-\S+ ")
_PDNS = re.compile(rb'seawall-rpz (?P<zone>\S+) (?P<trigger>[^\s"]+)')
_MOMENT = re.compile(rb'^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z)|^\[(\d{10})\]|\bts="(\d{10}\.\d{1,6})"')
MAX_LINE = 4_096  # bytes of a line that are looked at
DAY = 86_400_000_000

Key = tuple[int, bytes]  # zone, owner


class HitLogs:
    """The log files of a point's resolvers, each read from where it was left, also after a restart."""

    def __init__(self, settings: RpzSettings, book: ZoneBook) -> None:
        self._paths = tuple(Path(path) for path in settings.logs)
        self._zones, self._book = settings.zones, book
        for path in self._paths:
            if book.note(_key(path)) is None:
                book.write_note(_key(path), _place(path, _size(path)))  # what came before us is no hit of ours

    def hits(self, now: int) -> list[ToolHit]:
        """One hit a value since the last call. ``now``: microseconds UTC, for lines that tell no moment."""
        met: dict[Key, list[int]] = {}
        for path in self._paths:
            for line in self._new_lines(path):
                if (key := trigger_of(line[:MAX_LINE], self._zones)) is not None:
                    met.setdefault((kind_of(key[0]), key[1]), []).append(moment_of(line[:MAX_LINE], now))
        held = self._book.about(sorted({above for key in met for above in _with_above(key)}))
        moments_of: dict[Key, list[int]] = {}
        for key, moments in met.items():
            if (matched := next((above for above in _with_above(key) if above in held), None)) is not None:
                moments_of.setdefault(matched, []).extend(moments)
        return [
            ToolHit(held[key].kind, held[key].value, held[key].undo, min(moments), max(moments), len(moments))
            for key, moments in moments_of.items()
        ]

    def _new_lines(self, path: Path) -> Iterator[bytes]:
        """Whole lines since the last call; a file that was rotated is read from its beginning."""
        try:
            with path.open("rb") as file:
                inode, at = _where(self._book.note(_key(path)))
                status = os.fstat(file.fileno())
                if status.st_ino != inode or status.st_size < at:
                    at = 0
                file.seek(at)
                held = file.read(MAX_HIT_BYTES)
        except OSError:
            return  # the resolver has not written yet, or is just rotating
        end = held.rfind(b"\n") + 1
        if end == 0 and len(held) == MAX_HIT_BYTES:
            end = len(held)  # a line of that length is none of a resolver's
        if (place := f"{status.st_ino}:{at + end}") != f"{inode}:{at}":
            self._book.write_note(_key(path), place)
        yield from held[:end].splitlines()


def trigger_of(line: bytes, zones: Sequence[str]) -> Key | None:
    """Zone and owner of the trigger that a line names; None when it is about something else. Never raises."""
    found = _BIND.search(line) or _UNBOUND.search(line) or _PDNS.search(line)
    if found is None:
        return None
    trigger = found["trigger"].decode("ascii", "replace").lower().rstrip(".")
    named = found.groupdict().get("zone")
    for zone, name in enumerate(zones):
        if named is None and trigger.endswith(f".{name}"):
            return _owner(zone, trigger.removesuffix(f".{name}"))
        if named is not None and named.decode("ascii", "replace").lower().rstrip(".") == name:
            return _owner(zone, trigger)
    return None


def moment_of(line: bytes, now: int) -> int:
    """When a line was written, in microseconds UTC; ``now`` when it does not say, or says what cannot be."""
    found = _MOMENT.search(line)
    if found is None:
        return now
    iso, seconds, exact = found.groups()
    try:
        moment = to_microseconds(parse_moment(iso.decode())) if iso else int(float(seconds or exact) * 1_000_000)
    except (ValueError, Fault):
        return now
    return moment if now - DAY <= moment <= now else now


def _owner(zone: int, trigger: str) -> Key | None:
    """A name, or an address as the zone spells it or (Unbound) as people do."""
    if "/" in trigger:
        owner = owner_of(ObservableType.CIDR, trigger, "")
        return (zone, owner) if isinstance(owner, bytes) else None
    trigger = trigger.removeprefix("*.")
    return (zone, labels(trigger)) if is_name(trigger) else None


def _with_above(key: Key) -> Iterator[Key]:
    """The name, then every name above it: where ``*.bad.example`` matched, BIND writes the name that was asked for."""
    zone, owner = key
    while owner:
        yield zone, owner
        owner = b"" if owner.endswith(IP_TRIGGER) else owner[owner[0] + 1 :]


def _key(path: Path) -> str:
    return f"log:{path}"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _place(path: Path, at: int) -> str:
    return f"{path.stat().st_ino if path.exists() else 0}:{at}"


def _where(note: str | None) -> tuple[int, int]:
    inode, _, at = (note or "0:0").partition(":")
    return int(inode), int(at)
