"""Questions read and answers packed: the few parts of RFC 1035 that a hidden primary needs.

    message   id 2 | flags 2 | counts of question, answer, authority, additional 4 x 2 | sections
    record    owner | type 2 | class 2 | ttl 4 | length 2 | data

What comes in is hostile: every length is checked, a pointer only leads backwards, and nothing is read twice.
"""

from __future__ import annotations

import struct

import msgspec

A, NS, CNAME, SOA, AAAA, OPT, TSIG, IXFR, AXFR = 1, 2, 5, 6, 28, 41, 250, 251, 252
IN, ANY = 1, 255
NO_ERROR, FORMAT_ERROR, NOT_IMPLEMENTED, REFUSED, NOT_AUTH = 0, 1, 4, 5, 9
QUERY, NOTIFY = 0, 4
RESPONSE, AUTHORITATIVE, RECURSION_DESIRED = 0x8000, 0x0400, 0x0100

HEADER = struct.Struct("!HHHHHH")
RECORD = struct.Struct("!HHIH")
_PAIR = struct.Struct("!HH")
SERIAL = struct.Struct("!I")
TO_ZONE = b"\xc0\x0c"  # a pointer to the question's name, which stands behind the header
MAX_NAME = 255
MAX_RECORDS = 8  # of a question's sections: an SOA (IXFR), an OPT, a TSIG


class Malformed(Exception):
    """A message that cannot be read."""


class Signature(msgspec.Struct, frozen=True):
    """A TSIG record as it stood in a message (RFC 8945 section 4.2)."""

    name: bytes  # of the key, on the wire, lower case
    algorithm: bytes  # likewise
    time: int  # seconds since 1970
    fudge: int
    mac: bytes
    original_id: int
    error: int
    other: bytes
    starts: int  # where the record begins in the message


class Message(msgspec.Struct, frozen=True):
    """What a message says, as far as it concerns us. Names are on the wire and in lower case."""

    id: int
    flags: int
    name: bytes  # of the one question
    type: int
    class_: int
    question: bytes  # the bytes of the question section
    serial: int | None  # of the SOA in the authority section: what an IXFR client holds
    signature: Signature | None
    has_options: bool  # an OPT record: the client speaks EDNS

    @property
    def opcode(self) -> int:
        """What is asked for."""
        return self.flags >> 11 & 15

    @property
    def rcode(self) -> int:
        """What was answered."""
        return self.flags & 15


def read(data: bytes) -> Message:
    """One message with one question. Raises Malformed, and nothing else."""
    try:
        return _read(data)
    except (struct.error, IndexError):
        raise Malformed from None


def _read(data: bytes) -> Message:
    id_, flags, questions, *counts = HEADER.unpack_from(data)
    if questions != 1 or sum(counts) > MAX_RECORDS:
        raise Malformed
    name, at = read_name(data, HEADER.size)
    type_, class_ = _PAIR.unpack_from(data, at)
    question = data[HEADER.size : at + 4]
    at += 4
    serial, signature, options = None, None, False
    for place in range(sum(counts)):
        starts = at
        owner, at = read_name(data, at)
        kind, record_class, ttl, length = RECORD.unpack_from(data, at)
        at += RECORD.size
        if at + length > len(data):
            raise Malformed
        if kind == SOA and serial is None:
            serial = _serial(data, at, at + length)
        elif kind == OPT:
            options = True
        elif kind == TSIG:
            # RFC 8945 section 5.1: only once, and last of all.
            if place != sum(counts) - 1 or counts[2] == 0 or record_class != ANY or ttl != 0:
                raise Malformed
            signature = _signature(data, owner, at, at + length, starts)
        at += length
    if at != len(data):
        raise Malformed
    return Message(id_, flags, name, type_, class_, question, serial, signature, options)


def read_name(data: bytes, at: int) -> tuple[bytes, int]:
    """A name at ``at`` in lower case, uncompressed, and where what follows it begins. Raises Malformed, IndexError."""
    parts: list[bytes] = []
    size, after, lowest = 1, -1, at
    while True:
        length = data[at]
        if length >= 0xC0:
            target = (length & 0x3F) << 8 | data[at + 1]
            if target >= lowest:  # only backwards, so it ends
                raise Malformed
            after = at + 2 if after < 0 else after
            at = lowest = target
            continue
        if length > 63 or at + 1 + length > len(data):
            raise Malformed
        if length == 0:
            return b"".join(parts).lower() + b"\0", (at + 1 if after < 0 else after)
        size += length + 1
        if size > MAX_NAME:
            raise Malformed
        parts.append(data[at : at + 1 + length])
        at += 1 + length


def _serial(data: bytes, at: int, end: int) -> int:
    _, at = read_name(data, at)
    _, at = read_name(data, at)
    if at + 20 > end:
        raise Malformed
    return int(SERIAL.unpack_from(data, at)[0])


def _signature(data: bytes, owner: bytes, at: int, end: int, starts: int) -> Signature:
    algorithm, at = read_name(data, at)
    high, low, fudge, size = struct.unpack_from("!HIHH", data, at)
    mac, at = data[at + 10 : at + 10 + size], at + 10 + size
    original_id, error, other_size = struct.unpack_from("!HHH", data, at)
    other, at = data[at + 6 : at + 6 + other_size], at + 6 + other_size
    if at != end or len(mac) != size:
        raise Malformed
    return Signature(owner, algorithm, high << 32 | low, fudge, mac, original_id, error, other, starts)


def record(owner: bytes, kind: int, data: bytes, ttl: int, class_: int = IN) -> bytes:
    """One record. ``owner``: a name on the wire or a pointer."""
    return owner + RECORD.pack(kind, class_, ttl, len(data)) + data


def soa_data(mailbox_and_server: bytes, serial: int, times: tuple[int, int, int, int]) -> bytes:
    """The data of an SOA: refresh, retry, expire and negative TTL in seconds (RFC 1035 section 3.3.13)."""
    return mailbox_and_server + struct.pack("!IIIII", serial, *times)


def answer(asked: Message, rcode: int, answers: tuple[bytes, ...] = ()) -> bytes:
    """An answer to a question, not signed yet. An OPT is answered with an empty one (RFC 6891 section 6.1.1)."""
    flags = RESPONSE | AUTHORITATIVE | asked.flags & (RECURSION_DESIRED | 15 << 11) | rcode
    options = record(b"\0", OPT, b"", 0, 1_232) if asked.has_options else b""
    head = HEADER.pack(asked.id, flags, 1, len(answers), 0, 1 if options else 0)
    return head + asked.question + b"".join(answers) + options


def failure(data: bytes, rcode: int) -> bytes | None:
    """The answer to what could not be read: the header alone; None when it is an answer itself, or less than that."""
    if len(data) < HEADER.size or data[2] & 0x80:
        return None
    id_, flags = _PAIR.unpack_from(data)
    return HEADER.pack(id_, RESPONSE | flags & (15 << 11) | rcode, 0, 0, 0, 0)
