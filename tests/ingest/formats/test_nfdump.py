"""Flows as nfdump prints them: by the real tool from packets made here, and in the columns of other versions."""

from __future__ import annotations

import socket
import struct
import subprocess
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from ingest_scenes import Place, Scene, counts
from seawall.ingest import read_quarantine
from seawall.ingest.formats import FORMATS, recognise

START = 1_795_276_923  # 2026-11-21T16:02:03Z
FLOWS = [  # source, port, destination, port, protocol
    ("203.0.113.9", 40000, "10.0.0.7", 443, "tcp"),
    ("10.0.0.7", 443, "203.0.113.9", 40000, "tcp"),
    ("10.0.0.8", 5353, "198.51.100.53", 53, "udp"),
    ("2001:db8::9", 40001, "fd00:1234:5678:9abc:def0:1234:5678:7", 22, "tcp"),
    ("203.0.113.10", None, "10.0.0.7", None, "icmp"),
]
OLD_CSV = (  # nfdump 1.6 and 1.7.1; some columns left out here and there are found by their names
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt\n"
    "2026-11-21 16:02:03,2026-11-21 16:02:04,1.000,203.0.113.9,10.0.0.7,40000,443,TCP,...AP.S.,0,0,17,794\n"
    "2026-11-21 16:02:03,2026-11-21 16:02:04,18446744073709552.0,2001:db8::9,fd00::7,0,32768,ICMP6,........,0,0,1,60\n"
    "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n2,854,18,1764000,1100,200\n"
)
NEW_CSV = (  # nfdump 1.7.3
    "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"
    "2026-11-21 16:02:03.500,1.000,TCP,203.0.113.9,40000,10.0.0.7,443,17,794,1\n"
)
FAST_CSV = (  # nfdump 1.7.5
    "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,packets,bytes\n"
    "1,2,1795276923500,1795276924500,6,203.0.113.9,40000,10.0.0.7,443,0,0,0,0,...AP.S.,0,17,794\n"
)
NDJSON = (  # nfdump 1.7.3
    '{"type":"FLOW","export_sysid":1,"first":"2026-11-21T16:02:03.500","last":"2026-11-21T16:02:04.500","in_packets":17,'
    '"in_bytes":794,"proto":6,"tcp_flags":"...AP.S.","src_port":40000,"dst_port":443,"src4_addr":"203.0.113.9",'
    '"dst4_addr":"10.0.0.7","src4_geo":"","ip4_router":"192.0.2.1"}\n'
)


def packet(source: str, source_port: int | None, destination: str, port: int | None, protocol: str) -> bytes:
    """An Ethernet frame of one small packet; sums are left at nought, which flow tools do not look at."""
    a, b = ip_address(source), ip_address(destination)
    inner = {
        "tcp": struct.pack("!HHIIBBHHH", source_port or 0, port or 0, 1, 1, 0x50, 0x12, 1024, 0, 0),
        "udp": struct.pack("!HHHH", source_port or 0, port or 0, 12, 0) + b"data",
        "icmp": struct.pack("!BBHHH", 8, 0, 0, 1, 1) + b"data",
    }[protocol]
    number = {"tcp": 6, "udp": 17, "icmp": 1}[protocol]
    if a.version == 4:
        header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(inner), 1, 0, 64, number, 0, a.packed, b.packed)
        return bytes(12) + b"\x08\x00" + header + inner
    return (
        bytes(12)
        + b"\x86\xdd"
        + struct.pack("!IHBB16s16s", 6 << 28, len(inner), number, 64, a.packed, b.packed)
        + inner
    )


def capture(path: Path) -> Path:
    """A pcap file with one packet of each of FLOWS."""
    records = [packet(*flow) for flow in FLOWS]
    body = b"".join(
        struct.pack("<IIII", START, n * 1000, len(record), len(record)) + record for n, record in enumerate(records)
    )
    path.write_bytes(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1) + body)
    return path


def flows(scene: Scene) -> list[tuple[str, int | None, str, int | None, str]]:
    """What the lake holds, in the form of FLOWS."""
    rows = scene.rows("src_high, src_low, src_port, dst_high, dst_low, dst_port, protocol")
    return [
        (text(row["src_high"], row["src_low"]), row["src_port"], text(row["dst_high"], row["dst_low"]), row["dst_port"],
         row["protocol"])
        for row in rows
    ]  # fmt: skip


def text(high: int, low: int) -> str:
    """An address of two signed halves."""
    address = ip_address(((high % (1 << 64)) << 64) | low % (1 << 64))
    return str(getattr(address, "ipv4_mapped", None) or address)


def printed(folder: Path, form: str) -> bytes:
    """nfdump's output in this form, in UTC."""
    run = subprocess.run(
        ["nfdump", "-R", str(folder), "-o", form], capture_output=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin"}
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.tool("nfdump")
@pytest.mark.parametrize("form", ["csv", "json", "line6", "long6", "extended6"])
def test_real_nfdump_prints_what_we_read(scene: Scene, tmp_path: Path, form: str) -> None:
    """Each form gives the same flows: addresses, ports and protocols of the packets, none beside."""
    captured = tmp_path / "captured"
    captured.mkdir()
    subprocess.run(
        ["nfpcapd", "-r", str(capture(tmp_path / "x.pcap")), "-w", str(captured)], check=True, capture_output=True
    )
    log = scene.write("flows", printed(captured, form))
    report = scene.ingest(log, timezone="UTC")
    assert (counts(report), report.by_type, report.problems) == ((5, 0, 0), {"flow": 5}, [])
    assert sorted(flows(scene), key=str) == sorted(FLOWS, key=str)
    assert {(row["time"] // 1_000_000, row["basis"]) for row in scene.rows("time, basis")} == {(START, "none")}
    assert counts(scene.ingest(log, timezone="UTC")) == (0, 5, 0)


@pytest.mark.tool("nfdump")
@pytest.mark.tool("softflowd")
def test_ipfix_comes_through_nfdump(scene: Scene, tmp_path: Path) -> None:
    """softflowd sends IPFIX to nfcapd on loopback; what nfdump prints of it is read."""
    captured = tmp_path / "captured"
    captured.mkdir()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    collector = subprocess.Popen(
        ["nfcapd", "-b", "127.0.0.1", "-p", str(port), "-w", str(captured)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for_port(port)
        probe_file = capture(tmp_path / "x.pcap")
        send = ["softflowd", "-D", "-v", "10", "-r", str(probe_file), "-n", f"127.0.0.1:{port}"]
        subprocess.run(send, check=True, capture_output=True, timeout=30, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        wait_for_port(port, empty=True)
        time.sleep(0.5)
    finally:
        collector.terminate()
        collector.wait(10)
    report = scene.ingest(scene.write("flows", printed(captured, "csv")), timezone="UTC")
    assert (report.rejected, report.problems) == (0, [])
    assert sorted(flows(scene), key=str) == sorted(FLOWS, key=str)


def wait_for_port(port: int, *, empty: bool = False) -> None:
    """Until somebody listens on this UDP port of 127.0.0.1 (``empty``: and has taken all that was sent there)."""
    wanted = f"0100007F:{port:04X}"
    for _ in range(200):
        for row in Path("/proc/net/udp").read_text().splitlines():
            fields = row.split()
            if fields[1] == wanted and (not empty or fields[4] == "00000000:00000000"):
                return
        time.sleep(0.05)
    raise AssertionError("nfcapd does not listen, or does not read")


@pytest.mark.parametrize(
    "content", [OLD_CSV, NEW_CSV, FAST_CSV, NDJSON], ids=["old csv", "new csv", "fast csv", "ndjson"]
)
def test_columns_of_other_versions(scene: Scene, content: str) -> None:
    """Columns are found by their names; headers, summaries and totals are no records."""
    report = scene.ingest(scene.write("flows", content.encode()), timezone="UTC")
    assert report.rejected == 0 and ("203.0.113.9", 40000, "10.0.0.7", 443, "tcp") in flows(scene)
    assert {row["time"] // 1_000_000 for row in scene.rows("time")} == {START}


def test_two_outputs_in_one_file(scene: Scene) -> None:
    """A new header changes the columns of what follows it."""
    report = scene.ingest(scene.write("flows", (OLD_CSV + NEW_CSV).encode()), timezone="UTC")
    assert counts(report) == (3, 0, 0)


def test_local_time_is_that_of_the_named_sensor(scene: Scene) -> None:
    """nfdump prints no zone; without one known anywhere the line is rejected."""
    path = scene.write("flows", NEW_CSV.encode())
    scene.ingest(scene.write("other", FAST_CSV.encode()), path)
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == ["bad-time"]
    scene.ingest(path, sensor="collector", sensors={"collector": Place("TW", "energy", "Asia/Taipei")})
    assert {row["time"] // 1_000_000 for row in scene.rows("time")} == {START, START - 8 * 3600}


BAD_LINES = [
    (b"2026-11-21 16:02:03.500,1.000,TCP,203.0.113.9", "wrong-cells"),
    (b"2026-11-21 16:02:03.500,1.000,TCP,203.0.113.999,40000,10.0.0.7,443,17,794,1", "bad-address"),
    (b"2026-11-21 16:02:03.500,1.000,TCP,2001:d..8::7344,40000,10.0.0.7,443,17,794,1", "shortened-address"),
    (b"2026-11-21 16:02:03.500,1.000,TCP,203.0.113.9,NaN,10.0.0.7,443,17,794,1", "wrong-type"),
    (b"2026-11-21 16:02:03.500,1.000,TCP,203.0.113.9,65536,10.0.0.7,443,17,794,1", "wrong-type"),
    (b"99999999999999999999999999,1.000,TCP,203.0.113.9,1,10.0.0.7,443,17,794,1", "bad-time"),
    (b"yesterday-ish,1.000,TCP,203.0.113.9,1,10.0.0.7,443,17,794,1", "bad-time"),
    (b"\x1b[31m\xff\xfe'; DROP TABLE flows; --", "wrong-cells"),
    (b'{"type":"FLOW","first":"2026-11-21T16:02:03","src4_addr":"203.0.113.9"}', "not-flow"),
    (NDJSON.encode().strip().replace(b"40000", b"NaN"), "not-json"),
    (NDJSON.encode().strip().replace(b"40000", b"[1]"), "wrong-type"),
    (NDJSON.encode().strip()[:-20], "not-json"),
]


def test_bad_lines_are_quarantined_and_their_neighbours_are_stored(scene: Scene) -> None:
    """Each with its own reason, between good lines that are none the worse."""
    header, good = NEW_CSV.encode().split(b"\n")[:2]
    lines = [line for n, (bad, _) in enumerate(BAD_LINES) for line in (good.replace(b"40000", b"%d" % n), bad)]
    report = scene.ingest(scene.write("flows", [header, *lines]), timezone="UTC")
    assert counts(report) == (len(BAD_LINES), 0, len(BAD_LINES))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == [code for _, code in BAD_LINES]


def test_other_csv_and_json_is_not_taken_for_flows() -> None:
    """Names alone do not make a flow."""
    for head in (b"ts,te,td,pr,val,fl\n", b"a,da,sa\n1,2,3\n", b'{"src4_addr": "203.0.113.9"}\n', b"x -> y\n"):
        assert recognise(head) is None
    for content in (OLD_CSV, NEW_CSV, FAST_CSV, NDJSON):
        assert [one.name for one in FORMATS if one.recognises(content.encode())] == ["nfdump"]
