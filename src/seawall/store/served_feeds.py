"""Consumers of served feeds, and the lines that each was permitted.

Every line carries the sequence of its last change, unique and rising within its feed; a line that went stays as a
tombstone for a while, so that a consumer who knows sequence n can ask for what lies behind n.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from seawall.model import Fault, NotFound, ObservableType
from seawall.model.directive import Action
from seawall.model.served_feed import FeedLine, FeedTerms, ServedFeed
from seawall.store.database import Database
from seawall.store.feed_tables import feed_lines, served_feeds
from seawall.store.replace import insert_into
from seawall.store.values import checked_name, clean

PAGE = 2_000  # lines read or written at once
MAX_FEEDS = 1_000  # consumers of one node
MAX_TOMBSTONES = 200_000  # of one feed; older ones are forgotten, and deltas from before them refused
_CHUNK = 500  # bound values of one question

_FEED = sa.select(served_feeds).where(served_feeds.c.name == sa.bindparam("wanted"))
_HOLDER = sa.select(served_feeds).where(served_feeds.c.token_sha256 == sa.bindparam("digest"))
"""Made once: every poll asks one of them."""


class Followed(msgspec.Struct, frozen=True):
    """How far a feed's lines follow the order book and the indicators, and under which terms they were decided."""

    orders: int
    indicators: int
    under: str


class ServedFeeds:
    """The group ``store.served_feeds``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, name: str, terms: FeedTerms, token: str, *, at: int, by: str) -> ServedFeed:
        """A new consumer. Raises Fault E-STORE-030 for an unusable name, E-STORE-310 for a taken one."""
        row = {
            "name": checked_name("feed", name),
            "terms": msgspec.json.encode(terms).decode(),
            "token_sha256": digest_of(token),
            "token_since": at,
            "created_at": at,
            "created_by": by,
            **dict.fromkeys(("sequence", "kept_from", "modified_at", "orders_seen", "indicators_seen"), 0),
            "handed": -1,
            "decided_under": "",
        }
        with self._database.writing() as connection:
            held = connection.execute(sa.select(sa.func.count()).select_from(served_feeds)).scalar_one()
            try:
                if held >= MAX_FEEDS:
                    raise _taken(name)
                # a number is never used again, so that no old line or entity tag can mean a new consumer
                number = max(self._highest(connection), int(at)) + 1
                connection.execute(sa.insert(served_feeds), {"number": number, **row})
            except IntegrityError:
                raise _taken(name) from None
        return self.named(name)

    def named(self, name: str) -> ServedFeed:
        """The consumer of exactly this name. Raises NotFound E-STORE-311."""
        with self._database.reading() as connection:
            row = connection.execute(_FEED, {"wanted": name}).first()
        if row is None:
            raise NotFound("E-STORE-311", "There is no served feed {name}.", name=ascii(name[:64]))
        return _feed(row)

    def holder(self, token: str) -> ServedFeed | None:
        """Whose token this is; None for anything else. Compared in constant time."""
        digest = digest_of(token)
        with self._database.reading() as connection:
            row = connection.execute(_HOLDER, {"digest": digest}).first()
        return None if row is None or not hmac.compare_digest(row.token_sha256, digest) else _feed(row)

    def list(self) -> tuple[ServedFeed, ...]:
        """All consumers by name."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(served_feeds).order_by(served_feeds.c.name)).all()
        return tuple(_feed(row) for row in rows)

    def rotate(self, name: str, token: str, at: int) -> None:
        """The old token opens nothing from now on. Raises NotFound E-STORE-311."""
        change = {"token_sha256": digest_of(token), "token_since": at}
        with self._database.writing() as connection:
            if not connection.execute(
                sa.update(served_feeds).where(served_feeds.c.name == name).values(change)
            ).rowcount:
                raise NotFound("E-STORE-311", "There is no served feed {name}.", name=ascii(name[:64]))

    def remove(self, name: str) -> None:
        """Forget a consumer and its lines. Raises NotFound E-STORE-311."""
        feed = self.named(name)
        with self._database.writing() as connection:
            connection.execute(sa.delete(feed_lines).where(feed_lines.c.feed == feed.number))
            connection.execute(sa.delete(served_feeds).where(served_feeds.c.number == feed.number))

    def told(self, number: int, lines: Sequence[FeedLine]) -> set[str]:
        """The undo names of those lines that the consumer has in just this form."""
        with self._database.reading() as connection:
            held = _held(connection, number, [line.undo_id for line in lines])
        return {line.undo_id for line in lines if _same(held.get(line.undo_id), line)}

    def put(self, number: int, lines: Sequence[FeedLine], gone: Sequence[str], *, round: int, at: int) -> int:
        """Take lines in and names out, in one transaction; how many changed. What stays the same keeps its place."""
        with self._database.writing(durable=False) as connection:
            names = [line.undo_id for line in lines] + list(gone)
            empty = sa.select(served_feeds.c.sequence).where(served_feeds.c.number == number)
            held = _held(connection, number, names) if connection.execute(empty).scalar() else {}
            kept = [line.undo_id for line in lines if _same(held.get(line.undo_id), line)]
            same = set(kept)
            # what has no release of its own is only kept: nothing enters without one
            fresh = [line for line in lines if line.undo_id not in same and line.release]
            leaving = [held[name] for name in dict.fromkeys(gone) if name in held and not held[name].gone]
            _touch(connection, number, kept, round)
            rows = [(line, 0) for line in fresh] + [(_line(row), 1) for row in leaving]
            self._write(connection, number, rows, round=round, at=at)
            return len(rows)

    def sweep(self, number: int, *, before: int, at: int) -> int:
        """Take out what the round numbered ``before`` and later did not keep; how many went."""
        return self._take_out(number, feed_lines.c.round < before, at=at)

    def expire(self, number: int, at: int) -> int:
        """Take out what has ended; how many went."""
        return self._take_out(number, feed_lines.c.expires_at <= at, at=at)

    def follow(self, number: int, followed: Followed) -> None:
        """Remember how far the lines follow, after they do."""
        change = {
            "orders_seen": followed.orders,
            "indicators_seen": followed.indicators,
            "decided_under": followed.under,
        }
        with self._database.writing() as connection:
            connection.execute(sa.update(served_feeds).where(served_feeds.c.number == number).values(change))
            self._forget_old(connection, number)

    def hand_out(self, number: int, sequence: int, at: int) -> None:
        """Remember that the hand-out of this sequence is on record."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(served_feeds).where(served_feeds.c.number == number).values(handed=sequence, handed_at=at)
            )

    def first_end(self, number: int) -> int | None:
        """When the next line ends."""
        table = feed_lines.c
        with self._database.reading() as connection:
            query = sa.select(sa.func.min(table.expires_at)).where(table.feed == number, table.gone == 0)
            end: int | None = connection.execute(query).scalar()
            return end

    def lines(self, number: int, *, after: int = 0, gone: bool = False) -> Iterator[FeedLine]:
        """Lines behind sequence ``after`` in their order, of one snapshot; with ``gone`` also those that went."""
        table = feed_lines.c
        query = sa.select(feed_lines).where(table.feed == number, table.sequence > after).order_by(table.sequence)
        if not gone:
            query = query.where(table.gone == 0)
        with self._database.reading() as connection:
            found = connection.execution_options(stream_results=True, yield_per=PAGE).execute(query)
            for row in found:
                yield _line(row)

    def named_lines(self, number: int, undo_ids: Sequence[str]) -> Sequence[FeedLine]:
        """Those of these lines that are in the feed."""
        with self._database.reading() as connection:
            held = _held(connection, number, [*undo_ids])
        return [_line(row) for row in held.values() if not row.gone]

    def counts(self, number: int) -> dict[str, int]:
        """How many lines of each type are in the feed."""
        table = feed_lines.c
        query = sa.select(table.type, sa.func.count()).where(table.feed == number, table.gone == 0).group_by(table.type)
        with self._database.reading() as connection:
            return {row[0]: int(row[1]) for row in connection.execute(query.order_by(table.type))}

    def last_round(self, number: int) -> int:
        """The highest round of any line; 0 before the first."""
        query = sa.select(sa.func.max(feed_lines.c.round)).where(feed_lines.c.feed == number)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def _take_out(self, number: int, condition: sa.ColumnElement[bool], *, at: int) -> int:
        table, went = feed_lines.c, 0
        query = sa.select(feed_lines).where(table.feed == number, table.gone == 0, condition).limit(PAGE)
        while True:
            with self._database.writing(durable=False) as connection:
                rows = connection.execute(query).all()
                if not rows:
                    return went
                self._write(connection, number, [(_line(row), 1) for row in rows], round=rows[0].round, at=at)
            went += len(rows)

    def _write(
        self, connection: Connection, number: int, rows: Sequence[tuple[FeedLine, int]], *, round: int, at: int
    ) -> None:
        """Rows under the next sequences, and the feed's own row beside them."""
        if not rows:
            return
        feeds = served_feeds.c
        last = connection.execute(
            sa.update(served_feeds)
            .where(feeds.number == number)
            .values(
                sequence=feeds.sequence + len(rows),
                modified_at=sa.case((feeds.modified_at > at, feeds.modified_at), else_=at),
            )
            .returning(feeds.sequence)
        ).scalar_one_or_none()
        if last is None:  # the consumer was removed meanwhile
            return
        first = int(last) - len(rows) + 1
        insert = insert_into(connection, feed_lines)
        changed = {
            name: insert.excluded[name]
            for name in (column.name for column in feed_lines.c)
            if name not in ("feed", "undo_id")
        }
        connection.execute(
            insert.on_conflict_do_update(index_elements=["feed", "undo_id"], set_=changed),
            [
                _row(number, msgspec.structs.replace(line, sequence=first + place, gone=bool(gone)), round)
                for place, (line, gone) in enumerate(rows)
            ],
        )

    def _forget_old(self, connection: Connection, number: int) -> None:
        table = feed_lines.c
        old = sa.select(table.sequence).where(table.feed == number, table.gone == 1).order_by(table.sequence.desc())
        cut = connection.execute(old.offset(MAX_TOMBSTONES).limit(1)).scalar()
        if cut is not None:
            connection.execute(
                sa.delete(feed_lines).where(table.feed == number, table.gone == 1, table.sequence <= cut)
            )
            connection.execute(sa.update(served_feeds).where(served_feeds.c.number == number).values(kept_from=cut))

    def _highest(self, connection: Connection) -> int:
        return int(connection.execute(sa.select(sa.func.max(served_feeds.c.number))).scalar() or 0)


def digest_of(token: str) -> str:
    """SHA-256 of a token, lower hex: it has 256 bits, so a fast hash is enough."""
    return hashlib.sha256(token[:256].encode("utf-8", "surrogatepass")).hexdigest()


def _taken(name: str) -> Fault:
    return Fault(
        "E-STORE-310",
        "The served feed {name} cannot be added: there is one of that name already, or there are {most}.",
        name=ascii(name[:64]),
        most=MAX_FEEDS,
    )


def _held(connection: Connection, number: int, names: list[str]) -> dict[str, Any]:
    held: dict[str, Any] = {}
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        query = sa.select(feed_lines).where(feed_lines.c.feed == number, feed_lines.c.undo_id.in_(chunk))
        held |= {row.undo_id: row for row in connection.execute(query)}
    return held


def _touch(connection: Connection, number: int, names: list[str], round: int) -> None:
    for start in range(0, len(names), _CHUNK):
        chunk = names[start : start + _CHUNK]
        connection.execute(
            sa.update(feed_lines)
            .where(feed_lines.c.feed == number, feed_lines.c.undo_id.in_(chunk))
            .values(round=round)
        )


def _same(held: Any, line: FeedLine) -> bool:
    """Whether the consumer was told this already."""
    return held is not None and not held.gone and (held.action, held.expires_at, held.reason, held.source) == (
        line.action.value,
        line.expires_at,
        clean(line.reason),
        clean(line.source),
    )  # fmt: skip


def _row(number: int, line: FeedLine, round: int) -> dict[str, object]:
    return {
        "feed": number,
        "undo_id": line.undo_id,
        "sequence": line.sequence,
        "gone": int(line.gone),
        "round": round,
        "action": line.action.value,
        "type": line.type.value,
        "value": line.value,
        "expires_at": line.expires_at,
        "reason": clean(line.reason),
        "source": clean(line.source),
        "indicator_id": line.indicator_id,
        "release": line.release,
    }


def _line(row: Any) -> FeedLine:
    return FeedLine(
        undo_id=row.undo_id,
        action=Action(row.action),
        type=ObservableType(row.type),
        value=row.value,
        expires_at=row.expires_at,
        reason=row.reason,
        source=row.source,
        indicator_id=row.indicator_id,
        release=row.release,
        sequence=row.sequence,
        gone=bool(row.gone),
    )


def _feed(row: Any) -> ServedFeed:
    return ServedFeed(
        number=row.number,
        name=row.name,
        terms=msgspec.json.decode(row.terms, type=FeedTerms),
        created_at=row.created_at,
        created_by=row.created_by,
        token_since=row.token_since,
        sequence=row.sequence,
        kept_from=row.kept_from,
        modified_at=row.modified_at,
        handed=row.handed,
        handed_at=row.handed_at,
        orders_seen=row.orders_seen,
        indicators_seen=row.indicators_seen,
        decided_under=row.decided_under,
    )
