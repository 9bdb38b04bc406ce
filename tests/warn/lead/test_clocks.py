"""Wrong clocks: found with error and interval where values came to both at once, and not invented elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.warn.lead import LeadOptions, analyse, estimate_skew
from warn.lead.scenes import BEGINS, DAY, pairs, table

SECOND = 1_000_000


def met(count: int, skew: int, seed: int, at_once: float = 0.6) -> tuple[np.ndarray, np.ndarray]:
    """Moments there and here: a part of the values came to both within seconds, the others within two days."""
    random = np.random.default_rng(seed)
    here = BEGINS + random.integers(0, 30 * DAY, count)
    apart = np.where(random.random(count) < at_once, random.normal(0, 8, count), random.normal(0, 86_400, count))
    return here + (apart * SECOND).astype(np.int64) + skew * SECOND, here


@pytest.mark.parametrize("skew", [-3_600, -400, 400, 3_600, 32_400])
def test_a_constant_error_is_estimated(skew: int) -> None:
    """An hour, seven minutes, and nine hours (a time zone) are found within seconds, and the interval holds them."""
    found = estimate_skew(*met(200, skew, 1), seed=1)
    assert found is not None
    assert found.flagged
    assert found.interval.low <= skew * SECOND <= found.interval.high
    assert abs(found.ahead - skew * SECOND) < 5 * SECOND


def test_right_clocks_are_not_flagged() -> None:
    """A peak around nothing speaks for two right clocks; a small error changes no lead."""
    for skew in (0, 60):
        found = estimate_skew(*met(200, skew, 2), seed=1)
        assert found is not None
        assert not found.flagged


@pytest.mark.parametrize("lead_hours", [0, 12, 72])
def test_a_true_lead_is_no_wrong_clock(lead_hours: int) -> None:
    """Leads that spread over hours and days make no peak."""
    assert analyse(pairs(1_000, seed=3, lead_hours=lead_hours), LeadOptions()).clocks == ()


def test_few_values_tell_no_clock() -> None:
    """Nineteen differences make no peak, nor do none."""
    assert estimate_skew(*met(19, 3_600, 4), seed=1) is None
    assert estimate_skew([], [], seed=1) is None
    assert estimate_skew([float("nan")] * 50, [1.0] * 50, seed=1) is None


def test_a_wrong_clock_makes_no_lead() -> None:
    """A side whose clock is an hour behind would be first in everything: flagged, not tested, not corrected."""
    there, here = met(300, -3_600, 5, at_once=0.9)
    names = [f"v{one}" for one in range(300)]
    found = analyse(
        table(value=names, there_first=there, here_first=here, proved_there=there), LeadOptions(one_lake=True)
    )
    assert "clock-skew" in found.whole.flags
    assert found.whole.p_there is None
    assert found.whole.lead_over_null_seconds is None
    assert found.whole.raw_lead_seconds == pytest.approx(3_600, abs=60)
