"""The tables of masked sums; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import metadata

aggregate_rounds = sa.Table(  # rounds that we started, or were asked to take part in
    "aggregate_rounds",
    metadata,
    sa.Column("round_id", sa.Text, primary_key=True),
    sa.Column("query", sa.Text, nullable=False),
    sa.Column("data_set", sa.Text, nullable=False),
    sa.Column("first_week", sa.BigInteger, nullable=False),
    sa.Column("weeks", sa.BigInteger, nullable=False),
    sa.Column("starter", sa.Text, nullable=False),  # node id
    sa.Column("digest", sa.Text, nullable=False),  # of the signed proposal
    sa.Column("proposal", sa.LargeBinary, nullable=False),
    sa.Column("rerun_of", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("key", sa.LargeBinary),  # ours for this round; only until our contribution is made
    sa.Column("opening", sa.LargeBinary),  # what our commitment stands for
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("expires", sa.BigInteger, nullable=False),
    sa.Column("contributed_at", sa.BigInteger),
    sa.Column("reason", sa.Text),
    sa.Index("aggregate_rounds_by_query", "query", "first_week"),
    sa.Index("aggregate_rounds_by_state", "state", "expires"),
)

aggregate_documents = sa.Table(  # what members said in a round, signed
    "aggregate_documents",
    metadata,
    sa.Column("round_id", sa.Text, primary_key=True),
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
)

aggregate_told = sa.Table(  # how far a member has heard of a round from us
    "aggregate_told",
    metadata,
    sa.Column("round_id", sa.Text, primary_key=True),
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("stage", sa.BigInteger, nullable=False),
)

aggregate_charges = sa.Table(  # what each contribution of ours cost its data set
    "aggregate_charges",
    metadata,
    sa.Column("round_id", sa.Text, primary_key=True),
    sa.Column("data_set", sa.Text, nullable=False),
    sa.Column("epsilon", sa.BigInteger, nullable=False),  # thousandths
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("aggregate_charges_by_time", "data_set", "at"),
)

aggregate_agreements = sa.Table(  # which node works with which catalogue
    "aggregate_agreements",
    metadata,
    sa.Column("catalogue", sa.Text, primary_key=True),
    sa.Column("node", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("envelope", sa.LargeBinary, nullable=False),
)
