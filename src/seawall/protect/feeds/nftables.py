"""A file for ``nft -f``: one transaction that fills our own table and touches no other.

Single addresses go into plain hash sets with a ``timeout`` for each element, so that the kernel lifts each block
even when this program is gone; networks go into a small interval set. Loading a file twice gives the same sets:
the sets are flushed and filled within the transaction, and the named counters keep their counts.
"""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.interface import Feed, Heading, Sink
from seawall.protect.networks import Span, address_number, network_span
from seawall.protect.objections import Objection
from seawall.protect.text import moment_text

NAME = "nftables"
TYPES = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR})
FILES = ("seawall.nft",)

TABLE = "inet seawall"
MAX_LINE_ELEMENTS = 1_000  # elements per command: nft reads a million in such lines in seconds
PRIORITY = -150  # after connection tracking (-200), before every filter rule (0): linux/netfilter_ipv4.h

_SETS = (
    ("block4", "ipv4_addr", "timeout"),
    ("block6", "ipv6_addr", "timeout"),
    ("net4", "ipv4_addr", "interval, timeout"),
    ("net6", "ipv6_addr", "interval, timeout"),
)


class NftablesWriter:
    """One nft file."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._made_at = heading.made_at
        self._lines: dict[str, list[str]] = {name: [] for name, _, _ in _SETS}
        self._networks: list[tuple[Span, Directive]] = []
        self._out.write(_table(heading.made_at).encode("ascii"))

    def add(self, directive: Directive) -> Objection | None:
        """A single address is written at once; networks are kept (there are few) and written last."""
        value = directive.observable.value
        try:
            if directive.observable.type is ObservableType.CIDR:
                span = network_span(value)
            else:
                span = (address_number(value),) * 2
        except (ValueError, OSError):
            return objections.MALFORMED
        if directive.action is Action.WATCH:
            until = moment_text(directive.expires_at)
            self._out.write(f"# watch {value} until {until} undo {directive.undo_id}\n".encode("ascii"))
            return None
        if directive.observable.type is ObservableType.CIDR:
            self._networks.append((span, directive))
            return None
        self._element("block6" if ":" in value else "block4", directive)
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Write the networks, the greater first: an interval set refuses one inside another."""
        inside: list[tuple[Directive, Objection]] = []
        last, cover = -1, ""
        for span, directive in sorted(self._networks, key=lambda item: (item[0][0], -item[0][1])):
            if span[0] <= last:
                inside.append((directive, objections.INSIDE.about(cover)))
                continue
            last, cover = span[1], directive.observable.value
            self._element("net6" if ":" in cover else "net4", directive)
        for name in self._lines:
            self._flush(name)
        self._out.flush()
        return inside

    def _element(self, name: str, directive: Directive) -> None:
        seconds = max(1, (directive.expires_at - self._made_at) // 1_000_000)
        lines = self._lines[name]
        lines.append(f"{directive.observable.value} timeout {seconds}s")
        if len(lines) >= MAX_LINE_ELEMENTS:
            self._flush(name)

    def _flush(self, name: str) -> None:
        if self._lines[name]:
            elements = ", ".join(self._lines[name])
            self._out.write(f"add element {TABLE} {name} {{ {elements} }}\n".encode("ascii"))
            self._lines[name].clear()


def _table(made_at: int) -> str:
    made = moment_text(made_at)
    sets = "".join(
        f"add set {TABLE} {name} {{ type {kind}; flags {flags}; }}\nflush set {TABLE} {name}\n"
        for name, kind, flags in _SETS
    )
    rules = "".join(
        f"add rule {TABLE} {chain} {family} {end} @{name} counter name dropped_{way} drop\n"
        for chain in ("incoming", "outgoing")
        for name, family in (("block4", "ip"), ("net4", "ip"), ("block6", "ip6"), ("net6", "ip6"))
        for end, way in (("saddr", "from"), ("daddr", "to"))
    )
    return (
        f"# Seawall, made {made}; load soon: each timeout counts from the moment of loading.\n"
        f"# To take everything back: nft delete table {TABLE}\n"
        f"add table {TABLE}\n"
        f"add counter {TABLE} dropped_from\n"
        f"add counter {TABLE} dropped_to\n"
        f"{sets}"
        f"add chain {TABLE} incoming {{ type filter hook prerouting priority {PRIORITY}; policy accept; }}\n"
        f"add chain {TABLE} outgoing {{ type filter hook output priority {PRIORITY}; policy accept; }}\n"
        f"flush chain {TABLE} incoming\n"
        f"flush chain {TABLE} outgoing\n"
        f"{rules}"
    )


FEED = Feed(NAME, TYPES, FILES, folder=False, open=NftablesWriter)
