"""Mails that left and mails that came, each once."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection, Row
from sqlalchemy.exc import IntegrityError

from seawall.model import NotFound, Refused
from seawall.model.mail import MailRecord, MailState
from seawall.model.stored import Page
from seawall.store.database import Database
from seawall.store.mail_tables import mails
from seawall.store.replace import replace
from seawall.store.tables import cursors
from seawall.store.values import bounded, clean, optional

TICKETS = "tickets"
"""The series of ticket numbers."""
QUARANTINED = 1_000
"""Mails in quarantine that stay on the books: more than people look through, and two megabytes."""
MAIL = "mail"
"""The direction of the cursors that say how far an outbox has left by mail."""


class Mails:
    """The group ``store.mails``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: MailRecord) -> MailRecord | None:
        """Keep a mail; None when one of this identity is held already. On disk when this returns.

        Of mails in quarantine the last QUARANTINED of the same supposed peer, and of all strangers, stay: anybody can
        send any number of them.
        """
        row = _values(record)
        with self._database.writing() as connection:
            try:
                number = connection.execute(sa.insert(mails).returning(mails.c.number), row).scalar_one()
            except IntegrityError:
                return None
            if record.state is MailState.QUARANTINED:
                _forget_oldest(connection, record.peer)
        return msgspec.structs.replace(record, number=int(number))

    def next_ticket(self) -> int:
        """A ticket number that nobody has had."""
        with self._database.writing() as connection:
            return self._database.numbers(connection, TICKETS, 1)

    def get(self, number: int) -> MailRecord:
        """Raises NotFound E-STORE-163."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(mails).where(mails.c.number == number)).first()
        if row is None:
            raise NotFound("E-STORE-163", "There is no mail number {number}.", number=number)
        return _record(row)

    def holds(self, identity: str) -> bool:
        """Whether a mail of this identity is on the books."""
        query = sa.select(mails.c.number).where(mails.c.identity == identity)
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def of_identity(self, identity: str) -> MailRecord | None:
        """The mail of this identity; None when none is on the books."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(mails).where(mails.c.identity == clean(identity))).first()
        return None if row is None else _record(row)

    def seen(self, peer: str, message_id: str) -> bool:
        """Whether a believed mail of this peer bore this Message-ID."""
        query = sa.select(mails.c.number).where(
            mails.c.message_id == message_id,
            mails.c.direction == "in",
            mails.c.peer == peer,
            mails.c.state != MailState.QUARANTINED.value,
        )
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def list(
        self, direction: str, *, states: Sequence[MailState] = (), peer: str | None = None, after: int = 0,
        limit: int = 100,
    ) -> Page[MailRecord]:  # fmt: skip
        """Mails in order of arrival behind ``after``."""
        conditions = [mails.c.direction == direction, mails.c.number > after]
        if states:
            conditions.append(mails.c.state.in_([state.value for state in states]))
        if peer is not None:
            conditions.append(mails.c.peer == peer)
        limit = bounded(limit)
        query = sa.select(mails).where(*conditions).order_by(mails.c.number).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return Page(tuple(_record(row) for row in rows[:limit]), rows[limit - 1].number if len(rows) > limit else None)

    def thread(self, ticket: str, peer: str, limit: int = 20) -> tuple[MailRecord, ...]:
        """The latest believed mails of a ticket with one peer, oldest first."""
        query = (
            sa.select(mails)
            .where(mails.c.ticket == ticket, mails.c.peer == peer, mails.c.state != MailState.QUARANTINED.value)
            .order_by(mails.c.number.desc())
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_record(row) for row in reversed(connection.execute(query).all()))

    def decide(
        self, number: int, before: MailState, record: MailRecord, *, sent_up_to: str | None = None
    ) -> MailRecord:
        """Move a mail from ``before`` to ``record.state``, with who decided. On disk when this returns.

        ``sent_up_to``: the cursor of outgoing mail for its peer and circle, moved in the same transaction.

        Raises Refused E-STORE-164 when it is not in that state any more.
        """
        changes = {
            "state": record.state.value,
            "circle": record.circle,
            "body": record.body,
            "decided_by": record.decided_by,
            "decided_at": record.decided_at,
        }
        with self._database.writing() as connection:
            done = connection.execute(
                sa.update(mails).where(mails.c.number == number, mails.c.state == before.value).values(changes)
            )
            if done.rowcount == 1 and sent_up_to is not None:
                row = {"peer": record.peer, "circle": record.circle, "direction": MAIL, "value": sent_up_to}
                replace(connection, cursors, row)
        if done.rowcount != 1:
            raise Refused(
                "E-STORE-164", "Mail number {number} is not {state} any more.", number=number, state=before.value
            )
        return record


def _forget_oldest(connection: Connection, peer: str | None) -> None:
    like = sa.and_(mails.c.state == MailState.QUARANTINED.value, mails.c.peer.is_not_distinct_from(peer))
    oldest = sa.select(mails.c.number).where(like).order_by(mails.c.number.desc()).offset(QUARANTINED).limit(1)
    if (behind := connection.execute(oldest).scalar()) is not None:
        connection.execute(sa.delete(mails).where(like, mails.c.number <= behind))


def _values(record: MailRecord) -> dict[str, object]:
    return {
        "direction": record.direction,
        "identity": clean(record.identity),
        "peer": record.peer,
        "message_id": clean(record.message_id),
        "ticket": optional(record.ticket),
        "circle": record.circle,
        "subject": clean(record.subject),
        "at": record.at,
        "state": record.state.value,
        "body": record.body,
        "decided_by": record.decided_by,
        "decided_at": record.decided_at,
    }


def _record(row: Row[tuple[object, ...]]) -> MailRecord:
    return MailRecord(
        direction=row.direction,
        identity=row.identity,
        peer=row.peer,
        message_id=row.message_id,
        subject=row.subject,
        at=row.at,
        state=MailState(row.state),
        ticket=row.ticket,
        circle=row.circle,
        body=bytes(row.body),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
        number=row.number,
    )
