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

    def add(self, actor: str, id: str, body: bytes, at: int, *, keep: int, most: int, since: int) -> None:
        """Keep one outcome. On disk when this returns.

        Of this actor's earlier outcomes stay the latest: ``keep`` with this one, ``most`` bytes with this one, and none
        before ``since`` (microseconds UTC).
        """
        mine, id = sa.and_(statuses.c.actor == actor, statuses.c.id != clean(id)), clean(id)
        sizes = sa.select(statuses.c.at, sa.func.length(statuses.c.body).label("size")).where(mine)
        latest = sizes.order_by(statuses.c.at.desc()).limit(keep)
        with self._database.writing() as connection:
            held, size = 1, len(body)
            for row in connection.execute(latest).all():
                held, size = held + 1, size + row.size
                if held > keep or size > most or row.at < since:
                    connection.execute(sa.delete(statuses).where(mine, statuses.c.at <= row.at))
                    break
            connection.execute(sa.insert(statuses), {"actor": actor, "id": id, "at": at, "body": body})

    def get(self, actor: str, id: str) -> bytes | None:
        """The outcome of this actor's POST; None for one that is not there or was made by somebody else."""
        query = sa.select(statuses.c.body).where(statuses.c.actor == actor, statuses.c.id == clean(id))
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else bytes(body)
