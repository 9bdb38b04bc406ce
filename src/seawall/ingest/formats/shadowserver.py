"""Shadowserver's daily reports as CSV: events at sinkholes and honeypots, scans of exposed services, hosted malware.

Reference: The Shadowserver Foundation, "Network Reporting" (one page of columns a report); all times are UTC. A reader
sees lines, not the name of the file: the report is known by its columns and by ``infection``.

Each report is about machines of whoever receives it, so that end is ours when the own-asset table says so:

- ``sinkhole``, ``sinkhole-http``, ``sinkhole-dns``: the source is our infected machine, the destination the sinkhole
  that stands where the C2 server stood; host and URL are the malware's. Basis ``alert``.
- ``honeypot-brute-force``, ``honeypot-scan``, ``darknet``: the source is the attacker, a machine of ours that was taken
  over. The honeypot attacks nobody: its address and the URL asked of it are left out. Basis ``honeypot``.
- ``honeypot-ddos``: the source is the C2 server that gave the command; the victim is left out where the report is about
  the C2 server, and kept where it is about the victim (``dst_ip`` comes first). Basis ``honeypot``.
- ``ddos-participant``: the source is our machine; its victim is left out. Basis ``alert``.
- ``ddos-amplification`` (the ``src_ip`` is the victim whose address was forged), ``exposed-service`` (every scan),
  ``sandbox``, ``blocklisted``, ``ip-spoofer``, ``event``: context about our machine. Basis ``none``.
- ``compromised-website``, ``malware-url``, ``phishing-url``: the destination is our machine that serves it. ``alert``.

A quoted cell may hold commas. One that holds line ends is put together where the first such row begins in the first
256 KiB; beyond, its pieces are rejected. Severity: critical and high 1, medium 2, low 3, info 4, as Suricata counts.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence

import msgspec

from seawall.ingest.interface import LINE_BOUND, Engine, Reader
from seawall.ingest.records import LineRefused, Record, RecordReader, text_of
from seawall.model import Basis

NOT_CSV = "not-csv"
CELL_BOUND = 131_072  # characters; a longer cell is a broken quote
NO_HEADER = "no-header"
CELLS = "wrong-cells"
CELL_LINES = 64  # lines of one row that are put together; longer ones were never seen
_FIRST = "timestamp"
_ENDS = ({"ip", "asn", "geo"}, {"src_ip", "src_asn", "src_geo"}, {"dst_ip", "dst_asn", "dst_geo"},
         {"http_referer_ip", "http_referer_asn", "http_referer_geo"})  # fmt: skip
_SEVERITY = {"critical": "1", "high": "1", "medium": "2", "low": "3", "info": "4"}
_ABSENT = ("", "-", "null", "None")
Cells = dict[str, str]


class _Kind(msgspec.Struct, frozen=True):
    """What rows of one report say."""

    name: str
    basis: Basis
    rsit: str | None
    ends: Callable[[Cells], Record]


class Shadowserver:
    """Shadowserver reports; see ``interface.Format`` for what each method promises."""

    name = "shadowserver"

    def recognises(self, head: bytes) -> bool:
        """True when the first line names ``timestamp`` first, then an address with its AS and country."""
        return _header(head.split(b"\n", 1)[0]) is not None

    def plausible(self, head: bytes) -> bool:
        """Without its header a report is no report."""
        return False

    def unfold(self, whole: bytes) -> bytes | None:
        """Rows whose quoted cells hold line ends, one a line."""
        lines = whole.split(b"\n")
        if not any(line.count(b'"') % 2 for line in lines[:-1]):
            return None
        return b"\n".join(_rows(lines))

    def reader(self, engine: Engine) -> Reader:
        """The header says which report it is."""
        return RecordReader(_Decoder(), engine)


def _rows(lines: list[bytes]) -> list[bytes]:
    """Lines that belong together put together; a quote that nobody closed harms its own line only."""
    found, at, width = [], 0, lines[0].count(b",") + 1
    while at < len(lines):
        row, size, quotes = lines[at].rstrip(b"\r"), 1, lines[at].count(b'"')
        if quotes % 2:
            while quotes % 2 and size < CELL_LINES and at + size < len(lines):
                quotes += lines[at + size].count(b'"')
                size += 1
            joined = b" ".join(line.rstrip(b"\r") for line in lines[at : at + size])
            row, size = (joined, size) if quotes % 2 == 0 and _fits(joined, width) else (row, 1)
        found.append(row)
        at += size
    return found


def _fits(row: bytes, width: int) -> bool:
    try:
        return 1 < len(next(csv.reader([text_of(row)], strict=True))) <= width
    except (csv.Error, StopIteration):
        return False


def _header(line: bytes) -> list[str] | None:
    """The columns of a header line; None for another line."""
    line = line.removeprefix(b"\xef\xbb\xbf").strip()
    if not line.lstrip(b'"').startswith(_FIRST.encode()):
        return None
    try:
        names = next(csv.reader([text_of(line)], strict=True))
    except (csv.Error, StopIteration):
        return None
    return names if names[0] == _FIRST and any(ends <= set(names) for ends in _ENDS) else None


class _Decoder:
    """Remembers the columns of the last header."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def decode(self, line: bytes) -> Sequence[Record]:
        """One event a line."""
        if (names := _header(line)) is not None:
            self._names = names
            return ()
        if not self._names:
            raise LineRefused(NO_HEADER, "no header with the columns of a report stands before it")
        try:
            csv.field_size_limit(LINE_BOUND)  # of the process: all who read CSV set the same
            row = next(csv.reader([text_of(line)], strict=True))
        except (csv.Error, StopIteration) as error:
            raise LineRefused(NOT_CSV, f"it is no CSV row: {error}") from None
        if max(map(len, row)) > CELL_BOUND:
            raise LineRefused(NOT_CSV, f"a cell has more than {CELL_BOUND} characters")
        if not 1 < len(row) <= len(self._names):
            raise LineRefused(CELLS, f"it has {len(row)} cells, its header {len(self._names)}")
        cells = {name: cell for name, cell in zip(self._names, row, strict=False) if cell not in _ABSENT}
        return (_record(_kind(self._names, cells), cells),)


def _record(kind: _Kind, cells: Cells) -> Record:
    time = cells.get("timestamp")
    return {
        "kind": kind.name,
        "time_raw": f"{time}Z" if time is not None and time[-1:].isdigit() and "+" not in time else time,
        "protocol": cells.get("protocol"),
        "signature": cells.get("infection") or cells.get("reason") or cells.get("tag"),
        "category": cells.get("family") or cells.get("category"),
        "severity_raw": _SEVERITY.get(cells.get("severity", "").lower()),
        "cve_text": f"{cells.get('tag', '')} {cells.get('vulnerability_id', '')}".strip() or None,
        "technique_text": cells.get("threat_technique_id"),
        "md5": cells.get("payload_md5") or cells.get("file_md5") or cells.get("md5"),
        "sha256": cells.get("file_sha256") or cells.get("sha256"),
        "basis": kind.basis,
        "rsit": kind.rsit,
    } | kind.ends(cells)


def _source(cells: Cells) -> Record:
    """Our machine acts; the other end attacks nobody and is left out, but for its port."""
    return {
        "src_raw": cells.get("src_ip"),
        "src_port_raw": cells.get("src_port"),
        "dst_port_raw": cells.get("dst_port"),
        "path": cells.get("payload_url"),
        "username": cells.get("username"),
    }


def _both(cells: Cells) -> Record:
    return _source(cells) | {"dst_raw": cells.get("dst_ip")}


def _sinkhole(cells: Cells) -> Record:
    """Our machine asks for what the malware names. ``http_url`` is a path or a whole request line."""
    words = cells.get("http_url", "").split(" ")
    target = next((word for word in words if word.startswith("/")), None)
    host = cells.get("http_host") or cells.get("query")
    return _both(cells) | {
        "host": host.lower().rstrip(".") if host else None,
        "has_http_host": "http_host" in cells,
        "path": target,
    }


def _victim(cells: Cells) -> Record:
    """The address that was forged as a source is the target."""
    return {"dst_raw": cells.get("src_ip"), "dst_port_raw": None}


def _referer(cells: Cells) -> Record:
    return {"dst_raw": cells.get("http_referer_ip"), "dst_port_raw": cells.get("http_referer_port")}


def _server(cells: Cells) -> Record:
    """Our machine is asked, and serves something."""
    host, url = cells.get("http_host") or cells.get("host"), cells.get("url")
    return {
        "dst_raw": cells.get("ip"),
        "dst_port_raw": cells.get("port"),
        "host": host.lower().rstrip(".") if host else None,
        "has_http_host": host is not None and url is not None,
        "path": url,
    }


def _exposed(cells: Cells) -> Record:
    return {"dst_raw": cells.get("ip"), "dst_port_raw": cells.get("port")}


_BRUTE_FORCE = _Kind("honeypot-brute-force", Basis.HONEYPOT, "intrusion-attempts:brute-force", _source)
_SCAN = _Kind("honeypot-scan", Basis.HONEYPOT, "information-gathering:scanner", _source)
_DARKNET = _Kind("darknet", Basis.HONEYPOT, "information-gathering:scanner", _source)
_DDOS = _Kind("honeypot-ddos", Basis.HONEYPOT, "malicious-code:c2-server", _source)
_DDOS_TARGET = _Kind("honeypot-ddos", Basis.HONEYPOT, "availability:ddos", _both)
_PARTICIPANT = _Kind("ddos-participant", Basis.ALERT, "availability:ddos", _source)
_AMPLIFIED = _Kind("ddos-amplification", Basis.NONE, "availability:ddos", _victim)
_SPOOFER = _Kind("ip-spoofer", Basis.NONE, None, _source)
_REFERER = _Kind("sinkhole-referer", Basis.NONE, None, _referer)
_DNS = _Kind("sinkhole-dns", Basis.ALERT, "malicious-code:infected-system", _sinkhole)
_HTTP = _Kind("sinkhole-http", Basis.ALERT, "malicious-code:infected-system", _sinkhole)
_SINKHOLE = _Kind("sinkhole", Basis.ALERT, "malicious-code:infected-system", _sinkhole)
_EVENT = _Kind("event", Basis.NONE, None, _source)
_WEBSITE = _Kind("compromised-website", Basis.ALERT, "intrusions:application-compromise", _server)
_MALWARE = _Kind("malware-url", Basis.ALERT, "malicious-code:malware-distribution", _server)
_PHISHING = _Kind("phishing-url", Basis.ALERT, "fraud:phishing", _server)
_SANDBOX = _Kind("sandbox", Basis.NONE, None, _exposed)
_BLOCKLISTED = _Kind("blocklisted", Basis.NONE, None, _exposed)
_EXPOSED = _Kind("exposed-service", Basis.NONE, None, _exposed)


def _kind(names: list[str], cells: Cells) -> _Kind:
    """The report that this row belongs to; the first rule that holds, so the most telling come first."""
    infection = cells.get("infection", "")
    columns = set(names)
    if "http_referer_ip" in columns:
        return _REFERER
    if "src_ip" not in columns:
        return _about_a_server(columns)
    for telling, kind in (
        (infection.endswith("brute-force"), _BRUTE_FORCE),
        (infection.endswith("-scan") or "request_raw" in columns, _SCAN),
        (infection == "ddos-amplification", _AMPLIFIED),
        (infection == "ddos-participant", _PARTICIPANT),
        ("attack" in columns and names.index("dst_ip") < names.index("src_ip"), _DDOS_TARGET),
        ("attack" in columns, _DDOS),
        ("routedspoof" in columns or infection == "ip-spoofer", _SPOOFER),
        ("query_type" in columns, _DNS),
        ("http_agent" in columns, _HTTP),
        ("count" in columns, _DARKNET),
    ):
        if telling:
            return kind
    return _SINKHOLE if names[-1] in ("event_id", "severity") else _EVENT


def _about_a_server(columns: set[str]) -> _Kind:
    for telling, kind in (
        ({"detected_since", "redirect_target"}, _WEBSITE),
        ({"url", "md5"}, _SANDBOX),
        ({"bytes_in", "md5"}, _SANDBOX),
        ({"url", "host", "sha256"}, _MALWARE),
        ({"url", "host", "source"}, _PHISHING),
        ({"reason", "source"}, _BLOCKLISTED),
    ):
        if telling <= columns:
            return kind
    return _EXPOSED
