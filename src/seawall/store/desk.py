"""The warning desk: where each warning stands, grouped by campaign; and what was sent to whom about it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from seawall.model.answer import Delivery, DeliveryState, DeskPlace
from seawall.model.observable import ObservableType
from seawall.model.stored import Page
from seawall.store.answer_tables import warning_answers, warning_deliveries, warning_places
from seawall.store.bulk import insert_rows, rows_for
from seawall.store.database import Database
from seawall.store.tables import warnings
from seawall.store.values import bounded, clean

Key = tuple[ObservableType, str]
PLACES = """
SELECT held.type, held.value, held.group_id, held.severity, held.rank, held.placed_at, held.raised_at,
held.snoozed_until, held.snoozed_by
FROM {given} JOIN warning_places AS held ON held.type = given.a AND held.value = given.b
"""
CHUNK = 500  # names of one statement
P, A, D = warning_places.c, warning_answers.c, warning_deliveries.c


class DeskGroup(msgspec.Struct, frozen=True):
    """The warnings of one group that nobody here answered. Times in microseconds UTC."""

    id: str
    values: int
    severity: int  # the highest
    rank: float  # the highest
    placed_at: int  # the earliest
    raised_at: int | None  # the earliest; None: below budget
    snoozed_until: int | None  # when the first of them comes back; None while one is awake


class Desk:
    """The group ``store.desk``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def warnings_reached(self) -> int:
        """The last number given to a change of a warning."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.max(warnings.c.change))).scalar() or 0)

    def mark(self) -> str:
        """A word that differs after every change of a warning or of its place at the desk."""
        query = sa.select(sa.func.count(P.raised_at), sa.func.max(P.raised_at), sa.func.max(P.snoozed_until))
        with self._database.reading() as connection:
            raised, last, asleep = connection.execute(query).one()
            reached = connection.execute(sa.select(sa.func.max(warnings.c.change))).scalar()
        return f"{reached or 0}-{raised}-{last or 0}-{asleep or 0}"

    def regrouped(self) -> int:
        """A number that rises whenever a campaign changes."""
        with self._database.reading() as connection:
            return self._database.current(connection, "campaigns")

    def of(self, keys: Iterable[Key]) -> dict[Key, DeskPlace]:
        """Where these warnings stand; those that the desk has not seen are left out."""
        wanted = sorted({(type.value, clean(value)) for type, value in keys})
        with self._database.reading() as connection:
            rows = rows_for(connection, wanted, PLACES)
        return {(place.type, place.value): place for place in map(_place, rows)}

    def put(self, places: Sequence[DeskPlace], *, there: Collection[Key] | None = None) -> None:
        """Keep places, each in stead of the one before. ``there``: keys that have a place, when the caller knows."""
        rows = {(place.type.value, clean(place.value)): place for place in places}
        if there is None:
            there = self.of((place.type, place.value) for place in places).keys()
        gone = sorted(rows.keys() & {(type.value, clean(value)) for type, value in there})
        with self._database.writing() as connection:
            for start in range(0, len(gone), CHUNK):
                chunk = gone[start : start + CHUNK]
                connection.execute(sa.delete(warning_places).where(sa.tuple_(P.type, P.value).in_(chunk)))
            insert_rows(
                connection,
                warning_places,
                [(*key, *_content(place)) for key, place in sorted(rows.items(), key=lambda row: row[0])],
            )

    def forget_gone(self) -> int:
        """Drop the places of warnings that are no more; how many."""
        here = sa.exists().where(warnings.c.type == P.type, warnings.c.value == P.value)
        with self._database.writing() as connection:
            return connection.execute(sa.delete(warning_places).where(~here)).rowcount

    def groups(self, at: int, *, raised: bool | None = None, awake: bool = False) -> list[DeskGroup]:
        """Groups with at least one warning that nobody here answered, the most urgent first.

        ``raised``: only those (not) raised. ``awake``: only warnings that are not snoozed at ``at`` count.
        """
        conditions: list[sa.ColumnElement[bool]] = [~_answered()]
        if awake:
            conditions.append(_awake(at))
        sleeping = sa.case((sa.and_(P.snoozed_until.is_not(None), P.snoozed_until > at), P.snoozed_until))
        query = (
            sa.select(
                P.group_id,
                sa.func.count().label("size"),
                sa.func.max(P.severity).label("severity"),
                sa.func.max(P.rank).label("top"),
                sa.func.min(P.placed_at).label("placed"),
                sa.func.min(P.raised_at).label("raised"),
                sa.func.count(sleeping).label("asleep"),
                sa.func.min(sleeping).label("until"),
            )
            .where(*conditions)
            .group_by(P.group_id)
        )
        if raised is not None:
            first = sa.func.min(P.raised_at)
            query = query.having(first.is_not(None) if raised else first.is_(None))
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        found = [
            DeskGroup(
                row.group_id, row.size, row.severity, row.top, row.placed, row.raised,
                row.until if row.asleep == row.size else None,
            )
            for row in rows
        ]  # fmt: skip
        return sorted(found, key=lambda one: (-one.severity, -one.rank, one.placed_at, one.id))

    def sizes(self) -> dict[str, int]:
        """How many warnings each group has that is more than a single value."""
        size = sa.func.count().label("size")
        query = sa.select(P.group_id, size).where(P.group_id.not_like("value:%")).group_by(P.group_id)
        with self._database.reading() as connection:
            return {row.group_id: row.size for row in connection.execute(query)}

    def raised_since(self, at: int) -> dict[int, int]:
        """How many groups were first raised at or after ``at``, by their severity now."""
        first = sa.func.min(P.raised_at)
        groups = (
            sa.select(P.group_id, sa.func.max(P.severity).label("severity"))
            .group_by(P.group_id)
            .having(first.is_not(None), first >= at)
            .subquery()
        )
        query = sa.select(groups.c.severity, sa.func.count().label("size")).group_by(groups.c.severity)
        with self._database.reading() as connection:
            return {row.severity: row.size for row in connection.execute(query)}

    def raise_groups(self, ids: Sequence[str], at: int) -> None:
        """Raise these groups; who joined a raised group is raised with it."""
        with self._database.writing() as connection:
            for start in range(0, len(ids), CHUNK):
                here = (P.group_id.in_(ids[start : start + CHUNK]), P.raised_at.is_(None))
                connection.execute(sa.update(warning_places).where(*here).values(raised_at=at))
            raised = sa.select(P.group_id).where(P.raised_at.is_not(None))
            joined = (P.raised_at.is_(None), P.group_id.in_(raised))
            connection.execute(sa.update(warning_places).where(*joined).values(raised_at=at))

    def members(self, group: str, *, limit: int = 100) -> tuple[DeskPlace, ...]:
        """The places of one group, the most urgent first."""
        query = (
            sa.select(warning_places)
            .where(P.group_id == group)
            .order_by(P.severity.desc(), P.rank.desc(), P.type, P.value)
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_place(row) for row in connection.execute(query))

    def list(self, at: int, state: str, *, least: int = 0, after: int = 0, limit: int = 100) -> Page[DeskPlace]:
        """Places in one state, the most urgent first; ``after`` counts rows.

        ``state``: open (raised, unanswered, awake), held, snoozed, answered or all. ``least``: of severity.
        """
        conditions = {
            "open": [~_answered(), _awake(at), P.raised_at.is_not(None)],
            "held": [~_answered(), _awake(at), P.raised_at.is_(None)],
            "snoozed": [~_answered(), ~_awake(at)],
            "answered": [_answered()],
            "all": [],
        }[state]
        limit = bounded(limit)
        query = (
            sa.select(warning_places)
            .where(P.severity >= least, *conditions)
            .order_by(P.severity.desc(), P.rank.desc(), P.group_id, P.type, P.value)
            .offset(after)
            .limit(limit + 1)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return Page(tuple(map(_place, rows[:limit])), after + limit if len(rows) > limit else None)

    def answers_by_severity(self) -> dict[int, tuple[int, int]]:
        """(confirmed, refuted) of our own answers, by the severity that the warnings have."""
        refuted = sa.func.sum(sa.case((A.verdict == "refuted", 1), else_=0)).label("refuted")
        query = (
            sa.select(P.severity, sa.func.count().label("size"), refuted)
            .select_from(warning_places.join(warning_answers, sa.and_(A.type == P.type, A.value == P.value)))
            .where(A.peer == "")
            .group_by(P.severity)
        )
        with self._database.reading() as connection:
            return {row.severity: (row.size - int(row.refuted), int(row.refuted)) for row in connection.execute(query)}

    def add_deliveries(self, given: Iterable[Delivery]) -> int:
        """Keep new deliveries; one whose id is there stays as it is. How many were new."""
        new = 0
        with self._database.writing() as connection:
            for item in given:
                if connection.execute(sa.select(D.number).where(D.id == item.id)).first() is None:
                    connection.execute(sa.insert(warning_deliveries).values(_row(item)))
                    new += 1
        return new

    def due(self, at: int, *, limit: int = 100) -> tuple[Delivery, ...]:
        """What waits and is due, the most severe first."""
        query = (
            sa.select(warning_deliveries)
            .where(D.state == DeliveryState.WAITING.value, D.due_at <= at)
            .order_by(D.severity.desc(), D.due_at, D.number)
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_delivery(row) for row in connection.execute(query))

    def update_delivery(self, item: Delivery) -> None:
        """What became of it; on disk when this returns."""
        with self._database.writing() as connection:
            connection.execute(sa.update(warning_deliveries).where(D.id == item.id).values(_row(item)))

    def deliveries(
        self, *, state: DeliveryState | None = None, after: int = 0, limit: int = 100
    ) -> Page[tuple[int, Delivery]]:
        """(number, delivery), newest first; ``after`` is the number behind which older ones follow."""
        conditions = [D.number < after] if after else []
        if state is not None:
            conditions.append(D.state == state.value)
        limit = bounded(limit)
        query = sa.select(warning_deliveries).where(*conditions).order_by(D.number.desc()).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple((row.number, _delivery(row)) for row in rows[:limit])
        return Page(items, rows[limit - 1].number if len(rows) > limit else None)

    def delivered(self, ids: Sequence[str]) -> dict[str, Delivery]:
        """Of these deliveries, those that are there."""
        found: dict[str, Delivery] = {}
        with self._database.reading() as connection:
            for start in range(0, len(ids), CHUNK):
                query = sa.select(warning_deliveries).where(D.id.in_(ids[start : start + CHUNK]))
                found |= {row.id: _delivery(row) for row in connection.execute(query)}
        return found


def _answered() -> sa.ColumnElement[bool]:
    return sa.exists().where(A.type == P.type, A.value == P.value, A.peer == "")


def _awake(at: int) -> sa.ColumnElement[bool]:
    return sa.or_(P.snoozed_until.is_(None), P.snoozed_until <= at)


def _content(place: DeskPlace) -> tuple[object, ...]:
    ends = (place.raised_at, place.snoozed_until, place.snoozed_by)
    return clean(place.group), place.severity, place.rank, place.placed_at, *ends


def _place(row: Any) -> DeskPlace:
    return DeskPlace(ObservableType(row[0]), *row[1:])


def _row(item: Delivery) -> dict[str, object]:
    return {
        "id": item.id, "channel": item.channel, "group_id": clean(item.group), "severity": item.severity,
        "created_at": item.created_at, "due_at": item.due_at, "state": item.state.value, "attempts": item.attempts,
        "said": clean(item.said), "done_at": item.done_at,
    }  # fmt: skip


def _delivery(row: Any) -> Delivery:
    return Delivery(
        row.id, row.channel, row.group_id, row.severity, row.created_at, row.due_at, DeliveryState(row.state),
        row.attempts, row.said, row.done_at,
    )  # fmt: skip
