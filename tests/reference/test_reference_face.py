from __future__ import annotations

import doctest

import seawall.reference


def test_the_example_runs() -> None:
    """The example at the head of the room does what it says."""
    assert doctest.testmod(seawall.reference).failed == 0
