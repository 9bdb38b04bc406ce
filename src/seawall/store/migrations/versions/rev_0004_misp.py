"""Keep MISP events as MISP writes them, and what each MISP was last known to hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables and their series of numbers."""
    op.create_table(
        "misp_events",
        sa.Column("number", Number, primary_key=True),
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("publish_timestamp", sa.BigInteger, nullable=False),
        sa.Column("published", sa.Boolean, nullable=False),
        sa.Column("date", sa.Text, nullable=False),
        sa.Column("info", sa.Text, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("misp_events_by_uuid", "misp_events", ["uuid"], unique=True)
    op.create_index("misp_events_by_change", "misp_events", ["change"])
    op.create_index("misp_events_by_timestamp", "misp_events", ["timestamp"])
    op.create_table(
        "misp_attributes",
        sa.Column("number", Number, primary_key=True),
        sa.Column("uuid", sa.Text, nullable=False),
        sa.Column("event", sa.BigInteger, nullable=False),
        sa.Column("object", sa.Text),
        sa.Column("object_name", sa.Text),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("hash1", sa.BigInteger, nullable=False),
        sa.Column("hash2", sa.BigInteger, nullable=False),
        sa.Column("to_ids", sa.Boolean, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("misp_attributes_by_uuid", "misp_attributes", ["uuid"], unique=True)
    op.create_index("misp_attributes_by_event", "misp_attributes", ["event", "number"])
    op.create_index("misp_attributes_by_hash1", "misp_attributes", ["hash1"])
    op.create_index("misp_attributes_by_hash2", "misp_attributes", ["hash2"])
    op.create_index("misp_attributes_by_type", "misp_attributes", ["type", "number"])
    op.create_index("misp_attributes_by_timestamp", "misp_attributes", ["timestamp"])
    op.create_table(
        "misp_tags",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("event", sa.BigInteger, primary_key=True),
        sa.Column("attribute", sa.BigInteger, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("misp_tags_by_event", "misp_tags", ["event"])
    op.create_table(
        "misp_known",
        sa.Column("misp", sa.Text, primary_key=True),
        sa.Column("uuid", sa.Text, primary_key=True),
        sa.Column("timestamp", sa.BigInteger, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('misp_events', 0), ('misp_attributes', 0)")


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
