"""Hunts with peers in both directions, their answers, and what a peer's hunts cost it."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model.hunt import Hunt, HuntAnswer, HuntSide
from seawall.model.stored import Page
from seawall.store.database import Database
from seawall.store.exposure_tables import hunt_answers, hunt_spends, hunts
from seawall.store.values import bounded, clean


class Hunts:
    """The group ``store.hunts``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, hunt: Hunt) -> bool:
        """Keep a hunt that is not held yet; whether it is new. What is held under its id stays."""
        with self._database.writing() as connection:
            held = connection.execute(sa.select(hunts.c.number).where(*_one(hunt))).first()
            if held is None:
                connection.execute(sa.insert(hunts).values(_row(hunt)))
            return held is None

    def change(self, hunt: Hunt) -> None:
        """Put a hunt in place of the one with its side, peer and id."""
        with self._database.writing() as connection:
            connection.execute(sa.update(hunts).where(*_one(hunt)).values(_row(hunt)))

    def get(self, side: HuntSide, peer: str, id: str) -> Hunt | None:
        """One hunt; None when there is none."""
        query = sa.select(hunts.c.body).where(hunts.c.side == side.value, hunts.c.peer == peer, hunts.c.id == id)
        with self._database.reading() as connection:
            body = connection.execute(query).scalar()
        return None if body is None else msgspec.json.decode(body, type=Hunt)

    def find(self, beginning: str) -> list[Hunt]:
        """The hunts whose id, with or without its type, begins so; at most three."""
        texts = [hunts.c.id.startswith(text, autoescape=True) for text in (beginning, f"indicator--{beginning}")]
        query = sa.select(hunts.c.body).where(sa.or_(*texts)).order_by(hunts.c.number).limit(3)
        with self._database.reading() as connection:
            return [msgspec.json.decode(body, type=Hunt) for body in connection.execute(query).scalars()]

    def list(self, *, side: HuntSide | None = None, before: int = 0, limit: int = 100) -> Page[Hunt]:
        """Hunts, newest first, behind the number ``before`` (0: from the newest)."""
        limit = bounded(limit)
        query = sa.select(hunts.c.number, hunts.c.body).order_by(hunts.c.number.desc()).limit(limit + 1)
        if side is not None:
            query = query.where(hunts.c.side == side.value)
        if before:
            query = query.where(hunts.c.number < before)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(msgspec.json.decode(row.body, type=Hunt) for row in rows[:limit])
        return Page(items, rows[limit - 1].number if len(rows) > limit else None)

    def confirming(self, match: str) -> tuple[Hunt, ...]:
        """Our hunts that were sent to confirm or refute one technique match, oldest first."""
        query = sa.select(hunts.c.body).where(hunts.c.confirms == match).order_by(hunts.c.number)
        with self._database.reading() as connection:
            return tuple(msgspec.json.decode(body, type=Hunt) for body in connection.execute(query).scalars())

    def put_answer(self, answer: HuntAnswer) -> bool:
        """Keep an answer; whether it is new. The same object again changes nothing."""
        one = (
            hunt_answers.c.side == answer.side.value,
            hunt_answers.c.peer == answer.peer,
            hunt_answers.c.object_id == answer.object_id,
        )
        with self._database.writing() as connection:
            if connection.execute(sa.select(hunt_answers.c.number).where(*one)).first() is not None:
                return False
            row = {
                "side": answer.side.value, "peer": answer.peer, "hunt": answer.hunt, "object_id": answer.object_id,
                "at": answer.at, "body": _text(answer),
            }  # fmt: skip
            connection.execute(sa.insert(hunt_answers).values(row))
            return True

    def answers(self, hunt: Hunt) -> tuple[HuntAnswer, ...]:
        """The answers to one hunt, oldest first."""
        query = (
            sa.select(hunt_answers.c.body)
            .where(
                hunt_answers.c.side == hunt.side.value,
                hunt_answers.c.peer == hunt.peer,
                hunt_answers.c.hunt == hunt.id,
            )
            .order_by(hunt_answers.c.number)
        )
        with self._database.reading() as connection:
            return tuple(msgspec.json.decode(body, type=HuntAnswer) for body in connection.execute(query).scalars())

    def spend(self, peer: str, hunt: str, what: str, points: int, at: int, *, since: int, most: int) -> int | None:
        """Take points off what ``peer`` has; how many are left, or None when they do not suffice (nothing is taken).

        ``most`` points may be spent at or after ``since``. The same (hunt, what) again costs nothing. On disk when this
        returns.
        """
        with self._database.writing() as connection:
            one = (hunt_spends.c.peer == peer, hunt_spends.c.hunt == hunt, hunt_spends.c.what == what)
            before = connection.execute(sa.select(hunt_spends.c.points).where(*one)).scalar()
            spent = _spent(connection, peer, what == "asked", since)
            if before is not None:
                return most - spent
            if spent + points > most:
                return None
            row = {"peer": peer, "hunt": hunt, "what": what, "points": points, "at": at}
            connection.execute(sa.insert(hunt_spends).values(row))
            return most - spent - points

    def spent(self, peer: str, *, asked: bool, since: int) -> int:
        """Points that a peer's hunts (``asked``) or our answers to them took at or after ``since``."""
        with self._database.reading() as connection:
            return _spent(connection, peer, asked, since)


def _spent(connection: Connection, peer: str, asked: bool, since: int) -> int:
    kind = hunt_spends.c.what == "asked" if asked else hunt_spends.c.what != "asked"
    query = sa.select(sa.func.coalesce(sa.func.sum(hunt_spends.c.points), 0)).where(
        hunt_spends.c.peer == peer, hunt_spends.c.at >= since, kind
    )
    return int(connection.execute(query).scalar_one())


def _one(hunt: Hunt) -> tuple[sa.ColumnElement[bool], ...]:
    return hunts.c.side == hunt.side.value, hunts.c.peer == hunt.peer, hunts.c.id == hunt.id


def _row(hunt: Hunt) -> dict[str, object]:
    return {
        "side": hunt.side.value, "peer": hunt.peer, "id": hunt.id, "at": hunt.at, "state": hunt.state.value,
        "confirms": hunt.confirms, "body": _text(hunt),
    }  # fmt: skip


def _text(value: object) -> str:
    return clean(msgspec.json.encode(value).decode())
