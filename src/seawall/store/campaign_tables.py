"""The tables of campaigns and technique sightings; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

campaigns = sa.Table(
    "campaigns",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("last_seen", sa.BigInteger, nullable=False),
    sa.Column("merged_into", sa.Text),  # NULL: it stands
    sa.Column("member_count", sa.BigInteger, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # the whole campaign as JSON
    sa.Column("change", sa.BigInteger, nullable=False),
    sa.Index("campaigns_once", "id", unique=True),
    sa.Index("campaigns_by_change", "change"),
)

campaign_members = sa.Table(
    "campaign_members",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("campaign", sa.BigInteger, nullable=False),  # campaigns.number
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # the rest of the member as JSON
    sa.Index("campaign_members_once", "type", "value", unique=True),
    sa.Index("campaign_members_by_campaign", "campaign", "number"),
)

campaign_arrivals = sa.Table(  # when a campaign came to a sector of a side
    "campaign_arrivals",
    metadata,
    sa.Column("campaign", sa.BigInteger, primary_key=True),
    sa.Column("side", sa.Text, primary_key=True),
    sa.Column("sector", sa.Text, primary_key=True),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

campaign_origins = sa.Table(  # peers whose knowledge stands in a campaign
    "campaign_origins",
    metadata,
    sa.Column("campaign", sa.BigInteger, primary_key=True),
    sa.Column("origin", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

campaign_history = sa.Table(
    "campaign_history",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("campaign", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("other", sa.Text),
    sa.Column("member_count", sa.BigInteger, nullable=False),
    sa.Index("campaign_history_by_campaign", "campaign", "number"),
)

technique_sightings = sa.Table(
    "technique_sightings",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),  # empty: ours
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("first_seen", sa.BigInteger, nullable=False),
    sa.Column("tlp", sa.Integer, nullable=False),
    sa.Column("pap", sa.Integer, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # the whole sighting as JSON
    sa.Index("technique_sightings_once", "id", "origin", unique=True),
)
