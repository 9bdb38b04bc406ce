"""What CrowdSec's bouncers ask of a local API, answered from a served feed of the form ``bouncer``.

A bouncer in stream mode asks once for everything (``startup=true``), then every few seconds for what is new and what
was deleted since it last asked; one in live mode asks about single addresses. A decision ends at most when its line
does: ``duration`` says how long that is from now. (CrowdSec local API, localapi_swagger.yaml of version 1.4.6.)
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

import msgspec

from seawall.flow.node import Node
from seawall.flow.served_feeds import FeedDesk, no_feed
from seawall.flow.served_feeds_lines import BOUNCER
from seawall.flow.served_feeds_written import Written, write_pieces
from seawall.model import Fault, Observable, ObservableType
from seawall.model.directive import Action
from seawall.model.served_feed import FeedLine, ServedFeed
from seawall.protect.gate import undo_name
from seawall.protect.text import one_line

ORIGIN = "seawall"
KINDS = {Action.BLOCK: "ban", Action.RATE_LIMIT: "throttle"}  # a bouncer that knows no throttle passes over it
MAX_BOUNCERS = 32  # clients of one consumer whose place is remembered; each should have a consumer of its own
MAX_CLIENT = 120  # characters of how a client is remembered
MAX_SCENARIO = 100  # characters of somebody's reason that a bouncer logs
_NOTE = "feed-bouncers:{number}"
_SCOPE = {ObservableType.IPV4: "Ip", ObservableType.IPV6: "Ip", ObservableType.CIDR: "Range"}


class Wanted(msgspec.Struct, frozen=True):
    """What a bouncer wants to hear of; empty sets: everything."""

    scopes: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    containing: tuple[str, ...] = ()
    not_containing: tuple[str, ...] = ()

    def wants(self, line: FeedLine) -> bool:
        """Whether this decision is asked for."""
        scenario = _scenario(line).lower()
        return (
            (not self.scopes or _SCOPE[line.type].lower() in self.scopes)
            and (not self.origins or ORIGIN in self.origins)
            and (not self.types or KINDS[line.action] in self.types)
            and (not self.containing or any(word in scenario for word in self.containing))
            and not any(word in scenario for word in self.not_containing)
        )


class BouncerDesk:
    """The answers; safe for several threads."""

    def __init__(self, node: Node, desk: FeedDesk) -> None:
        self._node = node
        self._desk = desk

    def admitted(self, key: str) -> ServedFeed:
        """Whose API key this is. Raises Refused E-FLOW-960, also for the token of another form of feed."""
        feed = self._desk.holder(key)
        if feed.terms.format != BOUNCER:
            raise no_feed()
        return feed

    def stream(self, feed: ServedFeed, wanted: Wanted, *, client: str, startup: bool) -> Written:
        """What is new and what was deleted since this client last asked; everything for one that just started."""
        feed = self._desk.current(feed)
        known = self._places(feed)
        client = one_line(client)[:MAX_CLIENT]
        since = None if startup else known.get(client)
        if since is not None and not feed.kept_from <= since <= feed.sequence:
            since = None  # too much was forgotten: it hears everything again, and what it holds beyond ends by itself
        written = write_pieces(self._node, self._streamed(feed, since, wanted))
        self._desk.record(feed, written)
        if known.get(client) != feed.sequence:
            known.pop(client, None)
            places = dict(list({**known, client: feed.sequence}.items())[-MAX_BOUNCERS:])
            self._node.store.notes.set(_NOTE.format(number=feed.number), msgspec.json.encode(places).decode())
        return written

    def listed(self, feed: ServedFeed, wanted: Wanted) -> Written:
        """All decisions as one list; ``null`` for none, as CrowdSec says it."""
        feed = self._desk.current(feed)
        lines = self._node.store.served_feeds.lines(feed.number)
        written = write_pieces(self._node, _array(self._said(lines, wanted)))
        self._desk.record(feed, written)
        return written

    def about(self, feed: ServedFeed, wanted: Wanted, text: str) -> bytes:
        """Decisions on an address or network: its own, and those on networks around it. Raises Fault E-FLOW-970."""
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
        except ValueError:
            raise Fault("E-FLOW-970", "{given} is neither an address nor a network.", given=ascii(text[:60])) from None
        feed = self._desk.current(feed)
        lines = self._node.store.served_feeds.named_lines(feed.number, _names_around(network))
        found = b"".join(_array(self._said(iter(lines), wanted)))
        if lines and feed.handed != feed.sequence:
            self._desk.record(feed, write_pieces(self._node, [found]))
        return found

    def _places(self, feed: ServedFeed) -> dict[str, int]:
        note = self._node.store.notes.get(_NOTE.format(number=feed.number))
        return {} if note is None else msgspec.json.decode(note, type=dict[str, int])

    def _streamed(self, feed: ServedFeed, since: int | None, wanted: Wanted) -> Iterator[bytes]:
        store = self._node.store.served_feeds
        yield b'{"new":'
        yield from _array(self._said(store.lines(feed.number, after=since or 0), wanted))
        yield b',"deleted":'
        gone = () if since is None else (line for line in store.lines(feed.number, after=since, gone=True) if line.gone)
        yield from _array(self._said(iter(gone), wanted))
        yield b"}"

    def _said(self, lines: Iterator[FeedLine], wanted: Wanted) -> Iterator[bytes]:
        at = self._node.clock()
        return (_decision(line, at) for line in lines if line.action in KINDS and wanted.wants(line))


def _array(items: Iterator[bytes]) -> Iterator[bytes]:
    before = b"["
    for item in items:
        yield before + item
        before = b","
    yield b"null" if before == b"[" else b"]"


def _decision(line: FeedLine, at: int) -> bytes:
    seconds = (line.expires_at - at) // 1_000_000
    return msgspec.json.encode(
        {
            "id": int(line.undo_id[:13], 16),  # 52 bits, so that readers in JavaScript keep every digit
            "origin": ORIGIN,
            "type": KINDS[line.action],
            "scope": _SCOPE[line.type],
            "value": line.value,
            "duration": f"{-1 if line.gone else max(1, seconds)}s",
            "scenario": _scenario(line),
            "simulated": False,
        }
    )


def _scenario(line: FeedLine) -> str:
    return one_line(line.reason)[:MAX_SCENARIO] or ORIGIN


def _names_around(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[str]:
    """The names of what hinders the address itself or a network that holds it: no list has to be searched."""
    values = []
    if network.prefixlen == network.max_prefixlen:
        kind = ObservableType.IPV4 if network.version == 4 else ObservableType.IPV6
        values.append(Observable(kind, str(network.network_address)))
    for length in range(network.prefixlen + 1):
        around = network.supernet(new_prefix=length)
        values.append(Observable(ObservableType.CIDR, str(around)))
    hindering = [action for action in Action if action.hinders]
    return [undo_name(action, value) for value in values for action in hindering]
