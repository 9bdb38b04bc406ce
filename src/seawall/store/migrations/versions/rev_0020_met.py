"""Keep what was merely met and committed to, and in which lane a value was found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table and the columns; what was found before were candidates of both sides."""
    op.create_table(
        "met_commitments",
        sa.Column("number", Number, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("day", sa.Integer, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("batch", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("withdrawn", sa.Text),
    )
    op.create_index("met_commitments_by_value", "met_commitments", ["type", "value"], unique=True)
    op.create_index("met_commitments_by_number", "met_commitments", ["type", "number"])
    op.add_column("overlap_sessions", sa.Column("lane", sa.Text, nullable=False, server_default="overlap"))
    for name in ("ours_as", "theirs_as"):
        op.add_column("overlap_items", sa.Column(name, sa.Text, nullable=False, server_default="candidate"))


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
