"""Keep peers that are reached by OpenPGP mail, their mails, and the contact directory."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add three tables and the series of ticket numbers."""
    op.create_table(
        "mail_peers",
        sa.Column("code_name", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.Column("lang", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("contact", sa.Text),
        sa.Column("added_at", sa.BigInteger, nullable=False),
    )
    op.create_index("mail_peers_by_address", "mail_peers", ["address"], unique=True)
    op.create_table(
        "mails",
        sa.Column("number", Number, primary_key=True),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("identity", sa.Text, nullable=False),
        sa.Column("peer", sa.Text),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("ticket", sa.Text),
        sa.Column("circle", sa.Text),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("decided_by", sa.Text),
        sa.Column("decided_at", sa.BigInteger),
    )
    op.create_index("mails_by_identity", "mails", ["identity"], unique=True)
    op.create_index("mails_by_message", "mails", ["message_id"])
    op.create_index("mails_by_ticket", "mails", ["ticket"])
    op.create_table(
        "contacts",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("peer", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("contacts_by_peer", "contacts", ["peer"])
    op.execute("INSERT INTO counters (name, value) VALUES ('tickets', 0)")


def downgrade() -> None:
    """A store is never taken back: restore the backup made before the upgrade."""
    raise RuntimeError("restore a backup instead")
