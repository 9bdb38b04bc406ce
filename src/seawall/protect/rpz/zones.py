"""Which zones there are: the whole of what is blocked, what is watched, and the whole once more in sixteen parts.

    0       block.ZONE               every blocked name
    1       watch.ZONE               every watched one
    2..17   block-0.ZONE .. -f.ZONE  the blocked names again, each in one part, told by the CRC of its owner

A resolver follows the whole or the parts. BIND walks through a zone after each change of it, Unbound writes its file
anew: with 300,000 names in one zone a new one costs them 1.1 and 0.5 CPU-seconds, in one of sixteen a sixteenth
(docs/decisions/0025). The number of parts never changes: names would pass from zone to zone, and be in none meanwhile.
"""

from __future__ import annotations

import zlib

BLOCK, WATCH = 0, 1  # the two kinds, and the zones that hold all of one
LED = b"\xff"
"""Stands in the book and its journal, and nowhere else, before an owner that is not blocked but leads to the sinkhole:
so a change between the two is a name that goes and another that comes. No label of a name is so long."""
IP_TRIGGER = b"\x06rpz-ip"  # ends the owner of an address or a network
PARTS = 16
LARGE = 20_000
"""Names from which parts are worth while: BIND then needs 0.07 CPU-seconds for a new one, as in a part of 300,000."""
ZONES = range(2 + PARTS)


def zone_names(zone: str) -> tuple[str, ...]:
    """The names of all zones under a common name, by number."""
    return f"block.{zone}", f"watch.{zone}", *(f"block-{part:x}.{zone}" for part in range(PARTS))


def followed(*, parts: bool) -> tuple[int, ...]:
    """The zones that one resolver follows, in the order in which it shall ask them."""
    return (*range(2, 2 + PARTS), WATCH) if parts else (BLOCK, WATCH)


def kind_of(zone: int) -> int:
    """Whether a zone blocks or watches."""
    return WATCH if zone == WATCH else BLOCK


def part_of(owner: bytes) -> int:
    """The part in which a blocked owner stands, whether it leads to the sinkhole or not: it never changes its part."""
    return zlib.crc32(owner.removeprefix(LED)) % PARTS


def zone_of_part(part: int) -> int:
    """The number of a part's zone."""
    return 2 + part


def part_of_zone(zone: int) -> int | None:
    """Which part a zone holds; None for a whole one."""
    return zone - 2 if zone >= 2 else None
