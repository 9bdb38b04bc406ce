"""The tables of our exposure list and of hunts; see ``tables``."""

from __future__ import annotations

import sqlalchemy as sa

from seawall.store.tables import Number, metadata

exposure_assets = sa.Table(  # what we run; replaced list by list
    "exposure_assets",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # JSON of model.exposure.Asset
    sa.Column("added_at", sa.BigInteger, nullable=False),
    sa.Index("exposure_assets_by_source", "source"),
    sqlite_autoincrement=True,
)

exposure_sayings = sa.Table(  # what is said of vulnerabilities; replaced source by source
    "exposure_sayings",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("cve", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # affected, remedy, exploited
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("added_at", sa.BigInteger, nullable=False),
    sa.Index("exposure_sayings_by_cve", "cve", "kind"),
    sa.Index("exposure_sayings_by_kind", "kind"),
    sa.Index("exposure_sayings_by_source", "source"),
    sqlite_autoincrement=True,
)

exposure_answers = sa.Table(
    "exposure_answers",
    metadata,
    sa.Column("cve", sa.Text, primary_key=True),
    sa.Column("peer", sa.Text, primary_key=True),  # empty: we said it
    sa.Column("circle", sa.Text, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
)

hunts = sa.Table(
    "hunts",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("confirms", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # JSON of model.hunt.Hunt
    sa.Index("hunts_once", "side", "peer", "id", unique=True),
    sa.Index("hunts_by_confirms", "confirms"),
    sqlite_autoincrement=True,
)

hunt_answers = sa.Table(
    "hunt_answers",
    metadata,
    sa.Column("number", Number, primary_key=True),
    sa.Column("side", sa.Text, nullable=False),
    sa.Column("peer", sa.Text, nullable=False),
    sa.Column("hunt", sa.Text, nullable=False),
    sa.Column("object_id", sa.Text, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("body", sa.Text, nullable=False),  # JSON of model.hunt.HuntAnswer
    sa.Index("hunt_answers_once", "side", "peer", "object_id", unique=True),
    sa.Index("hunt_answers_by_hunt", "side", "peer", "hunt"),
    sqlite_autoincrement=True,
)

hunt_spends = sa.Table(  # what a peer's hunts cost it; nothing is ever given back
    "hunt_spends",
    metadata,
    sa.Column("peer", sa.Text, primary_key=True),
    sa.Column("hunt", sa.Text, primary_key=True),
    sa.Column("what", sa.Text, primary_key=True),  # asked, or the tier of an answer
    sa.Column("points", sa.BigInteger, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("hunt_spends_by_time", "peer", "at"),
)
