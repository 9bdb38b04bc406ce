"""The whole order book brought in step: every indicator page by page, then orders that no indicator names any more."""

from __future__ import annotations

import time

from seawall.flow.node import Node
from seawall.flow.orders_rules import rules_of
from seawall.flow.orders_settle import OrderReport, collected_lightly, settle, settling
from seawall.model import Observable
from seawall.model.order import OrderState

BREATH_SECONDS = 0.002  # between pages, so that whoever waits for the book gets its turn
PAGE = 1_000  # entries of one transaction: the fast path waits for one page at most


def refresh(node: Node) -> OrderReport:
    """One pass. Memory stays that of a page; what says the same as before is neither recorded nor written."""
    rules_of(node)  # with the lists: what stands in memory throughout
    with collected_lightly():
        return _all_pages(node) + _without_indicator(node)


def _all_pages(node: Node) -> OrderReport:
    report = OrderReport()
    twins = node.store.indicators.has_twins()
    after: int | None = 0
    while after is not None:
        with settling(node):
            page = node.store.indicators.named_page(after, PAGE)
            named = node.store.indicators.named(page.items) if twins else page.items
            values = [Observable(kind, value) for kind, value in named]
            if values:
                report += settle(node, rules_of(node), values, named)
        after = page.next
        time.sleep(BREATH_SECONDS)
    return report


def _without_indicator(node: Node) -> OrderReport:
    """Orders on values that nobody names any more end."""
    removed = 0
    while True:
        with settling(node):
            names = node.store.orders.orphans()
            if not names:
                return OrderReport(removed=removed, last=node.store.orders.last())
            removed += node.store.orders.remove(names, OrderState.WITHDRAWN, node.clock())
