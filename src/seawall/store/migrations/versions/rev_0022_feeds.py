"""Keep the consumers of served feeds, and the lines that each was permitted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the two tables; there were no consumers."""
    op.create_table(
        "served_feeds",
        sa.Column("number", Number, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("terms", sa.Text, nullable=False),
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
    )
    op.create_index("served_feeds_by_name", "served_feeds", ["name"], unique=True)
    op.create_index("served_feeds_by_token", "served_feeds", ["token_sha256"], unique=True)
    op.create_table(
        "feed_lines",
        sa.Column("feed", sa.BigInteger, primary_key=True),
        sa.Column("undo_id", sa.Text, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("gone", sa.Integer, nullable=False),
        sa.Column("round", sa.BigInteger, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("indicator_id", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
    )
    op.create_index("feed_lines_by_sequence", "feed_lines", ["feed", "sequence"], unique=True)
    op.create_index("feed_lines_by_end", "feed_lines", ["feed", "gone", "expires_at"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
