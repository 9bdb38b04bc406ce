"""What people said of single items, and forgetting an item whose time is over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from seawall.model.item_terms import ItemTerms
from seawall.store.database import Database
from seawall.store.item_tables import item_terms
from seawall.store.replace import replace
from seawall.store.tables import conflicts, objects
from seawall.store.values import clean, id_hash, names_to_text, text_to_names

BATCH = 500  # ids asked for in one statement


class Items:
    """The group ``store.items``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, said: ItemTerms) -> None:
        """Keep what was said of an item, in place of what was said before."""
        row = {
            "id": clean(said.id),
            "kinds": names_to_text(said.kinds) or "[]",
            "basis": said.basis,
            "basis_source": said.basis_source,
            "kept_until": said.kept_until,
            "said_by": said.said_by,
            "said_at": said.said_at,
        }
        with self._database.writing() as connection:
            replace(connection, item_terms, row)

    def of(self, ids: Iterable[str]) -> dict[str, ItemTerms]:
        """What was said of these items; those of which nothing was said are left out."""
        wanted = sorted({clean(id) for id in ids})
        found: dict[str, ItemTerms] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), BATCH):
                query = sa.select(item_terms).where(item_terms.c.id.in_(wanted[start : start + BATCH]))
                found.update((row.id, _said(row)) for row in connection.execute(query))
        return found

    def due(self, before: int, limit: int = 1_000) -> Sequence[ItemTerms]:
        """Items whose time ends before a moment (microseconds UTC), the earliest first."""
        query = (
            sa.select(item_terms)
            .where(item_terms.c.kept_until < before)
            .order_by(item_terms.c.kept_until, item_terms.c.id)
            .limit(limit)
        )
        with self._database.reading() as connection:
            return [_said(row) for row in connection.execute(query)]

    def forget(self, id: str) -> int:
        """Erase every version of an object, what others said of it, and its terms; returns how many versions went."""
        named = clean(id)
        with self._database.writing() as connection:
            here = (objects.c.id_hash == id_hash(named), objects.c.id == named)
            gone = connection.execute(sa.delete(objects).where(*here)).rowcount
            beside = (conflicts.c.id_hash == id_hash(named), conflicts.c.id == named)
            connection.execute(sa.delete(conflicts).where(*beside))
            connection.execute(sa.delete(item_terms).where(item_terms.c.id == named))
        return int(gone)


def _said(row: Any) -> ItemTerms:
    return ItemTerms(
        id=row.id,
        kinds=frozenset(text_to_names(row.kinds)),
        basis=row.basis,
        basis_source=row.basis_source,
        kept_until=row.kept_until,
        said_by=row.said_by,
        said_at=row.said_at,
    )
