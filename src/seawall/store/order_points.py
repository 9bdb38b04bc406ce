"""Enforcement points, kill switches, what people put in force, and what plants' owners permit."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model import Fault, NotFound, ObservableType
from seawall.model.directive import Action
from seawall.model.order import Kill, Leave, Point
from seawall.store.bulk import insert_rows, is_empty, rows_for
from seawall.store.database import Database
from seawall.store.order_tables import enforcement_points, order_changes, order_puts, plant_leaves
from seawall.store.replace import replace
from seawall.store.tables import notes

MAX_POINTS = 1_000  # of one organisation; people have to know each
ACTION = "order-put-action:{type}:{value}"
"""Key of the note of what people chose in place of a block; the table of what they put in force is older than that."""
KILLED = "orders-killed:{point}"
"""Key of the note of a kill switch; an empty name: all points."""
SERIES = "orders"
MAX_AT_ONCE = 500  # keys of one question, below the 999 that old SQLite takes


class Put(msgspec.Struct, frozen=True):
    """What people put in force themselves: one value, by whom, until when (None: as long as its type may live)."""

    type: ObservableType
    value: str  # canonical
    people: tuple[str, ...]
    at: int  # microseconds UTC
    until: int | None = None
    reason: str = ""
    scope: tuple[str, ...] = ()  # names of points; empty: all
    action: Action = Action.BLOCK


class OrderPoints:
    """The part of ``store.orders`` that is about places and people."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def points(self) -> list[Point]:
        """All enforcement points, by name."""
        query = sa.select(enforcement_points.c.body).order_by(enforcement_points.c.name)
        with self._database.reading() as connection:
            return [msgspec.json.decode(body, type=Point) for body in connection.execute(query).scalars()]

    def point(self, name: str) -> Point:
        """One point. Raises NotFound E-STORE-301."""
        query = sa.select(enforcement_points.c.body).where(enforcement_points.c.name == name)
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        if body is None:
            raise NotFound(
                "E-STORE-301",
                "There is no enforcement point {name}; 'seawall points list' names them.",
                name=repr(name[:64]),
            )
        return msgspec.json.decode(body, type=Point)

    def save_point(self, point: Point, at: int) -> None:
        """Keep a new point or a changed one; its agent then takes the whole book. Raises Fault E-STORE-302."""
        body = msgspec.json.encode(point).decode()
        with self._database.writing() as connection:
            known = sa.select(enforcement_points.c.name)
            names = set(connection.execute(known).scalars())
            if point.name not in names and len(names) >= MAX_POINTS:
                raise Fault("E-STORE-302", "A node has at most {most} enforcement points.", most=MAX_POINTS)
            floor = self._cut(connection, point.name, at)
            row = {"name": point.name, "body": body, "saved_at": at, "floor": floor}
            replace(connection, enforcement_points, row)

    def drop_point(self, name: str) -> None:
        """Forget a point with its leaves and its kill switch. Raises NotFound E-STORE-301."""
        self.point(name)
        with self._database.writing() as connection:
            connection.execute(sa.delete(enforcement_points).where(enforcement_points.c.name == name))
            connection.execute(sa.delete(plant_leaves).where(plant_leaves.c.point == name))
            connection.execute(sa.delete(notes).where(notes.c.key == KILLED.format(point=name)))

    def killed(self, point: str = "") -> Kill | None:
        """The switch by which nothing is enforced at this point (without a name: anywhere); None when it stands off."""
        keys = [KILLED.format(point=name) for name in dict.fromkeys(("", point))]
        with self._database.reading() as connection:
            query = sa.select(notes.c.value).where(notes.c.key.in_(keys)).order_by(notes.c.key)
            value = connection.execute(query).scalars().first()
        return None if value is None else msgspec.json.decode(value, type=Kill)

    def throw(self, kill: Kill) -> int:
        """Throw a kill switch, in one short transaction however long the book is; the number that this takes."""
        row = {"key": KILLED.format(point=kill.point), "value": msgspec.json.encode(kill).decode()}
        with self._database.writing() as connection:
            replace(connection, notes, row)
            return self._cut_all(connection, kill.point, kill.at)

    def lift(self, point: str, at: int) -> bool:
        """Lift a switch; False when it was not thrown."""
        with self._database.writing() as connection:
            gone = sa.delete(notes).where(notes.c.key == KILLED.format(point=point))
            if connection.execute(gone).rowcount == 0:
                return False
            self._cut_all(connection, point, at)
            return True

    def puts(self, keys: Sequence[tuple[ObservableType, str]]) -> dict[tuple[ObservableType, str], Put]:
        """What people put in force of these values."""
        query = "SELECT order_puts.* FROM {given} CROSS JOIN order_puts WHERE type = given.a AND value = given.b"
        with self._database.reading() as connection:
            given = [] if is_empty(connection, order_puts) else [(kind.value, value) for kind, value in keys]
            rows = rows_for(connection, given, query)
            actions = _actions(connection, [ACTION.format(type=row.type, value=row.value) for row in rows])
        found = (
            Put(
                type=ObservableType(row.type),
                value=row.value,
                people=msgspec.json.decode(row.people, type=tuple[str, ...]),
                at=row.at,
                until=row.until,
                reason=row.reason,
                scope=msgspec.json.decode(row.scope, type=tuple[str, ...]),
                action=actions.get(ACTION.format(type=row.type, value=row.value), Action.BLOCK),
            )
            for row in rows
        )
        return {(put.type, put.value): put for put in found}

    def save_put(self, put: Put) -> None:
        """Keep that people put a value in force."""
        with self._database.writing() as connection:
            row = msgspec.structs.asdict(put) | {
                "type": put.type.value,
                "people": msgspec.json.encode(put.people).decode(),
                "scope": msgspec.json.encode(put.scope).decode(),
            }
            del row["action"]
            replace(connection, order_puts, row)
            key = ACTION.format(type=put.type.value, value=put.value)
            if put.action is Action.BLOCK:
                connection.execute(sa.delete(notes).where(notes.c.key == key))
            else:
                replace(connection, notes, {"key": key, "value": put.action.value})

    def drop_put(self, type: ObservableType, value: str) -> bool:
        """Forget that; False when nobody put it in force."""
        table = order_puts.c
        with self._database.writing() as connection:
            gone = sa.delete(order_puts).where(table.type == type.value, table.value == value)
            key = ACTION.format(type=type.value, value=value)
            connection.execute(sa.delete(notes).where(notes.c.key == key))
            return connection.execute(gone).rowcount > 0

    def leaves(self, point: str) -> dict[str, Leave]:
        """What the owner of a plant lets be blocked at its point, by the order's name."""
        query = sa.select(plant_leaves).where(plant_leaves.c.point == point)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return {row.undo_id: Leave(*row) for row in rows}

    def save_leaves(self, leaves: Sequence[Leave], at: int) -> None:
        """Keep leaves of one or more points; their agents then take the whole book."""
        with self._database.writing() as connection:
            for leave in leaves:
                replace(connection, plant_leaves, msgspec.structs.asdict(leave))
            for point in sorted({leave.point for leave in leaves}):
                self._cut_all(connection, point, at)

    def drop_leaves(self, point: str, undo_ids: Sequence[str], at: int) -> int:
        """Take leaves back; how many there were."""
        table, gone = plant_leaves.c, 0
        with self._database.writing() as connection:
            for undo_id in undo_ids:
                row = sa.delete(plant_leaves).where(table.point == point, table.undo_id == undo_id)
                gone += connection.execute(row).rowcount
            if gone:
                self._cut_all(connection, point, at)
        return gone

    def _cut(self, connection: Connection, point: str, at: int) -> int:
        number = self._database.numbers(connection, SERIES, 1)
        insert_rows(connection, order_changes, [(number, "cut", at, point, b"")])
        return number

    def _cut_all(self, connection: Connection, point: str, at: int) -> int:
        number = self._cut(connection, point, at)
        change = sa.update(enforcement_points).values(floor=number)
        connection.execute(change if not point else change.where(enforcement_points.c.name == point))
        return number

    def _cut_of(self, connection: Connection, point: str) -> int:
        query = sa.select(enforcement_points.c.floor).where(enforcement_points.c.name == point)
        return int(connection.execute(query).scalar() or 0)


def _actions(connection: Connection, keys: Sequence[str]) -> dict[str, Action]:
    """What people chose in place of a block, by the note's key."""
    found: dict[str, Action] = {}
    for start in range(0, len(keys), MAX_AT_ONCE):
        query = sa.select(notes.c.key, notes.c.value).where(notes.c.key.in_(keys[start : start + MAX_AT_ONCE]))
        found |= {row.key: Action(row.value) for row in connection.execute(query)}
    return found
