#!/usr/bin/env python3
"""Private set intersection: CPU-seconds of both parties and bytes, beside openmined-psi in the same run.

    python -m bench psi [--sizes 10000,100000,1000000] [--ways accelerated,libsodium] [--no-peer]
                        [--json FILE] [--plot FILE]

Two processes, each with a node's store on disk and two workers, hold so many addresses each, a tenth of them common,
and both learn which. Then each gets a fiftieth more and brings it in the same epoch, three times. This is done as
installed, with the accelerator where there is one, and by libsodium alone. What an operation costs, by libsodium and as
installed, is measured in the same processes before and after each run, both at once where workers ran; the ratios are
to four multiplications and two hashes for each value of a side. openmined-psi, installed in a cache folder of its own,
does the same sets in one process; there only the client learns. It runs twice at once where our workers ran, since two
busy threads of one core take more CPU-seconds each than one; the mean counts. Short runs take turns with the peer's,
seven each, and the turn counts whose ratio is in the middle: one alone varies by a tenth, and the machine with it.
Not in it: budgets, the ledger, the wire, and loading either program.

Required: fewer CPU-seconds than the peer at each size, as installed; at most 1.35 x libsodium's operations in either
way; with the accelerator 60 CPU-seconds at a million. Whether libsodium alone stays below the peer depends on the
machine: both do 400,000 multiplications for 100,000 values, of different groups; it is printed and not judged.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.peers.peer import UnobtainableError, measured, own_venv
from bench.psi_party import NODES, party
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seawall.exchange.envelope import seal
from seawall.exchange.psi import MOST_POINTS, EpochTerms, accelerator
from seawall.exchange.psi.workers import WORTH_WORKERS
from seawall.identity import OfflineKey
from seawall.identity.prekeys import Prekey
from seawall.model import ObservableType, system_clock
from seawall.model.message import MessageKind

PEER = "openmined-psi==2.0.6"
DAYS = 3  # on which what is new is brought, an odd number
TURNS = 7  # runs of one size, an odd number
WORTH_TURNS = 50_000  # values a side from which one run is long enough to stand alone
MOST_RATIO = 1.35  # of what the operations cost by libsodium
MOST_ACCELERATED = 60e-6  # CPU-seconds for each value of a side, from a million on
A_MILLION = 1_000_000
MOST_DELTA_BYTES = 2.4e6 / 20_000  # sealed, for each new value of a side
LEAST_JUDGED = 10_000  # values of a side below which what a session costs once outweighs its operations
DAY = 86_400_000_000
Json = dict[str, Any]


def main() -> int:
    """Print a table; 1 when something is below what is required."""
    parser = argparse.ArgumentParser(prog="python -m bench psi", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", type=_sizes, default=_sizes("10000,100000"), help="values a side, with commas")
    parser.add_argument("--ways", type=_ways, default=_ways("accelerated,libsodium"), help="how to multiply")
    parser.add_argument("--no-peer", action="store_true", help="leave openmined-psi out")
    parser.add_argument("--cache", type=Path, default=_cache(), help="folder of the peer's environment")
    parser.add_argument("--folder", type=Path, help="where both stores are made")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--plot", type=Path, help="write a plot (SVG) to this file")
    given = parser.parse_args()
    rows: list[Json] = []
    for size in given.sizes:
        turns: dict[str, list[list[Json]]] = {way: [] for way in given.ways}
        for turn in range(1, (TURNS if size < WORTH_TURNS else 1) + 1):
            print(f"-- {size:,} a side, run {turn}", file=sys.stderr, flush=True)
            peer = [] if given.no_peer else [theirs(size, given.cache)]
            for way in given.ways:
                turns[way].append(ours(size, way, given.folder) + peer)
        chosen = [middle(turns[way]) for way in given.ways]
        rows += [row for turn in chosen for row in turn if "ratio" in row]
        rows += [row for row in chosen[0] if "ratio" not in row]  # the peer's, beside the first way's
    print(table(rows))
    found = shortfalls(rows)
    print(*found, sep="\n", file=sys.stderr)
    if given.json is not None:
        given.json.write_text(json.dumps({"rows": rows, "shortfalls": found}, indent=1) + "\n")
    if given.plot is not None:
        given.plot.write_text(plot(rows))
    return int(bool(found))


def middle(turns: Sequence[list[Json]]) -> list[Json]:
    """The turn that came out in the middle, of an odd number: by our CPU-seconds for one of the peer's, which took
    turns with us, since a machine whose neighbours work is slower for both; without the peer by our own."""
    return sorted(turns, key=_against)[len(turns) // 2]


def _against(turn: list[Json]) -> float:
    peer = next((row.get("cpu_seconds") for row in turn if "ratio" not in row), None)
    return float(turn[0]["cpu_seconds"]) / float(peer or 1.0)


def ours(size: int, way: str, folder: Path | None) -> list[Json]:
    """Two rows: the whole sets, and a fiftieth more, three times, of which the one in the middle counts."""
    new = size // 50
    with Pair(folder, way) as pair:
        whole = pair.session(1, size, size)
        days = [pair.session(2 + day, size + (day + 1) * new, new) for day in range(DAYS)]
    more = sorted(days, key=lambda day: float(day["ratio"]))[DAYS // 2]
    return [
        {"name": f"Seawall, {way}", "way": way, "size": size, **whole},
        {"name": f"Seawall, {way}, what is new", "way": way, "size": size // 50, **more},
    ]


class Pair:
    """Both parties, and the post between them."""

    def __init__(self, folder: Path | None, way: str) -> None:
        self._stack = ExitStack()
        spawn = multiprocessing.get_context("spawn")
        self._ends, self._waits = [], []
        for place in range(2):
            home = self._stack.enter_context(tempfile.TemporaryDirectory(dir=folder))
            end, other = spawn.Pipe()
            process = spawn.Process(target=party, args=(other, place, home, way))
            process.start()
            self._ends.append(end)
            self._waits.append(process)
        now = system_clock()
        terms = EpochTerms(
            type=ObservableType.IPV4, number=1, nodes=NODES, most_points=MOST_POINTS, starts=now, ends=now + 90 * DAY
        )
        offers = self.both("offer", terms)
        for place in range(2):
            self.one(place, "agree", offers[1 - place])
        self._signer, self._prekey = OfflineKey(Ed25519PrivateKey.generate()), Prekey.generate(NODES[1], now)

    def session(self, number: int, held: int, new: int) -> Json:
        """One whole session, after which each side holds ``held`` values; ``new`` of them were never brought."""
        self.both("hold", held)
        before = self._operations(new)
        self.both("begin")
        first = (number - 1) % 2
        sizes: list[tuple[int, int]] = []
        queues: list[list[bytes]] = [[], []]
        queues[1 - first] += self.one(first, "start", number)
        while any(queues):
            place = (1 - first) if queues[1 - first] else first
            body = queues[place].pop(0)
            sizes.append((len(body), self._sealed(body)))
            queues[1 - place] += self.one(place, "receive", body)
        results = self.both("finish", number)
        if results[0] != results[1]:
            raise RuntimeError(f"the sides found different overlaps: {results}")
        used = self.both("used")
        after = self._operations(new)
        multiply, hashed, own_multiply, own_hashed = (
            (one + other) / 2 for one, other in zip(before, after, strict=True)
        )
        cost, own_cost = new * (4 * multiply + 2 * hashed), new * (4 * own_multiply + 2 * own_hashed)
        spent = sum(cpu for cpu, _ in used)
        return {
            "cpu_seconds": round(spent, 2),
            "bytes": sum(bare for bare, _ in sizes),
            "sealed_bytes": sum(sealed for _, sealed in sizes),
            "messages": len(sizes),
            "peak_bytes": max(peak for _, peak in used),
            "common": results[0][0],
            "operations_cpu_seconds": round(cost, 2),
            "multiplication_us": round(multiply * 1e6, 1),
            "hash_us": round(hashed * 1e6, 1),
            "ratio": round(spent / cost, 3),
            "own_multiplication_us": round(own_multiply * 1e6, 1),
            "own_hash_us": round(own_hashed * 1e6, 1),
            "own_ratio": round(spent / own_cost, 3),
        }

    def one(self, place: int, *order: object) -> Any:
        """What one party answers."""
        self._ends[place].send(order)
        return self._ends[place].recv()

    def both(self, *order: object) -> list[Any]:
        """What both answer, at work at once."""
        for end in self._ends:
            end.send(order)
        return [end.recv() for end in self._ends]

    def _operations(self, size: int) -> list[float]:
        """CPU-seconds of one multiplication and one hash, as busy as the machine is in a session of this size: by
        libsodium, then in the way of this run."""
        told = self.both("operations", size) if size >= WORTH_WORKERS else [self.one(0, "operations", size)]
        return [sum(column) / len(told) for column in zip(*told, strict=True)]

    def _sealed(self, body: bytes) -> int:
        now = system_clock()
        return len(
            seal(
                self._signer,
                self._prekey.public,
                sender=NODES[0],
                to=NODES[1],
                sequence=1,
                kind=MessageKind.OVERLAP,
                at=now,
                expires=now + DAY,
                body=body,
            )
        )

    def __enter__(self) -> Pair:
        return self

    def __exit__(self, *trace: object) -> None:
        for end, process in zip(self._ends, self._waits, strict=True):
            end.send(None)
            process.join(60)
        self._stack.close()


def theirs(size: int, cache: Path) -> Json:
    """One row: openmined-psi with the same sets."""
    at_once = 2 if size >= WORTH_WORKERS else 1  # both cores busy, as they are with our two workers
    try:
        command = [own_venv(cache, "openmined-psi", PEER), Path(__file__).with_name("psi_openmined.py"), str(size)]
        with ThreadPoolExecutor(at_once) as pool:
            told = [json.loads(printed) for _, printed in pool.map(measured, [command] * at_once)]
    except UnobtainableError as error:
        return {"name": PEER, "size": size, "reason": str(error)}
    spent = sum(one["cpu_seconds"] for one in told) / at_once
    return {"name": PEER.replace("==", " "), "size": size, **told[0], "cpu_seconds": round(spent, 2)}


def shortfalls(rows: Sequence[Json]) -> list[str]:
    """What is below what is required, in sentences."""
    found = [f"{row['name']} did not run: {row['reason']}" for row in rows if "reason" in row]
    peers = {row["size"]: row["cpu_seconds"] for row in rows if "ratio" not in row and "reason" not in row}
    as_installed = {"accelerated"} & {row.get("way") for row in rows} or {"libsodium"}
    for row in (row for row in rows if "ratio" in row):
        what, size, is_new = f"{row['name']} at {row['size']:,}", row["size"], "new" in row["name"]
        if row["ratio"] > MOST_RATIO and size >= LEAST_JUDGED:
            found.append(f"{what}: {row['ratio']} x what the operations cost by libsodium, above {MOST_RATIO}")
        if row["way"] in as_installed and not is_new and row["cpu_seconds"] >= peers.get(size, float("inf")):
            found.append(f"{what}: {row['cpu_seconds']} CPU-seconds, the peer {peers[size]}")
        if row["way"] == "accelerated" and size >= A_MILLION and row["cpu_seconds"] > MOST_ACCELERATED * size:
            found.append(f"{what}: {row['cpu_seconds']} CPU-seconds, above {MOST_ACCELERATED * size:.0f}")
        if is_new and size >= LEAST_JUDGED and row["sealed_bytes"] > MOST_DELTA_BYTES * size:
            found.append(f"{what}: {row['sealed_bytes']:,} bytes sealed")
    return found


def table(rows: Sequence[Json]) -> str:
    """Markdown, one line a run."""
    head = ["", "Values a side", "Both learn", "CPU-s of both", "x libsodium's operations", "x its own",
            "libsodium's multiplication, hash (us)", "its own", "Bytes", "Bytes sealed", "Most memory of one party",
            "Common"]  # fmt: skip
    lines = [head, ["---"] * len(head)]
    for row in rows:
        if "reason" in row:
            lines.append([row["name"], f"{row['size']:,}", f"not run: {row['reason']}", *[""] * (len(head) - 3)])
            continue
        is_ours = "ratio" in row
        memory = f"{row['peak_bytes'] / 1e6:,.0f} MB" + ("" if is_ours else " (both)")
        costs = f"{row['multiplication_us']}, {row['hash_us']}" if is_ours else ""
        own_costs = f"{row['own_multiplication_us']}, {row['own_hash_us']}" if is_ours else ""
        sealed = f"{row['sealed_bytes']:,}" if is_ours else ""
        lines.append([
            row["name"], f"{row['size']:,}", "yes" if is_ours else "no", f"{row['cpu_seconds']:,.1f}",
            str(row.get("ratio", "")), str(row.get("own_ratio", "")), costs, own_costs, f"{row['bytes']:,}", sealed,
            memory, f"{row['common']:,}",
        ])  # fmt: skip
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def plot(rows: Sequence[Json]) -> str:
    """Bars of CPU-microseconds of both parties for each value of a side, as an SVG document without script or font."""
    title = "Private set intersection: CPU-microseconds of both parties, for each value of a side"
    bars = [
        (f"{row['name']}, {row['size']:,}", row["cpu_seconds"] / row["size"] * 1e6, "ratio" in row)
        for row in rows
        if "reason" not in row
    ]
    most = max((cost for _, cost, _ in bars), default=1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="780" height="{26 * len(bars) + 40}" role="img" '
        f'font-family="sans-serif" font-size="13"><title>{escape(title)}</title>',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="8" y="18" font-weight="bold">{escape(title)}</text>',
    ]
    for at, (name, cost, is_ours) in enumerate(bars, 1):
        top, length = 26 * at + 4, max(1.0, cost / most * 420)
        parts.append(
            f'<text x="252" y="{top + 15}" text-anchor="end">{escape(name)}</text>'
            f'<rect x="260" y="{top}" width="{length:.1f}" height="18" fill="{"#1b5e8c" if is_ours else "#8aa4b5"}"/>'
            f'<text x="{266 + length:.1f}" y="{top + 15}">{cost:,.0f}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


def _sizes(text: str) -> list[int]:
    return sorted(int(part) for part in text.split(",") if part.strip())


def _ways(text: str) -> list[str]:
    """The ways named; the accelerator's only where there is one."""
    named = [part.strip() for part in text.split(",") if part.strip()]
    if not named or set(named) - {"accelerated", "libsodium"}:
        raise argparse.ArgumentTypeError("ways are accelerated and libsodium")
    if "accelerated" in named and accelerator.usable() is None:
        print("-- no accelerator is installed: libsodium alone", file=sys.stderr)
        named = ["libsodium"]
    return named


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "seawall-bench-peers"


if __name__ == "__main__":
    sys.exit(main())
