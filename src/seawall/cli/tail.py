"""``seawall tail``: logs followed while they grow."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.cli.ending import told_to_end
from seawall.cli.output import Cost
from seawall.model import ExitStatus

if TYPE_CHECKING:
    from seawall.flow.tail import TailReport


@app.command
def tail(
    sources: Annotated[
        list[str],
        Parameter(
            help="Files, patterns, folders; syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT, syslog+unix:///PATH.",
            negative="",
        ),
    ],
    /,
    *,
    format: str = "auto",
    side: str | None = None,
    sector: str | None = None,
    sensor: Annotated[str | None, Parameter(help="Name of the sensor, for lines that name none.")] = None,
    once: Annotated[bool, Parameter(help="End when everything that is there was read.", negative="")] = False,
) -> int:
    """Follow logs while they grow; sightings of indicators and warnings come within a second. Ctrl-C ends it.

    JSON: lines, stored, duplicates, rejected, hits, sightings, warnings, spilled, dropped, latency (p50, p99, max
    in seconds from line to sighting), by_type, problems, and the cost.
    """
    from seawall.flow.node import Node
    from seawall.flow.tail import TailWish
    from seawall.flow.tail import tail as follow

    cost, out = Cost(), context.out
    stop = threading.Event()
    wish = TailWish(tuple(sources), format, side, sector, sensor, once)
    with (
        told_to_end(stop.set),
        Node.open(context.node, token=context.token) as node,
        out.progress("Following logs", rows=True) as bar,
    ):

        def watching(report: TailReport) -> None:
            bar.show(report.lines, rate=f"{report.hits:,} hits, {report.sightings:,} seen")

        report = follow(node, wish, stop=stop, say=out.note, waiting=out.waiting, watching=watching)
    document: dict[str, object] = {**msgspec.to_builtins(report), **cost.as_dict()}
    out.pairs(document)
    return ExitStatus.REJECTS if context.strict and (report.rejected or report.problems) else ExitStatus.DONE
