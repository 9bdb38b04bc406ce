"""What is no sighting is taken out and named: lists, repeated sightings, floods; and nothing else is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from seawall.warn.lead.columns import columns
from seawall.warn.lead.screens import REASONS, counts, screened
from warn.lead.scenes import BEGINS, DAY, HOUR, changed, pairs, table

SECOND = 1_000_000


def reasons(given: pa.Table) -> dict[str, int]:
    """How many were taken out, by reason."""
    return counts(screened(given, columns(given)))


def test_ordinary_sightings_stay() -> None:
    """Two thousand attackers that met both sides, on a busy side too, are all kept."""
    assert reasons(pairs(2_000, seed=1)) == {}
    assert reasons(pairs(5_000, seed=2, rate_there=8, days=20)) == {}


def test_a_list_that_both_took_in_is_no_sighting() -> None:
    """Two hundred values that appear within a minute on either side, hours apart, are one list; others stay."""
    count = 200
    offset = np.random.default_rng(1).integers(0, 40 * SECOND, (2, count))
    listed = table(
        value=[f"l{one}" for one in range(count)], there_first=BEGINS + offset[0],
        here_first=BEGINS + 9 * HOUR + offset[1], proved_there=BEGINS + offset[0],
    )  # fmt: skip
    given = pa.concat_tables([pairs(500, seed=3, days=200), listed])
    assert reasons(given) == {"public-list": count}


def test_a_busy_minute_is_no_list() -> None:
    """Fifty attackers that one side met within a minute came to the other side as they came."""
    count = 50
    there = BEGINS + np.random.default_rng(2).integers(0, 40 * SECOND, count)
    here = there + np.random.default_rng(3).integers(0, 12 * HOUR, count)
    assert reasons(table(value=[f"v{one}" for one in range(count)], there_first=there, here_first=here)) == {}


def test_the_same_list_of_two_peers_is_no_sighting() -> None:
    """A list that two peers took in together is taken out of both, met here or not."""
    count = 60
    there = BEGINS + np.random.default_rng(4).integers(0, 30 * SECOND, count)
    two = [
        table(value=[f"v{one}" for one in range(count)], party=[party] * count, there_first=there + later)
        for party, later in (("kr", 0), ("us", 2 * DAY))
    ]
    assert reasons(pa.concat_tables([*two, pairs(300, seed=4, party="us", days=300)])) == {"several-peers": 2 * count}


def test_each_reason_has_its_name() -> None:
    """Scanners, other screens, somebody's indicator alone, and a repeated moment."""
    given = table(
        value=["a", "b", "c", "d", "e"], screen=["mass-scanner", "popular", None, None, None],
        imported=[False, False, True, False, False], there_first=[1, 1, 1, 7, 1], here_first=[2, 2, 2, 7, 2],
    )  # fmt: skip
    assert list(screened(given, columns(given))) == ["mass-scanner", "screened", "imported-only", "same-moment", ""]
    assert set(reasons(given)) <= set(REASONS)


def test_a_flood_by_one_sensor_says_when_it_broke() -> None:
    """Three thousand new values in one hour by one sensor are taken out; by several sensors they are an attack."""
    usual = pairs(400, seed=5, days=20)
    count = 3_000
    moment = BEGINS + 5 * DAY + np.random.default_rng(6).integers(0, HOUR, count)
    for sensors, expected in ((1, count), (3, 0)):
        flood = table(value=[f"f{one}" for one in range(count)], here_first=moment, here_sensors=[sensors] * count)
        found = reasons(pa.concat_tables([changed(usual), flood]))
        assert abs(found.get("flood", 0) - expected) <= 5


def test_nothing_has_no_reasons() -> None:
    """An empty table and one without any moment pass."""
    assert reasons(table(value=[])) == {}
    assert reasons(table(value=["a"])) == {}
