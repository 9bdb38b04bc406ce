"""The book of notices: what we signed for each peer, and what each peer signed for us, by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from seawall.model.notice import KeptNotice, NoticeKind, NoticeState
from seawall.store.database import Database
from seawall.store.notice_tables import notices
from seawall.store.replace import replace
from seawall.store.values import bounded, clean, optional


class Notices:
    """The group ``store.notices``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, notice: KeptNotice, keep: int | None = None) -> None:
        """Keep one, in place of another of the same number. On disk when this returns.

        ``keep``: of settled notices in this direction only those of the last ``keep`` numbers stay.
        """
        here = [notices.c.peer == notice.peer, notices.c.ours == notice.ours]
        with self._database.writing() as connection:
            replace(connection, notices, _values(notice))
            if keep is not None:
                settled = notices.c.state != NoticeState.WAITING.value
                old = sa.delete(notices).where(*here, notices.c.number <= notice.number - keep, settled)
                connection.execute(old)

    def get(self, peer: str, number: int, *, ours: bool) -> KeptNotice | None:
        """One notice; None when there is none of this number, or no longer."""
        query = sa.select(notices).where(notices.c.peer == peer, notices.c.ours == ours, notices.c.number == number)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _kept(row)

    def last(self, peer: str, *, ours: bool) -> int:
        """The highest number in this direction; 0 before the first."""
        query = sa.select(sa.func.max(notices.c.number)).where(notices.c.peer == peer, notices.c.ours == ours)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def behind(self, peer: str, after: int, limit: int) -> tuple[KeptNotice, ...]:
        """All of ours behind a number, in order: one that was taken too, for a peer whose books are older than that."""
        query = (
            sa.select(notices)
            .where(notices.c.peer == peer, notices.c.ours, notices.c.number > after)
            .order_by(notices.c.number)
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_kept(row) for row in connection.execute(query))

    def waiting(self, peer: str, *, limit: int = 100) -> tuple[KeptNotice, ...]:
        """Ours that this peer has not taken, in order."""
        query = sa.select(notices).where(*_waiting(peer)).order_by(notices.c.number).limit(bounded(limit))
        with self._database.reading() as connection:
            return tuple(_kept(row) for row in connection.execute(query))

    def count_waiting(self, peer: str) -> int:
        """How many of ours this peer has not taken."""
        query = sa.select(sa.func.count()).select_from(notices).where(*_waiting(peer))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def taken(self, peer: str, until: int, at: int) -> tuple[int, ...]:
        """The peer has taken ours up to and with number ``until``; returns the numbers this is news for."""
        meant = [*_waiting(peer), notices.c.number <= until]
        with self._database.writing() as connection:
            query = sa.select(notices.c.number).where(*meant).order_by(notices.c.number)
            found = tuple(connection.execute(query).scalars())
            if found:
                done = {"state": NoticeState.TAKEN.value, "settled_at": at}
                connection.execute(sa.update(notices).where(*meant).values(done))
        return found

    def refused(self, peer: str, number: int, reason: str, at: int) -> bool:
        """The peer took one of ours and rejected what it says; False when we never sent that number."""
        meant = [notices.c.peer == peer, notices.c.ours, notices.c.number == number]
        done = {"state": NoticeState.REJECTED.value, "reason": clean(reason), "settled_at": at}
        with self._database.writing() as connection:
            return bool(connection.execute(sa.update(notices).where(*meant).values(done)).rowcount)

    def list(self, peer: str, *, limit: int = 100) -> Sequence[KeptNotice]:
        """The last ones in both directions, newest first."""
        query = (
            sa.select(notices)
            .where(notices.c.peer == peer)
            .order_by(notices.c.at.desc(), notices.c.number.desc())
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_kept(row) for row in connection.execute(query))

    def replace_waiting(self, peer: str, fresh: Sequence[KeptNotice]) -> None:
        """In place of all that this peer has not taken; all of it or nothing."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(notices).where(*_waiting(peer)))
            for notice in fresh:
                replace(connection, notices, _values(notice))

    def forget_waiting(self, peer: str) -> int:
        """Drop what this peer has not taken: nothing more goes there. Returns how many."""
        with self._database.writing() as connection:
            return int(connection.execute(sa.delete(notices).where(*_waiting(peer))).rowcount)


def _waiting(peer: str) -> list[sa.ColumnElement[bool]]:
    return [notices.c.peer == peer, notices.c.ours, notices.c.state == NoticeState.WAITING.value]


def _values(notice: KeptNotice) -> dict[str, object]:
    return {
        "peer": notice.peer,
        "ours": notice.ours,
        "number": notice.number,
        "kind": notice.kind.value,
        "at": notice.at,
        "digest": notice.digest,
        "envelope": notice.envelope,
        "state": notice.state.value,
        "reason": optional(notice.reason),
        "settled_at": notice.settled_at,
    }


def _kept(row: Any) -> KeptNotice:
    return KeptNotice(
        peer=row.peer,
        ours=row.ours,
        number=row.number,
        kind=NoticeKind(row.kind),
        at=row.at,
        digest=row.digest,
        envelope=bytes(row.envelope),
        state=NoticeState(row.state),
        reason=row.reason,
        settled_at=row.settled_at,
    )
