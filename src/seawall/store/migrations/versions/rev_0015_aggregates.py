"""Keep rounds of masked sums, what members said in them, and what they cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "aggregate_rounds",
        sa.Column("round_id", sa.Text, primary_key=True),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("data_set", sa.Text, nullable=False),
        sa.Column("first_week", sa.BigInteger, nullable=False),
        sa.Column("weeks", sa.BigInteger, nullable=False),
        sa.Column("starter", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("proposal", sa.LargeBinary, nullable=False),
        sa.Column("rerun_of", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("key", sa.LargeBinary),
        sa.Column("opening", sa.LargeBinary),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("contributed_at", sa.BigInteger),
        sa.Column("reason", sa.Text),
    )
    op.create_index("aggregate_rounds_by_query", "aggregate_rounds", ["query", "first_week"])
    op.create_index("aggregate_rounds_by_state", "aggregate_rounds", ["state", "expires"])
    op.create_table(
        "aggregate_documents",
        sa.Column("round_id", sa.Text, primary_key=True),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "aggregate_told",
        sa.Column("round_id", sa.Text, primary_key=True),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("stage", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "aggregate_charges",
        sa.Column("round_id", sa.Text, primary_key=True),
        sa.Column("data_set", sa.Text, nullable=False),
        sa.Column("epsilon", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("aggregate_charges_by_time", "aggregate_charges", ["data_set", "at"])
    op.create_table(
        "aggregate_agreements",
        sa.Column("catalogue", sa.Text, primary_key=True),
        sa.Column("node", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
    )


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
