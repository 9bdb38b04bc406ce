"""``seawall ledger witness``: third parties that sign this ledger's checkpoints over a relay."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from seawall.cli.app import context
from seawall.cli.ledger import ledger

witness = App(name="witness", help="Third parties that sign our checkpoints, each under another random name.")
ledger.command(witness)

Name = Annotated[str, Parameter(help="What we call the witness.")]


@witness.command
def add(
    name: Name,
    /,
    *,
    url: Annotated[str, Parameter(help="Address of its relay.")],
    key: Annotated[str, Parameter(help="Its witness key, as 'seawall relay init' printed it.")],
    pin: Annotated[str, Parameter(help="The relay's pin; without it the machine's authorities decide.")] = "",
) -> None:
    """Make a random name and key for a witness; its operator registers the verifier key.

    JSON: witness, url, shown_as, size, at, verifier_key.
    """
    from seawall.flow.node import Node
    from seawall.flow.outside_witnesses import add_witness

    with Node.open(context.node, token=context.token) as node:
        document = add_witness(node, name, url=url, pin=pin, key=key)
    context.out.pairs(document)
    context.out.note("Give the verifier key to the witness's operator: 'seawall relay witness add FOLDER KEY'.")


@witness.command
def ask(name: Name, /) -> None:
    """Have the newest checkpoint signed now; the job 'witnesses' does it every day.

    JSON: witness, url, shown_as, size, at.
    """
    from seawall.flow.node import Node
    from seawall.flow.outside_witnesses import ask_witness

    with Node.open(context.node, token=context.token) as node:
        node.require("audit")
        context.out.pairs(ask_witness(node, name))


@witness.command(name="list")
def list_all() -> None:
    """Show what each witness signed last, and whether it still belongs to this ledger.

    JSON items: witness, url, shown_as, size, at, agrees.
    """
    from seawall.flow.node import Node
    from seawall.flow.outside_witnesses import list_witnesses

    with Node.open(context.node, token=context.token) as node:
        items = list_witnesses(node)
    context.out.table(items, ["witness", "size", "at", "agrees"], empty="No witness yet.")


@witness.command
def remove(name: Name, /) -> None:
    """Ask a witness no more, and forget the name that it knows.

    JSON: witness, url, shown_as, size, at.
    """
    from seawall.flow.node import Node
    from seawall.flow.outside_witnesses import remove_witness

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(remove_witness(node, name))
