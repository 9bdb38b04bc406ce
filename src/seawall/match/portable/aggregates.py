"""Aggregates: hits counted, and rolled up by indicator, side, sector and hour, by indicator and side, and by type."""

from __future__ import annotations

import msgspec

from seawall.match.portable.stage import ComputingSession
from seawall.match.totals import HOUR_OF

SEEN = "portable_seen"
"""Kept here for ``both_sides``: (indicator, type, side, first, n), one row for each indicator and side."""


class Aggregates(msgspec.Struct, frozen=True):
    """Counts over all hits."""

    hits: int
    matched_events: int
    aggregates: int
    indicators_hit: int
    sightings: int
    by_indicator_type: dict[str, int]


def aggregate(session: ComputingSession, hits: str) -> Aggregates:
    """Counts over the relation ``hits``; keeps ``SEEN``."""
    session.keep(
        SEEN,
        f"SELECT indicator, type, side, min(time) AS first, count(*) AS n FROM {hits} h GROUP BY indicator, type, side",
    )
    counted = session.sql(
        f"SELECT count(*) AS hits, count(DISTINCT event) AS matched_events FROM {hits} h"
    ).to_pylist()[0]
    rolled = session.sql(
        f"SELECT count(*) AS n FROM (SELECT DISTINCT indicator, side, sector, {HOUR_OF} AS hour FROM {hits} h) r"
    )
    seen = session.sql(f"SELECT count(*) AS sightings, count(DISTINCT indicator) AS indicators FROM {SEEN} s")
    kinds = session.sql(f"SELECT type, CAST(sum(n) AS BIGINT) AS n FROM {SEEN} s GROUP BY type ORDER BY type")
    return Aggregates(
        hits=counted["hits"],
        matched_events=counted["matched_events"],
        aggregates=rolled["n"][0].as_py(),
        indicators_hit=seen["indicators"][0].as_py(),
        sightings=seen["sightings"][0].as_py(),
        by_indicator_type=dict(zip(kinds["type"].to_pylist(), kinds["n"].to_pylist(), strict=True)),
    )
