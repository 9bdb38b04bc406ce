"""Logs followed live, in real processes: sightings at once, and nothing lost or stored twice whatever happens."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import SeawallNode, eve
from journey.tailing import Tailing, append, eventually
from realdata import folder
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.model import ObservableType, Pap, SightingSummary, Tlp, Warning

ATTACKER = "203.0.113.77"
NEVER = 3600


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """A fresh node with one indicator."""
    return with_indicator(tmp_path, "node")


def with_indicator(tmp_path: Path, name: str) -> SeawallNode:
    """A fresh node with one indicator."""
    made = SeawallNode(tmp_path / name, "TW")
    (tmp_path / "list.csv").write_text(f"id,type,value,campaign\n1,ipv4,{ATTACKER},c1\n")
    made.here("intel", "import", tmp_path / "list.csv", "--tlp", "amber")
    return made


def line(number: int, src: str = "198.51.100.9") -> str:
    """One line, unlike others by its moment."""
    return eve(
        f"2026-03-14T03:{number // 60 % 60:02d}:{number % 60:02d}.{number:06d}+0000", src, "10.1.0.5", sensor="s"
    )


def stored(node: SeawallNode) -> int:
    """Rows in the lake."""
    return len(node.here("observations", "--limit", "10000")["items"])


def sightings(node: SeawallNode) -> list[Any]:
    """What the node tells now."""
    items: list[Any] = node.here("sightings")["items"]
    return items


def test_a_hit_is_a_sighting_before_its_line_is_in_the_lake(node: SeawallNode, tmp_path: Path) -> None:
    """The sighting shows while the lake is empty; at the end the lake tells the same, and ``match`` agrees."""
    log = tmp_path / "eve.json"
    append(log, line(1))
    with Tailing(node, log, commit_seconds=NEVER) as tailing:
        append(log, line(2, ATTACKER), line(3, ATTACKER))
        live = eventually(lambda: sightings(node), why="no sighting")
        assert [(one["value"], one["side"], one["count"]) for one in live] == [(ATTACKER, "TW", 2)]
        assert stored(node) == 0
    report = tailing.report
    assert (report["lines"], report["stored"], report["hits"], report["sightings"]) == (3, 3, 2, 1)
    assert report["latency"]["max"] is not None
    assert sightings(node) == live
    matched = node.here("match")
    assert (matched["hits"], matched["new"]["hits"], matched["events"]) == (2, 2, 3)
    assert sightings(node) == live


def test_tail_says_what_ingest_and_match_say(tmp_path: Path) -> None:
    """Real Suricata output: sightings and every count of ``match`` equal those of a plain ingest."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for path in sorted(folder("suricata-verify").rglob("eve.json.gz")):
        (logs / f"{path.parent.name}.json").write_bytes(gzip.decompress(path.read_bytes()).rstrip(b"\n") + b"\n")
    ours, theirs = with_indicator(tmp_path, "live"), with_indicator(tmp_path, "plain")
    theirs.here("ingest", logs)
    (tmp_path / "more.csv").write_text(indicators_of(theirs))
    for node in (ours, theirs):
        node.here("intel", "import", tmp_path / "more.csv", "--tlp", "amber")
    report = ours.run("tail", logs, "--once")
    matched = theirs.here("match")
    assert matched["hits"] > 100
    assert report["stored"] == matched["events"]
    assert (report["hits"], report["sightings"]) == (matched["hits"], matched["sightings"])
    assert sightings(ours) == sightings(theirs)
    again = ours.here("match")
    for key in ("seconds", "cpu_seconds", "peak_memory_bytes"):
        again.pop(key), matched.pop(key)
    assert again == matched


def indicators_of(node: SeawallNode) -> str:
    """Half of the values in a lake as indicators, with ranges and parent names."""
    found: set[tuple[str, str]] = set()
    for row in node.here("observations", "--limit", "10000")["items"]:
        found |= {("ipv4" if "." in row[end] else "ipv6", row[end]) for end in ("src", "dst") if row[end]}
        found |= {(kind, row[kind]) for kind in ("url", "sha256", "md5", "ja3", "certificate", "cve") if row[kind]}
        if row["domain"]:
            found |= {("domain", row["domain"]), ("domain", row["domain"].partition(".")[2] or row["domain"])}
    chosen = sorted(pair for pair in found if '"' not in pair[1] and "\n" not in pair[1])[::2]
    lines = [f'{place},{kind},"{value}",c{place % 7}' for place, (kind, value) in enumerate(chosen, 10)]
    return "\n".join(["id,type,value,campaign", *lines, "5,cidr,10.0.0.0/9,c1", "6,cidr,192.168.0.0/16,c2"]) + "\n"


def test_rotation_loses_nothing_and_stores_nothing_twice(node: SeawallNode, tmp_path: Path) -> None:
    """Renamed and begun anew, copied and truncated: every line is stored once; compressed files are left alone."""
    log = tmp_path / "logs" / "eve.json"
    log.parent.mkdir()
    append(log, line(1), line(2))
    with Tailing(node, log, commit_seconds=0.2):
        eventually(lambda: stored(node) == 2, why="the first lines")
        with log.open("a") as writer:
            log.rename(log.with_suffix(".json.1"))
            writer.write(line(3) + "\n")
            writer.flush()
            append(log, line(4))
            writer.write(line(5) + "\n" + line(6))  # its last line never gets its line end
        eventually(lambda: stored(node) == 6, why="lines written around the renaming")
        append(log, line(7))
        shutil.copyfile(log, log.with_suffix(".json.2"))
        os.truncate(log, 0)
        append(log, *(line(number) for number in range(8, 20)))
        log.with_suffix(".json.3.gz").write_bytes(b"\x1f\x8b no log")
        eventually(lambda: stored(node) == 19, why="lines behind the truncation")
    assert stored(node) == 19


def test_a_killed_tail_goes_on_where_it_was(node: SeawallNode, tmp_path: Path) -> None:
    """Killed again and again, with equal lines before and after: the lake holds each line as often as the file does."""
    log = tmp_path / "eve.json"
    expected = 0
    for turn in range(4):
        tailing = Tailing(node, log, commit_seconds=0.1)
        append(log, line(1), line(1), line(100 + turn))
        expected += 3
        if turn % 2:
            eventually(lambda: stored(node) == expected, why="the lines of this turn")  # noqa: B023 - called at once
        else:
            eventually(lambda: stored(node) > 0, why="some line")
        tailing.kill()
    with Tailing(node, log, commit_seconds=0.1) as last:
        append(log, line(1))
        eventually(lambda: stored(node) == expected + 1, why="the last line")
    assert last.report["problems"] == []
    assert stored(node) == expected + 1
    plain = SeawallNode(tmp_path / "plain", "TW")
    assert plain.here("ingest", log)["stored"] == expected + 1
    assert node.here("ingest", log)["duplicates"] == expected + 1


def test_rotation_while_nobody_follows(node: SeawallNode, tmp_path: Path) -> None:
    """The rest of a file that was renamed, or copied and truncated, is read when the tail starts again."""
    log = tmp_path / "eve.json"
    append(log, line(1), line(2))
    assert node.run("tail", log, "--once")["stored"] == 2
    append(log, line(3))
    log.rename(tmp_path / "eve.json.1")
    append(log, line(4))
    assert node.run("tail", log, "--once")["stored"] == 2
    append(log, line(5))
    shutil.copyfile(log, tmp_path / "eve.json.2")
    os.truncate(log, 0)
    append(log, line(6))
    report = node.run("tail", log, "--once")
    assert (report["stored"], report["duplicates"], report["problems"]) == (2, 0, [])
    assert node.run("tail", log, "--once")["lines"] == 0


def test_indicators_are_taken_over_while_it_runs(node: SeawallNode, tmp_path: Path) -> None:
    """An indicator imported a moment ago is met by the next line; one that was withdrawn is not."""
    log = tmp_path / "eve.json"
    append(log, line(1))
    with Tailing(node, log, commit_seconds=NEVER) as tailing:
        append(log, line(2, ATTACKER))
        eventually(lambda: sightings(node), why="the indicator that was there")
        (tmp_path / "new.csv").write_text("id,type,value\n7,cidr,198.51.100.0/24\n")
        node.here("intel", "import", tmp_path / "new.csv", "--tlp", "amber")
        numbers = iter(range(3, 1000))

        def another() -> bool:
            append(log, line(next(numbers)))
            return len(sightings(node)) == 2

        eventually(another, why="the new indicator")
    matched = node.here("match")
    assert matched["sightings"] == 2
    assert matched["hits"] >= tailing.report["hits"]


def test_two_sides_in_one_log_are_warned_about_at_once(node: SeawallNode, tmp_path: Path) -> None:
    """A value that both sides' sensors meet is a warning before it is in the lake."""
    (tmp_path / "sensors.csv").write_text("sensor,side,sector\ntpe-1,TW,water\nsel-1,KR,health\n")
    node.here("sensors", "import", tmp_path / "sensors.csv")
    log = tmp_path / "eve.json"
    append(log, line(1))
    with Tailing(node, log, commit_seconds=NEVER) as tailing:
        append(log, eve("2026-03-14T03:12:00.000001+0000", ATTACKER, "10.1.0.5", sensor="tpe-1"))
        append(log, eve("2026-03-14T08:14:00.000001+0000", ATTACKER, "10.2.0.9", sensor="sel-1"))
        shown = eventually(lambda: node.here("warnings")["items"], why="no warning")
        assert [(one["value"], one["first_side"], one["other_side"]) for one in shown] == [(ATTACKER, "TW", "KR")]
        assert stored(node) == 0
    assert tailing.report["warnings"] >= 1
    node.here("match")
    after = node.here("warnings")["items"]
    assert [one["first_seen"] for one in after] == [one["first_seen"] for one in shown]


def held_warnings(node: SeawallNode) -> Sequence[Warning]:
    """As they were drawn at once, before anybody asks for a new drawing."""
    with Node.open(node.folder) as opened:
        return opened.store.warnings.list(WHOLE_NODE).items


def test_what_a_peer_told_is_warned_about_at_once(node: SeawallNode, tmp_path: Path) -> None:
    """A value that a peer told us, met by a line a moment ago, is a warning with the time since we were told."""
    told = SightingSummary(
        type=ObservableType.IPV4,
        value=ATTACKER,
        side="KR",
        first_seen=1_773_446_400_000_000,
        last_seen=1_773_446_400_000_000,
        count=3,
        sectors=("health",),
        indicator_id=None,
        basis=("honeypot",),
        tlp=Tlp.GREEN,
        pap=Pap.GREEN,
        origin="krcert",
        told_at=1_773_446_460_000_000,
    )
    with Node.open(node.folder) as opened:
        opened.store.sightings.put([told])
    log = tmp_path / "eve.json"
    append(log, line(1))
    with Tailing(node, log, commit_seconds=NEVER) as tailing:
        append(log, eve("2026-03-14T03:12:00.000000+0000", ATTACKER, "10.1.0.5", sensor="tpe-1"))
        eventually(lambda: sightings(node)[0]["origin"] is None, why="our own sighting")
        eventually(lambda: bool(held_warnings(node)), why="the warning, drawn right after the sighting")
        drawn = held_warnings(node)
        assert [(one.value, one.first_side, one.other_side) for one in drawn] == [(ATTACKER, "KR", "TW")]
        assert drawn[0].told_at == told.told_at
        shown = node.here("warnings")["items"]
        assert [(one["value"], one["other_side"]) for one in shown] == [(ATTACKER, "TW")]
        assert stored(node) == 0
    assert tailing.report["warnings"] == 1


def test_lines_wait_on_disk_when_storing_is_slower(node: SeawallNode, tmp_path: Path) -> None:
    """With a small buffer lines are spilled, which is said, and all are stored."""
    log = tmp_path / "eve.json"
    append(log, *(line(number) for number in range(3000)))
    with Tailing(node, log, buffer_bytes=100_000, commit_seconds=NEVER) as tailing:
        eventually((node.folder / "tail" / "overflow.spool").exists, why="nothing was spilled")
    assert tailing.report["spilled"] > 0
    assert "wait on disk" in tailing.errors
    assert tailing.report["stored"] == 3000
    assert not (node.folder / "tail" / "overflow.spool").exists()


def test_rejected_lines_are_in_quarantine_once(node: SeawallNode, tmp_path: Path) -> None:
    """Broken lines are kept with their number, also when they come in several commits and after a restart."""
    log = tmp_path / "eve.json"
    append(log, line(1), "{broken", line(2))
    assert node.run("tail", log, "--once")["rejected"] == 1
    append(log, line(3), '{"event_type": "flow"}')
    again = node.run("tail", log, "--once")
    assert (again["stored"], again["rejected"]) == (1, 1)
    kept = node.here("quarantine")["items"]
    assert [(entry["line"], entry["code"]) for entry in kept] == [(2, "not-json"), (5, "no-time")]


def test_a_second_tail_is_refused(node: SeawallNode, tmp_path: Path) -> None:
    """Two tails would move the same positions: the second ends with a sentence."""
    log = tmp_path / "eve.json"
    append(log, line(1))
    with Tailing(node, log, commit_seconds=0.1):
        eventually(lambda: stored(node) == 1, why="the first line")
        done = node.raw("tail", log, "--once")
    assert done.returncode == 2
    assert done.stderr.decode().startswith("E-INGEST-062")
