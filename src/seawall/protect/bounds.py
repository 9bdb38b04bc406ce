"""The named bounds of what an export may hold and how long a directive may live (rules 5 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from seawall.model import ObservableType

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR

SHORTEST_IPV4_PREFIX = 16
"""A network greater than this (65,536 addresses) is a provider, not an attacker; ours are mostly /20 to /28."""

SHORTEST_IPV6_PREFIX = 32
"""Registries allot a /32 to a whole provider (RIPE-738 section 5.1); anything greater is never one attacker's."""

MAX_IPV4_ADDRESSES_COVERED = 2**24
"""Blast radius of all networks of one export together: 1/256 of the IPv4 space."""

MAX_ADDRESSES = 1_000_000
"""Single addresses: a plain nftables set of this size loads in 5-6 s and 0.4 GB (measured)."""

MAX_NETWORKS = 10_000
"""Networks: one more element in an interval set of 1 M took 115 s (measured); below this it is milliseconds."""

MAX_NAMES = 1_000_000
"""Domain names: three resolvers held 300,000 in 130-200 MB each (measured); this is what memory of 1 GB allows."""

MAX_OTHERS = 1_000_000
"""Values of every other type (hashes, URLs, fingerprints), per type."""

OWN_SHARE = 4
"""One part in so many of each of these is kept for what we name ourselves: no flood of peers takes all the room."""

MAX_DOMAIN_LENGTH = 253
"""Characters of a domain name in text (RFC 1035 section 2.3.4: 255 octets on the wire)."""

MAX_LEFT_OUT_LISTED = 10_000
"""Left-out values a report lists one by one; further ones are counted by rule."""

MAX_REASON_LENGTH = 200
"""Characters of somebody else's description that an export repeats."""

_ADDRESSES = (ObservableType.IPV4, ObservableType.IPV6)


class Life(msgspec.Struct, frozen=True):
    """How long a directive on one type lives, in microseconds: when nobody says, and at most."""

    default: int
    longest: int


LIVES: Mapping[ObservableType, Life] = MappingProxyType(
    {
        # Addresses change hands within days; names live longer; a file's hash stays what it is.
        ObservableType.IPV4: Life(7 * DAY, 30 * DAY),
        ObservableType.IPV6: Life(7 * DAY, 30 * DAY),
        ObservableType.CIDR: Life(3 * DAY, 14 * DAY),
        ObservableType.DOMAIN: Life(30 * DAY, 90 * DAY),
        ObservableType.URL: Life(14 * DAY, 90 * DAY),
    }
)
OTHER_LIFE = Life(90 * DAY, 365 * DAY)


def life(kind: ObservableType) -> Life:
    """Default and longest life of a directive on this type."""
    return LIVES.get(kind, OTHER_LIFE)


def most(kind: ObservableType) -> int:
    """How many values of this type one export may hold."""
    if kind in _ADDRESSES:
        return MAX_ADDRESSES
    if kind is ObservableType.CIDR:
        return MAX_NETWORKS
    return MAX_NAMES if kind is ObservableType.DOMAIN else MAX_OTHERS


def most_of_peers(kind: ObservableType) -> int:
    """How many values of this type the order book may hold when another one of a peer comes."""
    return most(kind) - most(kind) // OWN_SHARE
