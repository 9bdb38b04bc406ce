"""Severity is explained by points; the budget keeps its number and loses nothing."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seawall.warn.budget import LevelRecord, WaitingGroup, choose, false_alarm_rate
from seawall.warn.severity import LEAST_POINTS, Severity, SeverityFacts, judge_severity, severity_named

LEVELS = st.sampled_from(Severity)
GROUPS = st.lists(
    st.builds(
        WaitingGroup,
        id=st.integers(0, 10_000).map(str),
        severity=LEVELS,
        rank=st.floats(0, 100),
        placed_at=st.integers(0, 10),
    ),
    unique_by=lambda group: group.id,
)


def test_what_both_sides_alarmed_about_is_high_and_one_doubt_less() -> None:
    """The levels in their plain cases."""
    assert judge_severity(SeverityFacts(80, met_here=True)).severity is Severity.HIGH
    assert judge_severity(SeverityFacts(60, met_here=False)).severity is Severity.MEDIUM
    assert judge_severity(SeverityFacts(25, met_here=False)).severity is Severity.LOW
    critical = SeverityFacts(95, met_here=True, own_sectors=("energy",), critical_sectors=("energy",))
    assert judge_severity(critical).severity is Severity.CRITICAL
    refuted = SeverityFacts(40, met_here=False, refuted_by=2, quiet_days=40)
    assert judge_severity(refuted).severity is Severity.INFO
    assert severity_named(" High ") is Severity.HIGH
    assert severity_named("loud") is None


@given(
    st.builds(
        SeverityFacts,
        confidence=st.integers(-5, 200),
        met_here=st.booleans(),
        own_sectors=st.tuples(st.text(max_size=3)),
        campaign_values=st.integers(0, 100),
        refuted_by=st.integers(0, 3),
        quiet_days=st.integers(0, 400),
    )
)
def test_the_points_are_the_sum_of_their_reasons(facts: SeverityFacts) -> None:
    """Nobody has to guess where a level comes from."""
    judged = judge_severity(facts)
    assert judged.points == max(0, sum(reason.points for reason in judged.because))
    assert judged.points >= LEAST_POINTS[judged.severity]
    assert all(reason.text.format(**reason.values) for reason in judged.because)


@given(GROUPS, st.integers(0, 30), st.integers(0, 30))
def test_the_budget_is_kept_and_what_waits_is_counted(groups: list[WaitingGroup], budget: int, used: int) -> None:
    """Never more than the day's places, never a group lost, and the order of the input changes nothing."""
    chosen = choose(groups, budget=budget, raised_today=used, records={})
    assert len(chosen.raised) + chosen.waiting == len(groups)
    if budget:
        assert len(chosen.raised) <= max(0, budget - used)
    else:
        assert len(chosen.raised) == len(groups)
    assert choose(groups[::-1], budget=budget, raised_today=used, records={}) == chosen
    of = {group.id: group for group in groups}
    left = [group.severity for group in groups if group.id not in chosen.raised]
    if chosen.raised and left:
        assert min(of[id].severity for id in chosen.raised) >= max(left)


def test_a_level_that_is_mostly_false_is_held_except_for_one_probe() -> None:
    """Four refuted in a row move the bar, three do not; a probe a day finds out when it has become better."""
    groups = [WaitingGroup(str(number), Severity.LOW, 30.0, number) for number in range(5)]
    three, four = {Severity.LOW: LevelRecord(0, 3)}, {Severity.LOW: LevelRecord(0, 4)}
    assert len(choose(groups, budget=0, raised_today=0, records=three).raised) == 5
    held = choose(groups, budget=0, raised_today=0, records=four)
    assert (held.raised, held.waiting, held.held_by_bar) == (("0",), 4, 4)
    assert choose(groups, budget=0, raised_today=1, records=four, probes_today=1).raised == ()
    better = {Severity.LOW: LevelRecord(4, 4)}
    assert len(choose(groups, budget=0, raised_today=0, records=better).raised) == 5


def test_critical_ones_are_never_held_by_the_bar() -> None:
    """Whatever was answered before."""
    groups = [WaitingGroup(str(number), Severity.CRITICAL, 90.0, 0) for number in range(3)]
    records = {Severity.CRITICAL: LevelRecord(0, 100)}
    assert len(choose(groups, budget=0, raised_today=0, records=records).raised) == 3


def test_the_share_of_false_alarms_comes_with_its_interval() -> None:
    """7 of 10 lies between 0.397 and 0.892; nine answers say nothing yet."""
    refuted, answers, interval = false_alarm_rate([LevelRecord(1, 3), LevelRecord(2, 4)])
    assert (refuted, answers) == (7, 10)
    assert interval is not None
    assert (round(interval.low, 3), round(interval.high, 3)) == (0.397, 0.892)
    assert false_alarm_rate([LevelRecord(2, 7)])[2] is None
