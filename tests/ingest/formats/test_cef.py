"""CEF, bare and behind syslog headers; Cowrie's CEF beside its JSON; corner cases with expected fields."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from ingest_scenes import Place, Scene, counts
from realdata import folder
from seawall.ingest import read_quarantine
from seawall.ingest.formats import recognise
from seawall.model import to_microseconds
from seawall.model.moments import parse_moment

NOON = 1773457920_000000  # 2026-03-14T03:12:00Z
SAME = "time, kind, basis, rsit, sensor, src_low, src_high, protocol, username, command, hassh, hassh_of, sha256"
SHA256 = "ab" * 32


def cef(
    extension: str = "", *, vendor: str = "V", product: str = "P", event: str = "100", severity: str = "5"
) -> bytes:
    """One event without a syslog header."""
    return f"CEF:0|{vendor}|{product}|1.0|{event}|Name|{severity}|rt={NOON // 1000} {extension}".encode()


def one(scene: Scene, line: bytes, **options: Any) -> dict[str, Any]:
    """The row of one line."""
    scene.ingest(scene.write(f"log-{len(list(scene.folder.iterdir()))}.cef", [line]), **options)
    return scene.rows()[-1]


def test_cowrie_says_the_same_in_cef_and_in_json(scene: Scene) -> None:
    """Line by line: sources, kinds, evidence, names and commands; CEF writes the destination of new sessions only."""
    folder_of_both = folder("cowrie-live")
    twin = Scene(scene.folder / "twin")
    assert counts(scene.ingest(folder_of_both / "audit.cef")) == (547, 0, 0)
    assert counts(twin.ingest(folder_of_both / "cowrie.json")) == (547, 0, 0)
    assert scene.rows(SAME) == twin.rows(SAME)
    ends, connected = "src_port, dst_low, dst_port", "kind = 'cowrie.session.connect'"
    assert scene.rows(ends, connected) == twin.rows(ends, connected) and len(scene.rows(ends, connected)) == 49


def test_what_an_attacker_types_at_cowrie_moves_no_column(scene: Scene) -> None:
    """Keys inside a command are part of it; a second source refuses the line."""
    head = b"2026-03-14T03:12:00Z CEF:0|Cowrie|Cowrie|1.0|cowrie.command.input|x|5|app=SSHv2 deviceExternalId=hp-1 "
    typed = b"msg=CMD: A=b rt=5 dst\\=x spt=1 duser=2 src=192.0.2.1 proto=tcp"
    row = one(scene, head + typed)
    assert (row["command"], row["src_port"], row["username"]) == ("A=b rt=5 dst=x spt=1 duser=2", None, None)
    twice = typed.replace(b"A=b", b"A=b src=203.0.113.1")
    report = scene.ingest(scene.write("a.cef", [head + typed + b" ", head + twice]))
    assert counts(report) == (1, 0, 1)
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ["repeated-key"]


def test_metron_corner_cases_have_their_expected_fields(scene: Scene) -> None:
    """Empty values, labels in quotation marks, an address for a host's name, a year that is not written."""
    path = scene.write("cyberark.cef", (folder("cef-metron") / "cyberark.cef").read_bytes())
    expected = json.loads((folder("cef-metron") / "cyberark.json").read_text())
    os.utime(path, (expected["timestamp"] // 1000 + 3600,) * 2)
    scene.ingest(path, sensors={"HHHPVATN1": Place("TW", "energy", "UTC")})
    (row,) = scene.rows()
    assert row["time"] == expected["timestamp"] * 1000
    assert (row["signature"], str(row["signature_id"])) == (expected["event_name"], expected["event_class_id"])
    assert (row["file_name"], str(row["severity"])) == (expected["fileName"], expected["severity"])
    assert expected["src_hostname"] == "10.44.134.78" and row["own_end"] == "source"
    assert expected["src_username"] not in str(row)
    row = one(scene, (folder("cef-metron") / "adallom.cef").read_bytes())
    assert (row["time"], row["severity"], row["basis"]) == (1459517280810_000, 0, "none")


@pytest.mark.parametrize(
    ("header", "sensor"),
    [
        ("", None),
        ("<134>", None),
        ('<134>1 2026-03-14T03:12:00.5Z fw-1 app 7 ID [a@1 b="c"] ', "fw-1"),
        ("<134>Mar 14 03:12:00 fw-1 ", "fw-1"),
        ("Mar 14 03:12:00 2026 fw-1 cef[3]: ", "fw-1"),
        ("2026-03-14T03:12:00.5Z ", None),
        ("2026-03-14T12:12:00+09:00 fw-1 ", "fw-1"),
        ("312 <134>Mar 14 03:12:00 fw-1 ", "fw-1"),
    ],
)
def test_any_syslog_header_may_stand_before_it(scene: Scene, header: str, sensor: str | None) -> None:
    """Its host is the sensor; the event's own time goes before its own."""
    row = one(scene, header.encode() + cef("src=192.0.2.7 spt=5 dst=10.0.0.5 dpt=443 proto=TCP"))
    assert (row["sensor"], row["time"], row["dst_port"], row["protocol"]) == (sensor, NOON, 443, "tcp")


def test_counted_frames_without_line_ends_are_taken_apart(scene: Scene) -> None:
    """As a capture of a TCP stream holds them."""
    frames = [b"<13>" + cef(f"src=192.0.2.{n}") for n in range(1, 4)]
    report = scene.ingest(scene.write("a.cef", b"".join(b"%d %s" % (len(frame), frame) for frame in frames)))
    assert counts(report) == (3, 0, 0)


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (f"rt={NOON // 1000}", NOON),
        (f"rt={NOON // 1_000_000}", NOON),
        (f"start={NOON // 1000} end={NOON // 1000 + 5}", NOON),
        ("rt=Mar 14 2026 03:12:00 UTC", NOON),
        ("rt=Mar 14 2026 03:12:00.250 GMT", NOON + 250_000),
        ("rt=2026-03-14T03:12:00.000Z", NOON),
        ("end=Mar 14 2026 12:12:00", NOON),  # in the sensor's zone
        ("rt=Mar 14 12:12:00", NOON),
        ("", NOON + 60_000_000),
    ],
)
def test_times_are_numbers_or_texts(scene: Scene, time: str, expected: int) -> None:
    """Without a zone they are of the sensor's, without a year of the file's."""
    line = f"<13>Mar 14 12:13:00 seoul-1 CEF:0|V|P|1|1|N|5|{time} src=192.0.2.1".encode()
    path = scene.write("a.cef", [line])
    os.utime(path, (to_microseconds(parse_moment("2026-03-15T00:00:00Z")) // 1_000_000,) * 2)
    scene.ingest(path, sensors={"seoul-1": Place("KR", "energy", "Asia/Seoul")})
    assert scene.rows()[-1]["time"] == expected


def test_a_time_without_zone_needs_one(scene: Scene) -> None:
    """The line is rejected when neither table nor node knows the zone, and good when one does."""
    line = b"<13>Mar 14 2026 12:12:00 seoul-1 CEF:0|V|P|1|1|N|5|src=192.0.2.1"
    path = scene.write("a.cef", [line, cef("src=192.0.2.2")])
    assert counts(scene.ingest(path)) == (1, 0, 1)
    assert counts(scene.ingest(path, timezone="Asia/Seoul")) == (1, 1, 0)
    assert [row["time"] for row in scene.rows("time")] == [NOON, NOON]


@pytest.mark.parametrize(
    ("line", "basis", "rsit"),
    [
        (cef("act=blocked cat=Malware"), "blocked", "malicious-code:malware-distribution"),
        (cef("act=Deny"), "blocked", "intrusion-attempts:ids-alert"),
        (cef("outcome=dropped"), "blocked", "intrusion-attempts:ids-alert"),
        (cef("act=not blocked"), "none", None),
        (cef("act=allowed"), "none", None),
        (cef("cat=Port Scan"), "alert", "information-gathering:scanner"),
        (cef("cat=Brute-Force Attack"), "alert", "intrusion-attempts:brute-force"),
        (cef(product="NIDS", severity="7"), "alert", "intrusion-attempts:ids-alert"),
        (cef(product="Anti-Virus", severity="High"), "alert", "intrusion-attempts:ids-alert"),
        (cef(product="NIDS", severity="2"), "none", None),
        (cef(product="Vault"), "none", None),
    ],
)
def test_basis_is_evidence_and_given_sparingly(scene: Scene, line: bytes, basis: str, rsit: str | None) -> None:
    """By what was done, by what it is called, by who says it."""
    row = one(scene, line + b" src=192.0.2.1")
    assert (row["basis"], row["rsit"]) == (basis, rsit)


def test_escapes_are_resolved_and_fields_find_their_columns(scene: Scene) -> None:
    """Bars in the header, equals signs and line ends in values, spaces anywhere, labels of custom fields."""
    extension = (
        f"fname=a b\\=c.exe fileHash={SHA256.upper()} request=https://Evil.Test/x?a=b cat=one\\ntwo "
        f"cs1Label=JA3 cs1={'c' * 32} cs2Label=CVE ID cs2=CVE-2026-12345 c6a2Label=Source IPv6 Address c6a2=2001:db8::1"
    )
    row = one(scene, cef(extension, vendor="A\\|B", event="7").replace(b"|Name|", b"|N\\|a\\\\me|"))
    assert (row["signature"], row["signature_id"], row["category"]) == ("N|a\\me", 7, "one\ntwo")
    assert (row["file_name"], row["sha256"], row["url"]) == ("a b=c.exe", SHA256, "https://evil.test/x?a=b")
    assert (row["ja3"], row["cve"], row["src_low"]) == ("c" * 32, "CVE-2026-12345", 1)


@pytest.mark.parametrize(
    ("written", "kept"), [("0", 0), ("10", 10), ("Very-High", 10), ("Unknown", None), ("11", None)]
)
def test_severity_is_kept(scene: Scene, written: str, kept: int | None) -> None:
    """As a number from 0 to 10; words stand for the greatest of theirs."""
    assert one(scene, cef(severity=written))["severity"] == kept


GOOD = cef("src=192.0.2.1")
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "no extension": (b"2026-03-14T03:12:00Z CEF:0|V|P|1|1|N|5|", None),
    "no bar at the end": (b"2026-03-14T03:12:00Z CEF:0|V|P|1|1|N|5", None),
    "cut header": (b"CEF:0|V|P|1", "not-cef"),
    "no CEF": (b"Mar 14 03:12:00 fw-1 sshd[1]: hello", "not-cef"),
    "no time": (b"CEF:0|V|P|1|1|N|5|src=192.0.2.1", "no-time"),
    "text for a time": (b"CEF:0|V|P|1|1|N|5|rt=yesterday", "bad-time"),
    "time beyond 64 bits": (b"CEF:0|V|P|1|1|N|5|rt=" + b"9" * 40, "bad-time"),
    "no address": (cef("src=nobody"), "bad-address"),
    "port beyond 64 bits": (cef("spt=" + "9" * 40), "wrong-type"),
    "a key twice": (cef("src=192.0.2.1 src=192.0.2.2"), "repeated-key"),
    "a key twice that is not read": (cef("layer_name=a layer_name=b"), None),
    "a key twice alike": (cef("src=192.0.2.1 src=192.0.2.1"), None),
    "invalid UTF-8": (cef("fname=") + b"\xff\xfe", None),
    "terminal escape": (cef("fname=\x1b[2J"), None),
    "SQL": (cef("fname='; DROP TABLE t; --"), None),
    "many keys": (cef(" ".join(f"k{n}=v" for n in range(50_000))), None),
    "many escapes": (cef("fname=" + "\\\\" * 200_000), None),
    "endless value": (cef("fname=" + "x" * (10 << 20)), "line-too-long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_harms_nothing_but_itself(scene: Scene, name: str) -> None:
    """Its neighbours are stored; it is stored, or rejected with its reason."""
    line, code = HOSTILE[name]
    report = scene.ingest(scene.write("a.cef", [GOOD, line, GOOD]))
    assert counts(report) == ((2, 0, 1) if code else (3, 0, 0))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ([code] if code else [])


def test_cef_quoted_in_json_is_no_cef() -> None:
    """A parsed form that holds the line it was made of is somebody else's."""
    assert recognise((folder("cef-metron") / "cyberark.json").read_bytes()) is None
