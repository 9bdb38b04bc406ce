"""Addresses and networks as integer spans, so that a million of them can be held against a protected list quickly."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Iterable

Span = tuple[int, int]  # first and last address in the 128-bit space, both included; IPv4 is IPv4-mapped
_IPV4_FIRST = 0xFFFF << 32

BOGONS = tuple(
    # IANA special-purpose registries (RFC 6890 and its updates): ranges that carry a site's own or local traffic.
    # Documentation ranges (RFC 5737, RFC 3849) are absent on purpose: nobody can be harmed by blocking them.
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/96",  # unspecified, loopback, and IPv4-compatible addresses (RFC 4291 section 2.5.5.1)
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/32",  # Teredo (RFC 4380)
        "2002::/16",  # 6to4 (RFC 7526): an IPv4 address in disguise
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    )
)


def address_number(text: str) -> int:
    """The address as an integer in the 128-bit space. ValueError (or OSError) when ``text`` is no address."""
    if ":" in text:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, text))
    return _IPV4_FIRST | int.from_bytes(socket.inet_pton(socket.AF_INET, text))


def network_span(text: str) -> Span:
    """First and last address of a network in CIDR form. ValueError (or OSError) when ``text`` is none."""
    base, _, length = text.partition("/")
    first = address_number(base)
    if not (length.isascii() and length.isdigit()) or (bits := (128 if ":" in base else 32) - int(length)) < 0:
        raise ValueError("not a network")
    first = first >> bits << bits
    return first, first | ((1 << bits) - 1)


def is_mapped(text: str, first: int, last: int) -> bool:
    """Whether it is IPv6 text that touches the IPv4-mapped range, where our integers keep IPv4 itself."""
    return ":" in text and first <= (_IPV4_FIRST | 0xFFFF_FFFF) and last >= _IPV4_FIRST


class Spans:
    """A fixed set of spans; answers which of them a given span touches."""

    def __init__(self, named: Iterable[tuple[str, Span]]) -> None:
        merged: list[tuple[int, int, str]] = []
        for name, (first, last) in sorted(named, key=lambda item: item[1]):
            if merged and first <= merged[-1][1]:
                if last > merged[-1][1]:
                    merged[-1] = (merged[-1][0], last, merged[-1][2])
                continue
            merged.append((first, last, name))
        self._firsts = [first for first, _, _ in merged]
        self._lasts = [last for _, last, _ in merged]
        self._names = [name for _, _, name in merged]

    @classmethod
    def of(cls, networks: Iterable[str | ipaddress.IPv4Network | ipaddress.IPv6Network]) -> Spans:
        """From networks or single addresses in text or as ``ipaddress`` values. ValueError names a bad one."""
        texts = (str(network) for network in networks)
        return cls((text, network_span(text) if "/" in text else (address_number(text),) * 2) for text in texts)

    def touching(self, first: int, last: int) -> str | None:
        """The name of a span that shares an address with ``first`` to ``last``, or None."""
        at = bisect_right(self._firsts, last) - 1
        return self._names[at] if at >= 0 and self._lasts[at] >= first else None


BOGON_SPANS = Spans.of(BOGONS)
