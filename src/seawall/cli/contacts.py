"""``seawall contacts``: whom to call, in which language, and who stands in."""

from __future__ import annotations

from pathlib import Path

from cyclopts import App

from seawall.cli.app import app, context

contacts = App(name="contacts", help="The contact directory.")
app.command(contacts)


@contacts.command(name="import")
def import_(file: Path, /) -> None:
    """Import contacts from CSV or JSON with the fields of RFC 2350; an entry of the same name is replaced.

    JSON: contacts, new, updated, unchanged.
    """
    from seawall.flow.contacts import import_contacts
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(import_contacts(node, file))


@contacts.command(name="list")
def list_() -> None:
    """List contacts.

    JSON items: name, short_name, address, timezone, phone, phone_24x7, email, fingerprints, members, website, hours,
    constituency, languages, head, deputy, deputy_phone, peer.
    """
    from seawall.flow.contacts import list_contacts
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        items = list_contacts(node)
    columns = ["name", "peer", "phone_24x7", "languages", "timezone", "head", "deputy", "deputy_phone"]
    context.out.table(items, columns, empty="No contact yet.")


@contacts.command
def show(name: str, /) -> None:
    """Show one contact, by its name or its peer's code name."""
    from seawall.flow.contacts import show_contact
    from seawall.flow.node import Node

    with Node.open(context.node, token=context.token) as node:
        context.out.pairs(show_contact(node, name))
