from __future__ import annotations

import msgspec
import pytest

from seawall.model import ObservableType, Pap, SightingSummary, Tlp, Visibility, Warning
from seawall.model.stored import PutCounts
from seawall.store import Store
from store_scenes import EVERYTHING

IPV4 = ObservableType.IPV4


def sighting(value: str = "198.51.100.1", **changes: object) -> SightingSummary:
    """An own sighting, with some fields changed."""
    base = SightingSummary(
        type=IPV4,
        value=value,
        side="TW",
        first_seen=10,
        last_seen=20,
        count=3,
        sectors=("water", "energy"),
        indicator_id=None,
        basis=("alert",),
        tlp=Tlp.GREEN,
        pap=Pap.GREEN,
        origin=None,
    )
    return msgspec.structs.replace(base, **changes)


def warning(value: str = "198.51.100.1", **changes: object) -> Warning:
    """A warning about a value that one side saw, with some fields changed."""
    base = Warning(
        value=value,
        type=IPV4,
        first_side="TW",
        first_seen=10,
        other_side=None,
        other_first_seen=None,
        told_at=None,
        raw_lead_seconds=None,
        usable_lead_seconds=None,
        sectors=("water",),
        confidence=70,
        tlp=Tlp.GREEN,
        pap=Pap.GREEN,
    )
    return msgspec.structs.replace(base, **changes)


def test_sightings_are_upserted(store: Store) -> None:
    """One row a type, value, side and origin; counts tell new, updated and unchanged exactly."""
    rows = [
        sighting(),
        sighting(side="KR"),
        sighting(origin="seoul"),
        sighting("evil.example", type=ObservableType.DOMAIN),
    ]
    assert store.sightings.put(rows) == PutCounts(new=4)
    assert store.sightings.put(rows) == PutCounts(unchanged=4)
    assert store.sightings.put([sighting(last_seen=30, count=4), sighting(side="KR")]) == PutCounts(0, 1, 1)
    assert store.sightings.put([sighting("x"), sighting("x")]) == PutCounts(1, 0, 1)
    assert store.sightings.count(EVERYTHING) == 5
    assert {each.last_seen for each in store.sightings.of(IPV4, "198.51.100.1", visibility=EVERYTHING)} == {20, 30}


def test_sightings_come_back_whole(store: Store) -> None:
    """All fields are returned, sectors in order of arrival."""
    given = sighting(origin="seoul", excluded=frozenset({"a", "b"}), indicator_id="indicator--1", basis=())
    store.sightings.put([given])
    assert store.sightings.list(EVERYTHING).items == (given,)


def test_sightings_by_visibility_and_page(store: Store) -> None:
    """Withheld sightings leave no gap; what changed comes again behind the last page; circles see none."""
    store.sightings.put([sighting(f"198.51.100.{n}", tlp=Tlp.RED if n % 2 else Tlp.GREEN) for n in range(6)])
    green = Visibility(Tlp.GREEN)
    first = store.sightings.list(green, limit=2)
    assert [each.value for each in first.items] == ["198.51.100.0", "198.51.100.2"]
    assert first.next is not None
    store.sightings.put([sighting("198.51.100.0", count=9)])
    rest = store.sightings.list(green, after=first.next, limit=9)
    assert [each.value for each in rest.items] == ["198.51.100.4", "198.51.100.0"]
    assert store.sightings.count(green) == 3
    assert store.sightings.list(Visibility(Tlp.RED, circle="harbour")).items == ()
    assert store.sightings.list(Visibility(Tlp.RED, types=frozenset({"indicator"}))).items == ()


def test_sightings_by_origin_side_and_type(store: Store) -> None:
    """Excluded origins are hidden; own sightings never are; side and type narrow the list."""
    store.sightings.put(
        [sighting(), sighting(origin="seoul"), sighting(side="KR"), sighting("d", type=ObservableType.DOMAIN)]
    )
    hidden = Visibility(Tlp.RED, excluded_origins=frozenset({"seoul"}))
    assert len(store.sightings.list(hidden).items) == 3
    assert len(store.sightings.list(EVERYTHING, side="KR").items) == 1
    assert len(store.sightings.list(EVERYTHING, type=ObservableType.DOMAIN).items) == 1


def test_warnings_are_one_a_value(store: Store) -> None:
    """A warning about a value replaces the one before; both sides hit can be asked for."""
    assert store.warnings.put([warning(), warning("198.51.100.2")]) == PutCounts(new=2)
    assert store.warnings.put([warning(), warning("198.51.100.2")]) == PutCounts(unchanged=2)
    both = warning(other_side="KR", other_first_seen=99, raw_lead_seconds=0.000089, usable_lead_seconds=0.0)
    assert store.warnings.put([both]) == PutCounts(updated=1)
    assert store.warnings.list(EVERYTHING, both_hit=True).items == (both,)
    assert store.warnings.get(IPV4, "198.51.100.1", visibility=EVERYTHING) == both
    assert store.warnings.count(EVERYTHING) == 2
    assert store.warnings.remove([(IPV4, "198.51.100.1"), (IPV4, "nothing")]) == 1
    assert store.warnings.get(IPV4, "198.51.100.1", visibility=EVERYTHING) is None


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_warnings_by_visibility(store: Store, limit: int) -> None:
    """A warning is shown by its own marking and origins, before paging; a changed origin counts at once."""
    store.warnings.put(
        [
            warning("a", tlp=Tlp.RED),
            warning("b", origins=frozenset({"seoul", "tokyo"})),
            warning("c", pap=Pap.RED),
            warning("d"),
        ]
    )

    def values(visibility: Visibility) -> list[str]:
        found: list[str] = []
        after: int | None = 0
        while after is not None:
            page = store.warnings.list(visibility, after=after, limit=limit)
            found += [each.value for each in page.items]
            after = page.next
        return found

    assert values(Visibility(Tlp.GREEN)) == ["b", "c", "d"]
    assert values(Visibility(Tlp.RED, pap_at_most=Pap.AMBER)) == ["a", "b", "d"]
    assert values(Visibility(Tlp.RED, excluded_origins=frozenset({"tokyo"}))) == ["a", "c", "d"]
    assert values(Visibility(Tlp.RED, circle="harbour")) == []
    store.warnings.put([warning("b"), warning("d", origins=frozenset({"tokyo"}))])
    assert values(Visibility(Tlp.RED, excluded_origins=frozenset({"tokyo"}))) == ["a", "c", "b"]


def test_many_sightings(store: Store) -> None:
    """More sightings than one batch are stored and counted exactly."""
    rows = [sighting(f"host{n}.example", type=ObservableType.DOMAIN) for n in range(20_500)]
    assert store.sightings.put(iter(rows)) == PutCounts(new=20_500)
    assert store.sightings.put(reversed(rows)) == PutCounts(unchanged=20_500)
