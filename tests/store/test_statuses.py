from __future__ import annotations

from seawall.store import Store


def test_outcomes_are_kept_for_their_maker_only(store: Store) -> None:
    """An outcome is read again by the one who made the POST; to everybody else it is not there."""
    store.statuses.add("harbour", "one", b'{"id":"one"}', at=1, keep=10)
    assert store.statuses.get("harbour", "one") == b'{"id":"one"}'
    assert store.statuses.get("lantern", "one") is None
    assert store.statuses.get("harbour", "two\x00") is None


def test_the_oldest_outcomes_go_first(store: Store) -> None:
    """Of each maker's outcomes the last few are kept, whatever others do."""
    store.statuses.add("lantern", "theirs", b"{}", at=0, keep=3)
    for number in range(6):
        store.statuses.add("harbour", str(number), b"{}", at=number, keep=3)
    kept = [number for number in range(6) if store.statuses.get("harbour", str(number)) is not None]
    assert kept == [3, 4, 5]
    assert store.statuses.get("lantern", "theirs") is not None
