"""Warnings: one a value, replaced when more is known."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import msgspec
import sqlalchemy as sa

from seawall.model import ObservableType, Visibility, Warning
from seawall.model.stored import Page, PutCounts
from seawall.store.bulk import insert_rows, rows_for, update_rows
from seawall.store.database import Database
from seawall.store.tables import warning_origins, warnings
from seawall.store.values import bounded, clean
from seawall.store.visible import visible_warnings

BATCH = 10_000  # warnings of one transaction

HELD = """
SELECT given.position, held.number, held.body
FROM {given} JOIN warnings AS held ON held.type = given.a AND held.value = given.b
"""


class Warnings:
    """The group ``store.warnings``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[Warning]) -> PutCounts:
        """Keep warnings; one about the same type and value is replaced by the later one given."""
        counts = PutCounts()
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            latest = {(row.type.value, clean(row.value)): row for row in batch}
            counts += self._put_batch(latest)
            counts += PutCounts(unchanged=len(batch) - len(latest))
        return counts

    def list(
        self, visibility: Visibility, *, both_hit: bool | None = None, after: int = 0, limit: int = 100
    ) -> Page[Warning]:
        """Warnings that the asker may see, in order of their last change behind ``after``.

        ``both_hit``: only those whose two sides were (True) or were not yet (False) both hit.
        """
        conditions = [warnings.c.change > after, *visible_warnings(visibility)]
        if both_hit is not None:
            conditions.append(warnings.c.both_hit.is_(both_hit))
        limit = bounded(limit)
        query = (
            sa.select(warnings.c.change, warnings.c.body)
            .where(*conditions)
            .order_by(warnings.c.change)
            .limit(limit + 1)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(_warning(row.body) for row in rows[:limit])
        return Page(items, rows[limit - 1].change if len(rows) > limit else None)

    def get(self, type: ObservableType, value: str, *, visibility: Visibility) -> Warning | None:
        """The warning about this value; None when there is none or the asker may not see it."""
        conditions = [warnings.c.type == type.value, warnings.c.value == value, *visible_warnings(visibility)]
        with self._database.reading() as connection:
            body = connection.execute(sa.select(warnings.c.body).where(*conditions)).scalar()
        return None if body is None else _warning(body)

    def count(self, visibility: Visibility) -> int:
        """How many warnings the asker may see."""
        query = sa.select(sa.func.count()).select_from(warnings).where(*visible_warnings(visibility))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def remove(self, keys: Iterable[tuple[ObservableType, str]]) -> int:
        """Drop warnings that no longer hold, by type and value; returns how many there were."""
        wanted = sorted({(type.value, value) for type, value in keys})
        with self._database.writing() as connection:
            numbers = [row[1] for row in rows_for(connection, wanted, HELD)]
            for start in range(0, len(numbers), 500):
                chunk = numbers[start : start + 500]
                connection.execute(sa.delete(warning_origins).where(warning_origins.c.number.in_(chunk)))
                connection.execute(sa.delete(warnings).where(warnings.c.number.in_(chunk)))
        return len(numbers)

    def _put_batch(self, batch: dict[tuple[str, str], Warning]) -> PutCounts:
        keys = sorted(batch)
        with self._database.writing(durable=False) as connection:
            number = self._database.numbers(connection, "warnings", len(keys))
            held = {keys[row[0]]: (row[1], row[2]) for row in rows_for(connection, keys, HELD)}
            fresh, changed, origins = [], [], []
            for place, key in enumerate(keys, number):
                before, body = held.get(key), _body(batch[key])
                if before is not None and before[1] == body:
                    continue
                row = _row(batch[key], before[0] if before else place, key, body, place)
                if before is None:
                    fresh.append(row)
                else:
                    changed.append(dict(zip(warnings.columns.keys(), row, strict=True)))
                origins += [(row[0], origin) for origin in sorted(batch[key].origins)]
            for start in range(0, len(changed), 500):
                stale = [row["number"] for row in changed[start : start + 500]]
                connection.execute(sa.delete(warning_origins).where(warning_origins.c.number.in_(stale)))
            insert_rows(connection, warnings, fresh)
            update_rows(connection, warnings, changed)
            insert_rows(connection, warning_origins, origins)
        return PutCounts(len(fresh), len(changed), len(keys) - len(fresh) - len(changed))


def _row(warning: Warning, number: int, key: tuple[str, str], body: str, change: int) -> tuple[object, ...]:
    both = warning.other_first_seen is not None
    levels = (int(warning.tlp), int(warning.pap))
    return (number, *key, warning.first_seen, warning.confidence, both, *levels, body, change)


def _body(warning: Warning) -> str:
    return clean(msgspec.json.encode(warning, order="deterministic").decode())


def _warning(body: str) -> Warning:
    return msgspec.json.decode(body, type=Warning)
