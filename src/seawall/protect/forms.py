"""Values as single tokens of a line: checked once more before they stand in a file whose syntax can be abused (rule 7).

Importing has written every value canonically; a feed still believes nobody. What is no plain token is left out by the
formats that cannot quote; formats that can (CSV, JSON) carry it.
"""

from __future__ import annotations

import ipaddress
import re

from seawall.model import Observable, ObservableType
from seawall.protect.names import is_name
from seawall.protect.networks import address_number
from seawall.protect.text import one_line

HASH_LENGTHS = {ObservableType.MD5: 32, ObservableType.SHA1: 40, ObservableType.SHA256: 64}  # hex digits
MAX_URL = 2_048  # characters: what proxies and browsers handle (RFC 9110 section 4.1 asks for 8,000 at least)
MAX_EMAIL = 254  # characters (RFC 5321 section 4.5.3.1.3, less the angle brackets)
MAX_TEXT = 8_192  # characters of any other value

# Without quotes, backslashes, braces, pipes, blanks: tokens that no list format reads as syntax.
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[A-Za-z0-9._~:/?#\[\]@!$&()*+,;=%-]{1,2000}")
_LOCAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+=-]{0,63}")
_HEX = re.compile(r"[0-9a-f]+")
_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef" + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF)) + "]"
)
_UNSAFE = re.compile(r"[?#@]")


def token(observable: Observable) -> str | None:
    """The value when it is what its type says and a token of safe characters, else None. Never raises."""
    kind, value = observable.type, observable.value
    if kind in (ObservableType.IPV4, ObservableType.IPV6):
        return _address(value, kind)
    if kind is ObservableType.CIDR:
        return _network(value)
    if kind is ObservableType.DOMAIN:
        return value if is_name(value) else None
    if kind in HASH_LENGTHS:
        return value if len(value) == HASH_LENGTHS[kind] and _HEX.fullmatch(value) else None
    if kind is ObservableType.URL:
        return value if len(value) <= MAX_URL and _URL.fullmatch(value) else None
    if kind is ObservableType.EMAIL:
        local, _, domain = value.rpartition("@")
        good = len(value) <= MAX_EMAIL and _LOCAL.fullmatch(local) is not None and is_name(domain)
        return value if good else None
    return None


def line(observable: Observable) -> str | None:
    """The value when it fits one line unchanged (no control, direction or non-character, no lone surrogate), else None.

    Values of the types that ``token`` knows must be such tokens, save URLs and e-mail addresses, which may hold more.
    """
    kind, value = observable.type, observable.value
    if kind in HASH_LENGTHS or kind in _STRICT:
        return token(observable)
    if not value or len(value) > MAX_TEXT or one_line(value) != value or _NONCHARACTER.search(value):
        return None
    return value


def host_and_path(url: str) -> str | None:
    """``host/path`` of a URL token without user, query or fragment, as proxies compare it; else None."""
    rest = url.partition("://")[2]
    if not rest or _UNSAFE.search(rest):
        return None
    host, slash, path = rest.partition("/")
    return f"{host.lower()}{slash or '/'}{path}" if host else None


def _address(value: str, kind: ObservableType) -> str | None:
    try:
        address_number(value)
    except (ValueError, OSError):
        return None
    return value if (":" in value) == (kind is ObservableType.IPV6) else None


def _network(value: str) -> str | None:
    try:
        return value if str(ipaddress.ip_network(value)) == value else None
    except ValueError:
        return None


_STRICT = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.DOMAIN})
