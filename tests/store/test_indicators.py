from __future__ import annotations

from collections.abc import Iterator

import pytest

from seawall.model import ObservableType, Pap, Tlp, Visibility
from seawall.model.indicator import IndicatorEntry
from seawall.model.outbox import OutboxRow
from seawall.model.stored import PutCounts
from seawall.store import KEYS_SCHEMA, Store
from store_scenes import EVERYTHING, entry

IPV4, DOMAIN = ObservableType.IPV4, ObservableType.DOMAIN


def held(store: Store, value: str = "203.0.113.7") -> IndicatorEntry:
    """The entry of an address that must be there."""
    found = store.indicators.lookup(IPV4, value)
    assert found is not None
    return found


def test_new_unchanged_updated(store: Store) -> None:
    """A first sight is new; the same from the same source unchanged; other content or another source updated."""
    put = store.indicators.put
    assert put([entry()], source="a", at=1) == PutCounts(new=1)
    assert put([entry()], source="a", at=2) == PutCounts(unchanged=1)
    assert put([entry(campaign="Tide")], source="a", at=3) == PutCounts(updated=1)
    assert put([entry()], source="b", at=4) == PutCounts(updated=1)
    assert put([entry()], source="b", at=5) == PutCounts(unchanged=1)
    assert put([entry(campaign="Tide")], source="a", at=6) == PutCounts(unchanged=1)


def test_bodies_are_found_by_the_ids_that_entries_carry(store: Store) -> None:
    """Each id asked for brings the body of its entry; one that no entry carries brings nothing, however many."""
    values = [f"198.51.100.{number}" for number in range(1, 200)]
    store.indicators.put([entry(value=value) for value in values], source="a", at=1)
    asked = [f"indicator--{value}" for value in values] + [f"indicator--none-{number}" for number in range(1_200)]
    found = store.indicators.bodies(asked)
    assert set(found) == set(asked[: len(values)])
    assert all(len(bodies) == 1 for bodies in found.values())
    assert found["indicator--198.51.100.7"] == [entry(value="198.51.100.7").body]


def test_everything_comes_back(store: Store) -> None:
    """All fields are returned as given, with the source."""
    given = entry(
        campaign="Tide",
        description="漁港",
        confidence=70,
        tlp=Tlp.RED,
        pap=Pap.AMBER,
        valid_from=5,
        valid_until=9,
        origin="seoul",
        external_id="17",
    )
    store.indicators.put([given], source="a", at=1)
    found = held(store)
    assert found.sources == ("a",)
    assert [getattr(found, name) for name in found.__struct_fields__ if name != "sources"] == [
        getattr(given, name) for name in given.__struct_fields__ if name != "sources"
    ]


def test_two_sources_are_one_entry_with_the_stricter_marking(store: Store) -> None:
    """One entry names both sources, carries the stricter of both markings and the first one's id and body."""
    store.indicators.put([entry(tlp=Tlp.GREEN, pap=Pap.RED, body=b"first")], source="a", at=1)
    other = entry(indicator_id="indicator--other", tlp=Tlp.AMBER, pap=Pap.GREEN, body=b"second", campaign="Tide")
    store.indicators.put([other], source="b", at=2)
    found = held(store)
    assert (found.sources, found.tlp, found.pap) == (("a", "b"), Tlp.AMBER, Pap.RED)
    assert (found.indicator_id, found.body, found.campaign) == ("indicator--203.0.113.7", b"first", "Tide")
    assert store.indicators.count_by_type() == {"ipv4": 1}


def test_one_source_lowering_its_marking_does_not_lower_the_other(store: Store) -> None:
    """The joined marking follows what each source says now."""
    store.indicators.put([entry(tlp=Tlp.RED)], source="a", at=1)
    store.indicators.put([entry(tlp=Tlp.AMBER)], source="b", at=2)
    store.indicators.put([entry(tlp=Tlp.GREEN)], source="a", at=3)
    assert held(store).tlp is Tlp.AMBER
    store.indicators.put([entry(tlp=Tlp.CLEAR)], source="b", at=4)
    assert held(store).tlp is Tlp.GREEN


def test_validity_confidence_and_origin_are_joined(store: Store) -> None:
    """The span reaches as far as any source says, an open end stays open, and what is ours stays ours."""
    peer = entry(valid_from=10, valid_until=20, confidence=30, origin="seoul")
    store.indicators.put([peer], source="seoul", at=1)
    assert held(store).origin == "seoul"
    store.indicators.put([entry(valid_from=5, valid_until=15, confidence=80)], source="own", at=2)
    found = held(store)
    assert (found.valid_from, found.valid_until, found.confidence, found.origin) == (5, 20, 80, None)
    store.indicators.put([entry()], source="third", at=3)
    assert (held(store).valid_from, held(store).valid_until) == (None, None)


def test_one_source_with_two_indicators_on_one_value(store: Store) -> None:
    """Indicators that one source tells apart by its own ids stay two, and a repeat finds each again."""
    both = [
        entry(indicator_id="indicator--1", external_id="1", campaign="Tide"),
        entry(indicator_id="indicator--2", external_id="2", campaign="Ebb"),
    ]
    assert store.indicators.put(both, source="csv", at=1) == PutCounts(new=2)
    assert store.indicators.put(reversed(both), source="csv", at=2) == PutCounts(unchanged=2)
    changed = entry(indicator_id="indicator--2", external_id="2", campaign="Flood")
    assert store.indicators.put([changed], source="csv", at=3) == PutCounts(updated=1)
    assert store.indicators.put([entry(tlp=Tlp.RED)], source="b", at=4) == PutCounts(updated=1)
    keys = store.indicators.keys().to_pylist()
    assert [(key["campaign"], key["tlp"]) for key in keys] == [("Tide", Tlp.RED), ("Flood", Tlp.GREEN)]
    assert len({key["number"] for key in keys}) == 2
    assert held(store).campaign == "Tide"


def test_a_peers_name_leads_to_the_entry_that_its_word_joined(store: Store) -> None:
    """Our entry keeps its id and is found by the peer's too; taking back one name leaves the peer's other word."""
    put = store.indicators.put
    put([entry()], source="ours", at=1)
    for name in ("indicator--p1", "indicator--p2"):
        put([entry(indicator_id=name, external_id=name, origin="seoul")], source="seoul/c", at=2)
    assert [found.indicator_id for found in store.indicators.by_id("indicator--p1")] == ["indicator--203.0.113.7"]
    assert [found.indicator_id for found in store.indicators.by_id("indicator--p2")] == ["indicator--p2"]
    assert store.indicators.withdraw(IPV4, "203.0.113.7", source="seoul/c", external_id="indicator--p1")
    assert store.indicators.by_id("indicator--p1") == ()
    assert held(store).sources == ("ours",)
    assert len(store.indicators.by_id("indicator--p2")) == 1


def test_twins_are_bounded(store: Store) -> None:
    """A source that names one value without end is heard up to a bound; the last entry takes the rest."""
    many = [entry(indicator_id=f"indicator--{n}", external_id=str(n)) for n in range(40)]
    store.indicators.put(many, source="flood", at=1)
    assert store.indicators.count_by_type() == {"ipv4": 16}


def test_same_value_twice_in_one_batch(store: Store) -> None:
    """Within one batch the order given counts as it does between batches."""
    given = [entry(), entry(), entry(campaign="Tide")]
    assert store.indicators.put(given, source="a", at=1) == PutCounts(new=1, updated=1, unchanged=1)
    assert held(store).campaign == "Tide"


def test_keys_tell_what_changed(store: Store) -> None:
    """``keys(after)`` holds exactly what was new or changed behind a number; numbers of values are stable."""
    store.indicators.put([entry("198.51.100.1"), entry("198.51.100.2", campaign="Tide")], source="a", at=1)
    first = store.indicators.keys()
    assert first.schema.equals(KEYS_SCHEMA)
    last = first["change"].to_pylist()[-1]
    assert last <= store.indicators.change()
    assert store.indicators.keys(after=last).num_rows == 0
    store.indicators.put([entry("198.51.100.2"), entry("198.51.100.1"), entry("198.51.100.3")], source="a", at=2)
    later = store.indicators.keys(after=last)
    assert sorted(later["value"].to_pylist()) == ["198.51.100.2", "198.51.100.3"]
    numbers = dict(zip(first["value"].to_pylist(), first["number"].to_pylist(), strict=True))
    renumbered = dict(zip(later["value"].to_pylist(), later["number"].to_pylist(), strict=True))
    assert renumbered["198.51.100.2"] == numbers["198.51.100.2"]


def test_last_number_is_that_of_the_newest_entry(store: Store) -> None:
    """The highest number is told without reading the keys; an entry that only changes keeps its own."""
    assert store.indicators.last_number() == 0
    store.indicators.put([entry("198.51.100.1"), entry("198.51.100.2")], source="a", at=1)
    last = store.indicators.last_number()
    assert last == max(store.indicators.keys()["number"].to_pylist())
    store.indicators.put([entry("198.51.100.2", campaign="Tide")], source="a", at=2)
    assert store.indicators.last_number() == last


def test_changed_since_gives_entries_in_order(store: Store) -> None:
    """Jobs that follow the changes see each once, page by page."""
    store.indicators.put([entry(f"198.51.100.{n}") for n in range(5)], source="a", at=1)
    first = store.indicators.changed_since(0, limit=3)
    rest = store.indicators.changed_since(first.last, limit=3)
    assert len(first.items) == 3
    assert len(rest.items) == 2
    assert store.indicators.changed_since(rest.last).items == ()
    assert store.indicators.changed_since(rest.last).last == rest.last


ODD = ["a\x1eb", "\x1f", "new\nline", 'quo"te,', "港", "\U0001f30a", "", " ", "%s {x} ?", "x" * 9000]


@pytest.mark.parametrize("odd", ODD)
def test_keys_hold_hostile_text_exactly(store: Store, odd: str) -> None:
    """Separators, line ends and other scripts in values and campaigns come through the fast path unharmed."""
    rows = [
        entry("plain-1", type=ObservableType.FILE_NAME),
        entry(odd, type=ObservableType.FILE_NAME, campaign=None if odd == "\x1f" else odd),
        entry("plain-2", type=ObservableType.FILE_NAME, valid_from=-1, valid_until=2**62, origin="o"),
    ]
    store.indicators.put(rows, source="a", at=1)
    keys = {key["value"]: key for key in store.indicators.keys().to_pylist()}
    assert set(keys) == {"plain-1", odd, "plain-2"}
    assert keys[odd]["campaign"] == (None if odd == "\x1f" else odd)
    assert (keys["plain-1"]["valid_from"], keys["plain-1"]["origin"]) == (None, None)
    assert (keys["plain-2"]["valid_from"], keys["plain-2"]["valid_until"], keys["plain-2"]["origin"]) == (
        -1,
        2**62,
        "o",
    )


def test_many_rows_over_several_batches(store: Store) -> None:
    """More rows than one batch or one chunk holds are counted and returned exactly, in constant memory."""

    def rows() -> Iterator[IndicatorEntry]:
        for n in range(45_000):
            yield entry(f"host{n}.example", type=DOMAIN, indicator_id=f"indicator--{n}")

    assert store.indicators.put(rows(), source="a", at=1) == PutCounts(new=45_000)
    assert store.indicators.put(rows(), source="a", at=2) == PutCounts(unchanged=45_000)
    keys = store.indicators.keys()
    assert keys.num_rows == 45_000
    assert set(keys["value"].to_pylist()) == {f"host{n}.example" for n in range(45_000)}
    assert keys["indicator_id"].to_pylist()[keys["value"].to_pylist().index("host7.example")] == "indicator--7"


def test_visibility_is_applied_before_paging(store: Store) -> None:
    """Withheld entries leave no gap in pages, and cannot be looked up."""
    rows = [entry(f"198.51.100.{n}", tlp=Tlp.RED if n % 2 else Tlp.GREEN) for n in range(10)]
    store.indicators.put(rows, source="a", at=1)
    green = Visibility(tlp_at_most=Tlp.GREEN)
    page = store.indicators.list(green, limit=3)
    assert [item.value for item in page.items] == ["198.51.100.0", "198.51.100.2", "198.51.100.4"]
    assert page.next is not None
    assert len(store.indicators.list(green, after=page.next, limit=3).items) == 2
    assert store.indicators.lookup(IPV4, "198.51.100.1", visibility=green) is None
    assert store.indicators.by_id("indicator--198.51.100.1", visibility=green) == ()
    assert store.indicators.list(Visibility(Tlp.RED, types=frozenset({"malware"}))).items == ()


def test_excluded_origin_hides_what_it_also_said(store: Store) -> None:
    """An entry that one excluded peer stands behind is hidden, whoever else does; circles see what was released."""
    store.indicators.put([entry("198.51.100.1"), entry("198.51.100.2")], source="own", at=1)
    store.indicators.put([entry("198.51.100.1", origin="seoul")], source="seoul", at=2)
    seen = store.indicators.list(Visibility(Tlp.RED, excluded_origins=frozenset({"seoul"}))).items
    assert [item.value for item in seen] == ["198.51.100.2"]
    store.outbox.add("harbour", [OutboxRow("indicator--198.51.100.1", "", b"{}")], at=1)
    seen = store.indicators.list(Visibility(Tlp.RED, circle="harbour")).items
    assert [item.value for item in seen] == ["198.51.100.1"]


def test_listing_by_type_and_by_id(store: Store) -> None:
    """Entries are listed by type; one STIX id may stand behind several values."""
    rows = [
        entry("198.51.100.1", indicator_id="indicator--x"),
        entry("evil.example", type=DOMAIN, indicator_id="indicator--x"),
        entry("other.example", type=DOMAIN),
    ]
    store.indicators.put(rows, source="a", at=1)
    assert {item.value for item in store.indicators.by_id("indicator--x")} == {"198.51.100.1", "evil.example"}
    listed = store.indicators.list(EVERYTHING, types=[DOMAIN]).items
    assert sorted(item.value for item in listed) == ["evil.example", "other.example"]
    assert store.indicators.count_by_type() == {"domain": 2, "ipv4": 1}


def test_withdrawing_a_source(store: Store) -> None:
    """Taking back one source leaves what the others said; the last one takes the entry along."""
    store.indicators.put([entry(tlp=Tlp.RED)], source="a", at=1)
    store.indicators.put([entry(tlp=Tlp.GREEN)], source="b", at=2)
    assert not store.indicators.withdraw(IPV4, "203.0.113.7", source="nobody")
    assert store.indicators.withdraw(IPV4, "203.0.113.7", source="a")
    assert (held(store).sources, held(store).tlp) == (("b",), Tlp.GREEN)
    assert store.indicators.withdraw(IPV4, "203.0.113.7", source="b")
    assert store.indicators.lookup(IPV4, "203.0.113.7") is None
    assert store.indicators.keys().num_rows == 0
    assert store.indicators.put([entry()], source="a", at=3) == PutCounts(new=1)
