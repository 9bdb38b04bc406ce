"""Indicators by value: a million of them in and out quickly, each with all its sources."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sa
from sqlalchemy import Row

from seawall.model import ObservableType, Pap, Tlp, Visibility
from seawall.model.indicator import IndicatorEntry
from seawall.model.stored import Page, PutCounts
from seawall.store.database import Database
from seawall.store.indicator_named import Named, NamedPage, has_twins, named, named_page
from seawall.store.indicator_put import Word, put_batch, withdraw_source
from seawall.store.indicator_said import Said, said
from seawall.store.tables import indicator_bodies, indicator_sources, indicators
from seawall.store.values import MAX_PAGE, bounded, id_hash
from seawall.store.visible import visible_indicators

if TYPE_CHECKING:
    import pyarrow as pa

BATCH = 20_000  # entries of one transaction: under a second of the write lock


_LOOKUP = (
    sa.select(indicators, indicator_bodies.c.body, indicator_sources.c.source)
    .join(indicator_bodies, indicator_bodies.c.number == indicators.c.number)
    .join(indicator_sources, indicator_sources.c.number == indicators.c.number)
    .where(
        indicators.c.type == sa.bindparam("type"),
        indicators.c.value == sa.bindparam("value"),
        indicators.c.tlp <= sa.bindparam("tlp"),
        indicators.c.pap <= sa.bindparam("pap"),
    )
    .order_by(indicators.c.number, indicator_sources.c.position)
    .limit(sa.bindparam("most", MAX_PAGE))
)
"""Made once, for the question that is asked thousands of times a second: a row for each source, first entry first."""


class Changed(msgspec.Struct, frozen=True):
    """Entries behind a change number, and the number to ask behind next time."""

    items: tuple[IndicatorEntry, ...]
    last: int


class Indicators:
    """The group ``store.indicators``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, rows: Iterable[IndicatorEntry], *, source: str, at: int) -> PutCounts:
        """Keep what ``source`` calls hostile, as of ``at``.

        A value never seen is ``new``. The same value with the same content from the same source is ``unchanged``;
        with other content, or from another source, it is ``updated``: one entry, all its sources, the strictest
        marking of them. Id and body stay those of the first source. A source that has several indicators on one value,
        told apart by ``external_id``, keeps an entry for each (``new``). ``entry.sources`` is not read. Batches are
        committed one by one, so a killed process keeps what was done and a repeat is harmless.
        """
        counts = PutCounts()
        remaining = iter(rows)
        while batch := list(islice(remaining, BATCH)):
            with self._database.writing(durable=False) as connection:
                counts += put_batch(self._database, connection, batch, source, at)
        return counts

    def keys(self, after: int = 0) -> pa.Table:
        """All match keys new or changed behind change number ``after``, as one snapshot (KEYS_SCHEMA).

        The highest ``change`` in the table is the ``after`` of the next call. Rows that were removed are not told:
        only a full call leaves them out.
        """
        from seawall.store.indicator_keys import read_keys  # loads Arrow, which most commands do without

        with self._database.reading() as connection:
            return read_keys(connection, after)

    def last_number(self) -> int:
        """The highest number of an entry, so that nobody reads all keys to learn that none is new; 0 for none."""
        with self._database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.max(indicators.c.number))).scalar() or 0)

    def change(self) -> int:
        """The last change number given; 0 for an empty store."""
        with self._database.reading() as connection:
            return self._database.current(connection, "indicators")

    def lookup(
        self, type: ObservableType, value: str, *, visibility: Visibility | None = None
    ) -> IndicatorEntry | None:
        """The entry of this canonical value, the first of several; None when there is none that the asker may see."""
        if visibility is not None and not _by_marking_alone(visibility):
            conditions = [indicators.c.type == type.value, indicators.c.value == value, *visible_indicators(visibility)]
            rows = self._rows(conditions, 1)
            return rows[0][2] if rows else None
        asked = {
            "type": type.value,
            "value": value,
            "tlp": int(Tlp.RED if visibility is None else visibility.tlp_at_most),
            "pap": int(Pap.RED if visibility is None else visibility.pap_at_most),
        }
        with self._database.reading() as connection:
            found = connection.execute(_LOOKUP, asked).all()
        if not found:
            return None
        return _entry(found[0], tuple(row.source for row in found if row.number == found[0].number))

    def by_id(self, indicator_id: str, *, visibility: Visibility | None = None) -> tuple[IndicatorEntry, ...]:
        """The entries behind this STIX id: one for each value that its pattern names.

        Those that carry it, and those that carry another id but joined what a peer said under this one.
        """
        carrying = sa.select(indicators.c.number).where(
            indicators.c.id_hash == id_hash(indicator_id), indicators.c.indicator_id == indicator_id
        )
        joining = sa.select(indicator_sources.c.number).where(
            indicator_sources.c.external_id == indicator_id, indicator_sources.c.origin.is_not(None)
        )
        conditions: list[sa.ColumnElement[bool]] = [indicators.c.number.in_(sa.union_all(carrying, joining))]
        if visibility is not None:
            conditions += visible_indicators(visibility)
        return tuple(entry for _, _, entry in self._rows(conditions, MAX_PAGE))

    def bodies(self, ids: Iterable[str]) -> dict[str, Sequence[bytes]]:
        """What the entries that carry these STIX ids say, by id, for the node's own jobs: no visibility applies."""
        found: dict[str, list[bytes]] = {}
        told = sa.select(indicators.c.indicator_id, indicator_bodies.c.body).join(
            indicator_bodies, indicator_bodies.c.number == indicators.c.number
        )
        with self._database.reading() as connection:
            for chunk in _chunks([id_hash(id) for id in ids]):
                for row in connection.execute(told.where(indicators.c.id_hash.in_(chunk))):
                    found.setdefault(row.indicator_id, []).append(bytes(row.body))
        return dict(found)

    def said(self, keys: Iterable[tuple[ObservableType, str]]) -> dict[tuple[ObservableType, str], Sequence[Said]]:
        """What each source says of these values, for the node's own jobs: no visibility applies."""
        return dict(said(self._database, keys))

    def named(self, keys: Iterable[tuple[ObservableType, str]]) -> dict[tuple[ObservableType, str], list[Named]]:
        """All entries on these values, for the node's own jobs: no visibility applies."""
        return named(self._database, keys)

    def named_page(self, after: int, limit: int) -> NamedPage:
        """Entries by value in the order of their numbers, for the node's own jobs: no visibility applies."""
        return named_page(self._database, after, limit)

    def has_twins(self) -> bool:
        """Whether any value has several entries."""
        return has_twins(self._database)

    def list(
        self,
        visibility: Visibility,
        *,
        types: Iterable[ObservableType] | None = None,
        own: bool | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> Page[IndicatorEntry]:
        """Entries that the asker may see, in order of their number behind ``after``; ``own``: only ours, or only those
        of peers."""
        conditions = [indicators.c.number > after, *visible_indicators(visibility)]
        if own is not None:
            conditions.append(indicators.c.origin.is_(None) if own else indicators.c.origin.is_not(None))
        if types is not None:
            conditions.append(indicators.c.type.in_(sorted(kind.value for kind in types)))
        limit = bounded(limit)
        rows = self._rows(conditions, limit + 1)
        return Page(tuple(entry for _, _, entry in rows[:limit]), rows[limit - 1][0] if len(rows) > limit else None)

    def changed_since(self, change: int, limit: int = 1000) -> Changed:
        """Entries new or changed behind a change number, in that order. For the node's own jobs: no visibility."""
        rows = self._rows([indicators.c.change > change], bounded(limit), order=indicators.c.change)
        return Changed(tuple(entry for _, _, entry in rows), rows[-1][1] if rows else change)

    def count_by_type(self) -> dict[str, int]:
        """How many entries of each type are held, by type."""
        query = sa.select(indicators.c.type, sa.func.count()).group_by(indicators.c.type).order_by(indicators.c.type)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def withdraw(self, type: ObservableType, value: str, *, source: str, external_id: str | None = None) -> bool:
        """Take back what one source said about a value; the entry goes with its last source. False: nothing was held.

        ``external_id``: only what it said under this name of its own. What other sources say is joined anew, so a
        marking may become less strict again.
        """
        with self._database.writing() as connection:
            return withdraw_source(self._database, connection, Word(type, value, source, external_id))

    def _rows(
        self, conditions: Iterable[sa.ColumnElement[bool]], limit: int, *, order: sa.Column[int] = indicators.c.number
    ) -> Rows:
        """Number, change number and entry of each row, in order."""
        query = (
            sa.select(indicators, indicator_bodies.c.body)
            .join(indicator_bodies, indicator_bodies.c.number == indicators.c.number)
            .where(*conditions)
            .order_by(order)
            .limit(limit)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
            sources: dict[int, tuple[str, ...]] = {}
            for chunk in _chunks([row.number for row in rows]):
                said = (
                    sa.select(indicator_sources.c.number, indicator_sources.c.source)
                    .where(indicator_sources.c.number.in_(chunk))
                    .order_by(indicator_sources.c.number, indicator_sources.c.position)
                )
                for number, source in connection.execute(said):
                    sources[number] = (*sources.get(number, ()), source)
        return [(row.number, row.change, _entry(row, sources.get(row.number, ()))) for row in rows]


Rows = list[tuple[int, int, IndicatorEntry]]


def _by_marking_alone(visibility: Visibility) -> bool:
    """Whether nothing but TLP and PAP decides what may be seen of indicators."""
    typed = visibility.types is None or "indicator" in visibility.types
    return typed and not visibility.excluded_origins and visibility.circle is None


def _chunks(numbers: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(numbers), 500):
        yield numbers[start : start + 500]


def _entry(row: Row[tuple[object, ...]], sources: tuple[str, ...]) -> IndicatorEntry:
    return IndicatorEntry(
        type=ObservableType(row.type),
        value=row.value,
        indicator_id=row.indicator_id,
        campaign=row.campaign,
        description=row.description,
        confidence=row.confidence,
        tlp=Tlp(row.tlp),
        pap=Pap(row.pap),
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        origin=row.origin,
        external_id=row.external_id,
        sources=sources,
        body=bytes(row.body),
    )
