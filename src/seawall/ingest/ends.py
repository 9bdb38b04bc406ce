"""Which end of a row is ours, and at which end a value stood.

The address ranges decide. For values that are not addresses, the direction of the conversation does: a name, URL or
certificate belongs to the server's end, a client fingerprint to the client's.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_network

import msgspec
import numpy as np

from seawall.model.observation import IPV4_MAPPED_LOW

DEFAULT_OWN = (  # private, loopback and link-local: RFC 1918, RFC 1122, RFC 3927, RFC 4193, RFC 4291
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "fc00::/7",
    "fe80::/10",
    "::1/128",
)
REMOTE, OWN, UNKNOWN = 0, 1, 2  # codes of ROLES
ROLES = ("remote", "own", "unknown")
OWN_ENDS = ("neither", "source", "destination", "both", "unknown")
HALF = 1 << 63


class Ranges:
    """Our address ranges, merged, for look-ups of whole columns."""

    def __init__(self, networks: Iterable[object]) -> None:
        spans = []
        for network in (ip_network(str(given), strict=False) for given in networks):
            base = int(network.network_address) + ((IPV4_MAPPED_LOW) if network.version == 4 else 0)
            spans.append((base, base + network.num_addresses - 1))
        merged: list[tuple[int, int]] = []
        for first, last in sorted(spans):
            if merged and first <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
            else:
                merged.append((first, last))
        low = [(first, min(last, HALF - 1)) for first, last in merged if first < HALF]
        self._low_first = np.array([first for first, _ in low], dtype=np.int64)
        self._low_last = np.array([last for _, last in low], dtype=np.int64)
        self._all = merged

    def contains(self, high: np.ndarray, low: np.ndarray, present: np.ndarray) -> np.ndarray:
        """Which addresses (signed halves) are ours; False where ``present`` is False."""
        inside = np.zeros(len(low), dtype=bool)
        if len(self._low_first):
            at = np.searchsorted(self._low_first, low, side="right") - 1
            inside = (at >= 0) & (low <= self._low_last[np.maximum(at, 0)]) & (high == 0) & (low >= 0)
        wide = np.flatnonzero(present & ((high != 0) | (low < 0)))
        if len(wide):
            pairs, back = np.unique(np.stack([high[wide], low[wide]], axis=1), axis=0, return_inverse=True)
            answers = np.array([self._holds(*pair) for pair in pairs.tolist()])
            inside[wide] = answers[back.reshape(-1)]
        answer: np.ndarray = inside & present
        return answer

    def _holds(self, high: int, low: int) -> bool:
        value = ((high & (2 * HALF - 1)) << 64) | (low & (2 * HALF - 1))
        return any(first <= value <= last for first, last in self._all)


class Ends(msgspec.Struct, frozen=True):
    """Own ends of the rows of a batch, and the roles of what was seen in them. Codes index ROLES and OWN_ENDS."""

    own_source: np.ndarray
    own_destination: np.ndarray
    own_end: np.ndarray
    source_role: np.ndarray
    destination_role: np.ndarray
    server_role: np.ndarray  # of names, URLs, certificates
    client_role: np.ndarray  # of client fingerprints
    sender_role: np.ndarray  # of files: remote unless only our end sent it


def ends(
    own_source: np.ndarray,
    own_destination: np.ndarray,
    source: np.ndarray,
    destination: np.ndarray,
    client_first: np.ndarray,
) -> Ends:
    """Judge every row. ``source`` and ``destination``: an address is there; ``client_first``: the source is the client.

    An end that is not ours is remote when the other one is ours, and unknown when neither is. A name that our client
    asks for is remote, also through a proxy or resolver of ours; one asked of our server by others is our own.
    """
    own_end = own_source.astype(np.int8) + 2 * own_destination.astype(np.int8)
    own_end[(own_end == 0) & ~(source & destination)] = OWN_ENDS.index("unknown")
    any_own = own_source | own_destination
    client_own = np.where(client_first, own_source, own_destination)
    server_own = np.where(client_first, own_destination, own_source)
    return Ends(
        own_source,
        own_destination,
        own_end,
        np.where(own_source, OWN, np.where(any_own, REMOTE, UNKNOWN)),
        np.where(own_destination, OWN, np.where(any_own, REMOTE, UNKNOWN)),
        np.where(client_own, REMOTE, np.where(server_own, OWN, UNKNOWN)),
        np.where(client_own, OWN, np.where(server_own, REMOTE, UNKNOWN)),
        np.where(own_source & ~own_destination, OWN, np.where(any_own, REMOTE, UNKNOWN)),
    )
