"""Third-party TAXII clients are bound to circles and end some day; what became of a POST is kept."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns and a table."""
    op.add_column("users", sa.Column("circles", sa.Text))
    op.add_column("users", sa.Column("expires_at", sa.BigInteger))
    op.create_table(
        "statuses",
        sa.Column("actor", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("statuses_by_time", "statuses", ["actor", "at"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
