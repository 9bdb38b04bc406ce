"""Points brought in step with their caps: what waits comes in where there is room, what is too much gives way."""

from __future__ import annotations

from collections.abc import Callable

from seawall.flow.node import Node
from seawall.flow.orders_seats import Seating, begin, fill
from seawall.flow.orders_settle import settling
from seawall.model.order import OrderState, Point

AT_ONCE = 2_000  # orders of one transaction, so that the fast path never waits long


def fill_points(node: Node) -> int:
    """Every point; how many orders came in or gave way. Nothing is read of the book where no cap comes near."""
    return sum(_step_by_step(node, point, fill) for point in node.store.orders.points())


def begin_point(node: Node, point: Point) -> int:
    """A point that is new: as much of the book as its caps allow at once; how many orders wait."""
    return _step_by_step(node, point, begin)


def _step_by_step(node: Node, point: Point, step: Callable[[Node, Point, int, int], Seating]) -> int:
    count = 0
    while True:
        with settling(node):
            at = node.clock()
            seating = step(node, point, at, AT_ONCE)
            changed = [*seating.put, *seating.moved]
            if not changed:
                return count
            last = node.store.orders.settle(changed, (), OrderState.WITHDRAWN, at)
            seating.written(node, last)
        count += len(changed)
