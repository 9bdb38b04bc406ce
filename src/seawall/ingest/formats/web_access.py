r"""Web server access logs: Apache and nginx (common, combined, vhost_combined), Caddy and Traefik (JSON).

Reference: Apache HTTP Server 2.4, ``mod_log_config`` ("Access Log" formats and the escapes of untrusted values); nginx,
``ngx_http_log_module`` (``combined``); Caddy, "log" directive (``http.log.access``); Traefik, "Access Logs" (JSON).

The client is the source. The server that wrote the line is the destination: its own address is not in the line, so
that loopback ("this host", RFC 1122 3.2.1.3) stands for it, unless the virtual host is an address itself. That makes
host and URL our own, never a remote value. A target that is no path of ours (a proxy request, CONNECT, garbage) is left
out, as are the names of users, referers and user agents. Every row has basis ``none``: a log of requests judges nobody.
Let the server log its own name (``%v``, ``$server_name``): a Host field (``$host``) is whatever the client wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec

from seawall.ingest.interface import Engine, Reader
from seawall.ingest.json_lines import NOT_JSON, first_objects
from seawall.ingest.records import LineRefused, Record, RecordReader, epoch_microseconds, text_of
from seawall.ingest.values import halves
from seawall.ingest.values import moment as iso_moment
from seawall.model.unreadable import UNREADABLE

NOT_ACCESS = "not-access-log"
CLIENT_NAME = "client-name"
BAD_TIME = "bad-time"
WRONG_TYPE = "wrong-type"
LINES_LOOKED_AT = 5
KIND = "http"
HTTPS = "443"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_QUOTED = r'"((?:[^"\\]++|\\.)*+)"'
_LINE = re.compile(  # [%v:%p] %h %l %u %t "%r" %>s %b, then whatever a longer format adds
    r"(.{5,1024}?) \[(\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "
    + _QUOTED
    + r" (?:\d{3}|-) (?:\d{1,19}|-)(?: |$)",
    re.DOTALL | re.ASCII,
)
_REQUEST = re.compile(r"[A-Z][A-Z_-]{0,31} (/\S*+)(?: HTTP/\d(?:\.\d)?)?", re.ASCII)
_IPV4 = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}", re.ASCII)
_ESCAPED = re.compile(r'\\(?:(["\\])|x([0-9A-Fa-f]{2}))')
_VHOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\s]+)(?::(\d{1,5}))?", re.ASCII)


class WebAccess:
    """Web server access logs; see ``interface.Format`` for what each method promises."""

    name = "web-access"

    def recognises(self, head: bytes) -> bool:
        """True when one of the first lines is a whole access line, or a JSON object of Caddy or Traefik."""
        if head.lstrip()[:1] in (b"{", b"["):
            caddy = any(_is_caddy(one) for one in first_objects(head, (b"http.log.access",)))
            return caddy or any(_is_traefik(one) for one in first_objects(head, (b'"DownstreamStatus"',)))
        return any(_accepts(line) for line in head.split(b"\n", LINES_LOOKED_AT)[:LINES_LOOKED_AT])

    def plausible(self, head: bytes) -> bool:
        """True when any of many lines is an access line."""
        return any(_accepts(line) for line in head.split(b"\n", 200)[:200])

    def unfold(self, whole: bytes) -> bytes | None:
        """Access logs are lines."""
        return None

    def reader(self, engine: Engine) -> Reader:
        """Lines need no memory of earlier ones."""
        return RecordReader(_Decoder(), engine)


class _Decoder:
    def decode(self, line: bytes) -> Sequence[Record]:
        """One request a line."""
        if line.lstrip()[:1] == b"{":
            return (_of_json(line),)
        return (_of_text(text_of(line)),)


def _accepts(line: bytes) -> bool:
    try:
        _of_text(text_of(line))
    except LineRefused:
        return False
    return True


def _of_text(line: str) -> Record:
    found = _LINE.match(line)
    if found is None:
        raise LineRefused(NOT_ACCESS, "it is no access line: client, time in brackets, request in quotes, status, size")
    who, moment, request = found.groups()
    words = who.split(" ", 2)
    if len(words) < 3:
        raise LineRefused(NOT_ACCESS, "client, identity and user do not stand before its time")
    vhost = port = None
    if _is_address(words[1]):
        vhost, port = _virtual_host(words.pop(0))
    if not _is_address(words[0]):
        raise LineRefused(CLIENT_NAME, "its client is no address; let the server log addresses, not names")
    target = _REQUEST.fullmatch(_ESCAPED.sub(_percent, request) if "\\" in request else request)
    return _record(_moment(moment), words[0], vhost, port, target and target[1], secure=port == HTTPS)


def _percent(found: re.Match[str]) -> str:
    """Apache writes ``\\"``, nginx ``\\x22``: both become what a URL has for it."""
    return f"%{ord(found[1]):02X}" if found[1] else f"%{found[2].upper()}"


def _virtual_host(word: str) -> tuple[str | None, str | None]:
    found = _VHOST.fullmatch(word)
    if found is None:
        raise LineRefused(NOT_ACCESS, "what stands before its client is no virtual host")
    name = found[1].strip("[]").lower()
    return (None if name in ("-", "_") else name), found[2]


def _record(time: int, client: str, host: str | None, port: str | None, target: str | None, *, secure: bool) -> Record:
    own = host if host is not None and _is_address(host) else "::1" if ":" in client else "127.0.0.1"
    record: Record = {"kind": KIND, "time": time, "src_raw": client, "dst_raw": own, "dst_port_raw": port}
    if host is not None:
        shown = f"[{host}]" if ":" in host else host
        record |= {"host": shown.rstrip("."), "has_http_host": True, "path": target}
        if secure and target is not None:
            record["path"] = f"https://{shown}{f':{port}' if port not in (None, HTTPS) else ''}{target}"
        elif port is not None and port != "80":
            record["http_port"] = port
    return record


@lru_cache(maxsize=4096)
def _moment(text: str) -> int:
    """Microseconds UTC of ``22/Nov/2026:01:02:03 +0900``. Raises LineRefused."""
    try:
        day, year, hour, minute = int(text[:2]), int(text[7:11]), int(text[12:14]), int(text[15:17])
        local = datetime(year, _MONTHS.index(text[3:6]) + 1, day, hour, minute, min(int(text[18:20]), 59), tzinfo=UTC)
        away = timedelta(hours=int(text[22:24]), minutes=int(text[24:26]))
        return ((local - _EPOCH) - (-away if text[21] == "-" else away)) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise LineRefused(BAD_TIME, f"the timestamp {text!r} cannot be read") from None


def _is_address(text: str) -> bool:
    """Whether it has the shape of an address; what it is worth is judged with the other formats' addresses."""
    return _IPV4.fullmatch(text) is not None or (":" in text and halves(text) is not None)


def _is_caddy(event: dict[str, Any]) -> bool:
    return str(event.get("logger", "")).startswith("http.log.access") and isinstance(event.get("request"), dict)


def _is_traefik(event: dict[str, Any]) -> bool:
    return "DownstreamStatus" in event and "ClientHost" in event


def _of_json(line: bytes) -> Record:
    try:
        event = msgspec.json.decode(line)
    except UNREADABLE as error:
        raise LineRefused(NOT_JSON, str(error).removeprefix("JSON is malformed: ")) from None
    if isinstance(event, dict) and _is_caddy(event):
        request = event["request"]
        time = _json_time(event.get("ts"))
        client, host, target = (_text(request, key) for key in ("remote_ip", "host", "uri"))
        return _served(time, client, host, target, secure="tls" in request)
    if isinstance(event, dict) and _is_traefik(event):
        time = _json_time(event.get("StartUTC") or event.get("time"))
        client, host, target = (_text(event, key) for key in ("ClientHost", "RequestHost", "RequestPath"))
        return _served(time, client, host, target, secure=event.get("RequestScheme") == "https")
    raise LineRefused(NOT_ACCESS, "it is neither Caddy's nor Traefik's access record")


def _served(time: int, client: str | None, host: str | None, target: str | None, *, secure: bool) -> Record:
    if client is None or not _is_address(client):
        raise LineRefused(CLIENT_NAME, "its client is no address")
    name, port = _virtual_host(host) if host else (None, None)
    return _record(time, client, name, port, target if target and target.startswith("/") else None, secure=secure)


def _text(event: dict[str, Any], key: str) -> str | None:
    value = event.get(key)
    if value is not None and not isinstance(value, str):
        raise LineRefused(WRONG_TYPE, f"{key} is no text")
    return value or None


def _json_time(value: object) -> int:
    """Microseconds UTC of seconds since 1970 or of an ISO 8601 text with offset. Raises LineRefused."""
    made = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        made = epoch_microseconds(f"{value:.6f}" if isinstance(value, float) else str(value))
    elif isinstance(value, str):
        made = iso_moment(value, None)
    if made is None:
        raise LineRefused(BAD_TIME, "its timestamp cannot be read")
    return made
