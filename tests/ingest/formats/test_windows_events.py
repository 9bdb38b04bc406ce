"""Windows and Sysmon records in the shapes of three shippers: what they tell of files, names and ends, not of users."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import read_quarantine
from seawall.ingest.formats import FORMATS, recognise

SYSMON, SECURITY = "Microsoft-Windows-Sysmon", "Microsoft-Windows-Security-Auditing"
DEFENDER = "Microsoft-Windows-Windows Defender"
MOMENT = 1_795_276_923_500_000  # 2026-11-21T16:02:03.5Z
MD5, SHA1, SHA256 = "5d41402abc4b2a76b9719d911017c592", "a" * 40, "b" * 64
HASHES = f"SHA1={SHA1},MD5={MD5.upper()},SHA256={SHA256},IMPHASH=0"
USER = "WS-7\\chiang.meiling"
EVENTS: dict[str, tuple[str, int, dict[str, str], dict[str, Any]]] = {
    "process": (
        SYSMON, 1,
        {"RuleName": "technique_id=T1059.001,technique_name=PowerShell", "Image": "C:\\Users\\chiang.meiling\\a.exe",
         "CommandLine": "a.exe -password secret", "User": USER, "Hashes": HASHES},
        {"file_name": "a.exe", "md5": MD5, "sha1": SHA1, "sha256": SHA256, "technique": "T1059.001",
         "own_end": "destination"},
    ),
    "network": (
        SYSMON, 3,
        {"Image": "C:\\a.exe", "Protocol": "tcp", "Initiated": "true", "SourceIp": "10.0.0.7",
         "SourcePort": "50000", "DestinationIp": "203.0.113.9", "DestinationPort": "443", "User": USER},
        {"src_low": 0xFFFF_0A00_0007, "src_port": 50000, "dst_low": 0xFFFF_CB00_7109, "dst_port": 443,
         "protocol": "tcp", "own_end": "source"},
    ),
    "file": (SYSMON, 11, {"TargetFilename": "C:\\Users\\chiang.meiling\\x.doc", "User": USER}, {"file_name": "x.doc"}),
    "file-stream": (
        SYSMON, 15,
        {"TargetFilename": "C:\\Users\\chiang.meiling\\setup.exe:Zone.Identifier", "Hash": HASHES,
         "Contents": "[ZoneTransfer]  ZoneId=3  ReferrerUrl=https://a.example/  HostUrl=https://evil.example/setup.exe"},
        {"file_name": "setup.exe:Zone.Identifier", "url": "https://evil.example/setup.exe", "sha256": SHA256},
    ),
    "dns": (
        SYSMON, 22, {"QueryName": "Evil.Example", "QueryResults": "::ffff:203.0.113.9;", "User": USER},
        {"domain": "evil.example", "own_end": "source"},
    ),
    "file-deleted": (SYSMON, 23, {"TargetFilename": "C:\\y.dll", "Hashes": HASHES}, {"file_name": "y.dll", "md5": MD5}),
    "executable": (SYSMON, 29, {"TargetFilename": "C:\\z.exe", "Hashes": HASHES}, {"file_name": "z.exe", "sha1": SHA1}),
    "logon": (
        SECURITY, 4624, {"TargetUserName": "chiang.meiling", "IpAddress": "-", "IpPort": "-", "LogonType": "2"},
        {"src_low": None, "own_end": "destination"},
    ),
    "logon-failed": (
        SECURITY, 4625, {"TargetUserName": "chiang.meiling", "IpAddress": "203.0.113.9", "IpPort": "0"},
        {"src_low": 0xFFFF_CB00_7109, "src_port": None, "basis": "none", "own_end": "destination"},
    ),
    "malware-found": (
        DEFENDER, 1116,
        {"Threat Name": "Trojan:Win32/Example", "Category Name": "Trojan", "Detection User": USER,
         "Path": "containerfile:_C:\\Users\\chiang.meiling\\d.zip; file:_C:\\d.zip->a.exe; "
                 "webfile:_C:\\d.zip|https://evil.example/d.zip|pid:1"},
        {"basis": "alert", "signature": "Trojan:Win32/Example", "category": "Trojan", "file_name": "d.zip",
         "url": "https://evil.example/d.zip", "rsit": "malicious-code:infected-system"},
    ),
    "malware-handled": (DEFENDER, 1117, {"Path": "file:_C:\\y.exe"}, {"basis": "alert", "file_name": "y.exe"}),
    "windows-7045": ("Service Control Manager", 7045, {"ServiceName": "x", "AccountName": USER}, {"basis": "none"}),
}  # fmt: skip
COLUMNS = (
    "kind, sensor, time, src_low, src_port, dst_low, dst_port, protocol, domain, url, file_name, md5, sha1, sha256, "
    "signature, category, basis, rsit, technique, own_end"
)


def winlogbeat(provider: str, number: int, data: dict[str, str]) -> dict[str, Any]:
    """As winlogbeat 8 writes it, without its processors."""
    return {
        "@timestamp": "2026-11-21T16:02:03.500Z",
        "event": {"code": str(number), "kind": "event", "provider": provider},
        "winlog": {"provider_name": provider, "event_id": str(number), "computer_name": "WS-7", "event_data": data,
                   "user": {"name": "chiang.meiling"}},
        "message": f"for {USER}",
    }  # fmt: skip


def evtx_dump(provider: str, number: int, data: dict[str, str]) -> dict[str, Any]:
    """As ``evtx_dump -o jsonl`` writes it."""
    system = {
        "Provider": {"#attributes": {"Name": provider, "Guid": "0"}},
        "EventID": {"#attributes": {"Qualifiers": 0}, "#text": number},
        "TimeCreated": {"#attributes": {"SystemTime": "2026-11-21T16:02:03.500000Z"}},
        "Computer": "WS-7",
    }
    return {"Event": {"#attributes": {"xmlns": "x"}, "EventData": data, "System": system}}


def separate(provider: str, number: int, data: dict[str, str]) -> dict[str, Any]:
    """As ``evtx_dump --separate-json-attributes`` writes it, and with the time of its older versions."""
    system = {
        "Provider_attributes": {"Name": provider},
        "EventID": number,
        "TimeCreated_attributes": {"SystemTime": "2026-11-21 16:02:03.500000 UTC"},
        "Computer": "WS-7",
    }
    return {"Event": {"EventData": data, "System": system}}


def nxlog(provider: str, number: int, data: dict[str, str]) -> dict[str, Any]:
    """As NXLog's ``to_json`` writes it."""
    head = {"EventTime": "2026-11-22 01:02:03", "UtcTime": "2026-11-21 16:02:03.500", "Hostname": "WS-7"}
    return head | {"EventID": number, "SourceName": provider, "Channel": "x", "SeverityValue": 2} | data


SHAPES = {"winlogbeat": winlogbeat, "evtx_dump": evtx_dump, "separate": separate, "nxlog": nxlog}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_event_tells_the_same_in_every_shape(scene: Scene, shape: str) -> None:
    """Files, names, ends, basis, and nothing of the person who sat there."""
    lines = [json.dumps(SHAPES[shape](*event[:3])).encode() for event in EVENTS.values()]
    report = scene.ingest(scene.write("events.json", lines))
    assert counts(report) == (len(EVENTS), 0, 0)
    rows = scene.rows(COLUMNS)
    for (kind, event), row in zip(EVENTS.items(), rows, strict=True):
        assert (row["kind"], row["sensor"], row["time"]) == (kind, "WS-7", MOMENT)
        assert {key: row[key] for key in event[3]} == event[3]
    assert "meiling" not in str(scene.rows()) and "secret" not in str(scene.rows())


def test_what_machines_of_ours_met_is_remote(scene: Scene) -> None:
    """Names asked for, downloads and files that came in; the machine itself is own."""
    scene.ingest(scene.write("events.json", [json.dumps(winlogbeat(*event[:3])).encode() for event in EVENTS.values()]))
    roles = {(one["type"], one["role"]) for one in scene.rollup()}
    assert {kind for kind, role in roles if role == "own"} == {"ipv4"}
    assert {"domain", "url", "sha256", "md5", "sha1", "file_name", "ipv4"} >= {
        kind for kind, role in roles if role == "remote"
    }
    assert not any(role == "unknown" for _, role in roles)


def test_an_array_of_records_is_read_too(scene: Scene) -> None:
    """One record each."""
    records = [evtx_dump(*event[:3]) for event in EVENTS.values()]
    assert counts(scene.ingest(scene.write("a.json", json.dumps(records, indent=1).encode()))) == (len(EVENTS), 0, 0)


def test_local_time_of_nxlog_needs_a_zone(scene: Scene) -> None:
    """Records without Sysmon's UTC time are of the zone of their sensor or of the node."""
    record = nxlog(SECURITY, 4624, {"IpAddress": "203.0.113.9"})
    del record["UtcTime"]
    scene.ingest(scene.write("a.json", [json.dumps(record).encode()]), timezone="Asia/Seoul")
    assert [row["time"] for row in scene.rows("time")] == [MOMENT - 500_000]


GOOD = json.dumps(winlogbeat(SYSMON, 22, {"QueryName": "a.example"})).encode()


BAD_LINES = [
    (GOOD[:60], "not-json"),
    (GOOD.replace(b'"a.example"', b"NaN"), "not-json"),
    (GOOD.replace(b"a.example", b"\xff\xfe"), "not-json"),
    (b'{"event_type": "dns"}', "not-windows"),
    (b"[1, 2]", "not-windows"),
    (b"Nov 22 01:02:03 host app: text", "not-json"),
    (GOOD.replace(b'"22", "computer', b'"x", "computer'), "not-windows"),
    (GOOD.replace(b'"event_id": "22"', b'"event_id": ' + b"9" * 40), "not-windows"),
    (GOOD.replace(b'"event_id": "22"', b'"event_id": true'), "not-windows"),
    (GOOD.replace(b'"WS-7"', b'{"a": 1}'), "wrong-type"),
    (GOOD.replace(b'"2026-11-21T16:02:03.500Z"', b"5"), "wrong-type"),
    (GOOD.replace(b"2026-11-21T", b"2026-13-21T"), "bad-time"),
    (GOOD.replace(b'"@timestamp"', b'"other"'), "no-time"),
    (json.dumps(winlogbeat(SYSMON, 3, {"SourceIp": "10.0.0.999"})).encode(), "bad-address"),
    (json.dumps(winlogbeat(SYSMON, 3, {"SourcePort": "1e3"})).encode(), "wrong-type"),
    (b'{"Event": ' * 3000 + b"1" + b"}" * 3000, "not-json"),
]


def test_bad_lines_are_quarantined_and_their_neighbours_are_stored(scene: Scene) -> None:
    """Each with its own reason, between good lines that are none the worse."""
    lines = [line for n, (bad, _) in enumerate(BAD_LINES) for line in (GOOD.replace(b"a.ex", b"%d.ex" % n), bad)]
    report = scene.ingest(scene.write("a.json", lines), format="windows-events")
    assert counts(report) == (len(BAD_LINES), 0, len(BAD_LINES))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == [code for _, code in BAD_LINES]


def test_what_an_attacker_wrote_stays_text(scene: Scene) -> None:
    """File names with escapes, SQL, formulas, half surrogates and great length."""
    names = ["\x1b[31m.exe", "';--.exe", "=cmd|x", "{{7*7}}", "\ud800", "x" * 100_000, "a\0b", ""]
    lines = [json.dumps(winlogbeat(SYSMON, 11, {"TargetFilename": f"C:\\{name}"})).encode() for name in names]
    lines.append(GOOD.replace(b'{"QueryName"', b'{"QueryName": [1], "QueryName"'))
    report = scene.ingest(scene.write("events.json", [*lines, GOOD]))
    assert report.stored + report.rejected == len(names) + 2 and report.stored >= len(names) + 1


def test_other_json_is_not_taken_for_windows_events() -> None:
    """An event number alone does not make one."""
    for head in (b'{"EventID": 5}\n', b'{"winlog": 1}\n', b'{"Event": {"System": {}}}\n', b'{"SourceName": "x"}\n'):
        found = recognise(head)
        assert found is None or found.name != "windows-events"
    for shape in SHAPES.values():
        for event in EVENTS.values():
            line = json.dumps(shape(*event[:3])).encode()
            assert [one.name for one in FORMATS if one.recognises(line)] == ["windows-events"]
