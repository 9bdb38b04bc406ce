"""The contact directory of a node."""

from __future__ import annotations

from pathlib import Path

import msgspec

from seawall.flow.mail_peers import grouped
from seawall.flow.node import Node
from seawall.model import NotFound
from seawall.model.contact import Contact
from seawall.reference.contacts import MAX_BYTES, read_contacts, readable_phone


def import_contacts(node: Node, path: Path) -> dict[str, object]:
    """Entries of one file; all or nothing. Keys: ``contacts``, ``new``, ``updated``, ``unchanged``.

    Raises Fault E-CONTACT-001/002, NotFound E-FLOW-280 for an entry of a peer that is not there.
    """
    node.require("manage-peers")
    with path.open("rb") as file:
        found = read_contacts(file.read(MAX_BYTES + 1))
    known = {peer.code_name for peer in node.store.peers.list()}
    known |= {peer.code_name for peer in node.store.mail_peers.list()}
    for contact in found:
        if contact.peer is not None and contact.peer not in known:
            raise NotFound(
                "E-FLOW-280",
                "The contact {name} belongs to {peer}, which is no peer of this node.",
                name=contact.name,
                peer=ascii(contact.peer[:64]),
            )
    counts = node.store.contacts.put(found)
    return {"contacts": len(found), "new": counts.new, "updated": counts.updated, "unchanged": counts.unchanged}


def list_contacts(node: Node) -> list[dict[str, object]]:
    """All entries by name."""
    node.require("read")
    return [_row(contact) for contact in node.store.contacts.list()]


def show_contact(node: Node, name: str) -> dict[str, object]:
    """One entry by its name, or by the code name of its peer. Raises NotFound E-STORE-165."""
    node.require("read")
    return _row(contact_of(node, name) or node.store.contacts.get(name))


def contact_of(node: Node, peer: str) -> Contact | None:
    """Whom to call about a peer: the entry it was added with, else one that names it."""
    by_mail = node.store.mail_peers.find(peer)
    if by_mail is not None and by_mail.contact is not None:
        return node.store.contacts.get(by_mail.contact)
    return node.store.contacts.of_peer(peer)


def _row(contact: Contact) -> dict[str, object]:
    phones = {name: getattr(contact, name) for name in ("phone", "phone_24x7", "deputy_phone")}
    return {
        **msgspec.to_builtins(contact),
        **{name: readable_phone(number) if number else "" for name, number in phones.items()},
        "fingerprints": [grouped(fingerprint) for fingerprint in contact.fingerprints],
    }
