"""Cowrie's JSON log, as the honeypot wrote it and as attackers would like to write it."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from ingest_scenes import Scene, counts
from realdata import folder
from seawall.ingest import read_quarantine

SHA256 = "ab" * 32


def event(eventid: str, **fields: Any) -> bytes:
    """One line; a field given as ``...`` is left out."""
    base = {
        "session": "12bf8d054b3b",
        "protocol": "ssh",
        "src_ip": "198.51.100.10",
        "src_port": 36002,
        "dst_ip": "10.0.0.5",
        "dst_port": 2222,
        "eventid": eventid,
        "sensor": "hp-1",
        "timestamp": "2026-03-14T03:12:00.000001Z",
    }
    return json.dumps({name: value for name, value in (base | fields).items() if value is not ...}).encode()


def one(scene: Scene, line: bytes) -> dict[str, Any]:
    """The row of one line."""
    scene.ingest(scene.write(f"cowrie-{len(list(scene.folder.iterdir()))}.json", [line]))
    return scene.rows()[-1]


def test_the_real_log_is_stored_whole_and_all_of_it_is_evidence(scene: Scene) -> None:
    """Each event id is a type of its own; the sensor is the honeypot."""
    lines = [json.loads(line) for line in (folder("cowrie-live") / "cowrie.json").read_bytes().splitlines()]
    report = scene.ingest(folder("cowrie-live") / "cowrie.json")
    assert counts(report) == (547, 0, 0)
    assert report.by_type == Counter(line["eventid"] for line in lines)
    rows = scene.rows()
    assert {(row["basis"], row["sensor"], row["protocol"]) for row in rows} == {("honeypot", "hp-sensor-01", "tcp")}
    for column, field in (("command", "input"), ("username", "username"), ("hassh", "hassh"), ("src_port", "src_port")):
        assert [row[column] for row in rows] == [line.get(field) for line in lines]


def test_no_password_is_stored(scene: Scene) -> None:
    """Of a login the name is kept, and no column holds the rest."""
    row = one(scene, event("cowrie.login.failed", username="root", password="s3cret", message="login [root/s3cret]"))
    assert row["username"] == "root" and "s3cret" not in str(row)


@pytest.mark.parametrize(
    ("eventid", "basis", "rsit"),
    [
        ("cowrie.login.failed", "honeypot", "intrusion-attempts:brute-force"),
        ("cowrie.login.success", "honeypot", "intrusions:unprivileged-account-compromise"),
        ("cowrie.session.file_download", "honeypot", "malicious-code:malware-distribution"),
        ("cowrie.session.file_upload", "honeypot", "malicious-code:malware-distribution"),
        ("cowrie.command.input", "honeypot", "intrusion-attempts:ids-alert"),
        ("cowrie.session.connect", "honeypot", "information-gathering:scanner"),
        ("cowrie.virustotal.scanfile", "none", None),
    ],
)
def test_what_an_attacker_caused_is_evidence(scene: Scene, eventid: str, basis: str, rsit: str | None) -> None:
    """What the honeypot's own look-ups add is not."""
    row = one(scene, event(eventid))
    assert (row["kind"], row["basis"], row["rsit"]) == (eventid, basis, rsit)


def test_a_download_names_the_other_side_and_its_file(scene: Scene) -> None:
    """The honeypot is the client: the URL is remote, and so is the file."""
    url = "http://Evil.Test/x.sh"
    row = one(scene, event("cowrie.session.file_download", url=url, shasum=SHA256, destfile="/opt/x"))
    assert (row["url"], row["domain"], row["sha256"]) == ("http://evil.test/x.sh", "evil.test", SHA256)
    assert (row["file_name"], row["client_end"]) == ("/opt/x", "destination")
    roles = {entry["value"]: entry["role"] for entry in scene.rollup() if entry["value"]}
    assert roles == {"http://evil.test/x.sh": "remote", "evil.test": "remote", SHA256: "remote", "/opt/x": "remote"}


def test_a_recording_of_a_session_is_no_malware(scene: Scene) -> None:
    """Its hash is that of the honeypot's own file."""
    assert one(scene, event("cowrie.log.closed", shasum=SHA256, ttylog="x"))["sha256"] is None


def test_a_forwarded_connection_has_its_target_as_destination(scene: Scene) -> None:
    """Be it an address or a name; neither end is ours, so nobody is accused by it."""
    row = one(scene, event("cowrie.direct-tcpip.request", dst_ip="192.0.2.200", dst_port=25))
    assert (row["dst_port"], row["own_end"], row["domain"]) == (25, "neither", None)
    row = one(scene, event("cowrie.direct-tcpip.request", dst_ip="Mail.Test", dst_port=25))
    assert (row["dst_low"], row["domain"]) == (None, "mail.test")


LINE = event("cowrie.session.connect")
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "terminal escape": (event("cowrie.command.input", input="\x1b]0;x\x07\x1b[2J"), None),
    "SQL": (event("cowrie.login.failed", username="'; DROP TABLE t; --"), None),
    "formula": (event("cowrie.login.failed", username="=HYPERLINK(1)"), None),
    "object for a name": (event("cowrie.login.failed", username={"a": 1}), None),
    "repeated key": (LINE[:-1] + b', "src_ip": "192.0.2.1"}', "repeated-key"),
    "NaN": (LINE.replace(b"36002", b"NaN"), "wrong-type"),
    "number beyond 64 bits": (LINE.replace(b"36002", b"9" * 30), "wrong-type"),
    "no address": (event("cowrie.session.connect", src_ip="attacker"), "bad-address"),
    "no event id": (LINE.replace(b"eventid", b"event"), "not-cowrie"),
    "invalid UTF-8": (LINE.replace(b"hp-1", b"\xff"), "not-json"),
    "cut line": (LINE[:50], "not-json"),
    "deep nesting": (LINE[:-1] + b', "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", None),
    "endless command": (event("cowrie.command.input", input="x" * (10 << 20)), "line-too-long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_harms_nothing_but_itself(scene: Scene, name: str) -> None:
    """Its neighbours are stored; it is stored, or rejected with its reason."""
    line, code = HOSTILE[name]
    report = scene.ingest(scene.write("cowrie.json", [LINE, line, LINE]))
    assert counts(report) == ((2, 0, 1) if code else (3, 0, 0))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ([code] if code else [])
