"""Technique sightings: entered, released as STIX, taken in by a peer, matched without any value in common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from journey.command_line import SeawallNode, here
from seawall.codec.stix import check
from seawall.flow.node import Node
from seawall.flow.shareable import prepare_findings
from seawall.model import Pap, Tlp
from seawall.model.stored import StoredObject

WAY = "T1190,T1505.003,T1003.003,T1558.003,T1550.002,T1114.002,T1567.002"
OTHERS = ("T1566.001,T1204.002,T1059.005,T1547.001", "T1110.003,T1078,T1098,T1114.002", "T1195.002,T1574.002,T1027")


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """A node of Taiwan."""
    return SeawallNode(tmp_path / "node", "TW")


def bodies(node: SeawallNode, ids: list[str]) -> list[bytes]:
    with Node.open(node.folder) as opened:
        held = opened.store.objects.latest(ids)
    return [held[id].body for id in ids]


def take(node: SeawallNode, given: list[bytes], peer: str) -> None:
    """As inbound policy stores what a peer sent."""
    with Node.open(node.folder) as opened:
        for body in given:
            read = json.loads(body)
            item = StoredObject(
                read["id"], read["type"], read["modified"], read["created_by_ref"], body, Tlp.AMBER, Pap.AMBER, peer,
                stored_at=opened.clock(),
            )  # fmt: skip
            opened.store.objects.put([item])


def test_one_way_of_working_on_two_sides_is_found_without_any_value(node: SeawallNode, tmp_path: Path) -> None:
    """What a peer told in STIX matches what was entered here; unrelated sequences do not; chance is stated."""
    peer = SeawallNode(tmp_path / "peer", "KR")
    told = peer.here("techniques", "add", "--sequence", WAY, "--sector", "defence", "--tool", "mimikatz")
    assert [id.partition("--")[0] for id in told["objects"]] == ["attack-pattern", "sighting"]
    given = bodies(peer, told["objects"])
    assert all(check(json.loads(body)).valid for body in given)
    for sequence in OTHERS:
        node.here("techniques", "add", "--sequence", sequence, "--sector", "finance")
    assert node.here("techniques", "matches")["false_match_rate"] is None
    node.here("techniques", "add", "--sequence", WAY, "--sector", "energy", "--tool", "Mimikatz")
    take(node, given[::-1], "seoul")  # the sighting before its attack pattern
    found = node.here("techniques", "matches")
    (match,) = found["items"]
    assert {match["one"]["side"], match["other"]["side"]} == {"TW", "seoul"}
    assert match["common"] == WAY.split(",")
    assert (match["possible"], match["tools"]) == (True, ["mimikatz"])
    assert match["q"] <= 0.1
    assert found["pairs"] == 4
    low, high = found["false_match_rate"]
    assert low <= found["false_matches"] / found["draws"] <= high < 0.1
    shown = here("--node", node.folder, "techniques", "matches").out
    assert "unrelated sequences would look alike" in shown
    rows = node.here("techniques")["items"]
    assert [row["sectors"] for row in rows if row["origin"] == "seoul"] == [["defence"]]


def test_a_sighting_waits_for_its_attack_pattern(node: SeawallNode, tmp_path: Path) -> None:
    """Whichever comes first, the two are read together once both are here; a withdrawn one goes."""
    peer = SeawallNode(tmp_path / "peer", "KR")
    given = bodies(peer, peer.here("techniques", "add", "--sequence", WAY, "--sector", "defence")["objects"])
    take(node, given[1:], "seoul")
    assert node.here("techniques")["items"] == []
    take(node, given[:1], "seoul")
    assert len(node.here("techniques")["items"]) == 1
    gone = json.loads(given[1]) | {"count": 0, "modified": "2030-01-01T00:00:00.000Z"}
    take(node, [json.dumps(gone).encode()], "seoul")
    assert node.here("techniques")["items"] == []


def test_what_was_entered_stays_ours_and_is_not_withdrawn(node: SeawallNode) -> None:
    """Preparing findings leaves an analyst's sighting as it was told."""
    ids = node.here("techniques", "add", "--sequence", WAY, "--sector", "defence")["objects"]
    before = bodies(node, ids)
    with Node.open(node.folder) as opened:
        prepare_findings(opened)
    assert bodies(node, ids) == before


def test_techniques_of_signatures_are_a_sequence_of_one_machine(node: SeawallNode, tmp_path: Path) -> None:
    """Alerts that name techniques at one machine of ours give its sequence, in order; the machine is not named."""
    lines = []
    for number, technique in enumerate(("T1190", "T1505.003", "T1003")):
        alert = {
            "signature": f"s{number}", "signature_id": number, "severity": 1, "category": "x",
            "metadata": {"mitre_technique_id": [technique]},
        }  # fmt: skip
        lines.append(
            json.dumps(
                {
                    "timestamp": f"2026-05-01T1{number}:00:00.000000+0000", "event_type": "alert", "proto": "TCP",
                    "src_ip": "203.0.113.7", "src_port": 1, "dest_ip": "10.1.2.3", "dest_port": 80, "alert": alert,
                }
            )
        )  # fmt: skip
    (tmp_path / "eve.json").write_text("\n".join(lines) + "\n")
    node.here("ingest", tmp_path / "eve.json", "--side", "TW", "--sector", "energy")
    (row,) = node.here("techniques")["items"]
    assert (row["sequence"], row["source"], row["sectors"]) == (
        ["T1190", "T1505.003", "T1003"],
        "telemetry",
        ["energy"],
    )
    assert "10.1.2.3" not in json.dumps(row)


def test_single_sightings_of_one_source_are_one_sequence(node: SeawallNode, tmp_path: Path) -> None:
    """An imported bundle that says technique by technique what was seen gives one sequence in order of time."""
    identity = "identity--1b2c3d4e-1111-4222-8333-444455556666"
    objects: list[dict[str, object]] = []
    for number, technique in enumerate(("T1003", "T1190", "T1505.003")):
        pattern = f"attack-pattern--0000000{number}-1111-4222-8333-444455556666"
        common = {
            "spec_version": "2.1", "created": "2026-01-01T00:00:00.000Z", "modified": "2026-01-01T00:00:00.000Z",
            "created_by_ref": identity,
        }  # fmt: skip
        reference = {"source_name": "mitre-attack", "external_id": technique}
        objects.append(
            {"type": "attack-pattern", "id": pattern, "name": technique, "external_references": [reference], **common}
        )
        objects.append(
            {
                "type": "sighting", "id": f"sighting--0000000{number}-1111-4222-8333-444455556666",
                "sighting_of_ref": pattern, "first_seen": f"2026-01-0{(number + 1) % 3 + 1}T00:00:00Z", **common,
            }
        )  # fmt: skip
    bundle = {"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": objects}
    (tmp_path / "seen.json").write_text(json.dumps(bundle))
    node.here("intel", "import", tmp_path / "seen.json", "--source", "report")
    (row,) = node.here("techniques")["items"]
    assert row["sequence"] == ["T1505.003", "T1003", "T1190"]


def test_what_is_no_technique_is_refused_in_a_sentence(node: SeawallNode) -> None:
    """Wrong ids, no ids and no sector are told; nothing is kept."""
    for sequence, code in (("T12", "E-FLOW-809"), (",", "E-FLOW-810"), ("T1190", "E-FLOW-811")):
        sector = "" if code == "E-FLOW-811" else "energy"
        answer = here("--node", node.folder, "techniques", "add", "--sequence", sequence, "--sector", sector)
        assert answer.err.startswith(code)
    assert node.here("techniques")["items"] == []
