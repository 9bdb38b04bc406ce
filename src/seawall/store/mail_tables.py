"""The tables of mail peers, mails and contacts; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

mail_peers = sa.Table(
    "mail_peers",
    metadata,
    sa.Column("code_name", sa.Text, primary_key=True),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("key", sa.LargeBinary, nullable=False),
    sa.Column("lang", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("contact", sa.Text),
    sa.Column("added_at", sa.BigInteger, nullable=False),
    sa.Index("mail_peers_by_address", "address", unique=True),
)

mails = sa.Table(
    "mails",
    metadata,
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
    sa.Index("mails_by_identity", "identity", unique=True),
    sa.Index("mails_by_message", "message_id"),
    sa.Index("mails_by_ticket", "ticket"),
)

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("peer", sa.Text),
    sa.Column("body", sa.Text, nullable=False),
    sa.Index("contacts_by_peer", "peer"),
)
