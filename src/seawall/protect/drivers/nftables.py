"""nftables: addresses in plain hash sets with a timeout for each element, networks in a small interval set.

Everything stands in a table of its own, ``inet seawall``. The kernel ends each block by itself, also when this program
is dead. Measured (1.0.6): a million elements load in 5-10 s, one more in 10 ms; one more in an *interval* set of a
million takes 115 s, so networks are few; and listing a set of a million takes up to 83 s, so large sets are never
listed: what was met stands in small sets of its own, and drift in large ones is looked for in the table's shape.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from seawall.messages import mark
from seawall.model import ObservableType, Unavailable
from seawall.model.directive import Action
from seawall.model.order import Change, Order
from seawall.protect.actions import Rate, rate_of
from seawall.protect.drivers.command import Answer, run
from seawall.protect.drivers.counters import Counters, boot
from seawall.protect.drivers.held import Held, does, fits, outcomes_of
from seawall.protect.drivers.interface import Drift, Outcome, ToolHit
from seawall.protect.networks import Span, network_span

TABLE = "inet seawall"
PRIORITY = -150  # after connection tracking (-200), before every filter rule (0): linux/netfilter_ipv4.h
MAX_LINE = 1_000  # elements of one command
MAX_LISTED = 20_000  # elements up to which sets are listed and compared one by one
MOST_MET = 65_535  # values in a set of what was met
MET_FOR = "2h"  # how long a value that was met stays listed without being met again

KINDS = {Action.BLOCK: "block", Action.RATE_LIMIT: "limit", Action.ALERT: "alert", Action.WATCH: "watch"}
METERED = 65_535  # sources that are measured at once for a rate limit
LOG = 'limit rate 10/second log prefix "seawall-alert: "'  # lines of the kernel's log that alerts may fill
_FAMILIES = (("4", "ip", "ipv4_addr"), ("6", "ip6", "ipv6_addr"))
_COUNTS = re.compile(r"packets \d+ bytes \d+")
_TABLE = re.compile(rf"^table {TABLE} {{$.*?^}}$", re.MULTILINE | re.DOTALL)
REFUSED = mark("The packet filter did not take it: {detail}.")
COVERED = mark("It lies inside {detail}, which is in force already.")

Element = tuple[str, str]  # set, value


class NftablesDriver:
    """One table in the network namespace in which this process runs; it needs CAP_NET_ADMIN there."""

    name = "nftables"
    types = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR})

    def __init__(self, command: Sequence[str] = ("nft",), rate_per_second: int = 10, rate_burst: int = 20) -> None:
        """``rate_per_second``: packets of one source that a rate limit lets through. Raises ValueError beyond 1 to
        100,000."""
        self._command = tuple(command)
        self._rate = rate_of(rate_per_second, rate_burst)
        self._log = LOG
        self._shape = ""
        self._held = Held(self.types)
        self._met = Counters()

    def prepare(self) -> None:
        """Make the table, its sets and rules; sets that are there keep what they hold. A kernel that cannot log counts
        alerts only."""
        if self._log and self._run(["-f", "-"], _layout(self._rate, self._log)).status != 0:
            self._log = ""
        if not self._log:
            self._need(_layout(self._rate, ""))
        self._shape = self._shape_now()

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """One transaction; when the filter refuses it, halves are tried until the culprit is found alone."""
        shape, self._shape = self._shape, ""  # until all of it is done, what the sets hold is in doubt
        self._held.take(changes, at)
        outcomes = self._carried_out(changes, at)
        self._shape = shape
        return outcomes

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """Compare and repair. A large table is not listed: it is filled anew, in one step, when its shape is not ours
        or when this driver has not filled it itself."""
        moves = self._held.replace(orders, at)
        shaped = self._shape_now() == self._shape != ""
        count = len(self._held)
        if count > MAX_LISTED:
            missing = sum(move.after is not None for move in moves) if shaped else count
            unexpected = sum(move.after is None for move in moves) if shaped else 0
        else:
            wanted = set(self._elements())
            held = self._listed_elements() if shaped else set()
            missing, unexpected, count = len(wanted - held), len(held - wanted), len(wanted)
        if not shaped:
            self.prepare()
        if missing or unexpected:
            shape, self._shape = self._shape, ""  # likewise
            self._need(self._filled(at))
            self._shape = shape
        return Drift(missing, unexpected, count)

    def expire(self, at: int) -> int:
        """The kernel counts; what a value is still under by another order comes into force. How many ran out."""
        over = self._held.over(at)
        self.apply(over, at)
        return len(over)

    def hits(self) -> list[ToolHit]:
        """Values of the small sets whose packet counts rose. The moments are those of asking: the filter keeps none."""
        from time import time

        found, now = [], int(time() * 1_000_000)
        for value, new in self._met.new(self._packets(), self._epoch()).items():
            address = ipaddress.ip_address(value)
            kind = ObservableType.IPV6 if address.version == 6 else ObservableType.IPV4
            order = self._held.of(value)
            undo_id = order.undo_id if order is not None else self._covering(value)
            found.append(ToolHit(kind, value, undo_id, now, now, new))
        return found

    def position(self) -> str:
        """See ``Counting``: packets told of each value."""
        return self._met.position

    def resume(self, position: str) -> None:
        """See ``Counting``: the rules go on counting while no agent runs."""
        self._met.resume(position)

    def clear(self) -> None:
        """Delete the table; nothing of ours is left."""
        self._need(f"add table {TABLE}\ndelete table {TABLE}\n")
        self._shape = ""
        self._held.replace((), 0)

    def close(self) -> None:
        """Nothing is held open."""

    def _carried_out(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        script = self._script(changes, at)
        answer = self._run(["-f", "-"], script) if script else Answer(0, "", "")
        if answer.status == 0:
            return [self._outcome(change) for change in changes]
        if len(changes) == 1:
            return [Outcome(changes[0].sequence, changes[0].order.undo_id, REFUSED, answer.said)]
        half = len(changes) // 2
        return [*self._carried_out(changes[:half], at), *self._carried_out(changes[half:], at)]

    def _outcome(self, change: Change) -> Outcome:
        """What became of a change in a transaction that was taken."""
        order = change.order
        told = outcomes_of([change], {}, "")[0]
        if order.type is not ObservableType.CIDR or self._held.of(order.value) is None:
            return told
        inside = _covered(order, self._held.networks())
        return Outcome(change.sequence, order.undo_id, COVERED, inside) if inside else told

    def _script(self, changes: Sequence[Change], at: int) -> str:
        """Adding, deleting and adding again sets a new timeout in one transaction, whether or not it was there."""
        lines = []
        values = {change.order.value: change.order for change in changes if fits(change.order)}
        for value, changed in values.items():
            if changed.type not in self.types or changed.type is ObservableType.CIDR:
                continue
            for kind in KINDS.values():  # it may have been watched before it is blocked
                name = _set_of(kind, value)
                lines.append(f"add element {TABLE} {name} {{ {value} }}")
                lines.append(f"delete element {TABLE} {name} {{ {value} }}")
            if (order := self._held.of(value)) is not None:
                name = _set_of(_kind(order), value)
                lines.append(f"add element {TABLE} {name} {{ {value} timeout {_seconds(order, at)}s }}")
        if any(order.type is ObservableType.CIDR for order in values.values()):
            lines += self._network_lines(at)
        return "".join(f"{line}\n" for line in lines)

    def _network_lines(self, at: int) -> list[str]:
        """The interval sets anew: they are small, and an interval set refuses one network inside another."""
        lines = [f"flush set {TABLE} net{kind}{family}" for kind in KINDS.values() for family, _, _ in _FAMILIES]
        lines += [f"add element {TABLE} {name} {{ {value} timeout {left}s }}" for name, value, left in self._spans(at)]
        return lines

    def _spans(self, at: int) -> Iterator[tuple[str, str, int]]:
        """Set, network and seconds left of every network that lies in no other of its set."""
        last: dict[str, int] = {}
        rows: list[tuple[Span, Order]] = [
            (network_span(order.value), order) for order in self._held.networks() if order.expires_at > at
        ]
        for span, order in sorted(rows, key=lambda item: (item[0][0], -item[0][1])):
            name = f"net{_kind(order)}{'6' if ':' in order.value else '4'}"
            if span[0] > last.get(name, -1):
                last[name] = span[1]
                yield name, order.value, _seconds(order, at)

    def _filled(self, at: int) -> str:
        """Flush and fill in one transaction: nobody sees an empty set."""
        parts = [f"flush set {TABLE} {kind}{family}\n" for kind in KINDS.values() for family, _, _ in _FAMILIES]
        by_set: dict[str, list[str]] = {}
        for order in self._held:
            if order.type is not ObservableType.CIDR:
                text = f"{order.value} timeout {_seconds(order, at)}s"
                by_set.setdefault(_set_of(_kind(order), order.value), []).append(text)
        for name, texts in sorted(by_set.items()):
            for start in range(0, len(texts), MAX_LINE):
                parts.append(f"add element {TABLE} {name} {{ {', '.join(texts[start : start + MAX_LINE])} }}\n")
        parts += [f"{line}\n" for line in self._network_lines(at)]
        return "".join(parts)

    def _elements(self) -> Iterator[Element]:
        """Everything that shall stand in our sets."""
        for order in self._held:
            if order.type is not ObservableType.CIDR:
                yield _set_of(_kind(order), order.value), order.value
        for name, value, _ in self._spans(0):
            yield name, value

    def _listed_elements(self) -> set[Element]:
        """Everything in our sets; only for small ones."""
        held = set()
        for kind in KINDS.values():
            for family, _, _ in _FAMILIES:
                for name in (f"{kind}{family}", f"net{kind}{family}"):
                    held |= {(name, value) for value, _ in self._listed(name)}
        return held

    def _epoch(self) -> str:
        """Which table counts: its handle, which a table made anew has not, and this boot of the machine."""
        answer = self._run(["-j", "list", "tables"])
        family, name = TABLE.split()
        tables = (item.get("table", {}) for item in json.loads(answer.out)["nftables"]) if answer.status == 0 else ()
        handle = next((one["handle"] for one in tables if (one.get("family"), one.get("name")) == (family, name)), "")
        return f"{boot()}:{handle}"

    def _packets(self) -> dict[str, int]:
        return {value: packets for family, _, _ in _FAMILIES for value, packets in self._listed(f"met{family}")}

    def _listed(self, name: str) -> Iterator[tuple[str, int]]:
        answer = self._run(["-j", "list", "set", *TABLE.split(), name])
        if answer.status != 0:
            return
        for item in json.loads(answer.out)["nftables"]:
            for element in item.get("set", {}).get("elem", ()):
                inner = element.get("elem", {}) if isinstance(element, dict) and "elem" in element else {"val": element}
                value = inner["val"]
                if isinstance(value, dict):
                    value = f"{value['prefix']['addr']}/{value['prefix']['len']}" if "prefix" in value else ""
                yield str(value), int(inner.get("counter", {}).get("packets", 0))

    def _covering(self, value: str) -> str:
        number = network_span(f"{value}/{128 if ':' in value else 32}")
        for order in self._held.networks():
            span = network_span(order.value)
            if span[0] <= number[0] <= span[1]:
                return order.undo_id
        return ""

    def _shape_now(self) -> str:
        """Our table without its elements. The whole ruleset is asked: a single table's elements would be read too."""
        answer = self._run(["-t", "list", "ruleset"])
        found = _TABLE.search(answer.out) if answer.status == 0 else None
        return _COUNTS.sub("", found[0]) if found is not None else ""

    def _need(self, script: str) -> None:
        answer = self._run(["-f", "-"], script)
        if answer.status != 0:
            raise Unavailable("E-PROTECT-072", "The packet filter refused our table: {reason}.", reason=answer.said)

    def _run(self, arguments: Sequence[str], stdin: str | None = None) -> Answer:
        return run([*self._command, *arguments], stdin)


def _endings(rate: Rate, log: str) -> dict[str, tuple[str, ...]]:
    """What follows the match of each kind of set. The log is a rule of its own: its limit must not limit the count."""
    over = f"limit rate over {rate.per_second}/second burst {rate.burst} packets"
    return {
        "block": ("counter name dropped drop",),
        "limit": (f"update @paced{{end}}{{family}} {{{{ {{word}} {{end}} {over} }}}} counter name slowed drop",),
        "alert": ("counter name alerted", *([log] if log else ())),
        "watch": ("counter name watched",),
    }


def _layout(rate: Rate, log: str) -> str:
    """Table, counters, sets, chains and rules; repeating it changes nothing but the rules' own counters."""
    lines = [f"add table {TABLE}"]
    lines += [f"add counter {TABLE} {name}" for name in ("dropped", "slowed", "alerted", "watched")]
    endings = _endings(rate, log)
    for family, _, type in _FAMILIES:
        for kind in KINDS.values():
            lines.append(f"add set {TABLE} {kind}{family} {{ type {type}; flags timeout; }}")
            lines.append(f"add set {TABLE} net{kind}{family} {{ type {type}; flags interval, timeout; }}")
        met = f"type {type}; size {MOST_MET}; flags dynamic, timeout; timeout {MET_FOR}; counter;"
        lines.append(f"add set {TABLE} met{family} {{ {met} }}")
        for end in ("saddr", "daddr"):
            paced = f"type {type}; size {METERED}; flags dynamic, timeout; timeout 1m;"
            lines.append(f"add set {TABLE} paced{end}{family} {{ {paced} }}")
    for chain, hook in (("incoming", "prerouting"), ("outgoing", "output")):
        lines.append(f"add chain {TABLE} {chain} {{ type filter hook {hook} priority {PRIORITY}; policy accept; }}")
        lines.append(f"flush chain {TABLE} {chain}")
        for kind in KINDS.values():
            for family, word, _ in _FAMILIES:
                for name in (f"{kind}{family}", f"net{kind}{family}"):
                    for end in ("saddr", "daddr"):
                        update = f"update @met{family} {{ {word} {end} counter }}"
                        for number, ending in enumerate(endings[kind]):
                            said = ending.format(end=end, family=family, word=word) if "@" in ending else ending
                            met = f"{update} " if number == 0 else ""
                            lines.append(f"add rule {TABLE} {chain} {word} {end} @{name} {met}{said}")
    return "".join(f"{line}\n" for line in lines)


def _kind(order: Order) -> str:
    """The kind of set."""
    return KINDS[does(NftablesDriver.name, order) or Action.WATCH]


def _set_of(kind: str, value: str) -> str:
    return f"{kind}{'6' if ':' in value else '4'}"


def _seconds(order: Order, at: int) -> int:
    return max(1, (order.expires_at - at) // 1_000_000)


def _covered(order: Order, others: Iterable[Order]) -> str:
    first, last = network_span(order.value)
    for other in others:
        span = network_span(other.value)
        if other.undo_id != order.undo_id and span[0] <= first and last <= span[1] and _kind(other) == _kind(order):
            return other.value
    return ""
