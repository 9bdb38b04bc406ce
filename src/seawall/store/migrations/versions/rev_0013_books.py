"""Keep commitments, guess budgets and decoys: what protects a search for the overlap from a dishonest peer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables, and the series whose row is locked while a budget is spent."""
    op.create_table(
        "commitments",
        sa.Column("number", Number, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("strength", sa.Integer, nullable=False),
        sa.Column("withdrawn", sa.Text),
    )
    op.create_index("commitments_by_value", "commitments", ["type", "value"], unique=True)
    op.create_index("commitments_by_strength", "commitments", ["type", "strength"])
    op.create_table(
        "commitment_batches",
        sa.Column("number", Number, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("totals", sa.Text, nullable=False),
        sa.Column("commitments", sa.LargeBinary, nullable=False),
        sa.Column("leaf", sa.BigInteger),
    )
    op.create_index("commitment_batches_by_leaf", "commitment_batches", ["leaf"])
    op.create_table(
        "cosigned_checkpoints",
        sa.Column("key_id", sa.Text, primary_key=True),
        sa.Column("size", sa.BigInteger, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
    )
    op.create_table(
        "overlap_exclusions",
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sa.Column("added_by", sa.Text, nullable=False),
    )
    op.create_table(
        "budget_spends",
        sa.Column("number", Number, primary_key=True),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("session", sa.Text, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("initial", sa.BigInteger, nullable=False),
        sa.Column("daily", sa.BigInteger, nullable=False),
        sa.Column("hot", sa.BigInteger, nullable=False),
        sa.Column("refilled", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("leaf", sa.BigInteger),
    )
    op.create_index("budget_spends_once", "budget_spends", ["peer", "type", "session", "part"], unique=True)
    op.create_index("budget_spends_by_day", "budget_spends", ["peer", "type", "day"])
    op.create_table(
        "budget_refills",
        sa.Column("number", Number, primary_key=True),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("people", sa.Text, nullable=False),
    )
    op.create_index("budget_refills_by_epoch", "budget_refills", ["peer", "type", "epoch"])
    op.create_table(
        "decoys",
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("drawn_at", sa.BigInteger, nullable=False),
        sa.Column("drawn_by", sa.Text, nullable=False),
        sa.Column("retired", sa.Text),
    )
    op.create_table(
        "decoy_hits",
        sa.Column("peer", sa.Text, primary_key=True),
        sa.Column("type", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('budgets', 0)")


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
