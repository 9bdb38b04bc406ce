"""Zeek TSV: headers, unset and empty fields, escapes, and the same observations as the JSON form."""

from __future__ import annotations

import gzip
import json
import re

import pytest

from ingest.formats.zeek_scenes import json_as_tsv, json_lines, observations, record, tsv_as_json
from ingest_scenes import Scene, counts
from realdata import folder
from seawall.ingest import read_quarantine
from seawall.ingest.formats import recognise
from seawall.model import Fault

TSV_LOGS = (
    "app_stats", "conn", "conn_date_issue", "dhcp", "dhcp_002", "dns", "files", "ftp", "http", "notice", "smtp", "ssl",
    "weird", "x509",
)  # fmt: skip
JSON_LOGS = ("capture_loss", "conn", "dns", "files", "http", "kerberos", "smb_files", "ssl", "weird", "x509")
STREAMED = ("dns", "ssl", "rdp", "weird", "smtp", "software", "ssh", "kerberos")
HEAD = (
    b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n"
    b"#open\t2026-03-14-03-12-00\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tquery\n"
    b"#types\ttime\tstring\taddr\tport\taddr\tport\tstring\n"
)
LINE = b"1773457920.250000\tC1\t10.0.0.7\t4000\t192.0.2.1\t53\tevil.test\n"


@pytest.mark.parametrize("name", TSV_LOGS)
def test_a_real_tsv_log_and_its_json_form_give_the_same_observations(scene: Scene, name: str) -> None:
    """Field by field, converted by the types in the log's own header."""
    content = (folder("zeek-zat") / f"{name}.log").read_bytes()
    found = observations(scene, "log.log", content)
    kind = re.search(r"#path\t(\S+)", content.decode())
    assert kind is not None and found
    records = [{"_path": kind[1]} | entry for entry in tsv_as_json(content.decode())]
    assert observations(scene, "log.json", json_lines(records)) == found


@pytest.mark.parametrize("name", [*JSON_LOGS, *(f"{log}.json.gz" for log in STREAMED)])
def test_a_real_json_log_and_its_tsv_form_give_the_same_observations(scene: Scene, name: str) -> None:
    """Field by field, with the escapes of Zeek's TSV writer."""
    if name.endswith(".gz"):
        lines = gzip.decompress((folder("zeek-wrccdc") / name).read_bytes()).splitlines()[:400]
    else:
        lines = (folder("zeek-zat") / "json" / f"{name}.log").read_bytes().splitlines()
    log = name.removesuffix(".json.gz")
    records = [{"_path": log} | json.loads(line) for line in lines]
    found = observations(scene, "log.json", json_lines(records))
    assert found and observations(scene, "log.log", json_as_tsv(log, records)) == found


def test_counts_are_those_of_the_lines(scene: Scene) -> None:
    """Every TSV log of the folder, without its JSON ones."""
    report = scene.ingest(*(folder("zeek-zat") / f"{name}.log" for name in (*TSV_LOGS, "http_empty")))
    assert report.by_type == {
        "conn": 363, "http": 150, "files": 113, "dns": 54, "ssl": 37, "x509": 13, "weird": 12, "ftp": 7, "dhcp": 4,
        "smtp": 3, "app_stats": 2, "notice": 2,
    }  # fmt: skip
    assert report.rejected == 0 and not report.problems and report.files == 15


def test_a_log_that_is_all_header_is_no_failure(scene: Scene) -> None:
    """It is read, and holds nothing."""
    report = scene.ingest(folder("zeek-zat") / "http_empty.log")
    assert (report.files, report.events, report.problems) == (1, 0, [])


def test_a_header_may_change_in_the_middle(scene: Scene) -> None:
    """Also its separators and its log; every line belongs to the header before it."""
    other = (
        b"#close\t2026-03-14-04-00-00\n#separator \\x3b\n#set_separator;|\n#unset_field;?\n#path;files\n"
        b"#fields;tx_hosts;rx_hosts;ts;md5\n192.0.2.9|192.0.2.8;10.0.0.1;1773457921;?\n"
    )
    rows = observations(scene, "two.log", HEAD + LINE + other + HEAD.replace(b"dns", b"http") + LINE)
    assert [row["kind"] for row in rows] == ["dns", "files", "http"]
    assert [row["dst_low"] is None for row in rows] == [False, False, False]
    assert [row["domain"] for row in rows] == ["evil.test", None, None]


def test_unset_and_empty_fields_are_no_values(scene: Scene) -> None:
    """Nor is the mark of an empty set an item of it."""
    head = HEAD.replace(b"\tquery", b"\trcptto").replace(b"dns", b"smtp").replace(b"port\tstring", b"port\tset[string]")
    lines = [LINE.replace(b"evil.test", text) for text in (b"-", b"(empty)", b"", b"a@evil.test,b@evil.test")]
    assert [row["email"] for row in observations(scene, "a.log", head + b"".join(lines))] == [
        None, None, None, "a@evil.test",
    ]  # fmt: skip
    rows = observations(
        scene, "b.log", HEAD + LINE.replace(b"evil.test", b"-") + LINE.replace(b"evil.test", b"(empty)")
    )
    assert [row["domain"] for row in rows] == [None, None]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (rb"a\x2db.exe", "a-b.exe"),
        (rb"\x2d", "-"),
        (rb"C:\\x41", r"C:\x41"),
        (rb"a\b", r"a\b"),
        (rb"\xe5\x8f\xb0.exe", "台.exe"),
        ("台.exe".encode(), "台.exe"),
        (rb"\xff.exe", r"\xff.exe"),
        (b"\xff.exe", r"\xff.exe"),
        (rb"a\x09b", "a\tb"),
    ],
)
def test_escapes_are_resolved(scene: Scene, text: bytes, name: str) -> None:
    """To what the JSON form of the same log holds; octets that are no UTF-8 stay visible."""
    head = HEAD.replace(b"\tquery", b"\tfilename").replace(b"dns", b"files")
    (row,) = observations(scene, "a.log", head + LINE.replace(b"evil.test", text))
    assert row["file_name"] == name


def test_a_file_without_header_is_refused_with_its_reason(scene: Scene) -> None:
    """It is not recognised; named as Zeek TSV, every line before the first header is rejected."""
    path = scene.write("headless.log", LINE * 3)
    with pytest.raises(Fault, match=r"E-INGEST-001.*no known log format"):
        scene.ingest(path)
    with pytest.raises(Fault, match=r"all 3 lines were rejected.*no line '#fields' stands before it"):
        scene.ingest(path, format="zeek-tsv")
    assert counts(scene.ingest(scene.write("late.log", LINE * 2 + HEAD + LINE), format="zeek-tsv")) == (1, 0, 2)


def test_a_table_without_time_is_no_log(scene: Scene) -> None:
    """Zeek reads its intelligence from tables that look alike."""
    path = folder("zeek-zat") / "intel_example.intel"
    assert recognise(path.read_bytes()) is None
    with pytest.raises(Fault, match="its header names no field 'ts'"):
        scene.ingest(path)


HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "fewer fields": (b"1773457920.250000\tC1\t10.0.0.7\n", "wrong-fields"),
    "more fields": (LINE[:-1] + b"\tx\n", "wrong-fields"),
    "carriage return inside": (LINE.replace(b"evil", b"ev\ril"), None),
    "quotation mark": (LINE.replace(b"evil", b'"evil'), None),
    "NaN": (LINE.replace(b"1773457920.250000", b"nan"), "bad-time"),
    "no time": (LINE.replace(b"1773457920.250000", b"-"), "no-time"),
    "number beyond 64 bits": (LINE.replace(b"1773457920.250000", b"1" * 40), "bad-time"),
    "port beyond 64 bits": (LINE.replace(b"4000", b"4" * 40), "wrong-type"),
    "no address": (LINE.replace(b"10.0.0.7", b"10.0.0"), "bad-address"),
    "invalid UTF-8": (LINE.replace(b"evil", b"\xff\xfe"), None),
    "NUL": (LINE.replace(b"evil", b"a\0b"), None),
    "terminal escape": (LINE.replace(b"evil", b"\x1b[31mevil"), None),
    "SQL": (LINE.replace(b"evil", b"'; DROP TABLE t; --"), None),
    "endless value": (LINE.replace(b"evil", b"e" * (10 << 20)), "line-too-long"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_line_harms_nothing_but_itself(scene: Scene, name: str) -> None:
    """Its neighbours are stored; it is stored, or rejected with its reason."""
    line, code = HOSTILE[name]
    report = scene.ingest(scene.write("dns.log", HEAD + LINE + line + LINE))
    assert counts(report) == ((2, 0, 1) if code else (3, 0, 0))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ([code] if code else [])
    assert len(scene.rows("domain", "domain = 'evil.test'")) == 2


def test_a_hostile_path_is_no_type(scene: Scene) -> None:
    """The header's text goes nowhere but into the rows of its lines, which are rejected."""
    head = HEAD.replace(b"\tdns", b"\tdns'; DROP TABLE t; --")
    report = scene.ingest(scene.write("a.log", HEAD + LINE + head + LINE))
    assert counts(report) == (1, 0, 1)


def test_chunks_share_the_header(scene: Scene) -> None:
    """A log larger than a chunk is read as one, whatever stands between its lines."""
    lines = [LINE.replace(b"C1", f"C{number}".encode()) for number in range(5000)]
    lines[2000] += b"\n\n" + LINE[:20] + b"\n"
    report = scene.ingest(scene.write("big.log", HEAD + b"".join(lines)), chunk_bytes=1 << 16, batch_lines=1000)
    assert counts(report) == (5000, 0, 1)


def test_the_separator_may_be_of_several_octets(scene: Scene) -> None:
    """Lines are then taken apart one by one."""
    content = (HEAD + LINE * 2).replace(b"\t", b"||").replace(b"\\x09", b"\\x7c\\x7c")
    assert observations(scene, "a.log", content, "zeek-tsv") == observations(scene, "b.log", HEAD + LINE * 2)


def test_without_a_path_the_type_is_told_by_fields(scene: Scene) -> None:
    """As it is in JSON."""
    content = json_as_tsv("", [record(conn_state="SF"), record()])
    assert [row["kind"] for row in observations(scene, "a.log", content)] == ["conn", "conn"]
