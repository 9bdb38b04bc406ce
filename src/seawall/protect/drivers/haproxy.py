"""HAProxy 2.6 and later: addresses, networks and names in maps that are changed over its stats socket, never reloaded.

A map gives each value the moment of its end in Unix seconds, and the lines of ours in the configuration compare that
moment with HAProxy's own clock: a block ends by itself also when this program is dead. A whole list is filled in a new
version of its map and put in force at once (``prepare map``, ``commit map``; Management Guide 2.6, section 9.3).
Measured: a million addresses load in a second; adding is immediate; taking one out of a million looks through all of
them (22 ms), so many at once are done by filling anew. What is met is counted in a stick table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from seawall.messages import mark
from seawall.model import ObservableType, Unavailable
from seawall.model.directive import Action
from seawall.model.order import Change, Order
from seawall.protect.actions import rate_of
from seawall.protect.drivers.counters import Counters, boot
from seawall.protect.drivers.haproxy_lines import KINDS, MAPS, MET, frontend_lines, map_name, table_lines
from seawall.protect.drivers.haproxy_socket import HaproxySocket
from seawall.protect.drivers.held import Held, Move, does, outcomes_of
from seawall.protect.drivers.interface import Drift, Outcome, ToolHit
from seawall.protect.networks import network_span

FRONTEND, TABLES = "seawall-frontend.cfg", "seawall-tables.cfg"
MAX_LISTED = 20_000  # entries up to which maps are listed and compared one by one
MOST_TAKEN_OUT = 64  # removals and new ends at once; above this the map is filled anew, which is quicker
REFUSED = mark("HAProxy did not take it: {detail}.")
_SHOWN = re.compile(r"^\S+ \((?P<path>[^)]+)\) .* entry_cnt=(?P<count>\d+)$", re.MULTILINE)
_MET = re.compile(r"^0x\w+: key=(?P<key>\S+) .*http_req_cnt=(?P<count>\d+)", re.MULTILINE)

Ends = dict[str, int]  # value -> its end in Unix seconds


class HaproxyDriver:
    """One HAProxy beside this process. ``folder``: maps and lines of configuration; ``socket``: its stats socket.

    HAProxy is started with ``-f`` for the tables file and with the frontend lines in each frontend that shall obey;
    it opens the (empty) maps when it starts, so ``prepare`` runs once before that.
    """

    name = "haproxy"
    types = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.CIDR, ObservableType.DOMAIN})

    def __init__(self, folder: Path, socket: Path, rate_per_second: int = 10, rate_burst: int = 20) -> None:
        """``rate_per_second``: requests that a rate limit lets through, over ten seconds. Raises ValueError beyond 1 to
        100,000."""
        self._folder = folder
        self._rate = rate_of(rate_per_second, rate_burst)
        self._socket = HaproxySocket(socket)
        self._held = Held(self.types)
        self._filled_in = ""  # the process that holds what we filled; empty: unknown
        self._met = Counters()

    def prepare(self) -> None:
        """Write empty maps and the lines of configuration where they are missing; what is there stays."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for name in MAPS:
            (self._folder / name).touch()
        for name, text in ((FRONTEND, frontend_lines(self._folder, self._rate)), (TABLES, table_lines())):
            path = self._folder / name
            if not path.exists() or path.read_text("ascii") != text:
                path.write_text(text, "ascii")

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """New values first, then new ends, then what goes: nothing stops being blocked for a moment on its way."""
        filled_in, self._filled_in = self._filled_in, ""  # until all of it is done, the maps are in doubt
        moves = self._held.take(changes, at)
        single = [move for move in moves if "/" not in move.value]
        networks = len(moves) > len(single)
        refused: dict[str, str] = {}
        for name in reversed(MAPS):  # what is blocked from now on is blocked before it is no more watched
            if "networks" not in name:
                refused |= self._moved(name, single)
            elif networks:
                refused |= self._fill(name, self._wanted(name))
        self._filled_in = filled_in
        return outcomes_of(changes, refused, REFUSED)

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """Small maps are compared entry by entry, large ones by their number and by the process that holds them."""
        process = self._process()
        counts, sure = self._counts(), process == self._filled_in != ""
        moves = self._held.replace(orders, at)
        changed = {_map_of(order) for _, *pair in moves for order in pair if order is not None}
        sizes = Counter(map(_map_of, self._held))
        missing = unexpected = 0
        for name in MAPS:
            count, large = counts[name], counts[name] > MAX_LISTED
            if large and sure and name not in changed and count == sizes[name]:
                continue
            wanted = self._wanted(name)
            there = self._listed(name) if not large else _before(name, wanted, moves) if sure else {}
            if there == wanted and count == len(there):
                continue
            lacking = sum(there.get(value) != end for value, end in wanted.items())
            missing += lacking
            unexpected += max(count - (len(wanted) - lacking), 0)
            self._fill(name, wanted)
        self._filled_in = process
        return Drift(missing, unexpected, len(self._held))

    def expire(self, at: int) -> int:
        """HAProxy passes over what has run out; this gives its memory back. How many."""
        over = self._held.over(at)
        self.apply(over, at)
        return len(over)

    def hits(self) -> list[ToolHit]:
        """Requests counted since the last call. The moments are those of asking: the table keeps none."""
        from time import time

        found, now = [], int(time() * 1_000_000)
        listed = _MET.finditer(self._socket.ask(f"show table {MET}"))
        counts = {match["key"]: int(match["count"]) for match in listed}
        for key, new in self._met.new(counts, f"{boot()}:{self._process()}").items():
            if (order := self._about(key)) is not None:
                found.append(ToolHit(order.type, order.value, order.undo_id, now, now, new))
        return found

    def position(self) -> str:
        """See ``Counting``: requests told of each key."""
        return self._met.position

    def resume(self, position: str) -> None:
        """See ``Counting``: HAProxy goes on counting while no agent runs."""
        self._met.resume(position)

    def clear(self) -> None:
        """Empty every map."""
        for name in MAPS:
            self._need(f"clear map {self._folder / name}")
        self._held.replace((), 0)

    def close(self) -> None:
        """Nothing is held open."""

    def _moved(self, name: str, moves: Iterable[Move]) -> dict[str, str]:
        """Bring one map from before to after; what was refused, by value."""
        new: Ends = {}
        later: Ends = {}
        going: list[str] = []
        path = str(self._folder / name)
        for move in moves:
            before, after = _end_in(name, move.before), _end_in(name, move.after)
            if after is not None and after != before:
                (new if before is None else later)[move.value] = after
            elif before is not None and after is None:
                going.append(move.value)
        if len(later) + len(going) > MOST_TAKEN_OUT:
            return self._fill(name, self._wanted(name))
        new |= {value: end for value, end in later.items() if self._socket.ask(f"set map {path} {value} {end}")}
        refused = self._socket.add(path, new)  # a new end of what HAProxy lost stands among them
        for value in going:
            self._socket.ask(f"del map {path} {value}")
        return refused

    def _fill(self, name: str, wanted: Mapping[str, int]) -> dict[str, str]:
        """Everything anew, in force at one moment."""
        path = str(self._folder / name)
        version = self._socket.ask(f"prepare map {path}").rpartition(" ")[2]
        if not version.isdigit():
            raise self._unused(path)
        refused = self._socket.add(f"@{version} {path}", wanted)
        self._need(f"commit map @{version} {path}")
        return refused

    def _wanted(self, name: str) -> Ends:
        """What a map shall hold."""
        if "networks" in name:
            return dict(
                _outliving({order.value: _end(order) for order in self._held.networks() if _map_of(order) == name})
            )
        return {order.value: _end(order) for order in self._held if _map_of(order) == name}

    def _counts(self) -> dict[str, int]:
        """Entries of each map. Raises Unavailable E-PROTECT-075 when HAProxy does not use one of them."""
        shown = {match["path"]: int(match["count"]) for match in _SHOWN.finditer(self._socket.ask("show map"))}
        for name in MAPS:
            if str(self._folder / name) not in shown:
                raise self._unused(str(self._folder / name))
        return {name: shown[str(self._folder / name)] for name in MAPS}

    def _listed(self, name: str) -> Ends:
        lines = (line.split() for line in self._socket.ask(f"show map {self._folder / name}").splitlines())
        return {parts[1]: int(parts[2]) for parts in lines if len(parts) == 3 and parts[2].isdigit()}

    def _process(self) -> str:
        """The process and its start, so that a restart is seen."""
        said = self._socket.ask("show info")
        return " ".join(re.findall(r"^(?:Pid|Start_time_sec): \d+", said, re.MULTILINE))

    def _about(self, key: str) -> Order | None:
        """The order by which a key of the table was met: its own, that of a parent name, or that of a network."""
        labels = key.split(".")
        for start in range(len(labels)):
            if (order := self._held.of(".".join(labels[start:]))) is not None:
                return order
        try:
            first, _ = network_span(f"{key}/{128 if ':' in key else 32}")
        except (ValueError, OSError):
            return None
        return next((order for order in self._held.networks() if _within(first, order.value)), None)

    def _need(self, command: str) -> None:
        if said := self._socket.ask(command):
            raise Unavailable("E-PROTECT-076", "HAProxy refused {command}: {reason}.", command=command, reason=said)

    def _unused(self, path: str) -> Unavailable:
        return Unavailable(
            "E-PROTECT-075", "HAProxy does not use {path}: its configuration lacks the lines in {lines}.",
            path=path, lines=self._folder / FRONTEND,
        )  # fmt: skip


def _map_of(order: Order) -> str:
    return map_name(KINDS[does(HaproxyDriver.name, order) or Action.WATCH], order.type)


def _end(order: Order) -> int:
    return order.expires_at // 1_000_000


def _before(name: str, wanted: Ends, moves: Iterable[Move]) -> Ends:
    """What a map held before these moves."""
    there = dict(wanted)
    for move in moves:
        if (end := _end_in(name, move.before)) is None:
            there.pop(move.value, None)
        else:
            there[move.value] = end
    return there


def _end_in(name: str, order: Order | None) -> int | None:
    """The end that ``order`` has in a map; None: it does not stand there."""
    return _end(order) if order is not None and _map_of(order) == name else None


def _outliving(networks: Ends) -> Iterator[tuple[str, int]]:
    """A network inside another gets the later end of both: HAProxy looks only at the longest prefix."""
    around: list[tuple[int, int]] = []  # last address, end
    spans = sorted((network_span(text), text) for text in networks)
    for (first, last), text in sorted(spans, key=lambda item: (item[0][0], -item[0][1])):
        around = [pair for pair in around if pair[0] >= last and pair[0] >= first]
        end = max([networks[text], *(end for _, end in around)])
        around.append((last, end))
        yield text, end


def _within(number: int, network: str) -> bool:
    first, last = network_span(network)
    return first <= number <= last
