"""The tables of runs that find the overlap; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

overlap_sessions = sa.Table(  # one row for each run over one type with one peer
    "overlap_sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("epoch", sa.Text, nullable=False),
    sa.Column("part", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("begun_at", sa.BigInteger, nullable=False),
    sa.Column("changed_at", sa.BigInteger, nullable=False),
    sa.Column("mine", sa.BigInteger, nullable=False),
    sa.Column("theirs", sa.BigInteger, nullable=False),
    sa.Column("common", sa.BigInteger, nullable=False),
    sa.Column("sent_bytes", sa.BigInteger, nullable=False),
    sa.Column("received_bytes", sa.BigInteger, nullable=False),
    sa.Column("budget_before", sa.BigInteger, nullable=False),
    sa.Column("budget_after", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False, server_default="overlap"),
    sa.Index("overlap_sessions_by_peer", "peer", "type", "begun_at"),
)

overlap_items = sa.Table(  # what both sides hold, and how much of it either told
    "overlap_items",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("found_at", sa.BigInteger, nullable=False),
    sa.Column("ours_said", sa.BigInteger, nullable=False),
    sa.Column("theirs_said", sa.BigInteger, nullable=False),
    sa.Column("permitted", sa.Integer, nullable=False),
    sa.Column("permitted_by", sa.Text),  # JSON list
    sa.Column("opened_at", sa.BigInteger),
    sa.Column("vouched_at", sa.BigInteger),
    sa.Column("given", sa.Integer, nullable=False),
    sa.Column("given_at", sa.BigInteger),
    sa.Column("taken", sa.Integer, nullable=False),
    sa.Column("taken_at", sa.BigInteger),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("ours_as", sa.Text, nullable=False, server_default="candidate"),
    sa.Column("theirs_as", sa.Text, nullable=False, server_default="candidate"),
    sa.Index("overlap_items_once", "peer", "type", "value", unique=True),
)

met_commitments = sa.Table(  # what we merely met and committed to
    "met_commitments",
    metadata,
    sa.Column("number", Number, primary_key=True),  # BATCH times its batch's plus its place, as of candidates
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),  # first met, in days since 1970-01-01
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("batch", sa.BigInteger, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("withdrawn", sa.Text),  # why it does not enter any more; NULL: it does
    sa.Index("met_commitments_by_value", "type", "value", unique=True),
    sa.Index("met_commitments_by_number", "type", "number"),
)
