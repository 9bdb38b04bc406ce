"""Keep runs that find the overlap, and the values that both sides hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "overlap_sessions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
        sa.Column("part", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("begun_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("mine", sa.BigInteger, nullable=False),
        sa.Column("theirs", sa.BigInteger, nullable=False),
        sa.Column("common", sa.BigInteger, nullable=False),
        sa.Column("sent_bytes", sa.BigInteger, nullable=False),
        sa.Column("received_bytes", sa.BigInteger, nullable=False),
        sa.Column("budget_before", sa.BigInteger, nullable=False),
        sa.Column("budget_after", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("overlap_sessions_by_peer", "overlap_sessions", ["peer", "type", "begun_at"])
    op.create_table(
        "overlap_items",
        sa.Column("number", number, primary_key=True),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("ours_said", sa.BigInteger, nullable=False),
        sa.Column("theirs_said", sa.BigInteger, nullable=False),
        sa.Column("permitted", sa.Integer, nullable=False),
        sa.Column("permitted_by", sa.Text),
        sa.Column("opened_at", sa.BigInteger),
        sa.Column("vouched_at", sa.BigInteger),
        sa.Column("given", sa.Integer, nullable=False),
        sa.Column("given_at", sa.BigInteger),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("taken_at", sa.BigInteger),
        sa.Column("reason", sa.Text, nullable=False),
    )
    op.create_index("overlap_items_once", "overlap_items", ["peer", "type", "value"], unique=True)
    op.execute("INSERT INTO counters (name, value) VALUES ('overlap', 0)")


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
