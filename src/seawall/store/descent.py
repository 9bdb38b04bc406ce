"""What was made from what: the way down from an object to everything that rests on it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from seawall.store.database import Database
from seawall.store.tables import object_inputs
from seawall.store.values import clean

BATCH = 500  # ids in one query


class Descent:
    """The group ``store.descent``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def derived(self, ids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """The objects made directly from each of these ids, sorted; ids from which nothing was made are left out."""
        wanted = sorted({clean(id) for id in ids})
        found: dict[str, list[str]] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), BATCH):
                links = (
                    sa.select(object_inputs)
                    .where(object_inputs.c.input_id.in_(wanted[start : start + BATCH]))
                    .order_by(object_inputs.c.input_id, object_inputs.c.derived_id)
                )
                for row in connection.execute(links):
                    found.setdefault(row.input_id, []).append(row.derived_id)
        return {id: tuple(made) for id, made in found.items()}
