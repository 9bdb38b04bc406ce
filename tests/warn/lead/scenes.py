"""Two parties that meet the same attackers, with known rates and a known lead."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from seawall.warn.lead import PAIR_SCHEMA

HOUR = 3_600_000_000
DAY = 24 * HOUR
BEGINS = 20_000 * DAY
Fields = dict[str, Any]


def pairs(
    count: int, *, seed: int, lead_hours: float = 0.0, rate_there: int = 1, rate_here: int = 1, campaigns: int = 0,
    shared: float = 0.6, days: int = 60, delay_hours: float | None = None, party: str = "kr",
) -> pa.Table:  # fmt: skip
    """``count`` attackers that begin at chance moments: each side meets one after an exponential time of 24 hours over
    its rate, here ``lead_hours`` later; a part is met on one side only. Told after ``delay_hours``; None: our lake."""
    random = np.random.default_rng(seed)
    begin = BEGINS + random.integers(0, days * DAY, count)
    there = begin + (random.exponential(24 / rate_there, count) * HOUR).astype(np.int64)
    here = begin + ((lead_hours + random.exponential(24 / rate_here, count)) * HOUR).astype(np.int64)
    fate = random.random(count)
    at_there, at_here = fate < shared + (1 - shared) / 2, (fate < shared) | (fate >= shared + (1 - shared) / 2)
    told = there + int((delay_hours or 0) * HOUR)
    named = [f"campaign--{one}" for one in random.integers(0, campaigns, count)] if campaigns else [None] * count
    return table(
        party=[party] * count,
        type=[("ipv4", "domain")[one] for one in random.integers(0, 2, count)],
        value=[f"v{one}.test" for one in range(count)],
        campaign=named,
        there_first=_where(there, at_there),
        there_last=_where(there + 24 * 5 * HOUR, at_there),
        there_count=_where(np.full(count, 5 * rate_there), at_there),
        here_first=_where(here, at_here),
        here_last=_where(here + 24 * 5 * HOUR, at_here),
        here_count=_where(np.full(count, 5 * rate_here), at_here),
        told_us=_where(told, at_there),
        proved_there=_where(told if delay_hours is not None else there, at_there),
    )


def table(**columns: Any) -> pa.Table:
    """A table of PAIR_SCHEMA; what is not given is empty, plain or one sensor."""
    count = len(columns["value"])
    plain: Fields = {
        "party": ["kr"] * count, "type": ["domain"] * count, "sectors": [["water"]] * count,
        "imported": [False] * count, "there_sensors": [1] * count, "here_sensors": [1] * count,
    }  # fmt: skip
    given = plain | columns
    return pa.table(
        {field.name: given.get(field.name, pa.nulls(count, field.type)) for field in PAIR_SCHEMA}, schema=PAIR_SCHEMA
    )


def changed(given: pa.Table, **columns: Any) -> pa.Table:
    """The same with other columns."""
    return pa.table({name: columns.get(name, given[name]) for name in PAIR_SCHEMA.names}, schema=PAIR_SCHEMA)


def permuted_within_days(given: pa.Table, seed: int) -> pa.Table:
    """Every first record's vantage label permuted within its day and type; days with under 20 of a type are one."""
    random = np.random.default_rng(seed)
    moments = [given[name].combine_chunks() for name in ("there_first", "here_first")]
    met = [np.asarray(each.is_valid().to_numpy(zero_copy_only=False)) for each in moments]
    times = [each.fill_null(0).to_numpy() for each in moments]
    value = np.concatenate([np.flatnonzero(each) for each in met])
    moment = np.concatenate([each[on] for each, on in zip(times, met, strict=True)])
    label = np.concatenate([np.full(int(met[0].sum()), 0), np.full(int(met[1].sum()), 1)])
    kind = (np.asarray(given["type"].to_pylist()) == "ipv4")[value]
    stratum = moment // DAY * 2 + kind
    _, place, size = np.unique(stratum, return_inverse=True, return_counts=True)
    stratum = np.where(size[place] >= 20, stratum, -1 - kind)
    for one in np.unique(stratum):
        rows = np.flatnonzero(stratum == one)
        label[rows] = label[random.permutation(rows)]
    found: Fields = {}
    for side, name in enumerate(("there", "here")):
        first, last, count = np.full(len(given), 2**62), np.full(len(given), -1), np.zeros(len(given), np.int64)
        mine = label == side
        np.minimum.at(first, value[mine], moment[mine])
        np.maximum.at(last, value[mine], moment[mine])
        np.add.at(count, value[mine], 1)
        for column, numbers in (("first", first), ("last", last), ("count", count)):
            found[f"{name}_{column}"] = _where(numbers, count > 0)
    return changed(given, **found, told_us=found["there_first"], proved_there=found["there_first"])


def _where(values: np.ndarray[Any, Any], on: np.ndarray[Any, Any]) -> pa.Array:
    return pa.array(values.astype(np.int64), pa.int64(), mask=~on)
