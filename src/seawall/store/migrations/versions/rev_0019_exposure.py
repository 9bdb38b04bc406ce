"""Keep our exposure list, what is said of vulnerabilities, hunts with peers, their answers and what they cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "exposure_assets",
        sa.Column("number", Number, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("exposure_assets_by_source", "exposure_assets", ["source"])
    op.create_table(
        "exposure_sayings",
        sa.Column("number", Number, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("cve", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("added_at", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("exposure_sayings_by_cve", "exposure_sayings", ["cve", "kind"])
    op.create_index("exposure_sayings_by_kind", "exposure_sayings", ["kind"])
    op.create_index("exposure_sayings_by_source", "exposure_sayings", ["source"])
    op.create_table(
        "exposure_answers",
        sa.Column("cve", sa.Text, primary_key=True),
        sa.Column("peer", sa.Text, primary_key=True),
        sa.Column("circle", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "hunts",
        sa.Column("number", Number, primary_key=True),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("confirms", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("hunts_once", "hunts", ["side", "peer", "id"], unique=True)
    op.create_index("hunts_by_confirms", "hunts", ["confirms"])
    op.create_table(
        "hunt_answers",
        sa.Column("number", Number, primary_key=True),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("peer", sa.Text, nullable=False),
        sa.Column("hunt", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("hunt_answers_once", "hunt_answers", ["side", "peer", "object_id"], unique=True)
    op.create_index("hunt_answers_by_hunt", "hunt_answers", ["side", "peer", "hunt"])
    op.create_table(
        "hunt_spends",
        sa.Column("peer", sa.Text, primary_key=True),
        sa.Column("hunt", sa.Text, primary_key=True),
        sa.Column("what", sa.Text, primary_key=True),
        sa.Column("points", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("hunt_spends_by_time", "hunt_spends", ["peer", "at"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
