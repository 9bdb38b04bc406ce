"""The tables of private set intersections; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

psi_epochs = sa.Table(  # one row for each epoch with one peer; the scalar is in no table
    "psi_epochs",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),  # lower hex
    sa.Index("psi_epochs_once", "peer", "epoch", unique=True),
)

psi_sessions = sa.Table(
    "psi_sessions",
    metadata,
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

psi_sent = sa.Table(  # parts of our lists: up to 65,536 values in one row
    "psi_sent",
    metadata,
    sa.Column("epoch", sa.BigInteger, primary_key=True),
    sa.Column("session", sa.BigInteger, primary_key=True),
    sa.Column("part", sa.BigInteger, primary_key=True),
    sa.Column("points", sa.LargeBinary, nullable=False),
    sa.Column("items", sa.LargeBinary, nullable=False),  # msgpack list of the values
    sa.Column("places", sa.LargeBinary, nullable=False),
    sa.Column("checks", sa.LargeBinary, nullable=False),
    sa.Column("tokens", sa.LargeBinary),  # None until it was answered
    sa.Column("answer", sa.LargeBinary, nullable=False),
)

psi_taken = sa.Table(  # parts of the other side's lists
    "psi_taken",
    metadata,
    sa.Column("epoch", sa.BigInteger, primary_key=True),
    sa.Column("session", sa.BigInteger, primary_key=True),
    sa.Column("part", sa.BigInteger, primary_key=True),
    sa.Column("digest", sa.LargeBinary, nullable=False),
    sa.Column("tokens", sa.LargeBinary, nullable=False),
)

psi_questions = sa.Table(  # asked, not settled
    "psi_questions",
    metadata,
    sa.Column("epoch", sa.BigInteger, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("item", sa.LargeBinary, nullable=False),
    sa.Column("blind", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
)
