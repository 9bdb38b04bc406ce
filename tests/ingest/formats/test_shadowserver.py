"""Shadowserver reports: whose machine each is about, and what may be told of the other end.

The headers are those of the published reports; the rows are made here, with addresses for documentation.
"""

from __future__ import annotations

from typing import Any

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import read_quarantine
from seawall.ingest.formats import FORMATS, recognise


def _names(text: str) -> list[str]:
    return text.split()


EVENT = _names(
    "timestamp protocol src_ip src_port src_asn src_geo src_region src_city src_hostname src_naics src_sector "
    "device_vendor device_type device_model dst_ip dst_port dst_asn dst_geo dst_region dst_city dst_hostname dst_naics "
    "dst_sector public_source infection family tag application version event_id"
)
BRUTE_FORCE = EVENT + _names("service start_time end_time client_version username password payload_url payload_md5")
DARKNET = [*EVENT, "count"]
HTTP = EVENT + _names("http_url http_host http_agent forwarded_by ssl_cipher http_referer")
HTTP_SCAN = EVENT + _names("pattern http_url http_agent vulnerability_id threat_technique_id file_sha256 request_raw")
DNS = EVENT[:14] + _names("infection family tag query_type query count")
AMPLIFIED = EVENT + _names("request count bytes end_time")
SPOOFER = EVENT + _names("network routedspoof session nat")
DDOS = EVENT + _names("dst_network dst_netmask attack duration attack_src_ip http_agent")
DDOS_TARGET = EVENT[:2] + EVENT[14:23] + EVENT[11:14] + EVENT[2:11] + EVENT[23:] + _names("dst_network attack")
SCAN = _names("timestamp severity ip protocol port hostname tag asn geo region city naics hostname_source banner")
WEBSITE = _names(
    "timestamp ip port hostname tag application asn geo region city url http_host category system detected_since "
    "server redirect_target naics sic sector cc_url family"
)
MALWARE = _names("timestamp url host ip asn geo region city naics sector tag source sha256 application")
PHISHING = [*MALWARE[:10], "source"]
SANDBOX = _names("timestamp ip asn geo md5 url user_agent host method")
BLOCKLIST = _names("timestamp ip hostname source reason asn geo region city naics sic sector")
REFERER = _names(
    "timestamp protocol http_referer_ip http_referer_port http_referer_asn http_referer_geo dst_ip http_host infection"
)
OURS, OTHER = "10.0.0.7", "203.0.113.9"
COLUMNS = "kind, basis, rsit, own_end, src_low, dst_low, dst_port, domain, url, username, sha256, md5, cve"
SHA = "12013662c71da69de977c04cd7021f13a70cf7bed4ca6c82acbc100464d4b0ef"


def report(columns: list[str], *rows: dict[str, Any], quote: str = '"') -> bytes:
    """A report file: every cell quoted, as Shadowserver writes texts."""
    lines = [columns]
    lines += [[str(({"timestamp": "2026-11-01 00:00:00"} | row).get(name, "")) for name in columns] for row in rows]
    return b"".join(",".join(f"{quote}{cell}{quote}" for cell in line).encode() + b"\n" for line in lines)


def low(address: str) -> int:
    """The low half of an IPv4 address as the lake holds it."""
    a, b, c, d = (int(part) for part in address.split("."))
    return 0xFFFF_0000_0000 | a << 24 | b << 16 | c << 8 | d


CASES: dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]] = {
    "brute force": (
        BRUTE_FORCE,
        {"src_ip": OURS, "dst_ip": OTHER, "dst_port": 22, "infection": "ssh-brute-force", "username": "a"},
        {"kind": "honeypot-brute-force", "basis": "honeypot", "rsit": "intrusion-attempts:brute-force",
         "own_end": "source", "src_low": low(OURS), "dst_low": None, "dst_port": 22, "username": "a"},
    ),
    "scan of a honeypot": (
        HTTP_SCAN,
        {"src_ip": OURS, "dst_ip": OTHER, "infection": "http-scan", "http_url": "/x",
         "vulnerability_id": "CVE-2021-4422"},
        {"kind": "honeypot-scan", "basis": "honeypot", "rsit": "information-gathering:scanner", "dst_low": None,
         "url": None, "cve": "CVE-2021-4422"},
    ),
    "darknet": (
        DARKNET, {"src_ip": OURS, "dst_port": 23, "infection": "mirai"},
        {"kind": "darknet", "basis": "honeypot", "own_end": "source", "dst_port": 23},
    ),
    "sinkhole": (
        EVENT, {"src_ip": OURS, "dst_ip": OTHER, "dst_port": 4455, "infection": "victorygate.b"},
        {"kind": "sinkhole", "basis": "alert", "rsit": "malicious-code:infected-system", "own_end": "source",
         "src_low": low(OURS), "dst_low": low(OTHER)},
    ),
    "sinkhole with severity": ([*EVENT, "severity"], {"src_ip": OURS, "severity": "critical"}, {"kind": "sinkhole"}),
    "sinkhole of HTTP": (
        HTTP, {"src_ip": OURS, "dst_ip": OTHER, "http_url": "GET /gate.php HTTP/1.1", "http_host": "Malware.Example."},
        {"kind": "sinkhole-http", "basis": "alert", "domain": "malware.example", "url": "http://malware.example/gate.php"},
    ),
    "sinkhole of DNS": (
        DNS, {"src_ip": OURS, "query": "YolkIsh.EXAMPLE", "query_type": "A"},
        {"kind": "sinkhole-dns", "basis": "alert", "domain": "yolkish.example", "own_end": "source"},
    ),
    "referer": (REFERER, {"http_referer_ip": OURS, "http_host": "malware.example"},
                {"kind": "sinkhole-referer", "basis": "none", "own_end": "destination", "domain": None}),
    "amplification": (
        AMPLIFIED, {"src_ip": OURS, "dst_port": 389, "infection": "ddos-amplification"},
        {"kind": "ddos-amplification", "basis": "none", "rsit": "availability:ddos", "own_end": "destination",
         "src_low": None, "dst_low": low(OURS)},
    ),
    "spoofer": (SPOOFER, {"src_ip": OURS, "infection": "ip-spoofer"}, {"kind": "ip-spoofer", "basis": "none"}),
    "C2 of a DDoS, ours": (
        DDOS, {"src_ip": OURS, "dst_ip": OTHER, "infection": "ddos", "attack": "atk0"},
        {"kind": "honeypot-ddos", "basis": "honeypot", "rsit": "malicious-code:c2-server", "dst_low": None},
    ),
    "victim of a DDoS, ours": (
        DDOS_TARGET, {"src_ip": OTHER, "dst_ip": OURS, "infection": "ddos", "attack": "atk0"},
        {"kind": "honeypot-ddos", "rsit": "availability:ddos", "src_low": low(OTHER), "dst_low": low(OURS)},
    ),
    "participant of a DDoS": (
        DDOS, {"src_ip": OURS, "dst_ip": OTHER, "infection": "ddos-participant"},
        {"kind": "ddos-participant", "basis": "alert", "dst_low": None},
    ),
    "exposed service": (
        SCAN, {"ip": OURS, "port": 873, "tag": "rsync", "severity": "high", "banner": "a, b"},
        {"kind": "exposed-service", "basis": "none", "own_end": "destination", "src_low": None, "dst_low": low(OURS),
         "dst_port": 873},
    ),
    "website": (
        WEBSITE, {"ip": OURS, "port": 80, "http_host": "shop.example", "url": "/a.php", "tag": "phishing"},
        {"kind": "compromised-website", "basis": "alert", "url": "http://shop.example/a.php", "own_end": "destination"},
    ),
    "malware": (
        MALWARE, {"ip": OURS, "url": "http://files.example:50008/Mozi.m", "host": "files.example", "sha256": SHA,
                  "tag": "CVE-2016-10372"},
        {"kind": "malware-url", "basis": "alert", "url": "http://files.example:50008/Mozi.m", "sha256": SHA,
         "cve": "CVE-2016-10372"},
    ),
    "phishing": (
        PHISHING, {"ip": OURS, "url": "https://login.example/a", "host": "login.example"},
        {"kind": "phishing-url", "basis": "alert", "rsit": "fraud:phishing", "url": "https://login.example/a"},
    ),
    "sandbox": (
        SANDBOX, {"ip": OURS, "md5": "37514b54e679a5313334e830ad780ec7", "url": "http://x.example/"},
        {"kind": "sandbox", "basis": "none", "url": None, "md5": "37514b54e679a5313334e830ad780ec7"},
    ),
    "blocklist": (BLOCKLIST, {"ip": OURS, "reason": "Malicious Host"}, {"kind": "blocklisted", "basis": "none"}),
    "event of a new kind": (
        [*EVENT, "novelty"], {"src_ip": OURS, "dst_ip": OTHER}, {"kind": "event", "basis": "none", "dst_low": None}
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_report_says_whose_machine_it_is_about(scene: Scene, name: str) -> None:
    """The reported machine is at the right end, and the basis is that of the report's kind."""
    columns, row, expected = CASES[name]
    assert counts(scene.ingest(scene.write("report.csv", report(columns, row)))) == (1, 0, 0)
    (found,) = scene.rows(COLUMNS)
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("name", CASES)
def test_our_machine_is_never_a_remote_value(scene: Scene, name: str) -> None:
    """Whatever the report says of it; nor are URLs on our own servers."""
    columns, row, _ = CASES[name]
    scene.ingest(scene.write("report.csv", report(columns, row)))
    remote = {(one["type"], one["value"], one["low"]) for one in scene.rollup() if one["role"] == "remote"}
    assert not any(kind == "ipv4" and value == low(OURS) for kind, _, value in remote)
    if name in ("website", "phishing", "malware"):
        assert not any(kind in ("url", "domain") for kind, _, _ in remote)
    if name in ("sinkhole of HTTP", "sinkhole of DNS"):
        assert any(kind == "domain" for kind, _, _ in remote)


def test_a_payload_that_our_taken_machine_fetched_is_remote(scene: Scene) -> None:
    """The URL of a brute force report is where the attacker's malware lies."""
    row = {"src_ip": OURS, "infection": "ssh-brute-force", "payload_url": "http://203.0.113.9/m.sh"}
    scene.ingest(scene.write("report.csv", report(BRUTE_FORCE, row)))
    assert {(one["value"], one["role"], one["basis"]) for one in scene.rollup() if one["type"] == "url"} == {
        ("http://203.0.113.9/m.sh", "remote", "honeypot")
    }


def test_times_are_utc_and_severities_are_numbers(scene: Scene) -> None:
    """Whatever zone the node is in."""
    row = {"ip": OURS, "severity": "medium", "timestamp": "2026-11-01 00:00:05"}
    scene.ingest(scene.write("report.csv", report(SCAN, row)), timezone="Asia/Taipei")
    assert scene.rows("time, severity") == [{"time": 1_793_491_205_000_000, "severity": 2}]


def test_cells_with_commas_quotes_and_line_ends(scene: Scene) -> None:
    """A row over several lines is one row, and what follows it is read."""
    rows = [{"ip": OURS, "port": n, "banner": 'x, ""y""\r\nSecond line\nThird'} for n in (1, 2)]
    assert counts(scene.ingest(scene.write("report.csv", report(SCAN, *rows, {"ip": OURS, "port": 3})))) == (3, 0, 0)
    assert [row["dst_port"] for row in scene.rows("dst_port")] == [1, 2, 3]


def test_an_open_quote_harms_its_own_line(scene: Scene) -> None:
    """It does not swallow the rest of the file."""
    good = report(SCAN, *({"ip": OURS, "port": n} for n in range(1, 200)))
    bad = b'"2026-11-01 00:00:00","low","10.0.0.7\n'
    head, _, rest = good.partition(b"\n")
    assert counts(scene.ingest(scene.write("report.csv", head + b"\n" + bad + rest))) == (199, 0, 1)


def test_short_rows_and_unquoted_cells(scene: Scene) -> None:
    """Empty cells at the end may be missing, and numbers are often not quoted."""
    content = report(SCAN) + b'"2026-11-01 00:00:00",high,10.0.0.7,tcp,80\n2026-11-01 00:00:01,high,10.0.0.7,tcp,81\r\n'
    assert counts(scene.ingest(scene.write("report.csv", content))) == (2, 0, 0)


def test_two_reports_in_one_file(scene: Scene) -> None:
    """A header changes what the rows after it mean."""
    content = report(SCAN, {"ip": OURS}) + report(DARKNET, {"src_ip": OURS, "infection": "mirai"})
    assert scene.ingest(scene.write("report.csv", content)).by_type == {"exposed-service": 1, "darknet": 1}


BAD_LINES = [
    (b'"2026-11-01 00:00:00","low","10.0.0.7', "not-csv"),
    (b'"2026-11-01 00:00:00","low","10.0.0.7"x,"tcp"', "not-csv"),
    (b"lonely", "wrong-cells"),
    (b"a" + b",b" * 40, "wrong-cells"),
    (b'"2026-11-01 00:00:00","low","198.51.100.0/24","tcp","80"', "bad-address"),
    (b'"2026-11-01 00:00:00","low","10.0.0.7","tcp","NaN"', "wrong-type"),
    (b'"2026-11-01 00:00:00","low","10.0.0.7","tcp","' + b"9" * 50 + b'"', "wrong-type"),
    (b'"2026-13-01 00:00:00","low","10.0.0.7","tcp","80"', "bad-time"),
    (b'"","low","10.0.0.7","tcp","80"', "no-time"),
    (b"\xff\xfe\x1b[31m'; DROP TABLE x; --", "wrong-cells"),
    (b'"2026-11-01 00:00:00","low","10.0.0.7","tcp","80","' + b"x" * 200_000 + b'"', "not-csv"),
]


def test_bad_lines_are_quarantined_and_their_neighbours_are_stored(scene: Scene) -> None:
    """Each with its own reason, between good lines that are none the worse."""
    header, *good = report(SCAN, *({"ip": OURS, "port": n} for n in range(len(BAD_LINES)))).split(b"\n")[:-1]
    lines = [line for pair in zip(good, (bad for bad, _ in BAD_LINES), strict=True) for line in pair]
    assert counts(scene.ingest(scene.write("report.csv", [header, *lines]))) == (len(good), 0, len(good))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == [code for _, code in BAD_LINES]


def test_what_an_attacker_wrote_into_a_cell_stays_text(scene: Scene) -> None:
    """Formulas, escapes, SQL and bytes that are no UTF-8."""
    rows = [
        {"ip": OURS, "port": n, "tag": tag} for n, tag in enumerate(["=cmd|x", "\x1b[31m", "';--", "{{7*7}}", "%s"])
    ]
    content = report(SCAN, *rows) + report(SCAN, {"ip": OURS, "tag": "HERE"}).split(b"\n")[1].replace(b"HERE", b"\xff")
    assert counts(scene.ingest(scene.write("report.csv", content))) == (6, 0, 0)


def test_other_csv_is_not_taken_for_a_report() -> None:
    """A column called timestamp is not enough."""
    for head in (b"timestamp,message\n", b"timestamp,src_ip,dst_ip\n", b"time,ip,asn,geo\n", b'"timestamp\n'):
        assert recognise(head) is None
    for columns in (SCAN, EVENT, MALWARE, WEBSITE, REFERER, DDOS_TARGET):
        beginning = b"\xef\xbb\xbf" + report(columns)
        assert [one.name for one in FORMATS if one.recognises(beginning)] == ["shadowserver"]
