"""Ranges of addresses, looked up by their prefix: one dictionary a prefix length, so nested ranges are all found."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Value = TypeVar("Value")
_SIGN = 1 << 63


class NetworkMap(Generic[Value]):
    """A value for each of many ranges; IPv4 and IPv6 are kept apart."""

    def __init__(self) -> None:
        self._by_length: dict[tuple[int, int], dict[int, Value]] = {}
        self._lengths: dict[int, list[tuple[int, int, dict[int, Value]]]] = {4: [], 6: []}
        """By version: (prefix length, bits behind it, ranges by their base), the longest prefix first."""
        self._networks: list[tuple[Network, Value]] = []
        self._sorted: dict[int, list[tuple[int, int]]] = {}

    def setdefault(self, network: Network, value: Value) -> Value:
        """Set the value of a range that has none yet; returns the one it has then."""
        held = self._by_length.get((network.version, network.prefixlen))
        if held is None:
            held = self._by_length[network.version, network.prefixlen] = {}
            lengths = self._lengths[network.version]
            lengths.append((network.prefixlen, network.max_prefixlen - network.prefixlen, held))
            lengths.sort(key=lambda each: -each[0])
        base = int(network.network_address)
        if base not in held:
            held[base] = value
            self._networks.append((network, value))
            self._sorted.pop(network.version, None)
        return held[base]

    def around(self, address: Address) -> Iterator[Value]:
        """The values of all ranges that hold the address, narrowest first."""
        return self._holding(address.version, int(address), address.max_prefixlen)

    def touching(self, network: Network) -> Iterator[Value]:
        """The values of all ranges that share an address with this one: those that hold it, then those inside it."""
        first = int(network.network_address)
        yield from self._holding(network.version, first, network.prefixlen)
        places = self._starts(network.version)
        begin = bisect_left(places, (first, network.prefixlen + 1))
        for base, length in islice(places, begin, None):
            if base > int(network.broadcast_address):
                break
            if length > network.prefixlen:
                yield self._by_length[network.version, length][base]

    def _holding(self, version: int, number: int, longest: int) -> Iterator[Value]:
        for length, behind, held in self._lengths[version]:
            if length <= longest and (base := number >> behind << behind) in held:
                yield held[base]

    def _starts(self, version: int) -> list[tuple[int, int]]:
        """First address and prefix length of every range, in order."""
        if version not in self._sorted:
            lengths = [length for held_version, length in self._by_length if held_version == version]
            self._sorted[version] = sorted(
                (base, length) for length in lengths for base in self._by_length[version, length]
            )
        return self._sorted[version]

    def __iter__(self) -> Iterator[tuple[Network, Value]]:
        return iter(self._networks)

    def __len__(self) -> int:
        return len(self._networks)


def parse_network(text: str) -> Network | None:
    """A range or single address, host bits cleared, IPv4-mapped IPv6 as IPv4; None when it is neither."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv6Network) and network.prefixlen >= 96:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:
            return ipaddress.IPv4Network((int(mapped), network.prefixlen - 96), strict=False)
    return network


def parse_address(text: str) -> Address | None:
    """An address, IPv4-mapped IPv6 as IPv4; None when it is none."""
    try:
        return ipaddress.IPv4Address(socket.inet_pton(socket.AF_INET, text))  # a third of the time for the usual form
    except (OSError, ValueError):
        pass
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped if mapped is not None else address


def halves(network: Network) -> tuple[int, int, int]:
    """(high, low, prefix length in 128 bits): the lake's two signed 64-bit integers, IPv4 as IPv4-mapped."""
    if isinstance(network, ipaddress.IPv4Network):
        return 0, 0xFFFF_0000_0000 | int(network.network_address), 96 + network.prefixlen
    number = int(network.network_address)
    return _signed(number >> 64), _signed(number & ((1 << 64) - 1)), network.prefixlen


def host_of(url: str) -> str | None:
    """The host of a URL, without brackets; None when it has none."""
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def parents(name: str) -> Iterable[str]:
    """The name and every name above it: ``a.b.c``, ``b.c``, ``c``."""
    while name:
        yield name
        name = name.partition(".")[2]


def _signed(half: int) -> int:
    return half - (1 << 64) if half >= _SIGN else half
