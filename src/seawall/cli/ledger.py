"""``seawall ledger``: the record of every release, refusal and receipt."""

from __future__ import annotations

from cyclopts import App

from seawall.cli.app import app, context

ledger = App(name="ledger", help="The tamper-evident record of what left and what was refused.")
app.command(ledger)


@ledger.command
def verify() -> None:
    """Recompute the whole ledger; names the first bad leaf if there is one."""
    from seawall.flow.ledger import verify_ledger

    context.out.pairs(verify_ledger(context.node))


@ledger.command
def show(*, limit: int = 100, after: int = -1) -> None:
    """List leaves, oldest first."""
    from seawall.flow.ledger import list_leaves
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        page = list_leaves(node, limit=limit, after=after)
    context.out.table(
        page.items,
        ["index", "at", "kind", "recipient", "circle", "rule", "objects"],
        empty="The ledger is empty.",
        following=page.next,
    )
