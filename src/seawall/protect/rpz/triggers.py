"""Values as the owner names of a response policy zone, on the wire (draft-vixie-dnsop-dns-rpz-00 section 4).

    bad.example       3 bad 7 example                           and  1 * 3 bad 7 example
    192.0.2.1         2 32 1 1 1 2 1 0 3 192 6 rpz-ip           an answer that holds the address
    2001:db8::/32     2 32 2 zz 3 db8 4 2001 6 rpz-ip           "zz" stands for "::"

Owners are kept without the zone's name and without the root: a transfer puts a pointer to the zone behind them.
"""

from __future__ import annotations

import ipaddress

from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.model.order import Order, OrderState
from seawall.protect import objections
from seawall.protect.actions import done_by
from seawall.protect.bounds import SHORTEST_IPV4_PREFIX, SHORTEST_IPV6_PREFIX
from seawall.protect.names import is_name
from seawall.protect.objections import Objection
from seawall.protect.rpz.zones import BLOCK, IP_TRIGGER, LED, WATCH

TYPES = frozenset({ObservableType.DOMAIN, ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR})
MAX_WIRE = 255  # octets of a name (RFC 1035 section 2.3.4)

_IN_FORCE = (OrderState.ACTIVE, OrderState.WATCH, OrderState.CANARY)


def in_force(order: Order, at: int) -> bool:
    """Whether the order has any effect at ``at`` (microseconds UTC)."""
    return order.state in _IN_FORCE and order.expires_at > at


def zone_of(order: Order, alert_only: bool, at: int) -> int:
    """Whether the order blocks or watches, and so which zones it goes into. Where nothing may be stopped everything is
    watched, whatever the order says; what shall stop something only later is watched until then."""
    return BLOCK if _done(order).hinders and order.starts_at <= at and not alert_only else WATCH


def kept_owner(order: Order, kind: int, zone_name: str, *, sinkhole: bool) -> bytes | Objection:
    """How the book keeps an order: its owner name, behind a mark when it leads to the sinkhole.

    ``sinkhole``: whether there is one; else such an order is a block.
    """
    owner = owner_of(order.type, order.value, zone_name)
    led = kind == BLOCK and sinkhole and _done(order) is Action.SINKHOLE
    return LED + owner if led and isinstance(owner, bytes) else owner


def _done(order: Order) -> Action:
    return done_by("rpz", order.acts) or Action.WATCH


def owner_of(kind: ObservableType, value: str, zone_name: str) -> bytes | Objection:
    """The owner name of a value in a zone, or why it has none. Never raises, whatever the value is."""
    if kind is ObservableType.DOMAIN:
        return _name_owner(value, zone_name)
    if kind not in TYPES:
        return objections.TYPE.about(kind)
    try:
        network = ipaddress.ip_network(value)
    except ValueError:
        return objections.MALFORMED
    if isinstance(network, ipaddress.IPv6Network) and "%" in value:
        return objections.MALFORMED
    shortest = SHORTEST_IPV4_PREFIX if network.version == 4 else SHORTEST_IPV6_PREFIX
    if network.prefixlen < shortest:
        return objections.HUGE.about(f"/{shortest}")
    return labels(f"{network.prefixlen}.{_reversed(network)}") + IP_TRIGGER


def is_ipv6(owner: bytes) -> bool:
    """Of which family an address's owner is: IPv4 has five labels before the last and never ``zz``."""
    count = at = 0
    while at < len(owner):
        count, at = count + 1, at + owner[at] + 1
    return b"\x02zz" in owner or count > 6


def labels(name: str) -> bytes:
    """A name's labels on the wire, without the root. ``name``: checked by ``is_name``."""
    return b"".join(bytes((len(label),)) + label for label in name.encode("ascii").split(b"."))


def wire_name(name: str) -> bytes:
    """A whole name on the wire."""
    return labels(name) + b"\0" if name else b"\0"


def _name_owner(value: str, zone_name: str) -> bytes | Objection:
    if not is_name(value):
        return objections.MALFORMED
    last = value.rpartition(".")[2]
    if last.startswith("rpz-"):
        return objections.TRIGGER.about(last)
    owner = labels(value)
    if len(owner) + len(wire_name(zone_name)) + len(b"\x01*") > MAX_WIRE:
        return objections.ZONE_NAME.about(zone_name)
    return owner


def _reversed(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> str:
    """The address's parts, last first; in IPv6 the longest run of two zero words and more is ``zz`` (RFC 5952)."""
    if isinstance(network, ipaddress.IPv4Network):
        return ".".join(reversed(str(network.network_address).split(".")))
    words = [f"{int(word, 16):x}" for word in network.network_address.exploded.split(":")]
    start, length = _longest_zeros(words)
    if length >= 2:
        words[start : start + length] = ["zz"]
    return ".".join(reversed(words))


def _longest_zeros(words: list[str]) -> tuple[int, int]:
    best, start = (0, 0), 0
    for place, word in enumerate([*words, "end"]):
        if word != "0":
            best = max(best, (start, place - start), key=lambda run: run[1])
            start = place + 1
    return best
