"""Keep the signed notices that two nodes exchange, and who confirmed a recall."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add both tables."""
    op.create_table(
        "notices",
        sa.Column("peer", sa.Text, primary_key=True),
        sa.Column("ours", sa.Boolean, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("envelope", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("settled_at", sa.BigInteger),
    )
    op.create_table(
        "recalls",
        sa.Column("number", Number, primary_key=True),
        sa.Column("act", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("ours", sa.Boolean, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("circles", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("behind", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("notice", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("said", sa.Text),
        sa.Column("receipt", sa.LargeBinary),
    )
    op.create_index("recalls_once", "recalls", ["act", "object_id", "peer", "ours"], unique=True)
    op.create_index("recalls_by_object", "recalls", ["object_id"])
    op.create_index("recalls_by_state", "recalls", ["state", "at"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
