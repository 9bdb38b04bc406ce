"""Reported hits: each is counted once."""

from __future__ import annotations

import msgspec
import pytest

from seawall.model import ObservableType
from seawall.model.hit import Hit
from seawall.store import Store

HIT = Hit(
    type=ObservableType.IPV4,
    value="203.0.113.9",
    side="TW",
    sector="energy",
    first_seen=1_773_457_920_000_000,
    last_seen=1_773_457_980_000_000,
    count=5,
    indicator_id="indicator--1",
    basis="none",
    reported_by="ann",
    reported_at=1_773_500_000_000_000,
)
OTHERS = [
    {"value": "203.0.113.10"},
    {"side": "KR"},
    {"sector": "water"},
    {"first_seen": HIT.first_seen - 1},
    {"last_seen": HIT.last_seen + 1},
    {"count": 6},
    {"hit_id": "x"},
]


def counts(store: Store, *hits: Hit) -> tuple[int, int, int]:
    """New, updated, unchanged."""
    done = store.hits.put(hits)
    return done.new, done.updated, done.unchanged


def test_the_same_hit_counts_once(store: Store) -> None:
    """Whoever reports it, whenever, in one batch or in several."""
    later = msgspec.structs.replace(HIT, reported_by="bob", reported_at=HIT.reported_at + 1)
    assert counts(store, HIT, later) == (1, 0, 1)
    assert counts(store, later) == (0, 0, 1)
    assert store.hits.count() == 1


@pytest.mark.parametrize("change", OTHERS, ids=lambda change: next(iter(change)))
def test_another_hit_is_another(store: Store, change: dict[str, object]) -> None:
    """A different value, side, sector, moment, count or id makes a hit of its own."""
    assert counts(store, HIT, msgspec.structs.replace(HIT, **change)) == (2, 0, 0)


def test_a_hit_with_its_own_id_is_replaced(store: Store) -> None:
    """The same id with another count is the same hit, told better."""
    named = msgspec.structs.replace(HIT, hit_id="siem-1")
    assert counts(store, named) == (1, 0, 0)
    assert counts(store, msgspec.structs.replace(named, count=9)) == (0, 1, 0)
    assert [one.count for one in store.hits.totals()] == [9]


def test_totals_add_up_by_value_side_sector_and_basis(store: Store) -> None:
    """Counts are summed, the first and the last moment are kept, reporters are counted."""
    second = msgspec.structs.replace(HIT, first_seen=HIT.first_seen - 60, count=2, reported_by="bob")
    alert = msgspec.structs.replace(HIT, basis="alert", count=1)
    counts(store, HIT, second, alert)
    found = [(one.basis, one.first_seen, one.last_seen, one.count, one.reporters) for one in store.hits.totals()]
    assert found == [
        ("alert", HIT.first_seen, HIT.last_seen, 1, 1),
        ("none", HIT.first_seen - 60, HIT.last_seen, 7, 2),
    ]


def test_a_new_hit_is_a_change_of_sightings(store: Store) -> None:
    """What rests on sightings is made anew after a new hit, and is not after one that is held."""
    before = store.sightings.change()
    store.hits.put([HIT])
    changed = store.sightings.change()
    assert changed > before
    store.hits.put([HIT])
    assert store.sightings.change() == changed
