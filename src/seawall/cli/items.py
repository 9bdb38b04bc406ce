"""``seawall items``: the kinds of information that an item is, and how long it may be kept on which legal basis."""

from __future__ import annotations

from typing import Annotated

import msgspec
from cyclopts import App, Parameter

from seawall.cli.app import app, context

items = App(name="items", help="Kinds and retention clocks of single items.")
app.command(items)


@items.command(name="set")
def set_item(
    object_id: str,
    /,
    *,
    kinds: Annotated[str | None, Parameter(help="All its kinds, like tw-share:1,tw-share:4; '' for none.")] = None,
    basis: Annotated[str | None, Parameter(help="Legal basis for keeping it; see 'items bases'.")] = None,
    days: Annotated[int | None, Parameter(help="How long from now; else what the basis states.")] = None,
) -> None:
    """Say what kinds of information an item is, or start its retention clock. JSON: as 'items show'."""
    from seawall.flow import items as flow
    from seawall.flow.node import Node

    named = None if kinds is None else [kind.strip() for kind in kinds.split(",") if kind.strip()]
    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(flow.set_item(node, object_id, kinds=named, basis=basis, days=days))


@items.command(name="show")
def show_item(object_id: str, /) -> None:
    """Print an item's kinds and its retention clock.

    JSON: id, type, kinds, basis, basis_title, basis_source, basis_verified, kept_until, days_left, said_by, said_at.
    """
    from seawall.flow import items as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(flow.show_item(node, object_id))


@items.command
def due(*, days: Annotated[int, Parameter(help="Within so many days.")] = 30) -> None:
    """List items whose time ends soon, the earliest first. JSON items: as 'items show'."""
    from seawall.flow import items as flow
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        found = flow.due_items(node, max(days, 0))
    columns = ["id", "kinds", "basis", "kept_until", "days_left"]
    context.out.table(found, columns, empty="No item's time ends in these days.")


@items.command
def bases() -> None:
    """List legal bases with source, validity and whether anybody compared them with the official text."""
    from seawall.reference import legal_bases

    rows = [msgspec.to_builtins(basis) for basis in legal_bases()]
    context.out.table(rows, ["id", "title", "source", "verified", "valid_from", "valid_to", "days"], empty="No basis.")


@items.command
def kinds() -> None:
    """List kinds of information with source, validity, and what stands for them elsewhere."""
    from seawall.reference import sharing_kinds

    rows = [msgspec.to_builtins(kind) for kind in sharing_kinds()]
    name = {"zh-Hant": "name_zh_hant", "ko": "name_ko"}.get(context.out.lang, "name")
    columns = ["label", name, "source", "verified", "valid_from", "counterparts"]
    context.out.table(rows, columns, empty="No kind.")
