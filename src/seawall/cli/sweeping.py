"""What a command ended at once in the order book, taken out of it while a person watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seawall.cli.app import context

if TYPE_CHECKING:
    from seawall.flow.node import Node


def swept(node: Node) -> dict[str, object]:
    """Sweep behind what ended, with a bar on stderr; nothing where nothing waits. Stopped in between, the schedule of
    ``seawall serve`` (or ``seawall run orders``) goes on, and nothing of it acts meanwhile."""
    from seawall.flow.orders import sweep_ended

    if not node.store.orders.bars():
        return {}
    with context.out.progress("Taking orders out", rows=True) as bar:
        found = sweep_ended(node, bar.show)
    return {"orders_removed": found.removed, "orders_put": found.put, "sweep_seconds": found.seconds}
