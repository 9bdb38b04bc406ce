"""What we run, what is said of vulnerabilities, and the answers about them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model.exposure import Affected, Asset, Exploited, FlawAnswer, Remedy, Saying
from seawall.model.stored import Page
from seawall.store.database import Database
from seawall.store.exposure_tables import exposure_answers, exposure_assets, exposure_sayings
from seawall.store.replace import replace
from seawall.store.values import bounded, clean

BATCH = 5_000  # rows of one statement
AT_ONCE = 500  # CVE numbers of one question
KINDS: dict[str, type[Saying]] = {"affected": Affected, "remedy": Remedy, "exploited": Exploited}
_NAMES = {kind: name for name, kind in KINDS.items()}


class Exposures:
    """The group ``store.exposure``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put_assets(self, source: str, given: Iterable[Asset], at: int) -> int:
        """Replace the list of one source; how many stand on it now. Whole or not at all."""
        rows = ({"source": source, "body": _text(one), "added_at": at} for one in given)
        return self._replace(exposure_assets, source, rows)

    def put_sayings(self, source: str, given: Iterable[Saying], at: int) -> int:
        """Replace what one source says of vulnerabilities; how many sentences are held of it now."""
        rows = (
            {"source": source, "cve": one.cve, "kind": _NAMES[type(one)], "body": _text(one), "added_at": at}
            for one in given
        )
        return self._replace(exposure_sayings, source, rows)

    def remove(self, source: str) -> int:
        """Forget what one source brought; how many rows."""
        with self._database.writing() as connection:
            return sum(
                connection.execute(sa.delete(table).where(table.c.source == source)).rowcount
                for table in (exposure_assets, exposure_sayings)
            )

    def assets(self, *, after: int = 0, limit: int = 100) -> Page[Asset]:
        """Our own list in the order in which it came."""
        limit = bounded(limit)
        table = exposure_assets
        query = sa.select(table).where(table.c.number > after).order_by(table.c.number).limit(limit + 1)
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        items = tuple(msgspec.json.decode(row.body, type=Asset) for row in rows[:limit])
        return Page(items, rows[limit - 1].number if len(rows) > limit else None)

    def all_assets(self) -> list[Asset]:
        """Everything on our own list: some hundred thousand rows at most (``MAX_ASSETS`` of an import)."""
        query = sa.select(exposure_assets.c.body).order_by(exposure_assets.c.number)
        with self._database.reading() as connection:
            return [msgspec.json.decode(body, type=Asset) for body in connection.execute(query).scalars()]

    def sayings(self, cves: Iterable[str]) -> dict[str, list[Saying]]:
        """What is said of these vulnerabilities, by CVE number, in the order in which it came."""
        found: dict[str, list[Saying]] = {}
        wanted, table = sorted(set(cves)), exposure_sayings
        with self._database.reading() as connection:
            for start in range(0, len(wanted), AT_ONCE):
                chosen = table.c.cve.in_(wanted[start : start + AT_ONCE])
                for row in connection.execute(sa.select(table).where(chosen).order_by(table.c.number)):
                    found.setdefault(row.cve, []).append(msgspec.json.decode(row.body, type=KINDS[row.kind]))
        return found

    def exploited(self) -> list[Exploited]:
        """All that lists say is exploited."""
        table = exposure_sayings
        query = sa.select(table.c.body).where(table.c.kind == "exploited").order_by(table.c.number)
        with self._database.reading() as connection:
            return [msgspec.json.decode(body, type=Exploited) for body in connection.execute(query).scalars()]

    def sources(self) -> list[tuple[str, int, int, int]]:
        """(source, assets, sentences, added at) of each list that was imported."""
        found: dict[str, tuple[int, int, int]] = {}
        with self._database.reading() as connection:
            for place, table in enumerate((exposure_assets, exposure_sayings)):
                count, last = sa.func.count(), sa.func.max(table.c.added_at)
                for source, many, at in connection.execute(
                    sa.select(table.c.source, count, last).group_by(table.c.source)
                ):
                    assets, sentences, before = found.get(source, (0, 0, 0))
                    pair = (assets + many, sentences) if place == 0 else (assets, sentences + many)
                    found[source] = (*pair, max(before, at))
        return sorted((source, *counts) for source, counts in found.items())

    def put_answer(self, answer: FlawAnswer) -> None:
        """Keep one answer; the same party's earlier one in the same circle is replaced."""
        row = {
            "cve": answer.cve, "peer": answer.peer, "circle": answer.circle, "at": answer.at, "body": _text(answer),
        }  # fmt: skip
        with self._database.writing() as connection:
            replace(connection, exposure_answers, row)

    def answers(self, cve: str | None = None) -> list[FlawAnswer]:
        """The answers of all parties, newest first; of one vulnerability, or of all."""
        table = exposure_answers
        query = sa.select(table.c.body).order_by(table.c.at.desc(), table.c.cve, table.c.peer)
        query = query if cve is None else query.where(table.c.cve == cve)
        with self._database.reading() as connection:
            return [msgspec.json.decode(body, type=FlawAnswer) for body in connection.execute(query).scalars()]

    def _replace(self, table: sa.Table, source: str, rows: Iterable[dict[str, object]]) -> int:
        count, remaining = 0, iter(rows)
        with self._database.writing() as connection:
            connection.execute(sa.delete(table).where(table.c.source == source))
            while batch := list(islice(remaining, BATCH)):
                _insert(connection, table, batch)
                count += len(batch)
        return count


def _insert(connection: Connection, table: sa.Table, rows: Sequence[dict[str, object]]) -> None:
    connection.execute(sa.insert(table), list(rows))


def _text(value: object) -> str:
    return clean(msgspec.json.encode(value).decode())
