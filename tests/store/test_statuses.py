from __future__ import annotations

from seawall.store import Store


def test_outcomes_are_kept_for_their_maker_only(store: Store) -> None:
    """An outcome is read again by the one who made the POST; to everybody else it is not there."""
    store.statuses.add("harbour", "one", b'{"id":"one"}', at=1, keep=10, most=1_000, since=0)
    assert store.statuses.get("harbour", "one") == b'{"id":"one"}'
    assert store.statuses.get("lantern", "one") is None
    assert store.statuses.get("harbour", "two\x00") is None


def test_the_oldest_outcomes_go_first(store: Store) -> None:
    """Of each maker's outcomes the last few are kept, whatever others do."""
    store.statuses.add("lantern", "theirs", b"{}", at=0, keep=3, most=1_000, since=0)
    for number in range(6):
        store.statuses.add("harbour", str(number), b"{}", at=number, keep=3, most=1_000, since=0)
    kept = [number for number in range(6) if store.statuses.get("harbour", str(number)) is not None]
    assert kept == [3, 4, 5]
    assert store.statuses.get("lantern", "theirs") is not None


def test_outcomes_are_bounded_by_bytes_and_by_age(store: Store) -> None:
    """The largest of outcomes leave room for few, old ones go, and the newest stays whatever its size."""
    for number in range(6):
        store.statuses.add("harbour", str(number), b"x" * 400, at=number, keep=100, most=1_000, since=0)
    assert [number for number in range(6) if store.statuses.get("harbour", str(number))] == [4, 5]
    store.statuses.add("harbour", "6", b"x", at=6, keep=100, most=1_000, since=5)
    assert [number for number in range(7) if store.statuses.get("harbour", str(number))] == [5, 6]
    store.statuses.add("harbour", "7", b"x" * 5_000, at=6, keep=100, most=1_000, since=5)
    assert [number for number in range(8) if store.statuses.get("harbour", str(number))] == [7]
