"""Keep hits that the site's own systems report."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table and its series of numbers."""
    op.create_table(
        "hits",
        sa.Column("number", Number, primary_key=True),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("sector", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("indicator_id", sa.Text),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("reported_by", sa.Text, nullable=False),
        sa.Column("reported_at", sa.BigInteger, nullable=False),
    )
    op.create_index("hits_by_identity", "hits", ["identity"], unique=True)
    op.create_index("hits_by_value", "hits", ["type", "value", "side"])
    op.execute("INSERT INTO counters (name, value) VALUES ('hits', 0)")


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
