"""Evidence, written down value by value and link by link, then handed on as columns."""

from __future__ import annotations

import ipaddress
from array import array
from collections.abc import Callable, Iterable

import numpy as np

from seawall.model.campaign import Kind
from seawall.warn.campaigns.interface import KIND_CODE, OURS, Evidence
from seawall.warn.campaigns.names import name_pattern, name_stem

MAX_ITEMS = 5_000_000
"""Values in one grouping: about 4 GB. More are left out, the oldest first."""
MAX_LINKS_A_SOURCE = 20_000_000
"""Links that one peer may say; later ones are left out."""
Key = tuple[str, str]


class EvidenceBook:
    """Collects evidence. Saying a thing twice is saying it once; who says it from two sides says it as all of us."""

    def __init__(self) -> None:
        self._items: dict[Key, int] = {}
        self._keys: list[Key] = []
        self._first: list[int] = []
        self._last: list[int] = []
        self._knowers: list[int] = []
        self._features: dict[tuple[Kind, str], int] = {}
        self._background: dict[int, float] = {}
        self._link_item, self._link_feature, self._link_source = array("q"), array("q"), array("q")
        self._said: dict[int, int] = {}
        self._peers: dict[str, int] = {}

    @property
    def peers(self) -> tuple[str, ...]:
        """The peers by number."""
        return tuple(self._peers)

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, key: object) -> bool:
        return key in self._items

    def keys(self) -> list[Key]:
        """The values, in the order of their items."""
        return self._keys

    def item(self, key: Key, *, first: int, last: int, peer: str | None = None) -> None:
        """A value that we (``peer`` None) or a peer know, between two moments (microseconds UTC)."""
        source = self._number(peer)
        place = self._items.get(key)
        if place is None:
            if len(self._keys) >= MAX_ITEMS:
                return
            self._items[key] = len(self._keys)
            self._keys.append(key)
            self._first.append(first)
            self._last.append(max(first, last))
            self._knowers.append(source)
            return
        self._first[place] = min(self._first[place], first)
        self._last[place] = max(self._last[place], first, last)
        if self._knowers[place] != source:
            self._knowers[place] = OURS  # a second one knows it

    def link(self, key: Key, kind: Kind, text: str, *, peer: str | None = None) -> None:
        """``key`` has this feature, says ``peer`` (None: we do, or the value itself). Unknown values are left out."""
        place = self._items.get(key)
        source = self._number(peer)
        if place is None or not text or self._said.get(source, 0) >= MAX_LINKS_A_SOURCE:
            return
        self._said[source] = self._said.get(source, 0) + (source != OURS)
        feature = self._features.setdefault((kind, text), len(self._features))
        self._link_item.append(place)
        self._link_feature.append(feature)
        self._link_source.append(source)

    def background(self, kind: Kind, text: str, sharers: float) -> None:
        """So many of our machines (of an address: other names at it) met the feature in ordinary traffic."""
        if (feature := self._features.get((kind, text))) is not None:
            self._background[feature] = max(self._background.get(feature, 0.0), sharers)

    def features(self, kind: Kind) -> list[str]:
        """The features of one kind that somebody has."""
        return [text for (one, text) in self._features if one is kind]

    def from_values(
        self, registered_domain: Callable[[str], str | None], networks: Callable[[list[str]], Iterable[int | None]]
    ) -> None:
        """Add what follows from the values themselves: ranges, networks, domains, patterns of names.

        ``networks`` gives the AS of each of a list of addresses.
        """
        addresses = [key for key in self._keys if key[0] in ("ipv4", "ipv6")]
        for key, network in zip(addresses, networks([value for _, value in addresses]), strict=True):
            self.link(key, Kind.ADDRESS, key[1])
            self.link(key, Kind.RANGE, range_of(key[1]))
            if network is not None:
                self.link(key, Kind.AS, str(network))
        for key in list(self._keys):
            if (name := _name_in(key)) is not None:
                registered = registered_domain(name)
                self.link(key, Kind.REGISTERED, registered or "")
                self.link(key, Kind.PATTERN, name_pattern(name) or "")
                self.link(key, Kind.PATTERN, name_stem(registered) or "")

    def evidence(self) -> Evidence:
        """Everything as columns. What several say alike counts as said by us all."""
        item = np.array(self._link_item, np.int64)
        feature = np.array(self._link_feature, np.int64)
        source = np.array(self._link_source, np.int64)
        order = np.lexsort((source, feature, item))
        item, feature, source = item[order], feature[order], source[order]
        begins = np.flatnonzero(np.r_[True, (item[1:] != item[:-1]) | (feature[1:] != feature[:-1])][: len(item)])
        if len(item):
            alike = np.maximum.reduceat(source, begins) == np.minimum.reduceat(source, begins)
            source = np.where(alike, source[begins], OURS)
        background = np.zeros(len(self._features))
        for place, sharers in self._background.items():
            background[place] = sharers
        return Evidence(
            self._keys,
            np.array(self._first, np.int64),
            np.array(self._last, np.int64),
            np.array(self._knowers, np.int64),
            item[begins],
            feature[begins],
            source,
            np.array([KIND_CODE[kind] for kind, _ in self._features], np.int64),
            [text for _, text in self._features],
            background,
        )

    def _number(self, peer: str | None) -> int:
        return OURS if peer is None else self._peers.setdefault(peer, len(self._peers))


def range_of(address: str) -> str:
    """The /24 of an IPv4, the /48 of an IPv6 address: what one customer is usually given."""
    version4 = ":" not in address
    return str(ipaddress.ip_network(f"{address}/{24 if version4 else 48}", strict=False))


def _name_in(key: Key) -> str | None:
    kind, value = key
    if kind == "domain":
        return value
    if kind == "email":
        return value.rpartition("@")[2] or None
    if kind == "url":
        host = value.partition("://")[2].split("/", 1)[0].rpartition("@")[2]
        return host.rsplit(":", 1)[0] if host.count(":") == 1 else host or None
    return None
