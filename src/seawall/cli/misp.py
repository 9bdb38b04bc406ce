"""``seawall misp``: the MISPs that this node lives beside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.model import ExitStatus, Tlp

misp = App(name="misp", help="MISPs that this node lives beside.")
app.command(misp)


@misp.command
def add(
    name: str,
    /,
    *,
    url: Annotated[str, Parameter(help="Where the MISP is: https://host or https://host/path.")],
    key_file: Annotated[Path, Parameter(help="File with the key of a user there.")],
    ca: Annotated[Path | None, Parameter(help="File of the authority that signed its certificate.")] = None,
    pin: Annotated[str | None, Parameter(help="SHA-256 of its TLS key; with it no authority is needed.")] = None,
    tlp_ceiling: Annotated[str, Parameter(help="Nothing stricter goes there.")] = "amber+strict",
    tlp: Annotated[str, Parameter(help="The level of what comes from there without a TLP tag.")] = "amber+strict",
    circle: Annotated[
        str | None, Parameter(help="It belongs to others: it gets what this circle releases to it by its name.")
    ] = None,
    push: Annotated[
        Literal["all", "events", "none"],
        Parameter(help="What goes there: also what stands in no MISP event, MISP events only, or nothing."),
    ] = "all",
) -> None:
    """Add a MISP, asking its version with the key given. The key is kept in the node's folder.

    JSON: name, url, version, tlp_ceiling, tlp_unmarked, circle, push, pinned, last_sync, last_result.
    """
    from seawall.flow.misp_servers import MispServer, add_server
    from seawall.flow.node import Node

    wanted = MispServer(
        name,
        url,
        ca=str(ca.resolve()) if ca is not None else "",
        pin=pin or "",
        ceiling=Tlp.parse(tlp_ceiling),
        unmarked=Tlp.parse(tlp),
        circle=circle or "",
        push=push,
    )
    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(add_server(node, wanted, key_file))


@misp.command(name="list")
def list_misps() -> None:
    """List the MISPs, what each may know, and how the last exchange went.

    JSON items: name, url, tlp_ceiling, tlp_unmarked, circle, push, pinned, last_sync, last_result.
    """
    from seawall.flow.misp_servers import list_servers
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = list_servers(node)
    columns = ["name", "url", "tlp_ceiling", "circle", "push", "last_sync", "last_result"]
    context.out.table(items, columns, empty="No MISP yet.")


@misp.command
def sync(
    name: str,
    /,
    *,
    full: Annotated[bool, Parameter(help="Look at its whole index, as is done once a day.", negative="")] = False,
    accept_deletions: Annotated[
        bool, Parameter(help="Delete here what is gone there, however much it is.", negative="")
    ] = False,
) -> int:
    """Fetch what is new or changed at a MISP, and tell it what is new here; deletions go both ways.

    JSON: pulled, pushed, deleted_here, deleted_there, recognised, not_theirs, sighted, withheld, rejected, not_taken,
    problems, and the cost. With --strict a rejected part or a problem is status 1.
    """
    from seawall.flow.misp_sync import sync_misp
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        cost = Cost()
        report = sync_misp(node, name, full=full, accept_deletions=accept_deletions)
    context.out.pairs({**report, **cost.as_dict()})
    return ExitStatus.REJECTS if context.strict and (report["rejected"] or report["problems"]) else ExitStatus.DONE


@misp.command
def remove(name: str, /) -> None:
    """Forget a MISP and its key; what came from it stays. JSON: name, removed."""
    from seawall.flow.misp_servers import remove_server
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(remove_server(node, name))
