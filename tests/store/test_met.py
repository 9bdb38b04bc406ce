"""Commitments to what was merely met, on both databases."""

from __future__ import annotations

from seawall.store import Store
from seawall.store.commitments import BATCH, NewBatch


def batch(number: int, *values: str) -> NewBatch:
    """A batch of addresses."""
    rows = [("ipv4", value, 20_000, "met", bytes(16), 0) for value in values]
    return NewBatch(number, 100 + number, bytes(32), {"met ipv4": len(values)}, bytes(32 * len(values)), rows)


def test_the_latest_enter_first_and_only_from_the_ledger(store: Store) -> None:
    """What has no leaf yet, or was withdrawn, is not among what enters; the newest comes first."""
    store.met.add([batch(0, "192.0.2.1", "192.0.2.2"), batch(1, "192.0.2.3")])
    assert list(store.met.ranked("ipv4", 10_000)) == []
    assert [one.number for one in store.commitments.pending()] == [0, 1]
    store.commitments.recorded({0: 7}, 500)
    store.commitments.recorded({1: 8}, 900)
    assert [(one.value, one.at) for one in store.met.ranked("ipv4", 10_000)] == [
        ("192.0.2.3", 900), ("192.0.2.2", 500), ("192.0.2.1", 500),
    ]  # fmt: skip
    assert [one.value for one in store.met.ranked("ipv4", 600)] == ["192.0.2.2", "192.0.2.1"]
    store.met.withdraw([("ipv4", "192.0.2.2", "popular")])
    assert [one.value for one in store.met.ranked("ipv4", 600)] == ["192.0.2.1"]
    assert set(store.met.counts()) == {("ipv4", None, 2), ("ipv4", "popular", 1)}
    found = store.met.find("ipv4", "192.0.2.3")
    assert found is not None
    assert (found.place, found.batch.number, found.batch.leaf, found.batch.count) == (0, 1, 8, 1)
    assert store.met.find("ipv4", "192.0.2.9") is None
    assert store.commitments.find("ipv4", "192.0.2.3") is None


def test_only_the_latest_are_kept(store: Store) -> None:
    """Beyond the bound the oldest are forgotten; batches and their roots stay."""
    store.met.add([batch(0, "192.0.2.1", "192.0.2.2"), batch(1, "192.0.2.3")])
    assert store.met.forget_beyond(2) == 1
    assert [value for _, value, _ in store.met.known()] == ["192.0.2.2", "192.0.2.3"]
    assert store.commitments.batch_commitments(0) == bytes(64)
    assert BATCH > 2
