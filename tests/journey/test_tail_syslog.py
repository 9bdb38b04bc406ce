"""Syslog received live: every way it can come, and nothing lost when the tail is killed."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import SeawallNode, eve, free_port
from journey.tailing import Tailing, eventually

ATTACKER = "203.0.113.77"
NEVER = 3600


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """A fresh node with one indicator."""
    made = SeawallNode(tmp_path / "node", "TW")
    (tmp_path / "list.csv").write_text(f"id,type,value\n1,ipv4,{ATTACKER}\n")
    made.here("intel", "import", tmp_path / "list.csv", "--tlp", "amber")
    return made


def cef(src: str, second: int) -> bytes:
    """A firewall's line with its header."""
    return (
        f"<134>Mar 14 03:12:{second:02d} fw-1 CEF:0|Vendor|Firewall|1.0|100|Denied|7|"
        f"src={src} dst=10.0.0.5 act=blocked rt=17734579{second:02d}000"
    ).encode()


def wrapped(body: str) -> bytes:
    """JSON within an RFC 5424 line of a host."""
    return f"<134>1 2026-03-14T03:12:00Z ids-7 suricata 1 - - {body}".encode()


def bare_eve(second: int, src: str = ATTACKER) -> str:
    """An EVE line that names no sensor."""
    event = json.loads(eve(f"2026-03-14T03:12:{second:02d}.000000+0000", src, "10.1.0.5", sensor="-"))
    del event["host"]
    return json.dumps(event)


def rows(node: SeawallNode) -> list[Any]:
    """Rows of the lake."""
    items: list[Any] = node.here("observations", "--limit", "10000")["items"]
    return items


@contextmanager
def sender(kind: int, place: tuple[str, int] | str) -> Iterator[socket.socket]:
    """A connected socket, as soon as somebody listens."""
    family = socket.AF_UNIX if isinstance(place, str) else socket.AF_INET

    def connected() -> socket.socket | None:
        made = socket.socket(family, kind)
        try:
            made.connect(place)
            if kind == socket.SOCK_DGRAM and not isinstance(place, str):
                made.send(b"\n")  # refused at once when nobody listens
                made.settimeout(0.2)
                try:
                    made.recv(1)
                except TimeoutError:
                    made.settimeout(None)
        except OSError:
            made.close()
            return None
        return made

    with eventually(connected, why="nobody listens") as made:
        yield made


def test_datagrams_give_sightings_at_once(node: SeawallNode) -> None:
    """UDP: the header's host is the sensor of JSON that names none; CEF, JSON and junk each fare as in a file."""
    port = free_port()
    with Tailing(node, f"syslog+udp://127.0.0.1:{port}", commit_seconds=NEVER) as tailing:
        with sender(socket.SOCK_DGRAM, ("127.0.0.1", port)) as made:
            for message in (
                wrapped(bare_eve(1)),
                wrapped(bare_eve(1)),
                cef("198.51.100.9", 2),
                b"<13>junk of no format",
            ):
                made.send(message)
        eventually(lambda: node.here("sightings")["items"], why="no sighting")
        assert rows(node) == []
    report = tailing.report
    assert (report["stored"], report["rejected"], report["hits"], report["dropped"]) == (3, 1, 2, 0)
    assert sorted((row["sensor"], row["src"]) for row in rows(node)) == [
        ("fw-1", "198.51.100.9"),
        ("ids-7", ATTACKER),
        ("ids-7", ATTACKER),
    ]
    assert [entry["code"] for entry in node.here("quarantine")["items"]] == ["unknown-format"]
    assert not list((node.folder / "tail" / "syslog").glob("*/*.log"))


def test_connections_in_both_framings(node: SeawallNode) -> None:
    """TCP: counted messages (with line ends inside) and lines, also cut anywhere, on one connection and on several."""
    port = free_port()
    with Tailing(node, f"syslog+tcp://127.0.0.1:{port}", commit_seconds=0.2):
        with sender(socket.SOCK_STREAM, ("127.0.0.1", port)) as made:
            pretty = wrapped(json.dumps(json.loads(bare_eve(1)), indent=1))
            stream = f"{len(pretty)} ".encode() + pretty + cef("198.51.100.9", 2) + b"\n" + cef("198.51.100.10", 3)
            for start in range(0, len(stream), 7):
                made.send(stream[start : start + 7])
        eventually(lambda: len(rows(node)) == 3, why="three messages")
    assert {row["src"] for row in rows(node)} == {ATTACKER, "198.51.100.9", "198.51.100.10"}


def test_a_killed_listener_loses_nothing_it_had_read(node: SeawallNode, tmp_path: Path) -> None:
    """Unix socket: lines received before ``kill -9`` are stored by the next tail, equal ones as often as they came."""
    place = str(tmp_path / "log.sock")
    tailing = Tailing(node, f"syslog+unix://{place}", commit_seconds=NEVER)
    with sender(socket.SOCK_DGRAM, place) as made:
        for second in (1, 1, 2):
            made.send(wrapped(bare_eve(second)))
    eventually(lambda: [one["count"] for one in node.here("sightings")["items"]] == [3], why="three hits")
    tailing.kill()
    with Tailing(node, f"syslog+unix://{place}", commit_seconds=0.2) as again:
        with sender(socket.SOCK_DGRAM, place) as made:
            made.send(wrapped(bare_eve(2)))
        eventually(lambda: len(rows(node)) == 4, why="all lines")
    assert (again.report["stored"], again.report["duplicates"]) == (4, 0)
    assert [one["count"] for one in node.here("sightings")["items"]] == [4]
    assert not Path(place).exists()


def test_addresses_that_cannot_be_had(node: SeawallNode) -> None:
    """A port in use and an address that is none end with one sentence each."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = node.raw("tail", f"syslog+tcp://127.0.0.1:{taken.getsockname()[1]}")
    assert (done.returncode, done.stderr.decode()[:12]) == (2, "E-INGEST-064")
    done = node.raw("tail", "syslog+udp://:bad")
    assert (done.returncode, done.stderr.decode()[:12]) == (2, "E-INGEST-063")
