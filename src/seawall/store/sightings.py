"""Sightings in short: one row a value, side and origin."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row

from seawall.model import ObservableType, Pap, SightingSummary, Tlp, Visibility
from seawall.model.stored import Page, PutCounts
from seawall.store.bulk import insert_rows, is_empty, rows_for, update_rows
from seawall.store.database import Database
from seawall.store.tables import sightings
from seawall.store.values import bounded, clean, names_to_text, optional, text_to_names
from seawall.store.visible import visible_sightings

BATCH = 20_000  # sightings of one transaction
COLUMNS = tuple(column.name for column in sightings.columns)
CONTENT = slice(5, 15)  # first_seen ... told_at: what differs when a sighting was updated
TOLD_AT = 14  # place of told_at in a row
Key = tuple[str, str, str, str]

HELD = f"""
SELECT given.position, {", ".join(f"held.{name}" for name in COLUMNS)}
FROM {{given}} JOIN sightings AS held
ON held.type = given.a AND held.value = given.b AND held.side = given.c AND held.origin = given.d
"""

TOLD = f"""
SELECT {", ".join(f"held.{name}" for name in COLUMNS)}
FROM {{given}} CROSS JOIN sightings AS held
WHERE held.type = given.a AND held.value = given.b AND held.origin <> '' AND held.count > 0 ORDER BY held.number
"""


class Sightings:
    """The group ``store.sightings``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[SightingSummary]) -> PutCounts:
        """Keep sightings; one with the same type, value, side and origin is replaced by the later one given."""
        counts = PutCounts()
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            latest = {_key(row): row for row in batch}
            counts += self._put_batch(latest)
            counts += PutCounts(unchanged=len(batch) - len(latest))
        return counts

    def list(
        self,
        visibility: Visibility,
        *,
        type: ObservableType | None = None,
        side: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Page[SightingSummary]:
        """Sightings that the asker may see, in order of their last change behind ``after``."""
        conditions = [sightings.c.change > after, *visible_sightings(visibility)]
        if type is not None:
            conditions.append(sightings.c.type == type.value)
        if side is not None:
            conditions.append(sightings.c.side == side)
        limit = bounded(limit)
        query = sa.select(sightings).where(*conditions).order_by(sightings.c.change).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(_summary(row) for row in rows[:limit])
        return Page(items, rows[limit - 1].change if len(rows) > limit else None)

    def of(self, type: ObservableType, value: str, *, visibility: Visibility) -> tuple[SightingSummary, ...]:
        """All sightings of one value that the asker may see, first seen first."""
        conditions = [sightings.c.type == type.value, sightings.c.value == value, *visible_sightings(visibility)]
        query = sa.select(sightings).where(*conditions).order_by(sightings.c.first_seen, sightings.c.number)
        with self._database.reading() as connection:
            return tuple(_summary(row) for row in connection.execute(query))

    def told(self, values: Iterable[tuple[ObservableType, str]]) -> tuple[SightingSummary, ...]:
        """What peers told about these values, for the node's own jobs: no visibility. Withdrawn ones are left out."""
        keys = sorted({(type.value, clean(value)) for type, value in values})
        with self._database.reading() as connection:
            rows = [] if is_empty(connection, sightings) else rows_for(connection, keys, TOLD)
        return tuple(_summary(row) for row in rows)

    def own(self) -> tuple[SightingSummary, ...]:
        """Sightings by our own sensors whose lines are not in the lake yet: few, and for moments only."""
        query = sa.select(sightings).where(sightings.c.origin == "").order_by(sightings.c.number)
        with self._database.reading() as connection:
            return tuple(_summary(row) for row in connection.execute(query))

    def remove_own(self, keys: Iterable[tuple[ObservableType, str, str]] | None = None) -> None:
        """Forget such sightings, by type, value and side (None: all), because the lake tells them now."""
        with self._database.writing(durable=False) as connection:
            if keys is None:
                connection.execute(sa.delete(sightings).where(sightings.c.origin == ""))
                return
            wanted = sorted((type.value, clean(value), clean(side), "") for type, value, side in keys)
            numbers = [row[1] for row in rows_for(connection, wanted, HELD)]
            for start in range(0, len(numbers), 500):
                chosen = sightings.c.number.in_(numbers[start : start + 500])
                connection.execute(sa.delete(sightings).where(chosen))

    def change(self) -> int:
        """The last change number given; 0 when there is nothing."""
        with self._database.reading() as connection:
            return self._database.current(connection, "sightings")

    def count(self, visibility: Visibility) -> int:
        """How many sightings the asker may see."""
        query = sa.select(sa.func.count()).select_from(sightings).where(*visible_sightings(visibility))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def _put_batch(self, batch: dict[Key, SightingSummary]) -> PutCounts:
        keys = sorted(batch)
        with self._database.writing(durable=False) as connection:
            number = self._database.numbers(connection, "sightings", len(keys))
            held = {keys[row[0]]: tuple(row[1:]) for row in rows_for(connection, keys, HELD)}
            fresh, changed = [], []
            for place, key in enumerate(keys, number):
                before = held.get(key)
                row = (before[0] if before else place, *key, *_content(batch[key], before), place)
                if before is None:
                    fresh.append(row)
                elif before[CONTENT] != row[CONTENT]:
                    changed.append(dict(zip(COLUMNS, row, strict=True)))
            insert_rows(connection, sightings, fresh)
            update_rows(connection, sightings, changed)
        return PutCounts(len(fresh), len(changed), len(keys) - len(fresh) - len(changed))


def _key(row: SightingSummary) -> Key:
    return (row.type.value, clean(row.value), clean(row.side), row.origin or "")


def _content(row: SightingSummary, before: tuple[Any, ...] | None) -> tuple[object, ...]:
    told = [moment for moment in (row.told_at, before[TOLD_AT] if before else None) if moment is not None]
    return (
        row.first_seen,
        row.last_seen,
        row.count,
        names_to_text(row.sectors) or "[]",
        optional(row.indicator_id),
        names_to_text(row.basis) or "[]",
        int(row.tlp),
        int(row.pap),
        names_to_text(row.excluded),
        min(told, default=None),  # the first time counts
    )


def _summary(row: Row[tuple[object, ...]]) -> SightingSummary:
    return SightingSummary(
        type=ObservableType(row.type),
        value=row.value,
        side=row.side,
        first_seen=row.first_seen,
        last_seen=row.last_seen,
        count=row._mapping["count"],
        sectors=text_to_names(row.sectors),
        indicator_id=row.indicator_id,
        basis=text_to_names(row.basis),
        tlp=Tlp(row.tlp),
        pap=Pap(row.pap),
        origin=row.origin or None,
        excluded=frozenset(text_to_names(row.excluded)),
        told_at=row.told_at,
    )
