"""The tables of what protects a search for the overlap from a dishonest peer; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

commitments = sa.Table(  # every candidate of ours that was committed to
    "commitments",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("day", sa.Integer, nullable=False),  # first seen, in days since 1970-01-01
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("salt", sa.LargeBinary, nullable=False),
    sa.Column("batch", sa.BigInteger, nullable=False),
    sa.Column("place", sa.Integer, nullable=False),  # in the batch
    sa.Column("strength", sa.Integer, nullable=False),
    sa.Column("withdrawn", sa.Text),  # why it does not enter an overlap any more; NULL: it does
    sa.Index("commitments_by_value", "type", "value", unique=True),
    sa.Index("commitments_by_strength", "type", "strength"),
)

commitment_batches = sa.Table(  # each is one leaf of the ledger
    "commitment_batches",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("totals", sa.Text, nullable=False),  # JSON: type -> how many were committed up to and with this batch
    sa.Column("commitments", sa.LargeBinary, nullable=False),  # 32 bytes each, in their places
    sa.Column("leaf", sa.BigInteger),  # NULL: not on the ledger yet
    sa.Index("commitment_batches_by_leaf", "leaf"),
)

cosigned_checkpoints = sa.Table(  # our checkpoints as others cosigned them, one by one: they date our leaves
    "cosigned_checkpoints",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),  # of the witness
    sa.Column("size", sa.BigInteger, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),  # microseconds UTC, as the witness says
    sa.Column("note", sa.Text, nullable=False),
)

overlap_exclusions = sa.Table(  # what people said must never enter an overlap
    "overlap_exclusions",
    metadata,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("added_at", sa.BigInteger, nullable=False),
    sa.Column("added_by", sa.Text, nullable=False),
)

budget_spends = sa.Table(  # what each part of a peer's questions cost it
    "budget_spends",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("part", sa.Integer, nullable=False),
    sa.Column("digest", sa.Text, nullable=False),  # of the part: another one under its number costs again
    sa.Column("day", sa.Integer, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("initial", sa.BigInteger, nullable=False),
    sa.Column("daily", sa.BigInteger, nullable=False),
    sa.Column("hot", sa.BigInteger, nullable=False),
    sa.Column("refilled", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("leaf", sa.BigInteger),  # NULL: not on the ledger yet, so not answered
    sa.Index("budget_spends_once", "peer", "type", "session", "part", unique=True),
    sa.Index("budget_spends_by_day", "peer", "type", "day"),
)

budget_refills = sa.Table(  # what two people added for one epoch
    "budget_refills",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("count", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("people", sa.Text, nullable=False),  # JSON list
    sa.Index("budget_refills_by_epoch", "peer", "type", "epoch"),
)

decoys = sa.Table(
    "decoys",
    metadata,
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("drawn_at", sa.BigInteger, nullable=False),
    sa.Column("drawn_by", sa.Text, nullable=False),
    sa.Column("retired", sa.Text),  # why it is none any more; NULL: it is one
)

decoy_hits = sa.Table(  # which peer held which decoy
    "decoy_hits",
    metadata,
    sa.Column("peer", sa.Text, primary_key=True),
    sa.Column("type", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("settled_at", sa.BigInteger),  # when a person said to go on
)
