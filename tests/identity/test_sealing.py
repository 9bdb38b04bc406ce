"""Boxes: what is sealed opens whole, at its place, under its key."""

from __future__ import annotations

import pytest

from seawall.identity.sealing import OVERHEAD, Box, is_sealed
from seawall.model import Fault


def test_what_was_sealed_opens_under_the_same_key_and_place() -> None:
    """A box gives back what it sealed, and two sealings of one thing share no byte pattern."""
    box = Box(b"k" * 32)
    first, second = box.seal(b"peer", b"row 1"), box.seal(b"peer", b"row 1")
    assert box.open(first, b"row 1") == box.open(second, b"row 1") == b"peer"
    assert first != second
    assert len(first) == len(b"peer") + OVERHEAD
    assert b"peer" not in first


@pytest.mark.parametrize(
    ("sealed", "about"),
    [(lambda data: data[:-1], b""), (lambda data: data + b"x", b""), (lambda data: data[:12], b""),
     (lambda data: data[:40] + bytes([data[40] ^ 1]) + data[41:], b""), (lambda data: data, b"another row")],
)  # fmt: skip
def test_what_was_altered_cut_or_moved_does_not_open(sealed: object, about: bytes) -> None:
    """Every change, and another place, is one and the same fault."""
    box = Box(b"k" * 32)
    with pytest.raises(Fault, match="E-IDENTITY-123"):
        box.open(sealed(box.seal(b"peer")), about)  # type: ignore[operator]


def test_another_key_opens_nothing() -> None:
    """A box of another vault is told so."""
    with pytest.raises(Fault, match="E-IDENTITY-123"):
        Box(b"j" * 32).open(Box(b"k" * 32).seal(b"peer"))


def test_what_was_written_before_the_vault_is_read_as_it_is() -> None:
    """Plain bytes pass, so a node can be encrypted step by step."""
    box = Box(b"k" * 32)
    assert box.open_or_plain(b"-----BEGIN") == b"-----BEGIN"
    assert box.open_or_plain(box.seal(b"-----BEGIN")) == b"-----BEGIN"
    assert not is_sealed(b"-----BEGIN")


def test_marks_are_equal_for_equal_text_and_keyed() -> None:
    """What rows are looked up by says nothing without the key."""
    assert Box(b"k" * 32).blind("a") == Box(b"k" * 32).blind("a") != Box(b"j" * 32).blind("a")
