"""MISP events as MISP writes them, searched as MISP searches, and what each MISP is known to hold."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Row
from sqlalchemy.engine import Connection

from seawall.model import Fault, NotFound, Visibility
from seawall.model.misp import MispAttribute, MispChange, MispEvent, MispQuery
from seawall.store.database import Database
from seawall.store.misp_query import (
    BOTH,
    LOOK_UP,
    attribute_conditions,
    event_conditions,
    event_tag_or_any_attribute,
    exact_value,
    look_up_values,
    span,
    visible,
)
from seawall.store.misp_rows import (
    Values,
    attribute_of,
    attribute_values,
    event_of,
    event_values,
    head_of,
)
from seawall.store.replace import replace
from seawall.store.tables import misp_attributes, misp_events, misp_known, misp_tags
from seawall.store.values import bounded, clean

MAX_ANSWER = 256 << 20  # bytes of attributes: files may be attached to them
CHUNK = 400  # rows named in one statement


class Misp:
    """The group ``store.misp``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, event: MispEvent) -> tuple[int, bool]:
        """Keep an event as it now is: (its number, whether anything changed). Attributes that it lacks are dropped.

        On disk when this returns. Raises Fault E-STORE-080 for an attribute that another event holds.
        """
        with self._database.writing() as connection:
            row = connection.execute(sa.select(misp_events).where(misp_events.c.uuid == event.uuid)).first()
            number = row.number if row is not None else self._database.numbers(connection, "misp_events", 1)
            values = event_values(event)
            held = _held(connection, number)
            changed = _differing(held, event.attributes)
            gone = held.keys() - {attribute.uuid for attribute in event.attributes}
            if row is not None and not changed and not gone and _same_event(row, values):
                return number, False
            change = self._change(connection)
            if row is None:
                connection.execute(sa.insert(misp_events).values(number=number, change=change, **values))
            else:
                update = sa.update(misp_events).where(misp_events.c.number == number)
                connection.execute(update.values(change=change, **values))
            self._put_attributes(connection, number, changed, held)
            self._drop(connection, [held[uuid].number for uuid in gone])
            self._tag(connection, number, event)
        return number, True

    def _change(self, connection: Connection) -> int:
        return self._database.numbers(connection, "misp_events", 1)

    def _put_attributes(
        self, connection: Connection, event: int, changed: Sequence[MispAttribute], held: dict[str, Row[Any]]
    ) -> None:
        fresh = [attribute for attribute in changed if attribute.uuid not in held]
        for start in range(0, len(fresh), CHUNK):
            chunk = fresh[start : start + CHUNK]
            names = [attribute.uuid for attribute in chunk]
            _refuse_first(connection, _holders(names))
            connection.execute(sa.delete(misp_attributes).where(misp_attributes.c.uuid.in_(names)))  # of deleted events
            first = self._database.numbers(connection, "misp_attributes", len(chunk))
            rows = [{"number": first + n, "event": event, **attribute_values(one)} for n, one in enumerate(chunk)]
            connection.execute(sa.insert(misp_attributes), rows)
        for one in changed:
            if one.uuid in held:
                update = sa.update(misp_attributes).where(misp_attributes.c.number == held[one.uuid].number)
                connection.execute(update.values(attribute_values(one)))

    def _drop(self, connection: Connection, numbers: Sequence[int]) -> None:
        for start in range(0, len(numbers), CHUNK):
            gone = numbers[start : start + CHUNK]
            connection.execute(sa.delete(misp_attributes).where(misp_attributes.c.number.in_(gone)))

    def _tag(self, connection: Connection, number: int, event: MispEvent) -> None:
        """The tags as they now are."""
        query = sa.select(misp_attributes.c.uuid, misp_attributes.c.number).where(misp_attributes.c.event == number)
        numbers = {row.uuid: row.number for row in connection.execute(query)}
        wanted = {(clean(name), 0) for name in event.tags}
        wanted |= {(clean(name), numbers[one.uuid]) for one in event.attributes for name in one.tags}
        query = sa.select(misp_tags.c.name, misp_tags.c.attribute).where(misp_tags.c.event == number)
        held = {(row.name, row.attribute) for row in connection.execute(query)}
        for name, attribute in held - wanted:
            connection.execute(
                sa.delete(misp_tags).where(
                    misp_tags.c.name == name, misp_tags.c.event == number, misp_tags.c.attribute == attribute
                )
            )
        fresh = [{"name": name, "event": number, "attribute": attribute} for name, attribute in wanted - held]
        if fresh:
            connection.execute(sa.insert(misp_tags), fresh)

    def get(self, key: str, visibility: Visibility, *, deleted: bool = False) -> MispEvent:
        """An event by UUID or number with the attributes that the asker may see, soft-deleted ones included.

        Raises NotFound E-STORE-081 alike for an event that is absent and one that is withheld (rule 12).
        """
        conditions = [_named(misp_events, key), *visible(visibility, misp_events)]
        if not deleted:
            conditions.append(misp_events.c.deleted.is_(False))
        with self._database.reading() as connection:
            row = connection.execute(sa.select(misp_events).where(*conditions)).first()
            if row is None:
                raise NotFound("E-STORE-081", "There is no MISP event {id} here.", id=ascii(key[:40]))
            query = sa.select(misp_attributes).where(misp_attributes.c.event == row.number)
            query = query.where(*visible(visibility, misp_attributes)).order_by(misp_attributes.c.number)
            held = connection.execute(query).all()
        return event_of(row, tuple(attribute_of(one) for one in held))

    def attribute(self, key: str, visibility: Visibility) -> MispAttribute:
        """An attribute by UUID or number. Raises NotFound E-STORE-082."""
        conditions = [_named(misp_attributes, key), *visible(visibility, misp_attributes)]
        query = sa.select(misp_attributes).join(misp_events, misp_events.c.number == misp_attributes.c.event)
        with self._database.reading() as connection:
            row = connection.execute(query.where(*conditions, misp_events.c.deleted.is_(False))).first()
            if row is None:
                raise NotFound("E-STORE-082", "There is no MISP attribute {id} here.", id=ascii(key[:40]))
            return attribute_of(row)

    def event_of_object(self, uuid: str, visibility: Visibility) -> str | None:
        """The event that holds a MISP object of which the asker may see an attribute; None when there is none."""
        query = sa.select(misp_events.c.uuid).join(misp_attributes, misp_attributes.c.event == misp_events.c.number)
        query = query.where(misp_attributes.c.object == uuid, misp_events.c.deleted.is_(False))
        with self._database.reading() as connection:
            found: str | None = connection.execute(query.where(*visible(visibility, misp_attributes))).scalar()
        return found

    def attributes(
        self, query: MispQuery, visibility: Visibility, *, offset: int = 0, limit: int = 1000
    ) -> list[tuple[MispAttribute, MispEvent]]:
        """Attributes that meet the query and that the asker may see, in order of their numbers, each with its event.

        The events come without their attributes. Raises Fault E-STORE-083 for more than one answer may hold.
        """
        given: Values = {"offset": offset, "limit": bounded(limit)}
        if (word := exact_value(query)) is not None and visibility == Visibility(visibility.tlp_at_most):
            select, given = LOOK_UP, {**given, **look_up_values(word), "tlp": int(visibility.tlp_at_most)}
        else:
            select = self._attributes(BOTH, query, visibility).order_by(misp_attributes.c.number)
            select = select.offset(sa.bindparam("offset")).limit(sa.bindparam("limit"))
        heads: dict[int, MispEvent] = {}
        found, size = [], 0
        with self._database.reading() as connection:
            for row in connection.execute(select, given):
                size += len(row.body)
                if size > MAX_ANSWER:
                    raise Fault("E-STORE-083", "The answer is larger than {most} bytes; ask for fewer at a time, by "
                                "limit and page.", most=MAX_ANSWER)  # fmt: skip
                if row.event not in heads:
                    heads[row.event] = head_of(row)
                found.append((attribute_of(row), heads[row.event]))
        return found

    def count(self, query: MispQuery, visibility: Visibility) -> int:
        """How many attributes ``attributes`` finds in all."""
        select = sa.select(sa.func.count()).select_from(misp_attributes)
        with self._database.reading() as connection:
            return int(connection.execute(self._attributes(select, query, visibility)).scalar_one())

    def _attributes(self, select: sa.Select[Any], query: MispQuery, visibility: Visibility) -> sa.Select[Any]:
        conditions = [*attribute_conditions(query), *event_conditions(query), *visible(visibility, misp_attributes)]
        conditions += span(misp_attributes.c.timestamp, query.changed)
        if query.uuids:
            names = [name.lower() for name in query.uuids]
            conditions.append(misp_attributes.c.uuid.in_(names) | misp_events.c.uuid.in_(names))
        return select.join(misp_events, misp_events.c.number == misp_attributes.c.event).where(*conditions)

    def events(
        self, query: MispQuery, visibility: Visibility, *, offset: int = 0, limit: int = 100
    ) -> list[tuple[int, str]]:
        """(number, UUID) of events that meet the query, in order of their numbers."""
        conditions = [*event_conditions(query), *visible(visibility, misp_events), *event_tag_or_any_attribute(query)]
        conditions += span(misp_events.c.timestamp, query.changed)
        within = [misp_attributes.c.event == misp_events.c.number, *visible(visibility, misp_attributes)]
        if query.uuids:
            names = [name.lower() for name in query.uuids]
            inside = sa.exists().where(*within, misp_attributes.c.uuid.in_(names))
            conditions.append(misp_events.c.uuid.in_(names) | inside)
        if query.of_attributes():
            conditions.append(sa.exists().where(*within, *attribute_conditions(query)))
        select = sa.select(misp_events.c.number, misp_events.c.uuid).where(*conditions)
        select = select.order_by(misp_events.c.number).offset(offset).limit(bounded(limit))
        with self._database.reading() as connection:
            return [(row.number, row.uuid) for row in connection.execute(select)]

    def heads(self, numbers: Iterable[int]) -> dict[int, MispEvent]:
        """Events without their attributes, by number; who asks has shown already that they may be seen."""
        wanted = sorted(set(numbers))
        found: dict[int, MispEvent] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                chunk = wanted[start : start + CHUNK]
                for row in connection.execute(sa.select(misp_events).where(misp_events.c.number.in_(chunk))):
                    found[row.number] = event_of(row, ())
        return found

    def states(self, uuids: Iterable[str]) -> dict[str, bool]:
        """Of these events, those that are held: whether each was deleted here."""
        wanted = sorted(set(uuids))
        found: dict[str, bool] = {}
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                query = sa.select(misp_events.c.uuid, misp_events.c.deleted)
                query = query.where(misp_events.c.uuid.in_(wanted[start : start + CHUNK]))
                found.update((row.uuid, row.deleted) for row in connection.execute(query))
        return found

    def require_free(self, event: str, uuids: Iterable[str]) -> None:
        """Raise Fault E-STORE-080 when another event than this one holds one of these attributes."""
        wanted = sorted(set(uuids))
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                query = _holders(wanted[start : start + CHUNK]).where(misp_events.c.uuid != event)
                _refuse_first(connection, query)

    def hidden(self, uuids: Iterable[str], visibility: Visibility) -> frozenset[str]:
        """Of these attributes, those that stand in an event here and that the asker may not see."""
        wanted = sorted(set(uuids))
        found: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                query = _holders(wanted[start : start + CHUNK])
                query = query.where(sa.not_(sa.and_(*visible(visibility, misp_attributes))))
                found.update(row.uuid for row in connection.execute(query))
        return frozenset(found)

    def attributes_held(self, uuids: Iterable[str]) -> frozenset[str]:
        """Of these attributes, those that stand in an event here."""
        wanted = sorted(set(uuids))
        found: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(wanted), CHUNK):
                chunk = wanted[start : start + CHUNK]
                query = sa.select(misp_attributes.c.uuid).where(misp_attributes.c.uuid.in_(chunk))
                found.update(connection.execute(query).scalars())
        return frozenset(found)

    def changed_since(self, change: int, limit: int = 1000) -> list[MispChange]:
        """Events changed here behind a change number, deleted ones too. For the node's own jobs: no visibility."""
        columns = (misp_events.c.uuid, misp_events.c.change, misp_events.c.deleted, misp_events.c.origin)
        query = sa.select(*columns).where(misp_events.c.change > change).order_by(misp_events.c.change)
        with self._database.reading() as connection:
            return [MispChange(*row) for row in connection.execute(query.limit(bounded(limit)))]

    def delete(self, uuid: str, timestamp: int) -> bool:
        """Mark an event deleted for good, and drop its parts; False when it was already, or is not held."""
        alive = sa.and_(misp_events.c.uuid == uuid, misp_events.c.deleted.is_(False))
        with self._database.writing() as connection:
            number = connection.execute(sa.select(misp_events.c.number).where(alive)).scalar()
            if number is None:
                return False
            update = sa.update(misp_events).where(misp_events.c.number == number)
            connection.execute(update.values(deleted=True, change=self._change(connection), timestamp=timestamp))
            connection.execute(sa.delete(misp_attributes).where(misp_attributes.c.event == number))
            connection.execute(sa.delete(misp_tags).where(misp_tags.c.event == number))
        return True

    def tags(self, visibility: Visibility, pattern: str = "%", limit: int = 1000) -> list[str]:
        """Names of tags that fit the pattern, in order, as far as they stand on what the asker may see (rule 12)."""
        like = clean(pattern).replace("\\", "\\\\").replace("_", "\\_")
        within = sa.exists().where(
            misp_attributes.c.number == misp_tags.c.attribute,
            misp_attributes.c.deleted.is_(False),
            *visible(visibility, misp_attributes),
        )
        query = (
            sa.select(misp_tags.c.name)
            .join(misp_events, misp_events.c.number == misp_tags.c.event)
            .where(
                misp_tags.c.name.like(like, escape="\\"),
                misp_events.c.deleted.is_(False),
                *visible(visibility, misp_events),
                sa.or_(misp_tags.c.attribute == 0, within),
            )
            .distinct()
        )
        with self._database.reading() as connection:
            return list(connection.execute(query.order_by(misp_tags.c.name).limit(bounded(limit))).scalars())

    def known(self, misp: str, uuid: str) -> bytes | None:
        """The event as this MISP was last known to hold it."""
        query = sa.select(misp_known.c.body).where(misp_known.c.misp == misp, misp_known.c.uuid == uuid)
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else bytes(body)

    def know(self, misp: str, uuid: str, timestamp: int, body: bytes) -> None:
        """Remember the event as this MISP holds it, and the time (seconds) that it told for it."""
        row = {"misp": misp, "uuid": uuid, "timestamp": timestamp, "body": body}
        with self._database.writing() as connection:
            replace(connection, misp_known, row)

    def known_times(self, misp: str, uuids: Iterable[str] | None = None) -> dict[str, int]:
        """The events that this MISP is known to hold (all, or of those named), each with the time last told for it."""
        query = sa.select(misp_known.c.uuid, misp_known.c.timestamp).where(misp_known.c.misp == misp)
        found: dict[str, int] = {}
        with self._database.reading() as connection:
            if uuids is None:
                return {row.uuid: row.timestamp for row in connection.execute(query)}
            wanted = sorted(set(uuids))
            for start in range(0, len(wanted), CHUNK):
                some = query.where(misp_known.c.uuid.in_(wanted[start : start + CHUNK]))
                found.update((row.uuid, row.timestamp) for row in connection.execute(some))
        return found

    def forget(self, misp: str, uuid: str | None = None) -> None:
        """Forget one event of a MISP, or everything about it."""
        conditions = [misp_known.c.misp == misp, *([misp_known.c.uuid == uuid] if uuid is not None else [])]
        with self._database.writing() as connection:
            connection.execute(sa.delete(misp_known).where(*conditions))


def _holders(uuids: Sequence[str]) -> sa.Select[tuple[str]]:
    """Those of these attributes that stand in an event which was not deleted."""
    query = sa.select(misp_attributes.c.uuid).join(misp_events, misp_events.c.number == misp_attributes.c.event)
    return query.where(misp_attributes.c.uuid.in_(uuids), misp_events.c.deleted.is_(False))


def _refuse_first(connection: Connection, holders: sa.Select[tuple[str]]) -> None:
    if (row := connection.execute(holders).first()) is not None:
        raise Fault("E-STORE-080", "Another MISP event holds the attribute {uuid} already.", uuid=row.uuid)


def _named(table: sa.Table, key: str) -> sa.ColumnElement[bool]:
    if key.isdecimal() and len(key) < 19:
        return table.c.number == int(key)
    return table.c.uuid == key.lower()


def _held(connection: Connection, event: int) -> dict[str, Row[Any]]:
    query = sa.select(misp_attributes).where(misp_attributes.c.event == event)
    return {row.uuid: row for row in connection.execute(query)}


def _differing(held: dict[str, Row[Any]], given: Sequence[MispAttribute]) -> list[MispAttribute]:
    found = []
    for one in given:
        row = held.get(one.uuid)
        if row is None or any(getattr(row, name) != value for name, value in attribute_values(one).items()):
            found.append(one)
    return found


def _same_event(row: Row[Any], values: Values) -> bool:
    return all(getattr(row, name) == value for name, value in values.items())
