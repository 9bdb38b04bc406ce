"""Padded sizes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.exchange.sizes import is_padded, list_class, padme


def test_padme_is_the_published_function() -> None:
    """Sizes from the paper's definition, worked out by hand."""
    assert [padme(size) for size in (0, 1, 2, 7, 8, 9, 100, 1_000, 1_000_000)] == [
        0, 1, 2, 7, 8, 10, 104, 1_024, 1_015_808,
    ]  # fmt: skip


@given(st.integers(1, 2**40))
def test_padding_adds_little(size: int) -> None:
    """A padded size holds the message, is its own class, adds at most 12 %, and grows with the size."""
    padded = padme(size)
    assert size <= padded <= size + size * 0.12 + 1
    assert is_padded(padded)
    assert padme(size + 1) >= padded


@given(st.integers(0, 2**24))
def test_list_classes(count: int) -> None:
    """The class of a list's length is 4, 5, 6 or 7 times a power of two, below 1.25 times the length, and padded."""
    found = list_class(count)
    assert count <= found <= max(4, count * 1.25)
    while found % 2 == 0 and found > 7:
        found //= 2
    assert found in (4, 5, 6, 7)
    assert is_padded(16 * list_class(count))


def test_nothing_is_no_class() -> None:
    """An empty message is none."""
    assert not is_padded(0)
