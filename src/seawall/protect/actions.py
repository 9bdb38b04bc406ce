"""What each tool does with each action: itself where it can, else the nearest thing that it can do. Pure.

    asked         a tool that cannot does   because
    block         block                     every tool here can, or watches only and is told nothing of it
    sinkhole      block                     nothing leads to our address, and the way to theirs stays shut
    rate-limit    alert                     never block: who asked for less than a block does not get one
    alert         watch                     it is counted, and nobody is called
    watch         nothing                   the tool is not told of it

``CAN`` below is the whole table. Every driver and every feed asks ``done_by``; none of them decides by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import msgspec

from seawall.messages import mark
from seawall.model.directive import Action

MAX_RATE, MAX_BURST = 100_000, 100_000  # packets, requests: what is let through beyond is no limit to anybody


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much a rate limit lets through: packets or requests a second, of each source, and so many at once."""

    per_second: Annotated[int, msgspec.Meta(ge=1, le=MAX_RATE)] = 10
    burst: Annotated[int, msgspec.Meta(ge=1, le=MAX_BURST)] = 20


USUAL = Rate()


def rate_of(per_second: int, burst: int) -> Rate:
    """The same, checked: 1 to 100,000 of each. Raises ValueError."""
    pairs: tuple[tuple[object, int], ...] = ((per_second, MAX_RATE), (burst, MAX_BURST))  # as a file gave them
    for given, most in pairs:
        if not isinstance(given, int) or not 1 <= given <= most:
            raise ValueError(f"a rate is a whole number from 1 to {most}")
    return Rate(per_second=per_second, burst=burst)


_BLOCK, _SINK, _LIMIT, _ALERT, _WATCH = Action
_STOP_OR_SEE = frozenset({_BLOCK, _WATCH})
_ALL_BUT_SINKHOLE = frozenset({_BLOCK, _LIMIT, _ALERT, _WATCH})

CAN: Mapping[str, frozenset[Action]] = MappingProxyType(
    {
        # drivers, and the files for the same tools
        "nftables": _ALL_BUT_SINKHOLE,  # a meter for each source; log and counter
        "suricata": _ALL_BUT_SINKHOLE,  # a detection filter for each source; its own alerts
        "haproxy": _ALL_BUT_SINKHOLE,  # a stick table and 429; level of the log line
        "rpz": frozenset({_BLOCK, _SINK, _ALERT, _WATCH}),  # NXDOMAIN; addresses of ours; passed through and logged
        "crowdsec": frozenset({_BLOCK, _LIMIT}),  # decisions of type ban and throttle
        "squid": _STOP_OR_SEE,
        # files
        "unbound": frozenset({_BLOCK, _SINK, _ALERT, _WATCH}),
        "suricata-iprep": _STOP_OR_SEE,
        "nginx": frozenset({_BLOCK, _LIMIT, _WATCH}),  # limit_req
        "postfix": _STOP_OR_SEE,
        "text": _STOP_OR_SEE,
        "yara": _STOP_OR_SEE,
        "sigma": _STOP_OR_SEE,
        "sigma-splunk": _STOP_OR_SEE,
        "sigma-lucene": _STOP_OR_SEE,
        "sigma-kusto": _STOP_OR_SEE,
        # what only carries the word to whoever reads it
        "csv": frozenset(Action),
        "elastic": frozenset(Action),
        "splunk": frozenset(Action),
        # CrowdSec's bouncers that pull from us
        "bouncer": frozenset({_BLOCK, _LIMIT}),
    }
)
"""Tool, or name of a feed -> what it does itself. A tool that is not named here stops and watches."""

_NEAREST: Mapping[Action, Action] = MappingProxyType({_SINK: _BLOCK, _LIMIT: _ALERT, _ALERT: _WATCH})

WORDS: Mapping[Action, str] = MappingProxyType(
    {
        _BLOCK: mark("It is blocked there."),
        _SINK: mark("It is led to our sinkhole there; a tool that cannot do that blocks it."),
        _LIMIT: mark("It is slowed down there; a tool that cannot do that raises an alert and stops nothing."),
        _ALERT: mark("It raises an alert there and is not stopped."),
        _WATCH: mark("It is only watched: nothing is stopped."),
    }
)
"""What an order does at a point, in one sentence."""


def done_by(tool: str, action: Action, *, sinkhole: bool = True) -> Action | None:
    """What ``tool`` does when it is asked for ``action``; None: nothing at all.

    ``sinkhole``: whether addresses to lead to are configured there.
    """
    can = CAN.get(tool, _STOP_OR_SEE)
    wanted: Action | None = action
    while wanted is not None and (wanted not in can or (wanted is _SINK and not sinkhole)):
        wanted = _NEAREST.get(wanted)
    return wanted
