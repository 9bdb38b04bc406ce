"""The primary over its life: restarts, ends, comparisons, and a disk that fails."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enforce.primaries import PrimaryProcess
from enforce.resolvers import free_port
from protect.rpz.scenes import (
    DOMAIN,
    HOUR,
    IPV4,
    WATCH,
    follow,
    names_in,
    order,
    primary,
    put,
    remove,
    zone_of,
)
from seawall.model import Unavailable
from seawall.model.clock import system_clock
from seawall.model.directive import Action
from seawall.model.order import OrderState
from seawall.protect.rpz import RpzPrimary, RpzSettings
from seawall.protect.rpz.book import MAX_LEAP, Entry, ZoneBook
from seawall.protect.rpz.zones import BLOCK, ZONES, part_of, zone_of_part
from seawall.protect.rpz.zones import WATCH as WATCHED

NOW = 1_773_446_400_000_000  # 2026-03-14T00:00:00Z in microseconds


def entry(value: str, undo: str = "", zone: int = 0, expires: int = NOW + HOUR) -> Entry:
    """A name in the book."""
    return Entry(undo or value, zone, value.encode(), DOMAIN, value, expires)


def since(book: ZoneBook, version: int) -> tuple[set[bytes], set[bytes]] | None:
    """What went and what came since."""
    snapshot = book.snapshot(0)
    try:
        delta = snapshot.since(version % 2**32)
        return None if delta is None else (set(delta[0]), set(delta[1]))
    finally:
        snapshot.close()


def test_a_restart_keeps_names_serial_and_journal(tmp_path: Path) -> None:
    """A secondary that followed before goes on by IXFR afterwards, and is told nothing that did not change."""
    with primary(tmp_path) as ours:
        ours.apply(put(order("bad.example"), order("worse.example")), system_clock())
        zone, serials = zone_of(ours.port), ours.serials()
    with primary(tmp_path) as ours:
        assert ours.serials() == serials
        ours.apply(remove(order("bad.example")), system_clock())
        follow(zone, ours.port)
        assert names_in(zone) == {"worse.example": ".", "*.worse.example": "."}
        until = time.monotonic() + 2
        while not ours.followers() and time.monotonic() < until:
            time.sleep(0.01)
        assert {one.kind for one in ours.followers()} == {"ixfr"}
        held = [order("worse.example")]
        ours.reconcile(held, system_clock())
        before = ours.serials()
        assert ours.reconcile(held, system_clock()).unexpected == 0
        assert ours.serials() == before


def test_other_answers_are_another_zone(tmp_path: Path) -> None:
    """When the sinkhole's addresses change, no journal leads from the old records to the new."""
    with primary(tmp_path, sinkhole=("old.example",)) as ours:
        ours.apply(put(order("bad.example", action=Action.SINKHOLE)), system_clock())
        zone = zone_of(ours.port)
    with primary(tmp_path, sinkhole=("garden.example",)) as ours:
        follow(zone, ours.port)
        assert names_in(zone) == {"bad.example": "garden.example.", "*.bad.example": "garden.example."}


def test_what_one_name_does_follows_its_strictest_order(tmp_path: Path) -> None:
    """Block, sinkhole, rate limit and alert: NXDOMAIN, our address, passed through; a block beside a sinkhole hides it,
    each step arrives as one small change, and without a sinkhole it is a block."""
    with primary(tmp_path, sinkhole=("garden.example",)) as ours:
        ours.apply(put(order("bad.example", undo="s", action=Action.SINKHOLE)), system_clock())
        zone = zone_of(ours.port)
        assert names_in(zone) == {"bad.example": "garden.example.", "*.bad.example": "garden.example."}
        ours.apply(put(order("bad.example", undo="b")), system_clock())
        follow(zone, ours.port)
        assert names_in(zone) == {"bad.example": ".", "*.bad.example": "."}
        assert names_in(zone_of(ours.port)) == names_in(zone)
        ours.apply(remove(order("bad.example", undo="b")), system_clock())
        follow(zone, ours.port)
        assert names_in(zone) == {"bad.example": "garden.example.", "*.bad.example": "garden.example."}
        ours.apply(put(order("bad.example", undo="s", action=Action.RATE_LIMIT)), system_clock())
        follow(zone, ours.port)
        assert names_in(zone) == {}
        assert names_in(zone_of(ours.port, WATCH)) == {"bad.example": "rpz-passthru.", "*.bad.example": "rpz-passthru."}
    with primary(tmp_path / "none") as ours:
        ours.apply(put(order("bad.example", action=Action.SINKHOLE)), system_clock())
        assert names_in(zone_of(ours.port)) == {"bad.example": ".", "*.bad.example": "."}


def test_a_name_stays_as_long_as_one_order_asks_for_it(tmp_path: Path) -> None:
    """Two orders about one name: it goes with the last of them, and only then the zone changes."""
    book = ZoneBook(tmp_path / "z.db", "t", NOW)
    start = book.version(0)
    part = zone_of_part(part_of(b"n"))
    assert book.change([entry("n", "a"), entry("n", "b")], (), NOW) == {BLOCK, part}
    assert book.change((), ["a"], NOW) == set()
    assert book.change([entry("n", "c", expires=NOW + 5)], ["b"], NOW) == set()
    assert book.expire(NOW + 4) == (0, set())
    assert book.expire(NOW + 5) == (1, {BLOCK, part})
    assert since(book, start) == (set(), set())
    book.close()


def test_an_order_that_turns_from_watching_to_blocking_changes_both_zones(tmp_path: Path) -> None:
    """The name leaves the one and enters the other in one step."""
    with primary(tmp_path) as ours:
        ours.apply(put(order("a.example", state=OrderState.CANARY)), system_clock())
        assert names_in(zone_of(ours.port, WATCH)) != {}
        ours.apply(put(order("a.example")), system_clock())
        assert names_in(zone_of(ours.port, WATCH)) == {}
        assert names_in(zone_of(ours.port)) != {}


def test_versions_only_rise_whatever_the_clock_says(tmp_path: Path) -> None:
    """They follow the seconds where those lead, never back, and never so far that a serial looks old (RFC 1982)."""
    book = ZoneBook(tmp_path / "z.db", "t", NOW)
    versions = [book.version(0)]
    assert versions == [NOW // 1_000_000]
    for number, at in enumerate((NOW, NOW - HOUR, 0, NOW + HOUR, NOW * 10, NOW)):
        book.change([entry(f"n{number}")], (), at)
        versions.append(book.version(0))
    assert versions == sorted(set(versions))
    assert all(after - before <= MAX_LEAP for before, after in itertools.pairwise(versions))
    assert since(book, versions[2]) == (set(), {b"n2", b"n3", b"n4", b"n5"})
    assert since(book, versions[-1] + 2**31 + 5) is None
    book.close()


def test_a_batch_is_whole_or_not_at_all(tmp_path: Path) -> None:
    """When something breaks within a batch nothing of it is held."""
    book = ZoneBook(tmp_path / "z.db", "t", NOW)
    before = book.version(0)

    def breaks() -> Iterator[Entry]:
        yield entry("first")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        book.change(breaks(), (), NOW)
    assert (book.count(), book.version(0)) == (0, before)
    book.close()


def test_comparing_repairs_what_is_missing_too_many_and_otherwise(tmp_path: Path) -> None:
    """What differs in any part is put anew; what nobody asks for goes; a second look finds nothing."""
    book = ZoneBook(tmp_path / "z.db", "t", NOW)
    book.change([entry("same"), entry("later"), entry("moved"), entry("extra")], (), NOW)
    wanted = [entry("same"), entry("later", expires=NOW + 2 * HOUR), entry("moved", zone=1), entry("new")]
    missing, extra, changed = book.replace(wanted, NOW)
    assert (missing, extra, changed & {BLOCK, WATCHED}) == (3, 1, {BLOCK, WATCHED})
    assert book.replace(iter(wanted), NOW) == (0, 0, set())
    assert book.replace((), NOW)[:2] == (0, 4)
    book.close()


def test_a_full_disk_is_one_clear_sentence_and_changes_nothing(tmp_path: Path) -> None:
    """What was served before is served on; when there is room again the same batch goes in."""
    book = ZoneBook(tmp_path / "z.db", "t", NOW)
    book.change([entry("first")], (), NOW)
    before = book.version(0)
    book._writer.execute("PRAGMA max_page_count = 1")
    many = [entry(f"n{number}") for number in range(5_000)]
    with pytest.raises(Unavailable, match="E-PROTECT-108"):
        book.change(many, (), NOW)
    assert (book.count(), book.version(0), book.replace([entry("first")], NOW)) == (1, before, (0, 0, set()))
    book._writer.execute("PRAGMA max_page_count = 1000000")
    assert book.change(many, (), NOW) == set(ZONES) - {WATCHED}
    assert book.replace([entry("first"), *many], NOW) == (0, 0, set())
    book.close()


def test_what_runs_out_leaves_the_zone_by_itself(tmp_path: Path) -> None:
    """Also when nobody calls expire: the primary looks every second."""
    with primary(tmp_path) as ours:
        ours.apply(put(order("short.example", expires_at=system_clock() + 300_000)), system_clock())
        ours.apply(put(order("over.example", expires_at=system_clock() - 1)), system_clock())
        assert set(names_in(zone_of(ours.port))) == {"short.example", "*.short.example"}
        until = time.monotonic() + 5
        while names_in(zone_of(ours.port)) and time.monotonic() < until:
            time.sleep(0.1)
        assert names_in(zone_of(ours.port)) == {}


def test_the_kill_switch_empties_both_zones(tmp_path: Path) -> None:
    """Nothing is blocked or watched any more."""
    with primary(tmp_path) as ours:
        ours.apply(put(order("a.example"), order("b.example", state=OrderState.WATCH)), system_clock())
        ours.clear()
        assert names_in(zone_of(ours.port)) | names_in(zone_of(ours.port, WATCH)) == {}


def test_at_a_plant_nothing_is_blocked(tmp_path: Path) -> None:
    """An alert-only point watches whatever it is told to block."""
    with primary(tmp_path, alert_only=True) as ours:
        ours.apply(put(order("a.example"), order("192.0.2.1", IPV4)), system_clock())
        assert names_in(zone_of(ours.port)) == {}
        assert set(names_in(zone_of(ours.port, WATCH)).values()) == {"rpz-passthru."}


def test_a_busy_port_is_one_clear_sentence(tmp_path: Path) -> None:
    """Two primaries on one port: the second says so, and can be started later."""
    with primary(tmp_path / "a") as first:
        second = RpzPrimary(RpzSettings(folder=str(tmp_path / "b"), port=first.port))
        with pytest.raises(Unavailable, match="E-PROTECT-110"):
            second.start()
        second.close()


def test_a_damaged_file_is_one_clear_sentence(tmp_path: Path) -> None:
    """What is no book is left as it is."""
    (tmp_path / "z.db").write_bytes(b"no database" * 100)
    with pytest.raises(Unavailable, match="E-PROTECT-108"):
        ZoneBook(tmp_path / "z.db", "t", NOW)


def test_a_primary_killed_at_any_moment_holds_whole_batches(tmp_path: Path) -> None:
    """Each batch it said was done is there, whole; of one that it was at work on there is all or nothing."""
    for number, moment in enumerate((0.0, 0.03, 0.1)):
        folder = tmp_path / str(number)
        ours = PrimaryProcess(folder, free_port(), 0)
        ours.start()
        ours.tell("put", *(f"first{name}.example" for name in range(500)))
        ours.send("put", *(f"second{name}.example" for name in range(2_000)))
        time.sleep(moment)
        ours.kill()
        again = RpzPrimary(RpzSettings(folder=str(folder)))
        assert again._book.count() in (500, 2_500)
        again.close()
