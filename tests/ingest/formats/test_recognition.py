"""``--format auto`` over every folder of real telemetry: the right format, every line, and nothing else's files."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import pytest

from ingest_scenes import Scene
from realdata import folder
from seawall.ingest.formats import FORMATS
from seawall.ingest.inputs import HEAD_BYTES

ZEEK_TYPES = {
    "conn": 413, "http": 178, "files": 163, "dns": 104, "ssl": 87, "x509": 63, "weird": 14, "kerberos": 14, "ftp": 7,
    "dce_rpc": 7, "smb_mapping": 7, "stats": 7, "dhcp": 5, "smtp": 3, "app_stats": 2, "notice": 2, "capture_loss": 2,
    "ntp": 2, "smb_files": 2, "packet_filter": 1,
}  # fmt: skip
TELEMETRY = ("suricata-verify", "zeek-zat", "zeek-wrccdc", "cowrie-live", "cef-metron", "intelmq-events")
FORMAT_OF = {  # end of a file's name -> format; the rest of these folders is no telemetry
    "suricata-verify": {"eve.json.gz": "suricata-eve"},
    "zeek-zat": {".log": "zeek-tsv"},
    "zeek-zat/json": {".log": "zeek-json"},
    "zeek-wrccdc": {".json.gz": "zeek-json"},
    "cowrie-live": {".json": "cowrie", ".cef": "cef"},
    "cef-metron": {".cef": "cef", "asa_raw_asa_raw": "asa", "snort_raw_SnortOutput": "snort"},
    "intelmq-events": {".jsonl.gz": "intelmq"},
}
PASSED_OVER = ("loaded_scripts.log",)  # names of files, and no times


def head(path: Path) -> bytes:
    """What recognition sees."""
    if path.read_bytes()[:2] != b"\x1f\x8b":
        return path.read_bytes()[:HEAD_BYTES]
    with gzip.open(path) as content:
        return content.read(HEAD_BYTES)


def claims(path: Path) -> list[str]:
    """Every format that recognises a file."""
    beginning = head(path)
    return [format.name for format in FORMATS if format.recognises(beginning)]


def files(name: str) -> list[Path]:
    """The files of a folder, of ``zeek-zat`` without those of its inner folder."""
    inside = sorted(path for path in folder(name).rglob("*") if path.is_file())
    return [path for path in inside if name != "zeek-zat" or path.parent.name != "json"]


@pytest.mark.parametrize("name", FORMAT_OF)
def test_one_format_claims_each_log_and_none_the_rest(name: str) -> None:
    """Licences, intelligence files and parsed expectations are nobody's."""
    for path in files(name):
        wanted = [format for end, format in FORMAT_OF[name].items() if path.name.endswith(end)]
        assert claims(path) == ([] if path.name in PASSED_OVER else wanted), path.name


def test_what_is_no_telemetry_is_claimed_by_no_network_format() -> None:
    """Indicators, STIX, MISP events, taxonomies, lists of addresses: none is a log of ours."""
    ours = {"suricata-eve", "zeek-tsv", "zeek-json", "cowrie", "cef", "intelmq", "idea0"}
    root = folder("misp-events").parent
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.relative_to(root).parts[0] not in TELEMETRY:
            assert not ours & set(claims(path)), path


@pytest.mark.parametrize(
    ("name", "by_type"),
    [
        ("zeek-zat", ZEEK_TYPES),
        ("zeek-zat/json", {"conn": 50, "dns": 50, "http": 28, "ssl": 50, "files": 50, "x509": 50}),
        ("zeek-wrccdc", {"dns": 4000, "ssl": 2500, "rdp": 2000, "weird": 1500, "smtp": 1188, "software": 376}),
        ("cowrie-live", {"cowrie.session.connect": 98, "cowrie.login.success": 82, "cowrie.command.input": 208}),
        ("cef-metron", {"cef": 2}),
        ("intelmq-events", {"intelmq": 300}),
    ],
)
def test_a_folder_is_read_whole(scene: Scene, name: str, by_type: dict[str, int]) -> None:
    """Counts by type are those of its README; Cowrie's events come twice, as JSON and as CEF."""
    report = scene.ingest(folder(name), timezone="UTC")
    assert report.rejected == 0 and report.duplicates == 0 and not report.problems
    assert {kind: report.by_type.get(kind) for kind in by_type} == by_type


def test_suricata_is_recognised_as_ever(scene: Scene) -> None:
    """Every event of every case, before any other format is asked."""
    assert FORMATS[0].name == "suricata-eve"
    report = scene.ingest(folder("suricata-verify"))
    assert (report.stored, report.rejected, len(report.by_type), report.files) == (1200, 0, 32, 88)


def test_names_of_formats_are_their_own() -> None:
    """``--format`` must mean one."""
    assert max(Counter(format.name for format in FORMATS).values()) == 1
