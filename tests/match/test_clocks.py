"""Sensors whose clocks are wrong."""

from __future__ import annotations

import numpy as np
import pytest

from match.fake_lake import FakeLake, row
from match.scenes import HOUR, PlainScreens
from seawall.match import candidate_table, sensor_offsets

RECORDS, DAY = 400, 24 * HOUR


def day_of(sensors: dict[str, tuple[int, int, int]]) -> FakeLake:
    """Sensors with (clock error, first moment, last moment), each with evenly random records in between."""
    rows: list[dict[str, object]] = []
    lake, rng = FakeLake(), np.random.default_rng(5)
    for name, (skew, first, last) in sensors.items():
        for moment in rng.integers(first, last, RECORDS).tolist():
            rows.append(row(len(rows), sensor=name, time=moment + skew, basis="none", kind="flow"))
    lake.add(rows)
    return lake


def offsets(lake: FakeLake) -> dict[str, int]:
    """Skew by sensor, in microseconds."""
    with lake.reading() as session:
        found = sensor_offsets(session)
    return dict(zip(found["sensor"].to_pylist(), found["skew"].to_pylist(), strict=True))


@pytest.mark.parametrize("skew", [8 * HOUR, -HOUR])
def test_a_clock_that_is_hours_wrong_is_found(skew: int) -> None:
    """Both edges of the record moved alike: the error is estimated to within minutes."""
    lake = day_of({f"s{n}": (0, 0, DAY) for n in range(9)} | {"odd": (skew, 0, DAY)})
    found = offsets(lake)
    assert list(found) == ["odd"]
    assert abs(found["odd"] - skew) < HOUR // 6


def test_a_late_start_is_no_wrong_clock() -> None:
    """A sensor that started late, or stopped early, moved only one edge."""
    lake = day_of({f"s{n}": (0, 0, DAY) for n in range(9)} | {"late": (0, 6 * HOUR, DAY), "early": (0, 0, 18 * HOUR)})
    assert offsets(lake) == {}


def test_nothing_is_corrected_without_neighbours() -> None:
    """Four sensors are no witnesses, and neither is a side whose sensors all recorded other periods."""
    assert offsets(day_of({f"s{n}": (0, 0, DAY) for n in range(3)} | {"odd": (8 * HOUR, 0, DAY)})) == {}
    ragged = {f"s{n}": (0, n * 3 * HOUR, DAY + n * 3 * HOUR) for n in range(8)}
    assert offsets(day_of(ragged)) == {}


def test_a_candidate_carries_the_right_time() -> None:
    """What a sensor with a wrong clock alarmed about is dated by the right time, to within minutes."""
    lake = day_of({f"s{n}": (0, 0, DAY) for n in range(9)} | {"odd": (8 * HOUR, 0, DAY)})
    alarm = row(90_000, sensor="odd", time=20 * HOUR, src="10.0.0.1", dst="198.51.100.7", own_end="source")
    lake.add([alarm])
    with lake.reading() as session:
        found = candidate_table(session, PlainScreens()).to_pylist()
    assert len(found) == 1
    assert abs(found[0]["first_seen"] - 12 * HOUR) < HOUR // 6
