"""``seawall worth``: what a link is worth, and what silence costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.model import Fault

if TYPE_CHECKING:
    from seawall.flow.node import Node

COLUMNS = [
    "circle", "month", "given", "received", "told_values", "warned", "confirmed", "refuted", "unanswered",
    "answer_time", "told_in_time", "usable_hours_won", "blocks_that_hit",
]  # fmt: skip


@app.command
def worth(
    *,
    circle: Annotated[str | None, Parameter(help="Only this circle.")] = None,
    month: Annotated[str | None, Parameter(help="Only this month, as YYYY-MM.")] = None,
    replay: Annotated[
        bool, Parameter(help="Replay the last days: what reached us that they saw first.", negative="")
    ] = False,
    days: Annotated[int, Parameter(help="With --replay: how many days.", validator=Number(gte=1, lte=3_650))] = 90,
    peer: Annotated[str | None, Parameter(help="With --replay: only this peer, or this side of the lake.")] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="With --replay: write one page, .html or .svg.")
    ] = None,
) -> None:
    """Say what exchange is worth by circle and month; with --replay what silence cost, as one page for a minister.

    JSON items: circle, month, given, received (objects), told_values, warned, confirmed, refuted, unanswered,
    median_answer_seconds, their_confirmed, their_refuted, told_in_time, usable_hours_won, median_usable_seconds,
    blocked_values, blocks_that_hit. With --replay: days, since, until, peers, here, one_lake, state, headline, units,
    campaigns, seen_first_there, share_low, share_high, median_lead_seconds, lead_low, lead_high, expected_by_chance,
    chance_low, chance_high, p_there, proved_first_there, told_in_time, usable_lead_seconds, seen_first_here,
    only_there, leads, flags, taken_out, draws, seed, written, and the cost.
    """
    from seawall.flow.node import Node

    if not replay and (output is not None or peer is not None or days != 90):
        raise Fault("E-CLI-092", "--days, --peer and --output go with --replay.")
    if replay and (circle is not None or month is not None):
        raise Fault("E-CLI-093", "--circle and --month do not go with --replay.")
    with Node.open(context.node, token=context.token) as node:
        if replay:
            _replay(node, days, peer, output)
            return
        from seawall.flow.worth import worth as count

        document = count(node, circle=circle, month=month)
    rows = [{**item, "answer_time": _hours(item["median_answer_seconds"])} for item in document["items"]]
    items = document["items"] if context.json else rows
    context.out.table(items, COLUMNS, empty="Not enough data: nothing was given or received yet.")


def _replay(node: Node, days: int, peer: str | None, output: Path | None) -> None:
    import msgspec

    from seawall.flow.worth_page import drawing, headline, page
    from seawall.flow.worth_replay import replay

    cost = Cost()
    found = replay(node, days=days, peer=peer)
    lang = context.out.lang
    if output is not None:
        output.write_text(drawing(found, lang) if output.suffix.lower() == ".svg" else page(found, lang), "utf-8")
    sentence = headline(found, lang)
    plain = {**msgspec.to_builtins(found), "headline": sentence, "written": str(output) if output else None}
    context.out.result({**plain, **cost.as_dict()}, [sentence])


def _hours(seconds: object) -> str | None:
    return f"{seconds / 3600:,.1f} h" if isinstance(seconds, int | float) else None
