"""``seawall intel``: others' knowledge taken in, checked, and ours given out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.cli.paging import After, Limit
from seawall.model import ExitStatus, Fault

intel = App(name="intel", help="Indicators and other knowledge: import, export, check.")
app.command(intel)


@intel.command(name="import")
def import_(
    paths: Annotated[
        list[Path], Parameter(help="Files or folders, .gz too: STIX, MISP, CSV, text, rules ...", negative="")
    ],
    /,
    *,
    tlp: Annotated[
        str | None, Parameter(help="Marking of unmarked input: clear, green, amber, amber+strict, red.")
    ] = None,
    source: Annotated[str | None, Parameter(help="Name of the source; else the file's name.")] = None,
) -> int:
    """Import indicators and other objects; what cannot be read is counted, the rest lands.

    STIX, MISP, CSV, text and web pages; Sigma, YARA, Snort and Suricata rules; CSAF, OpenVEX and CycloneDX advisories;
    ATT&CK, ATLAS, DISARM, MISP galaxies, taxonomies and warninglists.

    JSON: objects, new, updated, unchanged, rejected, flagged, by_type, problems, losses, and the cost.
    """
    from seawall.flow.intel import import_paths
    from seawall.flow.node import Node

    cost, out = Cost(), context.out
    with Node.open(context.node, token=context.token) as node, out.progress("Importing") as bar:

        def progress(done: int, total: int | None, objects: int) -> None:
            bar.show(done, total, f"{objects:,}")

        report = import_paths(node, paths, tlp=tlp, source=source, progress=progress)
    document: dict[str, object] = {
        "objects": report.objects,
        "new": report.new,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "rejected": report.rejected,
        "flagged": report.flagged,
        "by_type": report.by_type,
        "problems": report.problems,
        "losses": report.losses,
        **cost.as_dict(),
    }
    out.pairs(document)
    return ExitStatus.REJECTS if context.strict and report.rejected else ExitStatus.DONE


@intel.command
def export(
    *,
    to: Annotated[
        str, Parameter(help="stix, csv, text, misp, misp-csv, snort, suricata; folders: misp-feed, sigma, yara.")
    ],
    circle: Annotated[str | None, Parameter(help="Exactly what this circle may see; else own use.")] = None,
    output: Annotated[Path | None, Parameter(name=["-o", "--output"], help="File or folder; else stdout.")] = None,
    loss: Annotated[Path | None, Parameter(help="Write the loss report here.")] = None,
) -> None:
    """Write out what the caller, or a circle, may see; the ledger records it.

    JSON (needs -o): to, circle, objects, not_carried, output, and the cost.
    """
    from seawall.flow.intel import export_to
    from seawall.flow.node import Node

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        summary = export_to(node, to, circle=circle, output=output, loss=loss, json=context.json)
    if output is not None:
        context.out.pairs({**summary, **cost.as_dict()})


@intel.command
def extract(path: Path, /) -> None:
    """List the values that a report mentions, and which of them are probably no indicators; nothing is stored.

    It needs no node; with one, its own assets and warninglists count.

    JSON items: value, type, line, count, defanged, flagged (the reason, or null); beside them values, flagged.
    """
    from seawall.flow.intel import extract as extract_values

    items = extract_values(context.node, path, token=context.token)
    flagged = sum(item["flagged"] is not None for item in items)
    columns = ["line", "type", "value", "count", "flagged"]
    extra: dict[str, object] = {"values": len(items), "flagged": flagged}
    context.out.table(items, columns, empty="The file mentions no value.", extra=extra)


@intel.command
def check(path: Path, /) -> int:
    """Judge a bundle, an object or a list by STIX 2.1: musts are errors, shoulds are warnings.

    JSON items, in input order: id, valid, errors, warnings. With --strict an invalid object is status 1.
    """
    from seawall.flow.intel import check_path

    items = check_path(path)
    context.out.table(items, ["id", "valid", "errors", "warnings"], empty="The file holds no object.")
    return ExitStatus.REJECTS if context.strict and not all(item["valid"] for item in items) else ExitStatus.DONE


@intel.command(name="match-pattern")
def match_pattern(
    pattern: Annotated[str, Parameter(help="A STIX pattern.")],
    observed_data: Annotated[
        Path | None, Parameter(help="A file with observed-data objects and what they refer to.")
    ] = None,
    /,
    *,
    lake: Annotated[bool, Parameter(help="Look at this node's lake instead of a file.", negative="")] = False,
    since: Annotated[str | None, Parameter(help="Only events from this moment on (RFC 3339).")] = None,
    limit: Limit = 100,
) -> None:
    """Tell whether a STIX pattern matches observed data, and which of it; or the lake, row by row.

    A file needs no node. JSON: matches, observed (ids of one choice of observations that satisfies it); of the lake
    observed are event numbers, and there are passing (rows that pass each [...]), items (rows) and the cost.
    """
    if lake == (observed_data is not None):
        raise Fault("E-CLI-040", "Name either a file of observed data or --lake.")
    if observed_data is not None:
        from seawall.flow.intel import match_observed

        context.out.pairs(match_observed(pattern, observed_data))
        return
    from seawall.flow.node import Node
    from seawall.flow.patterns import match_in_lake

    cost = Cost()
    with Node.open(context.node, token=context.token) as node:
        document = match_in_lake(node, pattern, since=since, limit=limit)
    context.out.pairs({**document, **cost.as_dict()})


@intel.command
def conflicts(*, limit: Limit = 100, after: After = 0) -> None:
    """List what others say of objects that are held otherwise: the same version, or in another creator's name.

    JSON items: number, id, type, version, reason, created_by, source, origin, at, tlp, held (version, created_by,
    source, origin), body.
    """
    from seawall.flow.conflicts import list_conflicts
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        page = list_conflicts(node, limit=limit, after=after)
    columns = ["number", "id", "version", "reason", "source", "origin", "created_by", "at"]
    context.out.table(page.items, columns, empty="Nobody contradicts what is held.", following=page.next)


@intel.command
def extensions(
    *,
    schemas: Annotated[bool, Parameter(help="The JSON schemas by file name instead.", negative="")] = False,
) -> None:
    """Print the bundle of our extension-definitions, or the JSON schema of every extension whose content is judged.

    JSON, always: a STIX bundle; with --schemas an object of file names and schemas. It needs no node.
    """
    from seawall.flow.intel import published_extensions

    document = published_extensions(schemas=schemas)
    context.out.result(document, msgspec.json.format(msgspec.json.encode(document), indent=2).decode().splitlines())
