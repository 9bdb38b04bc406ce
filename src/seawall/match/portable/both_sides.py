"""Both sides: indicators and campaigns that hit at least two sides, and how long the second was hit after the first.

Lags stay integer microseconds: engines differ in the last digits of averaged floating-point numbers.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from seawall.match.portable.aggregates import SEEN
from seawall.match.portable.stage import ComputingSession
from seawall.match.report import BothSides
from seawall.match.totals import median_seconds

_CAMPAIGNS = "portable_campaigns"


def both_sides(session: ComputingSession, keys: pa.Table) -> BothSides:
    """Counts over what ``aggregates`` kept; ``keys`` names each indicator's campaign."""
    lags = session.sql(
        "SELECT max(first) - min(first) AS lag FROM ("
        "  SELECT indicator, first, row_number() OVER (PARTITION BY indicator ORDER BY first, side) AS place"
        f"  FROM {SEEN} s) r WHERE place <= 2 GROUP BY indicator HAVING count(*) = 2"
    )["lag"].to_numpy()
    return BothSides(indicators=len(lags), campaigns=_campaigns(session, keys), median_lag_seconds=median_seconds(lags))


def _campaigns(session: ComputingSession, keys: pa.Table) -> int:
    """Campaigns that hit at least two sides, by whichever of their indicators."""
    if "campaign" not in keys.column_names:
        return 0
    named = pa.table({"indicator": keys["number"].cast(pa.int64()), "campaign": keys["campaign"].cast(pa.string())})
    session.register(_CAMPAIGNS, named.filter(pc.is_valid(named["campaign"])))
    found = session.sql(
        f"SELECT count(*) AS n FROM (SELECT c.campaign FROM {SEEN} s JOIN {_CAMPAIGNS} c ON c.indicator = s.indicator "
        "GROUP BY c.campaign HAVING count(DISTINCT s.side) >= 2) b"
    )
    return int(found["n"][0].as_py())
