"""One process at a time: the second waits as long as it was told to, and then says so."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from seawall.flow.alone import alone
from seawall.model import Unavailable

BUSY = Unavailable("E-TEST-001", "Somebody else is at it.")


def test_who_does_not_wait_is_told_at_once(tmp_path: Path) -> None:
    """The first goes on, the second hears that somebody else is at it; afterwards the way is free."""
    with alone(tmp_path / "lock", BUSY), pytest.raises(Unavailable, match="E-TEST-001"), alone(tmp_path / "lock", BUSY):
        pass
    with alone(tmp_path / "lock", BUSY):
        pass


def test_who_waits_gets_in_when_the_other_has_left(tmp_path: Path) -> None:
    """Order is kept: nothing of the second happens before the first has ended."""
    order: list[str] = []
    inside = threading.Event()

    def first() -> None:
        with alone(tmp_path / "lock", BUSY):
            inside.set()
            order.append("first")
            threading.Event().wait(0.3)
            order.append("first left")

    thread = threading.Thread(target=first)
    thread.start()
    assert inside.wait(10)
    with alone(tmp_path / "lock", BUSY, seconds=30):
        order.append("second")
    thread.join()
    assert order == ["first", "first left", "second"]
