"""What became of each POST over TAXII, for the one who made it to ask again later."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.database import Database
from seawall.store.tables import statuses
from seawall.store.values import clean


class Statuses:
    """The group ``store.statuses``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, actor: str, id: str, body: bytes, at: int, keep: int) -> None:
        """Keep one outcome, and of this actor's outcomes the last ``keep`` only. On disk when this returns."""
        mine = statuses.c.actor == actor
        with self._database.writing() as connection:
            connection.execute(sa.insert(statuses), {"actor": actor, "id": clean(id), "at": at, "body": body})
            oldest = sa.select(statuses.c.at).where(mine).order_by(statuses.c.at.desc()).offset(keep).limit(1)
            if (behind := connection.execute(oldest).scalar()) is not None:
                connection.execute(sa.delete(statuses).where(mine, statuses.c.at <= behind))

    def get(self, actor: str, id: str) -> bytes | None:
        """The outcome of this actor's POST; None for one that is not there or was made by somebody else."""
        query = sa.select(statuses.c.body).where(statuses.c.actor == actor, statuses.c.id == clean(id))
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else bytes(body)
