"""Totals of all hits: what ``seawall match`` reports for the whole lake."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from seawall.match.interface import LakeSession
from seawall.match.report import BothSides, Increments, MatchReport

HOUR = 3_600_000_000  # microseconds
HOUR_OF = f"(time - ((time % {HOUR}) + {HOUR}) % {HOUR})"
"""SQL: the hour's first microsecond, also before 1970: integer division in SQL truncates."""


def count_totals(
    session: LakeSession, hits: str, observations: str, keys: pa.Table, past: str | None = None
) -> MatchReport:
    """Counts over the relation ``hits``; ``keys`` names each indicator's campaign. ``new`` and ``run`` stay empty.

    ``past``: what is known of days whose rows have left the lake; it counts as sightings, not as hits.
    """
    counted = session.sql(
        f"SELECT count(*) AS hits, count(DISTINCT event) AS matched_events FROM {hits} AS h"
    ).to_pylist()[0]
    rows = session.sql(
        f"SELECT count(*) AS n FROM (SELECT DISTINCT indicator, side, sector, {HOUR_OF} AS hour FROM {hits} AS h)"
    )
    earlier = f" UNION ALL SELECT indicator, type, side, first, 0 FROM {past} AS p" if past else ""
    seen = session.sql(
        "SELECT indicator, type, side, min(first) AS first, CAST(sum(n) AS BIGINT) AS n FROM ("
        f"SELECT indicator, type, side, time AS first, 1 AS n FROM {hits} AS h{earlier}"
        ") GROUP BY indicator, type, side ORDER BY indicator, first, side"
    )
    by_type = seen.filter(pc.greater(seen["n"], 0)).group_by("type").aggregate([("n", "sum")]).sort_by("type")
    lake = session.sql(f"SELECT count(*) AS n, count(DISTINCT side) AS sides FROM {observations} AS o").to_pylist()[0]
    return MatchReport(
        events=lake["n"],
        hits=counted["hits"],
        matched_events=counted["matched_events"],
        aggregates=rows["n"][0].as_py(),
        indicators_hit=pc.count_distinct(seen["indicator"]).as_py(),
        sightings=seen.num_rows,
        by_indicator_type=dict(zip(by_type["type"].to_pylist(), by_type["n_sum"].to_pylist(), strict=True)),
        both_sides=_both_sides(seen, keys) if lake["sides"] >= 2 else None,
        new=Increments(),
    )


def _both_sides(seen: pa.Table, keys: pa.Table) -> BothSides:
    """``seen`` is sorted by indicator, then first sighting: the first two rows of an indicator are its two sides."""
    indicator = seen["indicator"].to_numpy()
    first = seen["first"].to_numpy()
    starts = np.flatnonzero(np.append(True, indicator[1:] != indicator[:-1])[: len(indicator)])
    both = starts[np.diff(np.append(starts, len(indicator))) >= 2]
    lags = first[both + 1] - first[both]
    return BothSides(indicators=len(both), campaigns=_campaigns(seen, keys), median_lag_seconds=median_seconds(lags))


def _campaigns(seen: pa.Table, keys: pa.Table) -> int:
    """Campaigns that hit at least two sides, by whichever of their indicators."""
    if "campaign" not in keys.column_names:
        return 0
    named = pa.table({"indicator": keys["number"].cast(pa.int64()), "campaign": keys["campaign"]})
    by_side = seen.select(["indicator", "side"]).join(
        named.filter(pc.is_valid(named["campaign"])), "indicator", join_type="inner"
    )
    pairs = by_side.group_by(["campaign", "side"]).aggregate([])
    sides = pairs.group_by("campaign").aggregate([("side", "count")])
    return int(pc.sum(pc.greater_equal(sides["side_count"], 2)).as_py() or 0)


def median_seconds(lags: np.ndarray[tuple[int], np.dtype[np.int64]]) -> float | None:
    """The median of microseconds, as seconds: integers until the final division, the mean of the middle two."""
    if len(lags) == 0:
        return None
    ordered = np.sort(lags)
    lower, upper = int(ordered[(len(ordered) - 1) // 2]), int(ordered[len(ordered) // 2])
    return (lower + upper) / 2_000_000
