#!/usr/bin/env python3
"""What policy costs a TAXII read: the same pages with and without it, in one run.

    python bench/policy.py [--size 1000000] [--times 3]

Four readings of one large outbox in pages of 1,000, each in CPU-seconds:
rows alone (nobody asks who reads), rows for one recipient, the service that the server asks (policy's look at each page
and the leaf in the ledger), and a real read over mutual TLS. The leaves are written once more alone, to be taken off.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from bench.taxii_ours import CIRCLE, CLIENT, Scene, cpu_seconds

from seawall.exchange import ObjectsQuery, collection_id
from seawall.flow.service import NodeExchange
from seawall.model import Actor, Release

PAGE = 1_000
LIMIT = 0.2  # of a read without policy: what policy may add


def main() -> int:
    """Print one JSON document; 1 when policy adds more than it may."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--size", type=int, default=100_000)
    asked.add_argument("--times", type=int, default=3)
    asked.add_argument("--folder", type=Path)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        scene = Scene(Path(folder))
        scene.grow(given.size)
        runs = [_run(scene) for _ in range(given.times)]
        figures = {name: min(run[name] for run in runs) for name in runs[0]}
        policy = figures["service"] - min(figures["rows"], figures["rows_of_one"]) - figures["ledger"]
        over_tls = min(_over_tls(scene) for _ in range(given.times))
    adds = policy / (over_tls - policy)
    rounded = {name: round(value, 3) for name, value in figures.items()}
    print(
        json.dumps(
            {
                "objects": given.size,
                **{f"{name}_cpu_seconds": value for name, value in rounded.items()},
                "policy_cpu_seconds": round(policy, 3),
                "read_over_tls_cpu_seconds": round(over_tls, 3),
                "policy_adds": round(adds, 3),
                "most": LIMIT,
            },
            indent=1,
        )
    )
    return int(adds > LIMIT)


def _run(scene: Scene) -> dict[str, float]:
    outbox = scene.server.store.outbox
    releases: list[Release] = []

    def rows(recipient: str | None) -> None:
        following: str | None = None
        while True:
            page = outbox.page(CIRCLE, recipient, next=following, limit=PAGE)
            if not page.more:
                return
            following = page.next

    def service() -> None:
        exchange = NodeExchange(scene.server)
        collection = collection_id(scene.server.keys.node_id, CIRCLE)
        following: str | None = None
        while True:
            page = exchange.page(Actor(CLIENT, None, CLIENT), collection, ObjectsQuery(limit=PAGE, next=following))
            if page.released is not None:
                releases.append(page.released.value)
            if not page.more:
                return
            following = page.next

    def ledger() -> None:
        for release in releases:
            scene.server.ledger.record(release)

    return {
        "rows": _cpu(lambda: rows(None)),
        "rows_of_one": _cpu(lambda: rows(CLIENT)),
        "service": _cpu(service),
        "ledger": _cpu(ledger),
    }


def _cpu(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _over_tls(scene: Scene) -> float:
    """CPU-seconds of the serving process for a read of everything."""
    with scene.serving() as process:
        connection = scene.connection()
        connection.page("limit=1")
        began = cpu_seconds(process.pid)
        count, following = 0, None
        while True:
            query = f"limit={PAGE}" + (f"&next={following}" if following else "")
            read, following, _ = connection.page(query)
            count += read
            if following is None:
                break
        if count != scene.size:
            raise RuntimeError(f"{count} of {scene.size} objects read")
        return cpu_seconds(process.pid) - began


if __name__ == "__main__":
    sys.exit(main())
