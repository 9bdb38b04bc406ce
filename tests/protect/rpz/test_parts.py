"""The blocked names once more in sixteen parts: together they are the whole, and each is followed by itself."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import msgspec
import pytest

from enforce.resolvers import wait_for
from protect.rpz.scenes import BLOCK, DOMAIN, HOUR, WATCH, follow, names_in, order, primary, put, remove, zone_of
from seawall.model.clock import system_clock
from seawall.model.directive import Action
from seawall.model.order import OrderState
from seawall.protect.names import ancestors
from seawall.protect.rpz import RpzPrimary, Secondary
from seawall.protect.rpz.book import MAX_LEAP, Entry, ZoneBook
from seawall.protect.rpz.logs import trigger_of
from seawall.protect.rpz.zones import LED, PARTS, ZONES, followed, kind_of, part_of, zone_names, zone_of_part

NAMES = zone_names("rpz.seawall")
PARTS_OF_BLOCK = [NAMES[zone_of_part(part)] for part in range(PARTS)]
NOW = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z in microseconds


def entry(value: str, zone: int = 0) -> Entry:
    """A name in the book."""
    return Entry(value, zone, value.encode(), DOMAIN, value, NOW + HOUR)


def nested(chance: random.Random) -> str:
    """A name with up to three labels of a few before its base, so that many lie below others."""
    return ".".join([*chance.choices("ab", k=chance.randrange(4)), f"n{chance.randrange(12)}", "example"])


def assert_stand_for_all(ours: RpzPrimary) -> None:
    """The whole zone and the parts stand for the names in the book, and no record lies below another of its zone."""
    rows = ours._book._writer.execute("SELECT DISTINCT value FROM entries WHERE zone = 0")
    held = {value for (value,) in rows}
    assert len(held) > 10
    given = {name: set(names_in(zone_of(ours.port, name))) for name in (BLOCK, *PARTS_OF_BLOCK)}
    tops = {name for name in held if held.isdisjoint(list(ancestors(name))[1:])}
    assert given[BLOCK] == tops | {f"*.{name}" for name in tops}
    for owners in given.values():
        names = {owner for owner in owners if not owner.startswith("*.")}
        assert all(names.isdisjoint(list(ancestors(name))[1:]) for name in names)
        assert names <= held
    parts = set().union(*(given[name] for name in PARTS_OF_BLOCK))
    assert tops <= parts


@pytest.mark.parametrize("seed", range(4))
def test_the_parts_together_are_the_whole(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """After any changes each zone, followed by IXFR, is what AXFR gives; each holds the topmost names of its part."""
    monkeypatch.setattr("seawall.protect.rpz.book.MAX_JOURNAL", 60)
    for module in ("book", "snapshot"):
        monkeypatch.setattr(f"seawall.protect.rpz.{module}.MAX_IXFR", 30)
    chance = random.Random(seed)
    with primary(tmp_path) as ours:
        parts = {name: zone_of(ours.port, name) for name in (*PARTS_OF_BLOCK[:5], BLOCK, WATCH)}
        for _ in range(15):
            some = [
                order(nested(chance), state=chance.choice((OrderState.ACTIVE, OrderState.WATCH)))
                for _ in range(chance.choice((1, 3, 40)))
            ]
            ours.apply([*put(*some), *remove(*some[: len(some) // 3])], system_clock())
            for held in parts.values():
                if chance.random() < 0.4:
                    follow(held, ours.port)
        for name, held in parts.items():
            follow(held, ours.port)
            assert held.to_text() == zone_of(ours.port, name).to_text()
        assert_stand_for_all(ours)


def test_names_that_lead_to_the_sinkhole_stand_beside_blocked_ones(tmp_path: Path) -> None:
    """Each kind covers its own; after any changes between them following ends where the whole zone is."""
    chance = random.Random(8)
    with primary(tmp_path, sinkhole=("192.0.2.200",)) as ours:
        held = zone_of(ours.port)
        for _ in range(25):
            some = [
                msgspec.structs.replace(order(name), action=chance.choice((Action.BLOCK, Action.SINKHOLE)))
                for name in (nested(chance) for _ in range(chance.choice((1, 12))))
            ]
            ours.apply([*put(*some), *remove(*some[: len(some) // 3])], system_clock())
            follow(held, ours.port)
            assert held.to_text() == zone_of(ours.port).to_text()
        assert " A 192.0.2.200" in held.to_text()
        assert " CNAME ." in held.to_text()


def test_a_change_concerns_the_whole_and_the_parts_it_is_in(tmp_path: Path) -> None:
    """One name changes one part; watching changes no part; a part that stood still goes on by IXFR."""
    book = ZoneBook(tmp_path / "z.db", "t", NOW)
    start = book.version(0)
    here = zone_of_part(part_of(b"a.example"))
    assert book.change([entry("a.example")], (), NOW) == {0, here}
    assert book.change([entry("b.example", zone=1)], (), NOW) == {1}
    still = next(zone for zone in ZONES if zone > 1 and zone != here)
    assert book.version(still) == start
    came: list[bytes] = [b"a.example"]
    for zone, expected in ((0, came), (here, came), (still, [])):
        snapshot = book.snapshot(zone)
        assert snapshot.since(start % 2**32) == ([], expected)
        snapshot.close()
    book.close()


def test_a_part_that_never_changes_is_never_left_half_the_numbers_behind(tmp_path: Path) -> None:
    """A clock that leaps again and again takes all zones with it, so no serial looks like an older one (RFC 1982)."""
    book = ZoneBook(tmp_path / "z.db", "t", NOW)
    for leap in range(1, 5):
        book.change([entry("a.example"), entry(f"w{leap}.example", zone=1)], (), NOW)
        book.change((), ["a.example"], NOW + leap * (MAX_LEAP - 10) * 1_000_000)
        versions = [book.version(zone) for zone in ZONES]
        assert max(versions) - min(versions) <= MAX_LEAP
    book.close()


def test_a_book_of_before_there_were_parts_goes_on(tmp_path: Path) -> None:
    """Its names get their parts; who follows the whole zone goes on by IXFR from where it was."""
    with primary(tmp_path) as ours:
        ours.apply(put(*(order(f"n{number}.example") for number in range(40))), system_clock())
        followed_before, serial = zone_of(ours.port), ours.serials()[BLOCK]
    file = sqlite3.connect(tmp_path / "rpz" / "zones.db", isolation_level=None)
    file.executescript(
        "DROP INDEX entries_part; ALTER TABLE entries DROP COLUMN part; ALTER TABLE steps DROP COLUMN part;"
        "DELETE FROM versions WHERE zone > 1;"
    )
    file.close()
    with primary(tmp_path) as ours:
        assert ours.serials()[BLOCK] == serial
        ours.apply(put(order("new.example")), system_clock())
        follow(followed_before, ours.port)
        wait_for(lambda: {one.kind for one in ours.followers()} == {"ixfr"}, 5)  # noted when the last byte is out
        assert len(names_in(followed_before)) == 82
        assert sum(len(names_in(zone_of(ours.port, name))) for name in PARTS_OF_BLOCK) == 82


def test_a_name_that_turns_to_the_sinkhole_stays_in_its_part() -> None:
    """Both records of one change come with one transfer, so it is never in neither."""
    assert all(part_of(LED + name) == part_of(name) for name in (b"\x01a", b"\x01b\x07example"))


def test_whoever_follows_one_large_zone_is_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """In the log of the agent or the node, with its address; who follows the parts, or asks by itself, is not."""
    monkeypatch.setattr("seawall.protect.rpz.primary.LARGE", 2)
    told = (Secondary("127.0.0.1", 9), Secondary("127.0.0.2", 9, parts=True), Secondary("127.0.0.3", 0))
    with primary(tmp_path, secondaries=told) as ours:
        for count in (2, 3, 4):
            ours.reconcile([order(f"n{number}.example") for number in range(count)], system_clock())
    assert [record.getMessage() for record in caplog.records if "parts" in record.getMessage()] == [
        "3 names for 127.0.0.1 in one zone: let them follow the parts"
    ]


def test_a_resolver_is_told_of_the_zones_that_it_follows(tmp_path: Path) -> None:
    """The parts and what is watched, or the two whole ones; what resolvers log of a part is a block all the same."""
    assert followed(parts=False) == (0, 1)
    assert followed(parts=True) == (*range(2, 2 + PARTS), 1)
    with primary(tmp_path, secondaries=(Secondary("127.0.0.1", 9, parts=True), Secondary("127.0.0.1", 9))) as ours:
        told = [zone for zone, _ in ours._notices]
        assert sorted(told) == sorted([*range(2, 2 + PARTS), 1, 0, 1])
    for part in (0, 10):
        line = f"x rpz QNAME NXDOMAIN rewrite b.example/A/IN via b.example.{NAMES[zone_of_part(part)]}"
        found = trigger_of(line.encode(), NAMES)
        assert found == (zone_of_part(part), b"\x01b\x07example")
        assert kind_of(zone_of_part(part)) == 0
