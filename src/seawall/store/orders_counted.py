"""How many orders there are of each kind: kept beside the book by whoever changes it, so that nobody reads a million
rows to show five numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model import ObservableType
from seawall.store.database import Database
from seawall.store.order_tables import orders
from seawall.store.orders_barred import bars_in, not_barred
from seawall.store.replace import replace
from seawall.store.tables import notes

KEY = "orders-counted"
Kind = tuple[str, str, str, str]  # action, state, lane, type
_KIND = (orders.c.action, orders.c.state, orders.c.lane, orders.c.type)


class OrderCounts:
    """The part of ``store.orders`` that counts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def counts(self) -> dict[tuple[str, str, str], int]:
        """(action, state, lane) -> how many orders; what a bar ended is not counted (then the book is read)."""
        found: Counter[tuple[str, str, str]] = Counter()
        with self._database.reading() as connection:
            for kind, count in _counted(connection).items():
                found[kind[:3]] += count
        return dict(found)

    def count_by_type(self) -> dict[ObservableType, int]:
        """How many orders of each type, with those that have run out."""
        found: Counter[ObservableType] = Counter()
        with self._database.reading() as connection:
            for kind, count in _counted(connection).items():
                found[ObservableType(kind[3])] += count
        return dict(found)

    def recount(self) -> bool:
        """Count the rows themselves; whether what was kept was wrong."""
        with self._database.writing() as connection:
            before, now = _kept(connection), _rows(connection)
            _save(connection, now)
            return before is not None and before != now


def note_counts(connection: Connection, change: Mapping[Kind, int]) -> None:
    """A change of the book as it alters the counts, in the same transaction and behind it."""
    kept = _kept(connection)
    if kept is None:  # an empty book, or one that is older than the counts
        _save(connection, _rows(connection))
        return
    for kind, count in change.items():
        kept[kind] = kept.get(kind, 0) + count
    _save(connection, kept)


def _counted(connection: Connection) -> dict[Kind, int]:
    bars = bars_in(connection)
    if bars:
        return _rows(connection, not_barred(bars))
    kept = _kept(connection)
    return _rows(connection) if kept is None else kept


def _rows(connection: Connection, conditions: list[sa.ColumnElement[bool]] | None = None) -> dict[Kind, int]:
    query = sa.select(*_KIND, sa.func.count()).where(*(conditions or ())).group_by(*_KIND)
    return {(row[0], row[1], row[2], row[3]): int(row[4]) for row in connection.execute(query)}


def _kept(connection: Connection) -> dict[Kind, int] | None:
    text = connection.execute(sa.select(notes.c.value).where(notes.c.key == KEY)).scalar()
    if text is None:
        return None
    return {kind: count for kind, count in msgspec.json.decode(text, type=list[tuple[Kind, int]])}  # noqa: C416


def _save(connection: Connection, counts: Mapping[Kind, int]) -> None:
    held = sorted((kind, count) for kind, count in counts.items() if count > 0)
    replace(connection, notes, {"key": KEY, "value": msgspec.json.encode(held).decode()})
