"""Packets that nftables and iptables logged; lines as ``nf_log_syslog.c`` prints them, with the headers around them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ingest_scenes import Scene, counts
from seawall.ingest import read_quarantine
from seawall.ingest.formats import FORMATS, recognise

HEADER = "2026-11-22T01:02:03.000004+09:00 fw-1 kernel: "
ENDS = "MAC=52:54:00:12:34:56:52:54:00:65:43:21:08:00 SRC=203.0.113.9 DST=10.0.0.7 "
TCP = (
    f"IN=eth0 OUT= {ENDS}LEN=40 TOS=0x00 PREC=0x00 TTL=245 ID=54321 PROTO=TCP SPT=40000 DPT=23 "
    "WINDOW=1024 RES=0x00 SYN URGP=0 "
)
UDP = f"IN=eth0 OUT= {ENDS}LEN=73 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=UDP SPT=5353 DPT=53 LEN=53 "
ICMP = (
    f"IN=eth0 OUT= {ENDS}LEN=56 TOS=0x00 PREC=0x00 TTL=64 ID=2 PROTO=ICMP TYPE=3 CODE=1 "
    "[SRC=10.0.0.7 DST=198.51.100.1 LEN=40 TOS=0x00 PREC=0x00 TTL=1 ID=3 PROTO=TCP SPT=1 DPT=2 ] "
)
SIX = (
    "IN=eth0 OUT= MAC= SRC=2001:0db8:0000:0000:0000:0000:0000:0009 DST=fd00:0000:0000:0000:0000:0000:0000:0007 "
    "LEN=60 TC=0 HOPLIMIT=64 FLOWLBL=0 PROTO=ICMPv6 TYPE=128 CODE=0 ID=1 SEQ=1 "
)
ARP = (
    "IN=eth0 OUT= ARP HTYPE=1 PTYPE=0x0800 OPCODE=1 MACSRC=52:54:00:65:43:21 IPSRC=203.0.113.9 "
    "MACDST=00:00:00:00:00:00 IPDST=10.0.0.7"
)
REAL = [
    b"2026-11-22T02:06:54,684574+00:00 swtest-drop: IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 "
    b"SRC=127.0.0.1 DST=127.0.0.1 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=5767 DF PROTO=TCP SPT=47912 DPT=23 WINDOW=65495 "
    b"RES=0x00 SYN URGP=0 ",
    b"2026-11-22T02:06:55,685576+00:00 swtest-dns IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:08:00 "
    b"SRC=127.0.0.1 DST=127.0.0.1 LEN=30 TOS=0x00 PREC=0x00 TTL=64 ID=63890 DF PROTO=UDP SPT=32861 DPT=53 LEN=10 ",
    b"2026-11-22T02:06:56,100003+00:00 swtest-dns IN=lo OUT= MAC=00:00:00:00:00:00:00:00:00:00:00:00:86:dd "
    b"SRC=0000:0000:0000:0000:0000:0000:0000:0001 DST=0000:0000:0000:0000:0000:0000:0000:0001 LEN=49 TC=0 HOPLIMIT=64 "
    b"FLOWLBL=443861 PROTO=UDP SPT=47397 DPT=53 LEN=9 ",
]
RULES = """table inet t {
  chain c {
    type filter hook input priority 0
    tcp dport 23 log prefix "telnet-drop: " group 1 drop
    udp dport 53 log prefix "dns " group 1
  }
}
"""
ULOGD = """[global]
logfile="{folder}/ulogd.log"
plugin="{plugins}/ulogd_inppkt_NFLOG.so"
plugin="{plugins}/ulogd_raw2packet_BASE.so"
plugin="{plugins}/ulogd_filter_IFINDEX.so"
plugin="{plugins}/ulogd_filter_IP2STR.so"
plugin="{plugins}/ulogd_filter_PRINTPKT.so"
plugin="{plugins}/ulogd_output_LOGEMU.so"
stack=log1:NFLOG,base1:BASE,ifi1:IFINDEX,ip2str1:IP2STR,print1:PRINTPKT,emu1:LOGEMU
[log1]
group=1
[emu1]
file="{folder}/packets.log"
sync=1
"""
RUN = """cd "$1" && ip link set lo up && nft -f rules.nft || exit 1
ulogd -c "$1/ulogd.conf" &
for n in $(seq 50); do grep -q 'initialization finished' ulogd.log 2>/dev/null && break; sleep 0.1; done
"$2" -c 'import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", 53))
wanted = socket.socket()
wanted.settimeout(0.2)
wanted.connect_ex(("127.0.0.1", 23))'
for n in $(seq 50); do [ "$(grep -c DPT= packets.log 2>/dev/null)" -ge 2 ] && break; sleep 0.1; done
kill %1
"""
COLUMNS = "kind, basis, sensor, signature, protocol, src_port, dst_port, src_low, dst_low, own_end, time"


def test_a_dropped_packet_is_blocked_at_the_host_that_logged_it(scene: Scene) -> None:
    """Addresses, ports, protocol, host, time and prefix; the own end is that of our range."""
    line = f"{HEADER}[12345.678901] nft-drop: {TCP}"
    report = scene.ingest(scene.write("kern.log", [line.encode()]))
    assert (counts(report), report.by_type) == ((1, 0, 0), {"drop": 1})
    assert scene.rows(COLUMNS) == [
        {"kind": "drop", "basis": "blocked", "sensor": "fw-1", "signature": "nft-drop", "protocol": "tcp",
         "src_port": 40000, "dst_port": 23, "src_low": 0xFFFF_CB00_7109, "dst_low": 0xFFFF_0A00_0007,
         "own_end": "destination", "time": 1_795_276_923_000_004}
    ]  # fmt: skip


PREFIXES = {
        "": "none", "ACCEPT ": "none", "new-ssh: ": "none", "[UFW ALLOW] ": "none", "[UFW AUDIT] ": "none",
        "[UFW BLOCK] ": "blocked", "FINAL_REJECT: ": "blocked", "filter_IN_public_DROP: ": "blocked",
        "denied ": "blocked", "Blocked by policy ": "blocked", "IPTables-Dropped: ": "blocked",
        "dropbox ": "none", "eyedrops ": "none", "drop": "blocked",
}  # fmt: skip


def test_the_prefix_says_whether_the_packet_was_refused(scene: Scene) -> None:
    """Whole words only; a prefix without a space before IN= is read too."""
    scene.ingest(scene.write("kern.log", [f"{HEADER}{prefix}{TCP}".encode() for prefix in PREFIXES]))
    assert [row["basis"] for row in scene.rows("basis")] == list(PREFIXES.values())


@pytest.mark.parametrize(
    ("body", "protocol", "ports", "low"),
    [
        (UDP, "udp", (5353, 53), 0xFFFF_CB00_7109),
        (ICMP, "icmp", (None, None), 0xFFFF_CB00_7109),
        (SIX, "ipv6-icmp", (None, None), 9),
        (ARP, "arp", (None, None), 0xFFFF_CB00_7109),
        (UDP.replace("PROTO=UDP", "PROTO=47"), "gre", (None, None), 0xFFFF_CB00_7109),
    ],
    ids=["udp", "icmp", "ipv6", "arp", "gre"],
)
def test_each_protocol(scene: Scene, body: str, protocol: str, ports: tuple[int | None, int | None], low: int) -> None:
    """The packet that an ICMP error quotes is not taken for the packet itself."""
    scene.ingest(scene.write("kern.log", [f"{HEADER}x: {body}".encode()]), format="nftables-log")
    (row,) = scene.rows(COLUMNS)
    assert (row["protocol"], (row["src_port"], row["dst_port"]), row["src_low"]) == (protocol, ports, low)


def test_lines_that_a_real_kernel_wrote(scene: Scene) -> None:
    """Captured in a network namespace with nf_log_all_netns set, printed by dmesg with --time-format iso."""
    assert counts(scene.ingest(scene.write("kern.log", REAL))) == (3, 0, 0)
    rows = scene.rows(COLUMNS)
    assert [(row["basis"], row["signature"], row["sensor"], row["dst_port"]) for row in rows] == [
        ("blocked", "swtest-drop", None, 23),
        ("none", "swtest-dns", None, 53),
        ("none", "swtest-dns", None, 53),
    ]
    assert (rows[0]["time"], rows[2]["src_low"]) == (1_795_313_214_684_574, 1)


@pytest.mark.tool("unshare")
@pytest.mark.tool("nft")
@pytest.mark.tool("ulogd")
def test_packets_that_real_nftables_logged_through_ulogd(scene: Scene) -> None:
    """Rules in a network namespace log to a group, ulogd writes them the kernel's way, and we read what it wrote."""
    (plugins,) = {path.parent for path in Path("/usr/lib").glob("*/ulogd/ulogd_inppkt_NFLOG.so")}
    log, script = scene.folder / "packets.log", scene.write("run.sh", RUN.encode())
    scene.write("rules.nft", RULES.encode())
    scene.write("ulogd.conf", ULOGD.format(plugins=plugins, folder=scene.folder).encode())
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", "bash", str(script), str(scene.folder), sys.executable],
        capture_output=True,
        timeout=60,
        env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TZ": "UTC"},
    )
    assert log.exists() and log.stat().st_size, done.stderr.decode()
    report = scene.ingest(log, timezone="UTC")
    assert (report.rejected, report.problems) == (0, [])
    found = {(row["kind"], row["signature"], row["protocol"], row["dst_port"]) for row in scene.rows(COLUMNS)}
    assert {("drop", "telnet-drop", "tcp", 23), ("packet", "dns", "udp", 53)} <= found


@pytest.mark.parametrize(
    "line",
    [
        f"Nov 21 16:02:03 fw-1 kernel: [1.5] drop {TCP}",
        f"Nov 21 16:02:03 fw-1 nft-drop:  {TCP}",
        f"Nov 21 16:02:03 fw-1 ulogd[7]: drop {TCP}",
        f"<4>Nov 21 16:02:03 fw-1 kernel: drop {TCP}",
        f"<4>1 2026-11-21T16:02:03Z fw-1 kernel - - - drop {TCP}",
        f"2026-11-22T01:02:03+0900 fw-1 kernel: drop {TCP}",
        json.dumps({"__REALTIME_TIMESTAMP": "1795276923000000", "_HOSTNAME": "fw-1", "MESSAGE": f"drop {TCP}"}),
        json.dumps(
            {"__REALTIME_TIMESTAMP": "1795276923000000", "_HOSTNAME": "fw-1", "MESSAGE": list(f"drop {TCP}".encode())}
        ),
    ],
    ids=[
        "old syslog",
        "ulogd to a file",
        "ulogd to syslog",
        "priority",
        "new syslog",
        "journal",
        "journal as JSON",
        "journal of bytes",
    ],
)
def test_headers_of_syslog_and_of_the_journal(scene: Scene, line: str) -> None:
    """The same packet whichever program wrote the line."""
    scene.ingest(scene.write("kern.log", [line.encode()]), format="nftables-log", timezone="UTC")
    assert [(row["sensor"], row["basis"], row["time"]) for row in scene.rows(COLUMNS)] == [
        ("fw-1", "blocked", 1_795_276_923_000_000)
    ]


BAD_LINES = [
    (f"{HEADER}usb 1-1: new high-speed USB device".encode(), "not-packet-log"),
    (f"{HEADER}drop IN=eth0 OUT= MAC=00:11".encode(), "not-packet-log"),
    (f"drop {TCP}".encode(), "no-time"),
    (f"{HEADER}drop {TCP}".replace("203.0.113.9", "203.0.113.999").encode(), "bad-address"),
    (f"{HEADER}drop {TCP}".replace("DPT=23", "DPT=NaN").encode(), "wrong-type"),
    (f"{HEADER}drop {TCP}".replace("DPT=23", "DPT=" + "9" * 40).encode(), "wrong-type"),
    (f"{HEADER}drop {TCP}".encode()[:60], "not-packet-log"),
    (b"\xff\xfe\x1b[31m'; DROP TABLE x; --", "not-packet-log"),
    (b'{"MESSAGE": {"a": 1}}', "not-packet-log"),
    (b'{"MESSAGE": NaN}', "not-json"),
    (json.dumps({"_HOSTNAME": [1], "MESSAGE": f"drop {TCP}"}).encode(), "wrong-type"),
]


def test_bad_lines_are_quarantined_and_their_neighbours_are_stored(scene: Scene) -> None:
    """Each with its own reason, between good lines that are none the worse."""
    good = f"{HEADER}drop {TCP}".encode()
    lines = [line for n, (bad, _) in enumerate(BAD_LINES) for line in (good.replace(b"SPT=40000", b"SPT=%d" % n), bad)]
    assert counts(scene.ingest(scene.write("kern.log", lines))) == (len(BAD_LINES), 0, len(BAD_LINES))
    assert [entry.code for entry in read_quarantine(scene.quarantine)] == [code for _, code in BAD_LINES]


def test_only_logged_packets_are_recognised() -> None:
    """Not any line with an equals sign."""
    for line in (f"{HEADER}x {SIX}".encode(), *REAL):
        assert [one.name for one in FORMATS if one.recognises(line)] == ["nftables-log"]
    for head in (b"IN=1 OUT=2\n", b"SRC=1.2.3.4 DST=5.6.7.8\n", b"Nov 22 01:02:03 host sshd[1]: IN= OUT= x\n"):
        assert recognise(head) is None
