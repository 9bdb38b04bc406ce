"""What tools count while nobody asks: differences, resets, and logs read from where somebody stopped."""

from __future__ import annotations

from pathlib import Path

from seawall.protect.drivers.counters import Counters
from seawall.protect.drivers.follow import Followed


def test_counters_tell_each_count_once_over_restarts_and_resets() -> None:
    """Only what is new; a counter that fell, vanished or stands in another table counts from nought."""
    first = Counters()
    assert first.new({"a": 3, "b": 1}, "table 1") == {"a": 3, "b": 1}
    assert first.new({"a": 5, "b": 1}, "table 1") == {"a": 2}
    again = Counters()
    again.resume("no place at all")
    again.resume(first.position)
    assert again.new({"a": 6, "b": 1}, "table 1") == {"a": 1}
    assert again.new({"a": 2}, "table 1") == {"a": 2}, "it fell"
    assert again.new({"a": 2, "b": 4}, "table 1") == {"b": 4}, "it was gone in between"
    assert again.new({"a": 9, "b": 9}, "table 2") == {"a": 9, "b": 9}, "the table was made anew"


def test_a_log_is_read_from_where_a_dead_reader_stopped(tmp_path: Path) -> None:
    """From its end at first; later from the place that was kept; a file that was rotated from its start."""
    path = tmp_path / "log"
    path.write_bytes(b"before us\n")
    first = Followed(path)
    with path.open("ab") as file:
        file.write(b"one\ntwo\nto")
    assert first.lines() == [b"one", b"two"]
    with path.open("ab") as file:
        file.write(b"rn\nmore\n")
    second = Followed(path)
    assert second.lines() == [], "nobody told it where to go on"
    second.resume(first.position)
    assert second.lines() == [b"torn", b"more"]
    path.rename(tmp_path / "log.1")
    path.write_bytes(b"a new file that is longer than the place in the old one, so its length tells nothing\n")
    third = Followed(path)
    third.resume(second.position)
    third.resume("nonsense")
    assert len(third.lines()) == 1
    assert Followed(tmp_path / "absent").lines() == []
