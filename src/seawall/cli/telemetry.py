"""``seawall sensors``, ``assets``, ``ingest``, ``observations``, ``quarantine``: the telemetry side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.explaining import show_explanation
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit
from seawall.model import ExitStatus

sensors = App(name="sensors", help="Which sensor belongs to which side and sector.")
assets = App(name="assets", help="Which addresses and names are ours.")
app.command(sensors)
app.command(assets)


@sensors.command(name="import")
def import_sensors(
    csv: Path,
    /,
    *,
    relabel: Annotated[bool, Parameter(help="Rows already in the lake take over the table too.", negative="")] = False,
) -> None:
    """Import a CSV with columns sensor, side, sector and optionally timezone.

    JSON: sensors (in this file), total (in the table), relabelled (rows in the lake that changed).
    """
    from seawall.flow.node import Node
    from seawall.flow.tables import import_sensors as load
    from seawall.flow.tables import relabel_rows

    cost, out = Cost(), context.out
    with Node.open(context.node, token=context.token) as node:
        document = load(node, csv)
        if relabel:
            with out.progress("Relabelling", rows=True) as bar:

                def progress(done: int, total: int | None, changed: int) -> None:
                    bar.show(done, total, f"{changed:,}")

                document |= relabel_rows(node, progress=progress, waiting=out.waiting)
            document |= cost.as_dict()
    out.pairs(document)


@assets.command(name="import")
def import_assets(csv: Path, /) -> None:
    """Import a CSV of our own ranges and names: asset, organisation, sector, criticality.

    JSON: assets (in this file), total.
    """
    from seawall.flow.node import Node
    from seawall.flow.tables import import_assets as load

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(load(node, csv))


@app.command
def ingest(
    paths: Annotated[list[str], Parameter(help="Files, folders, or - for standard input.", negative="")],
    /,
    *,
    format: str = "auto",
    side: str | None = None,
    sector: str | None = None,
    sensor: Annotated[str | None, Parameter(help="Name of the sensor, for lines that name none.")] = None,
    mapping: Annotated[Path | None, Parameter(help="A mapping file (TOML) that says how lines become columns.")] = None,
    explain: Annotated[
        bool, Parameter(help="Store nothing; show what the first lines of one file would become.", negative="")
    ] = False,
) -> int:
    """Take sensor logs into the lake. Counts what was stored, already held, or rejected.

    JSON: files, events, stored, duplicates, rejected, unknown_sensors, by_type, problems, events_per_second,
    and the cost. With --explain: format, lines, items with line, fields, columns, flaws.
    """
    if explain:
        return show_explanation(paths, format=format, mapping=mapping, side=side, sector=sector, sensor=sensor)
    from seawall.flow.node import Node
    from seawall.flow.pipeline import ingest_paths

    cost, out = Cost(), context.out
    with Node.open(context.node, token=context.token) as node, out.progress("Reading logs") as bar:

        def progress(done: int, total: int | None, events: int) -> None:
            bar.show(done, total, f"{events:,} events, {events / bar.seconds:,.0f}/s")

        report = ingest_paths(
            node,
            paths,
            format=format,
            mapping=mapping,
            side=side,
            sector=sector,
            sensor=sensor,
            progress=progress,
            waiting=out.waiting,
        )
    figures = cost.as_dict()
    document: dict[str, object] = {
        "files": report.files,
        "events": report.events,
        "stored": report.stored,
        "duplicates": report.duplicates,
        "rejected": report.rejected,
        "unknown_sensors": report.unknown_sensors,
        "by_type": report.by_type,
        "problems": report.problems,
        "events_per_second": round(report.events / max(float(figures["seconds"]), 0.001), 1),
        **figures,
    }
    out.pairs(document)
    return ExitStatus.REJECTS if context.strict and (report.rejected or report.problems) else ExitStatus.DONE


@app.command
def observations(
    *,
    where: Annotated[
        list[str] | None,
        Parameter(help="column=value, column!=value, column>=value or column<=value; repeat to narrow."),
    ] = None,
    limit: Limit = 100,
    after: After = 0,
) -> None:
    """List rows of the lake by name of column.

    JSON items: every column; src, dst and digest as texts.
    """
    from seawall.flow.node import Node
    from seawall.flow.observations import find

    with Node.open(context.node, token=context.token) as node:
        node.require("read-telemetry")
        page = find(node, where or [], limit=limit, after=after)
    columns = ["time", "side", "sensor", "sector", "kind", "basis", "src", "dst", "domain", "url", "signature"]
    context.out.table(page.items, columns, empty="No observation fits.", following=page.next)


@app.command
def quarantine(
    *,
    limit: Limit = 100,
    after: After = 0,
    reason: Annotated[str | None, Parameter(help="Only this reason code.")] = None,
    deliveries: Annotated[
        bool, Parameter(negative="", help="List what shippers sent and ingest failed on, a delivery each.")
    ] = False,
    retake: Annotated[bool, Parameter(negative="", help="Take those deliveries in again.")] = False,
) -> None:
    """List what could not be read, with file, line and reason.

    JSON items: number, file, line, code, reason, raw (base64 of its beginning), length. With --deliveries: number,
    received, format, sensor, lines, bytes, file. With --retake: found, stored, duplicates, rejected, set_aside,
    waiting, problem, and the cost.
    """
    from seawall.flow.node import Node
    from seawall.flow.observations import quarantined
    from seawall.flow.receive import aside
    from seawall.flow.receive import retake as take_again

    cost = Cost()
    if deliveries or retake:
        with Node.open(context.node, token=context.token) as node:
            if retake:
                context.out.pairs({**take_again(node), **cost.as_dict()})
                return
            node.require("read-telemetry")
            page = aside(node, limit=limit, after=after)
        columns = ["received", "format", "sensor", "lines", "bytes", "file"]
        context.out.table(page.items, columns, empty="No delivery was set aside.", following=page.next)
        return
    with Node.open(context.node, token=context.token) as node:
        node.require("read-telemetry")
        page = quarantined(node, limit=limit, after=after, reason=reason)
    columns = ["file", "line", "code", "reason"]
    context.out.table(page.items, columns, empty="Nothing is in quarantine.", following=page.next)
