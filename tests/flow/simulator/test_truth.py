"""The truth says what the logs show, and its file bears bad input."""

from __future__ import annotations

import ipaddress
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from seawall.flow.simulator import FORMAT, Day, ValueTruth, read_truth, write_day
from seawall.model import Fault, ObservableType

Seen = dict[tuple[str, str], dict[str, list[bool]]]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    """A day with about twenty campaigns, in few files."""
    return write_day(tmp_path_factory.mktemp("day"), scale=0.15, seed=11, slices=3)


@pytest.fixture(scope="module")
def seen(day: Day) -> Seen:
    """For each value of the truth, by side: whether each of its lines is an alert. Read from the logs alone."""
    wanted = {(item.type.value, item.value) for item in day.truth.values}
    wanted |= {(trap.type.value, trap.value) for trap in day.truth.traps}
    found: Seen = defaultdict(lambda: defaultdict(list))
    for part in day.slices:
        with part.path.open() as file:
            for line in file:
                event = json.loads(line)
                for key in shown(event) & wanted:
                    found[key][part.side].append(event["event_type"] == "alert")
    return found


def shown(event: dict[str, Any]) -> set[tuple[str, str]]:
    """The values in one event, spelt as the truth spells them."""
    values = set()
    for key in ("src_ip", "dest_ip"):
        if key in event:
            address = ipaddress.ip_address(event[key])
            values.add((f"ipv{address.version}", str(address)))
    http, dns = event.get("http", {}), event.get("dns", {})
    names = {
        http.get("hostname"),
        event.get("tls", {}).get("sni"),
        dns.get("rrname"),
        dns.get("answer", {}).get("rrname"),
    }
    values |= {("domain", name) for name in names if name}
    if http:
        values.add(("url", f"http://{http['hostname']}{http['url'].partition('?')[0]}"))
    files = [event["fileinfo"]] if "fileinfo" in event else event.get("files", [])
    values |= {("sha256", file["sha256"]) for file in files}
    return values


def test_each_findable_value_is_on_both_sides_and_alarmed(day: Day, seen: Seen) -> None:
    """A findable value is in both sides' logs, as often as the truth says, with as many alerts."""
    findable = [item for item in day.truth.values if item.findable]
    assert len(findable) > 30
    for item in findable:
        by_side = seen[item.type.value, item.value]
        assert set(by_side) == {"TW", "KR"} == set(item.sides)
        for side, alerts in by_side.items():
            assert (len(alerts), sum(alerts)) == (item.sides[side].events, item.sides[side].hostile_events)
        assert any(any(alerts) for alerts in by_side.values())


def test_one_sided_values_stay_on_one_side(day: Day, seen: Seen) -> None:
    """What the truth calls one-sided never shows in the other side's logs."""
    for item in day.truth.values:
        if item.note == "one side only" and (item.type.value, item.value) in seen:
            assert set(seen[item.type.value, item.value]) == set(item.sides), item


def test_delays_go_both_ways(day: Day) -> None:
    """Some campaigns cross within minutes, some after hours, in both directions; some never cross."""
    crossing = [campaign for campaign in day.truth.campaigns if campaign.delay_seconds is not None]
    assert {campaign.sides[0] for campaign in crossing} == {"TW", "KR"}
    delays = [campaign.delay_seconds or 0.0 for campaign in crossing]
    assert min(delays) < 1_800
    assert max(delays) > 3_600
    assert any(len(campaign.sides) == 1 for campaign in day.truth.campaigns)


def test_adversities_are_alarmed_too(day: Day, seen: Seen) -> None:
    """Scanners, VPN exits, delivery networks and updates raise alerts on both sides: the traps are armed."""
    armed: dict[str, set[str]] = defaultdict(set)
    for trap in day.truth.traps:
        for side, alerts in seen.get((trap.type.value, trap.value), {}).items():
            if any(alerts):
                armed[trap.adversity].add(side)
    for adversity in ("mass-scanner", "nat-or-vpn", "shared-cdn", "vendor-update", "two-tenants"):
        assert armed[adversity] == {"TW", "KR"}, adversity
    assert armed["generated-name"]
    assert armed["recycled-address"]


def test_mass_scanners_hit_everyone(day: Day) -> None:
    """Each scanner meets most sensors of both sides."""
    scanners = {trap.value for trap in day.truth.traps if trap.adversity == "mass-scanner"}
    sensors: dict[str, set[str]] = defaultdict(set)
    for part in day.slices:
        with part.path.open() as file:
            for line in file:
                event = json.loads(line)
                if event.get("src_ip") in scanners:
                    sensors[event["src_ip"]].add(event["host"])
    assert set(sensors) == scanners
    assert min(map(len, sensors.values())) > 80


def test_living_off_the_land_leaves_nothing_to_share(day: Day) -> None:
    """A campaign with the system's own tools has no value that is true."""
    quiet = {campaign.id for campaign in day.truth.campaigns if campaign.kind == "living-off-the-land"}
    assert quiet
    assert not [item for item in day.truth.values if item.campaign in quiet and item.true]


def test_csv_in_the_least_form(tmp_path: Path) -> None:
    """An outsider's CSV needs two columns; an adversity makes a trap, and software names are true but not findable."""
    path = tmp_path / "truth.csv"
    path.write_text("type,value,adversity\nipv4,198.51.100.7,\nja3,0c,\nipv4,198.51.100.9,shared-cdn\n")
    truth = read_truth(path)
    address, software = truth.values
    assert address == ValueTruth(ObservableType.IPV4, "198.51.100.7", "", true=True, findable=True)
    assert (software.true, software.findable) == (True, False)
    assert [trap.adversity for trap in truth.traps] == ["shared-cdn"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{"),
        ("b.json", b"[]"),
        ("c.json", f'{{"format":"{FORMAT}","sides":[],"values":[{{"type":"colour"}}]}}'.encode()),
        ("d.json", b'{"format":"other","sides":[],"values":[]}'),
        ("e.csv", b"value\n1\n"),
        ("f.csv", b"type,value\ncolour,red\n"),
        ("g.csv", b"\xff\xfe"),
    ],
)
def test_wrong_truth_files(tmp_path: Path, name: str, content: bytes) -> None:
    """What is not of the documented format is refused with one sentence."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Fault, match="E-TRUTH-002"):
        read_truth(path)


def test_missing_truth_file(tmp_path: Path) -> None:
    """A truth file that is not there is named."""
    with pytest.raises(Fault, match=r"E-TRUTH-001.*none\.json"):
        read_truth(tmp_path / "none.json")
