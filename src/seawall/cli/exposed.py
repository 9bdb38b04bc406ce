"""``seawall exposed``: what is exploited somewhere and runs here, and the answer to whoever asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.paging import After, Limit
from seawall.model import ExitStatus

exposed = App(name="exposed", help="What is exploited somewhere and runs here; answers that name no machine.")
app.command(exposed)

LIST = ["name", "product", "vendor", "version", "sector", "criticality", "internet_facing", "units", "source"]
CHECK = ["cve", "since", "summary", "affected", "possibly", "fixed", "outside"]
ASSETS = ["name", "product", "version", "state", "confidence", "rule", "range", "said_by", "reason"]
SEEN = ["source", "peer", "side", "since", "last_seen", "count", "sectors"]
REMEDIES = ["kind", "text", "url", "source"]
ANSWERS = ["at", "peer", "circle", "status", "justification"]


@exposed.command(name="import")
def import_(
    *paths: Annotated[Path, Parameter(help="Files or folders.")],
    source: Annotated[str | None, Parameter(help="Name of the list; the file's own when left out.")] = None,
) -> int:
    """Import what you run (CSV, CPE names, CycloneDX, SPDX) and what is said of vulnerabilities (CSAF, CVE, NVD, OSV,
    KEV, VEX).

    A file that is imported again replaces what it brought before. JSON: files, assets, sentences, rejected, by_form,
    problems.
    """
    import msgspec

    from seawall.flow.exposed_import import import_exposure
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        done = import_exposure(node, paths, source=source)
    context.out.pairs(msgspec.to_builtins(done))
    return ExitStatus.REJECTS if context.strict and done.rejected else ExitStatus.DONE


@exposed.default
@exposed.command(name="list")
def list_(*, limit: Limit = 100, after: After = 0) -> None:
    """List your own exposure list.

    JSON items: name, product, vendor, version, cpe, purl, sector, criticality, internet_facing, units, source.
    """
    from seawall.flow.exposed_import import list_assets
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items, following = list_assets(node, limit=limit, after=after)
    context.out.table(
        items,
        LIST,
        empty="Your exposure list is empty: import it with 'seawall exposed import'.",
        following=following,
    )


@exposed.command
def check(
    *,
    cve: Annotated[str | None, Parameter(help="All that is known of this one, exploited or not.")] = None,
    limit: Limit = 100,
    after: After = 0,
) -> None:
    """Show what is exploited somewhere and concerns what you run: since when, where, how surely, and what helps.

    JSON: items (cve, summary, since, affected, possibly, fixed, not_affected, outside, sectors, seen, assets, remedies,
    answers), next, assets, exploited, without_products, missing.
    """
    from seawall.flow.exposed import check_exposure
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        found = check_exposure(node, cve=cve, limit=limit, after=after, lang=context.out.lang)
    out = context.out
    if out.json:
        out.result(found)
        return
    empty = "Nothing that is known as exploited concerns what you run."
    out.table(found.items, CHECK, empty=empty, following=found.next)
    for sentence in found.missing:
        out.note(sentence)
    if cve is not None:
        for item in found.items:
            _details(item)


def _details(item: dict[str, object]) -> None:
    for name, columns in (("seen", SEEN), ("assets", ASSETS), ("remedies", REMEDIES), ("answers", ANSWERS)):
        rows = item[name]
        if isinstance(rows, list) and rows:
            context.out.result(None, ["", name])
            context.out.table(rows, columns, empty="")


@exposed.command
def answer(
    cve: Annotated[str, Parameter(help="CVE number.")],
    /,
    *,
    status: Annotated[str, Parameter(help="not_affected, affected, fixed or under_investigation.")],
    circle: Annotated[str, Parameter(help="Whom to tell.")],
    justification: Annotated[str, Parameter(help="Why not affected, in the words of VEX.")] = "",
    count: Annotated[int | None, Parameter(help="How many you have, where the circle lets counts go.")] = None,
    tlp: Annotated[str | None, Parameter(help="Marking; amber, or the circle's ceiling, when left out.")] = None,
) -> None:
    """Tell a circle whether you are affected, as a release that names no asset, product or version.

    JSON: id, cve, status, circle, recipients, withheld, tlp, approved_by.
    """
    from seawall.flow.exposed_answers import answer as tell_circle
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(
            tell_circle(node, cve, status=status, circle=circle, justification=justification, count=count, tlp=tlp)
        )


@exposed.command
def tell(
    cve: Annotated[str, Parameter(help="CVE number.")],
    /,
    *,
    circle: Annotated[str, Parameter(help="Whom to tell.")],
    tlp: Annotated[str | None, Parameter(help="Marking; amber when left out.")] = None,
) -> None:
    """Tell a circle since when your sensors see a vulnerability exploited, and in which sectors; no machine is named.

    JSON: id, cve, since, circle, recipients, withheld, tlp, approved_by.
    """
    from seawall.flow.exposed_tell import tell_exploited
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(tell_exploited(node, cve, circle=circle, tlp=tlp))
