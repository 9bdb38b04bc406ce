"""``seawall export-drop``, ``import-drop``, ``drop status``: exchange by files that people carry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.cli.output import Cost
from seawall.model import ExitStatus

drop = App(name="drop", help="Exchange by carried files, for sites without a network.")
app.command(drop)


@app.command(name="export-drop")
def export_drop(
    peer: str,
    /,
    *,
    output: Annotated[Path, Parameter(name=["-o", "--output"], help="File, or a folder for a numbered file.")],
    again: Annotated[
        list[int] | None,
        Parameter(help="Write this drop once more, because it was lost; may be repeated.", negative=""),
    ] = None,
    restart: Annotated[
        bool, Parameter(help="Begin a new chain with everything, when one side lost its books.", negative="")
    ] = False,
    if_new: Annotated[bool, Parameter(help="Write no file when there is nothing to tell.", negative="")] = False,
    clear: Annotated[
        bool, Parameter(help="Do not seal it: for a node of an earlier version, or to look into it.", negative="")
    ] = False,
) -> int:
    """Write a signed file with what is newly released to a peer, for somebody to carry there.

    It is sealed for the peer once the peer has told a key, which comes with its first drop or synchronisation. Into a
    folder goes beside it what waits in sealed messages: comparisons, evidence, questions.

    JSON: peer, sent, received, withheld, unchanged, rejected, encrypted, more, items (number, file, bytes, objects,
    again), messages (file, messages, bytes, waiting, problems; null when none were written), and the cost.
    """
    from seawall.flow.drop import Cover, export_drop
    from seawall.flow.node import Node
    from seawall.flow.post_carried import messages_beside

    with Node.open(context.node, token=context.token) as node, context.out.progress("Writing", rows=True) as bar:
        node.require("sync")
        cost = Cost()

        def progress(objects: int) -> None:
            bar.show(objects, rate=f"{objects:,}")

        document = export_drop(
            node,
            peer,
            output,
            again=tuple(again or ()),
            restart=restart,
            if_new=if_new,
            cover=Cover.NONE if clear else Cover.FOR_PEER,
            progress=progress,
        )
        beside, said = messages_beside(node, peer, output, if_new=if_new) if not again and not clear else (None, None)
    context.out.pairs({**document, "messages": beside, **cost.as_dict()})
    if said is not None:
        context.out.note(said)
    if document["items"] and not document["encrypted"]:
        context.out.note("The file is signed, not encrypted: whoever carries it can read it.")
    return ExitStatus.DONE


@app.command(name="import-drop")
def import_drop(
    paths: Annotated[list[Path], Parameter(help="Drops, or folders of them.", negative="")],
    /,
) -> int:
    """Take in drops that were carried here, in the order of their numbers; taking one in again changes nothing.

    What lies beside them in sealed messages is taken in after them; answers leave with the next drop.

    JSON: received, sent, withheld, unchanged, rejected, problems, items (file, peer, number, status: imported,
    repeated, refused, own or elsewhere; received, unchanged, rejected, problem), messages (file, status, peer,
    messages), and the cost. With --strict a problem is status 1.
    """
    from seawall.flow.node import Node
    from seawall.flow.post_carried_in import import_carried

    with Node.open(context.node, token=context.token) as node, context.out.progress("Reading", rows=True) as bar:
        node.require("sync")
        cost = Cost()

        def progress(objects: int) -> None:
            bar.show(objects, rate=f"{objects:,}")

        document = import_carried(node, paths, progress=progress)
    context.out.pairs({**document, **cost.as_dict()})
    return ExitStatus.REJECTS if context.strict and (document["rejected"] or document["problems"]) else ExitStatus.DONE


@drop.command
def status(peer: str | None = None, /) -> None:
    """Show how far the drops to and from each peer have come, and which are missing.

    JSON items: peer, state, sent, sent_at, acknowledged, acknowledged_at, unacknowledged, they_miss, they_rejected,
    received, received_at, we_miss, circles, agreed.
    """
    from seawall.flow.drop_status import describe_drops
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = describe_drops(node, peer)
    columns = ["peer", "state", "sent", "acknowledged", "they_miss", "received", "we_miss", "agreed"]
    context.out.table(items, columns, empty="No peer yet.")
