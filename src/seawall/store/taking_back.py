"""What one peer said, taken out of the store again: objects, words about values, sightings.

What others said about the same things stays. Of an object a stripped, revoked version stays, so that an older one that
is still under way finds that it was taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import sqlalchemy as sa

from seawall.model import Observable, ObservableType
from seawall.store.database import Database
from seawall.store.tables import conflicts, indicator_sources, indicators, objects, received, sightings
from seawall.store.values import clean, id_hash, optional

Strip = Callable[[bytes], bytes]
"""An object's body without what describes it."""


class TakingBack:
    """The group ``store.taking_back``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def words(self, origin: str, object_id: str, circles: Sequence[str] | None) -> tuple[tuple[Observable, str], ...]:
        """The values about which this peer spoke under this id, and the source under which each word is kept."""
        query = (
            sa.select(indicators.c.type, indicators.c.value, indicator_sources.c.source)
            .join(indicators, indicators.c.number == indicator_sources.c.number)
            .where(indicator_sources.c.external_id == optional(object_id), indicator_sources.c.origin == origin)
            .order_by(indicators.c.number)
        )
        if circles is not None:
            query = query.where(indicator_sources.c.source.in_([f"{origin}/{circle}" for circle in circles]))
        with self._database.reading() as connection:
            return tuple(
                (Observable(ObservableType(row.type), row.value), row.source) for row in connection.execute(query)
            )

    def came_in(self, origin: str, object_id: str) -> tuple[str, ...]:
        """The circles through which this peer ever sent this object."""
        query = sa.select(received.c.circle).where(received.c.origin == origin, received.c.object_id == object_id)
        with self._database.reading() as connection:
            return tuple(sorted(set(connection.execute(query).scalars())))

    def sent_since(self, origin: str, object_id: str, at: int) -> int | None:
        """When this peer first sent a version of the object after a moment; None: it did not."""
        query = sa.select(sa.func.min(received.c.at)).where(
            received.c.origin == origin, received.c.object_id == object_id, received.c.at > at
        )
        with self._database.reading() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else int(found)

    def erase_object(self, origin: str, object_id: str, strip: Strip, at: int) -> int:
        """Erase this peer's versions of an object but for the newest, which stays stripped and revoked.

        Returns how many versions held content until now. What the peer claimed beside it goes as well.
        """
        mine = [objects.c.id_hash == id_hash(object_id), objects.c.id == clean(object_id), objects.c.origin == origin]
        with self._database.writing() as connection:
            said = [conflicts.c.id_hash == id_hash(object_id), conflicts.c.id == clean(object_id)]
            connection.execute(sa.delete(conflicts).where(*said, conflicts.c.origin == origin))
            query = sa.select(objects.c.number, objects.c.body, objects.c.latest, objects.c.revoked)
            rows = connection.execute(query.where(*mine).order_by(objects.c.version_at.desc())).all()
            if not rows:
                return 0
            kept = next((row for row in rows if row.latest), rows[0])
            others = [row.number for row in rows if row.number != kept.number]
            for start in range(0, len(others), 500):
                connection.execute(sa.delete(objects).where(objects.c.number.in_(others[start : start + 500])))
            body = strip(bytes(kept.body))
            if kept.revoked and body == bytes(kept.body):
                return len(others)
            change = {
                "body": body,
                "revoked": True,
                "stored_at": at,
                "sequence": self._database.numbers(connection, "objects", 1),
            }
            connection.execute(sa.update(objects).where(objects.c.number == kept.number).values(change))
        return len(rows)

    def forget_sightings(self, origin: str, values: Iterable[Observable], indicator_id: str | None = None) -> int:
        """Drop what this peer told of having seen these values; with ``indicator_id`` only under that name."""
        gone = 0
        with self._database.writing() as connection:
            for value in set(values):
                meant = [
                    sightings.c.type == value.type.value,
                    sightings.c.value == clean(value.value),
                    sightings.c.origin == origin,
                ]
                if indicator_id is not None:
                    meant.append(sightings.c.indicator_id == clean(indicator_id))
                gone += connection.execute(sa.delete(sightings).where(*meant)).rowcount
            if gone:
                self._database.numbers(connection, "sightings", 1)  # what was drawn from them is drawn anew
        return gone
