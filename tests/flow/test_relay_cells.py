"""Cells: messages cut into pieces of equal bodies come together again, and nothing else comes of them."""

from __future__ import annotations

import os
import random
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.exchange.envelope import MAX_ENVELOPE_BYTES, MIN_ENVELOPE_BYTES
from seawall.flow.relay_cells import CELL_BYTES, MOST_PIECES, Assembly, Packer, Piece, name_of, pieces_of


def packed(messages: list[bytes], cells: int) -> tuple[list[bytes], int]:
    """(bodies, how many messages are whole in them)."""
    packer, whole = Packer(cells), 0
    for message in messages:
        if packer.add(message) < len(message):
            break
        whole += 1
    return packer.bodies(), whole


def taken(assembly: Assembly, bodies: list[bytes]) -> list[bytes]:
    """What becomes whole, in order."""
    found = []
    for body in bodies:
        for piece in pieces_of(body) or ():
            whole = assembly.take(piece)
            if whole is not None:
                found.append(whole)
                assembly.done(whole)
    return found


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(MIN_ENVELOPE_BYTES, 3 * CELL_BYTES), max_size=8), cells=st.integers(1, 12))
def test_what_fits_comes_out_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], cells: int
) -> None:
    """Every body has one size, there are as many as asked for, and the messages that fit come out whole, in order."""
    messages = [os.urandom(size) for size in sizes]
    bodies, whole = packed(messages, cells)
    assert [len(body) for body in bodies] == [CELL_BYTES] * cells
    folder = tmp_path_factory.mktemp("cells")
    assert taken(Assembly(folder), bodies) == messages[:whole]
    assert len(list(folder.iterdir())) <= 1  # what goes on in the next visit


def test_cells_hold_nearly_as_much_as_they_are_long() -> None:
    """One message of ten cells less one in a hundred fits into ten."""
    _, whole = packed([os.urandom(int(10 * CELL_BYTES * 0.99))], 10)
    assert whole == 1


def test_a_message_goes_on_in_later_visits(tmp_path: Path) -> None:
    """A message of five cells travels in three visits of two, and the next one behind it."""
    large, small = os.urandom(int(4.5 * CELL_BYTES)), os.urandom(9_000)
    assembly, upto, found = Assembly(tmp_path), 0, list[bytes]()
    for visit in range(3):
        packer = Packer(2)
        upto = packer.add(large, upto)
        if upto == len(large):
            assert packer.add(small) == len(small)
        found += taken(assembly, packer.bodies())
        assert (found == []) is (visit < 2)
    assert found == [large, small]
    assert list(tmp_path.iterdir()) == []


def test_cells_may_come_twice_or_not_at_all(tmp_path: Path) -> None:
    """Twice is once; without the second of four nothing becomes whole, and the message sent anew does."""
    message = os.urandom(3 * CELL_BYTES)
    bodies, _ = packed([message], 4)
    assembly = Assembly(tmp_path)
    assert taken(assembly, [one for one in bodies for _ in range(2)]) == [message]
    assert taken(assembly, [bodies[0], *bodies[2:]]) == []
    assert taken(assembly, bodies) == [message]


def test_the_last_piece_again_gives_the_message_again_until_it_is_done(tmp_path: Path) -> None:
    """A kill between the last piece and what becomes of the message loses nothing."""
    message = os.urandom(2 * CELL_BYTES)
    pieces = [piece for body in packed([message], 3)[0] for piece in pieces_of(body) or ()]
    assembly = Assembly(tmp_path)
    assert [assembly.take(piece) for piece in pieces][-1] == message
    assert Assembly(tmp_path).take(pieces[-1]) == message
    assembly.done(message)
    assert assembly.take(pieces[-1]) is None


def test_another_message_takes_the_place_of_one_that_never_ends(tmp_path: Path) -> None:
    """At most one message lies there in part, however many a peer begins."""
    assembly = Assembly(tmp_path)
    for _ in range(50):
        message = os.urandom(2 * CELL_BYTES)
        assert assembly.take(Piece(name_of(message), len(message), 0, message[:1_000])) is None
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "piece",
    [
        Piece(b"short", 10_000, 0, b"0123456789"),
        Piece(bytes(16), 0, 0, b""),
        Piece(bytes(16), 10_000, -1, b"01"),
        Piece(bytes(16), 10_000, 9_999, b"01"),
        Piece(bytes(16), MIN_ENVELOPE_BYTES - 1, 0, b"01"),
        Piece(bytes(16), MAX_ENVELOPE_BYTES + 1, 0, b"01"),
        Piece(bytes(16), 10_000, 3, b""),
    ],
)
def test_pieces_that_cannot_be_make_no_cell(piece: Piece) -> None:
    """A name of another length, bytes outside of the message, one larger or smaller than any: the cell is left out."""
    assert pieces_of(cell_of([piece])) is None


def test_a_cell_of_many_small_pieces_is_none() -> None:
    """Messages fill a cell with a few pieces; whoever sends thousands would have us write thousands of files."""
    small = Piece(bytes(16), 10_000, 0, b"01")
    assert pieces_of(cell_of([small] * MOST_PIECES)) is not None
    assert pieces_of(cell_of([small] * (MOST_PIECES + 1))) is None


def cell_of(pieces: list[Piece]) -> bytes:
    """A body with these, whatever they are."""
    encoded = msgspec.msgpack.encode(pieces)
    return (len(encoded).to_bytes(4) + encoded).ljust(CELL_BYTES, b"\0")


def test_rubbish_is_no_cell(tmp_path: Path) -> None:
    """Random bytes, other lengths and damaged cells give nothing, and raise nothing."""
    drawn = random.Random(5)
    message = os.urandom(20_000)
    body = packed([message], 1)[0][0]
    for rubbish in (b"", b"\0" * 10, os.urandom(CELL_BYTES), b"\xff" * CELL_BYTES, body[:-1], body + b"\0"):
        assert pieces_of(rubbish) is None
    assembly = Assembly(tmp_path)
    for _ in range(300):
        damaged = bytearray(body)
        damaged[drawn.randrange(20_100)] ^= 1 << drawn.randrange(8)
        assert set(taken(assembly, [bytes(damaged)])) <= {message}


def test_a_piece_with_a_wrong_name_gives_nothing(tmp_path: Path) -> None:
    """What does not have the digest that it was announced with is thrown away."""
    assembly, message = Assembly(tmp_path), os.urandom(2_000)
    assert assembly.take(Piece(bytes(16), 2_000, 0, message)) is None
    assert assembly.take(Piece(bytes(16), 2_000, 0, message[:1_000])) is None
    assert assembly.take(Piece(bytes(16), 2_000, 1_000, message[1_000:])) is None
    assert list(tmp_path.iterdir()) == []
