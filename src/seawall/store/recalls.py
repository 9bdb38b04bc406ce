"""The book of recalls: which receiver was told what, and its answer. Who ever had an object is in the outboxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from seawall.model.recall import RecallCause, RecallRow, RecallState, SentRow
from seawall.model.stored import Page
from seawall.store.ancestry import insert_new
from seawall.store.database import Database
from seawall.store.notice_tables import recalls
from seawall.store.outbox_query import readable_by
from seawall.store.tables import outbox, outboxes
from seawall.store.values import bounded, clean, id_hash, names_to_text, optional, text_to_names, version_moment

CHUNK = 500  # ids in one query


class Recalls:
    """The group ``store.recalls``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Iterable[RecallRow]) -> None:
        """Keep rows; one of the same act, object, peer and direction that is there already stays as it is."""
        values = [_values(row) for row in rows]
        with self._database.writing() as connection:
            for start in range(0, len(values), CHUNK):
                insert_new(connection, recalls, values[start : start + CHUNK])

    def get(self, act: str, object_id: str, peer: str, *, ours: bool) -> RecallRow | None:
        """One row; None when there is none."""
        query = sa.select(recalls).where(*_one(act, object_id, peer, ours))
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _row(row)

    def list(
        self,
        *,
        object_id: str | None = None,
        ours: bool = True,
        states: Sequence[RecallState] | None = None,
        before: int | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Page[RecallRow]:
        """Rows in order of their number; ``before``: only those begun earlier (microseconds UTC)."""
        conditions = [recalls.c.ours == ours, recalls.c.number > after]
        if object_id is not None:
            conditions.append(recalls.c.object_id == clean(object_id))
        if states is not None:
            conditions.append(recalls.c.state.in_([state.value for state in states]))
        if before is not None:
            conditions.append(recalls.c.at < before)
        limit = bounded(limit)
        query = sa.select(recalls).where(*conditions).order_by(recalls.c.number).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(_row(row) for row in rows[:limit])
        return Page(items, items[-1].number if len(rows) > limit else None)

    def count(self, states: Sequence[RecallState], before: int) -> dict[str, int]:
        """How many of ours that began before a moment are in one of these states, by receiver."""
        query = (
            sa.select(recalls.c.peer, sa.func.count())
            .where(recalls.c.ours, recalls.c.state.in_([state.value for state in states]), recalls.c.at < before)
            .group_by(recalls.c.peer)
            .order_by(recalls.c.peer)
        )
        with self._database.reading() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query)}

    def told(self, act: str, peer: str, at: int) -> None:
        """The peer has taken the notice of this act."""
        meant = [recalls.c.act == act, recalls.c.peer == peer, recalls.c.ours]
        done = {"state": RecallState.TOLD.value, "told_at": at}
        with self._database.writing() as connection:
            waiting = recalls.c.state == RecallState.WAITING.value
            connection.execute(sa.update(recalls).where(*meant, waiting).values(done))

    def answered(self, answers: Iterable[tuple[RecallRow, RecallState, str]], at: int, receipt: bytes) -> None:
        """Keep what a receiver signed, all of it or nothing: (row, its state now, the receiver's word).

        The first row holds the signed envelope, the others say with which object it stands.
        """
        kept = receipt
        with self._database.writing() as connection:
            for row, state, said in answers:
                done = {
                    "state": state.value,
                    "said": clean(said),
                    "answered_at": at,
                    "receipt": kept,
                    "told_at": row.told_at if row.told_at is not None else at,
                }
                connection.execute(
                    sa.update(recalls).where(*_one(row.act, row.object_id, row.peer, row.ours)).values(done)
                )
                if kept is receipt:
                    kept = f"with {row.object_id}".encode()

    def unreachable(self, peer: str) -> int:
        """What this peer was not told cannot be told any more; returns how many rows that changed."""
        waiting = [recalls.c.peer == peer, recalls.c.ours, recalls.c.state == RecallState.WAITING.value]
        with self._database.writing() as connection:
            done = sa.update(recalls).where(*waiting).values(state=RecallState.UNREACHABLE.value)
            return int(connection.execute(done).rowcount)

    def taken_back(self, circle: str, member: str, ids: Iterable[str]) -> dict[str, int]:
        """Of these objects, those that we took back from this member in this circle, with the moment of the version
        that was taken back (``version_moment``): it and older ones never go there again."""
        wanted = sorted({clean(id) for id in ids})
        found: dict[str, int] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                query = sa.select(recalls.c.object_id, recalls.c.version, recalls.c.circles).where(
                    recalls.c.object_id.in_(wanted[start : start + CHUNK]),
                    recalls.c.peer == member,
                    recalls.c.ours,
                    recalls.c.cause == RecallCause.RECALLED.value,
                )
                for id, version, circles in connection.execute(query):
                    if circle in text_to_names(circles):
                        found[id] = max(found.get(id, -1), version_moment(version))
        return found

    def sent(self, object_id: str) -> tuple[SentRow, ...]:
        """Every row of an object that ever stood in an outbox, withdrawn ones too, oldest first."""
        query = (
            sa.select(
                outboxes.c.circle,
                outbox.c.object_id,
                outbox.c.version,
                outbox.c.recipients,
                outbox.c.added,
                outbox.c.withdrawn_at,
            )
            .join(outboxes, outbox.c.circle == outboxes.c.number)
            .where(outbox.c.id_hash == id_hash(object_id), outbox.c.object_id == object_id)
            .order_by(outbox.c.number)
        )
        with self._database.reading() as connection:
            return tuple(
                SentRow(
                    row.circle,
                    row.object_id,
                    row.version,
                    None if row.recipients is None else frozenset(text_to_names(row.recipients)),
                    row.added,
                    row.withdrawn_at,
                )
                for row in connection.execute(query)
            )

    def hide(self, circle: str, ids: Iterable[str], member: str | None, at: int) -> int:
        """Hide objects in a circle's outbox from now on, from everybody or from one member's own rows; returns how many
        rows that hid. On disk when this returns."""
        wanted, hidden = sorted(set(ids)), 0
        number = sa.select(outboxes.c.number).where(outboxes.c.circle == circle).scalar_subquery()
        with self._database.writing() as connection:
            for start in range(0, len(wanted), CHUNK):
                chunk = wanted[start : start + CHUNK]
                meant = [
                    outbox.c.id_hash.in_([id_hash(id) for id in chunk]),
                    outbox.c.object_id.in_(chunk),
                    outbox.c.circle == number,
                    outbox.c.withdrawn_at.is_(None),
                ]
                if member is not None:
                    meant.append(outbox.c.recipients == names_to_text(frozenset({member})))
                hidden += connection.execute(sa.update(outbox).where(*meant).values(withdrawn_at=at)).rowcount
        return hidden

    def sent_to(self, recipient: str, *, after: int = 0, limit: int = 1_000) -> tuple[tuple[int, SentRow, bytes], ...]:
        """Rows that ever stood in an outbox for this reader, withdrawn ones too: (number, row, body), in order."""
        query = (
            sa.select(outbox, outboxes.c.circle.label("name"))
            .join(outboxes, outbox.c.circle == outboxes.c.number)
            .where(outbox.c.number > after, *readable_by(outbox, recipient))
            .order_by(outbox.c.number)
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(
                (
                    row.number,
                    SentRow(
                        row.name,
                        row.object_id,
                        row.version,
                        None if row.recipients is None else frozenset(text_to_names(row.recipients)),
                        row.added,
                        row.withdrawn_at,
                    ),
                    bytes(row.body),
                )
                for row in connection.execute(query)
            )


def _one(act: str, object_id: str, peer: str, ours: bool) -> list[sa.ColumnElement[bool]]:
    return [
        recalls.c.act == clean(act),
        recalls.c.object_id == clean(object_id),
        recalls.c.peer == peer,
        recalls.c.ours == ours,
    ]


def _values(row: RecallRow) -> dict[str, object]:
    return {
        "act": clean(row.act),
        "object_id": clean(row.object_id),
        "peer": row.peer,
        "ours": row.ours,
        "version": clean(row.version),
        "circles": names_to_text(row.circles) or "[]",
        "cause": row.cause.value,
        "behind": row.behind,
        "at": row.at,
        "state": row.state.value,
        "told_at": row.told_at,
        "answered_at": row.answered_at,
        "said": optional(row.said),
        "receipt": row.receipt,
    }


def _row(row: Any) -> RecallRow:
    return RecallRow(
        number=row.number,
        act=row.act,
        object_id=row.object_id,
        peer=row.peer,
        ours=row.ours,
        version=row.version,
        circles=text_to_names(row.circles),
        cause=RecallCause(row.cause),
        behind=row.behind,
        at=row.at,
        state=RecallState(row.state),
        told_at=row.told_at,
        answered_at=row.answered_at,
        said=row.said,
        receipt=None if row.receipt is None else bytes(row.receipt),
    )
