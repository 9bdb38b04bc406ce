"""Hostile and broken lines: each is stored or rejected with its reason, and its neighbours never suffer."""

from __future__ import annotations

import base64

import pytest

from ingest_scenes import Scene, counts, eve
from seawall.ingest import read_quarantine
from seawall.ingest.interface import LINE_BOUND, RAW_KEPT
from seawall.model import Fault

REJECTED: dict[str, tuple[bytes, str]] = {
    "no timestamp": (eve(timestamp=...), "no-time"),
    "null timestamp": (eve(timestamp=None), "no-time"),
    "empty timestamp": (eve(timestamp=""), "bad-time"),
    "number for a timestamp": (eve(timestamp=1773446400), "bad-time"),
    "timestamp without zone": (eve(timestamp="2026-03-14T00:00:00.000000"), "bad-time"),
    "year 1989": (eve(timestamp="1989-12-31T23:59:59.999999+0000"), "bad-time"),
    "year 2100": (eve(timestamp="2100-01-01T00:00:00.000000+0000"), "bad-time"),
    "year 9999": (eve(timestamp="9999-12-31T23:59:59.999999+0000"), "bad-time"),
    "30 February": (eve(timestamp="2026-02-30T00:00:00.000000+0000"), "bad-time"),
    "letters for a timestamp": (eve(timestamp="yesterday"), "bad-time"),
    "octet too great": (eve(src_ip="1.2.3.256"), "bad-address"),
    "three octets": (eve(src_ip="1.2.3"), "bad-address"),
    "leading zero": (eve(dest_ip="01.2.3.4"), "bad-address"),
    "space before address": (eve(src_ip=" 1.2.3.4"), "bad-address"),
    "sign in address": (eve(src_ip="+1.2.3.4"), "bad-address"),
    "address with a name": (eve(src_ip="example.test"), "bad-address"),
    "bad IPv6": (eve(dest_ip="2001:db8::1::2"), "bad-address"),
    "number for an address": (eve(src_ip=16909060), "bad-address"),
    "object for an address": (eve(src_ip={"a": 1}), "bad-address"),
    "text for a port": (eve(src_port="https"), "wrong-type"),
    "fraction for a port": (eve(src_port=443.5), "wrong-type"),
    "boolean for a port": (eve(dest_port=True), "wrong-type"),
    "port too great": (eve(dest_port=65536), "wrong-type"),
    "negative port": (eve(dest_port=-1), "wrong-type"),
    "list for a port": (eve(dest_port=[443]), "wrong-type"),
    "severity beyond 64 bits": (eve(event_type="alert", alert={"severity": 10**30}), "wrong-type"),
    "text for an object": (eve(alert="x"), "wrong-type"),
    "list for an object": (eve(http=[]), "wrong-type"),
    "object for a list": (eve(files={}), "wrong-type"),
    "deep wrong type": (eve(ssh={"client": {"hassh": "x"}}), "wrong-type"),
    "object for a name": (eve(host={"a": 1}), "wrong-type"),
    "list for a signature": (eve(event_type="alert", alert={"signature": ["x"]}), "wrong-type"),
    "repeated key": (eve()[:-1] + b', "src_ip": "192.0.2.8"}', "repeated-key"),
    "repeated inner key": (eve()[:-1] + b', "http": {"url": "/a", "url": "/b"}}', "repeated-key"),
    "no event type": (eve(event_type=...), "not-eve"),
    "empty event type": (eve(event_type=""), "no-type"),
    "event type of another alphabet": (eve(event_type="警報"), "no-type"),
    "terminal escape for an event type": (eve(event_type="\x1b[31malert"), "no-type"),
    "JSON that is no EVE": (b'{"name": "value"}', "not-eve"),
    "a JSON array": (b'["a", "b"]', "not-eve"),
    "a JSON number": (b"5", "not-eve"),
    "JSON null": (b"null", "not-eve"),
    "no JSON": (b"Mar 14 03:00:00 host sshd[1]: Failed password", "not-json"),
    "half a line": (eve()[:40], "not-json"),
    "two objects": (eve() + eve(), "not-json"),
    "garbage after": (eve() + b" xyz", "not-json"),
    "invalid UTF-8 in a read field": (eve(host="HERE").replace(b"HERE", b"\xff\xfe"), "not-json"),
    "invalid UTF-8 elsewhere": (eve(note="HERE").replace(b"HERE", b"\xc3\x28"), "not-json"),
    "lone surrogate": (eve(host="HERE").replace(b"HERE", b"\\ud800"), "not-json"),
    "NUL byte": (eve(host="a_b").replace(b"a_b", b"a\0b"), "not-json"),
    "raw control character": (eve(host="a_b").replace(b"a_b", b"a\x01b"), "not-json"),
    "leading zero number": (eve()[:-1] + b', "x": 01}', "not-json"),
    "comment": (eve()[:-1] + b"/* x */}", "not-json"),
    "long line": (eve(note="x" * (LINE_BOUND + 1)), "line-too-long"),
}
STORED: dict[str, bytes] = {
    "no source address": eve(src_ip=..., src_port=...),
    "null source address": eve(src_ip=None),
    "empty source address": eve(src_ip=""),
    "IPv6": eve(src_ip="2001:db8::1", dest_ip="fe80::1"),
    "number as text": eve(src_port="443"),
    "null objects": eve(alert=None, http=None, dns=None, files=None),
    "unread keys twice": eve()[:-1] + b', "x": 1, "x": 2}',
    "NaN in an unread field": eve()[:-1] + b', "x": NaN}',
    "number beyond 64 bits in an unread field": eve(x=10**40),
    "deep nesting in an unread field": eve()[:-1] + b', "x": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    "a line as long as is allowed": eve(note="x" * (LINE_BOUND - 400)),
    "escaped NUL": eve(http={"hostname": "a\0b", "url": "/x"}),
    "carriage return": eve() + b"\r",
    "spaces around": b"   " + eve() + b"  ",
    "nanoseconds": eve(timestamp="2026-03-14T00:00:00.123456789+0000"),
    "no fraction": eve(timestamp="2026-03-14T00:00:00+0000"),
    "Z": eve(timestamp="2026-03-14T00:00:00.5Z"),
    "colon in the offset": eve(timestamp="2026-03-14T09:00:00.500000+09:00"),
    "formula": eve(host='=cmd|"/c calc"!A1'),
    "SQL": eve(host="'; DROP TABLE x; --"),
    "braces in a text": eve(fileinfo={"filename": "{5a7d}.docx"}),
}
GOOD = [eve(n, host="good") for n in range(1, 4)]


@pytest.mark.parametrize("name", REJECTED)
def test_a_bad_line_is_quarantined_with_its_reason_and_its_neighbours_are_stored(scene: Scene, name: str) -> None:
    """One bad line between good ones: three stored, one rejected, its raw bytes kept up to the bound."""
    bad, code = REJECTED[name]
    report = scene.ingest(scene.write("eve.json", [GOOD[0], bad, *GOOD[1:]]))
    assert counts(report) == (3, 0, 1), report
    (entry,) = read_quarantine(scene.quarantine)
    assert (entry.code, entry.line, entry.length) == (code, 2, len(bad)), entry
    assert base64.b64decode(entry.raw) == bad[:RAW_KEPT]
    assert entry.reason


@pytest.mark.parametrize("name", STORED)
def test_an_odd_line_is_stored_alike_beside_good_and_beside_bad_lines(scene: Scene, name: str) -> None:
    """The fast path and the slow path give equal rows."""
    odd = STORED[name]
    columns = "* EXCLUDE (event, source_file, source_line)"
    report = scene.ingest(scene.write("fast.json", [GOOD[0], odd, *GOOD[1:]]))
    assert counts(report) == (4, 0, 0), list(read_quarantine(scene.quarantine))
    beside_bad = Scene(scene.folder / "other")
    report = beside_bad.ingest(beside_bad.write("slow.json", [b"{", GOOD[0], odd, b"[]", *GOOD[1:], b"\xff"]))
    assert counts(report) == (4, 0, 3), list(read_quarantine(beside_bad.quarantine))
    assert scene.rows(columns) == beside_bad.rows(columns)


def test_all_bad_lines_together_are_each_explained(scene: Scene) -> None:
    """Many kinds of bad lines in one file do not hide each other, nor the good ones."""
    bad = [line for line, _ in REJECTED.values()]
    mixed = [line for pair in zip(bad, [eve(n, host="good") for n in range(len(bad))], strict=True) for line in pair]
    report = scene.ingest(scene.write("eve.json", mixed))
    assert counts(report) == (len(bad), 0, len(bad))
    entries = list(read_quarantine(scene.quarantine))
    assert [entry.code for entry in entries] == [code for _, code in REJECTED.values()]
    assert [entry.line for entry in entries] == list(range(1, 2 * len(bad), 2))


def test_reading_again_does_not_add_to_the_quarantine(scene: Scene) -> None:
    """The rejected lines of a file replace those of its earlier reading."""
    for n in range(3):
        scene.ingest(scene.write("eve.json", [*GOOD, b"broken", eve(100 + n)]))
    assert len(list(read_quarantine(scene.quarantine))) == 1
    scene.ingest(scene.write("eve.json", [*GOOD, eve(200)]))
    assert list(read_quarantine(scene.quarantine)) == []


def test_only_bad_lines_are_a_fault_with_the_first_reason(scene: Scene) -> None:
    """Nothing taken in is an error; the sentence says where to look."""
    with pytest.raises(Fault, match=r"E-INGEST-001.*all 2 lines were rejected.*line 1: it has no event type"):
        scene.ingest(scene.write("eve.json", [b'{"a": 1}', b'{"b": 2}']))
    assert len(list(read_quarantine(scene.quarantine))) == 2


def test_an_endless_line_costs_no_memory(scene: Scene) -> None:
    """A line of 100 MB is one reject with its beginning kept; what follows it is stored."""
    path = scene.write("eve.json", eve(1) + b"\n" + b'{"x":"')
    with path.open("ab") as file:
        for _ in range(100):
            file.write(b"A" * (1 << 20))
        file.write(b'"}\n' + eve(2))
    report = scene.ingest(path)
    assert counts(report) == (2, 0, 1)
    (entry,) = read_quarantine(scene.quarantine)
    assert (entry.code, entry.line, entry.length) == ("line-too-long", 2, (100 << 20) + 8)
    assert [row["source_line"] for row in scene.rows("source_line")] == [1, 3]
