"""Real BIND and Unbound as secondaries: a query is really blocked, watched, freed, and whoever dies harms nobody."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enforce.primaries import PrimaryProcess
from enforce.resolver_files import KEY
from enforce.resolvers import Resolver, Upstream, free_port, resolver, wait_for
from protect.rpz.scenes import BLOCK, CIDR, IPV4, key_file, order, put, remove
from seawall.model.clock import system_clock
from seawall.model.directive import Action
from seawall.model.order import Order, OrderState
from seawall.protect.rpz import RpzPrimary, RpzSettings, Secondary, TsigKey

pytestmark = [pytest.mark.tool("named"), pytest.mark.tool("unbound")]
BOTH = pytest.mark.parametrize("tool", ["bind", "unbound"])
SECONDS = 15.0  # on a busy machine; measured figures are in bench/rpz.py
SIGNING = ("bind",)  # Unbound has no TSIG: it follows on this machine, or through a tunnel


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """It knows every name, and two with addresses of their own."""
    made = Upstream({"on-bad-address.example": "192.0.2.66", "on-bad-network.example": "198.51.100.7"})
    yield made
    made.close()


def settings(tmp_path: Path, tool: str, notify: int, **more: object) -> RpzSettings:
    """Of a primary that this tool follows, signed where it can."""
    signs = tool in SIGNING
    given: dict[str, object] = {
        "folder": str(tmp_path / "rpz"),
        "port": 0,
        "keys": (TsigKey(KEY, str(key_file(tmp_path))),) if signs else (),
        "secondaries": (Secondary("127.0.0.1", notify, KEY if signs else ""),),
        "logs": (str(tmp_path / tool / "rpz.log"),),
    }
    return RpzSettings(**(given | more))  # type: ignore[arg-type]


def running(tmp_path: Path, tool: str, notify: int, **more: object) -> RpzPrimary:
    """A primary, started."""
    made = RpzPrimary(settings(tmp_path, tool, notify, **more))
    made.start()
    return made


def hits_of(ours: RpzPrimary, it: Resolver, wanted: dict[str, int]) -> None:
    """Waits until each value was told so often. The second zone may have come after the first: it is asked again."""
    found = dict.fromkeys(wanted, 0)

    def all_there() -> bool:
        assert it.passes("watched.example")
        for hit in ours.hits():
            found[hit.value] = found.get(hit.value, 0) + hit.count
        return all(found[value] >= count for value, count in wanted.items())

    wait_for(all_there, SECONDS, lambda: str(found))


@BOTH
def test_queries_are_blocked_watched_freed_and_told(tmp_path: Path, tool: str, upstream: Upstream) -> None:
    """Loaded whole, then by increments of one and of ten thousand, cached names too; hits come back."""
    port = free_port()
    ours = running(tmp_path, tool, port)
    first = [order("bad.example"), order("watched.example", state=OrderState.WATCH)]
    ours.apply(put(*first), system_clock())
    signed = tmp_path / "rpz.key" if tool in SIGNING else None
    with resolver(tool, tmp_path / tool, ours.port, upstream, signed, port) as it:
        wait_for(lambda: it.blocks("bad.example"), SECONDS, it.said)
        assert it.blocks("deep.below.bad.example")
        assert it.passes("free.example")
        assert it.passes("watched.example")
        assert it.passes("on-bad-address.example") is False  # it has an address of its own, not yet blocked
        assert not it.blocks("on-bad-address.example")
        new = [order("new.example"), order("192.0.2.66", IPV4), order("198.51.100.0/24", CIDR)]
        assert it.passes("new.example")
        ours.apply(put(*new), system_clock())
        for name in ("new.example", "below.new.example", "on-bad-address.example", "on-bad-network.example"):
            wait_for(lambda name=name: it.blocks(name), SECONDS, it.said)  # type: ignore[misc]
        hits_of(ours, it, {"bad.example": 2, "watched.example": 1, "new.example": 2, "192.0.2.66": 1})
        ours.apply(remove(*new), system_clock())
        wait_for(lambda: it.passes("new.example") and not it.blocks("on-bad-address.example"), SECONDS, it.said)
        many = [order(f"many{number}.example") for number in range(10_000)]
        ours.apply(put(*many), system_clock())
        wait_for(lambda: it.blocks("many9999.example") and it.blocks("many0.example"), SECONDS, it.said)
        short = order("short.example", expires_at=system_clock() + 1_500_000)
        ours.apply(put(short), system_clock())
        wait_for(lambda: it.blocks("short.example"), SECONDS, it.said)
        wait_for(lambda: it.passes("short.example"), SECONDS, it.said)
        assert {one.kind for one in ours.followers() if one.zone == BLOCK} == {"ixfr"}
        ours.clear()
        wait_for(lambda: it.passes("bad.example"), SECONDS, it.said)
        assert it.passes("free.example")
    ours.close()


@BOTH
def test_a_resolver_that_was_killed_comes_back_up_to_date(tmp_path: Path, tool: str, upstream: Upstream) -> None:
    """What changed while it was gone holds as soon as it has asked."""
    port = free_port()
    ours = running(tmp_path, tool, port)
    ours.apply(put(order("bad.example"), order("old.example")), system_clock())
    signed = tmp_path / "rpz.key" if tool in SIGNING else None
    with resolver(tool, tmp_path / tool, ours.port, upstream, signed, port) as it:
        wait_for(lambda: it.blocks("bad.example"), SECONDS, it.said)
        it.kill()
        ours.apply([*put(order("new.example")), *remove(order("old.example"))], system_clock())
        it.start()
        wait_for(lambda: it.blocks("new.example") and it.passes("old.example"), SECONDS, it.said)
        assert it.blocks("bad.example")
    ours.close()


@BOTH
def test_a_primary_that_was_killed_leaves_blocks_standing_and_goes_on(
    tmp_path: Path, tool: str, upstream: Upstream
) -> None:
    """While it is gone resolvers answer as before; back again it has the same serial and tells what is new."""
    port = free_port()
    ours = PrimaryProcess(tmp_path / "rpz", free_port(), port)
    ours.start()
    try:
        ours.tell("put", "bad.example", "gone.example")
        with resolver(tool, tmp_path / tool, ours.port, upstream, None, port) as it:
            wait_for(lambda: it.blocks("bad.example"), SECONDS, it.said)
            ours.kill()
            assert it.blocks("bad.example")
            assert it.passes("free.example")
            ours.start()
            ours.tell("put", "new.example")
            ours.tell("remove", "gone.example")
            wait_for(lambda: it.blocks("new.example") and it.passes("gone.example"), SECONDS, it.said)
            assert it.blocks("bad.example")
    finally:
        ours.kill()


@BOTH
def test_lost_notices_only_delay(tmp_path: Path, tool: str, upstream: Upstream) -> None:
    """A resolver that is never told asks by itself, as often as the SOA says."""
    ours = running(tmp_path, tool, 0, refresh_seconds=1, retry_seconds=1)
    signed = tmp_path / "rpz.key" if tool in SIGNING else None
    with resolver(tool, tmp_path / tool, ours.port, upstream, signed) as it:
        wait_for(lambda: bool(ours.followers()), SECONDS, it.said)
        ours.apply(put(order("bad.example")), system_clock())
        wait_for(lambda: it.blocks("bad.example"), SECONDS, it.said)
    ours.close()


def test_blocks_end_when_the_primary_stays_away(tmp_path: Path, upstream: Upstream) -> None:
    """After the SOA's expiry without us BIND lets everything pass (Unbound 1.17 does not: see the how-to)."""
    ours = running(tmp_path, "bind", 0, refresh_seconds=1, retry_seconds=1, expire_seconds=4)
    ours.apply(put(order("bad.example")), system_clock())
    with resolver("bind", tmp_path / "bind", ours.port, upstream, tmp_path / "rpz.key") as it:
        wait_for(lambda: it.blocks("bad.example"), SECONDS, it.said)
        ours.close()
        assert it.blocks("bad.example")
        wait_for(lambda: it.passes("bad.example"), SECONDS, it.said)


def _hits(primary: RpzPrimary) -> set[str]:
    return {hit.value for hit in primary.hits()}


@BOTH
def test_a_walled_garden_and_a_plant(tmp_path: Path, tool: str, upstream: Upstream) -> None:
    """What leads to the sinkhole gets its address, a block beside it NXDOMAIN, an alert its own answer and a hit; where
    nothing may be blocked, nothing is, and it is told all the same."""
    port = free_port()
    signed = tmp_path / "rpz.key" if tool in SIGNING else None
    logs = (str(tmp_path / tool / "rpz.log"),)
    garden = running(tmp_path, tool, port, sinkhole=("192.0.2.200", "2001:db8::200"), logs=logs)
    led = [order("bad.example", action=Action.SINKHOLE), order("192.0.2.66", IPV4, action=Action.SINKHOLE)]
    garden.apply(put(*led, order("worse.example"), order("odd.example", action=Action.ALERT)), system_clock())
    with resolver(tool, tmp_path / tool, garden.port, upstream, signed, port) as it:
        for name in ("bad.example", "x.bad.example", "on-bad-address.example"):
            wait_for(lambda name=name: _goes_to(it, name, "192.0.2.200"), SECONDS, it.said)  # type: ignore[misc]
        assert it.blocks("worse.example")
        wait_for(lambda: len(garden.followers()) == 2, SECONDS, it.said)
        assert it.passes("odd.example")
        # asked again until the zone of what is only watched is there too
        wait_for(lambda: it.passes("odd.example") and "odd.example" in _hits(garden), SECONDS, it.said)
    garden.close()
    plant = running(tmp_path, tool, port, alert_only=True, folder=str(tmp_path / "ot"))
    plant.apply(put(*_everything()), system_clock())
    with resolver(tool, tmp_path / "ot" / tool, plant.port, upstream, signed, port) as it:
        plant_log = it.log
        wait_for(lambda: len(plant.followers()) == 2, SECONDS, it.said)
        time.sleep(0.5)
        for name in ("bad.example", "x.bad.example", "free.example"):
            assert it.passes(name)
        assert not it.blocks("on-bad-address.example")
        wait_for(lambda: b"bad.example" in plant_log.read_bytes(), SECONDS, it.said)
    plant.close()


def _everything() -> list[Order]:
    return [order("bad.example"), order("192.0.2.66", IPV4), order("198.51.100.0/24", CIDR)]


def _goes_to(it: Resolver, name: str, address: str) -> bool:
    found = it.ask(name)
    return found is not None and found.addresses == (address,)


@BOTH
def test_a_resolver_changes_over_to_the_parts_and_blocks_all_the_time(
    tmp_path: Path, tool: str, upstream: Upstream
) -> None:
    """One follows the whole, one the parts, of one primary; both block, free and tell, also names below others."""
    port = free_port()
    signed = tmp_path / "rpz.key" if tool in SIGNING else None
    key = KEY if signed else ""
    whole = Secondary("127.0.0.1", free_port(), key)
    ours = running(
        tmp_path, tool, port, secondaries=(Secondary("127.0.0.1", port, key, parts=True), whole),
        logs=(str(tmp_path / "parts" / "rpz.log"),),
    )  # fmt: skip
    names = [f"host{number}.example" for number in range(100)]
    ours.apply(put(*map(order, names), order("watched.example", state=OrderState.WATCH)), system_clock())
    with (
        resolver(tool, tmp_path / "parts", ours.port, upstream, signed, port, parts=True) as it,
        resolver(tool, tmp_path / "whole", ours.port, upstream, signed, whole.port) as other,
    ):
        for each in (it, other):
            wait_for(lambda each=each: all(map(each.blocks, names)), SECONDS, each.said)  # type: ignore[misc]
            assert each.passes("new.example")
        ours.apply(put(order("new.example"), order("192.0.2.66", IPV4)), system_clock())
        ours.apply(remove(order("host7.example")), system_clock())
        for each in (it, other):
            for name in ("new.example", "below.new.example", "on-bad-address.example"):
                wait_for(lambda each=each, name=name: each.blocks(name), SECONDS, each.said)  # type: ignore[misc]
            wait_for(lambda each=each: each.passes("host7.example"), SECONDS, each.said)  # type: ignore[misc]
            assert sum(map(each.blocks, names)) == 99
        below = [order("deep.mid.new.example"), order("other.new.example")]
        ours.apply(put(*below), system_clock())
        ours.apply(remove(order("host8.example")), system_clock())
        for each in (it, other):
            wait_for(lambda each=each: each.passes("host8.example"), SECONDS, each.said)  # type: ignore[misc]
            assert all(map(each.blocks, ("mid.new.example", "x.mid.new.example", "deep.mid.new.example")))
        ours.apply(remove(order("new.example")), system_clock())
        for each in (it, other):
            wait_for(lambda each=each: each.passes("mid.new.example"), SECONDS, each.said)  # type: ignore[misc]
            wait_for(lambda each=each: each.blocks("x.deep.mid.new.example"), SECONDS, each.said)  # type: ignore[misc]
            assert each.blocks("other.new.example")
        hits_of(ours, it, {"host1.example": 1, "watched.example": 1, "192.0.2.66": 1, "other.new.example": 1})
        ours.clear()
        for each in (it, other):
            wait_for(lambda each=each: all(map(each.passes, names)), SECONDS, each.said)  # type: ignore[misc]
    ours.close()
