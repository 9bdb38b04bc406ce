"""Scenes of policy zones: orders, a primary on loopback, and dnspython as a client that knows nothing of ours."""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.zone

from seawall.model import ObservableType
from seawall.model.clock import system_clock
from seawall.model.directive import Action
from seawall.model.order import Change, Lane, Order, OrderState
from seawall.protect.rpz import RpzPrimary, RpzSettings, Secondary, TsigKey, new_key

BLOCK, WATCH = "block.rpz.seawall", "watch.rpz.seawall"
KEY, SECRET = "seawall-rpz", b"0123456789abcdef0123456789abcdef"
DOMAIN, IPV4, IPV6, CIDR = ObservableType.DOMAIN, ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR
HOUR = 3_600_000_000


def order(
    value: str,
    kind: ObservableType = DOMAIN,
    state: OrderState = OrderState.ACTIVE,
    *,
    undo: str = "",
    starts_at: int = 0,
    expires_at: int | None = None,
    action: Action = Action.BLOCK,
) -> Order:
    """An order about a value, good for an hour from now."""
    ends = system_clock() + HOUR if expires_at is None else expires_at
    return Order(
        undo or f"{kind}:{value}", action, kind, value, starts_at, ends, state, Lane.OWN, "", "0:0", "us"
    )  # fmt: skip


def put(*orders: Order) -> list[Change]:
    """Changes that put orders in."""
    return [Change(number, "put", one) for number, one in enumerate(orders, 1)]


def remove(*orders: Order) -> list[Change]:
    """Changes that take orders out."""
    return [Change(number, "remove", one) for number, one in enumerate(orders, 1)]


def key_file(folder: Path) -> Path:
    """The file of the key that both ends hold."""
    file = folder / "rpz.key"
    file.write_text(new_key(KEY, SECRET))
    return file


@contextmanager
def primary(folder: Path, *, signed: bool = False, notify: int = 0, **more: object) -> Iterator[RpzPrimary]:
    """A running primary whose one secondary is this machine, with a key or without."""
    key = KEY if signed else ""
    keys = (TsigKey(KEY, str(key_file(folder))),) if signed else ()
    given: dict[str, object] = {"secondaries": (Secondary("127.0.0.1", notify, key),), "keys": keys, "port": 0} | more
    made = RpzPrimary(RpzSettings(folder=str(folder / "rpz"), **given))  # type: ignore[arg-type]
    made.start()
    try:
        yield made
    finally:
        made.close()


def keyring() -> dict[dns.name.Name, dns.tsig.Key]:
    """Our key as dnspython takes it."""
    name = dns.name.from_text(KEY)
    return {name: dns.tsig.Key(name, SECRET, dns.tsig.HMAC_SHA256)}


def zone_of(port: int, name: str = BLOCK, *, signed: bool = False) -> dns.zone.Zone:
    """The whole zone, as a client that checks every signature reads it."""
    found = dns.zone.Zone(name)
    query = dns.message.make_query(name, dns.rdatatype.AXFR)
    if signed:
        query.use_tsig(keyring(), KEY)
    dns.query.inbound_xfr("127.0.0.1", found, query, port=port, timeout=10)
    return found


def follow(zone: dns.zone.Zone, port: int) -> None:
    """Bring a zone up to date by IXFR."""
    dns.query.inbound_xfr("127.0.0.1", zone, port=port, timeout=10)


def names_in(zone: dns.zone.Zone) -> dict[str, str]:
    """Owner -> target of every CNAME."""
    return {str(owner): data.to_text() for owner, _, data in zone.iterate_rdatas("CNAME")}


def over_tcp(port: int, *messages: bytes, seconds: float = 5) -> list[bytes]:
    """Every message that comes back on one connection until the other side is silent or gone."""
    found = []
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line, suppress(ConnectionError):
        for message in messages:
            line.sendall(struct.pack("!H", len(message)) + message)
        try:
            line.shutdown(socket.SHUT_WR)
        except OSError as error:  # gone already: no ConnectionError says so
            if error.errno != errno.ENOTCONN:
                raise
        with line.makefile("rb") as answers:
            while len(head := answers.read(2)) == 2:
                found.append(answers.read(struct.unpack("!H", head)[0]))
    return found


def over_udp(port: int, message: bytes, seconds: float = 2) -> bytes | None:
    """The answer to a datagram, or None."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(seconds)
        line.sendto(message, ("127.0.0.1", port))
        try:
            return line.recv(65_535)
        except TimeoutError:
            return None
