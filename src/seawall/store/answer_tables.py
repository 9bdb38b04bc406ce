"""The tables of the warning desk: answers, places, deliveries; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

warning_answers = sa.Table(
    "warning_answers",
    metadata,
    sa.Column("number", Number, primary_key=True),  # never given twice: readers go on behind the last they saw
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("peer", sa.Text, nullable=False),  # empty: our own
    sa.Column("verdict", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("by", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Index("warning_answers_once", "type", "value", "peer", unique=True),
    sa.Index("warning_answers_by_time", "at"),
    sqlite_autoincrement=True,
)

warning_places = sa.Table(
    "warning_places",
    metadata,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("group_id", sa.Text, nullable=False),
    sa.Column("severity", sa.Integer, nullable=False),
    sa.Column("rank", sa.Float, nullable=False),
    sa.Column("placed_at", sa.BigInteger, nullable=False),
    sa.Column("raised_at", sa.BigInteger),
    sa.Column("snoozed_until", sa.BigInteger),
    sa.Column("snoozed_by", sa.Text),
    sa.Index("warning_places_by_group", "group_id"),
    sa.Index("warning_places_by_raised", "raised_at"),
    sqlite_with_rowid=False,
)

warning_deliveries = sa.Table(
    "warning_deliveries",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("group_id", sa.Text, nullable=False),
    sa.Column("severity", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("due_at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("said", sa.Text, nullable=False),
    sa.Column("done_at", sa.BigInteger),
    sa.Index("warning_deliveries_once", "id", unique=True),
    sa.Index("warning_deliveries_by_due", "state", "due_at"),
    sqlite_autoincrement=True,
)
