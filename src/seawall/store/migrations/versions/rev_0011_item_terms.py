"""Keep what people said of single items: their kinds of information, and until when they may be kept on what ground."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "item_terms",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("basis", sa.Text),
        sa.Column("basis_source", sa.Text),
        sa.Column("kept_until", sa.BigInteger),
        sa.Column("said_by", sa.Text, nullable=False),
        sa.Column("said_at", sa.BigInteger, nullable=False),
    )
    op.create_index("item_terms_by_end", "item_terms", ["kept_until"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
