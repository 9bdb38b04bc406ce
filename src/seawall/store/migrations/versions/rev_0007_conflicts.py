"""Keep what others say of an object under the same version, or in another's name, beside what is held."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "conflicts",
        sa.Column("number", Number, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("id_hash", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("conflicts_by_digest", "conflicts", ["digest"], unique=True)
    op.create_index("conflicts_by_id", "conflicts", ["id_hash"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
