"""Commitments to what our sensors merely met, in batches of the same series as those to candidates.

Batches, their leaves and their totals are ``store.commitments``'; here are the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from seawall.store.book_tables import commitment_batches
from seawall.store.bulk import insert_rows
from seawall.store.commitments import BATCH, Batch, NewBatch
from seawall.store.database import Database
from seawall.store.overlap_tables import met_commitments

PAGE = 10_000  # rows read at once
SOURCE = "met"


class HeldMet(msgspec.Struct, frozen=True):
    """One value that was met and committed to."""

    type: str
    value: str
    day: int
    salt: bytes
    place: int
    batch: Batch


class RankedMet(msgspec.Struct, frozen=True, gc=False):
    """One value that may enter an overlap as met; ``at`` is the moment of its leaf."""

    value: str
    day: int
    at: int


class MetCommitments:
    """The group ``store.met``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, batches: Sequence[NewBatch]) -> None:
        """Keep batches whole; on disk when this returns. Sources and strengths of their rows are not kept."""
        with self._database.writing() as connection:
            for batch in batches:
                rows = [
                    (batch.number * BATCH + place, type, value, day, salt, batch.number, place, None)
                    for place, (type, value, day, _source, salt, _strength) in enumerate(batch.rows)
                ]
                insert_rows(connection, met_commitments, rows)
                totals = msgspec.json.encode(batch.totals, order="sorted").decode()
                row = (batch.number, batch.at, batch.root, len(rows), totals, batch.commitments, None)
                insert_rows(connection, commitment_batches, [row])

    def known(self) -> Iterator[tuple[str, str, str | None]]:
        """(type, value, why withdrawn or None) of everything that is held."""
        table, after = met_commitments.c, -1
        while True:
            query = sa.select(table.number, table.type, table.value, table.withdrawn).order_by(table.number)
            with self._database.reading() as connection:
                rows = connection.execute(query.where(table.number > after).limit(PAGE)).all()
            yield from ((row.type, row.value, row.withdrawn) for row in rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].number

    def withdraw(self, changes: Sequence[tuple[str, str, str | None]]) -> None:
        """(type, value, why it does not enter any more; None: it may again)."""
        table = met_commitments
        update = (
            sa.update(table)
            .where(table.c.type == sa.bindparam("_type"), table.c.value == sa.bindparam("_value"))
            .values(withdrawn=sa.bindparam("_withdrawn"))
        )
        with self._database.writing() as connection:
            for start in range(0, len(changes), PAGE):
                rows = [
                    {"_type": type, "_value": value, "_withdrawn": reason}
                    for type, value, reason in changes[start : start + PAGE]
                ]
                connection.execute(update, rows)

    def ranked(self, type: str, before: int) -> Iterator[RankedMet]:
        """Values whose leaf is not younger than ``before`` (microseconds UTC) and that may enter, the latest first."""
        table, batches, after = met_commitments.c, commitment_batches.c, None
        while True:
            query = (
                sa.select(table.number, table.value, table.day, batches.at)
                .join_from(met_commitments, commitment_batches, table.batch == batches.number)
                .where(table.type == type, table.withdrawn.is_(None), batches.leaf.is_not(None), batches.at <= before)
                .order_by(table.number.desc())
                .limit(PAGE)
            )
            with self._database.reading() as connection:
                rows = connection.execute(query if after is None else query.where(table.number < after)).all()
            yield from (RankedMet(row.value, row.day, row.at) for row in rows)
            if len(rows) < PAGE:
                return
            after = rows[-1].number

    def find(self, type: str, value: str) -> HeldMet | None:
        """One value with its batch; None when it was never committed to as met."""
        table, batches = met_commitments.c, commitment_batches.c
        members = batches["count"].label("members")  # a row has a method of the other name
        query = (
            sa.select(
                table.type, table.value, table.day, table.salt, table.place,
                batches.number, batches.at, batches.root, members, batches.totals, batches.leaf,
            )
            .join_from(met_commitments, commitment_batches, table.batch == batches.number)
            .where(table.type == type, table.value == value)
        )  # fmt: skip
        with self._database.reading() as connection:
            row: Any = connection.execute(query).first()
        if row is None:
            return None
        totals = msgspec.json.decode(row.totals, type=dict[str, int])
        batch = Batch(row.number, row.at, bytes(row.root), row.members, totals, row.leaf)
        return HeldMet(row.type, row.value, row.day, bytes(row.salt), row.place, batch)

    def counts(self) -> Sequence[tuple[str, str | None, int]]:
        """(type, why withdrawn or None, how many)."""
        table = met_commitments.c
        query = sa.select(table.type, table.withdrawn, sa.func.count()).group_by(table.type, table.withdrawn)
        with self._database.reading() as connection:
            return [(row[0], row[1], int(row[2])) for row in connection.execute(query)]

    def forget_beyond(self, most: int) -> int:
        """Keep the latest ``most`` of each type; how many were forgotten."""
        table, gone = met_commitments.c, 0
        with self._database.writing() as connection:
            for type in connection.execute(sa.select(table.type).distinct()).scalars().all():
                ordered = sa.select(table.number).where(table.type == type).order_by(table.number.desc())
                cut = connection.execute(ordered.offset(most).limit(1)).scalar()
                if cut is not None:
                    old = sa.delete(met_commitments).where(table.type == type, table.number <= cut)
                    gone += connection.execute(old).rowcount
        return gone
