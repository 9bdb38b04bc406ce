"""Windows event log and Sysmon records as JSON lines, from whichever of three shippers wrote them.

Reference: Sysinternals Sysmon 15, "Events"; Microsoft Learn, "Audit" events 4624, 4625, 4688 and Microsoft Defender
Antivirus events 1116, 1117. Shapes: winlogbeat 7 and 8 (``winlog.event_data``), ``evtx_dump -o jsonl`` (``Event`` with
``System`` and ``EventData``, attributes nested or separate), NXLog ``to_json`` (flat).

Read are Sysmon 1 (process), 3 (network), 11 (file), 15 (file-stream, with the URL of its zone mark), 22 (dns), 23 and
26 (file-deleted), 29 (executable); Security 4624 (logon), 4625 (logon-failed), 4688 (process); Defender 1116
(malware-found) and 1117 (malware-handled). Other events keep their time and kind (``windows-7045``) alone.

Only Defender's two have basis ``alert``; a failed logon alone accuses nobody. Names of users, command lines and folders
are left out: of a path its last part is kept. The machine that wrote the record does not name its address, so that
loopback ("this host") stands for it: as source where it asks (dns), as destination where something reached it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import NOT_JSON, array_lines, first_objects
from seawall.ingest.records import LineRefused, Record, RecordReader
from seawall.model import Basis
from seawall.model.unreadable import UNREADABLE

NOT_WINDOWS = "not-windows"
WRONG_TYPE = "wrong-type"
LOOPBACK = "127.0.0.1"
DATA_BOUND = 500  # fields of one event; the richest of Microsoft's have some sixty
SYSMON = ("microsoft-windows-sysmon", "linux-sysmon")
SECURITY = ("microsoft-windows-security-auditing",)
DEFENDER = ("microsoft-windows-windows defender",)
_ABSENT = ("", "-", "LOCAL", "localhost")
_HASHES = {"MD5": "md5", "SHA1": "sha1", "SHA256": "sha256"}
_HASH = re.compile(r"(MD5|SHA1|SHA256)=([0-9A-Fa-f]{32,64})")
_HOST_URL = re.compile(r"HostUrl=(https?://[^\s\"<>]{3,2000})", re.IGNORECASE)
_WEB_FILE = re.compile(r"\|(https?://[^\s|\"<>]{3,2000})")
_TECHNIQUE = re.compile(r"T\d{4}(?:\.\d{3})?", re.ASCII)
Data = dict[str, str]


class _Event(msgspec.Struct, frozen=True):
    """One record, whatever shape it came in."""

    provider: str
    number: int
    time: str | None
    computer: str | None
    data: Data


class WindowsEvents:
    """Windows event records; see ``interface.Format`` for what each method promises."""

    name = "windows-events"

    def recognises(self, head: bytes) -> bool:
        """True when an early line, or the first element of an array, is a record of one of the three shapes."""
        for mark in (b'"event_data"', b'"System"', b'"SourceName"', b'"winlog"'):
            for found in first_objects(head, (mark,)):
                try:
                    _event(found)
                except LineRefused:
                    continue
                return True
        return False

    def plausible(self, head: bytes) -> bool:
        """True when a line names an event number the Windows way."""
        return b'"EventID"' in head or b'"winlog"' in head

    def unfold(self, whole: bytes) -> bytes | None:
        """An array of records, one a line."""
        return array_lines(whole)

    def reader(self, engine: Engine) -> Reader:
        """Records need no memory of earlier lines."""
        return RecordReader(_Decoder(), engine)


class _Decoder:
    def decode(self, line: bytes) -> Sequence[Record]:
        """One event a line."""
        try:
            found = msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf"))
        except UNREADABLE as error:
            raise LineRefused(NOT_JSON, str(error).removeprefix("JSON is malformed: ")) from None
        event = _event(found)
        name, read = _KNOWN.get((event.provider, event.number), (f"windows-{event.number}", None))
        record: Record = {"kind": name, "time_raw": event.time, "sensor": event.computer}
        technique = _TECHNIQUE.search(event.data.get("RuleName", ""))
        if technique is not None:
            record |= {"technique_text": technique[0], "basis": Basis.NONE}
        return (record | read(event.data) if read is not None else record,)


def _event(found: object) -> _Event:
    """Raises LineRefused for what is no Windows event."""
    if not isinstance(found, dict):
        raise LineRefused(NOT_WINDOWS, "it is no JSON object")
    if isinstance(winlog := found.get("winlog"), dict):
        time, provider, number = found.get("@timestamp"), winlog.get("provider_name"), winlog.get("event_id")
        return _made(provider, number, time, winlog.get("computer_name"), winlog.get("event_data"))
    if isinstance(event := found.get("Event"), dict) and isinstance(system := event.get("System"), dict):
        data = event.get("EventData")
        provider, time = _attribute(system, "Provider", "Name"), _attribute(system, "TimeCreated", "SystemTime")
        number = system.get("EventID")
        number = number.get("#text") if isinstance(number, dict) else number
        return _made(provider, number, time, system.get("Computer"), data)
    if "EventID" in found and "SourceName" in found:
        time = found.get("UtcTime") or found.get("EventTime")
        if isinstance(found.get("UtcTime"), str):
            time = f"{found['UtcTime']}Z"
        return _made(found["SourceName"], found["EventID"], time, found.get("Hostname"), found)
    raise LineRefused(NOT_WINDOWS, "it is no Windows event of winlogbeat, evtx_dump or NXLog")


def _attribute(system: dict[str, Any], element: str, name: str) -> object:
    """An XML attribute as evtx_dump writes it, nested or with ``--separate-json-attributes``."""
    inside = system.get(element)
    nested = inside.get("#attributes") if isinstance(inside, dict) else None
    holder = nested if isinstance(nested, dict) else system.get(f"{element}_attributes")
    return holder.get(name) if isinstance(holder, dict) else None


def _made(provider: object, number: object, time: object, computer: object, data: object) -> _Event:
    if not isinstance(provider, str):
        raise LineRefused(NOT_WINDOWS, "its provider is missing")
    digits = str(number)
    if isinstance(number, bool) or not (digits.isascii() and digits.isdigit() and int(digits) < 1 << 16):
        raise LineRefused(NOT_WINDOWS, "its event number is none")
    if not isinstance(time, str | None) or not isinstance(computer, str | None):
        raise LineRefused(WRONG_TYPE, "its time or its computer is no text")
    fields: Data = {}
    if isinstance(data, dict):
        for key, value in list(data.items())[:DATA_BOUND]:
            if isinstance(value, str | int | float):
                fields[key.replace(" ", "").replace("_", "")] = str(value)
    return _Event(provider.lower(), int(digits), _zoned(time), computer or None, fields)


def _zoned(time: str | None) -> str | None:
    """Older evtx_dump wrote ``UTC`` for ``Z``."""
    return f"{time[:-4]}Z" if time and time.endswith(" UTC") else time or None


def _given(data: Data, key: str) -> str | None:
    value = data.get(key, "").strip()
    return None if value in _ABSENT else value


def _base_name(data: Data, key: str) -> str | None:
    path = _given(data, key)
    return re.split(r"[/\\]", path)[-1][:255] or None if path else None


def _file(name_key: str, hash_key: str) -> Callable[[Data], Record]:
    """A file that came to be on, or ran on, the machine."""

    def fields(data: Data) -> Record:
        record: Record = {"dst_raw": LOOPBACK, "file_name": _base_name(data, name_key)}
        for kind, digest in _HASH.findall(data.get(hash_key, "")):
            record[_HASHES[kind]] = digest
        url = _HOST_URL.search(data.get("Contents", ""))
        if url is not None:
            record |= {"path": url[1], "client_is_source": False}  # our machine asked for it
        return record

    return fields


def _network(data: Data) -> Record:
    return {
        "src_raw": _given(data, "SourceIp"),
        "src_port_raw": _given(data, "SourcePort"),
        "dst_raw": _given(data, "DestinationIp"),
        "dst_port_raw": _given(data, "DestinationPort"),
        "protocol": _given(data, "Protocol"),
    }


def _dns(data: Data) -> Record:
    name = _given(data, "QueryName")
    return {"src_raw": LOOPBACK, "host": name.lower().rstrip(".") if name else None, "protocol": "dns"}


def _logon(data: Data) -> Record:
    port = _given(data, "IpPort")
    return {
        "src_raw": _given(data, "IpAddress"),
        "src_port_raw": None if port == "0" else port,
        "dst_raw": LOOPBACK,
    }


def _malware(data: Data) -> Record:
    """Defender: ``Path`` is ``file:_C:\\...; webfile:_C:\\...|https://...|pid:...``."""
    path = _given(data, "Path") or ""
    first = re.split(r"[;|]|->", path, maxsplit=1)[0]
    name = re.split(r"[/\\]", first)[-1].strip()[:255]
    url = _WEB_FILE.search(path)
    record: Record = {
        "dst_raw": LOOPBACK,
        "file_name": name or None,
        "signature": _given(data, "ThreatName"),
        "category": _given(data, "CategoryName"),
        "basis": Basis.ALERT,
        "rsit": "malicious-code:infected-system",
    }
    return record | ({"path": url[1], "client_is_source": False} if url is not None else {})


_FIELDS: dict[tuple[str, ...], dict[int, tuple[str, Callable[[Data], Record]]]] = {
    SYSMON: {
        1: ("process", _file("Image", "Hashes")),
        3: ("network", _network),
        11: ("file", _file("TargetFilename", "Hashes")),
        15: ("file-stream", _file("TargetFilename", "Hash")),
        22: ("dns", _dns),
        23: ("file-deleted", _file("TargetFilename", "Hashes")),
        26: ("file-deleted", _file("TargetFilename", "Hashes")),
        29: ("executable", _file("TargetFilename", "Hashes")),
    },
    SECURITY: {
        4624: ("logon", _logon),
        4625: ("logon-failed", _logon),
        4688: ("process", _file("NewProcessName", "Hashes")),
    },
    DEFENDER: {1116: ("malware-found", _malware), 1117: ("malware-handled", _malware)},
}
_KNOWN = {
    (provider, number): read
    for providers, events in _FIELDS.items()
    for provider in providers
    for number, read in events.items()
}
