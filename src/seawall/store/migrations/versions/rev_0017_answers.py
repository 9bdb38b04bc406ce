"""Keep answers to warnings, where each warning stands at the desk, and what was delivered."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "warning_answers",
        sa.Column("number", Number, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("warning_answers_once", "warning_answers", ["type", "value", "peer"], unique=True)
    op.create_index("warning_answers_by_time", "warning_answers", ["at"])
    op.create_table(
        "warning_places",
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("group_id", sa.Text, nullable=False),
        sa.Column("severity", sa.Integer, nullable=False),
        sa.Column("rank", sa.Float, nullable=False),
        sa.Column("placed_at", sa.BigInteger, nullable=False),
        sa.Column("raised_at", sa.BigInteger),
        sa.Column("snoozed_until", sa.BigInteger),
        sa.Column("snoozed_by", sa.Text),
        sqlite_with_rowid=False,
    )
    op.create_index("warning_places_by_group", "warning_places", ["group_id"])
    op.create_index("warning_places_by_raised", "warning_places", ["raised_at"])
    op.create_table(
        "warning_deliveries",
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
        sqlite_autoincrement=True,
    )
    op.create_index("warning_deliveries_once", "warning_deliveries", ["id"], unique=True)
    op.create_index("warning_deliveries_by_due", "warning_deliveries", ["state", "due_at"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
