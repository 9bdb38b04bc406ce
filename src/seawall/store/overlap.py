"""The book of overlap runs: sessions, and the values that both sides hold with how much of each was told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from seawall.model import ObservableType
from seawall.model.overlap import Hold, Lane, OverlapItem, OverlapSession, Part, RunState, Tier
from seawall.model.stored import Page
from seawall.store.bulk import insert_rows, rows_for, update_rows
from seawall.store.database import Database
from seawall.store.overlap_tables import overlap_items, overlap_sessions
from seawall.store.replace import replace
from seawall.store.values import bounded, clean, names_to_text, text_to_names

COLUMNS = tuple(column.name for column in overlap_items.columns)
SERIES = "overlap"  # of the numbers of items
OPEN = (RunState.ASKED.value, RunState.WAITING.value)

HELD = f"""
SELECT given.position, {", ".join(f"held.{name}" for name in COLUMNS)}
FROM {{given}} JOIN overlap_items AS held ON held.peer = given.a AND held.type = given.b AND held.value = given.c
"""

TOLD = """
SELECT held.type, held.value, MIN(held.given_at) AS given_at
FROM {given} JOIN overlap_items AS held ON held.type = given.a AND held.value = given.b
WHERE held.given_at IS NOT NULL GROUP BY held.type, held.value
"""

TOLD_TO = f"""
SELECT given.position, {", ".join(f"held.{name}" for name in COLUMNS)}
FROM {{given}} JOIN overlap_items AS held ON held.type = given.a AND held.value = given.b
WHERE held.given > {int(Tier.MATCHED)}
"""


class Overlaps:
    """The group ``store.overlaps``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep_session(self, session: OverlapSession) -> None:
        """Keep a session, in place of what was kept under its id. On disk when this returns."""
        with self._database.writing() as connection:
            replace(connection, overlap_sessions, _session_row(session))

    def session(self, id: str) -> OverlapSession | None:
        """One session; None when there is none of this id."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(overlap_sessions).where(overlap_sessions.c.id == clean(id))).first()
        return None if row is None else _session(row)

    def sessions(
        self,
        peer: str,
        *,
        type: ObservableType | None = None,
        state: RunState | None = None,
        unfinished: bool = False,
        lane: Lane | None = None,
        limit: int = 100,
    ) -> tuple[OverlapSession, ...]:
        """Sessions with a peer, newest first."""
        table = overlap_sessions.c
        meant = [table.peer == clean(peer)]
        if type is not None:
            meant.append(table.type == type.value)
        if state is not None:
            meant.append(table.state == state.value)
        if unfinished:
            meant.append(table.state.in_(OPEN))
        if lane is not None:
            meant.append(table.lane == lane.value)
        query = (
            sa.select(overlap_sessions)
            .where(*meant)
            .order_by(table.begun_at.desc(), table.id.desc())
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_session(row) for row in connection.execute(query))

    def add(self, items: Iterable[OverlapItem]) -> int:
        """Keep values that were found to be held by both; what is kept already stays as it is. How many are new."""
        latest = {_key(item): item for item in items}
        keys = sorted(latest)
        with self._database.writing() as connection:
            held = {keys[row[0]] for row in rows_for(connection, keys, HELD)}
            fresh = [key for key in keys if key not in held]
            number = self._database.numbers(connection, SERIES, len(fresh)) if fresh else 0
            insert_rows(
                connection,
                overlap_items,
                [(place, *_row(latest[key]).values()) for place, key in enumerate(fresh, number)],
            )
        return len(fresh)

    def change(self, items: Sequence[OverlapItem]) -> None:
        """Keep these as they are now; values that are not kept are left out."""
        latest = {_key(item): item for item in items}
        keys = sorted(latest)
        with self._database.writing() as connection:
            numbers = {keys[row[0]]: row[1] for row in rows_for(connection, keys, HELD)}
            rows = [{"number": number, **_row(latest[key])} for key, number in numbers.items()]
            update_rows(connection, overlap_items, rows)

    def find(self, peer: str, values: Iterable[tuple[ObservableType, str]]) -> tuple[OverlapItem, ...]:
        """Of these values, those that this peer and we both hold."""
        keys = sorted({(clean(peer), type.value, clean(value)) for type, value in values})
        with self._database.reading() as connection:
            return tuple(_item(row) for row in rows_for(connection, keys, HELD))

    def list(
        self, peer: str, *, type: ObservableType | None = None, after: int = 0, limit: int = 100
    ) -> Page[OverlapItem]:
        """What this peer and we both hold, as it was found; ``after``: the page before's ``next``."""
        table = overlap_items.c
        meant = [table.peer == clean(peer), table.number > after]
        if type is not None:
            meant.append(table.type == type.value)
        limit = bounded(limit)
        query = sa.select(overlap_items).where(*meant).order_by(table.number).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return Page(tuple(_item(row) for row in rows[:limit]), rows[limit - 1].number if len(rows) > limit else None)

    def unopened(self, peer: str, limit: int) -> tuple[OverlapItem, ...]:
        """Values of which we may tell more, whose commitment we have not opened to this peer yet."""
        table = overlap_items.c
        return self._meant(
            [table.peer == clean(peer), table.permitted > int(Tier.MATCHED), table.opened_at.is_(None)], limit
        )

    def untold(self, peer: str, limit: int) -> tuple[OverlapItem, ...]:
        """Values of which we may tell more than we told, and for which this peer's commitment held."""
        table = overlap_items.c
        return self._meant(
            [
                table.peer == clean(peer),
                table.permitted > table.given,
                table.given < int(Tier.SECTOR),
                table.vouched_at.is_not(None),
            ],
            limit,
        )

    def undetailed(self, peer: str, limit: int) -> tuple[OverlapItem, ...]:
        """Values whose details people permitted, which did not go yet, and for which this peer's commitment held."""
        table = overlap_items.c
        details = int(Tier.DETAILS)
        return self._meant(
            [
                table.peer == clean(peer),
                table.permitted == details,
                table.given < details,
                table.vouched_at.is_not(None),
            ],
            limit,
        )

    def told_at(self, values: Iterable[tuple[str, str]]) -> dict[tuple[str, str], int]:
        """When we first told any peer more of a value (type, value), in microseconds UTC; others are left out."""
        keys = sorted({(type, clean(value)) for type, value in values})
        with self._database.reading() as connection:
            if connection.execute(sa.select(overlap_items.c.number).limit(1)).first() is None:
                return {}
            return {(row[0], row[1]): int(row[2]) for row in rows_for(connection, keys, TOLD)}

    def told(self, values: Iterable[tuple[ObservableType, str]]) -> tuple[OverlapItem, ...]:
        """Of these values, the items of every peer that we told more than that it matched."""
        keys = sorted({(type.value, clean(value)) for type, value in values})
        if not keys:
            return ()
        with self._database.reading() as connection:
            return tuple(_item(row) for row in rows_for(connection, keys, TOLD_TO))

    def count(self, peer: str, *, type: ObservableType | None = None) -> int:
        """How many values this peer and we both hold."""
        meant = [overlap_items.c.peer == clean(peer)]
        if type is not None:
            meant.append(overlap_items.c.type == type.value)
        with self._database.reading() as connection:
            return int(
                connection.execute(sa.select(sa.func.count()).select_from(overlap_items).where(*meant)).scalar_one()
            )

    def _meant(self, conditions: Sequence[sa.ColumnElement[bool]], limit: int) -> tuple[OverlapItem, ...]:
        query = sa.select(overlap_items).where(*conditions).order_by(overlap_items.c.number).limit(bounded(limit))
        with self._database.reading() as connection:
            return tuple(_item(row) for row in connection.execute(query))


def _key(item: OverlapItem) -> tuple[str, str, str]:
    return clean(item.peer), item.type.value, clean(item.value)


def _row(item: OverlapItem) -> dict[str, Any]:
    """Every column but the number, in the order of the table."""
    plain = msgspec.structs.asdict(item) | {"permitted_by": names_to_text(item.permitted_by)}
    row = {name: plain[name] for name in COLUMNS if name != "number"}
    row |= {"peer": clean(item.peer), "type": item.type.value, "value": clean(item.value), "reason": clean(item.reason)}
    row |= {name: plain[name].value for name in ("ours_as", "theirs_as")}
    return row | {name: int(plain[name]) for name in ("permitted", "given", "taken")}


def _item(row: Any) -> OverlapItem:
    read = {name: getattr(row, name) for name in COLUMNS if name != "number"}
    read["type"] = ObservableType(row.type)
    read |= {name: Tier(read[name]) for name in ("permitted", "given", "taken")}
    read |= {name: Hold(read[name]) for name in ("ours_as", "theirs_as")}
    return OverlapItem(**read | {"permitted_by": text_to_names(row.permitted_by)})


def _session_row(session: OverlapSession) -> dict[str, object]:
    plain = msgspec.structs.asdict(session)
    words = {name: plain[name].value for name in ("type", "part", "state", "lane")}
    texts = {name: clean(plain[name]) for name in ("id", "peer", "epoch", "reason")}
    return plain | words | texts


def _session(row: Any) -> OverlapSession:
    read = {column.name: getattr(row, column.name) for column in overlap_sessions.columns}
    read |= {"type": ObservableType(row.type), "part": Part(row.part), "state": RunState(row.state)}
    read |= {"lane": Lane(row.lane)}
    return OverlapSession(**read)
