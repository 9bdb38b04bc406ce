"""What is kept of private set intersections with peers, by epoch: packed lists, one row for 65,536 of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import sqlalchemy as sa

from seawall.model.psi import PsiSession, SentPart, SessionState, TakenPart
from seawall.store.database import Database
from seawall.store.psi_tables import psi_epochs, psi_questions, psi_sent, psi_sessions, psi_taken
from seawall.store.replace import insert_into, replace

_OF_EPOCH = (psi_sessions, psi_sent, psi_taken, psi_questions)
_values = msgspec.msgpack.Decoder(tuple[bytes, ...])


class Psi:
    """The group ``store.psi``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def book(self, peer: str, epoch: str) -> PsiBook:
        """The book of one epoch (its id, lower hex) with one peer; it is begun on first use."""
        return PsiBook(self._database, peer, epoch)

    def epochs(self, peer: str) -> tuple[str, ...]:
        """The ids of all epochs that are kept with a peer, in the order in which they were begun."""
        query = sa.select(psi_epochs.c.epoch).where(psi_epochs.c.peer == peer).order_by(psi_epochs.c.number)
        with self._database.reading() as connection:
            return tuple(connection.execute(query).scalars())

    def forget(self, peer: str) -> None:
        """Drop every epoch with a peer."""
        for epoch in self.epochs(peer):
            self.book(peer, epoch).forget()


class PsiBook:
    """One epoch with one peer; fulfils the ``PsiBook`` of ``exchange.psi``. All writes are on disk when they return."""

    def __init__(self, database: Database, peer: str, epoch: str) -> None:
        self._database = database
        self._peer = peer
        self._epoch = epoch

    def session(self) -> PsiSession | None:
        """The newest session, whatever its state."""
        query = self._query(psi_sessions).order_by(psi_sessions.c.number.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _session(row)

    def save(self, session: PsiSession) -> None:
        """Add or replace the session of this number."""
        row = {**msgspec.structs.asdict(session), "state": session.state.value}
        with self._database.writing() as connection:
            replace(connection, psi_sessions, {"epoch": self._number(connection), **row})

    def put_sent(self, session: int, part: SentPart) -> None:
        """Add or replace one part of our list."""
        row = {
            "session": session,
            "part": part.index,
            "points": part.points,
            "items": msgspec.msgpack.encode(part.values),
            "places": part.places,
            "checks": part.checks,
            "tokens": part.tokens,
            "answer": part.answer,
        }
        with self._database.writing() as connection:
            replace(connection, psi_sent, {"epoch": self._number(connection), **row})

    def sent_part(self, session: int, index: int) -> SentPart | None:
        """One part of our list; None when there is none."""
        query = self._query(psi_sent).where(psi_sent.c.session == session, psi_sent.c.part == index)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _sent(row)

    def sent(self, session: int) -> Iterator[SentPart]:
        """The parts of our list of one session, in order."""
        return (_sent(row) for row in self._rows(psi_sent, psi_sent.c.session == session))

    def drop_sent(self, session: int) -> None:
        """Forget our list of one session."""
        with self._database.writing() as connection:
            mine = [psi_sent.c.epoch == self._number(connection), psi_sent.c.session == session]
            connection.execute(sa.delete(psi_sent).where(*mine))

    def answered(self, session: int, index: int, tokens: bytes, digest: bytes) -> None:
        """The tokens of a part came back; its points are forgotten."""
        with self._database.writing() as connection:
            one = [psi_sent.c.epoch == self._number(connection), psi_sent.c.session == session]
            change = {"points": b"", "checks": b"", "tokens": tokens, "answer": digest}
            connection.execute(sa.update(psi_sent).where(*one, psi_sent.c.part == index).values(change))

    def put_taken(self, session: int, part: TakenPart) -> None:
        """Keep one part of the other side's list."""
        row = {"session": session, "part": part.index, "digest": part.digest, "tokens": part.tokens}
        with self._database.writing() as connection:
            replace(connection, psi_taken, {"epoch": self._number(connection), **row})

    def taken(self, session: int) -> Iterator[TakenPart]:
        """The parts of the other side's list that came in this session, in order."""
        return (_taken(row) for row in self._rows(psi_taken, psi_taken.c.session == session))

    def sent_parts(self) -> Iterator[tuple[int, SentPart]]:
        """(session, part) of all of ours that were answered, over the whole epoch."""
        return ((row.session, _sent(row)) for row in self._rows(psi_sent, psi_sent.c.tokens.is_not(None)))

    def taken_parts(self) -> Iterator[tuple[int, TakenPart]]:
        """(session, part) of all of theirs, over the whole epoch."""
        return ((row.session, _taken(row)) for row in self._rows(psi_taken, sa.true()))

    def put_question(self, key: str, value: bytes, blind: bytes, at: int) -> None:
        """Keep a question that was asked, until its answer came."""
        with self._database.writing() as connection:
            row = {"epoch": self._number(connection), "id": key, "item": value, "blind": blind, "at": at}
            replace(connection, psi_questions, row)

    def question(self, key: str) -> tuple[bytes, bytes] | None:
        """(value, blind) of a question that is not settled."""
        with self._database.reading() as connection:
            row = connection.execute(self._query(psi_questions).where(psi_questions.c.id == key)).first()
        return None if row is None else (bytes(row.item), bytes(row.blind))

    def drop_question(self, key: str) -> None:
        """Forget a question."""
        with self._database.writing() as connection:
            mine = [psi_questions.c.epoch == self._number(connection), psi_questions.c.id == key]
            connection.execute(sa.delete(psi_questions).where(*mine))

    def forget(self) -> None:
        """Drop everything that is kept of this epoch."""
        with self._database.writing() as connection:
            number = self._number(connection)
            for table in _OF_EPOCH:
                connection.execute(sa.delete(table).where(table.c.epoch == number))
            connection.execute(sa.delete(psi_epochs).where(psi_epochs.c.number == number))

    def _number(self, connection: sa.Connection) -> int:
        mine = {"peer": self._peer, "epoch": self._epoch}
        connection.execute(insert_into(connection, psi_epochs).values(mine).on_conflict_do_nothing())
        return int(connection.execute(self._own()).scalar_one())

    def _own(self) -> sa.Select[Any]:
        return sa.select(psi_epochs.c.number).where(psi_epochs.c.peer == self._peer, psi_epochs.c.epoch == self._epoch)

    def _query(self, table: sa.Table) -> sa.Select[Any]:
        return sa.select(table).where(table.c.epoch == self._own().scalar_subquery())

    def _rows(self, table: sa.Table, which: sa.ColumnElement[bool]) -> Iterator[Any]:
        """One row after the other, each read alone: a row is up to 5 MB, and no snapshot stays open meanwhile."""
        keys = sa.select(table.c.session, table.c.part).where(table.c.epoch == self._own().scalar_subquery(), which)
        with self._database.reading() as connection:
            places = list(connection.execute(keys.order_by(table.c.session, table.c.part)))
        for session, part in places:
            one = self._query(table).where(table.c.session == session, table.c.part == part)
            with self._database.reading() as connection:
                row = connection.execute(one).first()
            if row is not None:
                yield row


def _session(row: Any) -> PsiSession:
    values = {name: value for name, value in row._mapping.items() if name != "epoch"}
    return PsiSession(**{**values, "state": SessionState(row.state), "we_are_first": bool(row.we_are_first)})


def _sent(row: Any) -> SentPart:
    return SentPart(
        index=row.part,
        points=bytes(row.points),
        values=_values.decode(row.items),
        places=bytes(row.places),
        checks=bytes(row.checks),
        tokens=None if row.tokens is None else bytes(row.tokens),
        answer=bytes(row.answer),
    )


def _taken(row: Any) -> TakenPart:
    return TakenPart(index=row.part, digest=bytes(row.digest), tokens=bytes(row.tokens))
