"""IntelMQ events: what others report, and when it speaks of our own."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ingest_scenes import Scene, counts
from realdata import folder
from seawall.ingest import read_quarantine

SHA256 = "ab" * 32


def event(**fields: Any) -> bytes:
    """One line; ``__`` in a name stands for a dot."""
    base: dict[str, Any] = {"feed.name": "Feed", "time.observation": "2026-03-14T03:12:00+00:00"}
    return json.dumps(base | {name.replace("__", "."): value for name, value in fields.items()}).encode()


def one(scene: Scene, **fields: Any) -> dict[str, Any]:
    """The row of one event."""
    scene.ingest(scene.write(f"events-{len(list(scene.folder.iterdir()))}.jsonl", [event(**fields)]))
    return scene.rows()[-1]


def test_real_events_of_a_list_are_context(scene: Scene) -> None:
    """Each has its time at the source, its domain and class; none can become a candidate."""
    report = scene.ingest(folder("intelmq-events"))
    assert counts(report) == (300, 0, 0)
    rows = scene.rows()
    assert {(row["basis"], row["rsit"], row["sensor"]) for row in rows} == {
        ("none", "malicious-code:c2-server", "Blackbook")
    }
    assert all(row["domain"] and row["signature"] for row in rows)
    assert not [entry for entry in scene.rollup() if entry["role"] == "remote"]


@pytest.mark.parametrize(
    ("source", "destination", "remote"),
    [("203.0.113.9", "10.0.0.7", True), ("10.0.0.7", "203.0.113.9", True), ("203.0.113.9", "203.0.113.8", False)],
)
def test_a_report_about_both_ends_counts_where_one_is_ours(
    scene: Scene, source: str, destination: str, remote: bool
) -> None:
    """An attack on us, and our own infected machine at its controller, but no attack among others."""
    row = one(scene, classification__type="brute-force", source__ip=source, destination__ip=destination)
    assert (row["basis"], row["rsit"]) == ("analyst", "intrusion-attempts:brute-force")
    assert any(entry["role"] == "remote" for entry in scene.rollup()) is remote


@pytest.mark.parametrize("kind", ["vulnerable-system", "undetermined", "test", "no-such-type"])
def test_a_class_that_accuses_nobody_is_context(scene: Scene, kind: str) -> None:
    """Whatever addresses it names."""
    row = one(scene, classification__type=kind, source__ip="203.0.113.9", destination__ip="10.0.0.7")
    assert row["basis"] == "none"
    assert (row["rsit"] is None) is (kind == "no-such-type")


def test_names_urls_and_hashes_belong_to_the_reported_end(scene: Scene) -> None:
    """The source first, else the destination."""
    fields = {"malware.hash.sha256": SHA256, "malware.name": "x", "protocol.transport": "tcp", "source.port": 80}
    row = one(scene, source__url="http://Evil.Test/a", source__fqdn="evil.test", **fields)
    assert (row["url"], row["domain"], row["client_end"]) == ("http://evil.test/a", "evil.test", "destination")
    assert (row["sha256"], row["signature"], row["protocol"], row["src_port"]) == (SHA256, "x", "tcp", 80)
    row = one(scene, destination__fqdn="evil.test", source__ip="10.0.0.7")
    assert (row["domain"], row["client_end"]) == ("evil.test", "source")


def test_the_time_is_that_of_the_source_where_it_is_known(scene: Scene) -> None:
    """With its offset; else the time of observation."""
    assert one(scene, time__source="2026-03-14T12:11:00+09:00")["time"] == 1773457860_000000
    assert one(scene)["time"] == 1773457920_000000


HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "no time": (event(time__observation=None), "no-time"),
    "no address": (event(source__ip="1.2.3"), "bad-address"),
    "repeated key": (event()[:-1] + b', "source.ip": "192.0.2.1", "source.ip": "192.0.2.2"}', "repeated-key"),
    "number beyond 64 bits": (event(source__port=10**30), "wrong-type"),
    "invalid UTF-8": (event().replace(b"Feed", b"\xff"), "not-json"),
    "cut line": (event()[:40], "not-json"),
    "terminal escape": (event(malware__name="\x1b[2J"), None),
    "an infinite time": (event(time__source="infinity"), "bad-time"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_harms_nothing_but_itself(scene: Scene, name: str) -> None:
    """Its neighbours are stored; it is stored, or rejected with its reason."""
    line, code = HOSTILE[name]
    good = event(classification__type="spam")
    report = scene.ingest(scene.write("events.jsonl", [good, line, good]))
    assert counts(report) == ((2, 0, 1) if code else (3, 0, 0))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ([code] if code else [])
