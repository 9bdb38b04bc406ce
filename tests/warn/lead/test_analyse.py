"""Leads by group: known leads are found, chance is not taken for one, and nobody can make one up."""

from __future__ import annotations

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from seawall.warn.lead import PAIR_SCHEMA, By, LeadGroup, LeadOptions, Null, State, analyse
from seawall.warn.lead.chance import against_chance
from seawall.warn.lead.columns import columns
from seawall.warn.lead.grouping import grouped
from warn.lead.scenes import BEGINS, DAY, HOUR, changed, pairs, permuted_within_days, table

SIDES = LeadOptions(by=By.ALL, one_lake=True)
PEERS = LeadOptions(by=By.PEER)


def whole(given: pa.Table, options: LeadOptions = SIDES) -> LeadGroup:
    """The group of everything."""
    return analyse(given, options).whole


@pytest.mark.parametrize("null", Null)
def test_a_known_lead_is_found(null: Null) -> None:
    """Twelve hours of lead are told as about twelve, beyond chance in that direction only."""
    found = whole(pairs(1_500, seed=1, lead_hours=12), msgspec.structs.replace(SIDES, null=null))
    assert found.raw_lead_seconds is not None
    assert found.raw_low is not None
    assert found.raw_high is not None
    assert found.raw_low < 12 * 3600 < found.raw_high
    assert (found.p_there, found.p_here) == (0.001, 1.0)
    assert found.lead_over_null_seconds == pytest.approx(12 * 3600, rel=0.25)


@pytest.mark.parametrize("null", Null)
def test_a_busier_sensor_alone_is_no_lead(null: Null) -> None:
    """A side that meets everything eight times as often is first nearly always, and that is what chance expects."""
    found = whole(pairs(1_500, seed=2, rate_there=8), msgspec.structs.replace(SIDES, null=null))
    assert found.share_low is not None
    assert found.share_low > 0.8
    assert found.p_there is not None
    assert found.p_there > 0.05


@pytest.mark.parametrize(("lead_hours", "rate", "days"), [(0, 1, 6), (30, 1, 6), (10, 1, 60), (0, 6, 60)])
def test_p_values_of_permuted_labels_are_uniform(lead_hours: float, rate: int, days: int) -> None:
    """With labels permuted within day and type, p-values of many seeds are uniform, whatever was there before."""
    values = []
    for seed in range(100):
        given = permuted_within_days(
            pairs(300, seed=seed, lead_hours=lead_hours, rate_there=rate, days=days), seed=seed + 10_000
        )
        at = columns(given)
        tested = against_chance(at, grouped(given, at, By.ALL), Null.PERMUTE, seed, by_campaign=False, draws=199)
        values.append(float(tested.p_there[0]))
    assert stats.kstest(values, "uniform").pvalue > 0.01


def test_values_of_one_campaign_are_one_piece_of_evidence() -> None:
    """Forty values that came together are no proof that their side is usually first."""
    count = 40
    there = BEGINS + np.arange(count) * 60_000_000
    given = table(
        value=[f"v{one}" for one in range(count)], campaign=["c"] * count, there_first=there,
        here_first=there + 5 * HOUR + np.arange(count) * 7 * 60_000_000, told_us=there, proved_there=there,
    )  # fmt: skip
    together = whole(given)
    assert together.p_there is not None
    assert together.p_there > 0.3
    (alone,) = analyse(given, msgspec.structs.replace(SIDES, by=By.CAMPAIGN)).groups
    assert alone.p_there == 0.001


def test_few_campaigns_with_a_lead_stand_out_among_many() -> None:
    """Of 60 campaigns the ones with a lead pass the false discovery rate, and hardly any other does."""
    chance = pairs(3_000, seed=3, campaigns=60)
    leading = np.asarray([name in {f"campaign--{one}" for one in range(6)} for name in chance["campaign"].to_pylist()])
    moved = np.asarray(chance["here_first"].fill_null(0).to_numpy()) + np.where(leading, 60 * HOUR, 0)
    later = pa.array(moved, pa.int64(), mask=np.asarray(chance["here_first"].is_null().to_numpy()))
    report = analyse(changed(chance, here_first=later), msgspec.structs.replace(SIDES, by=By.CAMPAIGN))
    passed = {one.group for one in report.groups if one.q_there is not None and one.q_there <= 0.05}
    expected = {f"campaign--{one}" for one in range(6)}
    assert expected <= passed
    assert len(passed - expected) <= 1


def test_a_peer_that_dates_back_gains_no_lead() -> None:
    """A peer that tells everything after we saw it, as seen a day before we did, is flagged and not first by proof."""
    honest = pairs(600, seed=4, delay_hours=2, party="liar")
    here = honest["here_first"].to_numpy(zero_copy_only=False)
    later = np.where(np.isnan(here), BEGINS, here) + 3 * HOUR
    claimed = np.where(np.isnan(here), BEGINS, here) - np.random.default_rng(1).integers(1, 48 * HOUR, len(here))
    given = changed(
        honest, there_first=claimed.astype(np.int64), told_us=later.astype(np.int64),
        proved_there=later.astype(np.int64),
    )  # fmt: skip
    found = whole(given, PEERS)
    assert found.share_first_there == 1.0
    assert found.proved_first_there == 0
    assert found.usable_lead_seconds == 0.0
    assert found.p_there == 1.0
    assert found.lead_over_null_seconds is not None
    assert found.lead_over_null_seconds < 0
    assert {"claims-everything-first", "told-too-late"} <= set(found.flags)


def test_copied_moments_with_a_constant_head_start_look_like_a_clock() -> None:
    """A peer that takes our own moments and claims each exactly a day earlier is flagged, and not tested further."""
    given = pairs(400, seed=4, delay_hours=2)
    here = given["here_first"]
    copied = pa.array([None if one is None else one - 24 * HOUR for one in here.to_pylist()], pa.int64())
    report = analyse(changed(given, there_first=copied), PEERS)
    assert "clock-skew" in report.whole.flags
    assert report.clocks[0].ahead_seconds == -86_400.0
    assert report.whole.p_there is None


def test_a_peer_that_tells_everything_is_first_by_volume_only() -> None:
    """A peer that told ten thousand names before anything happened was early with some: chance expects as much."""
    random = np.random.default_rng(5)
    count = 10_000
    there = BEGINS + random.integers(0, 20 * DAY, count)
    met = random.random(count) < 0.01
    here = there + random.integers(HOUR, 5 * DAY, count)
    given = table(
        value=[f"v{one}" for one in range(count)], there_first=there, told_us=there, proved_there=there,
        here_first=pa.array(here, pa.int64(), mask=~met),
    )  # fmt: skip
    found = whole(given, PEERS)
    assert found.share_first_there == 1.0
    assert found.null_share is not None
    assert found.null_share > 0.45
    week = next(one for one in found.within if one.days == 7)
    assert week.share is not None
    assert week.share < 0.02


def test_an_honest_peer_has_a_usable_lead_beyond_chance() -> None:
    """Told two hours after it was seen, sixty hours before it comes here: in time, usable, proved, beyond chance."""
    found = whole(pairs(600, seed=6, lead_hours=60, delay_hours=2), PEERS)
    assert found.told_in_time > 0.8 * found.first_there
    assert found.usable_lead_seconds is not None
    assert found.raw_lead_seconds is not None
    assert 40 * 3600 < found.usable_lead_seconds < 80 * 3600
    assert found.sharing_delay_seconds == pytest.approx(7200)
    assert found.p_there == 0.001
    assert "claims-everything-first" not in found.flags


def test_what_is_not_seen_here_is_censored() -> None:
    """Values that never came are waited for until the last record, so the share within a week is below that of both."""
    found = whole(pairs(1_000, seed=7, lead_hours=24, shared=0.4))
    week = next(one for one in found.within if one.days == 7)
    assert week.share is not None
    assert 0.4 < week.share < 0.75
    assert week.at_risk > 100


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (PAIR_SCHEMA.empty_table(), State.EMPTY),
        (pairs(50, seed=8, shared=0.0).slice(0, 0), State.EMPTY),
        (table(value=["a", "b"], there_first=[1, 2], proved_there=[1, 2]), State.ONE_SIDED),
        (table(value=["a", "b"], here_first=[1, 2]), State.ONE_SIDED),
        (pairs(12, seed=9), State.NOT_ENOUGH),
    ],
)
@pytest.mark.parametrize("by", By)
def test_too_little_has_a_name(given: pa.Table, state: State, by: By) -> None:
    """Nothing, one side only, and too few values each have a state and no median, test or share that means nothing."""
    found = whole(given, LeadOptions(by=by))
    assert found.state is state
    assert found.raw_lead_seconds is None
    assert found.p_there is None


def test_an_analysis_can_be_told_again() -> None:
    """The same pairs in another order give the same report."""
    given = pairs(300, seed=10, lead_hours=5, campaigns=7)
    backwards = given.take(list(range(len(given)))[::-1])
    one, other = (analyse(each, msgspec.structs.replace(SIDES, by=By.TYPE)) for each in (given, given))
    assert one == other
    turned = analyse(backwards, msgspec.structs.replace(SIDES, by=By.TYPE)).whole
    assert (turned.raw_lead_seconds, turned.both) == (one.whole.raw_lead_seconds, one.whole.both)


def test_both_directions_are_symmetric() -> None:
    """With the sides exchanged, the lead changes its sign and the tests their places."""
    given = pairs(800, seed=11, lead_hours=12)
    turned = changed(
        given, there_first=given["here_first"], here_first=given["there_first"], there_last=given["here_last"],
        here_last=given["there_last"], proved_there=given["here_first"], told_us=given["here_first"],
    )  # fmt: skip
    one, other = whole(given), whole(turned)
    assert one.raw_lead_seconds == pytest.approx(-(other.raw_lead_seconds or 0.0))
    assert (one.p_there, one.p_here) == (0.001, 1.0)
    assert (other.p_there, other.p_here) == (1.0, 0.001)
