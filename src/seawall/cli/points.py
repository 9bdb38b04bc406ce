"""``seawall points``: the places where tools act, their zones and owners."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.model.directive import Action

points = App(name="points", help="Enforcement points: where tools act, in which zone, in whose hands.")
app.command(points)

Zone = Annotated[str | None, Parameter(help="internet-edge, office, ot or safety.")]
Place = Annotated[str | None, Parameter(help="In whose hands it is: own, cloud or country.")]
Tools = Annotated[str | None, Parameter(help="Tools there, separated by commas: nftables,suricata.")]
Owner = Annotated[str | None, Parameter(help="Who answers for the plant: a person of this node (ot, safety).")]
Windows = Annotated[
    list[str] | None, Parameter(name="--window", help="Maintenance window FROM/TO (ot, safety); may be repeated.")
]
Most = Annotated[
    int | None,
    Parameter(help="Orders that may stand there at the same time (internet-edge 1000000, office 200000, else 50000)."),
]
PerHour = Annotated[
    int | None,
    Parameter(help="Orders that may be new there within an hour (internet-edge 1000000, office 50000, else 5000)."),
]
PeerAction = Annotated[Action | None, Parameter(help="What a peer's value does there that no person put in force.")]
COLUMNS = ["name", "zone", "place", "tools", "stops_traffic", "peer_action", "owner", "most", "per_hour", "killed_by"]


@points.command
def add(
    name: str,
    /,
    *,
    zone: Zone = None,
    place: Place = "own",
    tools: Tools = None,
    owner: Owner = None,
    window: Windows = None,
    most: Most = None,
    per_hour: PerHour = None,
    peer_action: PeerAction = None,
) -> None:
    """Add an enforcement point.

    In zones ot and safety nothing is stopped unless the owner permits it in a maintenance window.
    Where not all orders may stand or come in at once, what people put in force goes first, then our own, then peers'
    by score; the others wait, and 'seawall protect status' names them.
    JSON: name, zone, place, tools, stops_traffic, peer_action, owner, windows (begins_at, ends_at, open), most,
    per_hour, new_within_hour, held_back (by cap), agent, killed_by, killed_at.
    """
    from seawall.flow.node import Node
    from seawall.flow.points import PointWish, add_point

    wish = PointWish(
        name=name,
        zone=zone,
        place=place,
        tools=_names(tools),
        owner=owner,
        windows=tuple(window) if window else None,
        most=most,
        per_hour=per_hour,
        peer_action=peer_action,
    )
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(add_point(node, wish))


@points.command(name="list")
def list_all() -> None:
    """List the enforcement points. JSON items: as 'points add' prints one."""
    from seawall.flow.node import Node
    from seawall.flow.points import list_points

    with Node.open(context.node, token=context.token) as node:
        items = list_points(node)
    context.out.table(items, COLUMNS, empty="There is no enforcement point; 'seawall points add' makes one.")


@points.command
def change(
    name: str,
    /,
    *,
    zone: Zone = None,
    place: Place = None,
    tools: Tools = None,
    owner: Owner = None,
    window: Windows = None,
    most: Most = None,
    per_hour: PerHour = None,
    peer_action: PeerAction = None,
    zone_caps: Annotated[bool, Parameter(help="Both caps as the zone is given.", negative="")] = False,
    close_windows: Annotated[bool, Parameter(help="Drop all maintenance windows.", negative="")] = False,
) -> None:
    """Change a point. What would weaken a plant's protection (its zone, its owner) takes a second person.

    JSON: as 'points add'.
    """
    from seawall.flow.node import Node
    from seawall.flow.points import PointWish, change_point

    wish = PointWish(
        name=name,
        zone=zone,
        place=place,
        tools=_names(tools),
        owner=owner,
        windows=tuple(window) if window else None,
        close_windows=close_windows,
        most=most,
        per_hour=per_hour,
        peer_action=peer_action,
        zone_caps=zone_caps,
    )
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(change_point(node, wish))


@points.command
def remove(name: str, /) -> None:
    """Forget a point; of a plant this takes a second person. JSON: removed."""
    from seawall.flow.node import Node
    from seawall.flow.points import remove_point

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(remove_point(node, name))


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())
