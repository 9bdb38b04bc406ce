"""The tables of served feeds; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

served_feeds = sa.Table(
    "served_feeds",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("terms", sa.Text, nullable=False),  # ``model.served_feed.FeedTerms`` as JSON
    sa.Column("token_sha256", sa.Text, nullable=False),
    sa.Column("token_since", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("kept_from", sa.BigInteger, nullable=False),
    sa.Column("modified_at", sa.BigInteger, nullable=False),
    sa.Column("handed", sa.BigInteger, nullable=False),
    sa.Column("handed_at", sa.BigInteger),
    sa.Column("orders_seen", sa.BigInteger, nullable=False),
    sa.Column("indicators_seen", sa.BigInteger, nullable=False),
    sa.Column("decided_under", sa.Text, nullable=False),
    sa.Index("served_feeds_by_name", "name", unique=True),
    sa.Index("served_feeds_by_token", "token_sha256", unique=True),
)

feed_lines = sa.Table(
    "feed_lines",
    metadata,
    sa.Column("feed", sa.BigInteger, primary_key=True),  # served_feeds.number
    sa.Column("undo_id", sa.Text, primary_key=True),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("gone", sa.Integer, nullable=False),  # 1: it was in the feed
    sa.Column("round", sa.BigInteger, nullable=False),  # the last round of deciding everything that kept it
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("indicator_id", sa.Text, nullable=False),
    sa.Column("release", sa.Text, nullable=False),
    sa.Index("feed_lines_by_sequence", "feed", "sequence", unique=True),
    sa.Index("feed_lines_by_end", "feed", "gone", "expires_at"),
)
