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


def aggregate(session: ComputingSession, hits: str, past: str | None = None) -> Aggregates:
    """Counts over the relation ``hits``; keeps ``SEEN``.

    ``past``: what is known of days whose rows have left the lake; it counts as sightings, not as hits.
    """
    earlier = f" UNION ALL SELECT indicator, type, side, first, 0 AS n FROM {past} p" if past else ""
    session.keep(
        SEEN,
        "SELECT indicator, type, side, min(first) AS first, CAST(sum(n) AS BIGINT) AS n FROM ("
        f"SELECT indicator, type, side, time AS first, 1 AS n FROM {hits} h{earlier}) s GROUP BY indicator, type, side",
    )
    counted = session.sql(
        f"SELECT count(*) AS hits, count(DISTINCT event) AS matched_events FROM {hits} h"
    ).to_pylist()[0]
    rolled = session.sql(
        f"SELECT count(*) AS n FROM (SELECT DISTINCT indicator, side, sector, {HOUR_OF} AS hour FROM {hits} h) r"
    )
    seen = session.sql(f"SELECT count(*) AS sightings, count(DISTINCT indicator) AS indicators FROM {SEEN} s")
    kinds = session.sql(
        f"SELECT type, CAST(sum(n) AS BIGINT) AS n FROM {SEEN} s WHERE n > 0 GROUP BY type ORDER BY type"
    )
    return Aggregates(
        hits=counted["hits"],
        matched_events=counted["matched_events"],
        aggregates=rolled["n"][0].as_py(),
        indicators_hit=seen["indicators"][0].as_py(),
        sightings=seen["sightings"][0].as_py(),
        by_indicator_type=dict(zip(kinds["type"].to_pylist(), kinds["n"].to_pylist(), strict=True)),
    )
