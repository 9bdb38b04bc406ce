"""What a peer's word put in force ends at once, however much it is; its rows go behind it, in bounded steps.

Steps: (1) ``end_at_once`` sets a bar, one short transaction: from then on nothing of it acts, and whoever follows the
book takes what is left; (2) ``sweep_ended`` looks at each value behind the bar as everything stands now: what somebody
else vouches for, or what may still be watched, is put anew, the rest goes; (3) the bar goes with the last of them. A
process that ends between (1) and (3) leaves the bar; the next ``sweep_ended`` (the schedule's, a command's) goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders_rules import Rules, rules_of
from seawall.flow.orders_safety import AUTOMATIC
from seawall.flow.orders_settle import collected_lightly, settle, settling
from seawall.model import Observable
from seawall.model.order import OrderState
from seawall.store.orders_barred import Bar, Behind

FEW = 1_000  # orders that one transaction takes out: told to agents one by one, so nobody takes a whole book for them
STEP = 2_000  # values of one step: the fast path waits for some tenths of a second
BREATH_SECONDS = 0.002

Progress = Callable[[int, int], None]
"""``progress(done, total)``: orders behind bars."""


class Swept(msgspec.Struct, frozen=True):
    """What became of what was ended at once."""

    ended: int = 0  # orders behind bars
    removed: int = 0
    put: int = 0  # that go on by another word, or watched only
    seconds: float = 0.0


def ended_lanes(rules: Rules, origin: str) -> tuple[str, ...] | None:
    """By which lanes a peer's word may act no more: empty: by none at all; None: it acts as before."""
    if not rules.in_force(origin):
        return ()
    return None if rules.accepted_by(origin) else tuple(lane.value for lane in AUTOMATIC)


def end_at_once(node: Node, origin: str) -> Bar | None:
    """Set a bar where a relation, or the acceptance of a circle, has ended with many orders; None where none is due."""
    lanes = ended_lanes(rules_of(node), origin)
    if lanes is None or node.store.orders.stands_behind(origin, lanes, FEW + 1) <= FEW:
        return None
    return node.store.orders.bar(origin, lanes, node.clock())


def sweep_ended(node: Node, progress: Progress | None = None) -> Swept:
    """Look at what stands behind every bar, a step at a time; another process may do the same."""
    bars = node.store.orders.bars()
    if not bars:
        return Swept()
    rules_of(node)
    with collected_lightly():
        return _swept(node, bars, progress)


def _swept(node: Node, bars: Sequence[Bar], progress: Progress | None) -> Swept:
    began, total = time.monotonic(), sum(bar.count for bar in bars)
    done = removed = put = 0
    for bar in bars:
        while True:
            with settling(node):
                rows = node.store.orders.behind(bar, STEP)
                if not rows:
                    node.store.orders.unbar(bar)
                    break
                again = _step(node, rows)
            done, put = done + len(rows), put + again
            removed += max(0, len(rows) - again)
            if progress is not None:
                progress(done, max(done, total))
            time.sleep(BREATH_SECONDS)
    return Swept(max(done, total), removed, put, round(time.monotonic() - began, 3))


def _step(node: Node, rows: Sequence[Behind]) -> int:
    """Bring one step's values in step; how many are in the book again. What still stands behind a bar then, goes."""
    values = list(dict.fromkeys(Observable(row.type, row.value) for row in rows))
    named = node.store.indicators.named([(value.type, value.value) for value in values])
    report = settle(node, rules_of(node), values, named, again=True)
    left = node.store.orders.numbers_of([row.undo_id for row in rows])
    stuck = [row.undo_id for row in rows if left.get(row.undo_id) == row.sequence]
    if stuck:
        node.store.orders.settle((), stuck, OrderState.WITHDRAWN, node.clock())
    return report.put
