"""Flows that nfdump prints: ``-o csv`` (old and new columns), ``csv-fast``, ``json``, ``ndjson``, and its text.

Reference: nfdump(1) "OUTPUT FORMATS", and ``output_csv.c``, ``output_csv_fast.c``, ``output_json.c``,
``output_ndjson.c``, ``output_fmt.c`` of nfdump 1.6 and 1.7. NetFlow v5, v9 and IPFIX all come through nfcapd.

nfdump prints local time without a zone: it is read as that of the sensor that ``--sensor`` names, by the sensor table,
else as the node's. ``csv-fast`` and the raw times of ``fmt:`` need none. Text output shortens IPv6 addresses unless
asked for ``line6``, ``long6`` or ``extended6``: a shortened address is rejected.
A flow is context: basis ``none``. Headers, the summary and its totals are no records.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import NOT_JSON, array_lines, first_objects
from seawall.ingest.records import LineRefused, Record, RecordReader, epoch_microseconds, text_of
from seawall.model.unreadable import UNREADABLE

NOT_FLOW = "not-flow"
CELLS = "wrong-cells"
SHORTENED = "shortened-address"
WRONG_TYPE = "wrong-type"
KIND = "flow"
LINES_LOOKED_AT = 20
_COLUMNS = {  # of RAW; the names of old and of new csv
    "src_raw": ("sa", "srcAddr"),
    "dst_raw": ("da", "dstAddr"),
    "src_port_raw": ("sp", "srcPort"),
    "dst_port_raw": ("dp", "dstPort"),
    "protocol": ("pr", "proto"),
    "time": ("ts", "firstSeen"),
}
_NEEDED = ("src_raw", "dst_raw", "time")
_TEXT_HEADER = b"Date first seen"
_AFTER = (  # what stands before and after the flows
    b"Summary", b"Time window:", b"Total flows processed:", b"Sys:", b"No matched flows",
    _TEXT_HEADER, b"Aggregated",
)  # fmt: skip
_TOTALS = b"flows,bytes,packets,"
_ARROW = re.compile(r" <?-> ")
_PROTOCOLS = {
    "1": "icmp", "2": "igmp", "6": "tcp", "17": "udp", "41": "ipv6", "47": "gre", "50": "esp", "51": "ah",
    "44": "frag6", "58": "ipv6-icmp", "132": "sctp", "icmp6": "ipv6-icmp", "icmpv6": "ipv6-icmp",
}  # fmt: skip
_WITH_PORTS = ("tcp", "udp", "udplite", "sctp", "dccp")  # for others nfdump prints 0, or type and code of ICMP


class Nfdump:
    """nfdump's output; see ``interface.Format`` for what each method promises."""

    name = "nfdump"

    def recognises(self, head: bytes) -> bool:
        """True when nfdump's own header of csv or text is there, or a JSON flow with both addresses."""
        if head.lstrip()[:1] in (b"{", b"["):
            return any(_is_flow(event) for event in first_objects(head, (b"_addr",)))
        lines = head.split(b"\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT]
        return any(_header(line) is not None or (_TEXT_HEADER in line and b"Src IP Addr" in line) for line in lines)

    def plausible(self, head: bytes) -> bool:
        """True when a text flow without its header (``-q``) is among the first lines."""
        return any(_is_text_flow(line) for line in head.split(b"\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT])

    def unfold(self, whole: bytes) -> bytes | None:
        """``-o json`` is an array."""
        return array_lines(whole)

    def reader(self, engine: Engine) -> Reader:
        """The header of csv says what its columns are."""
        return RecordReader(_Decoder(), engine)


class _Decoder:
    """Remembers the columns of the last csv header, and that a summary has begun."""

    def __init__(self) -> None:
        self._columns: dict[str, int] = {}
        self._width = 0
        self._totals_follow = False

    def decode(self, line: bytes) -> Sequence[Record]:
        """One flow a line."""
        line = line.strip()
        if line[:1] == b"{":
            return (_of_json(line),)
        if line.startswith(_AFTER) or line in (b"[", b"]"):
            return ()
        if line.startswith(_TOTALS):
            self._totals_follow = True
            return ()
        if (header := _header(line)) is not None:
            self._columns, self._width = header
            return ()
        if self._totals_follow:
            self._totals_follow = False
            return ()
        text = text_of(line)
        return (self._of_csv(text) if self._columns else _of_text(text),)

    def _of_csv(self, line: str) -> Record:
        cells = line.split(",")
        if len(cells) != self._width:
            raise LineRefused(CELLS, f"it has {len(cells)} cells, its header {self._width}")
        found = {name: cells[at].strip() for name, at in self._columns.items()}
        return _flow(found.pop("time"), found)


def _header(line: bytes) -> tuple[dict[str, int], int] | None:
    """Which cell holds which column of RAW, and how many cells a line has; None for what is no header."""
    if b"da" not in line and b"dstAddr" not in line:
        return None
    names = [name.strip() for name in line.decode("ascii", "replace").split(",")]
    found = {column: names.index(name) for column, spellings in _COLUMNS.items() for name in spellings if name in names}
    return (found, len(names)) if all(name in found for name in _NEEDED) else None


def _flow(time: str, found: dict[str, str]) -> Record:
    for end in ("src_raw", "dst_raw"):
        if ".." in found[end]:
            raise LineRefused(SHORTENED, "nfdump shortened an address; print it with line6, long6 or extended6")
    spelt = found.get("protocol", "").lower()
    protocol = _PROTOCOLS.get(spelt, spelt) or None
    record: Record = {"kind": KIND, **found, "protocol": protocol}
    if protocol not in _WITH_PORTS:
        record["src_port_raw"] = record["dst_port_raw"] = None
    if "-" in time:
        return record | {"time_raw": time}
    made = epoch_microseconds(time if "." in time or len(time) < 12 else f"{time[:-3]}.{time[-3:]}")
    return record | {"time": made, "time_raw": time}


def _of_text(line: str) -> Record:
    """``line``, ``long`` and ``extended``: the words before the arrow end in protocol and source."""
    arrow = _ARROW.search(line)
    left, right = (line[: arrow.start()].split(), line[arrow.end() :].split(None, 1)) if arrow else ([], [])
    if len(left) < 3 or not right:
        raise LineRefused(NOT_FLOW, "it is no flow as nfdump prints it")
    source, source_port = _split(left[-1])
    destination, destination_port = _split(right[0])
    found = {"src_raw": source, "dst_raw": destination, "protocol": left[-2]}
    if source_port and destination_port:
        found |= {"src_port_raw": source_port, "dst_port_raw": destination_port}
    return _flow(left[0] if "-" not in left[0] else f"{left[0]} {left[1]}", found)


def _split(word: str) -> tuple[str, str]:
    """``192.0.2.1:443`` and ``2001:db8::1.443``; an ICMP "port" keeps its dot: ``192.0.2.1:8.0``."""
    if word.count(":") > 1:
        address, _, port = word.partition(".") if ".." not in word else (word, "", "")
        return address, port
    address, _, port = word.partition(":")
    return address, port


def _is_text_flow(line: bytes) -> bool:
    try:
        found = _of_text(text_of(line))
    except LineRefused:
        return False
    return re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", str(found.get("time_raw"))) is not None


def _is_flow(event: dict[str, Any]) -> bool:
    ends = ("src4_addr", "dst4_addr"), ("src6_addr", "dst6_addr")
    times = ("first", "t_first", "event_time", "t_event")
    return any(a in event and b in event for a, b in ends) and any(time in event for time in times)


def _of_json(line: bytes) -> Record:
    try:
        event = msgspec.json.decode(line.rstrip(b","))
    except UNREADABLE as error:
        raise LineRefused(NOT_JSON, str(error).removeprefix("JSON is malformed: ")) from None
    if not isinstance(event, dict) or not _is_flow(event):
        raise LineRefused(NOT_FLOW, "it is no flow: addresses or time are missing")
    wide = "6" if "src6_addr" in event else "4"
    found = {
        "src_raw": _value(event, f"src{wide}_addr"),
        "dst_raw": _value(event, f"dst{wide}_addr"),
        "protocol": _value(event, "proto"),
    }
    for end in ("src_port", "dst_port"):
        if end in event:
            found[f"{end}_raw"] = _value(event, end)
    time = next(key for key in ("first", "t_first", "event_time", "t_event") if key in event)
    return _flow(_value(event, time), found)


def _value(event: dict[str, Any], key: str) -> str:
    value = event.get(key, "")
    if isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    raise LineRefused(WRONG_TYPE, f"{key} is neither text nor whole number")
