"""How long lists look."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.exchange.psi.padding import LEAST_POINTS, checks_for, list_length, most_items, padded


def test_lengths_are_four_to_each_power_of_two() -> None:
    """Between two powers of two there are three more lengths."""
    assert sorted({padded(points) for points in range(1, 1_025)}) == [
        128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 896, 1_024,
    ]  # fmt: skip


@given(values=st.integers(0, 6_000_000))
def test_a_list_has_room_for_values_and_checks_and_little_more(values: int) -> None:
    """Padding adds less than a quarter, a list's length is a length again, and one in a hundred is a check point."""
    length, bare = list_length(values), values + checks_for(values)
    assert bare <= length
    assert length < max(LEAST_POINTS + 1, 1.25 * bare)
    assert padded(length) == length
    assert checks_for(values) >= values / 100


@given(points=st.integers(0, 6_000_000))
def test_most_items_fill_a_budget(points: int) -> None:
    """As many values as are said fit, and one more does not."""
    most = most_items(points)
    assert most == -1 or list_length(most) <= points
    assert list_length(most + 1) > points
