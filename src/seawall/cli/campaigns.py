"""``seawall campaigns``: what probably belongs together, and why."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit

campaigns = App(name="campaigns", help="What probably belongs to one piece of an attacker's work, and why.")
app.command(campaigns)

COLUMNS = ["id", "name", "first_seen", "last_seen", "sides", "sectors", "values"]
Since = Annotated[str | None, Parameter(help="Only those met since this moment (RFC 3339).")]
Sector = Annotated[str | None, Parameter(help="Only those met in this sector.")]
Side = Annotated[str | None, Parameter(help="Only those met on this side.")]


@campaigns.default
@campaigns.command(name="list")
def list_(
    *, since: Since = None, sector: Sector = None, side: Side = None, limit: Limit = 100, after: After = 0
) -> None:
    """List campaigns: groups by evidence, never a verdict about who did it.

    JSON items: id, name, first_seen, last_seen, sides and sectors (in order of arrival), values, reasons (kind, family,
    value, weight, members, text), merged_into, split_from, only_from (the one peer that told all of it), tlp, pap; and
    grouped_at (null: never grouped yet).
    """
    from seawall.flow.campaigns_shown import grouped_at, list_campaigns
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        page = list_campaigns(
            node, since=since, sector=sector, side=side, limit=limit, after=after, lang=context.out.lang
        )
        moment = grouped_at(node)
    if moment is None and not context.json:
        context.out.result(
            None, [context.out.tr("Campaigns have not been grouped yet; run 'seawall campaigns build'.")]
        )
        return
    context.out.table(
        page.items,
        COLUMNS,
        empty="Nothing here belongs together as far as the evidence goes.",
        following=page.next,
        extra={"grouped_at": moment},
    )


@campaigns.command
def show(id: str, /, *, limit: Limit = 200, after: After = 0) -> None:
    """Show one campaign: why it holds together, where it came when, its values, what it may be linked to.

    JSON: as in the list, and founders, timeline (side, sector, first_seen, last_seen, values), techniques,
    possible_links (object_id, name, kind, possible, reasons), history (at, kind, other, values), members (type, value,
    first_seen, last_seen, sides, weight, only_from, reasons), next (of the members).
    """
    from seawall.flow.campaigns_shown import show_campaign
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        told = show_campaign(node, id, limit=limit, after=after, lang=context.out.lang)
    if context.json:
        context.out.result(told)
        return
    plain = ("id", "name", "first_seen", "last_seen", "sides", "sectors", "values", "only_from", "tlp", "pap")
    context.out.pairs({name: told[name] for name in (*plain, "merged_into", "split_from", "techniques")})
    context.out.result(None, ["", context.out.tr("Why:"), *_sentences(told["reasons"])])
    context.out.result(None, ["", context.out.tr("Where, and when first:")])
    context.out.table(_rows(told["timeline"]), ["side", "sector", "first_seen", "values"], empty="No sector is known.")
    context.out.result(None, ["", context.out.tr("Possible links, for a person to judge:")])
    links = [
        {"name": link["name"], "kind": link["kind"], "why": "; ".join(_sentences(link["reasons"]))}
        for link in _rows(told["possible_links"])
    ]
    context.out.table(links, ["name", "kind", "why"], empty="Nothing imported resembles it.")
    context.out.result(None, ["", context.out.tr("Values:")])
    members = [{**one, "why": "; ".join(_sentences(one["reasons"]))} for one in _rows(told["members"])]
    context.out.table(
        members, ["type", "value", "first_seen", "weight", "why"], empty="No value any more.", following=told["next"]
    )


@campaigns.command
def explain(
    value: str,
    /,
    *,
    type: Annotated[str | None, Parameter(help="The type, where the value does not tell.")] = None,
) -> None:
    """Say why a value stands in its campaign.

    JSON: type, value, first_seen, last_seen, sides, weight (of its strongest link; 1 is enough), only_from, reasons,
    campaign, campaign_name, campaign_values, campaign_reasons.
    """
    from seawall.flow.campaigns_shown import explain_value
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        told = explain_value(node, value, type=type, lang=context.out.lang)
    if context.json:
        context.out.result(told)
        return
    lines = [f"{told['value']}  {told['campaign']}  {told['campaign_name']}", ""]
    mine = _sentences(told["reasons"]) or [
        context.out.tr("It was linked through what its group shares as a whole, no single value of it.")
    ]
    context.out.result(None, [*lines, *mine, "", context.out.tr("Why the campaign holds together:")])
    context.out.result(None, _sentences(told["campaign_reasons"]))


@campaigns.command
def build(
    *,
    rebuild: Annotated[
        bool, Parameter(help="Forget the campaigns of before, their names and history too.", negative="")
    ] = False,
) -> None:
    """Group what is known into campaigns now; 'seawall serve' does it after matching.

    JSON: values, campaigns, new, merged, split, ended, changed (false: nothing is new), and the cost.
    """
    from seawall.flow.campaigns import build_campaigns
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        done = build_campaigns(node, rebuild=rebuild)
    context.out.pairs({**done, **cost.as_dict()})


@campaigns.command
def release(
    id: str,
    /,
    *,
    circle: Annotated[str, Parameter(help="The circle whose members shall have it.")],
    name: Annotated[str | None, Parameter(help="What it is called there; the name kept here stays here.")] = None,
) -> None:
    """Release a campaign with its values as STIX objects, to whom the circle's terms permit: your grouping, no verdict.

    JSON: id, campaign (its STIX id, for 'seawall recall'), name, circle, released, objects (campaign, relationships,
    grouping), values (indicators that went along for a decision), recipients (member: campaign, released, withheld,
    rules), approved_by. Released to nobody is status 3.
    """
    from seawall.flow.campaigns_told import release_campaign
    from seawall.flow.node import Node
    from seawall.model import Refused

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        done = release_campaign(node, id, circle, name=name)
    context.out.pairs(done)
    if not done["released"]:
        raise Refused(
            "E-CLI-006",
            "{id} was released to nobody in {circle}; 'seawall why' names the rule.",
            id=done["campaign"],
            circle=repr(circle[:64]),
        )


@campaigns.command
def told(*, limit: Limit = 100) -> None:
    """List campaigns that peers told: their groupings, and which of yours may be the same.

    JSON items: id, name, origin (the peer), description, first_seen, last_seen, values (how many it names), ours (ids
    of campaigns here that share its values), told_at, tlp, pap.
    """
    from seawall.flow.campaigns_told import told_campaigns
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        rows = told_campaigns(node, limit=limit)
    context.out.table(
        rows, ["id", "name", "origin", "first_seen", "last_seen", "values", "ours"], empty="No peer told a campaign."
    )


@campaigns.command
def released() -> None:
    """List your released campaigns and what became of each since; those that need a person come first.

    JSON items: id, campaign (its STIX id, for 'seawall recall'), name, told_at, circles (where it stands), values
    (now), state (current, changed, merged, ended, recalled), merged_into, to_do.
    """
    from seawall.flow.campaigns_released import released_campaigns
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        rows = released_campaigns(node, lang=context.out.lang)
    context.out.table(
        rows, ["id", "campaign", "name", "told_at", "state", "to_do"], empty="No campaign was released yet."
    )


def _rows(value: object) -> list[dict[str, object]]:
    return value if isinstance(value, list) else []


def _sentences(reasons: object) -> list[str]:
    return [f"{reason['text']} ({reason['members']}, {reason['weight']})" for reason in _rows(reasons)]
