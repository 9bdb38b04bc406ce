"""Blast radius over a node: what our own traffic says a block would have cut."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow.neighbours import AT, DAY, neighbours
from lake.scenes import add
from match.fake_lake import row
from seawall.flow.node import Node
from seawall.flow.radius import build_radius, describe_radius, radius
from seawall.model import Observable, ObservableType, Unavailable
from seawall.store.radius import FILE

T = ObservableType
HOUR = DAY // 24


def sessions(host: int, value: str, count: int, **given: Any) -> list[dict[str, Any]]:
    """So many connections of one of our hosts to an address, an hour ago, one second after the other."""
    usual = {"kind": "conn", "basis": "none", "own_end": "source", "src": f"10.0.0.{host}", "dst": value}
    start = AT - HOUR
    if "time" in given:
        start = given.pop("time")
    return [row(0, **usual | {"time": start + at * 1_000_000} | given) for at in range(count)]


def fill(node: Node, *groups: list[dict[str, Any]]) -> None:
    """Commit the rows to the node's lake."""
    rows = [item for group in groups for item in group]
    add(node.lake, [item | {"event": number + 1} for number, item in enumerate(rows)])


def of(node: Node, kind: ObservableType, value: str) -> int:
    """Legitimate sessions with one value."""
    asked = Observable(kind, value)
    return radius(node, [asked])[asked].sessions


def test_what_many_of_our_hosts_meet_counts(tmp_path: Path) -> None:
    """A service of three hosts counts with every session, also inside a network; one host's new contact does not."""
    with neighbours(tmp_path, "home") as nodes:
        node = nodes["home"]
        shared = [sessions(host, "198.51.100.7", 4, domain="app.vendor.example") for host in (1, 2, 3)]
        fill(node, *shared, sessions(1, "198.51.100.66", 9, domain="new.example"))
        build_radius(node)
        assert of(node, T.IPV4, "198.51.100.7") == 12
        assert of(node, T.CIDR, "198.51.100.0/24") == 12
        assert of(node, T.DOMAIN, "app.vendor.example") == of(node, T.DOMAIN, "vendor.example") == 12
        assert of(node, T.DOMAIN, "dor.example") == 0
        assert of(node, T.IPV4, "198.51.100.66") == of(node, T.DOMAIN, "new.example") == 0
        seen = Observable(T.IPV4, "198.51.100.66")
        assert radius(node, [seen])[seen].seen == 9


def test_a_long_history_before_the_first_alarm_counts(tmp_path: Path) -> None:
    """One host's contact of eight days counts, even after an alarm; a contact that began with the alarm does not."""
    with neighbours(tmp_path, "home") as nodes:
        node = nodes["home"]
        old = [sessions(1, "2001:db8::7", 2, time=AT - days * DAY) for days in (9, 5, 1)]
        alarm = {"basis": "alert", "kind": "alert"}
        fill(
            node,
            *old,
            sessions(2, "2001:db8::7", 1, **alarm),
            sessions(1, "198.51.100.9", 50),
            sessions(1, "198.51.100.9", 1, time=AT - 2 * HOUR, **alarm),
        )
        build_radius(node)
        assert of(node, T.IPV6, "2001:db8::7") == 6
        assert of(node, T.IPV4, "198.51.100.9") == 0


def test_a_scanner_of_all_our_hosts_is_no_service(tmp_path: Path) -> None:
    """Connections that a stranger began do not make it a counterpart that our hosts use."""
    with neighbours(tmp_path, "home") as nodes:
        node = nodes["home"]
        scans = [
            [row(0, kind="conn", own_end="destination", src="198.51.100.5", dst=f"10.0.0.{host}", time=AT - HOUR)]
            for host in range(1, 200)
        ]
        fill(node, *scans)
        build_radius(node)
        assert of(node, T.IPV4, "198.51.100.5") == 0


def test_records_of_one_session_count_once(tmp_path: Path) -> None:
    """A flow and its TLS and HTTP records are one session; a match of an indicator is no alarm."""
    with neighbours(tmp_path, "home") as nodes:
        node = nodes["home"]
        kinds = [sessions(host, "198.51.100.7", 5, kind=kind) for host in (1, 2, 3) for kind in ("flow", "tls", "http")]
        matched = [sessions(host, "198.51.100.7", 5, kind="conn", basis="indicator") for host in (1, 2, 3)]
        fill(node, *kinds, *matched)
        build_radius(node)
        assert of(node, T.IPV4, "198.51.100.7") == 15


def test_the_job_adds_what_is_new_and_forgets_what_left_the_window(tmp_path: Path) -> None:
    """New rows are added, a second run changes nothing, and the next day the oldest day is gone."""
    with neighbours(tmp_path, "home") as nodes:
        node = nodes["home"]
        fill(node, *[sessions(host, "198.51.100.7", 1, time=AT - 13 * DAY) for host in (1, 2, 3)])
        assert build_radius(node)["anew"] is True
        assert of(node, T.IPV4, "198.51.100.7") == 3
        fill(node, *[sessions(host, "198.51.100.7", 1) for host in (1, 2, 3)])
        for _ in range(2):
            assert build_radius(node)["anew"] is False
            assert of(node, T.IPV4, "198.51.100.7") == 6
        node.clock.moment += DAY  # type: ignore[attr-defined]
        assert build_radius(node)["anew"] is True
        assert of(node, T.IPV4, "198.51.100.7") == 3


def test_a_short_lake_is_not_enough_data(tmp_path: Path) -> None:
    """Before the table is built nothing is answered; with a few sessions, "not met" is not believed."""
    with neighbours(tmp_path, "home") as nodes:
        node, asked = nodes["home"], Observable(T.IPV4, "192.0.2.1")
        assert radius(node, [asked]) == {}
        assert describe_radius(node)["enough"] is False
        fill(node, sessions(1, "198.51.100.7", 3))
        build_radius(node)
        assert not radius(node, [asked])[asked].known
        assert describe_radius(node)["enough"] is False
        fill(node, sessions(1, "198.51.100.7", 1_000), sessions(1, "198.51.100.7", 1, time=AT - 2 * DAY))
        build_radius(node)
        assert radius(node, [asked])[asked].known
        assert radius(node, [Observable(T.SHA256, "0" * 64)]) == {}


def test_a_damaged_table_answers_nothing(tmp_path: Path) -> None:
    """What is no table any more answers nothing, and the job builds it anew."""
    with neighbours(tmp_path, "home") as nodes:
        node = nodes["home"]
        fill(node, sessions(1, "198.51.100.7", 3))
        build_radius(node)
        (node.folder / "radius" / FILE).unlink()
        (node.folder / "radius" / FILE).write_bytes(b"nonsense" * 1_000)
        with pytest.raises(Unavailable, match="E-STORE-320"):
            node.radius_table.state()
        assert radius(node, [Observable(T.IPV4, "192.0.2.1")]) == {}
        assert describe_radius(node)["enough"] is False
        build_radius(node)
        assert of(node, T.IPV4, "198.51.100.7") == 0


def test_a_site_without_sensors_may_say_so(tmp_path: Path) -> None:
    """Where the settings ask for no sessions, "not met" is believed before any table is built."""
    with neighbours(tmp_path, "home") as nodes:
        node, asked = nodes["home"], Observable(T.IPV4, "192.0.2.1")
        protect = msgspec.structs.replace(node.settings.protect, radius_least_sessions=0, radius_least_days=0)
        node.settings = msgspec.structs.replace(node.settings, protect=protect)
        assert radius(node, [asked])[asked].known
        assert radius(node, [asked])[asked].sessions == 0
