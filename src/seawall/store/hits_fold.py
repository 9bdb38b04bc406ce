"""Old hits of enforcement points as one row a directive and day: a busy gateway must not fill the store (rule 10)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from seawall.store.bulk import insert_rows, update_rows
from seawall.store.database import Database
from seawall.store.tables import hits

POINTS, FOLDED = "id: %", "id:  %"
"""Identities: one blank before a point's hit (``flow.enforced_hits``), two before a day of them."""
DAY = 86_400_000_000  # microseconds
BATCH = 20_000  # rows of one transaction
_COLUMNS = tuple(column.name for column in hits.columns)

Row = dict[str, Any]


def fold_hits(database: Database, before: int) -> int:
    """Add up points' hits that ended before a moment (microseconds UTC); how many rows fewer there are."""
    fewer = 0
    while (done := _fold_batch(database, before)) is not None:
        fewer += done
    return fewer


def _fold_batch(database: Database, before: int) -> int | None:
    """None when nothing was left to fold."""
    single = sa.and_(hits.c.identity.like(POINTS), sa.not_(hits.c.identity.like(FOLDED)), hits.c.last_seen < before)
    with database.writing() as connection:
        rows = [
            dict(row._mapping)
            for row in connection.execute(sa.select(hits).where(single).order_by(hits.c.number).limit(BATCH))
        ]
        if not rows:
            return None
        days: dict[str, Row] = {}
        for row in rows:
            identity = _identity(row)
            days[identity] = _sum(days[identity], row) if identity in days else row | {"identity": identity}
        held = {
            row.identity: dict(row._mapping)
            for part in _parts(sorted(days))
            for row in connection.execute(sa.select(hits).where(hits.c.identity.in_(part)))
        }
        for part in _parts([row["number"] for row in rows]):
            connection.execute(sa.delete(hits).where(hits.c.number.in_(part)))
        fresh = [row for identity, row in days.items() if identity not in held]
        insert_rows(connection, hits, [tuple(row[name] for name in _COLUMNS) for row in fresh])
        update_rows(connection, hits, [_sum(held[identity], days[identity]) for identity in sorted(held)])
    return len(rows) - len(fresh)


def day_name(point: str, undo_id: str, day: int) -> str:
    """The id of the hit that stands for a directive's whole UTC day (days since 1970-01-01) at a point."""
    return f"  {point} {undo_id} {day}"


def _identity(row: Row) -> str:
    """``id: POINT UNDO MOMENT`` or ``id: POINT UNDO/VALUE MOMENT`` -> ``id:  POINT UNDO DAY``."""
    point_and_undo, _, _ = row["identity"].removeprefix("id: ").rpartition(" ")
    point, _, named = point_and_undo.rpartition(" ")
    return f"id:{day_name(point, named.partition('/')[0], row['first_seen'] // DAY)}"


def _sum(one: Row, other: Row) -> Row:
    return one | {
        "first_seen": min(one["first_seen"], other["first_seen"]),
        "last_seen": max(one["last_seen"], other["last_seen"]),
        "count": one["count"] + other["count"],
        "reported_at": max(one["reported_at"], other["reported_at"]),
    }


def _parts(items: list[Any]) -> list[list[Any]]:
    """Small enough for the bound on parameters of either engine."""
    return [items[start : start + 500] for start in range(0, len(items), 500)]
