"""EVE lines decoded one by one: the values that indicators are compared with, before the line is in the lake.

The same values as ``formats.suricata_eve`` and ``typed`` find, by the same rules; a line that does not fit the shapes
below is left to the ordinary reader. Reference: Suricata user guide, "EVE JSON Format".
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from seawall.ingest.live.glimpse import Glimpse
from seawall.ingest.typed import HOST, NAME_ENDING_IN_DIGIT
from seawall.ingest.values import name_and_url
from seawall.model.unreadable import UNREADABLE

HOST_LENGTH = 253
CACHE = 1 << 17  # hosts remembered
_HOST = re.compile(HOST, re.ASCII)
_NAME = re.compile(NAME_ENDING_IN_DIGIT, re.ASCII)
_HEXADECIMAL = re.compile(r"[0-9a-fA-F]+", re.ASCII)
NOTHING: tuple[tuple[str, str], ...] = ()


class _Http(msgspec.Struct, gc=False):
    hostname: str | None = None
    url: str | None = None
    http_port: int | str | None = None


class _Query(msgspec.Struct, gc=False):
    rrname: str | None = None


class _Dns(msgspec.Struct):
    rrname: str | None = None
    queries: list[_Query] | None = None
    query: list[_Query] | None = None


class _Hash(msgspec.Struct, gc=False):
    hash: str | None = None


class _Tls(msgspec.Struct):
    sni: str | None = None
    fingerprint: str | None = None
    ja3: _Hash | None = None
    ja4: str | None = None


class _File(msgspec.Struct, gc=False):
    filename: str | None = None
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None


class _Hassh(msgspec.Struct):
    hassh: _Hash | None = None


class _Ssh(msgspec.Struct):
    client: _Hassh | None = None
    server: _Hassh | None = None


class _Metadata(msgspec.Struct, gc=False):
    cve: msgspec.Raw = msgspec.Raw(b"")


class _Alert(msgspec.Struct):
    action: str | None = None
    signature_id: int | str | None = None
    signature: str | None = None
    category: str | None = None
    metadata: _Metadata | None = None


class _Drop(msgspec.Struct, gc=False):
    reason: str | None = None


class _Event(msgspec.Struct):
    timestamp: str
    event_type: str
    src_ip: str | None = None
    dest_ip: str | None = None
    host: str | None = None
    http: _Http | None = None
    dns: _Dns | None = None
    tls: _Tls | None = None
    quic: _Tls | None = None
    fileinfo: _File | None = None
    files: list[_File] | None = None
    ssh: _Ssh | None = None
    alert: _Alert | None = None
    drop: _Drop | None = None
    smtp: msgspec.Raw = msgspec.Raw(b"")


_decode = msgspec.json.Decoder(_Event).decode


def glimpse(line: bytes) -> Glimpse | None:
    """What one line shows; None when only the ordinary reader can tell: odd shapes, and mail, whose ends count."""
    try:
        event = _decode(line)
        told = event.alert.metadata if event.alert is not None else None
        cve = bytes(told.cve).decode() if told is not None else None
    except UNREADABLE:
        return None
    http, alert = event.http, event.alert
    if event.smtp:
        return None
    domain = url = None
    if http is not None:
        host = http.hostname if http.hostname is not None else _other_host(event)
        if host is not None or http.url is not None:
            domain, url = _named(host, http.hostname is not None, http.url, http.http_port)
    elif (host := _other_host(event)) is not None:
        domain, url = _name(host)
    others = NOTHING
    if not (
        event.fileinfo is None
        and event.tls is None
        and event.files is None
        and event.ssh is None
        and event.quic is None
    ):
        others = _others(event)
    return Glimpse(
        event.timestamp,
        event.host or None,
        event.event_type,
        event.src_ip or None,
        event.dest_ip or None,
        domain,
        url,
        others,
        _action(event),
        alert.category if alert is not None else None,
        alert.signature if alert is not None else None,
        alert.signature_id if alert is not None else None,
        cve,
    )


def _action(event: _Event) -> str | None:
    if event.alert is not None and event.alert.action is not None:
        return event.alert.action
    return event.drop.reason if event.drop is not None else None


def _other_host(event: _Event) -> str | None:
    dns = event.dns
    if dns is not None:
        if dns.rrname is not None:
            return dns.rrname
        for queries in (dns.queries, dns.query):
            if queries and queries[0].rrname is not None:
                return queries[0].rrname
    if event.tls is not None and event.tls.sni is not None:
        return event.tls.sni
    return event.quic.sni if event.quic is not None else None


@lru_cache(maxsize=CACHE)
def _name(host: str) -> tuple[str | None, str | None]:
    """Domain and URL where there is no target."""
    return _named(host, False, None, None)


@lru_cache(maxsize=CACHE)
def _spelt(host: str) -> tuple[str, bool, bool]:
    """The host in lower case without trailing dots; whether it is plain; whether it is a name."""
    clean = host.lower().rstrip(".")
    plain = _HOST.fullmatch(clean) is not None and len(clean) <= HOST_LENGTH
    return clean, plain, plain and (not "0" <= clean[-1:] <= "9" or _NAME.search(clean) is not None)


def _named(
    host: str | None, has_http_host: bool, path: str | None, port: int | str | None
) -> tuple[str | None, str | None]:
    """``typed`` in Python: what is plain at once, the rest by ``name_and_url``."""
    number = None if port is None or str(port) in ("0", "80") else str(port)
    simple = path is None or (path.startswith("/") and "#" not in path)
    clean, plain, is_name = _spelt(host) if host is not None else ("", False, False)
    if not clean:
        return (None, None) if simple else name_and_url(None, path, number)
    if not plain or not simple:
        return name_and_url(clean, path, number)
    url = None
    if has_http_host and path is not None:
        url = f"http://{clean}:{number}{path}" if number else f"http://{clean}{path}"
    return clean if is_name else None, url


def _others(event: _Event) -> tuple[tuple[str, str], ...]:
    """Files, fingerprints and certificates, as (type, canonical value)."""
    found: list[tuple[str, str]] = []
    infos = [event.fileinfo, event.files[0] if event.files else None]
    for kind, length in (("sha256", 64), ("md5", 32), ("sha1", 40)):
        _add(found, kind, _first(getattr(info, kind) for info in infos if info is not None), length)
    if (name := _first(info.filename for info in infos if info is not None)) is not None and name:
        found.append(("file_name", name))
    secure = [part for part in (event.tls, event.quic) if part is not None]
    _add(found, "ja3", _first(part.ja3.hash for part in secure if part.ja3 is not None), 32)
    if ja4 := _first(part.ja4 for part in secure):
        found.append(("ja4", ja4))
    if event.tls is not None and event.tls.fingerprint is not None:
        certificate = event.tls.fingerprint.replace(":", "")
        _add(found, "certificate", certificate, 40 if len(certificate) == 40 else 64)
    if event.ssh is not None:
        ends = [end.hassh.hash for end in (event.ssh.client, event.ssh.server) if end is not None and end.hassh]
        hassh: list[tuple[str, str]] = []
        for text in ends:
            _add(hassh, "hassh", text, 32)
        found += hassh[:1]
    return tuple(found)


def _first(values: object) -> str | None:
    return next((value for value in values if value is not None), None)  # type: ignore[attr-defined]


def _add(found: list[tuple[str, str]], kind: str, text: str | None, length: int) -> None:
    if text is not None and len(text) == length and _HEXADECIMAL.fullmatch(text):
        found.append((kind, text.lower()))
