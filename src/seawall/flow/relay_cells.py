"""Cells: sealed messages cut into pieces, and pieces laid into bodies of one size, filled up where little is said.

    messages   | standing | message 7 ............. | message 8 | nothing |
    cells      |    cell 1    |    cell 2    |    cell 3    |    cell 4    |

A message may go on in the cells of a later visit. What a piece belongs to is named by the message's digest, so cells
may come twice, late or not at all: what is not whole in the end is sent anew by its sender, as every lost message is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from seawall.exchange.envelope import MAX_ENVELOPE_BYTES, MIN_ENVELOPE_BYTES
from seawall.identity.key_folder import destroy
from seawall.model.unreadable import UNREADABLE

CELL_BYTES = 60_000  # body of a cell; sealed it is in the class of 62 kB, or of 64 with a shared key
MOST_CELLS = 256  # of one visit: 16 MB
LENGTH_BYTES = 4
PIECE_BYTES = 48  # around the data of a piece, at most
NAME_BYTES = 16
MOST_PIECES = 2 + CELL_BYTES // MIN_ENVELOPE_BYTES  # of one cell: the end of one message, whole ones, the begin of one
SUFFIX = ".part"


class Piece(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Some bytes of a sealed message."""

    message: bytes  # SHA-256 of all of it, 16 bytes
    total: int  # bytes of all of it
    start: int
    data: bytes


class Packer:
    """Lays messages into at most ``cells`` cells, one behind the other."""

    def __init__(self, cells: int) -> None:
        self._cells: list[list[Piece]] = [[] for _ in range(cells)]
        self._at = 0  # the cell that is being filled
        self._room = CELL_BYTES - LENGTH_BYTES - PIECE_BYTES

    def add(self, sealed: bytes, start: int = 0) -> int:
        """Lay down what there is room for, from byte ``start`` on; returns up to where."""
        name = name_of(sealed)
        while start < len(sealed) and self._at < len(self._cells):
            room = self._room - PIECE_BYTES
            if room <= 0:
                self._at += 1
                self._room = CELL_BYTES - LENGTH_BYTES - PIECE_BYTES
                continue
            data = sealed[start : start + room]
            self._cells[self._at].append(Piece(name, len(sealed), start, data))
            self._room -= PIECE_BYTES + len(data)
            start += len(data)
        return start

    def bodies(self) -> list[bytes]:
        """As many bodies as there are cells, all of one size, whatever is in them."""
        return [_filled(msgspec.msgpack.encode(pieces)) for pieces in self._cells]


def name_of(sealed: bytes) -> bytes:
    """What pieces of this message name it by."""
    return hashlib.sha256(sealed).digest()[:NAME_BYTES]


def pieces_of(body: bytes) -> tuple[Piece, ...] | None:
    """What a cell holds; None for what is no cell, holds a piece that cannot be, or more than messages could fill."""
    length = int.from_bytes(body[:LENGTH_BYTES])
    if len(body) != CELL_BYTES or length > CELL_BYTES - LENGTH_BYTES:
        return None
    try:
        found = msgspec.msgpack.decode(body[LENGTH_BYTES : LENGTH_BYTES + length], type=tuple[Piece, ...])
    except UNREADABLE:
        return None
    return found if len(found) <= MOST_PIECES and all(map(_can_be, found)) else None


class Assembly:
    """Pieces of one peer's messages until one is whole, in a folder; at most one message is there in part.

    The bytes are sealed for us as they lay at the relay, so they lie here as they came.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, piece: Piece) -> bytes | None:
        """The whole message once its last piece came; again, when that comes again and nobody called ``done``."""
        if piece.start == 0 and len(piece.data) == piece.total:
            return piece.data if name_of(piece.data) == piece.message else None
        file = self._folder / (piece.message.hex() + SUFFIX)
        held = file.stat().st_size if file.is_file() else 0
        if piece.start > held:
            return None  # what comes before was lost: the message comes again, from its begin
        if not held:
            self.clear()
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if piece.start + len(piece.data) > held:
            with file.open("r+b" if held else "wb") as whole:
                whole.seek(piece.start)
                whole.write(piece.data)
            held = piece.start + len(piece.data)
        if held < piece.total:
            return None
        data = file.read_bytes()
        if name_of(data) == piece.message:
            return data
        destroy(file)
        return None

    def done(self, message: bytes) -> None:
        """This message was taken in; its pieces may go."""
        file = self._folder / (name_of(message).hex() + SUFFIX)
        if file.is_file():
            destroy(file)

    def clear(self) -> None:
        """Forget what is there in part."""
        for file in self._folder.glob(f"*{SUFFIX}"):
            destroy(file)


def _filled(encoded: bytes) -> bytes:
    return (len(encoded).to_bytes(LENGTH_BYTES) + encoded).ljust(CELL_BYTES, b"\0")


def _can_be(piece: Piece) -> bool:
    return (
        len(piece.message) == NAME_BYTES
        and MIN_ENVELOPE_BYTES <= piece.total <= MAX_ENVELOPE_BYTES
        and 0 <= piece.start < piece.start + len(piece.data) <= piece.total
    )


def sealed_digests(cells: Sequence[bytes]) -> list[str]:
    """SHA-256 of each, lower hex, for the ledger."""
    return [hashlib.sha256(cell).hexdigest() for cell in cells]
