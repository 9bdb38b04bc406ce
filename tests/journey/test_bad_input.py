"""Bad input through the command line: one sentence with a stable code, or the good part and a count of the bad."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from journey.command_line import Answer, SeawallNode, eve, here
from journey.refusals import MOMENT, check_sentence, good, refused, state, write

pytestmark = pytest.mark.xdist_group("bad-input")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """One node for all of this: nothing here may spoil it for the next test."""
    return SeawallNode(tmp_path_factory.mktemp("bad") / "node", "TW")


# --- logs of which nothing can be used ---------------------------------------------------------------------------


def only_binary(folder: Path) -> Path:
    """A folder that holds one binary file."""
    write(folder / "logs" / "x.bin", bytes(range(256)) * 20)
    return folder / "logs"


USELESS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a missing file": (lambda folder: folder / "nowhere.json", "No such file"),
    "an empty folder": (lambda folder: write(folder / "d" / "x", "").parent, "no file there|empty|no readable file"),
    "a folder with a binary file only": (only_binary, "no file there is a log that we know"),
    "a binary file": (lambda folder: write(folder / "x.bin", bytes(range(256)) * 20), "binary"),
    "an empty file": (lambda folder: write(folder / "x.json", b""), "empty"),
    "five bytes of gzip": (lambda folder: write(folder / "x.gz", gzip.compress(b"x" * 99)[:5]), "ends in the middle"),
    "text": (lambda folder: write(folder / "x.log", "Mar 14 sshd[1]: Failed password\n"), "no known log format"),
    "an array of numbers": (lambda folder: write(folder / "x.json", "[1, 2, 3]"), "no known log format"),
    "JSON that is not EVE": (lambda folder: write(folder / "x.json", '{"a": 1}\n{"b": 2}\n'), "all 2 lines"),
    "a line of 100 MB": (
        lambda folder: write(folder / "x.json", b'{"timestamp": "' + b"a" * 100_000_000 + b'"}\n'),
        "line 1: it has more than 1048576 bytes",
    ),
    "a name with a terminal escape": (lambda folder: folder / "\x1b[2J{reason}%s.json", r"\\x1b\[2J{reason}%s.json"),
}


@pytest.mark.parametrize("name", USELESS)
def test_a_log_without_anything_usable_ends_with_a_sentence(node: SeawallNode, tmp_path: Path, name: str) -> None:
    """Status 2, the file and the reason named, and no row stored."""
    make, reason = USELESS[name]
    assert re.search(f"E-INGEST-001: .*({reason})", refused(node, "ingest", make(tmp_path)))


def test_a_file_that_we_may_not_read(node: SeawallNode, tmp_path: Path) -> None:
    """The system's own reason is passed on; one unreadable file does not stop the others."""
    path = write(tmp_path / "x.json", good(1))
    path.chmod(0)
    command = node.command("ingest", path)
    if os.geteuid() == 0:  # root without the capability to read everything, as in many containers
        command = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", *command]
    before = state(node)
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    check_sentence(Answer(done.returncode, done.stdout, done.stderr), 2)
    assert "Permission denied" in done.stderr
    assert state(node) == before


# --- logs of which a part can be used ----------------------------------------------------------------------------


def counts(report: dict[str, Any]) -> tuple[int, int, int]:
    """Stored, already held, rejected."""
    return report["stored"], report["duplicates"], report["rejected"]


@pytest.mark.parametrize("kind", ["gz", "zst"])
def test_a_truncated_archive_keeps_its_complete_lines(node: SeawallNode, tmp_path: Path, kind: str) -> None:
    """``problems`` names the file; the rest comes in with the whole archive, and nothing twice."""
    dice = 100_000 if kind == "gz" else 200_000
    lines = "".join(good(dice + number, flow_id=number * 7919) + "\n" for number in range(3_000)).encode()
    packed = gzip.compress(lines) if kind == "gz" else zstandard.compress(lines)
    half = write(tmp_path / f"eve.json.{kind}", packed[: len(packed) // 2])
    report = node.here("ingest", half)
    stored = report["stored"]
    assert 0 < stored < 3_000
    assert len(report["problems"]) == 1
    assert report["problems"][0].startswith(f"{half}: ")
    assert counts(node.here("ingest", write(tmp_path / f"whole.json.{kind}", packed))) == (3_000 - stored, stored, 0)


BESIDE_GOOD: dict[str, bytes] = {
    "100 MB": b'{"timestamp": "' + b"a" * 100_000_000 + b'"}',
    "invalid UTF-8": good(300_001).encode().replace(b"s1", b"s\xff"),
    "no EVE": b'{"hello": "world"}',
    "no JSON": b"Mar 14 sshd[1]: Failed password",
    "half a line": good(300_002)[:60].encode(),
    "port as text": good(300_003, src_port="https").encode(),
    "address as list": good(300_004, src_ip=["10.0.0.1"]).encode(),
    "malformed IPv4": good(300_005, src_ip="300.1.1.1").encode(),
    "malformed IPv6": good(300_006, dest_ip="2001:db8::1::2").encode(),
    "long ago": good(300_007, timestamp="1970-01-01T00:00:00.000000+0000").encode(),
    "far ahead": good(300_008, timestamp="9999-12-31T23:59:59.999999+0000").encode(),
    "no such day": good(300_009, timestamp="2026-02-30T00:00:00.000000+0000").encode(),
    "deeply nested": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
}


def test_bad_lines_never_cost_the_good_ones_beside_them(node: SeawallNode, tmp_path: Path) -> None:
    """Every bad line is in quarantine with file, line and reason; ``--strict`` turns that into status 1."""
    lines = [part for number, bad in enumerate(BESIDE_GOOD.values()) for part in (good(400_000 + number).encode(), bad)]
    log = write(tmp_path / "mixed.json", b"\n".join(lines) + b"\n")
    assert counts(node.here("ingest", log)) == (len(BESIDE_GOOD), 0, len(BESIDE_GOOD))
    assert counts(node.here("ingest", log, "--strict", status=1)) == (0, len(BESIDE_GOOD), len(BESIDE_GOOD))
    kept = [item for item in node.listing("quarantine", "--limit", "1000") if item["file"] == str(log)]
    assert [item["line"] for item in kept] == [2 * number + 2 for number in range(len(BESIDE_GOOD))]
    assert all(item["code"] and item["reason"] for item in kept)


def test_a_100_mb_line_needs_no_100_mb(node: SeawallNode, tmp_path: Path) -> None:
    """Memory stays what it is for any log: the line is dropped as it comes."""
    small = node.run("ingest", write(tmp_path / "small.json", good(500_000) + "\n"))
    log = write(tmp_path / "long.json", good(500_001).encode() + b"\n" + b"a" * 100_000_000 + b"\n")
    large = node.run("ingest", log)
    assert counts(large) == (1, 0, 1)
    assert large["peak_memory_bytes"] < small["peak_memory_bytes"] + 120_000_000


def test_ipv6_and_mapped_addresses_are_stored_as_what_they_are(node: SeawallNode, tmp_path: Path) -> None:
    """IPv6 in any spelling is found in its short one; IPv4 inside IPv6 is IPv4."""
    lines = [
        good(600_000, src_ip="2001:0db8:0000:0000:0000:0000:0000:0001", dest_ip="fe80::1"),
        good(600_001, src_ip="::ffff:198.51.100.7", dest_ip="2001:db8::2"),
    ]
    node.here("ingest", write(tmp_path / "six.json", "\n".join(lines) + "\n"))
    found = [node.here("observations", "--where", f"src={src}")["items"] for src in ("2001:db8::1", "198.51.100.7")]
    assert [[(item["src"], item["dst"]) for item in items] for items in found] == [
        [("2001:db8::1", "fe80::1")],
        [("198.51.100.7", "2001:db8::2")],
    ]


HOSTILE = "\x1b]0;owned\x07\x1b[31m'; DROP TABLE indicators; -- {{7*7}} {0} {code} %s %n <script> =cmd|' /C calc'!A0"


def test_what_an_attacker_wrote_is_shown_and_never_obeyed(node: SeawallNode, tmp_path: Path) -> None:
    """It comes back unchanged in JSON, and with its control characters shown in text, wherever it is listed."""
    log = tmp_path / "eve.json"
    alert = {"signature": HOSTILE, "category": HOSTILE, "signature_id": 7, "severity": 1}
    lines = [
        eve(MOMENT.format(700_000), "203.0.113.66", "10.0.0.1", sensor=HOSTILE, alert=alert),
        eve(MOMENT.format(700_001), "203.0.113.66", "10.0.0.1", sensor="s1", timestamp=HOSTILE),
    ]
    node.here("ingest", write(log, "\n".join(lines) + "\n"))
    found = node.here("observations", "--where", "src=203.0.113.66")["items"]
    assert [(item["signature"], item["sensor"]) for item in found] == [(HOSTILE, HOSTILE)]
    csv = f'type,value,description\ndomain,"{HOSTILE}",x\nipv4,203.0.113.66,"{HOSTILE}"\nurl,"http://a.example/{HOSTILE}",x\n'
    report = node.here("intel", "import", write(tmp_path / "hostile.csv", csv), "--source", HOSTILE)
    assert (report["new"], report["rejected"]) == (1, 2)
    node.here("match")
    for command in (("observations",), ("quarantine",), ("sightings",), ("warnings",), ("match",), ("ingest", log)):
        shown = here("--node", node.folder, *command, *(("--limit", "10000") if command[0] in LISTS else ()))
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", shown.out), command
    assert node.here("ledger", "verify")["valid"] is True
    exported = here("--node", node.folder, "intel", "export", "--to", "csv").out
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", exported)
    cells = [cell for row in exported.splitlines() for cell in row.split(",")]
    assert not [cell for cell in cells if cell.lstrip('"').startswith(("=", "+", "@"))]


LISTS = ("observations", "quarantine", "sightings", "warnings")


# --- indicators --------------------------------------------------------------------------------------------------


def indicator(number: int, pattern: str) -> dict[str, object]:
    """A STIX indicator with this pattern."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": f"indicator--11111111-1111-4111-8111-1111111111{number:02}",
        "created": "2026-01-01T00:00:00.000Z",
        "modified": "2026-01-01T00:00:00.000Z",
        "pattern": pattern,
        "pattern_type": "stix",
        "valid_from": "2026-01-01T00:00:00Z",
    }


def bundle(*objects: object) -> str:
    """A bundle of these objects, whatever they are."""
    return json.dumps({"type": "bundle", "id": "bundle--11111111-1111-4111-8111-111111111111", "objects": objects})


def test_one_bad_object_never_costs_the_good_ones(node: SeawallNode, tmp_path: Path) -> None:
    """The good ones land, the bad ones are counted and named; ``--strict`` gives status 1, ``check`` judges each."""
    objects = (
        indicator(1, "[ipv4-addr:value = '198.51.100.1']"),
        {"type": "indicator", "id": "x"},
        indicator(2, "[ipv4-addr:value = '198.51.100.2']"),
        indicator(3, "[broken"),
        17,
        None,
    )
    path = write(tmp_path / "bundle.json", bundle(*objects))
    report = node.here("intel", "import", path, "--tlp", "green", "--source", "vendor")
    assert (report["objects"], report["new"], report["rejected"], len(report["problems"])) == (2, 2, 4, 4)
    again = node.here("intel", "import", path, "--tlp", "green", "--source", "vendor", "--strict", status=1)
    assert (again["new"], again["updated"], again["unchanged"], again["rejected"]) == (0, 0, 2, 4)
    verdicts = [item["valid"] for item in node.here("intel", "check", path)["items"]]
    assert verdicts == [True, False, True, False, False, False]
    assert here("--node", node.folder, "intel", "check", path, "--strict").status == 1


def test_a_damaged_bundle_keeps_its_complete_objects(node: SeawallNode, tmp_path: Path) -> None:
    """Cut in the middle of its second object, it gives the first, and says so."""
    whole = bundle(
        indicator(4, "[ipv4-addr:value = '198.51.100.4']"), indicator(5, "[ipv4-addr:value = '198.51.100.5']")
    )
    report = node.here("intel", "import", write(tmp_path / "cut.json", whole[:-150]), "--tlp", "green")
    assert (report["new"], len(report["problems"])) == (1, 1)


NO_INTEL: dict[str, tuple[str, bytes]] = {
    "nothing": ("x.csv", b""),
    "a header alone": ("x.csv", b"type,value\n"),
    "columns that we do not know": ("x.csv", b"a,b\n1,2\n"),
    "only bad rows": ("x.csv", b"type,value\nipv4,999.1.1.1\nnope,1\n"),
    "a binary file": ("x.json", bytes(range(256)) * 20),
    "an empty bundle": ("x.json", b'{"type": "bundle", "id": "bundle--x", "objects": []}'),
    "no STIX": ("x.json", b'{"hello": "world"}'),
    "no JSON": ("x.json", b"{'a': 1}"),
    "a logged event": ("x.json", (good(1) + "\n" + good(2) + "\n").encode()),
    "five bytes of gzip": ("x.gz", gzip.compress(b"x" * 99)[:5]),
    "nested without end": ("x.json", b'{"objects":' + b"[" * 100_000),
}


@pytest.mark.parametrize("name", NO_INTEL)
def test_a_file_without_any_indicator_ends_with_a_sentence(node: SeawallNode, tmp_path: Path, name: str) -> None:
    """Status 2, and the sentence names the file."""
    file, content = NO_INTEL[name]
    assert file in refused(node, "intel", "import", write(tmp_path / file, content), "--tlp", "green")
