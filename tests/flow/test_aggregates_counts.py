"""What a node counts: its own hosts and incidents, bounded, from the roll-up and the store."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from flow.neighbours import AT
from journey.command_line import SeawallNode, eve
from seawall.codec.sharing import encode
from seawall.exchange.aggregate import catalogue, read_period
from seawall.flow.aggregates_counts import count
from seawall.flow.node import Node
from seawall.model import Fault, Pap, Tlp
from seawall.model.stix.known_extensions import INCIDENT_CORE_EXTENSION
from seawall.model.stix.versioning import timestamp
from seawall.model.stored import StoredObject

HOSTS = catalogue().query("attacks-by-sector")
INCIDENTS = catalogue().query("incident-types")
WEEK = read_period("2026-W11")
ATTACKER = "203.0.113.77"
SENSORS = (
    "sensor,side,sector\nw-1,TW,Water\nb-1,TW,banking\nh-1,TW,health\ne-1,TW,energy\nl-1,TW,lighthouses\nk-1,KR,water\n"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """Hosts of several sectors, attacked or only seen, in two weeks and on two sides."""
    folder = tmp_path_factory.mktemp("site")
    node = SeawallNode(folder / "node", "TW")
    (folder / "sensors.csv").write_text(SENSORS)
    node.here("sensors", "import", folder / "sensors.csv")
    lines = [
        eve(f"2026-03-{day}T03:12:00.00000{place}+0000", ATTACKER, host, sensor=sensor, kind=kind)
        for place, (day, host, sensor, kind) in enumerate(
            [
                ("09", "10.1.0.5", "w-1", "alert"),  # the Monday
                ("10", "10.1.0.5", "w-1", "alert"),  # the same host again
                ("11", "10.1.0.6", "w-1", "alert"),
                ("15", "10.1.0.7", "b-1", "alert"),  # the Sunday
                ("15", "10.1.0.8", "l-1", "alert"),
                ("08", "10.1.0.9", "w-1", "alert"),  # the week before
                ("12", "10.1.0.10", "w-1", "flow"),  # not hostile
                ("12", "10.9.0.1", "k-1", "alert"),  # another side's
            ]
        )
    ]
    lines += [
        eve(f"2026-03-13T0{place}:00:00.000000+0000", ATTACKER, "10.1.0.99", sensor=sensor)
        for place, sensor in enumerate(("w-1", "b-1", "h-1", "e-1", "l-1"))
    ]
    (folder / "eve.json").write_text("\n".join(lines))
    assert node.here("ingest", folder / "eve.json")["rejected"] == 0
    return node


def bins(node: Node, round_id: str = "r") -> dict[str, int]:
    """The bins of the week that hold something."""
    counted = count(node, HOSTS, WEEK, round_id, [])
    names = [name for _, name in HOSTS.labels(WEEK)]
    return {name: number for name, number in zip(names, counted.counts, strict=True) if number}


def test_a_host_counts_once_a_sector_and_week(site: SeawallNode) -> None:
    """Attacked own hosts of our side by sector; a host in five sectors counts in three of them."""
    with Node.open(site.folder) as node:
        found = bins(node)
        alone = {"water": 2, "financial-services": 1, "other": 1}
        extra = {name: found.get(name, 0) - alone.get(name, 0) for name in {*found, *alone}}
        assert set(extra) <= {"water", "financial-services", "healthcare", "energy", "other"}
        assert sorted(value for value in extra.values() if value) == [1, 1, 1]
        assert count(node, HOSTS, WEEK, "r", []).left_out == {"other sides": 1}


def test_which_bins_a_host_keeps_differs_between_rounds(site: SeawallNode) -> None:
    """So no bin is favoured; one round always gives the same."""
    with Node.open(site.folder) as node:
        assert bins(node, "one") == bins(node, "one")
        assert len({json.dumps(bins(node, str(place)), sort_keys=True) for place in range(12)}) > 1


def test_a_node_without_telemetry_or_with_part_of_it_does_not_count(site: SeawallNode) -> None:
    """Nothing counted is not zero."""
    with Node.open(site.folder) as node:
        settings = node.settings
        node.settings = replace(settings, lake=replace(settings.lake, store_telemetry=False))
        with pytest.raises(Fault, match="E-FLOW-092"):
            count(node, HOSTS, WEEK, "r", [])
        node.settings = replace(settings, lake=replace(settings.lake, keep_rollup_days=7))
        with pytest.raises(Fault, match="E-FLOW-666"):
            count(node, HOSTS, WEEK, "r", [])


def test_incidents_count_by_their_rsit_class(site: SeawallNode) -> None:
    """Own ones of the week, once each; a peer's, a red one and one kept from a member stay out, and that is told."""
    with Node.open(site.folder) as node:
        _put(node, 1, types=["intrusions:system-compromise"])
        _put(node, 2, types=['rsit:availability="ddos"', "fraud"])
        _put(node, 3, labels=["Phishing"])
        _put(node, 4, labels=["odd"])
        _put(node, 5, types=["fraud"], origin="seoul")
        _put(node, 6, types=["fraud"], tlp=Tlp.RED)
        _put(node, 7, types=["fraud"], excluded=frozenset({"seoul"}))
        _put(node, 8, types=["fraud"], at=AT - 8 * 86_400_000_000)
        counted = count(node, INCIDENTS, WEEK, "r", ["seoul", "tokyo"])
    names = [name for _, name in INCIDENTS.labels(WEEK)]
    found = {name: number for name, number in zip(names, counted.counts, strict=True) if number}
    assert found == {"intrusions": 1, "availability": 1, "fraud": 1, "other": 1}
    assert counted.left_out == {"marked stricter": 1, "kept from a member": 1}


def _put(
    node: Node,
    number: int,
    *,
    types: list[str] | None = None,
    labels: list[str] | None = None,
    origin: str | None = None,
    tlp: Tlp = Tlp.AMBER,
    excluded: frozenset[str] = frozenset(),
    at: int = AT,
) -> None:
    body: dict[str, object] = {
        "type": "incident", "spec_version": "2.1", "id": f"incident--00000000-0000-4000-8000-00000000000{number}",
        "created": timestamp(at), "modified": timestamp(at), "name": f"incident {number}",
    }  # fmt: skip
    if labels is not None:
        body["labels"] = labels
    if types is not None:
        core = {"extension_type": "property-extension", "determination": "confirmed", "investigation_status": "open"}
        body["extensions"] = {INCIDENT_CORE_EXTENSION: {**core, "incident_types": types}}
    item = StoredObject(
        id=str(body["id"]), type="incident", version=str(body["modified"]), created_by=None, body=encode(body), tlp=tlp,
        pap=Pap.GREEN, stored_at=at, origin=origin, excluded=excluded,
    )  # fmt: skip
    node.store.objects.put([item])
