"""``seawall leads``: seen there first, coming here next."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit
from seawall.model import Fault

GROUP_COLUMNS = [
    "group", "both", "only_there", "only_here", "first_there", "raw_lead", "usable_lead", "within_7_days", "over_null",
    "q_there", "q_here", "flags",
]  # fmt: skip
VALUE_COLUMNS = [
    "type", "value", "peer", "first", "there_first_seen", "here_first_seen", "raw_lead", "usable_lead", "taken_out",
]  # fmt: skip


@app.command
def leads(
    *,
    by: Annotated[str, Parameter(help="observable, campaign, sector, peer, type or all.")] = "peer",
    since: Annotated[str | None, Parameter(help="Only values that nobody had met before (RFC 3339).")] = None,
    peer: Annotated[str | None, Parameter(help="Only this peer, or this side of the lake.")] = None,
    null: Annotated[str, Parameter(help="What chance is: permute or thin.")] = "permute",
    plot: Annotated[Path | None, Parameter(help="Draw shares and leads into this SVG file.")] = None,
    limit: Limit = 1000,
    after: After = 0,
) -> None:
    """Measure who sees attacks first: shares, leads, how much was usable, and what chance alone would show.

    Leads are seconds, positive where it was seen there first; intervals are 95 %. JSON: items (by observable: type,
    value, peer, campaign, sectors, first, there_first_seen, here_first_seen, told_at, proved_at, raw_lead_seconds,
    usable_lead_seconds, sharing_delay_seconds, taken_out; else group, state, both, only_there, only_here, first_there,
    first_here, share_first_there with share_low and share_high, proved_first_there, raw_lead_seconds, told_in_time,
    usable_lead_seconds, told_them_in_time, their_usable_lead_seconds, sharing_delay_seconds, within, tested,
    null_share, null_lead_seconds, lead_over_null_seconds, p_there, q_there, p_here, q_here, flags, taken_out), next,
    by, null, draws, seed, least_both, source, here, parties, since, until, state, says, whole, clocks,
    corrected_sensors, and the cost.
    """
    from seawall.flow.leads import leads as measure
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        document = measure(node, by=by, since=since, peer=peer, null=null, limit=limit, after=after)
    if plot is not None:
        _draw(plot, document)
    if context.json:
        context.out.result({**document, **cost.as_dict()})
        return
    _shown(document)


def _shown(document: Mapping[str, Any]) -> None:
    """The state in a sentence, the table, then what was taken out and what the flags mean."""
    from seawall.flow.leads import SAYS
    from seawall.warn.lead import FLAGS, TAKEN_OUT, State

    out, whole = context.out, document["whole"]
    sentence = out.tr(SAYS[State(document["state"])], both=whole["both"], least=document["least_both"])
    if document["by"] == "observable":
        rows = [_value_row(item) for item in document["items"]]
        out.table(rows, VALUE_COLUMNS, empty=sentence, following=document["next"])
    else:
        rows = [_group_row({**whole, "group": "all"}), *(_group_row(item) for item in document["items"])]
        out.table(rows if document["state"] != "empty" else [], GROUP_COLUMNS, empty=sentence,
                  following=document["next"])  # fmt: skip
    if document["state"] != "empty":
        out.note(sentence)
    for name, count in whole["taken_out"].items():
        out.note("{count} taken out ({name}): {reason}", count=count, name=name, reason=out.tr(TAKEN_OUT[name]))
    shown = [whole, *document["items"]] if document["by"] != "observable" else [whole]
    for name in [name for name in FLAGS if any(name in item["flags"] for item in shown)]:
        out.note("{name}: {meaning}", name=name, meaning=out.tr(FLAGS[name]))
    for clock in document["clocks"]:
        out.note(
            "The clock of {party} seems {seconds} s ahead of ours ({low} to {high}).",
            party=clock["party"],
            seconds=f"{clock['ahead_seconds']:.0f}",
            low=f"{clock['low']:.0f}",
            high=f"{clock['high']:.0f}",
        )


def _group_row(item: Mapping[str, Any]) -> dict[str, object]:
    week = next((one for one in item["within"] if one["days"] == 7), None)
    share = _percent(item["share_first_there"], item["share_low"], item["share_high"])
    over = item["lead_over_null_seconds"]
    return {
        "group": item["group"],
        "both": item["both"],
        "only_there": item["only_there"],
        "only_here": item["only_here"],
        "first_there": share,
        "raw_lead": _hours(item["raw_lead_seconds"], item["raw_low"], item["raw_high"]),
        "usable_lead": _hours(item["usable_lead_seconds"], item["usable_low"], item["usable_high"]),
        "within_7_days": None if week is None else _percent(week["share"], week["low"], week["high"]),
        "over_null": None if over is None else _hours(over, None, None),
        "q_there": None if item["q_there"] is None else f"{item['q_there']:.3g}",
        "q_here": None if item["q_here"] is None else f"{item['q_here']:.3g}",
        "flags": item["flags"],
    }


def _value_row(item: Mapping[str, Any]) -> dict[str, object]:
    moments = ("there_first_seen", "here_first_seen")
    return {
        **item,
        **{name: context.out.moment(item[name]) if item[name] else None for name in moments},
        "raw_lead": _hours(item["raw_lead_seconds"], None, None),
        "usable_lead": _hours(item["usable_lead_seconds"], None, None),
    }


def _hours(value: float | None, low: float | None, high: float | None) -> str | None:
    if value is None:
        return None
    ends = f" ({low / 3600:,.1f} - {high / 3600:,.1f})" if low is not None and high is not None else ""
    return f"{value / 3600:,.1f} h{ends}"


def _percent(value: float | None, low: float | None, high: float | None) -> str | None:
    if value is None:
        return None
    ends = f" ({low:.0%} - {high:.0%})" if low is not None and high is not None else ""
    return f"{value:.0%}{ends}"


def _draw(file: Path, document: Mapping[str, Any]) -> None:
    from seawall.cli.leads_plot import plot

    out = context.out
    if document["by"] == "observable":
        raise Fault("E-CLI-091", "Single values cannot be drawn; group them with --by.")
    words = {
        "title": out.tr("Who saw it first, and how much of that was usable"),
        "share": out.tr("share first seen there (grey: by chance alone)"),
        "lead": out.tr("median usable lead"),
        "foot": out.tr("95 % intervals. Values met on both sides; what was taken out is not counted."),
        "little": out.tr("not enough data"),
    }
    whole = {**document["whole"], "group": out.tr("all")}
    file.write_text(plot([whole, *document["items"]], words), "utf-8")
