"""What the statistics read, as Arrow tables: no Python object lives as long as a value does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import sqlalchemy as sa

from seawall.model import Visibility
from seawall.model.finding_table import FINDING_SCHEMA
from seawall.store.campaign_tables import campaign_members, campaigns
from seawall.store.database import Database
from seawall.store.overlap_tables import overlap_items
from seawall.store.tables import hits, outbox, outboxes, received, sightings
from seawall.store.values import text_to_names
from seawall.store.visible import visible_sightings

PAGE = 50_000  # rows that stand as Python objects at one time
OVERLAP_SCHEMA = pa.schema(
    [
        pa.field("peer", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("found_at", pa.int64(), nullable=False),
        pa.field("ours_said", pa.int64(), nullable=False),
        pa.field("theirs_said", pa.int64(), nullable=False),
        pa.field("given_at", pa.int64()),
    ]
)
CAMPAIGN_SCHEMA = pa.schema([(name, pa.string()) for name in ("type", "value", "campaign")])
BLOCKED_SCHEMA = pa.schema(
    [
        pa.field("type", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("first_seen", pa.int64(), nullable=False),
        pa.field("last_seen", pa.int64(), nullable=False),
        pa.field("count", pa.int64(), nullable=False),
    ]
)
_PLAIN = ("type", "value", "side", "first_seen", "last_seen", "count", "indicator_id", "tlp", "pap", "origin")


class ColumnReads:
    """The group ``store.columns``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def told(self, visibility: Visibility) -> pa.Table:
        """Sightings that peers told and did not withdraw, as far as the asker may see them: FINDING_SCHEMA.

        ``hostile``, ``sensors`` and the measured columns are not known of what others saw.
        """
        names = (*_PLAIN, "told_at", "sectors", "basis")
        meant = [sightings.c.origin != "", sightings.c["count"] > 0, *visible_sightings(visibility)]
        read = self._read(sa.select(*(sightings.c[name] for name in names)).where(*meant), names)
        size = len(read)
        lists = {name: _lists(read[name]) for name in ("sectors", "basis")}
        zero = pa.array([0], pa.int64()).take(pa.array([0] * size, pa.int64())) if size else pa.array([], pa.int64())
        given = {name: read[name] for name in (*_PLAIN, "told_at")} | lists | {"hostile": zero, "sensors": zero}
        return pa.table(
            {
                field.name: given[field.name].cast(field.type) if field.name in given else pa.nulls(size, field.type)
                for field in FINDING_SCHEMA
            },
            schema=FINDING_SCHEMA,
        )

    def overlaps(self) -> pa.Table:
        """Values that peers and we both hold, as comparisons found them: OVERLAP_SCHEMA."""
        query = sa.select(*(overlap_items.c[name] for name in OVERLAP_SCHEMA.names))
        return self._read(query, OVERLAP_SCHEMA.names).cast(OVERLAP_SCHEMA)

    def told_in(self) -> pa.Table:
        """In which circle each told value came first, where its indicator came with it: origin, type, value, circle."""
        names = ("origin", "type", "value", "circle")
        query = sa.select(sightings.c.origin, sightings.c.type, sightings.c.value, sa.func.min(received.c.circle)).join(
            received,
            sa.and_(received.c.object_id == sightings.c.indicator_id, received.c.origin == sightings.c.origin),
        )
        query = query.where(sightings.c["count"] > 0)
        query = query.group_by(sightings.c.origin, sightings.c.type, sightings.c.value)
        return self._read(query, names).cast(pa.schema([(name, pa.string()) for name in names]))

    def blocked(self) -> pa.Table:
        """Hits whose system blocked the value: BLOCKED_SCHEMA."""
        query = sa.select(*(hits.c[name] for name in BLOCKED_SCHEMA.names)).where(hits.c.basis == "blocked")
        return self._read(query, BLOCKED_SCHEMA.names).cast(BLOCKED_SCHEMA)

    def given(self, begin: int, end: int) -> dict[str, int]:
        """Circle -> how many different objects stood in its outbox first between two moments (microseconds UTC)."""
        first = (
            sa.select(outbox.c.circle, outbox.c.object_id, sa.func.min(outbox.c.added).label("first"))
            .group_by(outbox.c.circle, outbox.c.object_id)
            .subquery()
        )
        query = (
            sa.select(outboxes.c.circle, sa.func.count())
            .join(outboxes, outboxes.c.number == first.c.circle)
            .where(first.c.first >= begin, first.c.first < end)
            .group_by(outboxes.c.circle)
        )
        return self._counted(query)

    def received(self, begin: int, end: int) -> dict[str, int]:
        """Circle -> how many different objects peers sent between two moments (microseconds UTC)."""
        query = (
            sa.select(received.c.circle, sa.func.count(received.c.object_id.distinct()))
            .where(received.c.at >= begin, received.c.at < end)
            .group_by(received.c.circle)
        )
        return self._counted(query)

    def exchanged_since(self) -> int | None:
        """The first moment (microseconds UTC) at which anything was given or received; None: nothing was."""
        with self._database.reading() as connection:
            found = [
                connection.execute(sa.select(sa.func.min(column))).scalar()
                for column in (outbox.c.added, received.c.at)
            ]
        return min((int(moment) for moment in found if moment is not None), default=None)

    def _counted(self, query: sa.Select[Any]) -> dict[str, int]:
        with self._database.reading() as connection:
            return {str(circle): int(count) for circle, count in connection.execute(query)}

    def campaigns(self) -> pa.Table:
        """The campaign of every member: CAMPAIGN_SCHEMA."""
        query = sa.select(campaign_members.c.type, campaign_members.c.value, campaigns.c.id).join(
            campaigns, campaigns.c.number == campaign_members.c.campaign
        )
        return self._read(query, CAMPAIGN_SCHEMA.names).cast(CAMPAIGN_SCHEMA)

    def _read(self, query: sa.Select[Any], names: Sequence[str]) -> pa.Table:
        parts: list[pa.Table] = []
        with self._database.reading() as connection:
            result = connection.execution_options(yield_per=PAGE).execute(query)
            for rows in result.partitions(PAGE):
                parts.append(pa.table([pa.array(column) for column in zip(*rows, strict=True)], names=list(names)))
        if not parts:
            return pa.table([pa.nulls(0)] * len(names), names=list(names))
        return pa.concat_tables(parts, promote_options="permissive")


def _lists(texts: pa.ChunkedArray) -> pa.Array:
    """JSON lists of names as lists; there are few different ones, and each is read once."""
    coded = texts.cast(pa.string()).combine_chunks().dictionary_encode()
    return pa.array(_named(coded.dictionary.to_pylist()), pa.list_(pa.string())).take(coded.indices)


def _named(texts: Iterable[str | None]) -> list[list[str]]:
    return [list(text_to_names(text)) for text in texts]
