"""The mappings that ship, on real lines where there are some, and on what their documents promise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ingest_scenes import Place, Scene, counts
from realdata import folder
from seawall.ingest.formats import by_name, recognise
from seawall.ingest.mapped import MappedFormat, shipped
from seawall.ingest.records import LineRefused
from seawall.model import to_microseconds
from seawall.model.moments import parse_moment

NAMES = [one.name for one in shipped()]


def record(name: str, line: str | dict[str, Any]) -> dict[str, Any]:
    """What a shipped mapping makes of one line."""
    format = by_name(name)
    assert isinstance(format, MappedFormat)
    text = line if isinstance(line, str) else json.dumps(line)
    [found] = format.decoder(to_microseconds(parse_moment("2026-03-20T00:00:00Z"))).decode(text.encode())
    return dict(found)


@pytest.mark.parametrize("name", NAMES)
def test_every_shipped_mapping_is_understood(name: str) -> None:
    """Each file is valid, is named like its file, and says how it is recognised."""
    format = by_name(name)
    assert isinstance(format, MappedFormat)
    assert format.mapping.name == name
    assert format.mapping.recognise is not None


def test_asa_agrees_with_metron(scene: Scene) -> None:
    """Every real line is stored; addresses, ports and protocol are those that Apache Metron's parser gives."""
    real = folder("cef-metron")
    expected = [json.loads(line) for line in (real / "asa_parsed_asa_parsed").read_text("utf-8").splitlines()]
    for one in expected:
        found = record("asa", one["original_string"])
        for theirs, ours in (
            ("ip_src_addr", "src_raw"),
            ("ip_dst_addr", "dst_raw"),
            ("ip_src_port", "src_port_raw"),
            ("ip_dst_port", "dst_port_raw"),
            ("protocol", "protocol"),
        ):
            if theirs in one:
                assert str(found.get(ours)).lower() == str(one[theirs]), one["original_string"]
        assert found.get("sensor") == one.get("syslog_host")
        if one.get("ciscotag"):
            assert one["ciscotag"].endswith(found["signature_id_raw"])
    report = scene.ingest(real / "asa_raw_asa_raw", timezone="UTC")
    assert counts(report) == (128, 0, 0)
    assert {row["basis"] for row in scene.rows()} == {"none", "blocked"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "<166>Mar 14 2026 03:12:00 fw1 : %ASA-6-302013: Built outbound TCP connection 1 for "
            "outside:203.0.113.9/443 (203.0.113.9/443) to inside:10.0.0.5/51000 (192.0.2.1/51000)",
            {"kind": "flow", "src_raw": "203.0.113.9", "dst_raw": "10.0.0.5", "client_is_source": False},
        ),
        (
            "<164>Mar 14 03:12:00 fw1 %ASA-4-106023: Deny tcp src outside:203.0.113.9/4000 dst inside:10.0.0.5/22 by "
            'access-group "outside_in" [0x0, 0x0]',
            {"kind": "deny", "basis": "blocked", "action": "blocked", "signature": "outside_in"},
        ),
        (
            "<164>Mar 14 03:12:00 fw1 %ASA-4-106023: Deny udp src inside:10.0.0.5/4000 dst outside:2001:db8::1/53 by "
            'access-group "inside_in"',
            {"basis": "none", "dst_raw": "2001:db8::1", "dst_port_raw": "53"},
        ),
        (
            "<164>Mar 14 03:12:00 fw1 %ASA-4-106100: access-list outside_in denied tcp outside/203.0.113.9(4000) -> "
            "inside/10.0.0.5(22) hit-cnt 1 first hit [0x1, 0x0]",
            {"basis": "blocked", "src_port_raw": "4000", "dst_port_raw": "22"},
        ),
        (
            "<164>Mar 14 03:12:00 fw1 %ASA-6-106100: access-list a permitted icmp inside/10.0.0.5(8) -> "
            "outside/203.0.113.9(0) hit-cnt 1 300-second interval [0x1, 0x0]",
            {"basis": "none", "action": "allowed", "dst_raw": "203.0.113.9"},
        ),
        (
            "<163>Mar 14 03:12:00 fw1 %ASA-3-710003: TCP access denied by ACL from 203.0.113.9/4141 to "
            "outside:192.0.2.1/22",
            {"basis": "blocked", "src_raw": "203.0.113.9", "dst_port_raw": "22"},
        ),
        (
            "<164>Mar 14 03:12:00 fw1 %ASA-4-733100: [ Scanning] drop rate-1 exceeded. Current burst rate is 1",
            {"kind": "message", "basis": "none", "signature_id_raw": "733100"},
        ),
        (
            "<164>Mar 14 03:12:00 fw1 %ASA-4-733102: Threat-detection adds host 203.0.113.9 to shun list",
            {"kind": "alert", "basis": "alert", "src_raw": "203.0.113.9", "rsit": "information-gathering:scanner"},
        ),
        (
            "<164>Mar 14 03:12:00 fw1 %FTD-4-338002: Dynamic filter monitored blacklisted TCP traffic from "
            "inside:10.1.1.45/6798 (192.0.2.1/7890) to outside:203.0.113.9/80 (203.0.113.9/80), destination "
            "203.0.113.9 resolved from dynamic list: bad.example.com, threat-level: very-high, category: Malware",
            {"kind": "alert", "basis": "alert", "host": "bad.example.com", "dst_raw": "203.0.113.9"},
        ),
        (
            "<161>Mar 14 03:12:00 fw1 %ASA-1-104001: (Primary) Switching to ACTIVE",
            {"kind": "message", "signature": "(Primary) Switching to ACTIVE", "severity_raw": "1"},
        ),
    ],
)
def test_asa_messages(line: str, expected: dict[str, Any]) -> None:
    """Each message number fills the columns that Cisco's manual says it carries."""
    found = record("asa", line)
    assert {name: found.get(name) for name in expected} == expected
    assert found["sensor"] == "fw1"


def test_snort_csv_agrees_with_metron(scene: Scene) -> None:
    """The real lines give the fields that Metron's parser gives; preprocessor remarks are no evidence."""
    real = folder("cef-metron")
    expected = [json.loads(line) for line in (real / "snort_parsed_SnortParsed").read_text("utf-8").splitlines()]
    for one in expected:
        found = record("snort", one["original_string"])
        names = {"src_raw": "ip_src_addr", "dst_raw": "ip_dst_addr", "src_port_raw": "ip_src_port"}
        names |= {
            "dst_port_raw": "ip_dst_port",
            "signature_id_raw": "sig_id",
            "signature": "msg",
            "protocol": "protocol",
        }
        assert {ours: found[ours] for ours in names} == {ours: one[theirs] for ours, theirs in names.items()}
        assert found["basis"] == "none"
    assert counts(scene.ingest(real / "snort_raw_SnortOutput", timezone="UTC")) == (3, 0, 0)


def test_snort_alert_fast(scene: Scene) -> None:
    """Lines of Snort 2 and 3, with and without year, class, ports and IPv6; rules are judged as Suricata's are."""
    lines = [
        b"03/14-03:12:00.612494  [**] [1:2009582:3] ET SCAN NMAP -sS window 1024 [**] "
        b"[Classification: Attempted Information Leak] [Priority: 2] {TCP} 203.0.113.9:40000 -> 10.0.0.5:22",
        b'03/14/26-03:12:01.612494 [**] [1:2000:1] "ET INFO quiet" [**] [Classification: Misc activity] [Priority: 3] '
        b"{UDP} 2001:db8::9:5353 -> 2001:db8::1:53",
        b"03/14-03:12:02.612494 [drop] [**] [1:1000001:1] local rule [**] [Priority: 0] {ICMP} 203.0.113.9 -> 10.0.0.5",
        b'03/14-03:12:03.612494 [**] [116:408:1] "(ipv4) packet from reserved address" [**] [Priority: 3] '
        b"{IPV6-ICMP} fe80::1 -> ff02::1",
    ]
    assert counts(scene.ingest(scene.write("alert", lines), timezone="UTC")) == (4, 0, 0)
    rows = scene.rows("basis, rsit, src_port, dst_port, signature_id, severity")
    assert [row["basis"] for row in rows] == ["alert", "none", "blocked", "none"]
    assert rows[0]["rsit"] == "information-gathering:scanner"
    assert (rows[1]["src_port"], rows[1]["dst_port"], rows[2]["src_port"]) == (5353, 53, None)


@pytest.mark.parametrize(
    "line",
    [
        "LEEF:1.0|Vendor|Product|4.0|15345|src=203.0.113.9\tdst=10.0.0.5\tsev=9\tdevTime=1773457920000\tproto=6",
        "<13>Mar 14 03:12:00 tw-qradar LEEF:2.0|Vendor|Product|1.0|15345|^|src=203.0.113.9^dst=10.0.0.5^sev=9^proto=6"
        "^devTime=Mar 14 2026 03:12:00.000 +0000",
        "<13>1 2026-03-14T03:12:00Z tw-qradar - - - - LEEF:2.0|Vendor|Product|1.0|15345|x5E|src=203.0.113.9^"
        "dst=10.0.0.5^sev=9^proto=6",
        "LEEF:2.0|Ven\\|dor|Product|1.0|15345||src=203.0.113.9\tdst=10.0.0.5\tsev=9\tdevTime=1773457920\tproto=6",
        "LEEF:2.0|Vendor|Product|1.0|15345|src=203.0.113.9\tdst=10.0.0.5\tsev=9\tdevTime=1773457920\tproto=6\tmsg=a|b",
    ],
)
def test_leef_in_all_its_spellings(line: str) -> None:
    """Versions 1 and 2, every way to name the delimiter, with and without a syslog header, say the same."""
    found = record("leef", line)
    assert (found["src_raw"], found["dst_raw"], found["protocol"]) == ("203.0.113.9", "10.0.0.5", "tcp")
    assert (found["kind"], found["severity_raw"], found["signature_id_raw"]) == ("alert", "9", "15345")
    assert found["time"] == to_microseconds(parse_moment("2026-03-14T03:12:00Z"))


def test_leef_below_the_vendor_s_alarm_is_context() -> None:
    """Severity below 7 is stored and is no evidence."""
    found = record("leef", "LEEF:1.0|V|P|1|login ok|src=203.0.113.9\tsev=3\tdevTime=1773457920000\taction=Blocked")
    assert (found["kind"], found["basis"], found["action"]) == ("event", "none", "blocked")


ALERT = {
    "@timestamp": "2026-03-14T03:12:00.123Z",
    "ecs": {"version": "8.11.0"},
    "event": {"kind": "alert", "category": ["network", "intrusion_detection"], "type": ["connection"], "severity": 2},
    "rule": {"id": "2024897", "name": "ET MALWARE beacon", "category": "A Network Trojan was detected"},
    "source": {"ip": "10.0.0.5", "port": 51000},
    "destination": {"ip": "203.0.113.9", "port": 80},
    "network": {"transport": "tcp", "protocol": "http", "direction": "outbound"},
    "url": {"domain": "C2.example.net", "original": "/gate.php?id=1"},
    "file": {"name": "x.exe", "hash": {"sha256": "a" * 64}},
    "threat": {"technique": {"id": ["T1071", "T1059"]}},
    "observer": {"name": "tpe-ids-1", "hostname": "ids.example"},
}


def flat(node: dict[str, Any], before: str = "") -> dict[str, Any]:
    """The same document with dotted keys."""
    found: dict[str, Any] = {}
    for key, value in node.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, dict) else {before + key: value}
    return found


@pytest.mark.parametrize("document", [ALERT, flat(ALERT), {"_index": "logs", "_source": ALERT}])
def test_ecs_nested_dotted_and_exported(document: dict[str, Any]) -> None:
    """A detection gives the same row however it was written down."""
    found = record("ecs", document)
    expected = {
        "kind": "alert", "sensor": "tpe-ids-1", "src_raw": "10.0.0.5", "dst_port_raw": "80", "protocol": "tcp",
        "host": "c2.example.net", "has_http_host": True, "path": "/gate.php?id=1", "sha256": "a" * 64,
        "signature_id_raw": "2024897", "severity_raw": "2", "category": "A Network Trojan was detected",
        "technique_text": "T1071,T1059", "time": 1_773_457_920_123_000,
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    assert "basis" not in found


def test_ecs_denied_alerts_and_inbound_denials_are_blocked() -> None:
    """A denied alert is blocked; a denied inbound connection too; a denied outbound one is context."""
    denied = {**flat(ALERT), "event.type": ["connection", "denied"]}
    assert record("ecs", denied)["action"] == "blocked"
    plain = {**denied, "event.kind": "event", "network.direction": "inbound"}
    assert record("ecs", plain)["basis"] == "blocked"
    assert record("ecs", {**plain, "network.direction": "outbound"})["basis"] == "none"


OCSF: dict[str, Any] = {
    "time": 1_773_457_920_123,
    "category_uid": 4,
    "severity_id": 1,
    "metadata": {"version": "1.3.0", "product": {"name": "Gate", "vendor_name": "Example"}},
    "device": {"hostname": "tpe-fw-1"},
    "src_endpoint": {"ip": "203.0.113.9", "port": 40000},
    "dst_endpoint": {"ip": "10.0.0.5", "port": 22, "hostname": "ssh.example.net"},
    "connection_info": {"protocol_num": 6, "direction_id": 1},
}
FINDING: dict[str, Any] = {
    "class_uid": 2004,
    "category_uid": 2,
    "time": 1_773_457_920_123,
    "severity_id": 4,
    "disposition_id": 2,
    "metadata": {"version": "1.3.0", "product": {"name": "EDR"}},
    "finding_info": {
        "title": "C2 beacon", "uid": "1", "types": ["C2"], "analytic": {"uid": "4711"},
        "attacks": [{"technique": {"uid": "T1071"}}, {"technique": {"uid": "T1095"}}],
    },
    "vulnerabilities": [{"cve": {"uid": "CVE-2021-44228"}}],
    "evidences": [
        {
            "src_endpoint": {"ip": "10.0.0.5", "port": 51000},
            "dst_endpoint": {"ip": "203.0.113.9", "port": 443},
            "connection_info": {"protocol_name": "TCP"},
            "url": {"url_string": "https://c2.example.net/gate"},
            "file": {
                "name": "x.exe",
                "hashes": [{"algorithm_id": 1, "value": "b" * 32}, {"algorithm_id": 3, "value": "a" * 64}],
            },
        }
    ],
}  # fmt: skip


def test_ocsf_network_activity() -> None:
    """A refused inbound connection is blocked, an outbound one is context; classes give the kind."""
    denied = record("ocsf", {**OCSF, "class_uid": 4001, "action_id": 2})
    expected = {"kind": "flow", "basis": "blocked", "protocol": "tcp", "sensor": "tpe-fw-1", "host": "ssh.example.net"}
    assert {name: denied.get(name) for name in expected} == expected
    assert denied["time"] == 1_773_457_920_123_000
    allowed = record("ocsf", {**OCSF, "class_uid": 4001, "action_id": 1})
    assert (allowed["basis"], allowed["src_port_raw"]) == ("none", "40000")


def test_ocsf_detection_finding() -> None:
    """A finding takes its ends, URL and hashes from its first evidence, and techniques and CVEs from their lists."""
    found = record("ocsf", FINDING)
    expected = {
        "kind": "alert", "action": "blocked", "src_raw": "10.0.0.5", "dst_raw": "203.0.113.9", "protocol": "TCP",
        "path": "https://c2.example.net/gate", "md5": "b" * 32, "sha256": "a" * 64, "signature": "C2 beacon",
        "signature_id_raw": "4711", "technique_text": "T1071,T1095", "cve_text": "CVE-2021-44228",
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    assert record("ocsf", {**FINDING, "severity_id": 1})["basis"] == "none"


@pytest.mark.parametrize(
    ("uid", "kind", "more"),
    [
        (4003, "dns", {"query": {"hostname": "C2.example.net."}}),
        (4002, "http", {"http_request": {"url": {"hostname": "c2.example.net", "path": "/x"}}}),
        (4007, "ssh", {"dst_endpoint": {"hostname": "c2.example.net"}}),
        (6006, "file-hosting", {"dst_endpoint": {"hostname": "c2.example.net"}}),
    ],
)
def test_ocsf_classes(uid: int, kind: str, more: dict[str, Any]) -> None:
    """DNS, HTTP, SSH and file hosting name the other end's host."""
    found = record("ocsf", {**OCSF, "class_uid": uid, **more})
    assert (found["kind"], found["host"], found["basis"]) == (kind, "c2.example.net", "none")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("ecs", json.dumps(ALERT)),
        ("ecs", json.dumps(flat(ALERT))),
        ("ocsf", json.dumps(FINDING)),
        ("ocsf", json.dumps([FINDING])),
        ("leef", "<13>Mar 14 03:12:00 gw LEEF:1.0|V|P|1|id|src=203.0.113.9\tdevTime=1773457920000"),
        ("asa", "<161>Mar 14 03:12:00 fw1 %ASA-1-104001: (Primary) Switching to ACTIVE"),
        ("snort", "03/14-03:12:02.6 [**] [1:1000001:1] local rule [**] [Priority: 0] {ICMP} 203.0.113.9 -> 10.0.0.5"),
    ],
)
def test_shipped_mappings_are_recognised(name: str, line: str, scene: Scene, tmp_path: Path) -> None:
    """``auto`` finds each one by a line of its own, and the line is stored."""
    found = recognise(line.encode() + b"\n")
    assert found is not None
    assert found.name == name
    sensors = {"fw1": Place("TW", "isp", "Asia/Taipei")}
    assert counts(scene.ingest(scene.write("log", [line.encode()]), sensors=sensors, timezone="UTC")) == (1, 0, 0)


@pytest.mark.parametrize("text", ["", "a,b,c", '{"a": 1}', "Mar 14 03:12:00 host sshd[1]: hello", "[]", "%ASA", "\x00"])
def test_other_texts_are_left_to_others(text: str) -> None:
    """No shipped mapping claims what is not its own."""
    assert [one.name for one in shipped() if one.recognises(text.encode())] == []


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("asa", b"%ASA-6-302013: Built TCP connection 1 for a:1.1.1.1/1 ("),
        ("asa", b"%ASA-6-302013: Built TCP connection 1 for a:1.1.1.1/1 (a) (b) "),
        ("asa", b"%ASA-4-106023: Deny tcp src a:1::/1 (x) "),
        ("asa", b"%FTD-4-338002: Dynamic filter a b c traffic from a:1/1 (x) to b:2/2 (y) "),
        ("asa", b"-4-400010 IPS:1 from from 1 to "),
        ("snort", b"03/14-03:12:02.6 [**] [1:1:1] "),
        ("snort", b'03/14-03:12:02.6 [**] [1:1:1] "" [**] [x] [y] {TCP '),
        ("snort", b'03/14-03:12:02.6 ,1,1,1,"",,'),
        ("leef", b"LEEF:1.0|a|b|c|d|e=\t=\t \t"),
        ("leef", b"LEEF:2.0|a|b|c|d|x09|\\|"),
    ],
)
def test_hostile_lines_take_bounded_time(name: str, part: bytes) -> None:
    """A line of a megabyte of a pattern's own beginning ends within the time of a test, quoted in part only."""
    format = by_name(name)
    assert isinstance(format, MappedFormat)
    line = part * ((1 << 20) // len(part))
    try:
        format.decoder(1).decode(line)
    except LineRefused as refused:
        assert len(str(refused)) < 2_000
