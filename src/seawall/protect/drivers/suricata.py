"""Suricata: names, hashes and addresses in datasets over its command socket, networks as rules; lists on disk besides.

What the socket adds lives in memory only, so the list files follow at once and a restart finds them. The folder is
the one that the feed of the same name writes; Suricata is started with its rules and ``unix-command.enabled``.
Datasets have no clock: ``expire`` takes out what has run out. Hits are our rules' alerts in ``eve.json``.
"""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from seawall.messages import mark
from seawall.model import Observable, ObservableType, to_microseconds
from seawall.model.directive import Action, Directive
from seawall.model.moments import parse_moment
from seawall.model.order import Change, Order
from seawall.protect.actions import rate_of
from seawall.protect.drivers.follow import Followed
from seawall.protect.drivers.held import Held, Move, does, outcomes_of
from seawall.protect.drivers.interface import Drift, Outcome, ToolHit
from seawall.protect.drivers.suricata_socket import SuricataSocket
from seawall.protect.feeds import suricata as feed
from seawall.protect.interface import Heading

_SETS = {
    ObservableType.DOMAIN: ("domain", "string"),
    ObservableType.MD5: ("md5", "md5"),
    ObservableType.SHA256: ("sha256", "sha256"),
    ObservableType.IPV4: ("ip", "ip"),
    ObservableType.IPV6: ("ip", "ip"),
}
MAX_TOLD_AGAIN = 20_000  # values up to which everything is told again; half a second
LOOKED_UP = 64  # values of a larger set that are looked up in the engine
REFUSED = mark("Suricata did not take it: {detail}.")
SIDS = feed.SIDS

Place = tuple[str, str]  # dataset, line of its list


class SuricataDriver:
    """One Suricata beside this process. ``folder``: rules and lists; ``eve``: where it writes its alerts."""

    name = "suricata"
    types = feed.TYPES

    def __init__(
        self, folder: Path, socket: Path, eve: Path | None = None, rate_per_second: int = 10, rate_burst: int = 20
    ) -> None:
        """``rate_per_second``: packets of one source that a rate limit lets through. Raises ValueError beyond 1 to
        100,000."""
        self._rate = rate_of(rate_per_second, rate_burst)
        self._folder = folder
        self._socket = SuricataSocket(socket)
        self._alerts = Followed(eve) if eve is not None else None
        self._held = Held(self.types)
        self._stamp: dict[str, tuple[int, int]] = {}  # the files as we left them
        self._engine = 0  # the connection over which the engine was last brought in step

    def prepare(self) -> None:
        """Write rules and empty lists where there are none; Suricata is started after the first time."""
        if not (self._folder / feed.RULES).exists():
            self._write(())

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """First the running engine, then its files: they follow also when the engine does not answer."""
        moves = self._held.take(changes, at)
        refused: dict[str, str] = {}
        engine, self._engine = self._engine, 0
        try:
            for move in moves:
                if said := self._moved(move):
                    refused[move.value] = said
        finally:
            networks = any(ObservableType.CIDR in _types(move) for move in moves)
            self._follow(moves, networks)
        if networks:
            self._socket.ask("reload-rules")
        self._engine, self._stamp = engine, self._stamps()
        return outcomes_of(changes, refused, REFUSED)

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """The files are compared and what differs is told to the engine, which reads them when it starts.

        Datasets cannot be listed: what somebody else added to the engine is not found. What it lacks is told again when
        the connection was another, or when one of a few values looked up is not there.
        """
        moves = self._held.replace(orders, at)
        if not moves and len(self._held) > MAX_TOLD_AGAIN and self._stamp == self._stamps() and self._answers():
            return Drift(0, 0, len(self._held))
        known = self._listed()
        places = {place for order in self._held for place in _places(order)}
        missing, unexpected = places - known, known - places
        if (
            missing
            or unexpected
            or any(True for _ in self._held.networks())
            or not (self._folder / feed.RULES).exists()
        ):
            self._write(self._held)
        for name, line in sorted(unexpected):
            self._tell("remove", name, line)
        lacking = set() if self._in_step(places - missing) else places - missing
        for name, line in sorted(missing | lacking):
            self._tell("add", name, line)
        self._socket.ask("reload-rules")
        self._engine, self._stamp = self._socket.connections, self._stamps()
        return Drift(len(missing), len(unexpected), len(self._held))

    def expire(self, at: int) -> int:
        """Take out what has run out; how many."""
        over = self._held.over(at)
        self.apply(over, at)
        return len(over)

    def hits(self) -> list[ToolHit]:
        """Our alerts since the last call, one a value."""
        found: dict[str, ToolHit] = {}
        for event in _ours(self._alerts.lines() if self._alerts is not None else ()):
            at = to_microseconds(parse_moment(str(event["timestamp"])))
            for value in _values_of(event):
                if (order := self._held.of(value)) is not None:
                    held = found.get(value) or ToolHit(order.type, value, order.undo_id, at, at, 0)
                    first, last = min(held.first_seen, at), max(held.last_seen, at)
                    found[value] = ToolHit(order.type, value, order.undo_id, first, last, held.count + 1)
        return list(found.values())

    def position(self) -> str:
        """See ``Counting``: how far ``eve.json`` was read."""
        return "" if self._alerts is None else self._alerts.position

    def resume(self, position: str) -> None:
        """See ``Counting``: Suricata goes on writing while no agent runs."""
        if self._alerts is not None:
            self._alerts.resume(position)

    def clear(self) -> None:
        """Take everything out of the engine and of the files."""
        self.reconcile((), 0)

    def close(self) -> None:
        """End the connection; Suricata keeps its datasets."""
        self._socket.close()

    def _moved(self, move: Move) -> str:
        """Bring the running engine from one order to another; what it said when it refused, else empty."""
        before, after = set(_places(move.before)), set(_places(move.after))
        said = ""
        for name, line in after - before:
            done, answer = self._tell("add", name, line)
            said = said or ("" if done or "already" in answer else answer)
        for name, line in before - after:
            self._tell("remove", name, line)
        return said

    def _in_step(self, places: set[Place]) -> bool:
        """Whether the engine is the one that was told everything, and holds what it is asked for."""
        self._socket.ask("uptime")
        if len(places) <= MAX_TOLD_AGAIN or self._engine != self._socket.connections:
            return False
        asked = islice(places, 0, None, len(places) // LOOKED_UP)
        return all(self._tell("lookup", name, line)[0] for name, line in asked)

    def _answers(self) -> bool:
        """Whether the engine that was told everything holds some values that it is asked for."""
        some = islice((place for order in self._held for place in _places(order)), LOOKED_UP)
        self._socket.ask("uptime")
        return self._engine == self._socket.connections and all(self._tell("lookup", *place)[0] for place in some)

    def _stamps(self) -> dict[str, tuple[int, int]]:
        found = {path.name: path.stat() for path in self._folder.glob("*.lst")}
        return {name: (held.st_mtime_ns, held.st_size) for name, held in found.items()}

    def _tell(self, what: str, name: str, line: str) -> tuple[bool, str]:
        kind = next(kind for short, kind in _SETS.values() if name.endswith(f"-{short}"))
        return self._socket.ask(f"dataset-{what}", setname=f"seawall-{name}", settype=kind, datavalue=line)

    def _listed(self) -> set[Place]:
        held = set()
        for path in self._folder.glob("*.lst"):
            held |= {(path.stem, line) for line in path.read_text("ascii").split()}
        return held

    def _follow(self, moves: Sequence[Move], networks: bool) -> None:
        """The files of what moved: a copy of each list is changed, fsynced and renamed over it."""
        added: dict[str, list[str]] = {}
        gone: dict[str, set[str]] = {}
        for move in moves:
            before, after = set(_places(move.before)), set(_places(move.after))
            for name, line in after - before:
                added.setdefault(name, []).append(line)
            for name, line in before - after:
                gone.setdefault(name, set()).add(line)
        for name in added.keys() | gone.keys():
            _changed(self._folder / f"{name}.lst", added.get(name, []), gone.get(name, set()))
        if networks:
            self._write(self._held.networks(), only=feed.RULES)

    def _write(self, orders: Iterable[Order], only: str = "") -> None:
        """The folder anew, or one file of it: each beside the old one, fsynced, renamed over it; the rules last."""
        parts: dict[str, tuple[Path, BinaryIO]] = {}
        self._folder.mkdir(parents=True, exist_ok=True)

        def sink(name: str) -> BinaryIO:
            if only and name != only:
                return io.BytesIO()
            part = self._folder / f".{name}.part"
            parts[name] = part, part.open("wb", buffering=1 << 20)
            return parts[name][1]

        writer = feed.FEED.open(sink, Heading(made_at=0, rate=self._rate))
        for order in orders:
            writer.add(_directive(order))
        writer.finish()
        for name in sorted(parts, key=lambda name: name == feed.RULES):
            part, file = parts[name]
            file.flush()
            os.fsync(file.fileno())
            file.close()
            part.replace(self._folder / name)


def _ours(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Alerts of our rules."""
    for line in lines:
        if b'"event_type":"alert"' not in line:
            continue
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if event.get("alert", {}).get("signature_id") in SIDS:
            yield event


def _changed(path: Path, added: Sequence[str], gone: set[str]) -> None:
    """A list with lines added and taken out; the old one stays whole until the new one is."""
    part = path.with_name(f".{path.name}.part")
    held = path.read_bytes() if path.exists() else b""
    if gone:
        held = b"".join(line + b"\n" for line in held.split() if line.decode("ascii") not in gone)
    with part.open("wb") as file:
        file.write(held)
        file.write("".join(f"{line}\n" for line in added).encode("ascii"))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _types(move: Move) -> set[ObservableType]:
    return {order.type for order in (move.before, move.after) if order is not None}


def _action(order: Order) -> Action:
    return does(SuricataDriver.name, order) or Action.WATCH


def _places(order: Order | None) -> list[Place]:
    """The dataset of an order and the line that stands for it there; none for a network."""
    if order is None or order.type not in _SETS:
        return []
    name, _ = _SETS[order.type]
    line = base64.b64encode(order.value.encode()).decode() if order.type is ObservableType.DOMAIN else order.value
    return [(f"{_action(order)}-{name}", line)]


def _directive(order: Order) -> Directive:
    observable = Observable(order.type, order.value)
    return Directive(
        _action(order), observable, order.expires_at, order.reason, order.release, order.undo_id, order.source, ""
    )


def _values_of(event: dict[str, object]) -> Iterator[str]:
    """The values that an alert of ours may be about."""
    paths: tuple[tuple[str, Callable[[object], object]], ...] = (
        ("dns", _query_name),
        ("tls", lambda tls: _of(tls, "sni")),
        ("http", lambda http: _of(http, "hostname")),
    )
    for key, reader in paths:
        if isinstance(value := reader(event.get(key)), str):
            yield value.lower().rstrip(".")
    files = event.get("files")
    for file in files if isinstance(files, list) else ():
        for key in ("sha256", "md5"):
            if isinstance(value := _of(file, key), str):
                yield value.lower()
    for key in ("src_ip", "dest_ip"):
        if isinstance(value := event.get(key), str):
            yield value


def _of(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None


def _query_name(dns: object) -> object:
    queries = _of(dns, "query") or _of(dns, "queries")
    if isinstance(queries, list) and queries:
        return _of(queries[0], "rrname")
    return _of(dns, "rrname")
