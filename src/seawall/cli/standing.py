"""``seawall standing``: what goes without a click, tried before it is agreed to, and the one key that stops it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import Limit

standing = App(name="standing", help="What leaves without a click: rules, dry run, and the key that stops them all.")
app.command(standing)

Positive = Annotated[int | None, Parameter(validator=Number(gte=0, lte=1_000_000_000))]
COLUMNS = ["circle", "name", "types", "last_hour", "cap_per_hour", "last_day", "cap_per_day", "expires_at", "state"]


@standing.command(name="list")
def list_rules() -> None:
    """List the standing releases of all circles, with what each let go in the last hour and day.

    JSON items: circle, name, types, least_confidence, least_sensors, bases, tlp_at_most, last_hour, cap_per_hour,
    last_day, cap_per_day, expires_at, approved_by, state (running, stopped, expired), stopped_by.
    """
    from seawall.flow.node import Node
    from seawall.flow.standing import list_standing

    with Node.open(context.node, token=context.token) as node:
        items = list_standing(node)
    context.out.table(items, COLUMNS, empty="No circle has a standing release; everything takes a click.")


@standing.command(name="set")
def set_rule(
    circle: str,
    name: str,
    /,
    *,
    types: Annotated[str | None, Parameter(help="STIX types that go, separated by commas.")] = None,
    least_confidence: Annotated[
        int | None, Parameter(help="STIX confidence below which it takes a click.", validator=Number(gte=0, lte=100))
    ] = None,
    least_sensors: Annotated[Positive, Parameter(help="Own sensors that must have seen it.")] = None,
    bases: Annotated[str | None, Parameter(help="One of these must stand behind it: alert, honeypot, ...")] = None,
    tlp_at_most: Annotated[str | None, Parameter(help="Strictest marking that goes; never above amber.")] = None,
    cap_per_hour: Annotated[Positive, Parameter(help="Objects in an hour.")] = None,
    cap_per_day: Annotated[Positive, Parameter(help="Objects in a day.")] = None,
    days: Annotated[int | None, Parameter(help="Days until it expires.", validator=Number(gte=1, lte=3_650))] = None,
) -> None:
    """Add a standing release to a circle, or change one; the members have to agree to the new terms.

    Takes a second person (--approver-token). Try it first: 'seawall standing dry-run'. JSON: as 'circles show'.
    """
    from seawall.flow.node import Node
    from seawall.flow.standing import StandingWish, set_standing

    wish = StandingWish(
        circle=circle,
        name=name,
        types=_names(types),
        least_confidence=least_confidence,
        least_sensors=least_sensors,
        bases=_names(bases),
        tlp_at_most=tlp_at_most,
        cap_per_hour=cap_per_hour,
        cap_per_day=cap_per_day,
        days=days,
    )
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(set_standing(node, wish))


@standing.command
def remove(circle: str, name: str, /) -> None:
    """Take a standing release out of a circle's terms. JSON: as 'circles show'."""
    from seawall.flow.node import Node
    from seawall.flow.standing import remove_standing

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(remove_standing(node, circle, name))


@standing.command(name="dry-run")
def try_rules(
    circle: str,
    /,
    *,
    member: Annotated[str | None, Parameter(help="Only to this member.")] = None,
    days: Annotated[int, Parameter(help="What counts as recent.", validator=Number(gte=1, lte=36_500))] = 30,
    limit: Limit = 1_000,
) -> None:
    """Show what a circle's standing releases would send now, if the members agreed; nothing leaves.

    JSON: circle, version, days, would_send, earlier, by_recipient, by_type, by_rule, stays (rule and number),
    stopped_by_cap, items (recipient, id, type, version, rule, what), and the cost.
    """
    from seawall.flow.dry_run import dry_run
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node, context.out.progress("Deciding", rows=True) as bar:
        cost = Cost()
        found = dry_run(node, circle, member=member, days=days, limit=limit, on_page=bar.show)
    document = {**found, **cost.as_dict()}
    if context.json:
        context.out.result(document)
        return
    items = document.pop("items")
    context.out.pairs(document)
    if isinstance(items, list) and items:
        context.out.table(items, ["recipient", "type", "what", "rule", "id"], empty="")


@standing.command
def stop(circle: str | None = None, /) -> None:
    """Stop everything in circles with standing releases, at once and by one person; or in one circle only.

    What waits in their outboxes waits on, approved objects too, until 'seawall standing resume'. Recalls go on.
    JSON: stopped (circles), by, at.
    """
    from seawall.flow.node import Node
    from seawall.flow.standing import stop_standing

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(stop_standing(node, circle))


@standing.command
def resume(circle: str | None = None, /) -> None:
    """Go on after a stop; takes a second person (--approver-token). JSON: stopped (circles), resumed."""
    from seawall.flow.node import Node
    from seawall.flow.standing import resume_standing

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(resume_standing(node, circle))


def _names(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())
