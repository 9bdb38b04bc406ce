"""Hits out of the logs of resolvers, as BIND 9.18, Unbound 1.17 and the PowerDNS recursor 4.8 wrote them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protect.rpz.scenes import BLOCK, CIDR, IPV4, WATCH, order, put
from seawall.model import from_microseconds, rfc3339
from seawall.model.clock import system_clock
from seawall.model.order import OrderState
from seawall.protect.rpz import RpzPrimary, RpzSettings
from seawall.protect.rpz.logs import DAY, moment_of, trigger_of

NOW = system_clock()
ZONES = (BLOCK, WATCH)
BIND = "rpz: client @0x7f662bc07098 127.0.0.1#47663 (b.bad.example): "


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A resolver's log that holds something from before."""
    path = tmp_path / "rpz.log"
    path.write_text(f"{BIND}rpz QNAME NXDOMAIN rewrite old.example/A/IN via bad.example.{BLOCK}\n")
    return path


@pytest.fixture
def ours(tmp_path: Path, log: Path) -> RpzPrimary:
    """A primary that reads it and holds a few orders."""
    made = RpzPrimary(RpzSettings(folder=str(tmp_path / "rpz"), logs=(str(log),)))
    orders = (
        order("bad.example"),
        order("192.0.2.66", IPV4),
        order("198.51.100.0/24", CIDR),
        order("w.example", state=OrderState.WATCH),
    )
    made.apply(put(*orders), NOW)
    return made


def test_each_resolvers_lines_become_hits_of_the_order_behind_them(ours: RpzPrimary, log: Path) -> None:
    """Names, names below them, addresses and watched names, counted by value, with the moments that the lines tell."""
    early, late = NOW - 60_000_000, NOW - 30_000_000
    second = late // 1_000_000
    unbound = f"[{second}] unbound[28:0] info: rpz: applied"
    lines = [
        f"{rfc3339(early)[:-4]}Z {BIND}rpz QNAME NXDOMAIN rewrite b.bad.example/A/IN via b.bad.example.{BLOCK}",
        f"{unbound} [{BLOCK}] *.bad.example. rpz-nxdomain 192.0.2.9@51 a.bad.example. A IN",
        f'Nov 22 17:50 msg="seawall-rpz {BLOCK} *.bad.example." subsystem="lua" prio="Warning" ts="{second}.004"',
        f"{BIND}rpz IP NXDOMAIN rewrite x.example/A/IN via 32.66.2.0.192.rpz-ip.{BLOCK}",
        f"{unbound} [{BLOCK}] 198.51.100.0/24 rpz-local-data 192.0.2.9@46 c.example. A IN",
        f"{BIND}disabled rpz QNAME PASSTHRU rewrite w.example/A/IN via w.example.{WATCH}",
        f"{unbound} [{WATCH}] w.example. rpz-disabled 192.0.2.9@49 w.example. A IN",
    ]
    with log.open("a") as file:
        file.write("\n".join(lines) + "\n")
    found = {hit.value: hit for hit in ours.hits()}
    assert {value: hit.count for value, hit in found.items()} == {
        "bad.example": 3, "192.0.2.66": 1, "198.51.100.0/24": 1, "w.example": 2,
    }  # fmt: skip
    assert found["bad.example"].undo_id == "domain:bad.example"
    assert abs(found["bad.example"].first_seen - early) < 1_000
    assert abs(found["bad.example"].last_seen - late) < 1_000_000
    assert ours.hits() == []


def test_torn_lines_wait_and_rotated_files_begin_anew(ours: RpzPrimary, log: Path, tmp_path: Path) -> None:
    """Half a line counts when it is whole; a new file of the same name is read from its start; a restart goes on."""
    line = f"{BIND}rpz QNAME NXDOMAIN rewrite b.bad.example/A/IN via bad.example.{BLOCK}\n"
    with log.open("a") as file:
        file.write(line[:40])
        file.flush()
        assert ours.hits() == []
        file.write(line[40:])
    assert [hit.count for hit in ours.hits()] == [1]
    with log.open("a") as file:
        file.write(line * 2)
    ours.close()
    again = RpzPrimary(RpzSettings(folder=str(tmp_path / "rpz"), logs=(str(log),)))
    assert [hit.count for hit in again.hits()] == [2]
    log.rename(log.with_suffix(".1"))
    assert again.hits() == []
    log.write_text(line)
    assert [hit.count for hit in again.hits()] == [1]
    os.truncate(log, 0)
    log.write_text(line[:-1])
    assert again.hits() == []
    again.close()


@pytest.mark.parametrize(
    "line",
    [
        f"{BIND}rpz QNAME NXDOMAIN rewrite x/A/IN via other.example.{BLOCK}",  # none of ours
        f"{BIND}rpz QNAME NXDOMAIN rewrite x/A/IN via bad.example.rpz.vendor.example",  # somebody else's zone
        "info: rpz: applied [vendor] bad.example. rpz-nxdomain 192.0.2.9@46 c.example. A IN",
        f"info: rpz: applied [{BLOCK}] 300.0.0.0/24 rpz-nxdomain 192.0.2.9@46 c.example. A IN",
        f'msg="seawall-rpz {BLOCK} "',
        "",
        "\\x00" * 50,
    ],
)
def test_what_names_no_order_of_ours_is_no_hit(ours: RpzPrimary, log: Path, line: str) -> None:
    """Other zones' lines, unknown triggers and noise are passed over."""
    with log.open("a") as file:
        file.write(line + "\n")
    assert ours.hits() == []


@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"x rpz QNAME N rewrite q via ", b"info: rpz: applied [" + BLOCK.encode() + b"] "]),
)
def test_no_line_breaks_the_reader(line: bytes, before: bytes) -> None:
    """Whatever an attacker makes a resolver write."""
    trigger_of(before + line, ZONES)
    assert NOW - DAY <= moment_of(b"[" + line, NOW) <= NOW


def test_a_moment_that_cannot_be_is_now() -> None:
    """The future and the distant past are not believed."""
    for seconds in (NOW // 1_000_000 + 100, 1_000_000_000):
        assert moment_of(b"[%d] x" % seconds, NOW) == NOW
    assert moment_of(b"2026-02-31T00:00:00Z x", NOW) == NOW
    assert from_microseconds(moment_of(b"[%d] x" % (NOW // 1_000_000 - 5), NOW)).microsecond == 0


def test_a_log_that_is_not_there_is_waited_for(tmp_path: Path) -> None:
    """A resolver that has written nothing yet is no problem."""
    made = RpzPrimary(RpzSettings(folder=str(tmp_path / "rpz"), logs=(str(tmp_path / "later.log"),)))
    assert made.hits() == []
    made.apply(put(order("bad.example")), NOW)
    (tmp_path / "later.log").write_text(f"{BIND}rpz QNAME NXDOMAIN rewrite q/A/IN via bad.example.{BLOCK}\n")
    assert [hit.value for hit in made.hits()] == ["bad.example"]
    made.close()
