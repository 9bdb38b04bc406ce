"""IDEA0 alerts: pairs of ends within a bound, evidence by category and node, alerts over many lines."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import read_quarantine
from seawall.ingest.formats.idea0 import ENDS, PAIRS

SHA256 = "ab" * 32


def alert(**fields: Any) -> dict[str, Any]:
    """An alert of a scan."""
    base: dict[str, Any] = {
        "Format": "IDEA0",
        "ID": "4390fc3f-c753-4a3e-bc83-1b44f24baf75",
        "DetectTime": "2026-03-14T03:12:00Z",
        "Category": ["Recon.Scanning"],
        "Source": [{"IP4": ["203.0.113.9"], "Port": [40000], "Proto": ["tcp", "ssh"]}],
        "Target": [{"IP4": ["10.0.0.7"], "Port": [22]}],
        "Node": [{"Name": "cz.example.probe", "Type": ["Flow", "Statistical"]}, {"Name": "relay"}],
    }
    return base | fields


def rows(scene: Scene, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of one alert."""
    fresh = Scene(scene.folder / str(len(list(scene.folder.iterdir()))))
    fresh.ingest(fresh.write("idea.json", [json.dumps(given).encode()]))
    return fresh.rows()


def test_an_alert_has_its_ends_class_and_sensor(scene: Scene) -> None:
    """The first node is the one that detected it."""
    (row,) = rows(scene, alert(Description="Scan", Ref=["cve:CVE-2026-12345", "https://x.test"]))
    assert (row["kind"], row["sensor"], row["time"]) == ("idea0", "cz.example.probe", 1773457920_000000)
    assert (row["src_port"], row["dst_port"], row["protocol"], row["own_end"]) == (40000, 22, "tcp", "destination")
    assert (row["basis"], row["rsit"]) == ("alert", "information-gathering:scanner")
    assert (row["signature"], row["category"], row["cve"]) == ("Scan", "Recon.Scanning", "CVE-2026-12345")


def test_the_event_goes_before_its_detection(scene: Scene) -> None:
    """Its time is when it happened."""
    assert rows(scene, alert(EventTime="2026-03-14T12:11:00+09:00"))[0]["time"] == 1773457860_000000


@pytest.mark.parametrize(
    ("fields", "basis", "rsit"),
    [
        ({"Category": ["Attempt.Login"]}, "alert", "intrusion-attempts:brute-force"),
        ({"Category": ["Malware.Worm"]}, "alert", "malicious-code:malware-distribution"),
        ({"Category": ["Availability.DDoS"]}, "alert", "availability:ddos"),
        ({"Category": ["Vulnerable.Open"]}, "none", "vulnerable:vulnerable-system"),
        ({"Category": ["Anomaly.Traffic"]}, "none", None),
        ({"Category": ["Test", "Recon.Scanning"]}, "alert", "information-gathering:scanner"),
        ({"Category": ["Test"]}, "none", None),
        ({"Category": []}, "none", None),
        ({"Node": [{"Name": "n", "Type": ["Protocol", "Honeypot"]}]}, "honeypot", "information-gathering:scanner"),
    ],
)
def test_category_and_node_decide_what_it_is_worth(
    scene: Scene, fields: dict[str, Any], basis: str, rsit: str | None
) -> None:
    """Evidence unless nobody is accused; a honeypot's is its own."""
    (row,) = rows(scene, alert(**fields))
    assert (row["basis"], row["rsit"]) == (basis, rsit)


def test_every_source_stands_beside_every_target(scene: Scene) -> None:
    """Addresses of all objects, both families; one record where one side is missing."""
    sources = [{"IP4": ["192.0.2.1", "192.0.2.2"]}, {"IP6": ["2001:db8::1"]}]
    targets = [{"IP4": ["10.0.0.1"]}, {"IP4": ["10.0.0.2/32"]}]
    assert len(rows(scene, alert(Source=sources, Target=targets))) == 6
    assert len(rows(scene, alert(Source=sources, Target=[]))) == 3
    (row,) = rows(scene, {key: value for key, value in alert().items() if key not in ("Source", "Target")})
    assert (row["src_low"], row["dst_low"], row["own_end"]) == (None, None, "unknown")


def test_beyond_the_bound_no_end_is_lost(scene: Scene) -> None:
    """Each source stands once, and each target once; a list of thousands is refused."""
    many = [f"192.0.{n // 256}.{n % 256}" for n in range(PAIRS)]
    found = rows(scene, alert(Source=[{"IP4": many}], Target=[{"IP4": ["10.0.0.1", "10.0.0.2", "10.0.0.3"]}]))
    assert len(found) == PAIRS + 2
    assert (len({row["src_low"] for row in found}), len({row["dst_low"] for row in found})) == (PAIRS, 3)
    list_of_all = alert(Source=[{"IP4": [f"10.1.{n // 256}.{n % 256}" for n in range(ENDS + 1)]}])
    lines = [json.dumps(one).encode() for one in (alert(), list_of_all)]
    assert counts(scene.ingest(scene.write("list.json", lines))) == (1, 0, 1)
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ["too-many-ends"]


def test_ranges_are_no_addresses(scene: Scene) -> None:
    """They leave their end empty, once."""
    source = {"IP4": ["192.0.2.2-192.0.2.5", "192.0.2.0/24"], "Hostname": ["Evil.Test"], "URL": ["http://Evil.Test/x"]}
    attached = [{"FileName": ["a.exe"], "Hash": ["sha1:short", f"sha256:{SHA256}"]}]
    (row,) = rows(scene, alert(Source=[source], Attach=attached))
    assert (row["src_low"], row["domain"], row["url"]) == (None, "evil.test", "http://evil.test/x")
    assert (row["client_end"], row["file_name"], row["sha1"], row["sha256"]) == ("destination", "a.exe", None, SHA256)


@pytest.mark.parametrize("indent", [None, 3])
def test_an_alert_may_be_a_file_or_an_array(scene: Scene, indent: int | None) -> None:
    """As senders keep them in folders, one a file, written for people or not."""
    one = scene.write("a.idea", json.dumps(alert(), indent=indent).encode())
    array = scene.write("b.idea", json.dumps([alert(ID="x"), alert(ID="y")], indent=indent).encode())
    assert counts(scene.ingest(one)) == (1, 0, 0)
    assert counts(scene.ingest(array)) == (2, 0, 0)


LINE = json.dumps(alert()).encode()
HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "no format": (LINE.replace(b"IDEA0", b"IDEA9"), "not-idea0"),
    "no object": (b"[]", "not-idea0"),
    "cut line": (LINE[:60], "not-json"),
    "NaN": (LINE.replace(b"40000", b"NaN"), "not-json"),
    "deep nesting": (LINE[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "not-json"),
    "invalid UTF-8": (LINE.replace(b"relay", b"\xff"), "not-json"),
    "object for a text": (LINE.replace(b'"relay"', b'{"a": 1}'), None),
    "object for a name": (LINE.replace(b'"cz.example.probe"', b'{"a": 1}'), "wrong-type"),
    "text for a list of objects": (json.dumps(alert(Source="203.0.113.9")).encode(), "wrong-type"),
    "no address": (LINE.replace(b"203.0.113.9", b"nobody"), "bad-address"),
    "number beyond 64 bits": (LINE.replace(b"40000", b"4" * 40), "wrong-type"),
    "no time": (LINE.replace(b"DetectTime", b"CreateTime"), "no-time"),
    "terminal escape": (json.dumps(alert(Description="\x1b[2J")).encode(), None),
    "half a surrogate pair": (LINE.replace(b"relay", b"\\ud800"), "not-json"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_harms_nothing_but_itself(scene: Scene, name: str) -> None:
    """Its neighbours are stored; it is stored, or rejected with its reason."""
    line, code = HOSTILE[name]
    report = scene.ingest(scene.write("idea.json", [LINE, line, LINE]))
    assert counts(report) == ((2, 0, 1) if code else (3, 0, 0))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ([code] if code else [])
