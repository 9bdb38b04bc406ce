"""A simulated day: exact, repeatable, in real shapes, within its proportions."""

from __future__ import annotations

import gzip
import hashlib
import ipaddress
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import realdata
from seawall.flow.simulator import BEGINS, DAY_MICROSECONDS, PARAMETERS, Day, counts, read_truth, write_day
from seawall.model import Fault

SCALE = 0.02
SUFFIXES = (".test", ".example")


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """One small day, written once."""
    return write_day(tmp_path_factory.mktemp("day"), scale=SCALE, seed=7)


def lines(day: Day) -> Iterator[tuple[str, dict[str, Any]]]:
    """Side and event of every line."""
    for part in day.slices:
        with part.path.open() as file:
            for line in file:
                yield part.side, json.loads(line)


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of each file by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("scale", [1.0, 0.1, 0.013, 3.0])
def test_counts(scale: float) -> None:
    """The counts of a scale are the national ones times the scale, rounded; scale 1 is 4,020,000 events."""
    total = counts(scale)
    assert total == {"TW": round(2_400_000 * scale), "KR": round(1_620_000 * scale)}
    assert sum(counts(1.0).values()) == 4_020_000


def test_lines_are_exact(day: Day) -> None:
    """Every slice holds the lines it says, and each side exactly its share."""
    for part in day.slices:
        assert part.path.read_bytes().count(b"\n") == part.events
    for side, total in counts(SCALE).items():
        assert sum(part.events for part in day.of(side)) == total
    assert day.events == day.truth.events["TW"] + day.truth.events["KR"]


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    """The same arguments write the same bytes; another seed writes others."""
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    write_day(first, scale=0.004, seed=3, slices=4)
    write_day(second, scale=0.004, seed=3, slices=4)
    write_day(other, scale=0.004, seed=4, slices=4)
    assert digest(first) == digest(second)
    assert digest(first)["tw/logs/eve-00.json"] != digest(other)["tw/logs/eve-00.json"]


def test_lines_are_in_order_of_true_time(day: Day) -> None:
    """Within a slice lines follow true time; only sensors with a wrong clock write other times."""
    skew = day.truth.clock_skew_seconds
    assert skew
    assert {abs(seconds) >= 60 for seconds in skew.values()} == {True}
    part = day.of("KR")[5]
    stamps = [event["timestamp"] for event in map(json.loads, part.path.read_text().splitlines())
              if event["host"] not in skew]  # fmt: skip
    assert stamps == sorted(stamps)
    assert part.begins == BEGINS + DAY_MICROSECONDS * 5 // 24


def test_no_address_can_be_anybodys(day: Day) -> None:
    """Every address is private, for benchmarks, reserved or for documentation; every name ends in .test or .example."""
    ranges = ("10.0.0.0/8", "198.18.0.0/15", "240.0.0.0/4", "2001:db8::/32", "3fff::/20")
    allowed = [ipaddress.ip_network(text) for text in ranges]
    addresses, names = set(), set()
    for _, event in lines(day):
        addresses |= {event[key] for key in ("src_ip", "dest_ip") if key in event}
        names |= {
            event.get("http", {}).get("hostname"),
            event.get("tls", {}).get("sni"),
            event.get("dns", {}).get("rrname"),
        }
    for text in addresses:
        assert any(ipaddress.ip_address(text) in network for network in allowed), text
    assert all(name.endswith(SUFFIXES) for name in names - {None})


def test_both_ends_speak_one_protocol(day: Day) -> None:
    """No line mixes IPv4 and IPv6, both families occur, and IPv6 is written in full as Suricata does."""
    seen: Counter[bool] = Counter()
    for _, event in lines(day):
        if "src_ip" in event:
            families = {":" in event["src_ip"], ":" in event["dest_ip"]}
            assert len(families) == 1, event
            seen[families.pop()] += 1
            if ":" in event["src_ip"]:
                assert len(event["src_ip"]) == 39
    assert seen[True] > seen[False] / 100


def test_shapes_are_real(day: Day) -> None:
    """Each event type's fields are fields that real Suricata writes for it (live capture adds in_iface and host)."""
    real: dict[str, set[str]] = {}
    for path in sorted(realdata.folder("suricata-verify").glob("*/eve.json.gz")):
        with gzip.open(path, "rt") as file:
            for line in file:
                event = json.loads(line)
                real.setdefault(event["event_type"], set()).update(paths(event))
    common = {key for keys in real.values() for key in keys if "." not in key} | {"in_iface", "host"}
    protocol = {
        key
        for keys in real.values()
        for key in keys
        if key.startswith(("http.", "tls.", "ssh.", "smtp.", "dns.", "smb."))
    }
    seen: dict[str, set[str]] = {}
    for _, event in lines(day):
        seen.setdefault(event["event_type"], set()).update(paths(event))
    assert set(seen) >= {"alert", "flow", "dns", "http", "tls", "fileinfo", "ssh", "smtp", "smb", "anomaly", "stats"}
    # ATT&CK ids stand in rule metadata, whose keys rule writers choose; the test rules there name none
    chosen = {"alert.metadata.mitre_technique_id"}
    for kind, keys in seen.items():
        assert keys - real[kind] - common - protocol - chosen == set(), kind


def paths(value: Any, stem: str = "") -> set[str]:
    """Dotted paths of an event's fields; list elements share their list's path."""
    if isinstance(value, dict):
        return {path for key, part in value.items() for path in {f"{stem}{key}", *paths(part, f"{stem}{key}.")}}
    if isinstance(value, list):
        return {path for part in value for path in paths(part, stem)}
    return set()


def test_proportions(day: Day) -> None:
    """Campaigns make at most one event in a thousand; background shares are as committed, within sampling."""
    total = sum(counts(SCALE).values())
    hostile = sum(campaign.events for campaign in day.truth.campaigns)
    assert 0 < hostile <= total * PARAMETERS.hostile_share
    kinds = Counter(event["event_type"] for _, event in lines(day))
    assert 0.01 < kinds["alert"] / total < 0.04
    assert kinds["stats"] == pytest.approx(total * PARAMETERS.stats, rel=0.5)
    scanners = {trap.value for trap in day.truth.traps if trap.adversity == "mass-scanner"}
    knocks = sum(event.get("src_ip") in scanners for _, event in lines(day))
    assert knocks == pytest.approx(total * PARAMETERS.scanners, rel=0.05)


def test_a_day_without_campaigns(tmp_path: Path) -> None:
    """Without campaigns the counts and adversities stay, and no value is true."""
    day = write_day(tmp_path, scale=0.01, seed=5, slices=2, campaigns=False)
    assert day.events == sum(counts(0.01).values())
    assert day.truth.campaigns == ()
    assert day.truth.values == ()
    assert {trap.adversity for trap in day.truth.traps} >= {
        "mass-scanner",
        "nat-or-vpn",
        "shared-cdn",
        "generated-name",
    }


def test_the_truth_stands_outside_the_nodes_reach(day: Day) -> None:
    """A side's folder holds logs, sensors and assets only; the truth file reads back as written."""
    for side in ("tw", "kr"):
        names = {path.name.split("-")[0] for path in (day.folder / side).rglob("*") if path.is_file()}
        assert names == {"eve", "sensors.csv", "assets.csv"}
    assert read_truth(day.truth_folder / "truth.json") == day.truth


@pytest.mark.parametrize(("scale", "slices"), [(0.0, 24), (1_000.0, 24), (0.01, 0)])
def test_out_of_range(tmp_path: Path, scale: float, slices: int) -> None:
    """A scale or slice count out of range is refused before anything is written."""
    with pytest.raises(Fault, match="E-SIM-001"):
        write_day(tmp_path / "day", scale=scale, seed=1, slices=slices)
    assert not (tmp_path / "day").exists()
