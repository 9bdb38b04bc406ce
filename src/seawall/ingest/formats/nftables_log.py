"""Packets that nftables or iptables logged, as they stand in the kernel log: ``IN= OUT= SRC= DST= PROTO= SPT= DPT=``.

Reference: Linux, ``net/netfilter/nf_log_syslog.c`` (``nf_log_ip_packet``, ``nf_log_ipv6_packet``, ``nf_log_arp``);
nft(8), "LOG STATEMENT"; iptables-extensions(8), "LOG". Before it stands the header of syslog, ``journalctl`` (see
``syslog_line``), ulogd's LOGEMU or ``dmesg --time-format iso``, or the record is one of ``journalctl -o json``.

The text before ``IN=`` is the prefix that the rule's author chose. When it names a refusal (drop, reject, deny, block
and their past forms) the row has kind ``drop`` and basis ``blocked``; any other packet is kind ``packet``, basis
``none``. Lines of the kernel about anything else are rejected, so that each is counted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import NOT_JSON
from seawall.ingest.records import LineRefused, Record, RecordReader, text_of
from seawall.ingest.syslog_line import parse_header
from seawall.model import Basis
from seawall.model.unreadable import UNREADABLE

NOT_PACKET = "not-packet-log"
WRONG_TYPE = "wrong-type"
LINES_LOOKED_AT = 200
PREFIX_LENGTH = 128  # characters; NF_LOG_PREFIXLEN of the kernel
WRITERS = (None, "kernel", "ulogd")
PORTS = ("tcp", "udp", "udplite", "sctp", "dccp")
_START = re.compile(r"IN=[^\s=]{0,40} OUT=[^\s=]{0,40}(?: |$)", re.ASCII)
_FIELD = re.compile(r"\b(SRC|DST|PROTO|SPT|DPT|IPSRC|IPDST)=(\S*)", re.ASCII)
_TELLING = re.compile(
    rb"IN=[^\s=]{0,40} OUT=[^\s=]{0,40} .{0,400}?SRC=[0-9A-Fa-f.:]+ DST=[0-9A-Fa-f.:]+ .{0,200}?PROTO=\w"
)
_DMESG = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{6}[+-]\d\d:\d\d) (.*)", re.DOTALL)  # its comma tells
_UPTIME = re.compile(r"\[ *\d+\.\d+\]\s*", re.ASCII)
_REFUSAL = re.compile(
    r"(?<![a-z])(?:drop(?:ped|s)?|reject(?:ed|s)?|den(?:y|ied|ies)|block(?:ed|s)?)(?![a-z])", re.IGNORECASE
)
_PROTOCOLS = {"icmpv6": "ipv6-icmp", "1": "icmp", "2": "igmp", "47": "gre", "50": "esp", "51": "ah"}


class NftablesLog:
    """Logged packets; see ``interface.Format`` for what each method promises."""

    name = "nftables-log"

    def recognises(self, head: bytes) -> bool:
        """True when an early line is a logged packet with interfaces, both addresses and a protocol."""
        return any(_TELLING.search(line) for line in head.split(b"\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT])

    def plausible(self, head: bytes) -> bool:
        """True when any line at all names both addresses the kernel's way."""
        return b" SRC=" in head and b" DST=" in head

    def unfold(self, whole: bytes) -> bytes | None:
        """A kernel log is lines."""
        return None

    def reader(self, engine: Engine) -> Reader:
        """A time without a year is of the year in which the file was last changed, or of the one before."""
        return RecordReader(_Decoder(engine.written), engine)


class _Decoder:
    def __init__(self, written: int | None) -> None:
        self._written = written

    def decode(self, line: bytes) -> Sequence[Record]:
        """One packet a line."""
        if line.lstrip()[:1] == b"{":
            return (_of_journal(line),)
        if (bare := _DMESG.match(line)) is not None:
            return (_packet(text_of(bare[2])) | {"time_raw": bare[1].decode("ascii")},)
        header = parse_header(line, year_of=self._written)
        tag = header.app if header.app not in WRITERS else None  # else it is the beginning of the prefix
        record = _packet(text_of(header.body) if tag is None else f"{tag}: {text_of(header.body)}")
        record |= {"time": header.time_us, "time_raw": header.time_raw, "sensor": header.host}
        return (record,)


def _packet(body: str) -> Record:
    found = _START.search(body)
    if found is None:
        raise LineRefused(NOT_PACKET, "it is no logged packet: IN= and OUT= are missing")
    quoted = body.find(" [", found.end() - 1)  # the packet that an ICMP error is about
    named = _FIELD.findall(body, found.end(), quoted if quoted >= 0 else len(body))
    fields: dict[str, str] = dict(reversed(named))  # the first of each name
    source, destination = fields.get("SRC") or fields.get("IPSRC"), fields.get("DST") or fields.get("IPDST")
    if source is None and destination is None:
        raise LineRefused(NOT_PACKET, "it names no address")
    protocol = fields.get("PROTO", "arp" if "IPSRC" in fields else "").lower()
    prefix = _UPTIME.sub("", body[: found.start()], count=1).strip()[:PREFIX_LENGTH]
    refused = _REFUSAL.search(prefix) is not None
    record: Record = {
        "kind": "drop" if refused else "packet",
        "src_raw": source,
        "dst_raw": destination,
        "protocol": _PROTOCOLS.get(protocol, protocol) or None,
        "signature": prefix.rstrip(":").strip() or None,
        "basis": Basis.BLOCKED if refused else Basis.NONE,
    }
    if protocol in PORTS:
        record |= {"src_port_raw": fields.get("SPT"), "dst_port_raw": fields.get("DPT")}
    return record


def _of_journal(line: bytes) -> Record:
    """``journalctl -o json``: the time is microseconds since 1970 as a text, the message a text or a list of bytes."""
    try:
        entry = msgspec.json.decode(line)
    except UNREADABLE as error:
        raise LineRefused(NOT_JSON, str(error).removeprefix("JSON is malformed: ")) from None
    if not isinstance(entry, dict):
        raise LineRefused(NOT_PACKET, "it is no JSON object")
    record = _packet(_message(entry))
    host, time = entry.get("_HOSTNAME"), str(entry.get("__REALTIME_TIMESTAMP"))
    if host is not None and not isinstance(host, str):
        raise LineRefused(WRONG_TYPE, "_HOSTNAME is no text")
    return record | {
        "sensor": host,
        "time": int(time) if time.isascii() and time.isdigit() and len(time) < 18 else None,
    }


def _message(entry: dict[str, Any]) -> str:
    message = entry.get("MESSAGE")
    if isinstance(message, list) and all(type(octet) is int and 0 <= octet < 256 for octet in message):
        return text_of(bytes(message))
    if not isinstance(message, str):
        raise LineRefused(NOT_PACKET, "it has no message")
    return message
