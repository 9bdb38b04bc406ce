"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SERIES = ("objects", "indicators", "sightings", "warnings")  # rising numbers, see database.numbers


def upgrade() -> None:
    """Create all tables; every series of numbers starts at 0."""
    _knowledge()
    _indicators()
    _findings()
    _people()
    _exchange()
    _small()


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")


def _knowledge() -> None:
    op.create_table(
        "objects",
        sa.Column("number", Number, primary_key=True),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("id_hash", sa.BigInteger, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("version_at", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("created_by", sa.Text),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("source", sa.Text),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
        sa.Column("revoked", sa.Boolean, nullable=False),
        sa.Column("inputs", sa.Text),
        sa.Column("excluded", sa.Text),
        sa.Column("latest", sa.Boolean, nullable=False),
    )
    op.create_index("objects_by_sequence", "objects", ["sequence"], unique=True)
    op.create_index("objects_by_type", "objects", ["type", "sequence"])
    op.create_index("objects_by_id", "objects", ["id_hash", "version_at"])
    op.create_table(
        "object_inputs",
        sa.Column("input_id", sa.Text, primary_key=True),
        sa.Column("derived_id", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "object_origins",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("origin", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "received",
        sa.Column("number", Number, primary_key=True),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("circle", sa.Text, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("received_by_object", "received", ["object_id"])
    op.create_index("received_once", "received", ["origin", "circle", "object_id", "version"], unique=True)


def _indicators() -> None:
    op.create_table(
        "indicators",
        sa.Column("number", Number, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("twin", sa.Integer, nullable=False),
        sa.Column("indicator_id", sa.Text, nullable=False),
        sa.Column("id_hash", sa.BigInteger, nullable=False),
        sa.Column("campaign", sa.Text),
        sa.Column("description", sa.Text),
        sa.Column("confidence", sa.Integer),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("valid_from", sa.BigInteger),
        sa.Column("valid_until", sa.BigInteger),
        sa.Column("origin", sa.Text),
        sa.Column("external_id", sa.Text),
        sa.Column("change", sa.BigInteger, nullable=False),
        sa.Column("stored_at", sa.BigInteger, nullable=False),
    )
    op.create_index("indicators_by_change", "indicators", ["change"])
    op.create_index("indicators_by_id", "indicators", ["id_hash"])
    op.create_index("indicators_by_value", "indicators", ["type", "value", "twin"], unique=True)
    op.create_table(
        "indicator_bodies",
        sa.Column("number", Number, primary_key=True),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "indicator_sources",
        sa.Column("number", Number, primary_key=True),
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("content", sa.BigInteger, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("origin", sa.Text),
        sa.Column("confidence", sa.Integer),
        sa.Column("valid_from", sa.BigInteger),
        sa.Column("valid_until", sa.BigInteger),
        sa.Column("external_id", sa.Text),
        sqlite_with_rowid=False,
    )


def _findings() -> None:
    op.create_table(
        "sightings",
        sa.Column("number", Number, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("last_seen", sa.BigInteger, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("sectors", sa.Text, nullable=False),
        sa.Column("indicator_id", sa.Text),
        sa.Column("basis", sa.Text, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("excluded", sa.Text),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("change", sa.BigInteger, nullable=False),
    )
    op.create_index("sightings_by_change", "sightings", ["change"])
    op.create_index("sightings_by_value", "sightings", ["type", "value", "side", "origin"], unique=True)
    op.create_table(
        "warnings",
        sa.Column("number", Number, primary_key=True),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("confidence", sa.Integer, nullable=False),
        sa.Column("both_hit", sa.Boolean, nullable=False),
        sa.Column("tlp", sa.Integer, nullable=False),
        sa.Column("pap", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("change", sa.BigInteger, nullable=False),
    )
    op.create_index("warnings_by_change", "warnings", ["change"])
    op.create_index("warnings_by_value", "warnings", ["type", "value"], unique=True)
    op.create_table(
        "warning_origins",
        sa.Column("number", Number, primary_key=True),
        sa.Column("origin", sa.Text, primary_key=True),
        sqlite_with_rowid=False,
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("token_sha256", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.create_index("users_by_person", "users", ["person"], unique=True)
    op.create_index("users_by_token", "users", ["token_sha256"], unique=True)
    op.create_table(
        "approvals",
        sa.Column("number", Number, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("requester", sa.Text, sa.ForeignKey("users.name"), nullable=False),
        sa.Column("requested_at", sa.BigInteger, nullable=False),
        sa.Column("approver", sa.Text, sa.ForeignKey("users.name")),
        sa.Column("approved_at", sa.BigInteger),
        sa.CheckConstraint("approver IS NULL OR approver <> requester", name="approvals_two_people"),
    )
    op.create_index("approvals_by_subject", "approvals", ["kind", "subject"])


def _exchange() -> None:
    op.create_table(
        "peers",
        sa.Column("code_name", sa.Text, primary_key=True),
        sa.Column("node_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("certificate_sha256", sa.Text, nullable=False),
        sa.Column("signing_key", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("card", sa.LargeBinary, nullable=False),
    )
    op.create_index("peers_by_certificate", "peers", ["certificate_sha256"])
    op.create_table(
        "circles",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("terms", sa.LargeBinary, nullable=False),
        sa.Column("saved_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outboxes",
        sa.Column("number", Number, primary_key=True),
        sa.Column("circle", sa.Text, nullable=False, unique=True),
        sa.Column("last_added", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("number", Number, primary_key=True),
        sa.Column("circle", sa.BigInteger, sa.ForeignKey("outboxes.number"), nullable=False),
        sa.Column("added", sa.BigInteger, nullable=False),
        sa.Column("object_id", sa.Text, nullable=False),
        sa.Column("id_hash", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("version_at", sa.BigInteger, nullable=False),
        sa.Column("spec_version", sa.Text, nullable=False),
        sa.Column("recipients", sa.Text),
        sa.Column("withdrawn_at", sa.BigInteger),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("outbox_by_added", "outbox", ["circle", "added"], unique=True)
    op.create_index("outbox_by_object", "outbox", ["id_hash", "circle", "version_at", "added"])
    op.create_table(
        "cursors",
        sa.Column("peer", sa.Text, primary_key=True),
        sa.Column("circle", sa.Text, primary_key=True),
        sa.Column("direction", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )


def _small() -> None:
    series = op.create_table(
        "counters",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "notes",
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.bulk_insert(series, [{"name": name, "value": 0} for name in SERIES])
