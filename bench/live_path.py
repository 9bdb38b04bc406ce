#!/usr/bin/env python3
"""How long the way between two nodes takes, by standing rules alone: log line -> release -> order -> warning.

    python bench/live_path.py [--times 20] [--pause 2.0] [--load LOAD --rate 2000]

Two ``seawall serve`` and two ``seawall tail``, each in a process of its own, over TLS on this machine. Each time a line
with an address that nobody met is written into A's log, and told is: seconds from the line to A's release (its outbox),
from there to B's order, and from the line to the order. Then B's own sensor meets the same address: seconds from that
line, the overlap, to a warning with a place at B's desk. Then the other order: B met an address first, A meets it
later: seconds from A's line, and from A's release, to the warning at B's desk. ``--load`` has A's sensor write that
EVE load at a steady rate beside it, and says what share of a core A's two processes used. One JSON document.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import re
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from journey.command_line import SeawallNode, environment, eve, free_port

LOOK_SECONDS = 0.01  # between the watcher's looks: its figures are at most this much too high
LONGEST = 70.0  # seconds that anything is waited for
OWN = {"taipei": "10.1.0.5", "seoul": "10.2.0.9"}
READY = "198.51.100.250"


class Side:
    """One node, its log, and a look into its store."""

    def __init__(self, root: Path, name: str, economy: str) -> None:
        self.name = name
        self.node = SeawallNode(root / name, economy)
        self.node.fresh = True
        self.log = root / f"{name}.json"
        self.log.touch()
        self.ports = free_port(), free_port()
        self.approver = self.node.second_person()

    def meet(self, value: str) -> float:
        """The sensor writes an alarm about an address; when."""
        now = time.time()
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+0000")
        with self.log.open("a") as log:
            log.write(eve(stamp, value, OWN[self.name], sensor=f"{self.name}-1") + "\n")
        return now

    def has(self, query: str, *values: object) -> bool:
        """Whether a question of the store has an answer."""
        with sqlite3.connect(f"file:{self.node.folder}/store/seawall.sqlite?mode=ro", uri=True, timeout=10) as store:
            return store.execute(query, values).fetchone() is not None


def main() -> int:
    """Measure and print; 1 when something never came."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--pause", type=float, default=2.0, help="seconds between two measurements")
    parser.add_argument("--load", type=Path, help="folder of the reference load, written into A's log beside it")
    parser.add_argument("--rate", type=int, default=2_000, help="lines a second of the load")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="seawall-live-path-") as folder:
        figures = measure(Path(folder), given)
    json.dump(figures, sys.stdout, indent=1)
    print()
    return 0 if not figures["lost"] else 1


def measure(root: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Both ways, and what they cost."""
    here, there = Side(root, "taipei", "TW"), Side(root, "seoul", "KR")
    introduce(root, here, there)
    waits: dict[str, list[float]] = {}
    lost: list[str] = []

    def note(name: str, began: float, query: Callable[[], bool]) -> float:
        done = wait_for(query)
        if done and began:
            waits.setdefault(name, []).append(done - began)
        else:
            lost.append(name)
        return done

    with ExitStack() as stack:
        serving = [stack.enter_context(side.node.serving(*side.ports, lines=True)) for side in (here, there)]
        tails = [stack.enter_context(tailing(side)) for side in (here, there)]
        for side in (here, there):
            side.meet(READY)
            wait_for(lambda side=side: released_at(side, READY))  # type: ignore[misc]
        if given.load is not None:
            stack.enter_context(writing(here, given))
        time.sleep(5)
        mine = (serving[0].pid, tails[0].pid)
        used, since = cpu(*mine), time.monotonic()
        for number in range(given.times):
            time.sleep(given.pause)
            told_first(here, there, f"203.0.113.{number + 1}", note)
            met_first(here, there, f"192.0.2.{number + 1}", note)
        busy = (cpu(*mine) - used) / (time.monotonic() - since)
    return {
        "times": given.times,
        "load_lines_per_second": given.rate if given.load is not None else 0,
        "share_of_a_core_used_at_a": round(busy, 3),
        **{name: told(values) for name, values in waits.items()},
        "lost": lost,
    }


Note = Callable[[str, float, Callable[[], bool]], float]


def told_first(here: Side, there: Side, value: str, note: Note) -> None:
    """A meets a value, B is told and acts, and meets it later itself."""
    began = here.meet(value)
    released = note("line_to_release", began, lambda: released_at(here, value))
    note("release_to_order", released, lambda: there.has("SELECT 1 FROM orders WHERE value = ?", value))
    note("line_to_order", began, lambda: True)
    began = there.meet(value)
    note("overlap_to_warning", began, lambda: at_desk(there, value))


def met_first(here: Side, there: Side, value: str, note: Note) -> None:
    """B met a value; A meets it later and tells."""
    there.meet(value)
    wait_for(lambda: released_at(there, value))
    began = here.meet(value)
    note("later_line_to_warning", began, lambda: at_desk(there, value))


def released_at(side: Side, value: str) -> bool:
    """Whether a candidate's indicator stands in the outbox."""
    return side.has("SELECT 1 FROM outbox WHERE type = 'indicator' AND CAST(body AS TEXT) LIKE ?", f"%'{value}'%")


def at_desk(side: Side, value: str) -> bool:
    """Whether a warning about a value that both sides met has its place."""
    return side.has(
        "SELECT 1 FROM warning_places p JOIN warnings w ON w.type = p.type AND w.value = p.value "
        "WHERE p.value = ? AND w.both_hit",
        value,
    )


def wait_for(query: Callable[[], bool]) -> float:
    """When it was so; 0 when it never was."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        if query():
            return time.time()
        time.sleep(LOOK_SECONDS)
    return 0.0


def introduce(root: Path, here: Side, there: Side) -> None:
    """Each verifies the other, and both share a circle whose standing release lets candidates go; B acts on them."""
    for one, other in ((here, there), (there, here)):
        card = root / f"{other.name}.card"
        card.write_bytes(other.node.raw("peers", "card").stdout)
        url = f"https://127.0.0.1:{other.ports[1]}"
        one.node.here("peers", "add", card, "--url", url, "--code-name", other.name)
        second = ("--approver-token", one.approver)
        one.node.here("peers", "verify", other.name, "--fingerprint", other.node.fingerprint, *second)
        terms = ("--tlp-ceiling", "amber", "--auto", "indicator,sighting", "--auto-enforce")
        one.node.here("circles", "create", "tw-kr", "--members", other.name, *terms, *second)


@contextmanager
def tailing(side: Side) -> Iterator[subprocess.Popen[bytes]]:
    """``seawall tail`` of a side's log."""
    command = side.node.command("tail", side.log, "--json")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def writing(side: Side, given: argparse.Namespace) -> Iterator[None]:
    """The load, at a steady rate, with the time of now."""
    ended = threading.Event()
    thread = threading.Thread(target=write, args=(side, given, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def write(side: Side, given: argparse.Namespace, ended: threading.Event) -> None:
    """Ten times a second a tenth of the rate."""
    lines = (line for file in sorted((given.load / "eve").glob("*.json")) for line in file.open("rb"))
    stamp = re.compile(rb'"timestamp":\s*"[^"]*"')
    moment = time.monotonic()
    with side.log.open("ab", buffering=0) as log:
        while not ended.wait(max(0.0, moment - time.monotonic())):
            moment += 0.1
            now = datetime.now(UTC).strftime('"timestamp":"%Y-%m-%dT%H:%M:%S.%f+0000"').encode()
            some = itertools.islice(lines, max(1, given.rate // 10))
            log.write(b"".join(stamp.sub(now, line, count=1) for line in some))


def cpu(*pids: int) -> float:
    """Seconds of processor time that these processes used."""
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(one[11]) + int(one[12]) for one in fields) / os.sysconf("SC_CLK_TCK")


def told(values: list[float]) -> dict[str, float]:
    """Median and worst, in seconds."""
    return {"median": round(statistics.median(values), 3), "worst": round(max(values), 3), "times": len(values)}


if __name__ == "__main__":
    sys.exit(main())
