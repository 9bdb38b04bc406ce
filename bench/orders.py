#!/usr/bin/env python3
"""The order book at size: what filling, following and severing it costs, and what a person waits for.

    python -m bench orders [--sizes 10000,100000,1000000] [--postgres]

For each size a node of its own, in a process of its own, holds so many addresses that one peer named under a signed
acceptance, and one of its own. Measured: CPU of a first pass and of one in which nothing changed; what one new value
and 10,000 at once take beside the book; a page of the list, of the summary and of an undo; the kill switch; what an
agent is told, and the whole book read for it; then the peer is severed: until nothing of it is in force, and until its
rows are gone. ``--postgres``: a PostgreSQL server of its own in place of SQLite. One JSON document, and a table.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import msgspec

from exchange.scenes import record_of
from flow.neighbours import agree, neighbours
from flow.order_scenes import accept
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.ending import end_relation
from seawall.flow.node import Node
from seawall.flow.orders import changes_for, orders_for, refresh_orders, sweep_ended, whole_book
from seawall.flow.orders_acts import kill_all
from seawall.flow.orders_shown import StatusWish, book_summary, list_orders
from seawall.flow.undo import name_of, undo_directive
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.order import Point, Zone
from seawall.model.peer import PeerState
from seawall.protect.bounds import MAX_ADDRESSES
from seawall.protect.point_caps import MOST
from seawall.store import Store

MOST_MEMORY_MB = 400
"""Bound: what the process may grow by from before the first order until after the last, whatever the size."""
DELTA = 10_000
COLUMNS = {
    "orders": "Orders",
    "put_cpu_us": "Put, CPU-us each",
    "same_cpu_us": "Unchanged, CPU-us each",
    "one_ms": "One more, ms",
    "delta_s": "10,000 more, s",
    "page_ms": "Page of 100, ms",
    "summary_ms": "Summary, ms",
    "undo_ms": "Undo, ms",
    "kill_ms": "Kill switch, ms",
    "book_s": "Whole book read, s",
    "ended_ms": "Sever: out of force, ms",
    "swept_s": "Sever: rows gone, s",
    "memory_mb": "Memory, MB more",
}


def main() -> int:
    """Every size in a process of its own."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--postgres", action="store_true")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one is not None:
        print(json.dumps(book(min(given.one, MAX_ADDRESSES - DELTA - 100), postgres=given.postgres)))
        return 0
    rows: list[dict[str, Any]] = []
    for size in given.sizes.split(","):  # a book takes a million addresses, those that come beside them included
        command = [sys.executable, __file__, "--one", size, *(["--postgres"] if given.postgres else [])]
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        rows.append(json.loads(told.splitlines()[-1]))
        print(table(rows[-1:]).splitlines()[-1], file=sys.stderr, flush=True)
    print(json.dumps({"store": "PostgreSQL" if given.postgres else "SQLite", "books": rows}))
    print(table(rows))
    return 0 if all(row["memory_mb"] <= MOST_MEMORY_MB for row in rows) else 1


def book(size: int, *, postgres: bool) -> dict[str, float]:
    """One book, from the first order to the last."""
    with tempfile.TemporaryDirectory(prefix="orders-") as work, ExitStack() as stack:
        nodes = stack.enter_context(neighbours(Path(work), "taipei", "seoul"))
        node = nodes["seoul"]
        if postgres:
            from servers import postgres as server

            node.store = stack.enter_context(Store.open(stack.enter_context(server())))
            node.store.peers.add(record_of(nodes["taipei"].keys, "taipei", "https://127.0.0.1:1"))
        agree(nodes, "west", "taipei", "seoul")
        accept(node, "west")
        loose = msgspec.structs.replace(
            node.settings.protect, radius_least_sessions=0, radius_least_days=0, peer_per_hour=size, peer_per_day=size
        )
        node.settings = msgspec.structs.replace(node.settings, protect=loose)
        return measured(node, size)


def measured(node: Node, size: int) -> dict[str, float]:
    """The figures, by column."""
    edge = Point("edge", Zone.INTERNET_EDGE, most=MOST, per_hour=MOST)
    refresh_orders(node)  # what is loaded once
    before, began = resident(), time.monotonic()

    def step(name: str) -> None:
        print(f"{size:,}: {name}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

    node.store.orders.save_point(edge, node.clock())
    node.store.indicators.put(entries(0, size, "taipei"), source="west/taipei", at=node.clock())
    found: dict[str, float] = {"orders": size}
    cpu, _ = cost(lambda: refresh_orders(node))
    found["put_cpu_us"] = round(cpu / size * 1e6, 1)
    step(f"filled, {resident() - before:.0f} MB more")
    cpu, _ = cost(lambda: refresh_orders(node))
    found["same_cpu_us"] = round(cpu / size * 1e6, 1)
    step("looked at again")
    found["one_ms"] = median(lambda number: one_more(node, 1 << 22 | number))
    node.store.indicators.put(entries(1 << 21, DELTA, None), source="ours", at=node.clock())
    cpu, found["delta_s"] = cost(lambda: orders_for(node, map(address, range(1 << 21, (1 << 21) + DELTA))))
    found["delta_cpu_us"] = round(cpu / DELTA * 1e6, 1)
    halfway = node.store.orders.last() // 2
    found["page_ms"] = median(lambda number: list_orders(node, StatusWish(after=number % 2 * halfway), "en"))
    found["value_ms"] = median(lambda number: list_orders(node, StatusWish(value=address(number).value), "en"))
    found["summary_ms"] = median(lambda _: book_summary(node))
    found["undo_ms"] = median(lambda number: undo(node, number))
    step("changed")
    last = node.store.orders.last()
    found["told_ms"] = median(lambda _: changes_for(node, edge, last - 1_000))
    _, found["book_s"] = cost(lambda: sum(1 for _ in whole_book(node, edge)[1]))
    _, seconds = cost(lambda: kill_all(node, "", "bench"))
    found["kill_ms"] = round(seconds * 1000, 1)
    node.store.orders.lift("", node.clock())
    _, seconds = cost(lambda: end_relation(node, "taipei", PeerState.SEVERED))
    found["ended_ms"] = round(seconds * 1000, 1)
    left = sum(1 for order in whole_book(node, edge)[1] if order.source == "west/taipei")
    if left:
        raise SystemExit(f"{left} orders of a severed peer are in force")
    found["summary_meanwhile_ms"] = median(lambda _: book_summary(node))
    step(f"severed: {found}")
    cpu, found["swept_s"] = cost(lambda: sweep_ended(node))
    found["swept_cpu_us"] = round(cpu / size * 1e6, 1)
    if node.store.orders.recount():
        raise SystemExit("what was counted is not what is there")
    found["memory_mb"] = round(resident() - before)
    return found


def one_more(node: Node, number: int) -> None:
    """A value that our own people name, in force when this returns."""
    node.store.indicators.put(entries(number, 1, None), source="ours", at=node.clock())
    if orders_for(node, [address(number)]).put != 1:
        raise SystemExit("a new value did not enter")


def undo(node: Node, number: int) -> None:
    """One directive taken back by its value."""
    undo_directive(node, name_of(node, address(number).value), reason="bench", again=False)


def address(number: int) -> Observable:
    """Public addresses in a row, from 45.0.0.0 on."""
    text = f"{45 + (number >> 24)}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return Observable(ObservableType.IPV4, text)


def entries(first: int, count: int, origin: str | None) -> Iterator[IndicatorEntry]:
    """Somebody's word about so many addresses."""
    source = "ours" if origin is None else f"west/{origin}"
    words = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN, origin=origin)
    for number in range(first, first + count):
        yield words.entry(IndicatorRow(ObservableType.IPV4, address(number).value, 1), (source,))


def cost(work: Callable[[], object]) -> tuple[float, float]:
    """CPU-seconds of this process, and seconds."""
    cpu, began = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, round(time.perf_counter() - began, 3)


def median(work: Callable[[int], object], rounds: int = 9) -> float:
    """Milliseconds, of so many times."""
    took = []
    for number in range(rounds):
        began = time.perf_counter()
        work(number)
        took.append(time.perf_counter() - began)
    return round(statistics.median(took) * 1000, 1)


def resident() -> float:
    """Peak memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown, one line a size."""
    lines = [list(COLUMNS.values()), ["---:"] * len(COLUMNS), *([f"{row[key]:,}" for key in COLUMNS] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
