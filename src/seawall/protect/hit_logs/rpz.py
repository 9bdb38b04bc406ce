"""Policy zones: what BIND (category rpz), Unbound (``rpz-log: yes``) and PowerDNS (docs/how-to/rpz.md) write of them.

    22-Nov-2026 17:57:01.123 rpz: info: client @0x7f 192.0.2.7#4711 (a.bad.example): rpz QNAME NXDOMAIN rewrite
        a.bad.example/A/IN via a.bad.example.rpz.seawall
    [1764000000] unbound[8:0] info: rpz: applied [seawall] *.bad.example. rpz-nxdomain 192.0.2.7@4711
        a.bad.example. A IN

The name behind ``via`` ends in the zone, whose name we need not know, and BIND spells out what a wildcard matched: the
longest name in it that is one of ours, or lies below one, counts. Who asked stays here (rule 3).
"""

from __future__ import annotations

import re
from datetime import tzinfo

from seawall.model import Observable, ObservableType
from seawall.protect.hit_logs.interface import HitLog, Met
from seawall.protect.hit_logs.moments import moment_of
from seawall.protect.names import is_name

NAME = "rpz"
MAX_LABELS = 127  # of a name (RFC 1035 section 3.1)
MAX_ZONE_LABELS = 4  # of the zone's name
MAX_NAMES = 64  # that one line may be about
_BIND = re.compile(r": (?:disabled )?rpz QNAME \S+ rewrite \S+ via (\S+)")
_UNBOUND = re.compile(r"rpz: applied (?:\[[^\]]*\] )?(\S+) rpz-\S+ ")
_POWERDNS = re.compile(r"seawall-rpz \S+ (\S+)")


def read(line: str, now: int, zone: tzinfo) -> Met | None:
    """The name that the zone holds."""
    if found := _BIND.search(line):
        values = _beginnings(found.group(1))
    elif found := _UNBOUND.search(line) or _POWERDNS.search(line):
        values = [_plain(found.group(1)), *_beginnings(found.group(1))]
    else:
        return None
    known = tuple(Observable(ObservableType.DOMAIN, name) for name in dict.fromkeys(values) if is_name(name))
    return Met(moment_of(line, now, zone), values=known) if known else None


def _plain(trigger: str) -> str:
    return trigger.lower().rstrip(".").removeprefix("*.")


def _beginnings(trigger: str) -> list[str]:
    """``a.bad.example.rpz.seawall`` without up to so many last labels, and the names above each; the longest first."""
    labels = _plain(trigger).split(".")[:MAX_LABELS]
    found = [
        ".".join(labels[above : len(labels) - less])
        for less in range(1, MAX_ZONE_LABELS + 1)
        for above in range(len(labels) - less - 1)
    ]
    return sorted(found, key=len, reverse=True)[:MAX_NAMES]


LOG = HitLog(NAME, read)
