"""Keep campaigns with their members and history, and techniques that were seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables and their series of numbers."""
    _campaigns()
    _members()
    op.create_table(
        "campaign_history",
        sa.Column("number", Number, primary_key=True),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("other", sa.Text),
        sa.Column("member_count", sa.BigInteger, nullable=False),
    )
    op.create_index("campaign_history_by_campaign", "campaign_history", ["campaign", "number"])
    op.create_table(
        "technique_sightings",
        sa.Column("number", Number, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("technique_sightings_once", "technique_sightings", ["id", "origin"], unique=True)
    counters = sa.table("counters", sa.column("name"), sa.column("value"))
    series = ("campaigns", "campaign_members", "campaign_history", "technique_sightings")
    op.bulk_insert(counters, [{"name": name, "value": 0} for name in series])


def _campaigns() -> None:
    op.create_table(
        "campaigns",
        sa.Column("number", Number, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("merged_into", sa.Text),
        sa.Column("member_count", sa.BigInteger, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("change", sa.BigInteger, nullable=False),
    )
    op.create_index("campaigns_once", "campaigns", ["id"], unique=True)
    op.create_index("campaigns_by_change", "campaigns", ["change"])
    op.create_table(
        "campaign_arrivals",
        sa.Column("campaign", sa.BigInteger, primary_key=True),
        sa.Column("side", sa.Text, primary_key=True),
        sa.Column("sector", sa.Text, primary_key=True),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "campaign_origins",
        sa.Column("campaign", sa.BigInteger, primary_key=True),
        sa.Column("origin", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )


def _members() -> None:
    op.create_table(
        "campaign_members",
        sa.Column("number", Number, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("campaign", sa.BigInteger, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("campaign_members_once", "campaign_members", ["type", "value"], unique=True)
    op.create_index("campaign_members_by_campaign", "campaign_members", ["campaign", "number"])


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
