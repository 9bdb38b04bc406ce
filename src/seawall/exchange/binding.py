"""Which addresses lead to this machine or into our own networks: where a server may listen, what a peer may name."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from seawall.model import Fault

HOME = frozenset({"localhost", "local", "internal", "lan", "home", "corp", "intranet", "localdomain", "arpa"})
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_loopback(host: str) -> bool:
    """True when ``host`` can only be reached from this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_inside(host: str) -> bool:
    """True for this machine, for addresses that are not of the open internet, and for names that only mean something
    at home. Whether another name leads inside only its address says, once it is known (``is_open``)."""
    name = host.strip("[]").lower().rstrip(".")
    try:
        return not is_open(name)
    except ValueError:
        pass
    last = name.rpartition(".")[2]
    numeric = last.isdigit() or last.startswith("0x")  # 127.1, 2130706433, 0x7f.1: addresses to some resolvers
    return "." not in name or numeric or last in HOME


def is_open(address: str) -> bool:
    """Whether an IP address is one of the open internet, also when it stands inside another one (RFC 4291 section
    2.5.5, RFC 3056, RFC 6052). Raises ValueError for what is no address."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or _translated(found)
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


def _translated(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None


def origin_of(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; two addresses with the same ones reach one server. Raises ValueError."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").rstrip("."), parts.port or {"https": 443, "http": 80}.get(scheme)


def require_safe_bind(host: str, *, tls: bool) -> None:
    """Raise Fault E-EXCHANGE-011 when tokens would cross a network in the clear."""
    if not tls and not is_loopback(host):
        raise Fault(
            "E-EXCHANGE-011",
            "Refusing to serve on {host} without TLS; give a certificate and key, or stay on 127.0.0.1.",
            host=host,
        )
