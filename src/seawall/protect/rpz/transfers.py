"""Zones as messages: AXFR (RFC 5936) and IXFR (RFC 1995), packed by hand.

    AXFR   SOA | NS | name 1 | name 2 | ...                                   | SOA
    IXFR   SOA new | SOA old | names that went | SOA new | names that came    | SOA new

An incremental answer is always condensed into one difference (RFC 1995 section 5), however many changes lie between.
Every message carries the question, so that a pointer to it stands for the zone's name behind each owner.
"""

from __future__ import annotations

from collections.abc import Iterator

from seawall.protect.rpz import wire
from seawall.protect.rpz.bounds import MESSAGE_FILL
from seawall.protect.rpz.records import Records
from seawall.protect.rpz.snapshot import Snapshot

Piece = tuple[bytes, int]  # records, how many
PIECE = MESSAGE_FILL // 2  # bytes of one at most, so that messages are well filled


def messages(asked: wire.Message, zone: int, snapshot: Snapshot, records: Records) -> Iterator[bytes]:
    """The messages that answer AXFR or IXFR, none signed yet."""
    parts: list[bytes] = []
    size = count = 0
    for data, records_of_it in _pieces(asked, zone, snapshot, records):
        if parts and size + len(data) > MESSAGE_FILL:
            yield _message(asked, parts, count)
            parts, size, count = [], 0, 0
        parts.append(data)
        size += len(data)
        count += records_of_it
    yield _message(asked, parts, count)


def _pieces(asked: wire.Message, zone: int, snapshot: Snapshot, records: Records) -> Iterator[Piece]:
    soa = records.soa(snapshot.version)
    if asked.type == wire.IXFR and asked.serial is not None:
        if snapshot.holds_nothing_newer(asked.serial):
            yield soa, 1
            return
        if (delta := snapshot.since(asked.serial)) is not None:
            gone, new = delta
            yield soa + records.soa(asked.serial), 2
            yield from _packed(gone, zone, records)
            yield soa, 1
            yield from _packed(new, zone, records)
            yield soa, 1
            return
    yield soa, 1
    yield records.nameserver(), 1
    for owners in snapshot.owners():
        yield from _packed(owners, zone, records)
    yield soa, 1


def _packed(owners: list[bytes], zone: int, records: Records) -> Iterator[Piece]:
    """Owners in portions that surely fit into a message."""
    step = max(1, PIECE // records.most_bytes(zone))
    for start in range(0, len(owners), step):
        yield records.pack(zone, owners[start : start + step])


def _message(asked: wire.Message, parts: list[bytes], count: int) -> bytes:
    head = wire.HEADER.pack(asked.id, wire.RESPONSE | wire.AUTHORITATIVE, 1, count, 0, 0)
    return b"".join((head, asked.question, *parts))
