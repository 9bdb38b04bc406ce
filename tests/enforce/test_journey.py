"""From an attack on one side to a dropped packet at a gateway of the other: two nodes, real tools, real packets."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from enforce.gateways import GATEWAYS, Scene, nftables
from enforce.lab import Lab, lab

pytestmark = [
    pytest.mark.tool("ip"),
    pytest.mark.tool("unshare"),
    pytest.mark.tool("sysctl"),
    pytest.mark.skipif(os.geteuid() != 0 and not os.environ.get("CI"), reason="needs root: network namespaces"),
    pytest.mark.xdist_group("enforce-lab"),  # one worker, one pair of nodes
]
CLEAN = "203.0.113.5"
TOOLS = [
    pytest.param("nftables", marks=pytest.mark.tool("nft")),
    pytest.param("suricata", marks=[pytest.mark.tool("suricata"), pytest.mark.tool("ethtool")]),
    pytest.param("haproxy", marks=pytest.mark.tool("haproxy")),
    pytest.param(
        "crowdsec",
        marks=[pytest.mark.tool("crowdsec"), pytest.mark.tool("crowdsec-firewall-bouncer"), pytest.mark.tool("nft")],
    ),
    pytest.param("unbound", marks=pytest.mark.tool("unbound")),
    pytest.param("bind", marks=pytest.mark.tool("named")),
]


@pytest.fixture(scope="module")
def nodes() -> Iterator[Lab]:
    """Taipei, whose log is followed, and Seoul, which accepted the circle for enforcement."""
    with tempfile.TemporaryDirectory(prefix="seawall-lab-") as folder:
        Path(folder).chmod(0o755)
        with lab(Path(folder)) as found:
            yield found


def passes(scene: Scene, value: str) -> bool:
    """Whether traffic of a value passes now."""
    probe = scene.probe(value)
    try:
        return probe.passes()
    finally:
        probe.close()


@pytest.mark.parametrize("tool", TOOLS)
def test_an_attack_there_is_dropped_here_and_undone_by_hand(nodes: Lab, tool: str) -> None:
    """A line in Taipei's log: Seoul's gateway drops that value alone, with nobody touching it; undone, it passes."""
    address = f"203.0.113.{20 + list(GATEWAYS).index(tool)}"
    with GATEWAYS[tool](nodes) as scene:
        value, clean = (f"c2-{tool}.example.net", "clean.example.net") if scene.named else (address, CLEAN)
        probe = scene.probe(value)
        assert probe.passes()
        assert passes(scene, clean)
        began = nodes.attack_by_name(value, address) if scene.named else nodes.attack(address)
        dropped = probe.until(False, 60)
        assert dropped is not None
        assert dropped > began
        assert passes(scene, clean)
        nodes.seoul.here("protect", "undo", value, "--reason", "a test")
        assert probe.until(True, 60) is not None
        assert passes(scene, clean)
        probe.close()


@pytest.mark.tool("nft")
def test_no_peer_can_cut_a_plant(nodes: Lab) -> None:
    """With standing rules on both sides a peer's word drops packets at the edge; in a plant they pass, and are told."""
    address = "203.0.113.40"
    with nftables(nodes, "ot") as plant:
        probe = plant.probe(address)
        nodes.attack(address)
        end = time.monotonic() + 30
        while not (held := nodes.seoul.here("protect", "status", address)["items"]):
            assert time.monotonic() < end
        assert [(one["action"], one["state"]) for one in held] == [("block", "active")]
        assert [point["effect"] for point in held[0]["points"] if point["zone"] == "ot"] == ["watch"]
        while plant.gateway.following() == 0:
            assert time.monotonic() < end
        for _ in range(20):
            assert probe.passes()
        probe.close()
