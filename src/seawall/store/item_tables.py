"""The table of what people said of single items; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import metadata

item_terms = sa.Table(
    "item_terms",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kinds", sa.Text, nullable=False),  # JSON list
    sa.Column("basis", sa.Text),
    sa.Column("basis_source", sa.Text),
    sa.Column("kept_until", sa.BigInteger),
    sa.Column("said_by", sa.Text, nullable=False),
    sa.Column("said_at", sa.BigInteger, nullable=False),
    sa.Index("item_terms_by_end", "kept_until"),
)
