"""``seawall seats`` and ``communities``: who sits as what, and whom an adversary's body has joined."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context

seats = App(name="seats", help="As what peers and TAXII users sit: which track's circles may have them.")
communities = App(name="communities", help="Named sets of organisations, which circles can exclude as a whole.")
app.command(seats)
app.command(communities)


@seats.command(name="set")
def set_seat(
    name: str,
    /,
    *,
    as_: Annotated[str, Parameter(name="--as", help="official, private-role or non-official.")],
) -> None:
    """Say as what a peer or TAXII user sits; takes a second person (--approver-token).

    Track 1 seats officials, track 1.5 officials in private role and non-officials, track 2 non-officials. JSON: name,
    seat, circles, not_seated_in.
    """
    from seawall.flow import seats as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(flow.set_seat(node, name, as_))


@seats.command(name="list")
def list_seats() -> None:
    """List who does not sit as an official, which is what everybody else does. JSON items: name, seat."""
    from seawall.flow import seats as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("read")
        items: list[dict[str, object]] = [
            {"name": name, "seat": seat.value} for name, seat in sorted(flow.seats(node).items())
        ]
    context.out.table(items, ["name", "seat"], empty="Everybody sits as an official.")


@communities.command(name="set")
def set_community(
    name: str,
    /,
    *,
    members: Annotated[str, Parameter(help="All who are in it, separated by commas.")],
) -> None:
    """Say who is in a community; circles that exclude it keep new members out at once.

    Taking somebody out takes a second person (--approver-token). JSON: name, members, circles.
    """
    from seawall.flow import communities as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(flow.set_community(node, name, members.split(",")))


@communities.command(name="list")
def list_communities() -> None:
    """List communities with their members. JSON items: name, members, circles that exclude it."""
    from seawall.flow import communities as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        node.require("read")
        shut = node.store.circles.list()
        items: list[dict[str, object]] = [
            {
                "name": name,
                "members": members,
                "circles": [terms.name for terms in shut if name in terms.excluded_communities],
            }
            for name, members in sorted(flow.communities(node).items())
        ]
    context.out.table(items, ["name", "members", "circles"], empty="No community yet.")
