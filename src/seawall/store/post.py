"""Our messages to peers, by number: queued with what is needed to seal them anew, until the peer acknowledged them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

import sqlalchemy as sa

from seawall.model.message import MessageKind
from seawall.model.post import Outgoing, PostState
from seawall.store.database import Database
from seawall.store.post_tables import post_outgoing as table
from seawall.store.replace import replace
from seawall.store.values import bounded, clean, optional

_WITHOUT_BYTES = [column for column in table.c if column.name not in ("body", "sealed")]
_SETTLED = {"body": None, "sealed": None}  # what is no longer needed does not lie about


class Post:
    """The group ``store.post``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, message: Outgoing, keep: int | None = None) -> None:
        """Keep one, in place of another of the same number. On disk when this returns.

        ``keep``: of settled messages to this peer only those of the last ``keep`` numbers stay.
        """
        with self._database.writing() as connection:
            replace(connection, table, _values(message))
            if keep is not None:
                old = [table.c.peer == message.peer, table.c.sequence <= message.sequence - keep]
                settled = table.c.state != PostState.WAITING.value
                connection.execute(sa.delete(table).where(*old, settled))

    def get(self, peer: str, sequence: int) -> Outgoing | None:
        """One message with its bytes; None when there is none of this number, or no longer."""
        query = sa.select(table).where(table.c.peer == peer, table.c.sequence == sequence)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _message(row)

    def last(self, peer: str) -> int:
        """The highest number; 0 before the first."""
        query = sa.select(sa.func.max(table.c.sequence)).where(table.c.peer == peer)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def waiting(self, peer: str, *, after: int = 0, limit: int = 100) -> tuple[Outgoing, ...]:
        """What this peer has not acknowledged behind a number, in order, without the bytes."""
        query = (
            sa.select(*_WITHOUT_BYTES)
            .where(*_waiting(peer), table.c.sequence > after)
            .order_by(table.c.sequence)
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_message(row) for row in connection.execute(query))

    def count_waiting(self, peer: str) -> tuple[int, int]:
        """How many wait, and the bytes of their bodies."""
        query = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(table.c.size), 0)).where(*_waiting(peer))
        with self._database.reading() as connection:
            row = connection.execute(query).one()
        return int(row[0]), int(row[1])

    def taken(self, peer: str, until: int, at: int) -> tuple[int, ...]:
        """The peer has ours up to and with number ``until``; returns the numbers this is news for."""
        return self._settle([*_waiting(peer), table.c.sequence <= until], PostState.TAKEN, at)

    def expire(self, peer: str, at: int) -> tuple[int, ...]:
        """Those whose time is over wait no longer; returns their numbers."""
        return self._settle([*_waiting(peer), table.c.expires <= at], PostState.EXPIRED, at)

    def gone(self, peer: str, after: int, *, limit: int = 1_000) -> tuple[int, ...]:
        """Numbers behind ``after`` under which nothing will come any more: expired, numbered anew, or taken before the
        peer's books were set back. Rows that are kept no longer count too, or the peer would wait for them for ever."""
        query = sa.select(table.c.sequence).where(*_waiting(peer), table.c.sequence > after).order_by(table.c.sequence)
        newest = sa.select(sa.func.max(table.c.sequence)).where(table.c.peer == peer)
        with self._database.reading() as connection:
            last = int(connection.execute(newest).scalar() or 0)
            coming = set(connection.execute(query).scalars())  # at most as many as may wait
        numbers = (number for number in range(after + 1, last + 1) if number not in coming)
        return tuple(islice(numbers, bounded(limit)))

    def renumber(self, peer: str, behind: int, digest: Callable[[Outgoing, int], str]) -> int:
        """What waits gets the numbers behind ``behind``, in its order, and is no longer sealed; all of it or nothing.

        ``behind``: no lower than ``last``. ``digest`` says what a message says under its new number. Returns how many.
        """
        numbers = sa.select(table.c.sequence).where(*_waiting(peer)).order_by(table.c.sequence)
        with self._database.writing() as connection:
            found = connection.execute(numbers).scalars().all()
            for place, number in enumerate(found, 1):  # one by one: together they may be large
                meant = [table.c.peer == peer, table.c.sequence == number]
                kept = _message(connection.execute(sa.select(table).where(*meant)).one())
                fresh = {"sequence": behind + place, "digest": digest(kept, behind + place), "sealed": None}
                anew = {"puts": 0, "put_at": None, "turn": 0}
                connection.execute(sa.update(table).where(*meant).values(fresh | anew))
        return len(found)

    def refused(self, peer: str, sequence: int, reason: str, at: int) -> bool:
        """The peer took one of ours and rejected what it says; False when that is no news or was never sent."""
        meant = [table.c.peer == peer, table.c.sequence == sequence, table.c.state != PostState.REJECTED.value]
        done = {"state": PostState.REJECTED.value, "reason": clean(reason), "settled_at": at, **_SETTLED}
        with self._database.writing() as connection:
            return bool(connection.execute(sa.update(table).where(*meant).values(done)).rowcount)

    def put(self, peer: str, sequence: int, at: int, turn: int) -> None:
        """One was laid into the relay's mailbox."""
        meant = [table.c.peer == peer, table.c.sequence == sequence]
        done = {"puts": table.c.puts + 1, "put_at": at, "turn": turn}
        with self._database.writing() as connection:
            connection.execute(sa.update(table).where(*meant).values(done))

    def lost(self, peer: str, turn: int, taken: int, early: Sequence[int]) -> int:
        """The peer saw our visit ``turn`` and has none of these: they are laid there again. Returns how many."""
        meant = [
            *_waiting(peer),
            table.c.sequence > taken,
            table.c.sequence.not_in(list(early)),
            table.c.put_at.is_not(None),
            table.c.turn <= turn,
        ]
        with self._database.writing() as connection:
            return int(connection.execute(sa.update(table).where(*meant).values({"put_at": None})).rowcount)

    def forget_waiting(self, peer: str) -> int:
        """Nothing more goes to this peer. Returns how many waited."""
        meant = _waiting(peer)
        with self._database.writing() as connection:
            done = {"state": PostState.GONE.value, **_SETTLED}
            return int(connection.execute(sa.update(table).where(*meant).values(done)).rowcount)

    def list(self, peer: str, *, limit: int = 100) -> tuple[Outgoing, ...]:
        """The last ones, newest first, without their bytes."""
        query = (
            sa.select(*_WITHOUT_BYTES)
            .where(table.c.peer == peer)
            .order_by(table.c.sequence.desc())
            .limit(bounded(limit))
        )
        with self._database.reading() as connection:
            return tuple(_message(row) for row in connection.execute(query))

    def _settle(self, meant: Sequence[sa.ColumnElement[bool]], state: PostState, at: int) -> tuple[int, ...]:
        with self._database.writing() as connection:
            query = sa.select(table.c.sequence).where(*meant).order_by(table.c.sequence)
            found = tuple(connection.execute(query).scalars())
            if found:
                done = {"state": state.value, "settled_at": at, **_SETTLED}
                connection.execute(sa.update(table).where(*meant).values(done))
        return found


def _waiting(peer: str) -> list[sa.ColumnElement[bool]]:
    return [table.c.peer == peer, table.c.state == PostState.WAITING.value]


def _values(message: Outgoing) -> dict[str, object]:
    return {
        "peer": message.peer,
        "sequence": message.sequence,
        "kind": message.kind.value,
        "at": message.at,
        "expires": message.expires,
        "digest": message.digest,
        "size": message.size,
        "body": message.body,
        "sealed": message.sealed,
        "state": message.state.value,
        "puts": message.puts,
        "put_at": message.put_at,
        "turn": message.turn,
        "reason": optional(message.reason),
        "settled_at": message.settled_at,
    }


def _message(row: Any) -> Outgoing:
    values = row._mapping
    body, sealed = values.get("body"), values.get("sealed")
    return Outgoing(
        peer=row.peer,
        sequence=row.sequence,
        kind=MessageKind(row.kind),
        at=row.at,
        expires=row.expires,
        digest=row.digest,
        size=row.size,
        body=None if body is None else bytes(body),
        sealed=None if sealed is None else bytes(sealed),
        state=PostState(row.state),
        puts=row.puts,
        put_at=row.put_at,
        turn=row.turn,
        reason=row.reason,
        settled_at=row.settled_at,
    )
