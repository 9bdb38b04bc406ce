"""``seawall redactions``: what is struck before anything leaves for anybody."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import app, context
from seawall.model import Fault

redactions = App(name="redactions", help="Words, properties and patterns struck from all that leaves.")
app.command(redactions)

Name = Annotated[str | None, Parameter(help="A business secret's or victim's name, in any spelling.")]
Property = Annotated[str | None, Parameter(name="--property", help="A property's name, or a path like a.b.c.")]
Pattern = Annotated[str | None, Parameter(help="A word with * for a stretch of it, like PRJ-*.")]


@redactions.command
def add(*, name: Name = None, property_: Property = None, pattern: Pattern = None) -> None:
    """Strike something from now on; what left before is taken back with 'seawall recall'. JSON: kind, struck, total."""
    from seawall.flow.node import Node
    from seawall.flow.redactions import add_redaction

    kind, text = _one(name, property_, pattern)
    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(add_redaction(node, kind, text))


@redactions.command
def remove(*, name: Name = None, property_: Property = None, pattern: Pattern = None) -> None:
    """Strike something no more; takes a second person (--approver-token). JSON: kind, struck, total."""
    from seawall.flow.node import Node
    from seawall.flow.redactions import remove_redaction

    kind, text = _one(name, property_, pattern)
    with Node.open(context.node, token=context.token, approver_token=context.approver_token) as node:
        context.out.pairs(remove_redaction(node, kind, text))


@redactions.command(name="list")
def list_all() -> None:
    """List what is struck, for those who may release. JSON items: kind, struck."""
    from seawall.flow.node import Node
    from seawall.flow.redactions import list_redactions

    with Node.open(context.node, token=context.token) as node:
        items = list_redactions(node)
    context.out.table(items, ["kind", "struck"], empty="Nothing but own assets and organisations is struck.")


def _one(name: str | None, property_: str | None, pattern: str | None) -> tuple[str, str]:
    given = {"name": name, "property": property_, "pattern": pattern}
    told = [(kind, text) for kind, text in given.items() if text is not None]
    if len(told) != 1:
        raise Fault("E-CLI-071", "Give one of --name, --property and --pattern.")
    return told[0]
