"""``seawall protect``: what may be blocked, in the form that enforcement tools load."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit
from seawall.model.directive import Action

protect = App(name="protect", help="What is enforced where: the order book, exports for tools, and the kill switch.")
app.command(protect)

Points = Annotated[list[str] | None, Parameter(name="--point", help="Only at this point; may be repeated.")]


@protect.command
def export(
    *,
    to: Annotated[
        str,
        Parameter(
            help="rpz, unbound, nftables, crowdsec, suricata, suricata-iprep, haproxy, squid, nginx, postfix, splunk, "
            "elastic, sigma, sigma-splunk, sigma-lucene, sigma-kusto, yara, text or csv."
        ),
    ],
    output: Annotated[
        Path | None,
        Parameter(
            name=["-o", "--output"],
            help="File, or folder where the export has several files; else standard output.",
        ),
    ] = None,
    include_watch: Annotated[
        bool, Parameter(help="Also write what may only be watched, marked so.", negative="")
    ] = False,
) -> None:
    """Export what may be blocked: own and imported indicators, and a peer's under auto-enforce.

    JSON (needs -o): to, made_at, written, blocks, watches, by_action, by_type, left_out, left_out_items, first_expiry,
    output, and the cost.
    """
    from seawall.flow.node import Node
    from seawall.flow.protect import export as write

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        summary = write(node, to, output=output, include_watch=include_watch, json=context.json)
    if output is not None:
        context.out.pairs({**summary, **cost.as_dict()})


@protect.command
def apply(
    value: str,
    /,
    *,
    type: Annotated[str | None, Parameter(help="Type of the value, where it is not plain.")] = None,
    warning: Annotated[bool, Parameter(help="It stands in a warning; no indicator need name it.", negative="")] = False,
    ours: Annotated[bool, Parameter(help="Our own word; no indicator need name it.", negative="")] = False,
    point: Points = None,
    action: Annotated[
        Action, Parameter(help="What tools are to do. One that cannot does the nearest that it can, and never more.")
    ] = Action.BLOCK,
    hours: Annotated[
        float | None, Parameter(help="End it after so long; else after its type's life.", validator=Number(gt=0))
    ] = None,
    reason: Annotated[str, Parameter(help="Why, for those who read the record later.")] = "",
) -> None:
    """Put a value in force, past the lanes and never past the safety gate.

    What may hit many (a wide network, many sessions of ours) takes a second person (--approver-token). At a plant
    (--point of zone ot or safety) it is the owner's leave: in an open maintenance window, after a dry run by
    'seawall protect preview --point', until the window ends.
    Another action replaces the one before. JSON: value, type, action, undo, state, expires_at, release, points,
    approved_by.
    """
    from seawall.flow.node import Node
    from seawall.flow.orders_acts import ApplyWish, apply_order

    wish = ApplyWish(
        value=value,
        type=type,
        warning=warning,
        ours=ours,
        reason=reason,
        hours=hours,
        points=tuple(point or ()),
        action=action,
    )
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(apply_order(node, wish))


@protect.command
def preview(
    values: Annotated[tuple[str, ...], Parameter(help="Values; none: what a refresh would make of all.")] = (),
    /,
    *,
    type: Annotated[str | None, Parameter(help="Type of the values, where it is not plain.")] = None,
    point: Points = None,
    action: Annotated[Action, Parameter(help="What tools would be asked to do with given values.")] = Action.BLOCK,
    limit: Limit = 100,
    after: After = 0,
) -> None:
    """Dry run: what would be enforced where if a person applied it, what not, and why. Nothing changes.

    JSON items: value, type, enforced, action, state, lane, rule, why, points (point, zone, effect, why, tools),
    expires_at,
    needs_two_people, flags, radius (known, sessions, hosts, days, looked_at), undo; of given values also now.
    """
    from seawall.flow.node import Node
    from seawall.flow.orders_shown import preview_book, preview_values

    out = context.out
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        if values:
            found: dict[str, object] = {
                "items": preview_values(node, values, type, point or (), out.lang, action),
                "next": None,
            }
        else:
            found = preview_book(node, after, limit, out.lang)
    _page(found, ["value", "type", "action", "state", "lane", "why"], empty="No indicator is held; import some first.")


@protect.command
def status(
    value: Annotated[str | None, Parameter(help="Only this value.")] = None,
    /,
    *,
    type: Annotated[str | None, Parameter(help="Type of the value, where it is not plain.")] = None,
    point: Annotated[str | None, Parameter(help="Only what acts at this point.")] = None,
    state: Annotated[str | None, Parameter(help="watch, canary, active or expired; else all that is in force.")] = None,
    limit: Limit = 100,
    after: After = 0,
) -> None:
    """Show what is enforced where, since when, by which release, until when, and its hits.

    JSON items: value, type, action, state, lane, why, points (point, zone, effect, why, tools), since, starts_at,
    expires_at, release, source, origin, reason, score, flags, hits, last_hit, undo; beside them last, totals,
    killed, points (as 'points list', with heard_at, held, drift, behind, trouble of its agent), exports (to,
    output, made_at, by, blocks, watches, left_out, first_expiry) and undone (undo, at, by, reason).
    """
    from seawall.flow.node import Node
    from seawall.flow.orders_shown import StatusWish, book_summary, list_orders

    out = context.out
    wish = StatusWish(value=value, type=type, point=point, state=state, after=after, limit=limit)
    with Node.open(context.node, token=context.token) as node:
        found, summary = list_orders(node, wish, out.lang), book_summary(node)
    if out.json:
        _page(found | summary, [], empty="")
        return
    shown = [row | {"where": _where(row), "leaf": _leaf(row)} for row in _rows(found["items"])]
    columns = ["value", "type", "action", "state", "lane", "where", "since", "expires_at", "leaf", "hits", "undo"]
    out.table(shown, columns, empty="Nothing is in force; 'seawall protect preview' shows what could be.",
              following=found["next"])  # fmt: skip
    if isinstance(killed := summary["killed"], dict):
        out.note("{by} threw the kill switch at {at}: nothing is enforced anywhere.", by=killed["by"],
                 at=out.moment(str(killed["at"])))  # fmt: skip
    if summary["points"]:
        columns = ["name", "zone", "tools", "held", "held_back", "drift", "behind", "heard_at", "killed_by"]
        out.table(_rows(summary["points"]), columns, empty="")
    if summary["exports"]:
        columns = ["made_at", "to", "output", "by", "blocks", "watches", "left_out", "first_expiry"]
        out.table(_rows(summary["exports"]), columns, empty="")
    if summary["undone"]:
        out.table(_rows(summary["undone"]), ["undo", "at", "by", "reason"], empty="")


@protect.command
def kill(
    *,
    point: Annotated[str | None, Parameter(help="Only at this point; else at all.")] = None,
    lift: Annotated[bool, Parameter(help="Go on; takes a second person (--approver-token).", negative="")] = False,
    reason: Annotated[str, Parameter(help="Why, for those who read the record later.")] = "",
) -> None:
    """Throw the kill switch: everything out of every tool, at once, by one person; or lift it again.

    JSON: killed, by, at, reason; with --lift: lifted, approved_by.
    """
    from seawall.flow.node import Node
    from seawall.flow.orders_acts import kill_all, lift_kill

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(lift_kill(node, point or "") if lift else kill_all(node, point or "", reason))


@protect.command
def undo(
    directive: str,
    /,
    *,
    type: Annotated[str | None, Parameter(help="Type of the value, where it is not plain.")] = None,
    reason: Annotated[str, Parameter(help="Why, for those who read the record later.")] = "",
    again: Annotated[bool, Parameter(help="Give a directive free that was taken back.", negative="")] = False,
) -> None:
    """Take one directive back, by its value or by the name that is shown as 'undo'; the order book follows at once.

    JSON: undo, undone, by, reason.
    """
    from seawall.flow.node import Node
    from seawall.flow.undo import name_of, undo_directive

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(undo_directive(node, name_of(node, directive, type), reason=reason, again=again))


@protect.command
def resolver(
    tool: Annotated[str, Parameter(help="bind, unbound, powerdns, knot or knot-resolver.")],
    /,
    *,
    parts: Annotated[
        bool, Parameter(help="Follow the blocked names in sixteen parts: for 20,000 names and more.", negative="")
    ] = False,
    address: Annotated[str, Parameter(help="Where the policy zones are served.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="Its port.", validator=Number(gte=1, lte=65_535))] = 8753,
    zone: Annotated[str, Parameter(help="The zones' common name.")] = "rpz.seawall",
    key: Annotated[str, Parameter(help="Name of the shared key; '' for none.")] = "seawall-rpz",
) -> None:
    """Print the configuration by which a resolver follows our policy zones; it needs no node.

    JSON: tool, zones, text.
    """
    from seawall.protect.rpz.resolvers import Follow, configuration

    follow = Follow(address, port, zone, parts, "" if tool == "unbound" else key)
    text = configuration(tool, follow)
    if context.json:
        context.out.pairs({"tool": tool, "zones": [name for name, _ in follow.zones()], "text": text})
    else:
        sys.stdout.write(text)


def _page(found: dict[str, object], columns: list[str], *, empty: str) -> None:
    extra = {key: value for key, value in found.items() if key not in ("items", "next")}
    context.out.table(_rows(found["items"]), columns, empty=empty, following=found["next"], extra=extra)


def _rows(items: object) -> list[dict[str, object]]:
    return items if isinstance(items, list) else []


def _where(row: dict[str, object]) -> str:
    return ", ".join(f"{one['point']}: {one['effect']}" for one in _rows(row["points"]))


def _leaf(row: dict[str, object]) -> str:
    """The ledger's leaf of the release that permits an order; JSON has its hash too."""
    return str(row["release"]).partition(":")[0]
