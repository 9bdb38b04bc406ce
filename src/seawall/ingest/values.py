"""Values that SQL could not type, settled one distinct text at a time: times, addresses, hosts and URLs.

On ordinary logs nothing comes here; IPv6 addresses, times without a zone or with nanoseconds, and odd hosts do.
"""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from seawall.codec.values import a_labels, halves_address
from seawall.ingest.interface import EARLIEST, LATEST

CACHE = 65_536  # distinct texts remembered
IPV4_MAPPED = 0xFFFF << 32
HALF = 1 << 64
HOST_BOUND = 253  # RFC 1035 2.3.4, in its text form
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?\s*(Z|z|[+-]\d\d:?\d\d|[+-]\d\d)?", re.ASCII
)
_LABEL = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*", re.ASCII)
_PORT = re.compile(r"(.*?)(?::(\d{0,5}))?", re.ASCII | re.DOTALL)


def moment(text: str, zone: str | None) -> int | None:
    """Microseconds UTC of an ISO 8601 time; ``zone`` (an IANA name or ``+09:00``) is for texts without an offset.

    None when it is no such time, has neither offset nor zone, or lies outside 1990 to 2100. Digits beyond the
    microsecond are cut off.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    *fields, fraction, offset = found.groups()
    try:
        place = _zone(offset, zone)
        if place is None:
            return None
        year, month, day, hour, minute, second = (int(field) for field in fields)
        whole = (datetime(year, month, day, hour, minute, second, tzinfo=place) - _EPOCH) // timedelta(seconds=1)
    except (ValueError, OverflowError):
        return None
    made = whole * 1_000_000 + int(((fraction or "") + "000000")[:6])
    return made if EARLIEST <= made < LATEST else None


def _zone(offset: str | None, zone: str | None) -> tzinfo | None:
    if offset is None:
        return _named_zone(zone) if zone else None
    return UTC if offset in "Zz" else _fixed_zone(offset)


def _fixed_zone(offset: str) -> tzinfo:
    """The zone of ``+09``, ``+0900`` or ``+09:00``. Raises ValueError beyond a day."""
    digits = offset[1:].replace(":", "")
    away = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-away if offset[0] == "-" else away)


@lru_cache(maxsize=1024)
def _named_zone(zone: str) -> tzinfo | None:
    try:
        return _fixed_zone(zone) if zone[0] in "+-" else ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return None


@lru_cache(maxsize=CACHE)
def halves(text: str) -> tuple[int, int] | None:
    """High and low signed 64-bit halves of an address in text (IPv4 mapped into IPv6); None when it is none."""
    try:
        packed = socket.inet_pton(socket.AF_INET6, text)
    except (OSError, ValueError):
        return None
    high, low = int.from_bytes(packed[:8], "big", signed=True), int.from_bytes(packed[8:], "big", signed=True)
    return high, low


@lru_cache(maxsize=CACHE)
def name_and_url(host: str | None, path: str | None, port: str | None) -> tuple[str | None, str | None]:
    """``(domain, url)`` of an HTTP request whose host or target is out of the ordinary.

    ``http.url`` may be absolute (a request to a proxy), an authority (CONNECT) or anything an attacker sends. What is
    no host name gives no domain; an address is no domain. The URL has scheme and host in lower case and neither
    default port nor fragment.
    """
    scheme = "http"
    target = path
    if path is not None and "://" in path[:12]:
        try:
            parts = urlsplit(path)
            scheme, host, target = parts.scheme, parts.netloc.rpartition("@")[2], parts.path or "/"
            port = None
            target += f"?{parts.query}" if parts.query else ""
        except ValueError:
            return None, None
    clean, own_port = _split(host or "")
    if clean is None:
        return None, None
    domain = clean if not _is_address(clean) else None
    if target is None or not target.startswith("/") or scheme not in ("http", "https"):
        return domain, None
    given = own_port or port
    number = str(int(given)) if given and given.isascii() and given.isdigit() and len(given) < HOST_BOUND else ""
    suffix = f":{number}" if number and number != {"http": "80", "https": "443"}[scheme] else ""
    return domain, f"{scheme}://{clean}{suffix}{target.partition('#')[0]}"


def _split(host: str) -> tuple[str | None, str | None]:
    """Host and port of ``host:port``; the host is None when it is neither a name nor an address."""
    host = host.strip().lower()
    if host.startswith("["):
        inside, _, after = host[1:].partition("]")
        return _bracketed(inside), after.removeprefix(":") or None
    if halves(host) is not None:
        return _bracketed(host), None
    found = _PORT.fullmatch(host)
    name, port = found.groups() if found else (host, None)
    return ascii_name(name.rstrip(".")), port


def _bracketed(address: str) -> str | None:
    """An IPv6 address as a URL's host, in canonical spelling; an IPv4-mapped one as IPv4; None when it is none."""
    found = halves(address)
    if found is None:
        return None
    text = halves_address(*found)
    return f"[{text}]" if ":" in text else text


def ascii_name(name: str) -> str | None:
    """A host name in lower case A-labels (IDNA), or an IPv4 address; None when it can be neither."""
    try:
        name = a_labels(name)
    except ValueError:
        return None
    return name if len(name) <= HOST_BOUND and _LABEL.fullmatch(name) else None


def _is_address(host: str) -> bool:
    return host.startswith("[") or host.rpartition(".")[2].isdigit()
