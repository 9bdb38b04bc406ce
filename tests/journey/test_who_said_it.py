"""Journey: what Taipei made goes by Seoul to Tokyo, and Tokyo knows who said it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import environment, eve
from journey.trio import Trio
from seawall.flow.node import Node
from seawall.model import Pap, Tlp
from seawall.model.stix.known_extensions import ORIGIN_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.model.stored import StoredObject

pytestmark = pytest.mark.xdist_group("trio-origin")
ATTACKER = "203.0.113.61"


@pytest.fixture(scope="module")
def trio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trio]:
    """A chain: Taipei and Seoul share a circle, Seoul and Tokyo share another; Taipei and Tokyo never met."""
    made = Trio(tmp_path_factory.mktemp("chain"))
    made.introduce("taipei", "seoul", "--auto", "indicator,sighting,malware", "--attribution")
    made.introduce("seoul", "tokyo", "--auto", "indicator,sighting,malware", "--attribution")
    seen = made.root / "seen.json"
    seen.write_text(eve("2026-03-14T03:12:00.000000+0000", ATTACKER, "10.1.0.5", sensor="tpe-1") + "\n")
    made.nodes["taipei"].here("ingest", seen)
    made.nodes["taipei"].here("match")
    write(made.nodes["taipei"].folder)
    with made.serving():
        time.sleep(0.2)
        made.nodes["seoul"].here("sync", "taipei")
        made.nodes["tokyo"].here("sync", "seoul")
        yield made


def write(folder: Path) -> None:
    """An analyst of this node describes a piece of malware that may go on (TLP:CLEAR)."""
    with Node.open(folder) as node:
        at = "2026-03-14T04:00:00.000Z"
        body = {
            "type": "malware",
            "spec_version": "2.1",
            "id": "malware--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061",
            "created_by_ref": node.keys.identity_id,
            "created": at,
            "modified": at,
            "name": "ShadowPad 變種",
            "is_family": True,
            "object_marking_refs": [TLP2_IDS[Tlp.CLEAR]],
        }
        stored = StoredObject(
            id=str(body["id"]),
            type="malware",
            version=at,
            created_by=node.keys.identity_id,
            body=json.dumps(body).encode(),
            tlp=Tlp.CLEAR,
            pap=Pap.CLEAR,
            stored_at=node.clock(),
        )
        node.store.objects.put([stored])


def bundle(trio: Trio, name: str, path: Path) -> list[dict[str, Any]]:
    """Everything that a node holds, as a STIX bundle in ``path``."""
    done = trio.nodes[name].raw("intel", "export", "--to", "stix", "-o", path)
    assert done.returncode == 0, done.stderr
    objects: list[dict[str, Any]] = json.loads(path.read_bytes())["objects"]
    return objects


def of_taipei(trio: Trio, name: str, path: Path) -> list[dict[str, Any]]:
    """What a node holds that Taipei made."""
    maker = f"identity--{trio.nodes['taipei'].node_id}"
    return [item for item in bundle(trio, name, path) if item.get("created_by_ref") == maker]


def test_the_next_node_verifies_the_maker(trio: Trio, tmp_path: Path) -> None:
    """Seoul knows Taipei's keys: indicator and sighting are verified."""
    made = of_taipei(trio, "seoul", tmp_path / "seoul.json")
    assert {item["type"] for item in made} == {"indicator", "sighting", "malware"}
    for item in made:
        shown = trio.nodes["seoul"].here("origins", "show", item["id"])
        assert (shown["state"], shown["creator_name"], shown["key_version"]) == ("verified", "taipei", 1)
        assert shown["hops"] == ["taipei"]
        why = trio.nodes["seoul"].here("why", item["id"], "--peer", "tokyo")
        assert why["origin"]["state"] == "verified"


def test_two_hops_on_the_signature_is_whole(trio: Trio, tmp_path: Path) -> None:
    """Tokyo has the very bytes of the signature; it says "unverified origin" until it knows Taipei's keys."""
    tokyo = trio.nodes["tokyo"]
    made = of_taipei(trio, "tokyo", tmp_path / "tokyo.json")
    before = {item["id"]: item["extensions"] for item in of_taipei(trio, "seoul", tmp_path / "seoul.json")}
    assert [item["type"] for item in made] == ["malware"]  # the rest is AMBER: it does not go on
    assert made[0]["extensions"] == before[made[0]["id"]]
    first = made[0]["id"]
    shown = tokyo.here("origins", "show", first)
    assert (shown["state"], shown["received_from"]) == ("unverified-origin", "seoul")
    refused = tokyo.raw("origins", "trust", trio.card("taipei"), "--name", "TWCERT")
    assert refused.returncode == 3 and b"E-FLOW-427" in refused.stderr
    people = ("--fingerprint", trio.nodes["taipei"].fingerprint, "--approver-token", trio.approvers["tokyo"])
    tokyo.here("origins", "trust", trio.card("taipei"), "--name", "TWCERT", *people)
    shown = tokyo.here("origins", "show", first)
    assert (shown["state"], shown["creator_name"], shown["hops"]) == ("verified", "TWCERT", ["TWCERT", "seoul"])


def test_what_was_signed_before_a_rotation_stays_provable(trio: Trio, tmp_path: Path) -> None:
    """Taipei's key is stolen and replaced: what Seoul held stays verified by the key of its time."""
    made = of_taipei(trio, "seoul", tmp_path / "seoul.json")
    trio.rotate("taipei", "--stolen")
    trio.nodes["taipei"].here("sync", "seoul")
    for item in made:
        shown = trio.nodes["seoul"].here("origins", "show", item["id"])
        assert (shown["state"], shown["key_version"]) == ("verified", 1)


def test_others_tools_accept_what_is_exported(trio: Trio, tmp_path: Path) -> None:
    """The schema validator of OASIS finds no error in objects that bear signatures."""
    path = tmp_path / "bundle.json"
    objects = bundle(trio, "seoul", path)
    assert any(ORIGIN_EXTENSION in item.get("extensions", {}) for item in objects)
    judge = "import sys, stix2validator as v; r = v.validate_file(sys.argv[1]); sys.exit(0 if r.is_valid else 1)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", judge, str(path)], capture_output=True, env=environment(), check=False
    )
    assert done.returncode == 0, done.stdout.decode()
