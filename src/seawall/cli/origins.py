"""``seawall origins``: who said an object, and whose signatures are believed beside the peers'."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context

origins = App(name="origins", help="Who said an object, and whose signatures are believed.")
app.command(origins)


@origins.command
def show(object_id: str, /) -> None:
    """Show who said an object: its maker, whether a signature proves it, and the hands it came through.

    The state is own, verified, derived (somebody on the way left something out), unverified-origin (signed by somebody
    whose keys are not known here), unsigned or bad-signature.

    JSON: id, version, state, creator, creator_name, signed_by, key_version, received_from, received_at, hops.
    """
    from seawall.flow.node import Node
    from seawall.flow.origin_shown import show_origin

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(show_origin(node, object_id))


@origins.command
def trust(
    file: Path,
    /,
    *,
    name: Annotated[str, Parameter(help="How our own people call this origin.")],
    fingerprint: Annotated[str | None, Parameter(help="As its owner read it out to you.")] = None,
) -> None:
    """Believe what a node signs that is no peer of ours, by its card and two named people.

    A newer card of the same node needs neither, when the keys held vouch for it.

    JSON: name, node_id, identity, version, expires, fingerprint, vouched.
    """
    from seawall.flow.node import Node
    from seawall.flow.origins import trust_origin

    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(trust_origin(node, file, name=name, fingerprint=fingerprint))


@origins.command
def distrust(name: str, /) -> None:
    """Believe its signatures no more; its objects come in as a stranger's.

    JSON: name, trusted.
    """
    from seawall.flow.node import Node
    from seawall.flow.origins import distrust_origin

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(distrust_origin(node, name))


@origins.command(name="list")
def list_them() -> None:
    """List the origins that are believed beside the peers.

    JSON items: name, node_id, identity, version, expires, fingerprint.
    """
    from seawall.flow.node import Node
    from seawall.flow.origins import list_origins

    with Node.open(context.node, token=context.token) as node:
        items = list_origins(node)
    context.out.table(
        items, ["name", "version", "expires", "identity", "fingerprint"], empty="No origin but the peers."
    )
