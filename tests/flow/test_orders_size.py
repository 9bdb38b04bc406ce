"""A book of a million orders: refreshed in pages, changed in milliseconds."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.node import Node, create_node
from seawall.flow.orders import orders_for, refresh_orders
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.protect.bounds import MAX_ADDRESSES

T = ObservableType.IPV4


def address(number: int) -> str:
    """Public addresses in a row, from 45.0.0.0 on."""
    return f"{45 + (number >> 24)}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def entries(first: int, count: int) -> Iterator[IndicatorEntry]:
    """Our own word about so many addresses."""
    ours = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN)
    return (ours.entry(IndicatorRow(T, address(number), 1), ("ours",)) for number in range(first, first + count))


MOST_MEMORY_MB = 400
"""Bound: what a process may grow by while it fills a book, whatever the size: pages of a thousand and the lists."""


@pytest.mark.parametrize(
    "count",
    [
        5_000,
        *(
            pytest.param(size, marks=[pytest.mark.long, pytest.mark.timeout(3_600)])
            for size in (100_000, MAX_ADDRESSES)
        ),
    ],
)
def test_refresh_writes_differences_only_and_stays_small(tmp_path: Path, count: int) -> None:
    """The first pass puts all, the second nothing; ten more values are put alone; memory does not follow size."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with Node.open(tmp_path / "node") as node:
        node.store.indicators.put(entries(0, count - 100), source="ours", at=node.clock())
        began = time.process_time()
        assert refresh_orders(node).put == count - 100
        first = time.process_time() - began
        leaves = node.ledger.checkpoint()
        began = time.process_time()
        report = refresh_orders(node)
        second = time.process_time() - began
        assert (report.put, report.removed, report.kept, node.ledger.checkpoint()) == (0, 0, count - 100, leaves)
        took: list[float] = []
        for place in range(9):
            node.store.indicators.put(entries(count - 100 + 10 * place, 10), source="ours", at=node.clock())
            values = [Observable(T, address(count - 100 + 10 * place + number)) for number in range(10)]
            began = time.process_time()
            assert orders_for(node, values).put == 10
            took.append(time.process_time() - began)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
        print(
            f"{count}: {first:.1f} s, {second:.1f} s, {1000 * sorted(took)[4]:.1f} ms of ten values, {peak:.0f} MB more"
        )
        assert peak < MOST_MEMORY_MB
