"""Outboxes: what became releasable in each circle, append-only, in the order in which it did (rule 11).

Every row has a date-added that is unique in its circle and higher than all before, also while the clock stands still
or goes back. The circle's head row is locked from choosing the date until the commit, so rows become visible in order
of date-added: whoever has read up to a date has missed nothing before it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model.outbox import OutboxFilter, OutboxPage, OutboxRow
from seawall.store.ancestry import insert_new
from seawall.store.database import Database
from seawall.store.outbox_query import (
    BODY,
    MANIFEST,
    Query,
    decode_next,
    page_query,
    prepared_page,
    readable_by,
    to_page,
)
from seawall.store.tables import outbox, outboxes
from seawall.store.values import bounded, checked_name, clean, id_hash, names_to_text, version_moment

EVERYTHING = OutboxFilter()
_NUMBER = sa.select(outboxes.c.number).where(outboxes.c.circle == sa.bindparam("circle"))


class Outbox:
    """The group ``store.outbox``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, circle: str, rows: Sequence[OutboxRow], at: int) -> int:
        """Append rows; returns the last date-added in microseconds UTC (``at`` when there are no rows).

        On disk when this returns. The same version may be added again, for other recipients or after a withdrawal:
        each recipient sees its latest row only.
        """
        if not rows:
            return at
        with self._database.writing() as connection:
            number, last = self._head(connection, circle)
            first = max(at, last + 1)
            values = [_values(row, number, first + place) for place, row in enumerate(rows)]
            _join(connection, number, values)
            connection.execute(sa.insert(outbox), values)
            last = first + len(rows) - 1
            connection.execute(sa.update(outboxes).where(outboxes.c.number == number).values(last_added=last))
        return last

    def page(
        self,
        circle: str,
        recipient: str | None,
        *,
        added_after: int | None = None,
        next: str | None = None,
        limit: int = 1000,
        match: OutboxFilter = EVERYTHING,
    ) -> OutboxPage:
        """Rows that ``recipient`` may read (None: our own view of all), with bodies, in order of date-added.

        ``added_after`` is strict (TAXII 2.1 section 3.4). ``next`` is what the page before gave; the other arguments
        must be the same. Raises Fault E-STORE-070 when ``next`` is not one of ours. An unknown circle is empty.
        """
        return self._page(BODY, Query(circle, recipient, added_after, match), next, limit)

    def manifest_page(
        self,
        circle: str,
        recipient: str | None,
        *,
        added_after: int | None = None,
        next: str | None = None,
        limit: int = 1000,
        match: OutboxFilter = EVERYTHING,
    ) -> OutboxPage:
        """As ``page``, but with empty bodies (TAXII 2.1 section 5.3)."""
        return self._page(MANIFEST, Query(circle, recipient, added_after, match), next, limit)

    def withdraw(self, circle: str, object_id: str, at: int, version: str | None = None) -> int:
        """Hide an object (or one version) from now on; returns how many rows that hid. On disk when this returns."""
        conditions = [
            outbox.c.circle == _number(circle),
            *_named(object_id),
            outbox.c.withdrawn_at.is_(None),
        ]
        if version is not None:
            conditions.append(outbox.c.version_at == version_moment(version))
        with self._database.writing() as connection:
            done = connection.execute(sa.update(outbox).where(*conditions).values(withdrawn_at=at))
        return int(done.rowcount)

    def withdraw_from(
        self, circle: str, recipient: str, object_id: str, at: int, versions: Sequence[str] = ()
    ) -> tuple[tuple[str, str], ...]:
        """Hide an object from one recipient only; returns what that hid as (id, version). On disk when this returns.

        ``versions`` as in TAXII's ``match[version]``; none given means all. Rows that others read too stay.
        """
        asked = OutboxFilter(ids=(object_id,), versions=tuple(versions) or ("all",))
        with self._database.writing() as connection:
            number = connection.execute(sa.select(outboxes.c.number).where(outboxes.c.circle == circle)).scalar()
            if number is None:
                return ()
            meant = page_query(MANIFEST, Query(circle, recipient, None, asked), number, None)
            alone = names_to_text(frozenset({recipient}))
            found = {row.version for row in connection.execute(meant) if row.recipients == alone}
            if found:
                hide = sa.update(outbox).where(
                    outbox.c.circle == number,
                    *_named(object_id),
                    outbox.c.version.in_(found),
                    outbox.c.recipients == alone,
                    outbox.c.withdrawn_at.is_(None),
                )
                connection.execute(hide.values(withdrawn_at=at))
        return tuple((object_id, version) for version in sorted(found))

    def waiting(self, circle: str, recipient: str, added_after: int | None, most: int) -> tuple[int, int | None]:
        """How many rows (counted up to ``most``) wait for ``recipient`` behind a date, and the oldest one's date."""
        with self._database.reading() as connection:
            number = connection.execute(sa.select(outboxes.c.number).where(outboxes.c.circle == circle)).scalar()
            if number is None:
                return 0, None
            rows = (
                sa.select(outbox.c.added)
                .where(
                    outbox.c.circle == number,
                    outbox.c.added > (added_after if added_after is not None else -1),
                    outbox.c.withdrawn_at.is_(None),
                    *readable_by(outbox, recipient),
                )
                .order_by(outbox.c.added)
                .limit(most)
                .subquery()
            )
            count, oldest = connection.execute(sa.select(sa.func.count(), sa.func.min(rows.c.added))).one()
        return int(count), None if oldest is None else int(oldest)

    def holding(self, object_id: str) -> tuple[tuple[str, str], ...]:
        """Where an object stands: (circle, version), oldest row first. What a recall has to reach."""
        query = (
            sa.select(outboxes.c.circle, outbox.c.version)
            .join(outbox, outbox.c.circle == outboxes.c.number)
            .where(*_named(object_id), outbox.c.withdrawn_at.is_(None))
            .order_by(outbox.c.number)
        )
        with self._database.reading() as connection:
            return tuple(dict.fromkeys((row.circle, row.version) for row in connection.execute(query)))

    def standing(self, circle: str, recipient: str, object_ids: Iterable[str]) -> frozenset[str]:
        """Which of these objects ``recipient`` may read, in some version, in this circle's outbox."""
        wanted = sorted(set(object_ids))
        found: set[str] = set()
        with self._database.reading() as connection:
            for start in range(0, len(wanted), 500):
                query = sa.select(outbox.c.object_id).where(
                    *_named(*wanted[start : start + 500]),
                    outbox.c.circle == _number(circle),
                    outbox.c.withdrawn_at.is_(None),
                    *readable_by(outbox, recipient),
                )
                found.update(connection.execute(query).scalars())
        return frozenset(found)

    def first_added(self, object_ids: Sequence[str]) -> dict[str, int]:
        """When each of these objects first stood in any outbox, in microseconds UTC; others are left out."""
        found: dict[str, int] = {}
        with self._database.reading() as connection:
            for start in range(0, len(object_ids), 500):
                chunk = object_ids[start : start + 500]
                query = (
                    sa.select(outbox.c.object_id, sa.func.min(outbox.c.added))
                    .where(*_named(*chunk))
                    .group_by(outbox.c.object_id)
                )
                found.update((row[0], int(row[1])) for row in connection.execute(query))
        return found

    def last_added(self, circle: str) -> int:
        """The circle's last date-added, whoever it was for; 0 before the first."""
        query = sa.select(outboxes.c.last_added).where(outboxes.c.circle == circle)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def _page(self, columns: Sequence[sa.Column[object]], query: Query, next: str | None, limit: int) -> OutboxPage:
        limit = bounded(limit)
        behind = decode_next(next, query) if next is not None else query.added_after
        with self._database.reading() as connection:
            number = connection.execute(_NUMBER, {"circle": query.circle}).scalar()
            if number is None:
                return to_page([], limit, query)
            statement, asked = prepared_page(columns, query, number, behind, limit + 1)
            return to_page(connection.execute(statement, asked).all(), limit, query)

    def _head(self, connection: Connection, circle: str) -> tuple[int, int]:
        """The circle's number and last date-added, locked until the transaction ends."""
        insert_new(connection, outboxes, [{"circle": checked_name("circle", circle), "last_added": 0}])
        query = sa.select(outboxes.c.number, outboxes.c.last_added).where(outboxes.c.circle == circle)
        row = connection.execute(query.with_for_update()).one()
        return int(row.number), int(row.last_added)


def _named(*ids: str) -> list[sa.ColumnElement[bool]]:
    """Rows of these objects, found through the small index of id hashes."""
    return [outbox.c.id_hash.in_([id_hash(id) for id in ids]), outbox.c.object_id.in_(ids)]


def _number(circle: str) -> sa.ScalarSelect[int]:
    return sa.select(outboxes.c.number).where(outboxes.c.circle == circle).scalar_subquery()


def _join(connection: Connection, circle: int, values: Sequence[dict[str, object]]) -> None:
    """Say of new rows, and of those held, whether an object has several in the circle. By hash: a guess too many costs
    one look when it is read."""
    given = Counter(row["id_hash"] for row in values)
    several = {hashed for hashed, count in given.items() if count > 1}
    wanted = list(given)
    for start in range(0, len(wanted), 500):
        here = [outbox.c.id_hash.in_(wanted[start : start + 500]), outbox.c.circle == circle]
        held = set(connection.execute(sa.select(outbox.c.id_hash).where(*here)).scalars())
        if held:
            alone = [outbox.c.id_hash.in_(held), outbox.c.circle == circle, ~outbox.c.in_company]
            connection.execute(sa.update(outbox).where(*alone).values(in_company=True))
            several |= held
    for row in values:
        row["in_company"] = row["id_hash"] in several


def _values(row: OutboxRow, circle: int, added: int) -> dict[str, object]:
    return {
        "circle": circle,
        "added": added,
        "object_id": clean(row.object_id),
        "id_hash": id_hash(clean(row.object_id)),
        "type": clean(row.type),
        "version": clean(row.version),
        "version_at": version_moment(row.version),
        "spec_version": row.spec_version,
        # an empty set means nobody, which is not the same as everybody
        "recipients": None if row.recipients is None else names_to_text(row.recipients) or "[]",
        "withdrawn_at": None,
        "body": row.body,
    }
