"""Answers to warnings: one a party and value, replaced by the later one."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from seawall.model.answer import Answer, Verdict
from seawall.model.observable import ObservableType
from seawall.model.stored import Page
from seawall.store.answer_tables import warning_answers as answers
from seawall.store.bulk import is_empty, rows_for
from seawall.store.database import Database
from seawall.store.values import bounded, clean

Key = tuple[ObservableType, str]
AnswersOf = dict[Key, list[Answer]]
MAX_NOTE = 2_000  # characters: a peer's answer carries a note too
HELD = """
SELECT held.type, held.value, held.peer, held.verdict, held.at, held."by", held.note
FROM {given} CROSS JOIN warning_answers AS held WHERE held.type = given.a AND held.value = given.b
ORDER BY held.number
"""


class Answers:
    """The group ``store.answers``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, given: Iterable[Answer]) -> None:
        """Keep answers; one by the same party about the same value is replaced and counts as newest. On disk after."""
        latest = {(item.type.value, clean(item.value), item.peer or ""): item for item in given}
        with self._database.writing() as connection:
            for (type, value, peer), item in latest.items():
                connection.execute(sa.delete(answers).where(*_one(type, value, peer)))
                row = {
                    "type": type, "value": value, "peer": peer, "verdict": item.verdict.value, "at": item.at,
                    "by": clean(item.by), "note": clean(item.note)[:MAX_NOTE],
                }  # fmt: skip
                connection.execute(sa.insert(answers).values(row))

    def list(self, *, since: int = 0, after: int = 0, limit: int = 100) -> Page[Answer]:
        """Answers given at or after ``since`` (microseconds UTC), in the order in which they came behind ``after``."""
        limit = bounded(limit)
        query = (
            sa.select(answers)
            .where(answers.c.number > after, answers.c.at >= since)
            .order_by(answers.c.number)
            .limit(limit + 1)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return Page(tuple(map(_answer, rows[:limit])), rows[limit - 1].number if len(rows) > limit else None)

    def of(self, keys: Iterable[Key]) -> AnswersOf:
        """The answers about these values, oldest first; values without any are left out."""
        wanted = sorted({(type.value, value) for type, value in keys})
        found: AnswersOf = {}
        with self._database.reading() as connection:
            rows = [] if is_empty(connection, answers) else rows_for(connection, wanted, HELD)
        for row in rows:
            found.setdefault((ObservableType(row.type), row.value), []).append(_answer(row))
        return found

    def remove(self, type: ObservableType, value: str, peer: str | None = None) -> bool:
        """Forget one party's answer; whether there was one."""
        with self._database.writing() as connection:
            return connection.execute(sa.delete(answers).where(*_one(type.value, value, peer or ""))).rowcount > 0

    def reached(self) -> int:
        """The number of the newest answer; 0 when there is none."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.max(answers.c.number))).scalar() or 0)

    def change(self) -> str:
        """A word that differs after every change."""
        query = sa.select(sa.func.count(), sa.func.max(answers.c.number))
        with self._database.reading() as connection:
            count, last = connection.execute(query).one()
        return f"{count}-{last or 0}"


def _one(type: str, value: str, peer: str) -> tuple[sa.ColumnElement[bool], ...]:
    return answers.c.type == type, answers.c.value == value, answers.c.peer == peer


def _answer(row: sa.Row[tuple[object, ...]]) -> Answer:
    values = row._mapping
    return Answer(
        ObservableType(values["type"]), values["value"], Verdict(values["verdict"]), values["at"], values["by"],
        values["peer"] or None, values["note"],
    )  # fmt: skip
