"""Keep private set intersections with peers: sessions, lists, tokens, questions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "psi_epochs",
        sa.Column("number", Number, primary_key=True),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("epoch", sa.Text, nullable=False),
    )
    op.create_index("psi_epochs_once", "psi_epochs", ["peer", "epoch"], unique=True)
    op.create_table(
        "psi_sessions",
        sa.Column("epoch", sa.BigInteger, primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True),
        sa.Column("we_are_first", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("ours", sa.BigInteger, nullable=False),
        sa.Column("theirs", sa.BigInteger, nullable=False),
        sa.Column("answered", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger),
    )
    op.create_table(
        "psi_sent",
        sa.Column("epoch", sa.BigInteger, primary_key=True),
        sa.Column("session", sa.BigInteger, primary_key=True),
        sa.Column("part", sa.BigInteger, primary_key=True),
        sa.Column("points", sa.LargeBinary, nullable=False),
        sa.Column("items", sa.LargeBinary, nullable=False),
        sa.Column("places", sa.LargeBinary, nullable=False),
        sa.Column("checks", sa.LargeBinary, nullable=False),
        sa.Column("tokens", sa.LargeBinary),
        sa.Column("answer", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "psi_taken",
        sa.Column("epoch", sa.BigInteger, primary_key=True),
        sa.Column("session", sa.BigInteger, primary_key=True),
        sa.Column("part", sa.BigInteger, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("tokens", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "psi_questions",
        sa.Column("epoch", sa.BigInteger, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("item", sa.LargeBinary, nullable=False),
        sa.Column("blind", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
