"""``seawall misp`` as people type it, beside a recorded MISP over TLS."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from exchange.misp.recorded_misp import KEY, MispServer, RecordedMisp
from journey.command_line import SeawallNode
from seawall.identity.certificates import certificate_sha256


@pytest.fixture
def misp(tmp_path: Path) -> Iterator[MispServer]:
    """It has one event, and a certificate of its own authority."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf = authority.issue_cert("127.0.0.1")
    leaf.configure_cert(context)
    der = ssl.PEM_cert_to_DER_cert(leaf.cert_chain_pems[0].bytes().decode())
    (tmp_path / "pin").write_text(certificate_sha256(der))
    (tmp_path / "key").write_text(KEY + "\n")
    recorded = RecordedMisp(lambda: int(time.time()))
    event = recorded.new_event("Theirs", Tag=[{"name": "tlp:green"}])
    recorded.new_attribute(event, "domain", "theirs.example")
    with MispServer(recorded, context) as server:
        yield server


def test_a_misp_is_added_synchronised_listed_and_removed(tmp_path: Path, misp: MispServer) -> None:
    """add tries key and certificate, sync counts both directions, doctor lists the address, remove forgets it."""
    node = SeawallNode(tmp_path / "node", "TW")
    (tmp_path / "list.csv").write_text("type,value\ndomain,ours.example\n")
    node.here("intel", "import", tmp_path / "list.csv", "--tlp", "green")
    asked = ("misp", "add", "own", "--url", misp.url, "--key-file", tmp_path / "key")
    untrusted = node.raw(*asked)
    assert untrusted.returncode == 2
    assert b"E-EXCHANGE-312" in untrusted.stderr
    added = node.here(*asked, "--ca", tmp_path / "ca.pem", "--pin", (tmp_path / "pin").read_text())
    assert added["version"] == "2.5.34"
    report = node.here("misp", "sync", "own")
    assert (report["pulled"], report["pushed"], report["problems"]) == (1, 1, [])
    assert "cpu_seconds" in report
    values = {one["value"] for event in misp.misp.events.values() for one in event["Attribute"]}
    assert values == {"theirs.example", "ours.example"}
    again = node.here("misp", "sync", "own")
    assert (again["pulled"], again["pushed"]) == (0, 0)
    (listed,) = node.here("misp", "list")["items"]
    assert (listed["name"], listed["pinned"], listed["last_result"]) == ("own", True, "0 pulled, 0 pushed")
    assert misp.url in json.dumps(node.here("doctor"))
    assert "own: " in node.here("run", "misp")["result"]
    export = node.here("intel", "export", "--to", "csv", "-o", tmp_path / "all.csv")
    assert export["objects"] >= 2
    assert "theirs.example" in (tmp_path / "all.csv").read_text()
    assert node.here("misp", "remove", "own")["removed"] is True
    assert node.raw("misp", "sync", "own").returncode == 2


def test_a_pin_alone_is_enough_and_a_wrong_one_is_not(tmp_path: Path, misp: MispServer) -> None:
    """With a pin no authority is needed; with another key behind the address nothing is sent."""
    node = SeawallNode(tmp_path / "node", "TW")
    asked = ("misp", "add", "own", "--url", misp.url, "--key-file", tmp_path / "key", "--pin")
    calls = len(misp.misp.calls)
    wrong = node.raw(*asked, "0" * 64)
    assert b"E-EXCHANGE-312" in wrong.stderr
    assert len(misp.misp.calls) == calls
    assert node.here(*asked, (tmp_path / "pin").read_text())["pinned"] is True
