"""A matcher so plain that one can see that it is right; the SQL must agree with it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence

import pyarrow as pa

from match.fake_lake import TEXT_TYPES
from seawall.codec.values import halves_address

Pair = tuple[int, int]


def naive_hits(rows: Sequence[Mapping[str, object]], table: pa.Table, *, exact: bool = False) -> set[Pair]:
    """Every distinct (event, indicator number)."""
    found: set[Pair] = set()
    for event in rows:
        for key in table.to_pylist():
            until = key["valid_until"]
            if (until is None or int(str(event["time"])) < until) and _meets(event, key, exact):
                found.add((int(str(event["event"])), key["number"]))
    return found


def _meets(event: Mapping[str, object], key: Mapping[str, object], exact: bool) -> bool:
    kind, value = str(key["type"]), str(key["value"])
    if kind in ("ipv4", "ipv6", "cidr"):
        network = ipaddress.ip_network(value)
        return any(address in network for address in _addresses(event))
    if kind == "domain":
        name = str(event.get("domain") or "")
        return name == value or (not exact and "." in value and name.endswith("." + value))
    if kind == "cve":
        return value in str(event.get("cve") or "").split(",")
    return kind in TEXT_TYPES and event.get(kind) == value


def _addresses(event: Mapping[str, object]) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    return [
        ipaddress.ip_address(halves_address(int(str(event[f"{end}_high"])), int(str(event[f"{end}_low"]))))
        for end in ("src", "dst")
        if event.get(f"{end}_low") is not None
    ]
