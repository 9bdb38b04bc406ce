"""The contact directory."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from seawall.model import NotFound
from seawall.model.contact import Contact
from seawall.model.stored import PutCounts
from seawall.store.database import Database
from seawall.store.mail_tables import contacts
from seawall.store.replace import replace
from seawall.store.values import clean


class Contacts:
    """The group ``store.contacts``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, given: Iterable[Contact]) -> PutCounts:
        """Keep entries; one of the same name is replaced. All or nothing."""
        counts = PutCounts()
        with self._database.writing() as connection:
            for contact in given:
                body = clean(msgspec.json.encode(contact).decode())
                query = sa.select(contacts.c.body).where(contacts.c.name == clean(contact.name))
                held = connection.execute(query).scalar()
                counts += PutCounts(int(held is None), int(held not in (None, body)), int(held == body))
                replace(connection, contacts, {"name": clean(contact.name), "peer": contact.peer, "body": body})
        return counts

    def get(self, name: str) -> Contact:
        """The entry of this name. Raises NotFound E-STORE-165."""
        query = sa.select(contacts.c.body).where(contacts.c.name == name)
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        if body is None:
            raise NotFound("E-STORE-165", "There is no contact {name}.", name=ascii(name[:64]))
        return _contact(body)

    def of_peer(self, peer: str) -> Contact | None:
        """The first entry, by name, that belongs to this peer."""
        query = sa.select(contacts.c.body).where(contacts.c.peer == peer).order_by(contacts.c.name)
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else _contact(body)

    def list(self) -> tuple[Contact, ...]:
        """All by name."""
        with self._database.reading() as connection:
            bodies = connection.execute(sa.select(contacts.c.body).order_by(contacts.c.name)).scalars()
            return tuple(_contact(body) for body in bodies)


def _contact(body: str) -> Contact:
    return msgspec.json.decode(body, type=Contact)
