"""``seawall hit``: what the site's own systems found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from seawall.cli.app import app, context
from seawall.model import ExitStatus, Fault


@app.command
def hit(
    value: Annotated[str | None, Parameter(help="The value that was met, also defanged.")] = None,
    /,
    *,
    count: Annotated[int, Parameter(help="How often.")] = 1,
    first: Annotated[str | None, Parameter(help="When first (RFC 3339).")] = None,
    last: Annotated[str | None, Parameter(help="When last; the first when left out.")] = None,
    type: Annotated[str | None, Parameter(help="Told from the value when left out.")] = None,
    side: Annotated[str | None, Parameter(help="Whose sensors; this node's side when left out.")] = None,
    sector: Annotated[str | None, Parameter(help="Of the machine; this node's sector when left out.")] = None,
    indicator: Annotated[str | None, Parameter(help="Id of the indicator, when several name the value.")] = None,
    id: Annotated[str | None, Parameter(help="Your own name for this hit; the same again replaces it.")] = None,
    candidate: Annotated[bool, Parameter(help="No indicator names it; --basis says why.", negative="")] = False,
    basis: Annotated[str | None, Parameter(help="alert, blocked, honeypot or analyst.")] = None,
    csv: Annotated[Path | None, Parameter(help="Many hits: a CSV with value, count, first, last ...")] = None,
    log: Annotated[Path | None, Parameter(help="The log of a tool that enforces an export.")] = None,
    kind: Annotated[
        str | None,
        Parameter(name="--as", help="The log's kind: rpz, suricata, or named (lines that name the directive)."),
    ] = None,
    point: Annotated[str | None, Parameter(help="With --log: where that tool stands.")] = None,
) -> int:
    """Report what your own systems met: each hit becomes a sighting, as if it had been matched here.

    JSON: new, updated, unchanged, refused, problems (place and reason of refused ones, and what
    keeps the lake from being read).
    """
    from seawall.flow.enforced_logs import take_log
    from seawall.flow.hits import HitReport, read_hits, report_hits
    from seawall.flow.node import Node

    if sum(given is not None for given in (value, csv, log)) != 1:
        raise Fault("E-CLI-030", "Give one value, or a file with --csv or --log.")
    if log is not None and (kind is None or point is None):
        raise Fault("E-CLI-033", "Say with --as what kind of log it is, and with --point where that tool stands.")
    with Node.open(context.node, token=context.token) as node:
        if log is not None:
            done = take_log(node, log, kind or "", point or "")
        elif csv is not None:
            done = report_hits(node, read_hits(csv))
        else:
            if first is None:
                raise Fault("E-CLI-031", "Say with --first when it was met first.")
            report = HitReport(
                value or "", count, first, last or first, type, side, sector, indicator, id, candidate, basis
            )
            done = report_hits(node, [(1, report)])
            if done.refused:
                raise done.problems[0].fault
    told = [(f"{one.place}: ", one.fault) for one in done.problems]
    told += [("", done.unprepared)] if done.unprepared is not None else []
    problems = [f"{place}{fault.code}: {context.out.tr(fault.text, **fault.values)}" for place, fault in told]
    context.out.pairs(
        {
            "new": done.new,
            "updated": done.updated,
            "unchanged": done.unchanged,
            "refused": done.refused,
            "problems": problems,
        }
    )
    if (file := csv or log) is not None and not done.taken:
        raise Fault("E-CLI-032", "No hit was taken from {path}.", path=file)
    return ExitStatus.REJECTS if context.strict and done.refused else ExitStatus.DONE
