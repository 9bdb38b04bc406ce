"""Single EVE lines show at once what the ordinary reader finds in them later."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from ingest_scenes import Scene, eve
from realdata import folder
from seawall.ingest import IngestOptions
from seawall.ingest.formats.suricata_eve import SuricataEve
from seawall.ingest.live import Block
from seawall.ingest.live.eve import glimpse
from seawall.ingest.live.looking import Looker
from seawall.ingest.live.state import Head
from seawall.ingest.live.watched import Followed
from seawall.ingest.values import halves

COMPARED = ("domain", "url", "sha256", "md5", "sha1", "file_name", "ja3", "ja4", "hassh", "certificate")
ODD = [
    eve(1, event_type="http", http={"hostname": "WWW.Example.TEST.", "url": "/a?b#c", "http_port": 8080}),
    eve(2, event_type="http", http={"hostname": "192.0.2.9", "url": "/x"}),
    eve(3, event_type="http", http={"hostname": "a.test:8443", "url": "/x"}),
    eve(4, event_type="http", http={"url": "http://Proxy.test/y"}),
    eve(5, event_type="http", http={"hostname": "bücher.test", "url": "/"}),
    eve(6, event_type="dns", dns={"queries": [{"rrname": "Q.test"}]}),
    eve(7, event_type="tls", tls={"sni": "s.test", "fingerprint": "AA:" * 19 + "AA", "ja3": {"hash": "0" * 32}}),
    eve(8, event_type="tls", tls={"sni": "1.2.3.4", "ja4": ""}),
    eve(9, event_type="http", http={"hostname": "", "url": "/x"}),
    eve(10, event_type="fileinfo", fileinfo={"filename": "", "sha256": "A" * 64, "md5": "short"}),
    eve(11, event_type="ssh", ssh={"client": {"hassh": {"hash": "B" * 32}}, "server": {"hassh": {"hash": "c" * 32}}}),
    eve(12, event_type="http", http={"hostname": "x" * 300, "url": "/x", "http_port": "80"}),
    eve(13, src_ip="2001:db8::1", dest_ip="::ffff:192.0.2.1"),
    eve(14, event_type="http", http={"hostname": "10", "url": "/"}),
    eve(15, event_type="http", http={"hostname": "h.test"}),
    eve(16, event_type="quic", quic={"sni": "q.test", "ja3": {"hash": "d" * 32}}),
    eve(17, event_type="fileinfo", files=[{"filename": "a.exe", "sha256": "e" * 64}]),
]


def compare(scene: Scene, lines: list[bytes]) -> int:
    """Assert that each glimpse tells the row's values; how many lines had one."""
    scene.ingest(scene.write("eve.json", lines))
    rows = {row["source_line"]: row for row in scene.rows()}
    compared = 0
    for number, line in enumerate(lines, 1):
        seen, row = glimpse(line), rows.get(number)
        if seen is None or row is None:
            continue
        compared += 1
        told = dict(seen.others) | {"domain": seen.domain, "url": seen.url}
        assert {name: told.get(name) for name in COMPARED} == {name: row[name] for name in COMPARED}, line
        for end, text in (("src", seen.src), ("dst", seen.dst)):
            held = None if row[f"{end}_low"] is None else (row[f"{end}_high"], row[f"{end}_low"])
            assert (halves(text) or halves(f"::ffff:{text}") if text else None) == held
        assert (seen.kind, seen.sensor) == (row["kind"], row["sensor"])
    return compared


def test_odd_lines_show_what_is_stored(scene: Scene) -> None:
    """Hosts in capitals, with ports, in other scripts, addresses as hosts, targets of every kind, short hashes."""
    assert compare(scene, ODD) == len(ODD)


def test_real_lines_show_what_is_stored(scene: Scene) -> None:
    """1,200 real events of Suricata 4 to 8: nearly all have a glimpse, and it tells what the lake holds."""
    lines = []
    for path in sorted(folder("suricata-verify").rglob("eve.json.gz")):
        lines += [line for line in gzip.decompress(path.read_bytes()).split(b"\n") if line.strip()]
    assert compare(scene, lines) > 0.9 * len(lines)


@pytest.mark.parametrize(
    "line",
    [b"", b"{", b"[]", b'{"event_type": 5, "timestamp": "x"}', b'{"timestamp": "x"}', eve(1, http=[]), b"\xff" * 9,
     b"[" * 100_000],
)  # fmt: skip
def test_lines_of_odd_shape_are_left_to_the_reader(line: bytes) -> None:
    """No glimpse, and no exception, for what is no ordinary event."""
    assert glimpse(line) is None


def test_circumstances_are_those_of_the_row(scene: Scene) -> None:
    """Time, side, sensor and basis of a line that hit are those with which it is stored."""
    alert = {"action": "blocked", "signature_id": 2_100_000, "signature": "ET X CVE-2021-44228", "category": "x",
             "metadata": {"cve": ["CVE_2021_45046"]}}  # fmt: skip
    engine = {"action": "allowed", "signature_id": 2_200_001, "signature": "SURICATA broken", "category": ""}
    lines = [eve(1, event_type="alert", alert=alert), eve(2, event_type="alert", alert=engine), eve(3, host=...)]
    scene.ingest(scene.write("eve.json", lines))
    options = IngestOptions(quarantine=scene.quarantine, node_side="TW")
    path = Path("eve.json")
    followed = Followed("k", "eve.json", path, 0, 0, Head(0, ""), SuricataEve(), False, False, None)
    with scene.lake.scratch() as session:
        looker = Looker(options, session)
        looked = looker.look(Block("k", 0, 1, 1, 3, b"\n".join(lines) + b"\n"), followed)
        told = [looker.circumstances(seen, followed) for seen in looked.glimpses]
        looker.close()
    assert looked.rows == []
    stored = [
        (row["time"], row["side"], row["sector"], row["sensor"], row["basis"], row["cve"]) for row in scene.rows()
    ]
    assert [(one.time, one.side, one.sector, one.sensor, one.basis, one.cve) for one in told if one] == stored
