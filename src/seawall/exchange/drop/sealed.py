"""A drop that only its recipient can read: the file of a drop, cut into sealed messages.

    0   9   "SWSDROP1\\n"
    9   4   bytes of the first sealed message (big-endian), then the message; and so on
    ...     body of each: 1 byte, 1 for the last piece, else 0; then a piece of the drop's file

The pieces are numbered from 1 by their messages, so that none can be missing, swapped or taken from another file
unnoticed; the drop inside is signed as a whole, as ever.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import IO

from seawall.exchange.drop.bounds import DropBounds
from seawall.exchange.drop.header import not_a_drop, too_large
from seawall.exchange.drop.reading import altered
from seawall.exchange.envelope import MAX_ENVELOPE_BYTES, BadEnvelope, Opened
from seawall.model.message import MessageKind

MAGIC = b"SWSDROP1\n"
PIECE = 4 * 1024 * 1024
_LENGTH = struct.Struct(">I")

SealPiece = Callable[[int, bytes], bytes]
OpenPiece = Callable[[bytes], Opened]


def is_sealed(file: IO[bytes]) -> bool:
    """Whether a file begins as a sealed drop; the file is at its beginning afterwards."""
    begins = file.read(len(MAGIC)) == MAGIC
    file.seek(0)
    return begins


def seal_drop(source: IO[bytes], target: IO[bytes], seal: SealPiece) -> None:
    """Write the sealed form of a drop's file; ``seal`` takes a number from 1 and a body."""
    target.write(MAGIC)
    number, piece = 1, source.read(PIECE)
    while True:
        following = source.read(PIECE)
        sealed = seal(number, (b"\0" if following else b"\1") + piece)
        target.write(_LENGTH.pack(len(sealed)) + sealed)
        if not following:
            return
        number, piece = number + 1, following


def unseal_drop(source: IO[bytes], target: IO[bytes], opened: OpenPiece, bounds: DropBounds) -> None:
    """Write the drop's own file. Raises what ``opened`` raises, Fault E-EXCHANGE-201, Refused E-EXCHANGE-203, 205."""
    if source.read(len(MAGIC)) != MAGIC:
        raise not_a_drop()
    number, size, made_at, last = 0, 0, None, False
    while not last:
        head = source.read(_LENGTH.size)
        if len(head) != _LENGTH.size or not 0 < _LENGTH.unpack(head)[0] <= MAX_ENVELOPE_BYTES:
            raise not_a_drop()
        try:
            message = opened(source.read(_LENGTH.unpack(head)[0]))
        except BadEnvelope:
            raise altered() from None
        number += 1
        made_at = message.at if made_at is None else made_at
        fits = (message.kind, message.sequence, message.at) == (MessageKind.DROP, number, made_at)
        if not fits or message.body[:1] not in (b"\0", b"\1"):
            raise not_a_drop()
        size += len(message.body) - 1
        if size > bounds.file_bytes:
            raise too_large()
        target.write(message.body[1:])
        last = message.body[:1] == b"\1"
    if source.read(1):
        raise not_a_drop()
