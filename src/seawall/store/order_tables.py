"""The tables of the order book, its changes, and the points where tools act; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

SOME_HELD = sa.text("held <> '{}'")

orders = sa.Table(  # one row an order; what ran out stays as ``expired`` while its indicator says the same
    "orders",
    metadata,
    sa.Column("sequence", Number, primary_key=True),  # of its last change
    sa.Column("undo_id", sa.Text, nullable=False),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("starts_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("release", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),  # JSON list of points
    sa.Column("score", sa.Float),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("indicator_id", sa.Text, nullable=False),
    sa.Column("origin", sa.Text),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("rule", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("places", sa.Text, nullable=False),  # JSON: fills the places of ``why``
    sa.Column("since", sa.BigInteger, nullable=False),
    sa.Column("flags", sa.Text, nullable=False),  # JSON list
    sa.Column("held", sa.Text, nullable=False, server_default="{}"),  # JSON: point -> which of its caps holds it back
    sa.Column("rank", sa.Integer, nullable=False, server_default="0"),  # who goes first where room is short
    sa.Index("orders_by_name", "undo_id", unique=True),
    sa.Index("orders_by_expiry", "state", "expires_at"),
    sa.Index("orders_by_value", "type", "value"),
    sa.Index("orders_by_origin", "origin", "sequence"),
    # PostgreSQL's index has the condition too, by its migration; to name it here loads its dialect in every command
    sa.Index("orders_held", "sequence", sqlite_where=SOME_HELD),
)

order_changes = sa.Table(  # what agents follow; the oldest are forgotten
    "order_changes",
    metadata,
    sa.Column("sequence", Number, primary_key=True),
    sa.Column("op", sa.Text, nullable=False),  # put | remove | cut (a kill switch was thrown or lifted)
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("undo_id", sa.Text, nullable=False),  # of a cut: the point, or empty for all
    sa.Column("body", sa.LargeBinary, nullable=False),  # MessagePack of the order; empty for a cut
    sa.Index("order_changes_by_name", "undo_id"),
)

order_puts = sa.Table(  # what people put in force themselves
    "order_puts",
    metadata,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("people", sa.Text, nullable=False),  # JSON list of names
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("until", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),  # JSON list of points
)

enforcement_points = sa.Table(
    "enforcement_points",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("body", sa.Text, nullable=False),  # JSON of the point
    sa.Column("saved_at", sa.BigInteger, nullable=False),
    sa.Column("floor", sa.BigInteger, nullable=False),  # whoever stands below takes the whole book
)

plant_leaves = sa.Table(  # what a plant's owner lets be blocked at one point
    "plant_leaves",
    metadata,
    sa.Column("point", sa.Text, primary_key=True),
    sa.Column("undo_id", sa.Text, primary_key=True),
    sa.Column("given_by", sa.Text, nullable=False),
    sa.Column("window_from", sa.BigInteger, nullable=False),
    sa.Column("window_to", sa.BigInteger, nullable=False),
    sa.Column("dry_run_at", sa.BigInteger),  # NULL: never tried
)
