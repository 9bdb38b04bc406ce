"""The driver of CrowdSec: decisions of its local API, seen as its own bouncers see them, and real packets of one."""

from __future__ import annotations

import http.client
import json
from contextlib import closing
from pathlib import Path

import pytest

from enforce.crowdsec import LOGIN, Crowdsec, crowdsec
from enforce.orders import now, order, put, remove
from enforce.proxies import free_port
from seawall.model import ObservableType, Unavailable
from seawall.model.directive import Action
from seawall.protect.drivers.crowdsec import CrowdsecDriver

pytestmark = [pytest.mark.tool("crowdsec"), pytest.mark.tool("crowdsec-firewall-bouncer")]


def decided(place: Crowdsec, key: str, field: str = "scope") -> dict[str, str]:
    """Value and scope (or type) of every decision in force, as a bouncer reads them at its start."""
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=20)
    connection.request("GET", "/v1/decisions/stream?startup=true", headers={"X-Api-Key": key})
    with closing(connection), connection.getresponse() as answer:
        return {item["value"]: item[field] for item in json.load(answer)["new"] or ()}


def test_bouncers_are_told_what_is_in_force_and_no_more(tmp_path: Path) -> None:
    """Addresses and networks in force are told, a watch is not; removal, a new end, the clock, another action are
    followed: a rate limit is a throttle."""
    place = crowdsec(tmp_path, free_port())
    key = place.cscli("bouncers", "add", "reader", "-o", "raw").strip()
    with place.serving():
        driver = CrowdsecDriver(place.url, LOGIN, place.password_file)
        driver.prepare()
        listed = [order("203.0.113.7"), order("2001:db8::7"), order("198.51.100.0/24")]
        hostile = order('203.0.113.9","x":"', type=ObservableType.IPV4)
        outcomes = driver.apply(put(*listed, order("203.0.113.8", action=Action.WATCH), hostile), now())
        assert [one.problem == "" for one in outcomes] == [True] * 4 + [False]
        assert decided(place, key) == {"203.0.113.7": "Ip", "2001:db8::7": "Ip", "198.51.100.0/24": "Range"}
        driver.apply([*put(order("203.0.113.7", 900)), *remove(listed[1])], now())
        assert decided(place, key) == {"203.0.113.7": "Ip", "198.51.100.0/24": "Range"}
        driver.apply(remove(listed[0]), now())
        assert "203.0.113.7" not in decided(place, key)
        driver.apply(put(*(order(f"11.0.{n >> 8}.{n & 255}") for n in range(2_500))), now())
        assert len(decided(place, key)) == 2_501
        driver.clear()
        assert decided(place, key) == {}
        slow, led = order("203.0.113.7", action=Action.RATE_LIMIT), order("203.0.113.9", action=Action.SINKHOLE)
        driver.apply(put(slow, led, order("203.0.113.10", action=Action.ALERT)), now())
        assert decided(place, key, "type") == {"203.0.113.7": "throttle", "203.0.113.9": "ban"}
        assert driver.reconcile([slow, led], now()).missing == 0
        driver.apply([*put(order("203.0.113.7")), *remove(slow)], now())
        assert decided(place, key, "type")["203.0.113.7"] == "ban"
        driver.close()


def test_drift_is_repaired_and_alerts_of_others_are_hits(tmp_path: Path) -> None:
    """A decision taken back by another hand or doubled is put right; an unknown login and a dead service are said."""
    place = crowdsec(tmp_path, free_port())
    key = place.cscli("bouncers", "add", "reader", "-o", "raw").strip()
    orders = [order("203.0.113.7"), order("203.0.113.8"), order("198.51.100.0/24")]
    with place.serving():
        driver = CrowdsecDriver(place.url, LOGIN, place.password_file)
        driver.prepare()
        drift = driver.reconcile(orders, now())
        assert (drift.missing, drift.unexpected, drift.held) == (3, 0, 3)
        place.cscli("decisions", "delete", "--ip", "203.0.113.7")
        place.cscli("decisions", "add", "--ip", "203.0.113.99")  # another's own: none of ours, it stays
        again = CrowdsecDriver(place.url, LOGIN, place.password_file)
        again.apply(put(order("203.0.113.50")), now())
        drift = driver.reconcile(orders, now())
        assert (drift.missing, drift.unexpected, drift.held) == (1, 1, 3)
        assert set(decided(place, key)) == {"203.0.113.7", "203.0.113.8", "198.51.100.0/24", "203.0.113.99"}
        assert driver.hits() == []
        place.cscli("decisions", "add", "--ip", "203.0.113.8", "--reason", "their own finding")
        assert [(hit.value, hit.undo_id) for hit in driver.hits()] == [("203.0.113.8", orders[1].undo_id)]
        assert driver.hits() == []
        again.close()
        (tmp_path / "wrong").write_text("not-the-password")
        stranger = CrowdsecDriver(place.url, LOGIN, tmp_path / "wrong")
        with closing(stranger), pytest.raises(Unavailable, match="refused our login"):
            stranger.prepare()
    with pytest.raises(Unavailable, match="does not answer"):
        driver.reconcile(orders, now())
    driver.close()
