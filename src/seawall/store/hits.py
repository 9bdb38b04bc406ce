"""Hits that the site's own systems reported, each counted once."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import sqlalchemy as sa

from seawall.model import ObservableType
from seawall.model.hit import Hit, HitTotal
from seawall.model.stored import PutCounts
from seawall.store.bulk import insert_rows, rows_for, update_rows
from seawall.store.database import Database
from seawall.store.hits_fold import fold_hits
from seawall.store.tables import hits
from seawall.store.values import clean, optional

BATCH = 5_000  # hits of one transaction
CONTENT = slice(2, 11)  # type ... basis: what differs when a hit with its own id was reported anew
COLUMNS = tuple(column.name for column in hits.columns)

HELD = f"""
SELECT given.position, {", ".join(f"held.{name}" for name in COLUMNS)}
FROM {{given}} JOIN hits AS held ON held.identity = given.a
"""


class Hits:
    """The group ``store.hits``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[Hit]) -> PutCounts:
        """Keep hits. One that is held is ``unchanged``; the same id with other content replaces it (``updated``).

        Any change is also a change of sightings, so that what rests on those is made anew.
        """
        counts = PutCounts()
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            latest = {clean(row.identity): row for row in batch}
            counts += self._put_batch(latest)
            counts += PutCounts(unchanged=len(batch) - len(latest))
        return counts

    def totals(self) -> tuple[HitTotal, ...]:
        """All hits added up by value, side, sector, indicator and basis."""
        keys = [hits.c[name] for name in ("type", "value", "side", "sector", "indicator_id", "basis")]
        query = (
            sa.select(
                *keys,
                sa.func.min(hits.c.first_seen),
                sa.func.max(hits.c.last_seen),
                sa.func.sum(hits.c.count),
                sa.func.count(hits.c.reported_by.distinct()),
            )
            .group_by(*keys)
            .order_by(*keys[:4])
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            HitTotal(ObservableType(kind), value, side, sector, indicator, basis, first, last, int(count), reporters)
            for kind, value, side, sector, indicator, basis, first, last, count, reporters in rows
        )

    def counts(self, hit_ids: Iterable[str]) -> dict[str, int]:
        """The counts of those hits that are held, by their reporter's own id."""
        identities = sorted({clean(f"id:{hit_id}") for hit_id in hit_ids})
        with self._database.reading() as connection:
            rows = rows_for(connection, _keys(identities), HELD)
        place = 1 + COLUMNS.index("count")
        return {identities[row[0]].removeprefix("id:"): int(row[place]) for row in rows}

    def fold(self, before: int) -> int:
        """Add up hits of enforcement points that ended before a moment, by day; how many rows fewer."""
        return fold_hits(self._database, before)

    def count(self) -> int:
        """How many hits are held."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(hits)).scalar_one())

    def _put_batch(self, batch: dict[str, Hit]) -> PutCounts:
        identities = sorted(batch)
        with self._database.writing() as connection:
            number = self._database.numbers(connection, "hits", len(identities))
            held = {identities[row[0]]: tuple(row[1:]) for row in rows_for(connection, _keys(identities), HELD)}
            fresh: list[tuple[Any, ...]] = []
            changed: list[dict[str, Any]] = []
            for place, identity in enumerate(identities, number):
                before = held.get(identity)
                row = _row(before[0] if before else place, identity, batch[identity])
                if before is None:
                    fresh.append(row)
                elif tuple(before[CONTENT]) != row[CONTENT]:
                    changed.append(dict(zip(COLUMNS, row, strict=True)))
            insert_rows(connection, hits, fresh)
            update_rows(connection, hits, changed)
            if fresh or changed:
                self._database.numbers(connection, "sightings", 1)
        return PutCounts(len(fresh), len(changed), len(identities) - len(fresh) - len(changed))


def _keys(identities: list[str]) -> list[tuple[str, ...]]:
    return [(identity,) for identity in identities]


def _row(number: int, identity: str, hit: Hit) -> tuple[Any, ...]:
    return (
        number,
        identity,
        hit.type.value,
        clean(hit.value),
        clean(hit.side),
        clean(hit.sector),
        hit.first_seen,
        hit.last_seen,
        hit.count,
        optional(hit.indicator_id),
        clean(hit.basis),
        clean(hit.reported_by),
        hit.reported_at,
    )
