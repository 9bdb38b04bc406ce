"""The contact directory."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from seawall.identity.sealing import Box
from seawall.model import NotFound
from seawall.model.contact import Contact
from seawall.model.stored import PutCounts
from seawall.store.database import Database
from seawall.store.mail_tables import contacts
from seawall.store.replace import replace
from seawall.store.sealed_names import PREFIX, blind, either, open_text, seal_text
from seawall.store.values import clean


class Contacts:
    """The group ``store.contacts``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = database.names

    def put(self, given: Iterable[Contact]) -> PutCounts:
        """Keep entries; one of the same name is replaced. All or nothing."""
        counts = PutCounts()
        with self._database.writing() as connection:
            for contact in given:
                body, name = clean(msgspec.json.encode(contact).decode()), clean(contact.name)
                held = self._plain(connection.execute(_of_name(self._names, name)).first())
                counts += PutCounts(int(held is None), int(held not in (None, body)), int(held == body))
                if self._names is not None:
                    connection.execute(sa.delete(contacts).where(contacts.c.name == name))  # from before the vault
                    body = seal_text(self._names, blind(self._names, name), _contact(body))
                replace(connection, contacts, {"name": blind(self._names, name), "peer": contact.peer, "body": body})
        return counts

    def get(self, name: str) -> Contact:
        """The entry of this name. Raises NotFound E-STORE-165."""
        with self._database.reading() as connection:
            body = self._plain(connection.execute(_of_name(self._names, name)).first())
        if body is None:
            raise NotFound("E-STORE-165", "There is no contact {name}.", name=ascii(name[:64]))
        return _contact(body)

    def of_peer(self, peer: str) -> Contact | None:
        """The first entry, by name, that belongs to this peer."""
        return next((contact for contact in self._all(contacts.c.peer == peer)), None)

    def list(self) -> tuple[Contact, ...]:
        """All by name."""
        return self._all(sa.true())

    def _all(self, condition: sa.ColumnElement[bool]) -> tuple[Contact, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(contacts).where(condition)).all()
        found = [_contact(body) for row in rows if (body := self._plain(row)) is not None]
        return tuple(sorted(found, key=lambda contact: contact.name))

    def _plain(self, row: sa.Row[tuple[object, ...]] | None) -> str | None:
        """The JSON of a row, opened when it is sealed."""
        if row is None:
            return None
        opened = open_text(self._names, row.name, row.body, Contact)
        return msgspec.json.encode(opened).decode() if row.body.startswith(PREFIX) else str(row.body)


def _of_name(names: Box | None, name: str) -> sa.Select[tuple[object, ...]]:
    return sa.select(contacts).where(contacts.c.name.in_(either(names, name)))


def _contact(body: str) -> Contact:
    return msgspec.json.decode(body, type=Contact)
