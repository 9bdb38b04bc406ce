"""``seawall scores`` and ``predict``: what still deserves attention, and what is likely to come here next."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter
from cyclopts.validators import Number

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import Limit
from seawall.model import Fault

if TYPE_CHECKING:
    from seawall.flow.predict import Evaluation, Prediction
    from seawall.flow.predict_states import Reason


@app.command
def scores(
    value: str | None = None,
    /,
    *,
    type_: Annotated[str | None, Parameter(name="--type", help="Only values of this type, for example ipv4.")] = None,
    explain: Annotated[bool, Parameter(help="Say what raised and lowered each score.", negative="")] = False,
    limit: Limit = 100,
) -> None:
    """Show how much values still deserve attention, 0 to 100: sources, agreement, sightings, answers, age.

    Without VALUE the highest scores of what our sensors met and peers told. JSON items: type, value, score,
    half_life_seconds, fades_at (when it falls below 20 if nothing more is heard), parties, parts (name, effect, why,
    text, values); and weighed, cut (true: more values are held than are weighed at once).
    """
    from seawall.flow.excluded import read_value, type_named
    from seawall.flow.node import Node
    from seawall.flow.scores import list_scores

    with Node.open(context.node, token=context.token) as node:
        asked = None if value is None else read_value(value, type_)
        kind = None if type_ is None else type_named(type_)
        found = list_scores(node, value=asked, type=kind, limit=limit)
    extra: dict[str, object] = {"weighed": found.weighed, "cut": found.cut}
    context.out.table(
        found.items,
        ["type", "value", "score", "fades_at", "parties"],
        empty="Nothing to score: our sensors met nothing hostile and no peer told of anything.",
        extra=extra,
    )
    if explain and not context.json:
        for item in found.items:
            _explain(item)
    if found.cut:
        context.out.note("More values are held than are weighed at once; ask with --type or for one value.")


def _explain(item: dict[str, Any]) -> None:
    lines = [f"{item['type']} {item['value']}: {item['score']}"]
    for part in item["parts"]:
        lines.append(f"  {part['effect']:+6.1f}  {context.out.tr(part['text'], **part['values'])}")
    if not item["parts"]:
        lines.append("  " + context.out.tr("Nobody says anything of it."))
    context.out.result(None, lines)


@app.command
def predict(
    *,
    days: Annotated[int, Parameter(help="Days of history to learn from.", validator=Number(gte=2, lte=366))] = 30,
    top: Annotated[int, Parameter(help="Length of the list.", validator=Number(gte=1, lte=1_000))] = 20,
    method: Annotated[
        str | None, Parameter(help="lwol, gwol, hpb, ewma, knn, ranker or private; else the best that has enough data.")
    ] = None,
    side: Annotated[str | None, Parameter(help="Only for this side of ours.")] = None,
    sector: Annotated[str | None, Parameter(help="Only for this sector of ours.")] = None,
    unmet: Annotated[bool, Parameter(help="Only values that have not come here yet.", negative="")] = False,
    evaluate: Annotated[
        bool, Parameter(help="Grade all methods on this node's own last days instead.", negative="")
    ] = False,
    liars: Annotated[
        bool, Parameter(help="With --evaluate: also what one lying peer would do to each method.", negative="")
    ] = False,
    plot: Annotated[Path | None, Parameter(help="Draw the list or the grades into this SVG file.")] = None,
) -> None:
    """Say which values are likely to come here next among what peers see, with reasons. Evidence, no verdict.

    JSON: state (ok, or not enough data), missing, notes, method, for_day, for, days, values, meetings, victims, peers,
    left_out, items (rank, type, value, score of the first, attention as 'seawall scores', met_here, days_here, seen_by,
    neighbours, last_day, rests_on_one_peer, reasons) and the cost. With --evaluate items are methods: method,
    test_days, silent_days, listed, hits, came, reachable, precision, precision_between, recall, recall_between,
    recall_of_reachable, f1, false_positives_a_day, beyond_own, first_meetings, median_lead_hours, why_silent.
    """
    from seawall.flow import predict as flow
    from seawall.flow.node import Node

    if liars and not evaluate:
        raise Fault("E-CLI-094", "--liars measures what a lying peer does to the grades; give --evaluate with it.")
    cost = Cost()
    asked = flow.Asked(days=days, top=top, method=method, side=side, sector=sector, unmet=unmet)
    with Node.open(context.node, token=context.token) as node:
        if evaluate:
            with context.out.progress("Grading methods", rows=True) as bar:
                graded = flow.evaluate(node, asked, liars=liars, progress=bar.show)
            _show_grades(graded, plot, cost)
        else:
            _show_predictions(flow.predict(node, asked), plot, cost)


def _show_predictions(found: Prediction, plot: Path | None, cost: Cost) -> None:
    out = context.out
    remarks = {name: [one.why for one in getattr(found, name)] for name in ("missing", "notes")}
    items = found.items
    if not context.json:
        items = [
            item | {"reasons": " ".join(out.tr(one.text, **one.values) for one in why)}
            for item, why in zip(found.items, found.reasons, strict=True)
        ]
    columns = ["rank", "type", "value", "score", "attention", "met_here", "seen_by", "last_day", "reasons"]
    out.table(
        items, columns, empty="Not enough data to predict from.", extra={**found.document, **remarks, **cost.as_dict()}
    )
    _remark([*found.missing, *found.notes])
    if plot is not None:
        from seawall.cli.predict_plot import plot_list

        day, name = found.document["for_day"], found.document["method"] or "-"
        title = out.tr("Likely to come next, for {day} ({method})", day=day, method=name)
        _write(plot, plot_list(found.items, title=title, empty=out.tr("Not enough data to predict from.")))


def _show_grades(found: Evaluation, plot: Path | None, cost: Cost) -> None:
    out = context.out
    remarks = {name: [one.why for one in getattr(found, name)] for name in ("missing", "notes")}
    columns = [
        *("method", "precision", "precision_between", "recall", "recall_between", "f1", "false_positives_a_day"),
        *("beyond_own", "median_lead_hours", "listed", "hits", "came", "test_days"),
    ]
    if found.items and "hits_with_liar" in found.items[0]:
        columns.append("hits_with_liar")
    extra = {**found.document, **remarks, **cost.as_dict()}
    out.table(found.items, columns, empty="Not enough data to measure predictions.", extra=extra)
    _remark([*found.missing, *found.notes])
    for item in found.items:
        if item["silent_days"] and not context.json:
            days, why = item["silent_days"], item["why_silent"]
            out.note("{method} said nothing on {count} days: {why}", method=item["method"], count=days, why=why)
    if plot is not None:
        from seawall.cli.predict_plot import plot_grades

        title = out.tr("Predictions measured on {count} days", count=found.document["test_days"])
        words = {"precision": out.tr("precision"), "recall": out.tr("recall"), "silent": out.tr("not enough data")}
        foot = out.tr("Bars: shares with 95 % intervals; hits of values listed, and of values that came.")
        _write(plot, plot_grades(found.items, title=title, foot=foot, words=words))


def _remark(remarks: list[Reason]) -> None:
    if not context.json:
        for one in remarks:
            context.out.note(one.text, **one.values)


def _write(path: Path, drawn: str) -> None:
    path.write_text(drawn, "utf-8")
