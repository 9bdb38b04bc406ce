"""``seawall ledger``: the record of every release, refusal and receipt."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import Limit

ledger = App(name="ledger", help="The tamper-evident record of what left and what was refused.")
app.command(ledger)


@ledger.command
def verify() -> None:
    """Recompute the whole ledger; names the first bad leaf if there is one.

    JSON: valid, size, root, signed, and the cost. A bad leaf is status 2 and a sentence.
    """
    from seawall.flow.ledger import verify_ledger
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        report = verify_ledger(node)
    context.out.pairs({**report, **cost.as_dict()})


@ledger.command
def show(
    *,
    limit: Limit = 100,
    after: Annotated[
        int, Parameter(help="Continue after this leaf: the 'next' of the page before.", validator=Number(gte=-1))
    ] = -1,
) -> None:
    """List leaves, oldest first.

    JSON items: index, at, kind, recipient, circle, rule, objects, leaf_hash, event.
    """
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
