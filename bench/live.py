#!/usr/bin/env python3
"""What following logs costs: a minute of EVE lines at a steady rate, the tail bound to one core.

    python bench/live.py LOAD [--rate 20000] [--seconds 60] [--rotate] [--kill] [--indicators 100000] [--share 0.01]

LOAD holds ``eve/*.json``, ``indicators.csv`` and ``sensors.csv``. A writer process (on another core, if there is one)
writes lines of the load at the rate, with the moment of writing in each; ``--share`` of them are given an address that
an indicator names. ``--rotate`` renames the log in the middle, ``--kill`` kills the tail (``kill -9``) at two thirds
and starts it again. Told: lines written, rows in the lake, the tail's own latency, and the latency from the moment a
line was written until its sighting stood in the store, seen by a watcher that asks the store. Then the rate of
decoding and matching alone, in one process, beside ``json.loads`` with the same look-ups. One JSON document.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from seawall.ingest.live.eve import glimpse
from seawall.match.live import LiveKeys

SEAWALL = [sys.executable, "-m", "seawall"]
TICK = 0.02  # seconds between writes
WATCH_SECONDS = 0.05  # between the watcher's looks: its figures are at most this much too high
MARKED = "203.0.113."  # addresses of the lines whose latency the watcher takes: each is seen once


def main() -> int:
    """Measure and print; 1 when a line was lost or stored twice."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("load", type=Path)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--indicators", type=int, default=100_000)
    parser.add_argument("--share", type=float, default=0.01)
    parser.add_argument("--rotate", action="store_true")
    parser.add_argument("--kill", action="store_true")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write is not None:
        write(given)
        return 0
    with tempfile.TemporaryDirectory() as scratch:
        figures = live(given, Path(scratch))
    figures["alone"] = alone(given)
    json.dump(figures, sys.stdout, indent=1)
    print()
    return 0 if figures["lines_written"] == figures["rows"] else 1


def live(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    """A node, a writer, a tail on one core, and a watcher."""
    node, log = scratch / "node", scratch / "eve.json"
    run(node, "init", "--name", "bench", "--economy", "TW")
    run(node, "sensors", "import", given.load / "sensors.csv")
    (scratch / "marks.csv").write_text("id,type,value\n" + "".join(f"m{n},ipv4,{MARKED}{n}\n" for n in range(256)))
    with (given.load / "indicators.csv").open() as lines:
        (scratch / "list.csv").write_text("".join(itertools.islice(lines, given.indicators)))
    for name in ("list.csv", "marks.csv"):
        run(node, "intel", "import", scratch / name, "--tlp", "amber")
    log.touch()
    tail = start(node, log)
    time.sleep(8)  # the indicators are read; a service has started long before
    arguments = [str(given.load), "--write", str(log), "--rate", str(given.rate), "--seconds", str(given.seconds)]
    arguments += ["--share", str(given.share), *(["--rotate"] if given.rotate else [])]
    writer = subprocess.Popen([*bound(-1), sys.executable, __file__, *arguments], stdout=subprocess.PIPE)
    seen: dict[str, float] = {}
    reports: list[dict[str, Any]] = []
    kill_at = time.monotonic() + given.seconds * 2 / 3 if given.kill else float("inf")
    while writer.poll() is None:
        watch(node, seen)
        if time.monotonic() >= kill_at:
            kill_at = float("inf")
            tail.kill()
            tail.communicate()
            tail = start(node, log)
        time.sleep(WATCH_SECONDS)
    written = json.loads(writer.communicate()[0])
    until = time.monotonic() + 5
    while time.monotonic() < until:
        watch(node, seen)
        time.sleep(WATCH_SECONDS)
    tail.send_signal(signal.SIGTERM)
    out, _ = tail.communicate(timeout=300)
    reports.append(json.loads(out))
    rows = run(node, "match")["events"]
    waits = sorted(seen[address] - moment for address, moment in written["marks"].items() if address in seen)
    return {
        "rate": given.rate,
        "seconds": given.seconds,
        "rotated": given.rotate,
        "killed": given.kill,
        "indicators": given.indicators,
        "lines_written": written["lines"],
        "mean_rate": round(written["lines"] / written["seconds"]),
        "rows": rows,
        "marks": len(written["marks"]),
        "marks_seen": len(waits),
        "line_to_sighting": {
            "p50": round(waits[len(waits) // 2], 3),
            "p99": round(waits[int(len(waits) * 0.99)], 3),
            "max": round(waits[-1], 3),
        }
        if waits
        else None,
        "tail": reports[-1],
    }


def start(node: Path, log: Path) -> subprocess.Popen[bytes]:
    """The tail, bound to core 0."""
    command = [*bound(0), *SEAWALL, "--node", str(node), "tail", str(log), "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def bound(core: int) -> list[str]:
    """Words before a command that bind it to one core; -1: the last one."""
    return ["taskset", "-c", str(sorted(os.sched_getaffinity(0))[core])]


def watch(node: Path, seen: dict[str, float]) -> None:
    """Note when each marked value was first in the store."""
    with sqlite3.connect(f"file:{node}/store/seawall.sqlite?mode=ro", uri=True) as store:
        query = f"SELECT value FROM sightings WHERE type = 'ipv4' AND value LIKE '{MARKED}%'"
        for (value,) in store.execute(query):
            seen.setdefault(value, time.time())


def write(given: argparse.Namespace) -> None:
    """The writer process: lines at the rate; every second some marked ones, and ``--share`` of listed addresses."""
    picked = random.Random(7)
    with (given.load / "indicators.csv").open() as lines:
        listed = [line.split(",")[2] for line in itertools.islice(lines, 1, 50_000) if ",ipv4," in line]
    lines_of = bodies(given.load)
    marks: dict[str, float] = {}
    count = at_tick = 0
    log = given.write.open("ab", buffering=0)
    begun = time.time()
    rotated = not given.rotate
    while time.time() - begun < given.seconds:
        if not rotated and time.time() - begun > given.seconds / 2:
            rotated = True
            given.write.rename(given.write.with_suffix(".json.1"))
            log = given.write.open("ab", buffering=0)
        wanted = int((time.time() - begun) * given.rate) - count
        moment = time.time()
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment)).encode()
        made = []
        for number in range(count, count + wanted):
            line = next(lines_of)
            head = b'{"timestamp":"%b.%06d+0000"' % (stamp, number % 1_000_000)
            rest = line[line.index(b",") :]
            if picked.random() < given.share:
                rest = replaced(rest, picked.choice(listed))
            made.append(head + b',"n":%d' % number + rest)
        if at_tick % 12 == 0 and len(marks) < 256 and made:
            address = f"{MARKED}{len(marks)}"
            made[-1] = replaced(made[-1], address)
            marks[address] = moment
        log.write(b"".join(made))
        count += wanted
        at_tick += 1
        time.sleep(TICK)
    print(json.dumps({"lines": count, "seconds": time.time() - begun, "marks": marks}))


def replaced(line: bytes, address: str) -> bytes:
    """The line with another source."""
    before, mark, after = line.partition(b'"src_ip":"')
    return before + mark + address.encode() + after[after.index(b'"') :] if mark else line


def bodies(load: Path) -> Iterator[bytes]:
    """Lines of the load, again and again."""
    kept: list[bytes] = []
    for path in sorted((load / "eve").iterdir())[:1]:
        with path.open("rb") as file:
            kept = list(itertools.islice(file, 100_000))
    return itertools.cycle(kept)


def alone(given: argparse.Namespace) -> dict[str, Any]:
    """Decoding and looking up, events per CPU-second, beside ``json.loads`` and dictionaries by hand."""
    table = csv.read_csv(given.load / "indicators.csv").slice(0, given.indicators)
    size = len(table)
    nothing = pa.nulls(size, pa.int64())
    keys = LiveKeys(
        pa.table(
            {
                "number": pa.array(range(size)),
                "type": table["type"],
                "value": table["value"].cast(pa.string()),
                "valid_until": nothing,
            }
        )
    )
    with sorted((given.load / "eve").iterdir())[0].open("rb") as file:
        lines = list(itertools.islice(file, 200_000))
    by_hand = {(row["type"], str(row["value"])) for row in table.to_pylist()}
    best = {"decode_and_match": 0.0, "json_loop": 0.0}
    hits = {}
    for _ in range(3):
        for name in best:
            begun = resource.getrusage(resource.RUSAGE_SELF)
            hits[name] = ours(keys, lines) if name == "decode_and_match" else theirs(by_hand, lines)
            done = resource.getrusage(resource.RUSAGE_SELF)
            spent = done.ru_utime + done.ru_stime - begun.ru_utime - begun.ru_stime
            best[name] = max(best[name], len(lines) / spent)
    return {
        "events_per_cpu_second": {name: round(rate) for name, rate in best.items()},
        "lines_that_hit": hits,
        "of_json_loop": round(best["decode_and_match"] / best["json_loop"], 2),
        "not_in_json_loop": "ranges, parent names beyond the first, expiry",
    }


def ours(keys: LiveKeys, lines: list[bytes]) -> int:
    """What the tail does with a line until it knows what it meets."""
    found = 0
    for line in lines:
        seen = glimpse(line)
        if seen is not None and keys.meet(seen.src, seen.dst, seen.domain, seen.url, seen.others):
            found += 1
    return found


def theirs(keys: set[tuple[str, str]], lines: list[bytes]) -> int:
    """A script of the kind everybody has: exact values only."""
    found = 0
    for line in lines:
        event = json.loads(line)
        http = event.get("http", {})
        host = http.get("hostname") or event.get("dns", {}).get("rrname") or event.get("tls", {}).get("sni") or ""
        found += (
            ("ipv4", event.get("src_ip")) in keys
            or ("ipv4", event.get("dest_ip")) in keys
            or ("domain", host) in keys
            or ("domain", host.partition(".")[2]) in keys
            or ("url", f"http://{host}{http.get('url')}") in keys
            or ("sha256", event.get("fileinfo", {}).get("sha256")) in keys
        )
    return found


def run(node: Path, *arguments: object) -> Any:
    """One command's document."""
    command = [*SEAWALL, "--node", str(node), *map(str, arguments), "--json"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


if __name__ == "__main__":
    sys.exit(main())
