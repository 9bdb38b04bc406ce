"""What one peer said, taken out of the store again: objects, words about values, sightings.

What others said about the same things stays. Of an object a stripped, revoked version stays, so that an older one that
is still under way finds that it was taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import StoredObject
from seawall.store.database import Database
from seawall.store.indicator_put import Word, rejoin, withdraw_source
from seawall.store.tables import (
    conflicts,
    indicator_bodies,
    indicator_sources,
    indicators,
    objects,
    received,
    sightings,
)
from seawall.store.values import clean, id_hash, optional, text_to_names, version_moment

BATCH = 500  # words of one transaction
Strip = Callable[[bytes], bytes]
"""An object's body without what describes it."""
WORD = tuple(column for column in indicator_sources.columns if column.name not in ("number", "content", "position"))


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

    def withdraw_words(self, words: Iterable[tuple[Observable, str, str]]) -> int:
        """Take back words, each as (value, source, the id under which it was said); returns how many were held."""
        given, gone = list(words), 0
        for start in range(0, len(given), BATCH):
            with self._database.writing() as connection:
                for value, source, object_id in given[start : start + BATCH]:
                    word = Word(value.type, value.value, source, object_id)
                    gone += withdraw_source(self._database, connection, word)
        return gone

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
        with self._database.reading() as connection:  # most words stand as entries and in no object
            claims = [conflicts.c.id_hash == id_hash(object_id), conflicts.c.origin == origin]
            some = sa.select(sa.or_(sa.exists().where(*mine), sa.exists().where(*claims)))
            if not connection.execute(some).scalar():
                return 0
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
        found: list[int] = []
        with self._database.reading() as connection:
            for value in set(values):
                meant = [
                    sightings.c.type == value.type.value,
                    sightings.c.value == clean(value.value),
                    sightings.c.origin == origin,
                ]
                if indicator_id is not None:
                    meant.append(sightings.c.indicator_id == clean(indicator_id))
                found += connection.execute(sa.select(sightings.c.number).where(*meant)).scalars()
        if not found:
            return 0
        with self._database.writing() as connection:
            self._database.numbers(connection, "sightings", 1)  # what was drawn from them is drawn anew
            for start in range(0, len(found), BATCH):
                chosen = sightings.c.number.in_(found[start : start + BATCH])
                connection.execute(sa.delete(sightings).where(chosen))
        return len(found)

    def circles_of(self, origin: str) -> tuple[str, ...]:
        """The circles through which this peer ever sent anything."""
        query = sa.select(received.c.circle).where(received.c.origin == origin).distinct()
        with self._database.reading() as connection:
            return tuple(sorted(connection.execute(query).scalars()))

    def expire_words(self, origin: str, circle: str, at: int) -> int:
        """Let all that a peer called hostile through a circle end at a moment; returns how many words that changed."""
        done = 0
        said = [indicator_sources.c.origin == origin, indicator_sources.c.source == f"{origin}/{circle}"]
        later = sa.or_(indicator_sources.c.valid_until.is_(None), indicator_sources.c.valid_until > at)
        while True:
            with self._database.writing() as connection:
                query = sa.select(indicator_sources.c.number).where(*said, later).limit(BATCH)
                numbers = list(connection.execute(query).scalars())
                if not numbers:
                    return done
                mine = indicator_sources.c.number.in_(numbers)
                connection.execute(sa.update(indicator_sources).where(*said, mine).values(valid_until=at))
                rejoin(self._database, connection, numbers)
                done += len(numbers)

    def said(self, origin: str, object_id: str) -> tuple[tuple[str, IndicatorEntry], ...]:
        """The words that this peer spoke under this id, each as (source, entry): what giving them back takes."""
        query = (
            sa.select(indicators, indicator_bodies.c.body, *(column.label(f"said_{column.name}") for column in WORD))
            .join(indicator_sources, indicator_sources.c.number == indicators.c.number)
            .join(indicator_bodies, indicator_bodies.c.number == indicators.c.number)
            .where(indicator_sources.c.external_id == optional(object_id), indicator_sources.c.origin == origin)
            .order_by(indicators.c.number)
        )
        with self._database.reading() as connection:
            return tuple((row.said_source, _word(row, object_id)) for row in connection.execute(query))

    def remove_versions(self, origin: str, object_id: str, versions: Iterable[str]) -> int:
        """Delete these versions of a peer's object; the newest that is left is the latest again."""
        mine = [objects.c.id_hash == id_hash(object_id), objects.c.id == clean(object_id)]
        wanted = [version_moment(version) for version in versions]
        with self._database.writing() as connection:
            gone = 0
            for start in range(0, len(wanted), BATCH):
                chosen = objects.c.version_at.in_(wanted[start : start + BATCH])
                gone += connection.execute(sa.delete(objects).where(*mine, objects.c.origin == origin, chosen)).rowcount
            left = sa.select(objects.c.number, objects.c.latest).where(*mine)
            rows = connection.execute(left.order_by(objects.c.revoked.desc(), objects.c.version_at.desc())).all()
            if gone and rows and not any(row.latest for row in rows):
                sequence = self._database.numbers(connection, "objects", 1)
                back = sa.update(objects).where(objects.c.number == rows[0].number)
                connection.execute(back.values(latest=True, sequence=sequence))
        return int(gone)

    def versions_of(self, origin: str, object_id: str, versions: Iterable[str]) -> tuple[StoredObject, ...]:
        """Those of these versions of an object that are held from this peer."""
        wanted = sorted({version_moment(version) for version in versions})
        found: list[StoredObject] = []
        with self._database.reading() as connection:
            for start in range(0, len(wanted), BATCH):
                query = sa.select(objects).where(
                    objects.c.id_hash == id_hash(object_id),
                    objects.c.id == clean(object_id),
                    objects.c.origin == origin,
                    objects.c.version_at.in_(wanted[start : start + BATCH]),
                )
                found += [_stored(row) for row in connection.execute(query)]
        return tuple(found)


def _word(row: Any, object_id: str) -> IndicatorEntry:
    return IndicatorEntry(
        type=ObservableType(row.type),
        value=row.value,
        indicator_id=object_id,
        campaign=row.campaign,
        description=row.description,
        confidence=row.said_confidence,
        tlp=Tlp(row.said_tlp),
        pap=Pap(row.said_pap),
        valid_from=row.said_valid_from,
        valid_until=row.said_valid_until,
        origin=row.said_origin,
        external_id=object_id,
        sources=(),
        body=bytes(row.body),
    )


def _stored(row: Any) -> StoredObject:
    return StoredObject(
        id=row.id,
        type=row.type,
        version=row.version,
        created_by=row.created_by,
        body=bytes(row.body),
        tlp=Tlp(row.tlp),
        pap=Pap(row.pap),
        origin=row.origin,
        source=row.source,
        sequence=row.sequence,
        stored_at=row.stored_at,
        revoked=row.revoked,
        inputs=text_to_names(row.inputs),
        excluded=frozenset(text_to_names(row.excluded)),
    )
