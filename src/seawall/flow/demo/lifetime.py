"""Two nodes live through a day: every step is the product's own function, on real files and a real TLS connection.

(1) Found two nodes, introduce them, agree on a circle; (2) slice by slice: ingest, match, lay out findings, sync,
export block lists; (3) draw the warnings. The truth is not within reach of anything here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

from seawall.exchange import Crossing
from seawall.flow.demo.crossing import Crossed
from seawall.flow.demo.measure import listed_values
from seawall.flow.demo.sides import CODE_NAMES, SimulatedClock, agree, found_node, introduce
from seawall.flow.doors import PeerDoor
from seawall.flow.exchange import sync_peer
from seawall.flow.node import Node
from seawall.flow.pipeline import ingest_paths, run_match
from seawall.flow.protect import export
from seawall.flow.simulator import Slice
from seawall.flow.tables import import_assets, import_sensors
from seawall.flow.warning import refresh_warnings
from seawall.ingest import IngestReport
from seawall.model import Unavailable

OTHER = {"TW": "KR", "KR": "TW"}
AFTER_SLICE = 30_000_000  # microseconds from the end of a slice to the sync: reading and matching take time too
TRUST_SECONDS = 10.0  # a door lets a newly verified peer in within about a second
Say = Callable[[str, int, int], None]
"""Hears (step, done, of)."""


class Logs(Protocol):
    """What was written for both sides: a day, or a season."""

    @property
    def folder(self) -> Path:
        """Holds a folder for each side, with its sensors, assets and logs."""

    @property
    def slices(self) -> tuple[Slice, ...]:
        """All log files."""

    def of(self, side: str) -> tuple[Slice, ...]:
        """The side's log files in order of time."""


class Demonstration:
    """Two nodes in ``folder`` and what was measured on the way. Use as a context manager."""

    def __init__(self, folder: Path, day: Logs, lang: str, say: Say) -> None:
        self.folder, self.day, self.lang, self.say = folder, day, lang, say
        self.clock = SimulatedClock(min(part.begins for part in day.slices))
        self.crossed = Crossed(folder / "crossed")
        self.nodes: dict[str, Node] = {}
        self.doors: dict[str, PeerDoor] = {}
        self.figures = {side: {"events": 0, "rejected": 0, "sent": 0, "received": 0, "withheld": 0} for side in OTHER}
        self.blocked_at: dict[str, dict[str, int]] = {side: {} for side in OTHER}
        self._stack = ExitStack()

    def __enter__(self) -> Demonstration:
        """Found, introduce, open the doors."""
        for side in OTHER:
            node = found_node(self.folder / side.lower(), side, self.lang, self.clock)
            self.nodes[side] = self._stack.enter_context(node)
        self._connect()
        for side, node in self.nodes.items():
            tables = self.day.folder / side.lower()
            import_sensors(node, tables / "sensors.csv")
            import_assets(node, tables / "assets.csv")
        self._first_contact()
        return self

    def __exit__(self, *_: object) -> None:
        """Close doors, then nodes."""
        self._stack.close()

    def _connect(self) -> None:
        """Introduce them over a line that stands."""
        for side, node in self.nodes.items():
            self.doors[side] = PeerDoor(node, host="127.0.0.1", port=0)
        for side, other in OTHER.items():
            url = f"https://127.0.0.1:{self.doors[other].listener.port}"
            introduce(self.nodes[side], self.nodes[other], other, url)
            agree(self.nodes[side], other)
            self.doors[side].start()
            self._stack.callback(self.doors[side].stop)

    def _first_contact(self) -> None:
        """Each side states its terms; the doors learn of the new peer within a second."""
        deadline = time.monotonic() + TRUST_SECONDS
        for side in (*OTHER, *OTHER):
            while True:
                try:
                    self.sync(side)
                    break
                except Unavailable:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.2)

    def sync(self, side: str) -> None:
        """One synchronisation begun by ``side``; every body that crosses is kept."""
        other = OTHER[side]

        def keep(crossing: Crossing) -> None:
            ends = (side, other) if crossing.direction == "sent" else (other, side)
            self.crossed.keep(*ends, _kind_of(crossing.what), crossing.body)

        report = sync_peer(self.nodes[side], CODE_NAMES[other], on_crossing=keep)
        self.figures[side]["sent"] += _count(report["sent"])
        self.figures[other]["received"] += _count(report["sent"])
        self.figures[side]["received"] += _count(report["received"])
        self.figures[other]["sent"] += _count(report["received"])
        self.figures[side]["withheld"] += _count(report["withheld"])

    def take_in(self, side: str, path: Path) -> IngestReport:
        """Ingest one file and match; what may be told is laid out by the same step."""
        node = self.nodes[side]
        report = ingest_paths(node, [str(path)])
        run_match(node)
        self.figures[side]["events"] += report.events
        self.figures[side]["rejected"] += report.rejected
        return report

    def live_through(self) -> None:
        """The day, slice by slice; the sides take turns to call each other."""
        pairs = list(zip(self.day.of("TW"), self.day.of("KR"), strict=True))
        for number, pair in enumerate(pairs):
            self.say("The day goes by", number, len(pairs))
            self.clock.move_to(pair[0].ends + AFTER_SLICE)
            for part in pair:
                self.take_in(part.side, part.path)
            self.sync(("TW", "KR")[number % 2])
            self.note_blocks(pair)
        self.say("The day goes by", len(pairs), len(pairs))
        for side, node in self.nodes.items():
            run_match(node)
            self.sync(side)
        for side, node in self.nodes.items():
            refresh_warnings(node)
            self.say("Drawing warnings", list(OTHER).index(side) + 1, len(OTHER))

    def note_blocks(self, pair: tuple[Slice, Slice]) -> None:
        """Export both block lists and remember since when each value stands there."""
        for part in pair:
            target = self.exports(part.side) / "csv"
            export(self.nodes[part.side], "csv", output=target, include_watch=False, json=True)
            now = self.clock()
            held = self.blocked_at[part.side]
            for value in listed_values(target):
                held.setdefault(value, now)

    def exports(self, side: str) -> Path:
        """Where a side's exports stand."""
        folder = self.folder / "exports" / side.lower()
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _kind_of(what: str) -> str:
    """``POST objects`` of a request's method and path: the last part of the path that is a word."""
    method, _, path = what.partition(" ")
    words = [part for part in path.partition("?")[0].split("/") if part.isalpha()]
    return f"{method} {words[-1] if words else 'root'}"


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
