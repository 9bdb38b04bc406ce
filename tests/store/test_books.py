"""Books against a dishonest peer, on either engine: commitments in batches, spending under one lock, decoys."""

from __future__ import annotations

import pytest

from seawall.store import Store
from seawall.store.budgets import Spend, Spent
from seawall.store.commitments import BATCH, Change, NewBatch

Row = tuple[str, str, int, str, bytes, int]


def _batch(number: int, rows: list[Row]) -> NewBatch:
    return NewBatch(number, 1_000 + number, bytes(32), {"ipv4": len(rows)}, bytes(32) * len(rows), rows)


def _row(value: str, strength: int, type: str = "ipv4") -> Row:
    return (type, value, 20_000, "alert", bytes(16), strength)


def test_values_are_ranked_once_their_batch_is_on_record(store: Store) -> None:
    """Strongest first, then the newest; without a leaf, too young or withdrawn: not at all."""
    store.commitments.add([_batch(0, [_row("1.1.1.1", 5), _row("1.1.1.2", 7)]), _batch(1, [_row("1.1.1.3", 5)])])
    assert list(store.commitments.ranked("ipv4", 10**6)) == []
    assert [batch.number for batch in store.commitments.pending()] == [0, 1]
    store.commitments.recorded({0: 10}, 2_000)
    store.commitments.recorded({1: 11}, 3_000)
    assert [item.value for item in store.commitments.ranked("ipv4", 3_000)] == ["1.1.1.2", "1.1.1.3", "1.1.1.1"]
    assert [item.value for item in store.commitments.ranked("ipv4", 2_999)] == ["1.1.1.2", "1.1.1.1"]
    assert list(store.commitments.ranked("domain", 3_000)) == []
    store.commitments.change([Change("ipv4", "1.1.1.2", 7, "operation"), Change("ipv4", "1.1.1.1", 9, None)])
    assert [item.value for item in store.commitments.ranked("ipv4", 3_000)] == ["1.1.1.1", "1.1.1.3"]
    assert store.commitments.counts() in (
        [("ipv4", None, 2), ("ipv4", "operation", 1)],
        [("ipv4", "operation", 1), ("ipv4", None, 2)],
    )
    newest = store.commitments.newest_recorded(11)
    assert newest is not None
    assert (newest.number, newest.leaf, newest.totals) == (0, 10, {"ipv4": 2})


def test_pages_lose_and_repeat_nothing(store: Store) -> None:
    """Whole batches of one strength and of many, in the order of code points and by rank."""
    values = sorted(f"10.{number >> 8}.{number & 255}.1" for number in range(12_000))
    rows = [_row(value, 1 if number % 3 else number % 7) for number, value in enumerate(values)]
    store.commitments.add([_batch(number, rows[number * BATCH : (number + 1) * BATCH]) for number in range(3)])
    store.commitments.recorded({0: 0, 1: 1, 2: 2}, 5)
    assert [item.value for item in store.commitments.known()] == values
    ranked = list(store.commitments.ranked("ipv4", 5))
    assert {item.value for item in ranked} == set(values)
    assert len(ranked) == len(values)
    assert [item.strength for item in ranked] == sorted((row[5] for row in rows), reverse=True)


def test_order_is_that_of_code_points(store: Store) -> None:
    """Upper before lower case and ASCII before the rest, as Python and the lake sort."""
    values = sorted(["a", "B", "_", "z", "é", "台", "b-a", "b.a", "ba"])
    store.commitments.add([_batch(0, [_row(value, 1, "domain") for value in values])])
    assert [item.value for item in store.commitments.known()] == values


def test_a_value_with_its_batch(store: Store) -> None:
    """Found with its place; one that was never committed to is not."""
    store.commitments.add([_batch(0, [_row("1.1.1.1", 5), _row("1.1.1.2", 7)])])
    held = store.commitments.find("ipv4", "1.1.1.2")
    assert held is not None
    assert (held.place, held.batch.count, held.batch.leaf, held.salt) == (1, 2, None, bytes(16))
    assert store.commitments.batch_commitments(0) == bytes(64)
    assert store.commitments.find("ipv4", "1.1.1.9") is None


def test_cosigned_checkpoints_are_kept_one_by_one(store: Store) -> None:
    """The earliest first, of one size the first, and none below what is asked for."""
    for key, size, at in (("aa", 5, 50), ("aa", 9, 90), ("bb", 7, 70), ("aa", 9, 95)):
        store.commitments.keep_cosigned(key, size, at, f"{key}{size}{at}")
    assert [note for _, _, _, note in store.commitments.cosigned(6)] == ["bb770", "aa990"]


def _spend(store: Store, count: int, session: str, **more: int) -> Spend | None:
    def decide(spent: Spent, refills: int, before: Spend | None) -> Spend | None:
        del spent, refills
        if before is not None:
            return None
        day, epoch = more.get("day", 10), more.get("epoch", 1)
        return Spend(0, "seoul", "ipv4", session, 0, "", day, epoch, count, 1, 2, 0, 77, None)

    return store.budgets.spend("seoul", "ipv4", session, 0, decide, day=10, epoch=1)


def test_spending_is_kept_and_added_up(store: Store) -> None:
    """By epoch, three days, day and year; the same part is the row that stood there."""
    first, again = _spend(store, 5, "a"), _spend(store, 9, "a")
    assert first is not None
    assert again == first
    _spend(store, 7, "b", day=7)
    _spend(store, 9, "c", day=-400, epoch=0)
    assert store.budgets.spent("seoul", "ipv4", day=10, epoch=1) == (Spent(12, 0, 1, 2, 14), 0)
    assert store.budgets.spent("tokyo", "ipv4", day=10, epoch=1) == (Spent(0, 0, 0, 0, 0), 0)
    store.budgets.refill("seoul", "ipv4", 1, 40, 5, ("mina", "ren"))
    assert store.budgets.spent("seoul", "ipv4", day=10, epoch=1)[1] == 40
    assert len(store.budgets.pending()) == 3
    store.budgets.recorded(first.number, 3)
    assert len(store.budgets.pending()) == 2
    assert store.budgets.known() == [("seoul", "ipv4")]
    assert store.budgets.forget_before(10) == 1


def test_what_a_decision_refuses_is_not_kept(store: Store) -> None:
    """An exception leaves everything as it was."""

    def refuses(spent: Spent, refills: int, before: Spend | None) -> Spend | None:
        raise PermissionError

    with pytest.raises(PermissionError):
        store.budgets.spend("seoul", "ipv4", "a", 0, refuses, day=1, epoch=1)
    assert store.budgets.pending() == []


def test_decoys_and_who_hit_them(store: Store) -> None:
    """Each decoy once, each hit once a peer, until a person settles them."""
    assert store.decoys.add("ipv4", ["1.1.1.1", "1.1.1.2"], 1, "mina") == 2
    assert store.decoys.add("ipv4", ["1.1.1.1"], 2, "ren") == 0
    assert store.decoys.hit("seoul", "ipv4", ["1.1.1.1"], 3) == 1
    assert store.decoys.hit("seoul", "ipv4", ["1.1.1.1", "1.1.1.2"], 4) == 2
    assert store.decoys.unsettled("tokyo") == 0
    store.decoys.retire([("ipv4", "1.1.1.1")], "a peer knows it")
    assert [item.value for item in store.decoys.list("ipv4", standing=True)] == ["1.1.1.2"]
    store.decoys.settle("seoul", 9)
    assert store.decoys.hits_of("seoul") == []
    assert store.decoys.remove("ipv4", ["1.1.1.1", "9.9.9.9"]) == 1


def test_exclusions_are_kept_once(store: Store) -> None:
    """By type and value, with who said so first."""
    assert store.exclusions.add([("ipv4", "1.1.1.1"), ("domain", "a.tw")], 1, "mina") == 2
    assert store.exclusions.add([("ipv4", "1.1.1.1")], 2, "ren") == 0
    assert store.exclusions.list() == [("domain", "a.tw", 1, "mina"), ("ipv4", "1.1.1.1", 1, "mina")]
    assert store.exclusions.remove([("ipv4", "1.1.1.1"), ("ipv4", "2.2.2.2")]) == 1
