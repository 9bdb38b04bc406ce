"""A file for ``nft -f``: one transaction that fills our own table and touches no other.

Single addresses go into plain hash sets with a ``timeout`` for each element, so that the kernel lifts each block
even when this program is gone; networks go into a small interval set. Loading a file twice gives the same sets:
the sets are flushed and filled within the transaction, and the named counters keep their counts. A rate limit measures
each source by itself; an alert is counted, and logged by the kernel.
"""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.model.directive import Action, Directive
from seawall.protect import objections
from seawall.protect.actions import Rate, done_by
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

KINDS = {Action.BLOCK: ("block", "net"), Action.RATE_LIMIT: ("limit", "netlimit"), Action.ALERT: ("alert", "netalert")}
"""The sets of single addresses and of networks, without the digit of the family; what is watched is a comment."""

_SETS = tuple(
    (f"{name}{family}", type, flags)
    for pair in KINDS.values()
    for name, flags in zip(pair, ("timeout", "interval, timeout"), strict=True)
    for family, type in (("4", "ipv4_addr"), ("6", "ipv6_addr"))
)
METERED = 65_535  # sources that are measured at once: those measured longest ago are forgotten
LOGGED = "limit rate 10/second"  # lines of a log that an alert may fill


class NftablesWriter:
    """One nft file."""

    def __init__(self, sink: Sink, heading: Heading) -> None:
        self._out = sink(FILES[0])
        self._made_at = heading.made_at
        self._lines: dict[str, list[str]] = {name: [] for name, _, _ in _SETS}
        self._networks: list[tuple[str, Span, Directive]] = []
        self._out.write(_table(heading).encode("ascii"))

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
        names = KINDS.get(done_by(NAME, directive.action) or Action.WATCH)
        if names is None:
            until = moment_text(directive.expires_at)
            self._out.write(f"# watch {value} until {until} undo {directive.undo_id}\n".encode("ascii"))
            return None
        if directive.observable.type is ObservableType.CIDR:
            self._networks.append((_of_family(names[1], value), span, directive))
            return None
        self._element(_of_family(names[0], value), directive)
        return None

    def finish(self) -> list[tuple[Directive, Objection]]:
        """Write the networks, the greater first: an interval set refuses one inside another."""
        inside: list[tuple[Directive, Objection]] = []
        covers: dict[str, tuple[int, str]] = {}  # set -> last address covered, by which network
        for name, span, directive in sorted(self._networks, key=lambda item: (item[1][0], -item[1][1])):
            last, cover = covers.get(name, (-1, ""))
            if span[0] <= last:
                inside.append((directive, objections.INSIDE.about(cover)))
                continue
            covers[name] = span[1], directive.observable.value
            self._element(name, directive)
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


def _of_family(name: str, value: str) -> str:
    return f"{name}{'6' if ':' in value else '4'}"


def _endings(rate: Rate) -> dict[Action, tuple[str, ...]]:
    """What follows the match of each kind of set; a rule of its own for the log, whose limit must not limit more."""
    over = f"limit rate over {rate.per_second}/second burst {rate.burst} packets"
    return {
        Action.BLOCK: ("counter name dropped_{way} drop",),
        Action.RATE_LIMIT: (
            f"update @paced_{{way}}{{digit}} {{{{ {{family}} {{end}} {over} }}}} counter name slowed drop",
        ),
        Action.ALERT: ("counter name alerted", f'{LOGGED} log prefix "seawall-alert: "'),
    }


def _table(heading: Heading) -> str:
    made = moment_text(heading.made_at)
    meters = "".join(
        f"add set {TABLE} paced_{way}{digit} {{ type {kind}; size {METERED}; flags dynamic, timeout; timeout 1m; }}\n"
        for way in ("from", "to")
        for digit, kind in (("4", "ipv4_addr"), ("6", "ipv6_addr"))
    )
    sets = "".join(
        f"add set {TABLE} {name} {{ type {kind}; flags {flags}; }}\nflush set {TABLE} {name}\n"
        for name, kind, flags in _SETS
    )
    rules = "".join(
        f"add rule {TABLE} {chain} {family} {end} @{name}{digit} "
        f"{ending.format(way=way, digit=digit, family=family, end=end)}\n"
        for chain in ("incoming", "outgoing")
        for action, names in KINDS.items()
        for digit, family in (("4", "ip"), ("6", "ip6"))
        for name in names
        for end, way in (("saddr", "from"), ("daddr", "to"))
        for ending in _endings(heading.rate)[action]
    )
    return (
        f"# Seawall, made {made}; load soon: each timeout counts from the moment of loading.\n"
        f"# To take everything back: nft delete table {TABLE}\n"
        f"add table {TABLE}\n"
        f"add counter {TABLE} dropped_from\n"
        f"add counter {TABLE} dropped_to\n"
        f"add counter {TABLE} slowed\n"
        f"add counter {TABLE} alerted\n"
        f"{sets}{meters}"
        f"add chain {TABLE} incoming {{ type filter hook prerouting priority {PRIORITY}; policy accept; }}\n"
        f"add chain {TABLE} outgoing {{ type filter hook output priority {PRIORITY}; policy accept; }}\n"
        f"flush chain {TABLE} incoming\n"
        f"flush chain {TABLE} outgoing\n"
        f"{rules}"
    )


FEED = Feed(NAME, TYPES, FILES, folder=False, open=NftablesWriter)
