"""What this gateway never does, whatever its node says: judged here, for every order, before any tool hears of it.

A node whose keys were stolen signs whatever the thief likes. So nothing is believed of an order but that it was sent:
its value is held against its type once more, and against limits that only root of this machine can change.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

import msgspec

from seawall.codec.spelling import canonical_pair
from seawall.messages import mark
from seawall.model import Observable, ObservableType, rfc3339
from seawall.model.agent import AgentLimits
from seawall.model.directive import Action
from seawall.model.order import Order, OrderState
from seawall.protect.bounds import most
from seawall.protect.gate import undo_name, undo_names
from seawall.protect.names import ProtectedNames
from seawall.protect.networks import BOGON_SPANS, Spans, address_number, network_span

Judgement = tuple[str, str]  # English sentence, what fills its {detail}; empty: it may act

MAX_VALUE = 2_048  # characters of a value
_PLAIN = re.compile(r"[\x21-\x7e]+")  # no space, nothing that ends a line
_URL = re.compile(r"[^\"`\\{}<>|^]+")  # RFC 3986: what a URL writes as %XX
_OTHER = re.compile(r"[^\"'`\\;{}<>|^]+")  # nothing that ends a word in some tool's language

MALFORMED = mark("It is no value of its type, or has another name than its value gives it.")
BAD_STATE = mark("It is not in force in any way that is known here: {detail}.")
ACTION = mark("This gateway does not let its node {detail}.")
PLANT = mark("Behind this gateway is a plant ({detail}): it blocks only in a window that its owner opened here.")
WINDOW = mark("It would last longer than the window that the owner of the plant opened here, which ends {detail}.")
PROTECTED = mark("It touches {detail}, which this gateway never blocks.")
WIDE = mark("It is a larger network than this gateway blocks; the largest is {detail}.")
LONG = mark("It would last longer than this gateway allows, which is {detail} hours.")
FULL = mark("This gateway holds as many as it may: {detail}.")

_ADDRESSES = (ObservableType.IPV4, ObservableType.IPV6)
_IN_FORCE = (OrderState.ACTIVE, OrderState.CANARY, OrderState.WATCH)
SLACK = 3_600_000_000  # microseconds: an expiry counted by a node whose clock is a little ahead


def stops(order: Order) -> bool:
    """Whether it would stop or slow something; everything else only watches."""
    return order.hinders


class Limits:
    """``AgentLimits``, made ready to judge a million orders. ``around``: addresses and networks of this machine."""

    def __init__(self, limits: AgentLimits, around: Iterable[str] = ()) -> None:
        """Raises ValueError for a never-block entry that is neither an address, a network nor a name."""
        self.limits = limits
        around = tuple(around)
        networks, names = _parted([*limits.never_block, *around])
        said = msgspec.json.encode([limits, sorted(around)], order="deterministic")
        self._name = hashlib.sha256(said).hexdigest()[:32]
        self._spans = Spans.of(networks)
        self._names = ProtectedNames(names)

    @property
    def name(self) -> str:
        """A digest of all of them: equal limits, equal name."""
        return self._name

    def window_open(self, at: int) -> bool:
        """Whether the owner of the plant lets blocks act at this moment."""
        window = self.limits.window
        return window is not None and window.begins <= at < window.ends

    def judge(self, order: Order, at: int, held: Callable[[ObservableType | None], int]) -> Judgement:
        """Whether ``order`` may act here; ``held``: how many of a type (of all: None) are in force already."""
        for look in (self._form, self._kind, self._reach, self._time):
            if (said := look(order, at))[0]:
                return said
        most_of_type = min(self.limits.most.get(order.type, most(order.type)), most(order.type))
        if held(order.type) >= most_of_type:
            return FULL, f"{most_of_type} x {order.type}"
        if held(None) >= self.limits.most_in_all:
            return FULL, str(self.limits.most_in_all)
        return "", ""

    def _form(self, order: Order, _at: int) -> Judgement:
        value = order.value
        shape = _URL if order.type is ObservableType.URL else _OTHER
        if not 0 < len(value) <= MAX_VALUE or not _PLAIN.fullmatch(value) or not shape.fullmatch(value):
            return MALFORMED, ""
        try:
            fits = canonical_pair(order.type, value) == (order.type, value)
        except ValueError:
            fits = False
        if not fits or not _named_so(order):
            return MALFORMED, ""
        return "", ""

    def _kind(self, order: Order, _at: int) -> Judgement:
        if order.state not in _IN_FORCE:
            return BAD_STATE, order.state.value
        wanted, listed = order.acts, self.limits.actions
        if wanted in listed:
            return "", ""
        # who lets the node block lets it do less than that; to be watched has to be permitted by its own name
        less = wanted is not Action.WATCH and any(one.strictness > wanted.strictness for one in listed)
        return ("", "") if less else (ACTION, wanted.value)

    def _reach(self, order: Order, _at: int) -> Judgement:
        if not stops(order):
            return "", ""
        if order.type is ObservableType.CIDR:
            return self._network(order.value)
        if order.type in _ADDRESSES:
            number = address_number(order.value)
            return self._span((number, number))
        host = order.value if order.type is ObservableType.DOMAIN else None
        if order.type is ObservableType.URL:
            host = urlsplit(order.value).hostname or ""
            if (address := _number_of(host)) is not None:
                return self._span((address, address))
        touched = self._names.touching(host.rstrip(".")) if host else None
        if touched is None and host and "." not in host:
            touched = host  # a whole top-level domain, or a bare host of the local network
        return (PROTECTED, touched) if touched else ("", "")

    def _network(self, value: str) -> Judgement:
        six = ":" in value
        shortest = self.limits.shortest_ipv6_prefix if six else self.limits.shortest_ipv4_prefix
        if int(value.partition("/")[2]) < shortest:
            return WIDE, f"/{shortest}"
        return self._span(network_span(value))

    def _span(self, span: tuple[int, int]) -> Judgement:
        touched = self._spans.touching(*span) or BOGON_SPANS.touching(*span)
        return (PROTECTED, touched) if touched else ("", "")

    def _time(self, order: Order, at: int) -> Judgement:
        longest = self.limits.longest_seconds
        if order.expires_at - max(at, order.starts_at) > longest * 1_000_000 + SLACK or order.starts_at - at > (
            longest * 1_000_000
        ):
            return LONG, str(longest // 3600)
        if not (self.limits.zone.alert_only and stops(order)):
            return "", ""
        window = self.limits.window
        if window is None or not self.window_open(at):
            return PLANT, self.limits.zone.value
        return ("", "") if order.expires_at <= window.ends else (WINDOW, rfc3339(window.ends)[:19] + "Z")


def _named_so(order: Order) -> bool:
    """Whether the name is one that its value gives it: at a point an order may do less than it is named for."""
    value = Observable(order.type, order.value)
    if order.undo_id == undo_name(order.action, value):
        return True
    return order.undo_id in undo_names(value).values()


def _number_of(host: str) -> int | None:
    try:
        return address_number(host)
    except (ValueError, OSError):
        return None


def _parted(given: Iterable[str]) -> tuple[list[str], list[str]]:
    """Networks (and addresses), and names. Raises ValueError for what is neither."""
    networks: list[str] = []
    names: list[str] = []
    for text in given:
        try:
            network = ipaddress.ip_network(text.strip(), strict=False)
            networks.append(str(network.network_address if network.num_addresses == 1 else network))
        except ValueError:
            name = canonical_pair(ObservableType.DOMAIN, text.strip())[1]
            names.append(name)
    return networks, names
