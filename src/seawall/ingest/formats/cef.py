"""ArcSight Common Event Format, one event a line, with or without a syslog header before it.

    Mar 14 03:12:00 fw-1 CEF:0|Vendor|Product|1.0|100|Name|7|src=192.0.2.7 dst=10.0.0.5 act=blocked

Time: ``rt``, ``start`` or ``end`` (milliseconds, or a text as in syslog), else the header's; see ``syslog_line`` for
years and zones. Sensor: ``dvchost``, ``deviceExternalId``, the header's host, ``dvc``. Custom texts count by their
labels. A key that is read and stands twice with different values refuses the line: one of the two is not the device's.
Names of users are not taken, but for Cowrie's, which are attackers' inventions.

Basis, evidence given sparingly:

- ``honeypot``: as Cowrie's own log has it (``formats.cowrie``).
- ``blocked``: the action or the outcome says that the device stopped it.
- ``alert``: the category speaks of an attack, or the product is an intrusion detection or malware scanner and the
  severity is above CEF's "Low" (0 to 3), where such products write about themselves.
- ``none`` otherwise.

Reference: "Common Event Format Implementation Standard", Micro Focus, version 25 and 27 (2017 to 2023).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from seawall.ingest.formats.cowrie import evidence as cowrie_evidence
from seawall.ingest.interface import Engine, Reader
from seawall.ingest.records import LineRefused, Record, RecordReader, text_of
from seawall.ingest.syslog_line import HEADER_BOUND, SyslogHeader, frames, parse_header
from seawall.ingest.values import halves

NOT_CEF = "not-cef"
REPEATED_KEY = "repeated-key"
HEAD_LINES = 200
LOW = 3  # the greatest severity that CEF calls low
WORDS = {"low": 3, "medium": 6, "high": 8, "very-high": 10}  # the greatest number of each, as CEF allots them
COWRIE_KEYS = {  # kinds of event -> keys that Cowrie itself writes into them; others stand in what attackers typed
    "cowrie.": ("app", "destinationServicename", "deviceExternalId", "msg", "src", "proto"),
    "cowrie.session.connect": ("spt", "dpt", "dst"),
    "cowrie.login.": ("duser", "outcome"),
    "cowrie.session.file_": ("filehash", "filePath", "fileName", "request"),
}
READ = frozenset(  # keys that become columns or decide about evidence
    [
        *("rt", "start", "end", "dvchost", "deviceExternalId", "dvc", "src", "shost", "spt", "dst", "dhost", "dpt"),
        *("proto", "destinationDnsDomain", "request", "fname", "fileName", "filePath", "fileHash", "filehash"),
        *("cat", "cve", "act", "outcome", "msg", "duser"),
    ]
)
LABELS = {  # label of a custom text, letters and digits only -> column
    "ja3": "ja3",
    "ja3hash": "ja3",
    "ja4": "ja4",
    "hassh": "hassh_client",
    "md5": "md5",
    "sha1": "sha1",
    "sha256": "sha256",
    "cve": "cve_text",
    "cveid": "cve_text",
    "cves": "cve_text",
    "mitretechnique": "technique_text",
    "attacktechnique": "technique_text",
    "techniqueid": "technique_text",
    "url": "path",
    "domain": "host",
    "sourceipv6address": "src_raw",
    "destinationipv6address": "dst_raw",
}
RSIT = (  # words of a category or name -> class; the first that fits
    (r"brute.?force|password.?guess|credential.?stuff", "intrusion-attempts:brute-force"),
    (r"scan|recon|sweep|probe", "information-gathering:scanner"),
    (r"d?dos\b|denial.of.service|flood", "availability:dos"),
    (r"\bc2\b|c&c|command.and.control|callback|beacon", "malicious-code:c2-server"),
    (r"phish", "fraud:phishing"),
    (r"malware|virus|trojan|worm|ransom|spyware|backdoor", "malicious-code:malware-distribution"),
    (r"exploit|injection|overflow|traversal|\bxss\b|web.?attack", "intrusion-attempts:exploit"),
)
OTHER_ALERT = "intrusion-attempts:ids-alert"
_RSIT = tuple((re.compile(words, re.IGNORECASE), rsit) for words, rsit in RSIT)
_ATTACK = re.compile(
    r"attack|exploit|intrusion|malware|virus|trojan|worm|ransom|spyware|backdoor|botnet|phish|brute.?force|"
    r"command.and.control|\bc2\b|denial.of.service|port.?scan",
    re.IGNORECASE,
)
_DETECTOR = re.compile(
    r"\b(?:n?ids|n?ips|idp|edr|xdr|anti.?(?:virus|malware)|intrusion|endpoint|threat|malware|snort|suricata|sourcefire|"
    r"firepower|tippingpoint|fireeye|trellix|wildfire|falcon|defender|deep security)\b",
    re.IGNORECASE,
)
_STOPPED = re.compile(r"(?<![a-z])(?:block|den(?:y|ied)|drop|reject|prevent|quarantin)[a-z]*", re.IGNORECASE)
_NOT_STOPPED = re.compile(r"\bnot\b|\bno\b|allow|permit|would", re.IGNORECASE)
_START = re.compile(rb"(?:^|[ :\]])(CEF:\d{1,2}\|)")
_LINE = re.compile(rb'^[^"{]{0,1000}?CEF:\d{1,2}\|', re.MULTILINE)
_BAR = re.compile(r"(?:[^|\\]++|\\.)*+\|", re.DOTALL)
_FIELD = r"((?:[^|\\]++|\\.)*+)"
_HEADER = re.compile(r"\|".join([_FIELD] * 6) + r"(?:\|(.*)|$)", re.DOTALL)
_KEY = re.compile(r"(?:^|(?<=\s))([A-Za-z0-9_][A-Za-z0-9_.\[\]-]{0,99})=")
_ESCAPE = re.compile(r"\\([\\=|nr])")
_IDENTITY = re.compile(r"0|[1-9]\d{0,17}", re.ASCII)
_SEVERITY = re.compile(r"\d|10", re.ASCII)
_NUMBER = re.compile(r"\d{9,17}", re.ASCII)
_ESCAPED = {"n": "\n", "r": "\r"}
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_.-]{1,253}")


class Cef:
    """CEF; see ``interface.Format`` for what each method promises."""

    name = "cef"

    def recognises(self, head: bytes) -> bool:
        """True when an early line is CEF after its syslog header, if it has one."""
        lines = head.split(b"\n", HEAD_LINES)[:HEAD_LINES]
        return any(_START.match(parse_header(line, year_of=None).body) for line in lines if b"CEF:" in line)

    def plausible(self, head: bytes) -> bool:
        """True when ``CEF:0|`` stands in a line, not inside JSON."""
        return _LINE.search(head) is not None

    def unfold(self, whole: bytes) -> bytes | None:
        """Counted frames without line ends, one a line."""
        return frames(whole)

    def reader(self, engine: Engine) -> Reader:
        """Lines need no memory of earlier ones."""
        return RecordReader(_Decoder(engine.written), engine)


class _Decoder:
    def __init__(self, written: int | None) -> None:
        self._written = written

    def decode(self, line: bytes) -> Sequence[Record]:
        """One record. Raises LineRefused."""
        header = parse_header(line, year_of=self._written)
        start = _START.search(header.body, 0, HEADER_BOUND)
        if start is None:
            raise LineRefused(NOT_CEF, "it holds no 'CEF:' with a version")
        fields = _header_fields(text_of(header.body[start.end(1) :]))
        product, event = fields[:2], fields[3]
        is_cowrie = product[0] == "Cowrie"
        values = _extension(fields[6], _cowrie_keys(event) if is_cowrie else None)
        record = self._record(header, fields, values)
        return [record | (_cowrie(event, values) if is_cowrie else _judged(product, record, values))]

    def _record(self, header: SyslogHeader, fields: list[str], values: dict[str, str]) -> Record:
        """What every CEF event says."""
        time, time_raw = self._time(header, values)
        name, severity = fields[4], fields[5].strip().lower()
        record: Record = {
            "kind": "cef",
            "sensor": _first(values, "dvchost", "deviceExternalId") or header.host or values.get("dvc"),
            "time": time,
            "time_raw": time_raw,
            "src_raw": values.get("src") or _address(values.get("shost")),
            "src_port_raw": values.get("spt"),
            "dst_raw": values.get("dst") or _address(values.get("dhost")),
            "dst_port_raw": values.get("dpt"),
            "protocol": values.get("proto"),
            "host": _host(_first(values, "dhost", "destinationDnsDomain")),
            "path": values.get("request"),
            "file_name": _first(values, "fname", "fileName", "filePath"),
            "signature_id_raw": fields[3] if _IDENTITY.fullmatch(fields[3]) else None,
            "signature": name or None,
            "severity_raw": severity if _SEVERITY.fullmatch(severity) else str(WORDS.get(severity, "")) or None,
            "category": values.get("cat"),
            "cve_text": values.get("cve"),
        }
        record |= _hashes(_first(values, "fileHash", "filehash"))
        if "Label=" in fields[6]:
            record |= {column: text for column, text in _labelled(values).items() if record.get(column) is None}
        return record

    def _time(self, header: SyslogHeader, values: dict[str, str]) -> tuple[int | None, str | None]:
        for key in ("rt", "start", "end"):
            text = values.get(key)
            if text is None:
                continue
            if _NUMBER.fullmatch(text):
                return int(text) * (1_000_000 if len(text) < 12 else 1000 if len(text) < 15 else 1), None
            named = parse_header(text.encode(), year_of=self._written)
            return named.time_us, named.time_raw if named.time_us is None and named.time_raw else text
        return header.time_us, header.time_raw


def _header_fields(text: str) -> list[str]:
    """Vendor, product, version, event class, name, severity and the extension. Raises LineRefused for fewer."""
    found = _HEADER.match(text)
    if found is None:
        raise LineRefused(NOT_CEF, f"its CEF header has {len(_BAR.findall(text)) + 1} fields, not 7")
    if "\\" not in found[0]:
        return [*found.groups("")]
    return [*(_ESCAPE.sub(r"\1", field) for field in found.groups("")[:6]), found[7] or ""]


def _extension(text: str, keys: frozenset[str] | None) -> dict[str, str]:
    """Values by key, unescaped, those that are empty left out; ``keys``: all that the device knows.

    Raises LineRefused for a key that is read and has two values. Devices do repeat others.
    """
    found = [key for key in _KEY.finditer(text) if keys is None or key[1] in keys]
    values: dict[str, str] = {}
    ends = [key.start() - 1 for key in found[1:]] + [len(text)]
    for key, end in zip(found, ends, strict=False):
        value = text[key.end() : end]
        if "\\" in value:
            value = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), value)
        if not value.strip():
            continue
        name = key[1]
        value = value if name == "msg" else value.strip()  # a command may end in a space
        if values.setdefault(name, value) != value and name in READ:
            raise LineRefused(REPEATED_KEY, f"{name!r} stands twice with different values")
    return values


@lru_cache(maxsize=256)
def _cowrie_keys(event: str) -> frozenset[str]:
    return frozenset(key for begin, keys in COWRIE_KEYS.items() if event.startswith(begin) for key in keys)


def _cowrie(event: str, values: dict[str, str]) -> Record:
    """What a Cowrie event adds. Its message alone holds commands and fingerprints."""
    basis, rsit = cowrie_evidence(event)
    message = values.get("msg", "")
    command = None
    for begin in ("CMD: ", "Command found: ", "Command not found: "):
        if event.startswith("cowrie.command.") and message.startswith(begin):
            command = message.removeprefix(begin)
    hassh = re.fullmatch(r"SSH client hassh fingerprint: ([0-9a-f]{32})", message)
    url = values.get("request")
    return {
        "kind": event,
        "basis": basis,
        "rsit": rsit,
        "username": values.get("duser"),
        "command": command,
        "hassh_client": hassh[1] if hassh and event == "cowrie.client.kex" else None,
        "client_is_source": False if url else None,
        "file_name": values.get("fileName"),
        "signature": None,
        "severity_raw": None,
    }


def _judged(product: list[str], record: Record, values: dict[str, str]) -> Record:
    """Basis and class of an event of any other product."""
    said = " ".join(values.get(key, "") for key in ("act", "outcome"))
    subject = " ".join(str(record[key] or "") for key in ("category", "signature"))
    severity = record["severity_raw"]
    loud = severity is None or int(severity) > LOW
    if _STOPPED.search(said) and not _NOT_STOPPED.search(said):
        basis = "blocked"
    elif _ATTACK.search(str(record["category"] or "")) or (loud and _DETECTOR.search(" ".join(product))):
        basis = "alert"
    else:
        return {"basis": "none"}
    return {"basis": basis, "rsit": next((rsit for words, rsit in _RSIT if words.search(subject)), OTHER_ALERT)}


def _labelled(values: dict[str, str]) -> dict[str, str]:
    """Custom fields whose label we know, by column."""
    found: dict[str, str] = {}
    for key, label in values.items():
        if key.endswith("Label") and (text := _first(values, key.removesuffix("Label"))):
            column = LABELS.get(re.sub(r"[^a-z0-9]", "", label.lower()))
            if column is not None:
                found.setdefault(column, text)
    return found


def _hashes(text: str | None) -> Record:
    name = {32: "md5", 40: "sha1", 64: "sha256"}.get(len(text or ""))
    return {name: text} if name else {}


def _first(values: dict[str, str], *keys: str) -> str | None:
    """The first value that is there."""
    for key in keys:
        if key in values:
            return values[key]
    return None


def _address(text: str | None) -> str | None:
    """A host field that holds an address, as devices without DNS write it."""
    return text if text and (re.fullmatch(r"(?:\d{1,3}\.){3}\d{1,3}", text, re.ASCII) or halves(text)) else None


def _host(text: str | None) -> str | None:
    return text.lower().rstrip(".") if text and _NAME.fullmatch(text) else None
