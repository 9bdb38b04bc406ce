"""Zeek JSON: every type of log, with and without its name; what each becomes; hostile lines."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from ingest.formats.zeek_scenes import json_lines, observations, record
from ingest_scenes import Scene, counts
from realdata import folder
from seawall.ingest import read_quarantine
from seawall.ingest.formats import recognise

NOON = 1773457920_000000
MD5, SHA1, SHA256 = "ab" * 16, "cd" * 20, "ef" * 32


def one(scene: Scene, **fields: Any) -> dict[str, Any]:
    """The row of one record; what is NULL is left out."""
    (row,) = observations(scene, "one.json", json_lines([record(**fields)]), "zeek-json")
    return {name: value for name, value in row.items() if value is not None}


def address(text: str) -> int:
    """Low half of an IPv4 address in the lake."""
    a, b, c, d = (int(part) for part in text.split("."))
    return 0xFFFF_0000_0000 + (a << 24) + (b << 16) + (c << 8) + d


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"_path": "dns", "query": "Evil.Test."}, {"kind": "dns", "domain": "evil.test", "basis": "none"}),
        (
            {"_path": "http", "host": "Evil.Test", "uri": "/a?b", "id__resp_p": 8080},
            {"kind": "http", "domain": "evil.test", "url": "http://evil.test:8080/a?b"},
        ),
        ({"_path": "http", "host": "evil.test", "uri": "/a", "id__resp_p": 80}, {"url": "http://evil.test/a"}),
        (
            {"_path": "ssl", "server_name": "a.test", "ja3": MD5, "ja4": "t13", "cert_chain_fps": [SHA256, SHA1]},
            {"domain": "a.test", "ja3": MD5, "ja4": "t13", "certificate": SHA256},
        ),
        ({"_path": "x509", "fingerprint": SHA256.upper()}, {"certificate": SHA256}),
        (
            {"_path": "files", "tx_hosts": ["192.0.2.1"], "rx_hosts": ["10.0.0.9"], "filename": "a.exe", "sha1": SHA1},
            {"src_low": address("192.0.2.1"), "dst_low": address("10.0.0.9"), "file_name": "a.exe", "sha1": SHA1},
        ),
        (  # since Zeek 5.1: no hosts, but the connection and who sent
            {"_path": "files", "is_orig": False, "md5": MD5, "sha256": SHA256},
            {
                "src_low": address("10.0.0.7"),
                "src_port": 443,
                "dst_low": address("203.0.113.9"),
                "dst_port": 40000,
                "client_end": "destination",
                "md5": MD5,
                "sha256": SHA256,
            },
        ),
        (
            {"_path": "smtp", "mailfrom": "<Bad@Evil.Test>", "rcptto": ["us@ours.test", "x@ours.test"]},
            {"email": "bad@evil.test"},
        ),
        ({"_path": "ssh", "hassh": MD5, "hasshServer": MD5[::-1]}, {"hassh": MD5, "hassh_of": "client"}),
        ({"_path": "software", "host": "10.1.2.3", "name": "x", "id__orig_h": ...}, {"src_low": address("10.1.2.3")}),
        (
            {"_path": "kerberos", "client": "person/A.TEST", "service": "HTTP/Web.A.test@A.TEST"},
            {"domain": "web.a.test"},
        ),
        ({"_path": "weird", "name": "bad_checksum"}, {"signature": "bad_checksum", "basis": "none"}),
        ({"_path": "alert", "note": "Scan::Port_Scan"}, {"kind": "alert", "basis": "none", "rsit": None}),
        ({"_path": "drop"}, {"kind": "drop", "basis": "none"}),
        ({"_path": "conn", "proto": "icmp", "id__orig_p": 8, "id__resp_p": 0}, {"protocol": "icmp"}),
        ({"_path": "dhcp", "client_addr": "10.0.0.3", "server_addr": "10.0.0.1"}, {"src_low": address("10.0.0.3")}),
    ],
    ids=lambda value: value["_path"] if isinstance(value, dict) and "_path" in value else "",
)
def test_each_log_gives_what_it_tells(scene: Scene, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    """Names, URLs, fingerprints, hashes and correspondents go to their columns."""
    row = one(scene, **fields)
    assert {name: row.get(name) for name in expected} == expected


@pytest.mark.parametrize(
    ("note", "basis", "rsit"),
    [
        ("Scan::Port_Scan", "alert", "information-gathering:scanner"),
        ("SSH::Password_Guessing", "alert", "intrusion-attempts:brute-force"),
        ("TeamCymruMalwareHashRegistry::Match", "alert", "malicious-code:malware-distribution"),
        ("Our::Own_Notice", "alert", "intrusion-attempts:ids-alert"),
        ("CaptureLoss::Too_Much_Loss", "none", None),
        ("PacketFilter::Dropped_Packets", "none", None),
        ("SSL::Invalid_Server_Cert", "none", None),
    ],
)
def test_a_notice_is_evidence_unless_it_describes_no_attack(
    scene: Scene, note: str, basis: str, rsit: str | None
) -> None:
    """Its own source, destination and port go before those of the connection."""
    row = one(scene, _path="notice", note=note, src="192.0.2.8", dst="10.0.0.1", p=22)
    assert (row["basis"], row.get("rsit"), row["signature"]) == (basis, rsit, note)
    assert (row["src_low"], row["dst_low"], row["dst_port"]) == (address("192.0.2.8"), address("10.0.0.1"), 22)
    assert "src_port" not in row


@pytest.mark.parametrize(
    ("kind", "seen", "column", "value"),
    [
        ("DOMAIN", "Evil.Test", "domain", "evil.test"),
        ("URL", "evil.test/a", "url", "http://evil.test/a"),
        ("FILE_HASH", SHA1, "sha1", SHA1),
        ("FILE_HASH", SHA256, "sha256", SHA256),
        ("CERT_HASH", SHA1, "certificate", SHA1),
        ("EMAIL", "bad@evil.test", "email", "bad@evil.test"),
        ("FILE_NAME", "a.exe", "file_name", "a.exe"),
    ],
)
def test_an_intel_hit_is_evidence_in_the_column_of_its_kind(
    scene: Scene, kind: str, seen: str, column: str, value: str
) -> None:
    """What was seen, and where, is the sensor's own alert."""
    fields = {"seen.indicator": seen, "seen.indicator_type": f"Intel::{kind}", "seen.where": "X::IN_Y"}
    row = one(scene, _path="intel", **fields)
    assert (row[column], row["basis"], row["signature"]) == (value, "alert", f"Intel::{kind} in X::IN_Y")


def test_names_of_people_are_not_taken(scene: Scene) -> None:
    """Kerberos clients, RDP cookies, FTP and NTLM users, mail subjects stay in the log."""
    fields = {"client": "jdoe", "cookie": "jdoe", "user": "jdoe", "username": "jdoe", "subject": "jdoe", "arg": "jdoe"}
    for log in ("kerberos", "rdp", "ftp", "ntlm", "smtp"):
        assert "jdoe" not in str(one(scene, _path=log, **fields))


@pytest.mark.parametrize(
    ("ts", "time"),
    [
        (1773457920.25, NOON + 250_000),
        (1773457920, NOON),
        (1773457920250, NOON + 250_000),
        (1773457920250.5, NOON + 250_500),
        ("2026-03-14T03:12:00.250000Z", NOON + 250_000),
        ("2026-03-14T03:12:00Z", NOON),
        ("2026-03-14T12:12:00+09:00", NOON),
        ("1773457920.250000", NOON + 250_000),
    ],
)
def test_times_are_seconds_milliseconds_or_texts(scene: Scene, ts: Any, time: int) -> None:
    """Exact to the microsecond in each."""
    assert one(scene, _path="conn", ts=ts)["time"] == time


def test_streamed_logs_without_their_path_are_recognised_too() -> None:
    """The fields of each real log alone say that it is Zeek's."""
    for name in ("dns", "ssl", "rdp", "weird", "smtp", "software", "ssh", "kerberos"):
        lines = gzip.decompress((folder("zeek-wrccdc") / f"{name}.json.gz").read_bytes()).splitlines()[:50]
        bare = [{key: value for key, value in json.loads(line).items() if key[0] != "_"} for line in lines]
        found = recognise(json_lines(bare))
        assert found is not None and found.name == "zeek-json"


def test_real_logs_without_path_are_of_their_own_type(scene: Scene) -> None:
    """The type is the name of the file in a folder of one-type files, and counts are those of its lines."""
    logs = sorted(path for path in (folder("zeek-zat") / "json").iterdir() if path.stem != "loaded_scripts")
    report = scene.ingest(*logs)
    assert report.rejected == 0 and not report.problems
    expected = {path.stem: len(path.read_bytes().splitlines()) for path in logs}
    assert report.by_type == expected


def test_real_logs_with_path_are_stored_whole(scene: Scene) -> None:
    """Volume, attack tools and attackers' texts, as captured in a contest."""
    report = scene.ingest(folder("zeek-wrccdc"))
    assert report.by_type == {
        "dns": 4000, "ssl": 2500, "rdp": 2000, "weird": 1500, "smtp": 1188, "software": 376, "ssh": 22, "kerberos": 11,
    }  # fmt: skip
    assert counts(report) == (11597, 0, 0)


def test_one_file_may_hold_many_types_and_name_its_sensor(scene: Scene) -> None:
    """Streaming logs carry path, time of writing and, from appliances, the system's name."""
    streamed = [
        record(_path=log, _write_ts="2026-03-14T03:12:01.000000Z", _system_name="tpe-1")
        for log in ("conn", "dns", "x_y")
    ]
    rows = observations(scene, "stream.json", json_lines(streamed))
    assert [(row["kind"], row["sensor"]) for row in rows] == [("conn", "tpe-1"), ("dns", "tpe-1"), ("x_y", "tpe-1")]


def test_a_record_that_tells_nothing_has_the_type_of_its_file(scene: Scene) -> None:
    """It is plainly Zeek's when the file holds several types."""
    conn, dns, bare = record(conn_state="SF"), record(rejected=False), record()
    assert [row["kind"] for row in observations(scene, "one.json", json_lines([bare, conn]))] == ["conn", "conn"]
    mixed = observations(scene, "two.json", json_lines([conn, dns, bare]))
    assert [row["kind"] for row in mixed] == ["conn", "dns", "zeek"]


GOOD = json_lines([record(_path="conn")])
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "no time": (json_lines([record(_path="conn", ts=...)]), "no-time"),
    "NaN": (GOOD.replace(b"1773457920.25", b"NaN"), "bad-time"),
    "NaN as text": (GOOD.replace(b"1773457920.25", b'"NaN"'), "bad-time"),
    "number beyond 64 bits": (GOOD.replace(b"1773457920.25", b"1" * 40), "bad-time"),
    "port beyond 64 bits": (GOOD.replace(b"443", b"4" * 40), "wrong-type"),
    "repeated key": (GOOD.replace(b'"uid"', b'"id.orig_h":"192.0.2.1","uid"'), "repeated-key"),
    "cut line": (GOOD[:60] + b"\n", "not-json"),
    "invalid UTF-8": (GOOD.replace(b"conn", b"co\xffn"), "not-json"),
    "object for a name": (GOOD.replace(b'"conn"', b'{"a":1}'), "no-type"),
    "text for a list": (GOOD.replace(b'"uid"', b'"rcptto":"x","uid"'), "wrong-type"),
    "endless value": (GOOD.replace(b"conn", b"c" * (10 << 20)), "line-too-long"),
    "terminal escape": (GOOD.replace(b'"uid"', b'"query":"\\u001b[31m.test","uid"'), None),
    "SQL": (GOOD.replace(b'"uid"', b'"host":"x\'; DROP TABLE t; --","uid"'), None),
    "deep nesting elsewhere": (GOOD.replace(b'"uid"', b'"x":' + b"[" * 5000 + b"]" * 5000 + b',"uid"'), None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_harms_nothing_but_itself(scene: Scene, name: str) -> None:
    """Its neighbours are stored; it is stored, or rejected with its reason."""
    line, code = HOSTILE[name]
    path = scene.write("zeek.json", GOOD + line + GOOD)
    report = scene.ingest(path, format="zeek-json")
    assert counts(report) == ((2, 0, 1) if code else (3, 0, 0))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ([code] if code else [])
