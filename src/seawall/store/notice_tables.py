"""The tables of notices, recalls, and what was set aside; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

notices = sa.Table(  # small signed documents, by their number in one direction between this node and a peer
    "notices",
    metadata,
    sa.Column("peer", sa.Text, primary_key=True),
    sa.Column("ours", sa.Boolean, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("settled_at", sa.BigInteger),
)

recalls = sa.Table(  # one row for each object and receiver of one recall (ours), and for what peers took back
    "recalls",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("ours", sa.Boolean, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("circles", sa.Text, nullable=False),  # JSON list
    sa.Column("cause", sa.Text, nullable=False),
    sa.Column("behind", sa.Text),  # the peer whose recall we pass on
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("notice", sa.BigInteger),  # the number under which it was told
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("told_at", sa.BigInteger),
    sa.Column("answered_at", sa.BigInteger),
    sa.Column("said", sa.Text),
    sa.Column("receipt", sa.LargeBinary),  # the signed envelope
    sa.Index("recalls_once", "act", "object_id", "peer", "ours", unique=True),
    sa.Index("recalls_by_object", "object_id"),
    sa.Index("recalls_by_state", "state", "at"),
)

set_aside = sa.Table(  # what a peer sent that may have been broken into, so that it can be given back
    "set_aside",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("set_aside_once", "peer", "kind", "key", unique=True),
)
