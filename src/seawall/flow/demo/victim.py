"""Whom a value hit, read from the raw log: what must never cross."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from pathlib import Path

import msgspec

from seawall.messages import mark

OWN_PREFIXES = ("10.", "198.18.", "198.19.", "2001:0db8:")
"""The simulated organisations' own ranges (``flow.simulator.own``)."""


class Victim(msgspec.Struct, frozen=True):
    """One own machine: its address, the sensor before it, and its organisation's name."""

    address: str
    sensor: str
    domain: str

    def private_values(self) -> tuple[tuple[str, str], ...]:
        """(what it is, the value): three things that nobody outside may learn."""
        return (
            (mark("the address of a machine that was hit"), self.address),
            (mark("the name of the organisation behind it"), self.domain),
            (mark("the sensor that saw it"), self.sensor),
        )


def find_victim(logs: Iterable[Path], value: str) -> Victim | None:
    """The own end of the first alarm about ``value``, else of the first alarm of all, else None."""
    first: Victim | None = None
    needle = f'"{value}"' if value else ""
    for path in logs:
        with path.open(encoding="utf-8") as file:
            for line in file:
                if '"event_type":"alert"' not in line:
                    continue
                if needle and needle in line:
                    return _victim(line)
                first = first or _victim(line)
    return first


def _victim(line: str) -> Victim:
    event = json.loads(line)
    ends = [str(event.get(end, "")) for end in ("dest_ip", "src_ip")]
    own = next((address for address in ends if address.startswith(OWN_PREFIXES)), ends[0])
    side, sector, number = str(event["host"]).split("-")
    return Victim(str(ipaddress.ip_address(own)), str(event["host"]), f"{sector}{number}.{side}.example")
