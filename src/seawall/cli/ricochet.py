"""``seawall ricochet``: who is usually hit next, and how soon."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context

COLUMNS = ["from", "to", "count", "campaigns", "by_chance", "share", "median_hours", "warn_within_hours"]


@app.command
def ricochet(
    *,
    by: Annotated[str, Parameter(help="Places are: sector, side, or side-sector.")] = "sector",
    from_: Annotated[str | None, Parameter(name="--from", help="Only what follows on this place.")] = None,
    hours: Annotated[float, Parameter(help="How long a next hit is waited for.")] = 168,
    plot: Annotated[Path | None, Parameter(help="Draw the graph into this SVG file.")] = None,
) -> None:
    """Show who is usually hit next, how soon, and where campaigns begin. No rate comes from too few campaigns.

    JSON: by, from, grouped_at, campaigns, chains (campaigns with two places or more), left_out_one_peer_alone,
    bound_hours, observed_until, min_campaigns, min_delays, weakest (the place most often first, more than chance gives;
    null), items (from, to, count, campaigns, expected_by_chance, share, share_interval, median_hours, median_interval,
    warn_within_hours, not_enough: campaigns or delays), next, places (place, campaigns, chains, first,
    expected_first_by_chance, share_first, share_first_interval, goes_on, goes_on_interval), places_left_out.
    """
    from seawall.flow.node import Node
    from seawall.flow.ricochet import describe

    with Node.open(context.node, token=context.token) as node:
        document, found = describe(node, by=by, hours=hours, origin=from_)
    if plot is not None:
        from seawall.warn.ricochet_plot import plot as drawn

        title = context.out.tr("Ricochet: who is hit next")
        foot = context.out.tr(
            "{chains} campaigns with two places or more; a next hit is waited for {hours} hours; "
            "dashed: not enough data.",
            chains=found.chains,
            hours=round(found.bound_hours),
        )
        plot.write_text(drawn(found, title=title, foot=foot, empty=context.out.tr("Not enough data.")), "utf-8")
    if context.json:
        context.out.result(document)
        return
    items = document["items"]
    rows = [_row(item) for item in items] if isinstance(items, list) else []
    context.out.table(
        rows,
        COLUMNS,
        empty="Not enough data: no campaign that was watched for the whole time went from one place to another; "
        "wait for fewer --hours, or until there is more history.",
    )
    _tell(document, rows, from_)


def _row(item: dict[str, object]) -> dict[str, object]:
    missing = context.out.tr("not enough data")
    return {
        "from": item["from"],
        "to": item["to"],
        "count": item["count"],
        "campaigns": item["campaigns"],
        "by_chance": item["expected_by_chance"],
        "share": missing if item["share"] is None else _percent(item["share"], item["share_interval"]),
        "median_hours": missing if item["median_hours"] is None else _hours(item),
        "warn_within_hours": missing if item["warn_within_hours"] is None else f"{item['warn_within_hours']:.1f}",
        "usable": item["warn_within_hours"],
    }


def _percent(share: object, interval: object) -> str:
    low, high = interval if isinstance(interval, list) else (0.0, 1.0)
    return f"{100 * float(str(share)):.0f} % ({100 * low:.0f}-{100 * high:.0f} %)"


def _hours(item: dict[str, object]) -> str:
    low, high = item["median_interval"] if isinstance(item["median_interval"], list) else (0.0, 0.0)
    return f"{item['median_hours']:.1f} ({low:.1f}-{high:.1f})"


def _tell(document: dict[str, object], rows: list[dict[str, object]], origin: str | None) -> None:
    out = context.out
    lines = [""]
    if document["weakest"] is not None:
        lines.append(out.tr("Campaigns begin most often at: {place}.", place=document["weakest"]))
    if origin is not None:
        usable = [row for row in rows if row["usable"] is not None]
        lines += [
            out.tr(
                "If {origin} is hit today, warn {target} within {hours} hours "
                "({count} of {campaigns} campaigns, {share}).",
                origin=origin,
                target=row["to"],
                hours=row["warn_within_hours"],
                count=row["count"],
                campaigns=row["campaigns"],
                share=row["share"],
            )
            for row in usable
        ] or [out.tr("Not enough data to say whom to warn after {origin}.", origin=origin)]
    lines.append(
        out.tr(
            "From {campaigns} campaigns, {chains} of them with two places or more; shares need {least} campaigns.",
            campaigns=document["campaigns"],
            chains=document["chains"],
            least=document["min_campaigns"],
        )
    )
    context.out.result(None, lines)
