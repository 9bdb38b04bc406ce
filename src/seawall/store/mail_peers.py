"""Peers that are a mail address and an OpenPGP key."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from seawall.identity.sealing import Box
from seawall.model import Fault, NotFound, Refused
from seawall.model.mail import MailPeer
from seawall.model.peer import PeerState
from seawall.store.database import Database
from seawall.store.mail_tables import mail_peers
from seawall.store.sealed_names import blind, either, is_sealed, open_row, seal_row
from seawall.store.tables import peers, users
from seawall.store.values import checked_name


class MailPeers:
    """The group ``store.mail_peers``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._names = database.names

    def add(self, record: MailPeer) -> None:
        """Keep a new peer. Raises Fault E-STORE-030 for an unusable name, E-STORE-160 for a taken name or address."""
        name = checked_name("peer", record.code_name)
        with self._database.writing() as connection:
            others = [
                sa.select(peers.c.code_name).where(peers.c.code_name == name),
                sa.select(users.c.name).where(users.c.name == name),
            ]
            taken = any(connection.execute(query).first() for query in others)
            try:
                if not taken:
                    connection.execute(sa.insert(mail_peers), _values(record, self._names))
            except IntegrityError:
                taken = True
            if taken:
                raise Fault(
                    "E-STORE-160",
                    "The name {name} or the address {address} belongs to somebody already; choose another.",
                    name=name,
                    address=record.address,
                )

    def get(self, code_name: str) -> MailPeer:
        """The peer of this code name. Raises NotFound E-STORE-161."""
        found = self.find(code_name)
        if found is None:
            raise _absent(code_name)
        return found

    def find(self, code_name: str) -> MailPeer | None:
        """The peer of this code name; None when there is none."""
        return self._one(mail_peers.c.code_name == code_name)

    def by_address(self, address: str) -> MailPeer | None:
        """The peer that writes from this address, in whatever case."""
        return self._one(mail_peers.c.address.in_(either(self._names, address.lower())))

    def list(self) -> tuple[MailPeer, ...]:
        """All by code name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(mail_peers).order_by(mail_peers.c.code_name))
            return tuple(_record(row, self._names) for row in rows)

    def change(self, code_name: str, how: Callable[[MailPeer], MailPeer]) -> MailPeer:
        """Take over a new state, key, language or contact: ``how`` gets the record as it stands in this very
        transaction, so that two changes at once never undo each other. Returns the new record.

        Raises NotFound E-STORE-161, Refused E-STORE-162 once it is severed, and what ``how`` raises.
        """
        mine = mail_peers.c.code_name == code_name
        with self._database.writing() as connection:
            row = connection.execute(sa.select(mail_peers).where(mine).with_for_update()).first()
            if row is None:
                raise _absent(code_name)
            before = _record(row, self._names)
            if before.state is PeerState.SEVERED:
                raise Refused(
                    "E-STORE-162",
                    "The mail peer {name} was severed for good; add its new key under a new code name.",
                    name=code_name,
                )
            after = how(before)
            connection.execute(sa.update(mail_peers).where(mine).values(_values(after, self._names)))
        return after

    def write_anew(self) -> int:
        """Write every row as the vault wants it, severed ones too; how many."""
        found = self.list()
        with self._database.writing() as connection:
            for record in found:
                mine = mail_peers.c.code_name == record.code_name
                connection.execute(sa.update(mail_peers).where(mine).values(_values(record, self._names)))
        return len(found)

    def _one(self, condition: sa.ColumnElement[bool]) -> MailPeer | None:
        with self._database.reading() as connection:
            row = connection.execute(sa.select(mail_peers).where(condition)).first()
        return None if row is None else _record(row, self._names)


def _absent(code_name: str) -> NotFound:
    return NotFound("E-STORE-161", "There is no mail peer {name}.", name=ascii(code_name[:64]))


def _values(record: MailPeer, names: Box | None) -> dict[str, object]:
    if names is not None:
        return {
            "code_name": record.code_name,
            "address": blind(names, record.address.lower()),
            "fingerprint": "",
            "key": seal_row(names, record.code_name, record),
            "lang": record.lang,
            "state": record.state.value,
            "contact": None,
            "added_at": record.added_at,
        }
    return {
        "code_name": record.code_name,
        "address": record.address.lower(),
        "fingerprint": record.fingerprint,
        "key": record.key,
        "lang": record.lang,
        "state": record.state.value,
        "contact": record.contact,
        "added_at": record.added_at,
    }


def _record(row: Row[tuple[object, ...]], names: Box | None) -> MailPeer:
    if is_sealed(bytes(row.key)):
        found = open_row(names, row.code_name, bytes(row.key), MailPeer)
        return msgspec.structs.replace(found, state=PeerState(row.state))
    return MailPeer(
        code_name=row.code_name,
        address=row.address,
        fingerprint=row.fingerprint,
        key=bytes(row.key),
        lang=row.lang,
        state=PeerState(row.state),
        added_at=row.added_at,
        contact=row.contact,
    )
