"""STIX objects in all their versions: written in batches, read by id, by page, or by what changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.engine import Connection
from sqlalchemy.sql import FromClause

from seawall.model import NotFound, Pap, Tlp, Visibility
from seawall.model.stored import Page, PutCounts, StoredObject
from seawall.store.ancestry import add_origins
from seawall.store.conflicts import conflict_of, is_echo, keep_conflicts
from seawall.store.database import Database
from seawall.store.tables import objects
from seawall.store.values import bounded, clean, id_hash, names_to_text, optional, text_to_names, version_moment
from seawall.store.visible import visible_objects

BATCH = 500  # objects of one transaction: well under SQLite's bound on variables, and short for other writers

# what makes two rows of one object differ; stored_at and sequence do not
CONTENT = ("version_at", "body", "tlp", "pap", "origin", "source", "revoked", "inputs", "excluded")
Values = dict[str, object]


class Objects:
    """The group ``store.objects``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, given: Iterable[StoredObject]) -> PutCounts:
        """Keep object versions, in the order given.

        An id never seen is ``new``; another version, or the same version with other content or markings, is
        ``updated`` (the same version is replaced in place); what is held already is ``unchanged``. An older version
        than the latest is kept beside it, and nothing comes after a revoked one. Other content under the same version
        from somebody else, an object in another creator's name, and a peer's version of what we hold from somebody
        else change nothing: they are kept in ``store.conflicts`` and count as ``unchanged`` and ``conflicts``. Durable
        batch by batch.
        """
        counts = PutCounts()
        remaining = iter(given)
        while batch := list(islice(remaining, BATCH)):
            with self._database.writing() as connection:
                counts += self._put_batch(connection, batch)
        return counts

    def get(self, id: str, version: str | None = None, *, visibility: Visibility) -> StoredObject:
        """The latest version, or the one named.

        A named version is shown only while the latest is visible too: a raised marking covers what came before.
        Raises NotFound E-STORE-010 when there is none or the asker may not know that there is.
        """
        latest = objects.alias("latest")
        conditions = [*_named(objects, id), *visible_objects(visibility)]
        if version is None:
            conditions.append(objects.c.latest)
        else:
            conditions.append(objects.c.version_at == version_moment(version))
            conditions.append(
                sa.exists().where(*_named(latest, id), latest.c.latest, *visible_objects(visibility, latest))
            )
        with self._database.reading() as connection:
            row = connection.execute(sa.select(objects).where(*conditions)).first()
        if row is None:
            raise NotFound("E-STORE-010", "There is no object {id} here.", id=ascii(id[:100]))
        return _object(row)

    def latest(self, ids: Iterable[str]) -> dict[str, StoredObject]:
        """The latest version of each of these ids that is held, for the node's own jobs: no visibility applies."""
        wanted = sorted({clean(id) for id in ids})
        found: dict[str, StoredObject] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), BATCH):
                query = sa.select(objects).where(objects.c.latest, *_named(objects, *wanted[start : start + BATCH]))
                found.update((row.id, _object(row)) for row in connection.execute(query))
        return found

    def versions(self, id: str, *, visibility: Visibility | None = None) -> tuple[str, ...]:
        """The versions kept, oldest first; empty when there is none that the asker may see."""
        conditions = [*_named(objects, id), *(visible_objects(visibility) if visibility is not None else [])]
        query = sa.select(objects.c.version).where(*conditions).order_by(objects.c.version_at)
        with self._database.reading() as connection:
            return tuple(connection.execute(query).scalars())

    def list(
        self, visibility: Visibility, *, types: Iterable[str] | None = None, after: int = 0, limit: int = 100
    ) -> Page[StoredObject]:
        """Latest versions that the asker may see, in order of sequence behind ``after``."""
        conditions = [objects.c.latest, objects.c.sequence > after, *visible_objects(visibility)]
        if types is not None:
            conditions.append(objects.c.type.in_(sorted(types)))
        return self._page(conditions, limit)

    def changed_since(self, sequence: int, limit: int = 1000) -> Page[StoredObject]:
        """Latest versions stored or changed behind ``sequence``, for the node's own jobs: no visibility applies."""
        return self._page([objects.c.latest, objects.c.sequence > sequence], limit)

    def revoke(self, id: str, at: int) -> None:
        """Mark the latest version revoked, as of ``at``. Raises NotFound E-STORE-010."""
        with self._database.writing() as connection:
            sequence = self._database.numbers(connection, "objects", 1)
            done = connection.execute(
                sa.update(objects)
                .where(*_named(objects, id), objects.c.latest)
                .values(revoked=True, sequence=sequence, stored_at=at)
            )
            if done.rowcount == 0:
                raise NotFound("E-STORE-010", "There is no object {id} here.", id=ascii(id[:100]))

    def _page(self, conditions: Iterable[sa.ColumnElement[bool]], limit: int) -> Page[StoredObject]:
        limit = bounded(limit)
        query = sa.select(objects).where(*conditions).order_by(objects.c.sequence).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(_object(row) for row in rows[:limit])
        return Page(items, items[-1].sequence if len(rows) > limit else None)

    def _put_batch(self, connection: Connection, batch: Sequence[StoredObject]) -> PutCounts:
        """Compare with what is held, then write the differences."""
        sequence = self._database.numbers(connection, "objects", len(batch))
        held = _Held(connection, {clean(item.id) for item in batch})
        new = updated = 0
        for item, number in zip(batch, range(sequence, sequence + len(batch)), strict=True):
            values = _values(item, number)
            known, changed = held.take(values)
            new += not known
            updated += known and changed
        held.write(connection)
        keep_conflicts(connection, held.conflicts)
        add_origins(connection, batch)
        return PutCounts(new, updated, len(batch) - new - updated, len(held.conflicts))


class _Held:
    """The rows held of some ids, and what has to be written so that they hold a batch as well."""

    def __init__(self, connection: Connection, ids: set[str]) -> None:
        self.rows: dict[str, dict[int, Values]] = {}
        self.touched: dict[tuple[str, int], Values] = {}
        self.conflicts: list[tuple[str, Values]] = []
        for row in connection.execute(sa.select(objects).where(*_named(objects, *sorted(ids)))):
            self.rows.setdefault(row.id, {})[row.version_at] = dict(row._mapping)

    def take(self, values: Values) -> tuple[bool, bool]:
        """Add one object version; returns (its id was held, something changed)."""
        id, moment = str(values["id"]), int(str(values["version_at"]))
        versions = self.rows.setdefault(id, {})
        if not versions:
            self._set(versions, id, moment, values | {"latest": True})
            return False, True
        newest = _latest(versions)
        held = versions.get(moment)
        if (reason := conflict_of(versions[newest], held, values)) is not None:
            self.conflicts.append((reason, values))
            return True, False
        if held is not None and (_is_part_of(values, held) or is_echo(held, values)):
            return True, False
        # an object without versions carries the moment of its import: the same body is the same object
        if held is None and _same(versions[newest] | {"version_at": moment}, values):
            return True, False
        if held is not None:
            values |= {"revoked": values["revoked"] or held["revoked"]}  # STIX 2.1 section 3.2: revoked is for good
            if _same(held, values):
                return True, False
        self._set(versions, id, moment, values | {"latest": moment == newest, "number": held and held.get("number")})
        if (now := _latest(versions)) != newest:
            self._set(versions, id, newest, versions[newest] | {"latest": False})
            self._set(versions, id, now, versions[now] | {"latest": True})
        return True, True

    def _set(self, versions: dict[int, Values], id: str, moment: int, values: Values) -> None:
        versions[moment] = values
        self.touched[id, moment] = values

    def write(self, connection: Connection) -> None:
        """Insert and update the touched rows."""
        fresh = [{k: v for k, v in row.items() if k != "number"} for row in self._rows(held=False)]
        stale = [{f"_{k}": v for k, v in row.items()} for row in self._rows(held=True)]
        if stale:
            change: dict[Any, Any] = {
                column: sa.bindparam(f"_{column.name}") for column in objects.c if column.name != "number"
            }
            update = sa.update(objects).where(objects.c.number == sa.bindparam("_number")).values(change)
            connection.execute(update, stale)
        if fresh:
            connection.execute(sa.insert(objects), fresh)

    def _rows(self, *, held: bool) -> Iterator[Values]:
        return (row for row in self.touched.values() if (row.get("number") is not None) == held)


def _named(rows: FromClause, *ids: str) -> list[sa.ColumnElement[bool]]:
    """Rows of these objects, found through the small index of id hashes."""
    return [rows.c.id_hash.in_([id_hash(id) for id in ids]), rows.c.id.in_(ids)]


def _latest(versions: dict[int, Values]) -> int:
    """The newest version; of an object that was revoked, the newest revoked one (STIX 2.1 section 3.6.2)."""
    return max(versions, key=lambda moment: (bool(versions[moment]["revoked"]), moment))


def _is_part_of(given: Values, held: Values) -> bool:
    """The same version from the same peer with less strict marking, through another circle: parts were left out."""
    same_peer = given["origin"] is not None and given["origin"] == held["origin"]
    return same_peer and given["source"] != held["source"] and int(str(given["tlp"])) < int(str(held["tlp"]))


def _same(held: Values, given: Values) -> bool:
    return all(held[name] == given[name] for name in CONTENT)


def _values(item: StoredObject, sequence: int) -> Values:
    return {
        "id": clean(item.id),
        "id_hash": id_hash(clean(item.id)),
        "version": clean(item.version),
        "version_at": version_moment(item.version),
        "type": clean(item.type),
        "created_by": optional(item.created_by),
        "body": item.body,
        "tlp": int(item.tlp),
        "pap": int(item.pap),
        "origin": item.origin,
        "source": optional(item.source),
        "sequence": sequence,
        "stored_at": item.stored_at,
        "revoked": item.revoked,
        "inputs": names_to_text(frozenset(map(clean, item.inputs))),
        "excluded": names_to_text(item.excluded),
    }


def _object(row: Row[tuple[object, ...]]) -> StoredObject:
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
