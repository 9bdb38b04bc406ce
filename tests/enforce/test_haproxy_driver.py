"""The driver of HAProxy: requests are refused and pass again, by its own clock; a restart is found and repaired."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from enforce.orders import now, order, put, remove
from enforce.proxies import free_port, haproxy, status
from seawall.model import ObservableType, Unavailable
from seawall.model.directive import Action
from seawall.model.order import OrderState
from seawall.protect.drivers.haproxy import HaproxyDriver

pytestmark = pytest.mark.tool("haproxy")
BAD = "127.0.0.7"


def test_requests_are_refused_and_let_through_again(tmp_path: Path) -> None:
    """Address, network, name and the names below it are refused; others pass; removal frees; what was met is told."""
    driver, port = HaproxyDriver(tmp_path / "maps", tmp_path / "h.sock"), free_port()
    driver.prepare()
    with haproxy(tmp_path / "maps", tmp_path / "h.sock", port):

        def look() -> list[int]:
            names = ("bad.example", "www.BAD.example.", "bad.example:80", "notbad.example")
            sources = (BAD, "127.0.1.9", "127.0.0.8")
            return [*(status(port, name) for name in names), *(status(port, source=one) for one in sources)]

        assert look() == [200] * 7
        listed = [order(BAD), order("127.0.1.0/24"), order("bad.example"), order("2001:db8::7")]
        assert [one.problem for one in driver.apply(put(*listed), now())] == [""] * 4
        assert look() == [403, 403, 403, 200, 403, 403, 200]
        met = {hit.value: (hit.undo_id, hit.count) for hit in driver.hits()}
        assert met["bad.example"][0] == listed[2].undo_id
        assert {value: undo for value, (undo, _) in met.items()} == {
            one.value: one.undo_id for one in listed[:3]
        }  # fmt: skip
        assert driver.hits() == []
        driver.apply(remove(*listed), now())
        assert look() == [200] * 7


def test_haproxy_ends_a_block_by_itself_and_a_watch_stops_nothing(tmp_path: Path) -> None:
    """Without a further word a block ends in time; a watched name passes and is told; one of two orders leaves."""
    driver, port = HaproxyDriver(tmp_path / "maps", tmp_path / "h.sock"), free_port()
    driver.prepare()
    with haproxy(tmp_path / "maps", tmp_path / "h.sock", port):
        watched, blocked = order("both.example", action=Action.WATCH), order("both.example")
        driver.apply(put(order("short.example", 2), watched, order("try.example", state=OrderState.CANARY)), now())
        assert [status(port, name) for name in ("short.example", "both.example", "try.example")] == [403, 200, 200]
        driver.apply([*put(blocked), *remove(watched)], now())
        assert status(port, "both.example") == 403
        driver.apply(put(order("short.example", 2)), now())  # longer
        time.sleep(2.1)
        assert status(port, "short.example") == 200
        assert {hit.value for hit in driver.hits()} == {"short.example", "both.example", "try.example"}
        assert driver.expire(now()) == 1


def test_a_rate_limit_answers_429_above_the_rate_and_an_alert_nothing(tmp_path: Path) -> None:
    """An address and a name get some answers and no more; others all; an alerted name passes and is told."""
    maps = tmp_path / "maps"
    driver, port = HaproxyDriver(maps, tmp_path / "h.sock", rate_per_second=1, rate_burst=5), free_port()
    driver.prepare()
    with haproxy(maps, tmp_path / "h.sock", port):
        slow = [order(BAD, action=Action.RATE_LIMIT), order("slow.example", action=Action.RATE_LIMIT)]
        listed = [*slow, order("odd.example", action=Action.ALERT), order("led.example", action=Action.SINKHOLE)]
        assert [one.problem for one in driver.apply(put(*listed), now())] == [""] * 4
        for found in ([status(port, source=BAD) for _ in range(30)], [status(port, "slow.example") for _ in range(30)]):
            assert found[:15] == [200] * 15 and found[15:] == [429] * 15
        assert {status(port, "odd.example") for _ in range(30)} == {200}
        assert status(port, "led.example") == 403
        assert {hit.value for hit in driver.hits()} == {BAD, "slow.example", "odd.example", "led.example"}
        assert driver.reconcile(listed, now()).missing == 0
        driver.apply(put(order("slow.example", action=Action.WATCH)), now())
        driver.apply(remove(slow[1]), now())
        assert status(port, "slow.example") == 200


def test_a_restarted_haproxy_is_filled_again_and_strange_entries_go(tmp_path: Path) -> None:
    """Empty after a restart, it is told as missing and filled; what another hand put in or took out is put right."""
    driver, port = HaproxyDriver(tmp_path / "maps", tmp_path / "h.sock"), free_port()
    driver.prepare()
    orders = [order("bad.example"), order(BAD), order("127.0.1.0/24"), *(order(f"198.51.100.{n}") for n in range(90))]
    with haproxy(tmp_path / "maps", tmp_path / "h.sock", port):
        drift = driver.reconcile(orders, now())
        assert (drift.missing, drift.unexpected, drift.held) == (93, 0, 93)
        assert driver.reconcile(orders, now()).missing == 0
        assert status(port, "bad.example") == 403
    with pytest.raises(Unavailable, match=r"h\.sock"):
        driver.apply(put(order("x.example")), now())
    with haproxy(tmp_path / "maps", tmp_path / "h.sock", port):
        assert status(port, "bad.example") == 200
        drift = driver.reconcile(orders, now())
        assert (drift.missing, drift.unexpected, status(port, "bad.example")) == (93, 0, 403)
        driver._socket.ask(f"add map {tmp_path}/maps/block-names.map strange.example 9999999999")
        driver._socket.ask(f"del map {tmp_path}/maps/block-addresses.map {BAD}")
        assert [status(port, "strange.example"), status(port, source=BAD)] == [403, 200]
        drift = driver.reconcile(orders, now())
        assert (drift.missing, drift.unexpected) == (1, 1)
        assert [status(port, "strange.example"), status(port, source=BAD)] == [200, 403]
        driver.clear()
        assert [status(port, "bad.example"), status(port, source=BAD)] == [200, 200]


def test_values_that_are_none_hurt_nobody_else(tmp_path: Path) -> None:
    """A value with a command in it, or one that HAProxy refuses, is told alone; a network in another lives as long."""
    driver, port = HaproxyDriver(tmp_path / "maps", tmp_path / "h.sock"), free_port()
    driver.prepare()
    with haproxy(tmp_path / "maps", tmp_path / "h.sock", port):
        hostile = [
            order(f"127.0.0.9 1;clear map {tmp_path}/maps/block-names.map", type=ObservableType.IPV4),
            order("a.example 1\n\nclear map x", type=ObservableType.DOMAIN),
            order("127.0.0.300", type=ObservableType.IPV4),
        ]
        good = [order("bad.example"), order("127.0.0.0/8"), order("127.0.1.0/24", 1)]
        outcomes = driver.apply(put(*good, *hostile), now())
        assert [one.problem == "" for one in outcomes] == [True] * 3 + [False] * 3
        time.sleep(1.5)
        assert [status(port, source="127.0.1.9"), status(port, "bad.example")] == [403, 403]
        assert driver._socket.add(
            f"{tmp_path}/maps/block-addresses.map", {"1.2.3.4": 9, "no": 9, "1.2.3.5": 9}
        ).keys() == {"no"}
        assert len(driver._listed("block-addresses.map")) == 2
        many = [order(f"198.51.100.{n}") for n in range(200)]
        driver.apply(put(*many), now())
        driver.apply(remove(*many), now())
        assert driver._listed("block-addresses.map") == {}


def test_a_configuration_without_our_lines_is_said(tmp_path: Path) -> None:
    """HAProxy that does not use the maps is named, with the file of the lines that it lacks."""
    driver, port = HaproxyDriver(tmp_path / "maps", tmp_path / "h.sock"), free_port()
    driver.prepare()
    (tmp_path / "maps" / "seawall-frontend.cfg").write_text("")
    with haproxy(tmp_path / "maps", tmp_path / "h.sock", port), pytest.raises(Unavailable, match="lacks the lines"):
        driver.reconcile([], now())
