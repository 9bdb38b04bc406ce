"""The canary's judgement, and whether traffic fell."""

from __future__ import annotations

import random

import pytest

from seawall.protect.canary import CanaryEvidence, judge
from seawall.protect.lanes import Trial
from seawall.protect.traffic_drop import FALSE_ALARM, compare, seasonal


def seen(minutes: float, **given: int) -> CanaryEvidence:
    """Evidence of so many minutes."""
    return CanaryEvidence(watched_minutes=minutes, **({"telemetry": 500, "sessions": 0, "calm_hosts": 0} | given))


@pytest.mark.parametrize(
    ("evidence", "trial"),
    [
        (seen(10.0), Trial.PASSED),
        (seen(9.9), Trial.WATCHING),
        (seen(10.0, telemetry=0), Trial.WATCHING),
        (seen(10.0, sessions=7, calm_hosts=1), Trial.PASSED),
        (seen(0.5, sessions=2, calm_hosts=2), Trial.FAILED),
        (seen(1.0, sessions=20, calm_hosts=1), Trial.PASSED),
        (seen(0.9, sessions=2_000, calm_hosts=1), Trial.WATCHING),
    ],
)
def test_a_canary_is_judged_by_what_met_it(evidence: CanaryEvidence, trial: Trial) -> None:
    """Calm hosts end it at once, time or sessions let it pass, and without telemetry nobody judges."""
    verdict = judge(evidence, 10.0)
    assert verdict.trial is trial
    assert verdict.text.format(**verdict.values).endswith(".")


def test_a_fall_is_seen_and_stands_out() -> None:
    """Half the traffic missing in three intervals against 24 is a drop; a tenth is none."""
    chance = random.Random(7)
    before = [chance.gauss(1_000, 50) for _ in range(24)]
    assert compare(before, [500, 520, 480]).dropped
    assert not compare(before, [900, 905, 910]).dropped
    assert not compare(before[:10], [1, 1, 1]).enough


def test_false_alarms_are_as_rare_as_stated() -> None:
    """Over 2,000 runs of unchanged, heavy-tailed traffic, no more alarms than stated (and three standard errors)."""
    chance = random.Random(11)
    alarms = 0
    for _ in range(2_000):
        counts = [chance.lognormvariate(6, 1.0) for _ in range(27)]
        alarms += compare(counts[:24], counts[24:]).dropped
    assert alarms <= 2_000 * FALSE_ALARM + 3 * (2_000 * FALSE_ALARM) ** 0.5


def test_the_end_of_office_hours_is_no_drop() -> None:
    """Counts that fall at the same hour each day are divided by what is usual then."""
    usual = [1_000.0] * 24 + [300.0] * 3
    days = [[value * factor for value in usual] for factor in (0.9, 1.0, 1.1, 1.2)]
    today = [value * 1.05 for value in usual]
    assert compare(today[:24], today[24:]).dropped
    adjusted = seasonal(today, days)
    assert not compare(adjusted[:24], adjusted[24:]).dropped
    assert seasonal(today, days[:2]) == today
