"""Peers' messages to us, by number: which were handled, and the few that came before their turn."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from seawall.model.message import MessageKind
from seawall.model.post import Incoming, PostState
from seawall.store.database import Database
from seawall.store.post_tables import post_incoming as table
from seawall.store.replace import replace
from seawall.store.values import bounded, optional

_WITHOUT_BYTES = [column for column in table.c if column.name != "body"]


class PostIn:
    """The group ``store.post_in``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Incoming, keep: int | None = None) -> None:
        """Keep one, in place of another of the same number. On disk when this returns.

        ``keep``: of what this peer sent only the last ``keep`` numbers stay.
        """
        with self._database.writing() as connection:
            replace(connection, table, _values(message))
            if keep is not None:
                old = [table.c.peer == message.peer, table.c.sequence <= message.sequence - keep]
                connection.execute(sa.delete(table).where(*old))

    def get(self, peer: str, sequence: int) -> Incoming | None:
        """One message; None when there is none of this number, or no longer."""
        query = sa.select(table).where(table.c.peer == peer, table.c.sequence == sequence)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _message(row)

    def last(self, peer: str) -> Incoming | None:
        """How far we have come: the highest number that is used up."""
        query = (
            sa.select(table)
            .where(table.c.peer == peer, table.c.state != PostState.HELD.value)
            .order_by(table.c.sequence.desc())
            .limit(1)
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _message(row)

    def held(self, peer: str) -> tuple[Incoming, ...]:
        """Those that came too early, in order, without their bodies."""
        query = (
            sa.select(*_WITHOUT_BYTES)
            .where(table.c.peer == peer, table.c.state == PostState.HELD.value)
            .order_by(table.c.sequence)
        )
        with self._database.reading() as connection:
            return tuple(_message(row) for row in connection.execute(query))

    def drop_held(self, peer: str) -> int:
        """Forget those; they come again. Returns how many."""
        meant = [table.c.peer == peer, table.c.state == PostState.HELD.value]
        with self._database.writing() as connection:
            return int(connection.execute(sa.delete(table).where(*meant)).rowcount)

    def list(self, peer: str, *, limit: int = 100) -> tuple[Incoming, ...]:
        """The last ones, newest first, without their bodies."""
        query = (
            sa.select(*_WITHOUT_BYTES)
            .where(table.c.peer == peer)
            .order_by(table.c.sequence.desc())
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_message(row) for row in connection.execute(query))


def _values(message: Incoming) -> dict[str, object]:
    return {
        "peer": message.peer,
        "sequence": message.sequence,
        "kind": message.kind.value,
        "at": message.at,
        "expires": message.expires,
        "digest": message.digest,
        "size": message.size,
        "body": message.body,
        "state": message.state.value,
        "reason": optional(message.reason),
        "settled_at": message.settled_at,
    }


def _message(row: Any) -> Incoming:
    body = row._mapping.get("body")
    return Incoming(
        peer=row.peer,
        sequence=row.sequence,
        kind=MessageKind(row.kind),
        at=row.at,
        expires=row.expires,
        digest=row.digest,
        size=row.size,
        body=None if body is None else bytes(body),
        state=PostState(row.state),
        reason=row.reason,
        settled_at=row.settled_at,
    )
