"""Sensors whose clocks are wrong: found by the edges of what they recorded, corrected before anybody reads a lead time.

Sensors of one side that record the same period start and stop together. A sensor whose first *and* last record both
lie the same distance from its neighbours' has a wrong clock or a wrong time zone; one that merely started late or
stopped early moves only one edge and is left alone. Nothing is corrected when the side is too small or its edges are
ragged, because then there is no common period to compare with.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from seawall.match.interface import LakeSession

SENSOR_OFFSETS = "match_sensor_offsets"

MIN_NEIGHBOURS = 5  # sensors of a side: below, a median is no witness
MIN_RECORDS = 50  # per sensor: fewer leave the edges to chance
MIN_SKEW = 300_000_000  # microseconds (5 min): smaller errors do not change a lead that people act on
MAX_SKEW = 93_600_000_000  # microseconds (26 h): the widest time-zone mistake (UTC+14 read as UTC-12)
EDGE_SPACINGS = 6  # both edges must agree within this many mean distances between a sensor's records
MAX_RAGGED_SHARE = 0.3  # of sensors may lie off the median edges (wrong clocks and late starters together)


def sensor_offsets(session: LakeSession) -> pa.Table:
    """Columns side, sensor, skew (microseconds that the sensor's clock is ahead); only sensors that are off."""
    edges = session.sql(
        "SELECT side, sensor, min(time) AS first, max(time) AS last, count(*) AS records "
        f"FROM {session.observations(0)} AS o WHERE sensor IS NOT NULL GROUP BY side, sensor ORDER BY side, sensor"
    )
    sides = np.asarray(edges["side"].to_pylist(), dtype=object)
    off = [row for side in sorted(set(sides)) for row in _of_side(edges.filter(pa.array(sides == side)))]
    return pa.Table.from_pylist(
        off, schema=pa.schema([("side", pa.string()), ("sensor", pa.string()), ("skew", pa.int64())])
    )


def register_offsets(session: LakeSession) -> int:
    """Make ``match_sensor_offsets`` readable in the session; how many sensors are off."""
    table = sensor_offsets(session)
    session.register(SENSOR_OFFSETS, table)
    return len(table)


def _of_side(edges: pa.Table) -> list[dict[str, object]]:
    first, last, records = (edges[name].to_numpy() for name in ("first", "last", "records"))
    steady = records >= MIN_RECORDS
    if int(steady.sum()) < MIN_NEIGHBOURS:
        return []
    starts = first - np.median(first[steady])
    stops = last - np.median(last[steady])
    spacing = (last - first) / np.maximum(records - 1, 1)
    slack = EDGE_SPACINGS * spacing
    aligned = (np.abs(starts) <= slack) & (np.abs(stops) <= slack)
    if np.mean(~aligned[steady]) > MAX_RAGGED_SHARE:
        return []
    skew = np.rint((starts + stops) / 2).astype(np.int64)
    agreeing = np.abs(starts - stops) <= slack
    off = steady & ~aligned & agreeing & (np.abs(skew) >= np.maximum(MIN_SKEW, slack)) & (np.abs(skew) <= MAX_SKEW)
    names = edges["sensor"].to_pylist()
    side = edges["side"][0].as_py()
    return [{"side": side, "sensor": names[place], "skew": int(skew[place])} for place in np.flatnonzero(off)]
