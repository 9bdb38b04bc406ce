"""Keep the order book, its changes, and the points where enforcement tools act."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _needed(kind: Any, *names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names]


def upgrade() -> None:
    """Add the tables, empty, and the numbers of their changes."""
    op.create_table(
        "orders",
        sa.Column("sequence", Number, primary_key=True),
        *_needed(sa.Text, "undo_id", "action", "type", "value"),
        *_needed(sa.BigInteger, "starts_at", "expires_at"),
        *_needed(sa.Text, "state", "lane", "reason", "release", "source", "scope"),
        sa.Column("score", sa.Float),
        *_needed(sa.Integer, "tlp", "pap"),
        *_needed(sa.Text, "indicator_id"),
        sa.Column("origin", sa.Text),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        *_needed(sa.Text, "rule", "why", "places"),
        *_needed(sa.BigInteger, "since"),
        *_needed(sa.Text, "flags"),
    )
    op.create_index("orders_by_name", "orders", ["undo_id"], unique=True)
    op.create_index("orders_by_expiry", "orders", ["state", "expires_at"])
    op.create_index("orders_by_value", "orders", ["type", "value"])
    op.create_index("orders_by_origin", "orders", ["origin", "sequence"])
    op.create_table(
        "order_changes",
        sa.Column("sequence", Number, primary_key=True),
        *_needed(sa.Text, "op"),
        *_needed(sa.BigInteger, "at"),
        *_needed(sa.Text, "undo_id"),
        *_needed(sa.LargeBinary, "body"),
    )
    op.create_index("order_changes_by_name", "order_changes", ["undo_id"])
    op.create_table(
        "order_puts",
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        *_needed(sa.Text, "people"),
        *_needed(sa.BigInteger, "at"),
        sa.Column("until", sa.BigInteger),
        *_needed(sa.Text, "reason", "scope"),
    )
    op.create_table(
        "enforcement_points",
        sa.Column("name", sa.Text, primary_key=True),
        *_needed(sa.Text, "body"),
        *_needed(sa.BigInteger, "saved_at", "floor"),
    )
    op.create_table(
        "plant_leaves",
        sa.Column("point", sa.Text, primary_key=True),
        sa.Column("undo_id", sa.Text, primary_key=True),
        *_needed(sa.Text, "given_by"),
        *_needed(sa.BigInteger, "window_from", "window_to"),
        sa.Column("dry_run_at", sa.BigInteger),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('orders', 0), ('orders-floor', 0)")


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
