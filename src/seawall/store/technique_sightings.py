"""Techniques that were seen: ways of working without values, ours and what peers told."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from seawall.model import Visibility
from seawall.model.campaign import TechniqueSighting
from seawall.model.stored import Page
from seawall.store.bulk import insert_rows, rows_for, update_rows
from seawall.store.campaign_tables import technique_sightings as table
from seawall.store.database import Database
from seawall.store.values import bounded, clean

HELD = """
SELECT given.position, held.number, held.body
FROM {given} JOIN technique_sightings AS held ON held.id = given.a AND held.origin = given.b
"""


class TechniqueSightings:
    """The group ``store.technique_sightings``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[TechniqueSighting]) -> int:
        """Keep sightings; one of the same id and origin is replaced. How many are new or changed."""
        latest = {(clean(row.id), clean(row.origin or "")): row for row in rows}
        keys = sorted(latest)
        with self._database.writing() as connection:
            held = {keys[row[0]]: (row[1], row[2]) for row in rows_for(connection, keys, HELD)}
            bodies = {key: clean(msgspec.json.encode(latest[key], order="deterministic").decode()) for key in keys}
            wanted = [key for key in keys if key not in held or held[key][1] != bodies[key]]
            place = self._database.numbers(connection, "technique_sightings", len(wanted)) if wanted else 0
            fresh, changed = [], []
            for number, key in enumerate(wanted, place):
                row = latest[key]
                levels = (int(row.tlp), int(row.pap))
                written = (
                    held[key][0] if key in held else number,
                    *key,
                    clean(row.side),
                    row.first_seen,
                    *levels,
                    bodies[key],
                )
                if key in held:
                    changed.append(dict(zip(table.columns.keys(), written, strict=True)))
                else:
                    fresh.append(written)
            insert_rows(connection, table, fresh)
            update_rows(connection, table, changed)
        return len(wanted)

    def list(self, visibility: Visibility, *, after: int = 0, limit: int = 100) -> Page[TechniqueSighting]:
        """Sightings that the asker may see, as they were first kept; ``after``: the page before's ``next``."""
        limit = bounded(limit)
        conditions = [
            table.c.number > after,
            table.c.tlp <= int(visibility.tlp_at_most),
            table.c.pap <= int(visibility.pap_at_most),
        ]
        if visibility.excluded_origins:
            conditions.append(table.c.origin.not_in(sorted(visibility.excluded_origins)))
        if visibility.circle is not None:
            conditions.append(sa.false())  # they stand in no outbox themselves
        query = sa.select(table.c.number, table.c.body).where(*conditions).order_by(table.c.number).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(msgspec.json.decode(row.body, type=TechniqueSighting) for row in rows[:limit])
        return Page(items, rows[limit - 1].number if len(rows) > limit else None)

    def remove(self, ids: Iterable[str]) -> None:
        """Forget sightings by their ids, whoever told them."""
        wanted = sorted({clean(id) for id in ids})
        with self._database.writing() as connection:
            for start in range(0, len(wanted), 500):
                connection.execute(sa.delete(table).where(table.c.id.in_(wanted[start : start + 500])))
