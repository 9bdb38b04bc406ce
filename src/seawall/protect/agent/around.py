"""What this gateway itself needs to be reached and to reach: its own addresses, its routers, its node."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

PROC = Path("/proc/net")
MAX_LINES = 200_000  # of a routing table that is read: a full Internet table has more, its local part has few


def surroundings(node_url: str, proc: Path = PROC) -> tuple[str, ...]:
    """Addresses that no block may ever reach here; whatever cannot be found out is left out."""
    found = [*_own_ipv4(proc), *_own_ipv6(proc), *_routers(proc), *_hosts(node_url)]
    return tuple(dict.fromkeys(found))


def _lines(path: Path) -> list[str]:
    try:
        with path.open("r", encoding="ascii", errors="replace") as file:
            return [line for _, line in zip(range(MAX_LINES), file, strict=False)]
    except OSError:
        return []


def _own_ipv4(proc: Path) -> Iterator[str]:
    """``fib_trie``: an address, and below it ``/32 host LOCAL`` when it is this machine's."""
    address = ""
    for line in _lines(proc / "fib_trie"):
        words = line.split()
        if words[:1] == ["|--"]:
            address = words[1]
        elif words == ["/32", "host", "LOCAL"] and address:
            yield address


def _own_ipv6(proc: Path) -> Iterator[str]:
    for line in _lines(proc / "if_inet6"):
        words = line.split()
        if words and len(words[0]) == 32:
            yield str(ipaddress.IPv6Address(bytes.fromhex(words[0])))


def _routers(proc: Path) -> Iterator[str]:
    """``route``: gateways in hexadecimal, in the order of this machine's bytes."""
    for line in _lines(proc / "route")[1:]:
        words = line.split()
        if len(words) > 2 and words[2] != "00000000":
            yield str(ipaddress.IPv4Address(int(words[2], 16).to_bytes(4, "little")))


def _hosts(url: str) -> Iterator[str]:
    """The node's address, and its name where it has one."""
    host = urlsplit(url).hostname or ""
    if "." in host and not host.replace(".", "").isdigit():
        yield host
    try:
        for _, _, _, _, address in socket.getaddrinfo(host, None, proto=socket.IPPROTO_TCP):
            yield str(address[0]).partition("%")[0]
    except OSError:
        return
