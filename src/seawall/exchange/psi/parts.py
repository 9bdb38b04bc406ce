"""Messages on the way: parts of lists, small enough for a mailbox, each saying where it belongs.

    points      32 bytes each, at most 65,536 in a part (2 MiB); the last part of a list is the only shorter one
    answers     the first 16 bytes of each doubly masked point, in the order of the points of the same index
    question    16 bytes of a key, then one point
    reply       the key, the point, the proof (64 bytes)

Nothing here is secret from the receiver; against everybody else parts travel in the sealed envelope only.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec

from seawall.exchange.psi.epoch import Epoch
from seawall.exchange.psi.group import POINT_BYTES
from seawall.exchange.psi.interface import Heading
from seawall.exchange.psi.padding import padded
from seawall.model import Refused
from seawall.model.psi import TOKEN_BYTES
from seawall.model.unreadable import UNREADABLE

PART_POINTS = 65_536
MOST_SESSIONS = 1_000_000  # of one epoch: one every eight seconds of 90 days
MOST_PART_BYTES = 4 * 1024 * 1024  # twice the largest part: bodies of a mailbox are at most 8 MiB


class Kind(StrEnum):
    """What a part carries."""

    POINTS = "points"
    ANSWERS = "answers"
    QUESTION = "question"
    REPLY = "reply"


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One part of one message."""

    epoch: bytes
    purpose: str
    kind: Kind
    sender: int  # place in the epoch's nodes
    session: int
    index: int = 0
    total: int = 0  # points in the whole list
    data: bytes

    @property
    def digest(self) -> bytes:
        """16 bytes over all of it."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).digest()[:16]


def encode(part: Part) -> bytes:
    """The bytes that travel."""
    return msgspec.msgpack.encode(part)


def decode(body: bytes) -> Part:
    """Raises Refused E-EXCHANGE-710 for what is no part: truncated, too large, or of another version."""
    if len(body) <= MOST_PART_BYTES:
        try:
            part = msgspec.msgpack.decode(body, type=Part)
        except UNREADABLE:
            part = None
        if part is not None and min(part.session, part.index, part.total) >= 0 and part.session <= MOST_SESSIONS:
            return part
    raise Refused(
        "E-EXCHANGE-710", "A part of a comparison is truncated, too large or of another version; it was refused."
    )


def heading(body: bytes) -> Heading:
    """Where a part belongs. Raises Refused E-EXCHANGE-710 for what is no part."""
    part = decode(body)
    return Heading(part.epoch.hex(), part.purpose, part.session)


def check_place(part: Part, epoch: Epoch, own: str, at: int) -> None:
    """That the part is of this epoch, of the other side, and in time.

    Raises Refused E-EXCHANGE-711 for another epoch, E-EXCHANGE-712 for another sender (our own parts sent back, too),
    E-EXCHANGE-713 before the begin or after the end.
    """
    if part.epoch != epoch.digest or part.purpose != epoch.terms.purpose:
        raise Refused("E-EXCHANGE-711", "A part belongs to another epoch than the one agreed; it was refused.")
    if part.sender != 1 - epoch.place(own):
        raise Refused("E-EXCHANGE-712", "A part was not made by the other side of this comparison; it was refused.")
    check_time(epoch, at)


def check_time(epoch: Epoch, at: int) -> None:
    """Raises Refused E-EXCHANGE-713 before the begin or after the end of an epoch."""
    if not epoch.terms.starts <= at < epoch.terms.ends:
        raise Refused("E-EXCHANGE-713", "The epoch of this comparison has not begun or is over; agree on a new one.")


def check_list(part: Part, most_points: int) -> None:
    """That a part of a list has a length that a list may have, and is whole.

    Raises Refused E-EXCHANGE-718 for a list over the cap or of a length that no list has, E-EXCHANGE-719 for a part
    that is shorter or longer than its place says.
    """
    if part.total > most_points or part.total != padded(part.total):
        raise Refused(
            "E-EXCHANGE-718",
            "The other side's list of {points} points is over the agreed cap of {most}, or not padded; it was refused.",
            points=part.total,
            most=most_points,
        )
    size = POINT_BYTES if part.kind is Kind.POINTS else TOKEN_BYTES
    wanted = min(PART_POINTS, part.total - part.index * PART_POINTS)
    if wanted <= 0 or len(part.data) != wanted * size:
        raise Refused("E-EXCHANGE-719", "A part is shorter or longer than its place in the list says; it was refused.")


def parts_of(points: int) -> int:
    """How many parts a list of so many points has."""
    return -(-points // PART_POINTS)
