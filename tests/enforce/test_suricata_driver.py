"""The driver of an inline Suricata: a name asked for through it is dropped, freed, and still known after a restart."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from enforce.inline import inline
from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.model.order import Change, Lane, Order, OrderState
from seawall.protect.drivers.suricata import SuricataDriver

pytestmark = [
    pytest.mark.tool("suricata"),
    pytest.mark.tool("unshare"),
    pytest.mark.tool("ip"),
    pytest.mark.tool("ethtool"),
    pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="needs root: namespaces and AF_PACKET"),
]
BAD, WATCHED, FREE = "c2.bad.example", "watched.example", "free.example"
SLOW, ODD = "slow.example", "odd.example"


def order(
    value: str, state: OrderState = OrderState.ACTIVE, seconds: float = 600, action: Action = Action.BLOCK
) -> Order:
    """An order about a name."""
    now = int(time.time() * 1_000_000)
    ends = now + int(seconds * 1_000_000)
    undo = f"{abs(hash(value)) % 16**16:016x}"
    return Order(
        undo, action, ObservableType.DOMAIN, value, now, ends, state, Lane.OWN, "", "0:0", "us"
    )  # fmt: skip


def now() -> int:
    """Microseconds UTC."""
    return int(time.time() * 1_000_000)


def test_a_name_is_dropped_freed_and_found_again_after_a_restart(tmp_path: Path) -> None:
    """Added over the socket it is dropped at once, watched names pass and are told, removal frees, a restart keeps; of
    a name whose rate is limited some questions pass and no more, one that only alerts always passes."""
    folder = tmp_path / "rules"
    SuricataDriver(folder, tmp_path / "none", rate_per_second=1, rate_burst=1).prepare()
    with inline(tmp_path / "a", folder) as line:
        driver = SuricataDriver(folder, line.socket, line.eve, rate_per_second=1, rate_burst=1)
        assert line.answered(BAD)
        limited, alerted = order(SLOW, action=Action.RATE_LIMIT), order(ODD, action=Action.ALERT)
        driver.apply([Change(1, "put", limited), Change(2, "put", alerted)], now())
        passed = line.answers(SLOW, 15)
        assert 3 < sum(passed) < 15 and not passed[-1] and line.answered(ODD)
        outcomes = driver.apply(
            [Change(1, "put", order(BAD)), Change(2, "put", order(WATCHED, OrderState.WATCH))], now()
        )
        assert [one.problem for one in outcomes] == ["", ""]
        assert [line.answered(name) for name in (BAD, WATCHED, FREE)] == [False, True, True]
        until = time.monotonic() + 20
        met: dict[str, int] = {}
        while len(met) < 4 and time.monotonic() < until:
            met |= {hit.value: hit.count for hit in driver.hits()}
            time.sleep(0.3)
        assert {name: count for name, count in met.items() if name != SLOW} == {BAD: 1, WATCHED: 1, ODD: 1}
        assert 0 < met[SLOW] <= 15 - sum(passed)
        driver.apply([Change(1, "remove", limited), Change(2, "remove", alerted)], now())
        driver.apply([Change(3, "remove", order(BAD)), Change(4, "put", order("later.example", seconds=1))], now())
        assert [line.answered(name) for name in (BAD, "later.example")] == [True, False]
        time.sleep(1.1)
        assert driver.expire(now()) == 1
        assert line.answered("later.example")
        driver.apply([Change(5, "put", order(BAD))], now())
        driver.close()
    with inline(tmp_path / "b", folder) as line:
        assert [line.answered(name) for name in (BAD, "later.example")] == [False, True]
        driver = SuricataDriver(folder, line.socket, line.eve)
        drift = driver.reconcile([], now())
        assert (drift.missing, drift.unexpected, drift.held) == (0, 2, 0)
        assert line.answered(BAD)
        driver.close()
