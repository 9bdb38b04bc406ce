"""``seawall match`` and ``sightings``: what hits us."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit


@app.command
def match(
    *,
    since: Annotated[str | None, Parameter(help="Only events from this moment on (RFC 3339).")] = None,
    rebuild: Annotated[bool, Parameter(help="Forget earlier matches and compute anew.", negative="")] = False,
    exact: Annotated[bool, Parameter(help="Domains match by equality only.", negative="")] = False,
) -> None:
    """Compare the lake with the indicators; totals are for the whole lake, increments in new.

    JSON: events, hits, matched_events, aggregates, indicators_hit, sightings, by_indicator_type, both_sides (null, or
    indicators, campaigns, median_lag_seconds), new, patterns (evaluated, left_out: indicators that are more than a list
    of values), problems (which were left out, and why), and the cost.
    """
    from seawall.flow.node import Node
    from seawall.flow.pipeline import run_match

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        document = run_match(node, since=since, rebuild=rebuild, exact=exact, waiting=context.out.waiting)
    context.out.pairs({**document, **cost.as_dict()})


@app.command
def sightings(*, limit: Limit = 100, after: After = 0) -> None:
    """List which indicators were seen, on which side, when and in which sectors.

    JSON items: type, value, side, first_seen, last_seen, count, sectors, indicator_id, basis, tlp, pap, origin.
    """
    from seawall.flow.findings import list_sightings
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        page = list_sightings(node, limit=limit, after=after)
    columns = ["type", "value", "side", "first_seen", "last_seen", "count", "sectors", "origin"]
    context.out.table(page.items, columns, empty="No sighting yet.", following=page.next)
