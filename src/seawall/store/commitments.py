"""Commitments: which values were committed to in which batch, and the checkpoints that date the batches.

A batch is whole or absent: its rows and its root come in one transaction, its leaf follows. What has no leaf yet is in
no answer here but ``pending``. A row's number is BATCH times its batch's plus its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.store.ancestry import insert_new
from seawall.store.book_tables import commitment_batches, commitments, cosigned_checkpoints
from seawall.store.bulk import insert_rows
from seawall.store.database import Database

BATCH = 4_096
"""The most values of one leaf: a path of twelve hashes, found in a few milliseconds. Whoever says that it committed to
N values must have at least N / 4,096 leaves, so a ledger's growth bounds the claim."""
PAGE = 10_000  # rows read at once
MAX_COSIGNED = 1_000  # checkpoints kept of one witness: nearly three years of daily ones


class NewBatch(msgspec.Struct, frozen=True):
    """A batch on its way in. ``rows``: (type, value, day, source, salt, strength), in their places."""

    number: int
    at: int
    root: bytes
    totals: Mapping[str, int]
    commitments: bytes
    rows: Sequence[tuple[str, str, int, str, bytes, int]]


class Batch(msgspec.Struct, frozen=True):
    """A batch without its rows; ``leaf`` is None while it is not on the ledger."""

    number: int
    at: int
    root: bytes
    count: int
    totals: Mapping[str, int]
    leaf: int | None


class Held(msgspec.Struct, frozen=True):
    """One value that was committed to."""

    type: str
    value: str
    day: int
    source: str
    salt: bytes
    place: int
    strength: int
    withdrawn: str | None
    batch: Batch


class Ranked(msgspec.Struct, frozen=True, gc=False):
    """One value that may enter an overlap; ``at`` is the moment of its leaf."""

    value: str
    day: int
    source: str
    strength: int
    at: int


class Change(msgspec.Struct, frozen=True):
    """What became of a value since."""

    type: str
    value: str
    strength: int
    withdrawn: str | None


class Commitments:
    """The group ``store.commitments``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batches: Sequence[NewBatch]) -> None:
        """Keep batches whole; on disk when this returns."""
        with self._database.writing() as connection:
            for batch in batches:
                rows = [
                    (batch.number * BATCH + place, type, value, day, source, salt, batch.number, place, strength, None)
                    for place, (type, value, day, source, salt, strength) in enumerate(batch.rows)
                ]
                insert_rows(connection, commitments, rows)
                totals = msgspec.json.encode(batch.totals, order="sorted").decode()
                row = (batch.number, batch.at, batch.root, len(rows), totals, batch.commitments, None)
                insert_rows(connection, commitment_batches, [row])

    def last(self) -> Batch | None:
        """The newest batch; None before the first."""
        return self._batch(_BATCHES.order_by(commitment_batches.c.number.desc()).limit(1))

    def newest_recorded(self, below: int) -> Batch | None:
        """The newest batch whose leaf has an index below ``below``."""
        recorded = _BATCHES.where(commitment_batches.c.leaf < below)
        return self._batch(recorded.order_by(commitment_batches.c.leaf.desc()).limit(1))

    def pending(self) -> Sequence[Batch]:
        """Batches that have no leaf yet, oldest first."""
        query = _BATCHES.where(commitment_batches.c.leaf.is_(None)).order_by(commitment_batches.c.number)
        with self._database.reading() as connection:
            return [_batch(row) for row in connection.execute(query)]

    def recorded(self, leaves: Mapping[int, int], at: int) -> None:
        """Batch number -> index of its leaf, whose moment is ``at``."""
        with self._database.writing() as connection:
            for number, leaf in leaves.items():
                update = sa.update(commitment_batches).where(commitment_batches.c.number == number)
                connection.execute(update.values(leaf=leaf, at=at))

    def batch_commitments(self, number: int) -> bytes:
        """The commitments of a batch, 32 bytes each."""
        query = sa.select(commitment_batches.c.commitments).where(commitment_batches.c.number == number)
        with self._database.reading() as connection:
            return bytes(connection.execute(query).scalar_one())

    def known(self) -> Iterator[Change]:
        """All values that were committed to, in the order of their type's and their own code points."""
        after: tuple[str, str] | None = None
        while True:
            with self._database.reading() as connection:
                type, value = _ordered(connection, commitments.c.type), _ordered(connection, commitments.c.value)
                columns = (commitments.c.type, commitments.c.value, commitments.c.strength, commitments.c.withdrawn)
                query = sa.select(*columns).order_by(type, value).limit(PAGE)
                if after is not None:
                    query = query.where(sa.tuple_(type, value) > sa.tuple_(*map(sa.literal, after)))
                rows = connection.execute(query).all()
            yield from (Change(*row) for row in rows)
            if len(rows) < PAGE:
                return
            after = (rows[-1].type, rows[-1].value)

    def change(self, changes: Sequence[Change]) -> None:
        """Write what became of values: stronger evidence, or a reason why they enter no overlap any more."""
        update = (
            sa.update(commitments)
            .where(commitments.c.type == sa.bindparam("_type"), commitments.c.value == sa.bindparam("_value"))
            .values(strength=sa.bindparam("_strength"), withdrawn=sa.bindparam("_withdrawn"))
        )
        with self._database.writing() as connection:
            for start in range(0, len(changes), PAGE):
                rows = [
                    {"_type": item.type, "_value": item.value, "_strength": item.strength, "_withdrawn": item.withdrawn}
                    for item in changes[start : start + PAGE]
                ]
                connection.execute(update, rows)

    def ranked(self, type: str, before: int) -> Iterator[Ranked]:
        """Values whose leaf is older than ``before`` and that may enter: strongest evidence first, then the newest."""
        strength = self._strength(type, None)
        while strength is not None:  # one strength after the other: within one, an index is walked by its numbers
            after: int | None = None
            while True:
                query = _RANKED.where(
                    commitments.c.type == type,
                    commitments.c.strength == strength,
                    commitments.c.withdrawn.is_(None),
                    commitment_batches.c.leaf.is_not(None),
                    commitment_batches.c.at <= before,
                ).limit(PAGE)
                if after is not None:
                    query = query.where(commitments.c.number < after)
                with self._database.reading() as connection:
                    rows = connection.execute(query).all()
                yield from (Ranked(value, day, source, strength, at) for _, value, day, source, at in rows)
                if len(rows) < PAGE:
                    break
                after = rows[-1].number
            strength = self._strength(type, strength)

    def find(self, type: str, value: str) -> Held | None:
        """One value with its batch; None when it was never committed to."""
        query = _HELD.where(commitments.c.type == type, commitments.c.value == value)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _held(row)

    def counts(self) -> Sequence[tuple[str, str | None, int]]:
        """(type, why withdrawn or None, how many)."""
        query = (
            sa.select(commitments.c.type, commitments.c.withdrawn, sa.func.count())
            .group_by(commitments.c.type, commitments.c.withdrawn)
            .order_by(commitments.c.type, commitments.c.withdrawn)
        )
        with self._database.reading() as connection:
            return [(row[0], row[1], int(row[2])) for row in connection.execute(query)]

    def keep_cosigned(self, key_id: str, size: int, at: int, note: str) -> None:
        """Keep a checkpoint of ours that a witness cosigned; of one size the first one, which says the most."""
        table = cosigned_checkpoints
        with self._database.writing() as connection:
            insert_new(connection, table, [{"key_id": key_id, "size": size, "at": at, "note": note}])
            sizes = sa.select(table.c.size).where(table.c.key_id == key_id).order_by(table.c.size.desc())
            cut = connection.execute(sizes.offset(MAX_COSIGNED).limit(1)).scalar()
            if cut is not None:
                connection.execute(sa.delete(table).where(table.c.key_id == key_id, table.c.size <= cut))

    def cosigned(self, least: int) -> Sequence[tuple[str, int, int, str]]:
        """(key id, size, moment, note) of checkpoints over at least so many leaves, the earliest first."""
        table = cosigned_checkpoints
        query = sa.select(table).where(table.c.size >= least).order_by(table.c.at, table.c.size)
        with self._database.reading() as connection:
            return [(row.key_id, row.size, row.at, row.note) for row in connection.execute(query)]

    def _strength(self, type: str, below: int | None) -> int | None:
        """The greatest strength of a type, or the next below one."""
        query = sa.select(sa.func.max(commitments.c.strength)).where(commitments.c.type == type)
        if below is not None:
            query = query.where(commitments.c.strength < below)
        with self._database.reading() as connection:
            strength: int | None = connection.execute(query).scalar()
            return strength

    def _batch(self, query: sa.Select[Any]) -> Batch | None:
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _batch(row)


_BATCHES = sa.select(
    commitment_batches.c.number,
    commitment_batches.c.at,
    commitment_batches.c.root,
    commitment_batches.c["count"].label("members"),  # a row has a method of the other name
    commitment_batches.c.totals,
    commitment_batches.c.leaf,
)
_HELD = _BATCHES.join_from(commitments, commitment_batches, commitments.c.batch == commitment_batches.c.number)
_HELD = _HELD.add_columns(
    commitments.c.type,
    commitments.c.value,
    commitments.c.day,
    commitments.c.source,
    commitments.c.salt,
    commitments.c.place,
    commitments.c.strength,
    commitments.c.withdrawn,
)

_RANKED = (
    sa.select(
        commitments.c.number,
        commitments.c.value,
        commitments.c.day,
        commitments.c.source,
        commitment_batches.c.at,
    )
    .join_from(commitments, commitment_batches, commitments.c.batch == commitment_batches.c.number)
    .order_by(commitments.c.number.desc())
)


def _ordered(connection: Connection, column: sa.Column[str]) -> sa.ColumnElement[str]:
    """By code points on both engines; a server may sort by the rules of a language."""
    return column if connection.dialect.name == "sqlite" else sa.collate(column, "C")


def _batch(row: Any) -> Batch:
    totals = msgspec.json.decode(row.totals, type=dict[str, int])
    return Batch(row.number, row.at, bytes(row.root), row.members, totals, row.leaf)


def _held(row: Any) -> Held:
    return Held(
        type=row.type,
        value=row.value,
        day=row.day,
        source=row.source,
        salt=bytes(row.salt),
        place=row.place,
        strength=row.strength,
        withdrawn=row.withdrawn,
        batch=_batch(row),
    )
