"""Addresses as two signed 64-bit integers, the way the lake keeps them.

An IPv6 address is split into its high and low 64 bits, each read as a signed integer. An IPv4 address is the
IPv4-mapped IPv6 address ``::ffff:a.b.c.d`` (RFC 4291 section 2.5.5.2): high 0, low ``0xFFFF_0000_0000 | address``::

    high                                      low
    0000 0000 0000 0000 | 0000 ffff aabb ccdd
"""

from __future__ import annotations

import ipaddress

from seawall.model import Fault

_IPV4_MAPPED = 0xFFFF_0000_0000
_HALF = 1 << 64
_SIGN = 1 << 63


def _signed(half: int) -> int:
    return half - _HALF if half >= _SIGN else half


def _halves(number: int) -> tuple[int, int]:
    return _signed(number >> 64), _signed(number & (_HALF - 1))


def address_halves(text: str) -> tuple[int, int]:
    """(high, low), both signed 64-bit. Raises Fault E-VALUE-001 when ``text`` is no IPv4 or IPv6 address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise _not_an("address", text) from None
    if isinstance(address, ipaddress.IPv4Address):
        return 0, _IPV4_MAPPED | int(address)
    return _halves(int(address))


def halves_address(high: int, low: int) -> str:
    """The text of an address, as ``ipaddress`` prints it; IPv4-mapped addresses print as IPv4."""
    number = ((high % _HALF) << 64) | (low % _HALF)
    if number >> 32 == 0xFFFF:
        return str(ipaddress.IPv4Address(number & 0xFFFF_FFFF))
    return str(ipaddress.IPv6Address(number))


def cidr_halves(text: str) -> tuple[int, int, int]:
    """(high, low, prefix length in 128 bits) of a network or a single address; host bits are cleared.

    An IPv4 ``/24`` has prefix length 120. Raises Fault E-VALUE-001 when ``text`` is neither.
    """
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise _not_an("network", text) from None
    if isinstance(network, ipaddress.IPv4Network):
        return 0, _IPV4_MAPPED | int(network.network_address), network.prefixlen + 96
    high, low = _halves(int(network.network_address))
    return high, low, network.prefixlen


def _not_an(wanted: str, text: str) -> Fault:
    return Fault("E-VALUE-001", "{given} is not a value of type {type}: {reason}.", given=repr(text[:80]), type=wanted,
                 reason="it cannot be read as an IPv4 or IPv6 address")  # fmt: skip
