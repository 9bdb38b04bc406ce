"""Entries of the store with whether one of our own sources names them: what the order book is made from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from seawall.model import ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.store.bulk import rows_for
from seawall.store.database import Database
from seawall.store.tables import indicator_bodies, indicator_sources, indicators
from seawall.store.values import clean

Key = tuple[ObservableType, str]

# CROSS JOIN: else SQLite, which knows nothing of sizes, reads all indicators to find these few
_HELD = """
SELECT held.*, bodies.body FROM {given} CROSS JOIN indicators AS held CROSS JOIN indicator_bodies AS bodies
WHERE held.type = given.a AND held.value = given.b AND bodies.number = held.number
"""
_SAID = """
SELECT held.number, said.source, said.origin, said.position
FROM {given} CROSS JOIN indicators AS held CROSS JOIN indicator_sources AS said
WHERE held.type = given.a AND held.value = given.b AND said.number = held.number
"""


_TYPES = {each.value: each for each in ObservableType}  # quicker than asking the class
_TLPS = {each.value: each for each in Tlp}
_PAPS = {each.value: each for each in Pap}


class Named(msgspec.Struct, frozen=True, gc=False):
    """One entry; ``origin`` is None when one of our own sources says the same."""

    entry: IndicatorEntry
    origins: tuple[str, ...]  # peers' code names that stand behind it


class NamedPage(msgspec.Struct, frozen=True):
    """Entries by the values they name, and the number to ask behind next time; None at the end."""

    items: dict[Key, list[Named]]
    next: int | None


def named(database: Database, keys: Iterable[Key]) -> dict[Key, list[Named]]:
    """All entries on these values; values that nobody names are left out. For the node's own jobs: no visibility."""
    wanted = sorted({(type.value, clean(value)) for type, value in keys})
    with database.reading() as connection:
        rows = sorted(rows_for(connection, wanted, _HELD), key=lambda row: row.number)
        said = sorted(rows_for(connection, wanted, _SAID), key=lambda row: (row.number, row.position)) if rows else []
    return _joined(rows, [(row.number, row.source, row.origin) for row in said])


def named_page(database: Database, after: int, limit: int) -> NamedPage:
    """Entries in the order of their numbers behind ``after``. An entry's twin on the same value may be on another page:
    see ``has_twins``."""
    query = (
        sa.select(indicators, indicator_bodies.c.body)
        .join(indicator_bodies, indicator_bodies.c.number == indicators.c.number)
        .where(indicators.c.number > after)
        .order_by(indicators.c.number)
        .limit(limit)
    )
    table = indicator_sources.c
    with database.reading() as connection:
        rows: Sequence[Any] = connection.execute(query).all()
        if not rows:
            return NamedPage({}, None)
        between = table.number.between(rows[0].number, rows[-1].number)
        order = (table.number, table.position)
        said = connection.execute(
            sa.select(table.number, table.source, table.origin).where(between).order_by(*order)
        ).all()
    return NamedPage(_joined(rows, said), rows[-1].number if len(rows) == limit else None)


def has_twins(database: Database) -> bool:
    """Whether any value has more than one entry."""
    with database.reading() as connection:
        query = sa.select(indicators.c.number).where(indicators.c.twin > 0).limit(1)
        return connection.execute(query).first() is not None


def _joined(rows: Sequence[Any], said: Sequence[Any]) -> dict[Key, list[Named]]:
    sources: dict[int, list[str]] = {}
    origins: dict[int, list[str | None]] = {}
    for number, source, origin in said:
        sources.setdefault(number, []).append(source)
        origins.setdefault(number, []).append(origin or None)
    found: dict[Key, list[Named]] = {}
    for row in rows:
        behind = origins.get(row.number) or [row.origin]
        entry = IndicatorEntry(
            type=_TYPES[row.type],
            value=row.value,
            indicator_id=row.indicator_id,
            campaign=row.campaign,
            description=row.description,
            confidence=row.confidence,
            tlp=_TLPS[row.tlp],
            pap=_PAPS[row.pap],
            valid_from=row.valid_from,
            valid_until=row.valid_until,
            origin=None if None in behind else row.origin,
            external_id=row.external_id,
            sources=tuple(sources.get(row.number, ())),
            body=bytes(row.body),
        )
        peers = tuple(dict.fromkeys(name for name in behind if name is not None))
        found.setdefault((entry.type, entry.value), []).append(Named(entry, peers))
    return found
