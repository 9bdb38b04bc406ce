"""Addresses: the distinct ones of both ends meet the keys once, then the rows meet that small map.

No pair comes twice: an indicator has one type, and the second end leaves out what the first end found.
"""

from __future__ import annotations

from seawall.match.portable.networks import in_networks
from seawall.match.portable.stage import ComputingSession, Stage

ADDRESSED = frozenset({"ipv4", "ipv6", "cidr"})


def address_hits(session: ComputingSession, stage: Stage) -> list[str]:
    """SQL for the hits of addresses and networks at either end; the map is kept."""
    if not ADDRESSED & stage.counts.keys():
        return []
    seen, named = f"{stage.keys}_addresses", f"{stage.keys}_address_map"
    source = stage.select(("src_high AS high", "src_low AS low"), "o.src_low IS NOT NULL")
    target = stage.select(("dst_high AS high", "dst_low AS low"), "o.dst_low IS NOT NULL")
    session.keep(seen, f"SELECT DISTINCT high, low FROM ({source} UNION ALL {target}) e WHERE high IS NOT NULL")
    session.keep(named, address_map(session, stage.keys, seen))
    first = stage.hits(
        ("src_high", "src_low"), "o.src_low IS NOT NULL", named, "o.src_low = k.low AND o.src_high = k.high"
    )
    second = stage.hits(
        ("src_high", "src_low", "dst_high", "dst_low"),
        "o.dst_low IS NOT NULL",
        named,
        "o.dst_low = k.low AND o.dst_high = k.high",
    )
    found_first = (
        f" AND NOT EXISTS (SELECT 1 FROM {named} s WHERE s.low = o.src_low AND s.high = o.src_high "
        "AND s.indicator = k.indicator)"
    )
    return [first, second + found_first]


def address_map(session: ComputingSession, keys: str, seen: str) -> str:
    """SQL: (high, low, indicator, type, until) of the distinct addresses ``seen`` (high, low) and what names them."""
    exactly = (
        f"SELECT a.high, a.low, k.number AS indicator, k.type, k.until FROM {seen} a "
        f"JOIN {keys}_address k ON a.low = k.low AND a.high = k.high"
    )
    return " UNION ALL ".join([exactly, *in_networks(session, keys, seen)])
