#!/usr/bin/env python3
"""TAXII 2.1 served: objects read and written per CPU-second of the server process, beside medallion, in one run.

    python bench/taxii.py [--sizes 1000,100000] [--plot FILE] [--medallion 100,300]

Ours is ``seawall serve`` in a process of its own, asked over mutual TLS by a peer whose certificate it has pinned, in
pages of 1,000: each page passes policy, has its leaf in the ledger before it leaves, and comes from the outbox; each
POST is checked as STIX, passes inbound policy and is on disk before it is answered. At each size the whole collection
is read once (at most ``READ`` objects), an empty poll is asked 100 times, and 10,000 objects are written. Medallion
keeps everything in memory, checks nothing and records nothing; it gets small collections and few requests, because
each page compares every object with every manifest record (300 objects: some seconds; 1,000: over a minute).
OpenTAXII is left out: its TAXII 2.1 side needs a database and accounts of its own. At last the large node synchronises
with nothing new, in a warm process and as a command. Prints Markdown, then one JSON document; the status is 1 when a
figure is below what is required.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any, Protocol

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.taxii_others import medallion  # noqa: E402
from bench.taxii_ours import Scene, cpu_seconds, fsyncs_per_second, indicator  # noqa: E402

PAGE = 1_000
READ = 200_000  # objects read at one size, from the middle of a larger collection on: every page costs the same
WRITE = 10_000
POLLS = 100
FRESH = 50_000_000  # numbers of objects that are written begin here
REQUIRED_READ, REQUIRED_WRITE, REQUIRED_POLL_MS, REQUIRED_SYNC_MS = 50_000, 10_000, 5.0, 100.0
FLAT = 1.5  # the rate at the smallest size may be so many times that at the largest


class Connection(Protocol):
    """What is measured, ours or another."""

    def page(self, query: str) -> tuple[int, str | None, str | None]:
        """Objects of a page, the next one's token, the last date added."""

    def post(self, bodies: list[bytes]) -> int:
        """Objects accepted."""


@dataclass(frozen=True)
class Effort:
    """How much is asked of a server."""

    read: int = 50_000  # a small collection is read again and again until then
    write: int = WRITE
    polls: int = POLLS


def main() -> int:
    """Measure, then tell."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="1000,100000", help="objects in the collection, rising")
    parser.add_argument("--medallion", default="100,300", help="the same for medallion; empty: leave it out")
    parser.add_argument("--plot", type=Path, help="SVG file of the rates")
    given = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        disk = round(fsyncs_per_second(Path(scratch)))
        print(f"this disk: {disk} fsyncs a second", file=sys.stderr)
        own, nothing_new = ours(Path(scratch), _sizes(given.sizes))
        rows += own
        for size in _sizes(given.medallion):
            folder = Path(scratch, f"medallion-{size}")
            folder.mkdir()
            with medallion(folder, size) as (process, connection):
                rows.append(measured("medallion", size, process.pid, connection, FRESH, Effort(size, size, 3)))
    print(table(rows))
    if given.plot is not None:
        given.plot.write_text(plot(rows), "utf-8")
    wrong = shortfalls([row for row in rows if row["server"] == "seawall"])
    if nothing_new["warm_wall_ms"] >= REQUIRED_SYNC_MS:
        wrong.append(f"a synchronisation with nothing new takes {nothing_new['warm_wall_ms']} ms")
    figures = {"fsyncs_per_second": disk, "rows": rows, "nothing_new": nothing_new, "below_required": wrong}
    json.dump(figures, sys.stdout, indent=1)
    print()
    return 1 if wrong else 0


def ours(scratch: Path, sizes: Sequence[int]) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """One node that grows from size to size; at the end, what a synchronisation with nothing new takes."""
    scene = Scene(scratch)
    rows = []
    for size in sizes:
        already = scene.size
        deciding = scene.grow(size)
        with scene.serving() as process:
            row = measured("seawall", size, process.pid, scene.connection(), FRESH + size)
        row["decided_per_cpu_second"] = round((size - already) / deciding) if deciding else None
        rows.append(row)
    return rows, scene.nothing_new()


def measured(
    server: str, size: int, pid: int, connection: Connection, fresh: int, effort: Effort = Effort()
) -> dict[str, Any]:
    """Read, poll and write once; new objects are numbered from ``fresh`` on."""
    connection.page("limit=1")
    time.sleep(1.0)  # what starting up left to do

    def read() -> int:
        count, following = 0, None
        while count < READ:
            query = f"limit={PAGE}" + (f"&next={following}" if following else "")
            found, following, _ = connection.page(query)
            count += found
            if following is None and count >= effort.read:
                break
        return count

    def write() -> int:
        return sum(
            connection.post([indicator(fresh + start + n, "peer") for n in range(min(PAGE, effort.write))])
            for start in range(0, effort.write, PAGE)
        )

    def poll() -> int:
        ahead = "2099-01-01T00:00:00.000000Z"
        return sum(connection.page(f"limit={PAGE}&added_after={ahead}")[0] == 0 for _ in range(effort.polls))

    reading, polling, writing = (_cost(work, pid) for work in (read, poll, write))
    print(f"{server} {size}: {reading}, {polling}, {writing}", file=sys.stderr)
    return {
        "server": server,
        "objects": size,
        "read_per_cpu_second": round(reading[0] / reading[1]),
        "read_per_second": round(reading[0] / reading[2]),
        "written_per_cpu_second": round(writing[0] / writing[1]),
        "written_per_second": round(writing[0] / writing[2]),
        "empty_poll_cpu_ms": round(1_000 * polling[1] / effort.polls, 2),
    }


def _cost(work: Callable[[], int], pid: int) -> tuple[int, float, float]:
    """How much was done, CPU-seconds of the server, seconds."""
    cpu, began = cpu_seconds(pid), time.monotonic()
    done = work()
    return done, max(cpu_seconds(pid) - cpu, 0.01), time.monotonic() - began


def shortfalls(rows: Sequence[dict[str, Any]]) -> list[str]:
    """What is below what is required, in sentences."""
    found = []
    for row in rows:
        if row["read_per_cpu_second"] < REQUIRED_READ and row["objects"] >= 10 * PAGE:
            found.append(f"{row['read_per_cpu_second']} objects read per CPU-second at {row['objects']}")
        if row["written_per_cpu_second"] < REQUIRED_WRITE:
            found.append(f"{row['written_per_cpu_second']} objects written per CPU-second at {row['objects']}")
        if row["empty_poll_cpu_ms"] >= REQUIRED_POLL_MS:
            found.append(f"an empty poll takes {row['empty_poll_cpu_ms']} ms at {row['objects']}")
    large = [row for row in rows if row["objects"] >= 10 * PAGE]
    for name in ("read_per_cpu_second", "written_per_cpu_second"):
        if len(large) > 1 and large[0][name] > FLAT * large[-1][name]:
            found.append(f"{name} is not flat: {large[0][name]} to {large[-1][name]}")
    return found


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Markdown, one line a measurement."""
    head = [
        "Server",
        "Objects held",
        "Read / CPU-s",
        "Read / s",
        "Written / CPU-s",
        "Written / s",
        "Empty poll, CPU-ms",
    ]
    names = ("read_per_cpu_second", "read_per_second", "written_per_cpu_second", "written_per_second")
    lines = [head, ["---"] * len(head)]
    for row in rows:
        figures = [f"{row[name]:,}" for name in names]
        lines.append([row["server"], f"{row['objects']:,}", *figures, str(row["empty_poll_cpu_ms"])])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plot(rows: Sequence[dict[str, Any]]) -> str:
    """Bars of objects per CPU-second, as an SVG document that needs no script or font."""
    bars = [
        (f"{row['server']}, {row['objects']:,}, {what}", row[name], row["server"] == "seawall")
        for what, name in (("read", "read_per_cpu_second"), ("written", "written_per_cpu_second"))
        for row in rows
    ]
    most = max(rate for _, rate, _ in bars)
    title = "TAXII: objects per CPU-second of the server, by objects held"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="780" height="{26 * len(bars) + 40}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(title)}</title>',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for at, (name, rate, is_ours) in enumerate(bars, 1):
        top, length = 26 * at + 4, max(1.0, rate / most * 420)
        parts.append(
            f'<text x="252" y="{top + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="260" y="{top}" width="{length:.1f}" height="18" fill="{"#1b5e8c" if is_ours else "#8aa4b5"}"/>'
            f'<text x="{266 + length:.1f}" y="{top + 15}">{rate:,}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _sizes(text: str) -> list[int]:
    return sorted(int(part) for part in text.split(",") if part.strip())


if __name__ == "__main__":
    sys.exit(main())
