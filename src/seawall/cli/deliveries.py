"""``seawall deliveries``: what our own people and tools were told of warnings."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.paging import After, Limit
from seawall.model import Fault

deliveries = App(name="deliveries", help="What our own people and tools were told of warnings, and over which channel.")
app.command(deliveries)

State = Annotated[str | None, Parameter(help="Only waiting, sent, failed, withheld or cancelled ones.")]


@deliveries.default
def list_deliveries(*, state: State = None, limit: Limit = 100, after: After = 0) -> None:
    """List deliveries, newest first; channels stand in the section [deliver] of the settings.

    JSON items: number, id, channel, group, severity, state (waiting, sent, failed, withheld, cancelled), attempts,
    created_at, due_at, done_at, said.
    """
    from seawall.flow.deliver import list_deliveries as listed
    from seawall.flow.node import Node
    from seawall.model.answer import DeliveryState

    wanted = None
    if state is not None:
        wanted = next((one for one in DeliveryState if one.value == state), None)
        if wanted is None:
            known = ", ".join(one.value for one in DeliveryState)
            raise Fault(
                "E-CLI-101", "There is no state {given}; use one of {known}.", given=repr(state[:40]), known=known
            )
    with Node.open(context.node, token=context.token) as node:
        page = listed(node, state=wanted, limit=limit, after=after)
    columns = ["number", "channel", "severity", "group", "state", "due_at", "attempts", "said"]
    context.out.table(page.items, columns, empty="Nothing was delivered yet.", following=page.next)


@deliveries.command(name="list")
def list_all(*, state: State = None, limit: Limit = 100, after: After = 0) -> None:
    """As 'seawall deliveries': the same list, flags and JSON."""
    list_deliveries(state=state, limit=limit, after=after)


@deliveries.command(name="test")
def try_one(name: str, /) -> None:
    """Send a message without content through one channel, now. A TAXII channel is only looked at.

    JSON: channel, kind, id, sent.
    """
    from seawall.flow.deliver import try_channel
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(try_channel(node, name))
