"""How much the fast way may cost."""

from __future__ import annotations

from seawall.flow.live_pace import SYNCS_AT_ONCE, SYNCS_PER_SECOND, VAIN_MOST, Duty, Pace


class Hand:
    """Seconds moved by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_work_is_followed_by_a_pause_in_proportion() -> None:
    """A burst is free; after that, work takes its share of the time and no more."""
    hand = Hand()
    duty = Duty(0.05, 1.0, hand)
    worked = 0.0
    for _ in range(10_000):
        hand.now += 0.1
        if duty.free():
            duty.spent(0.2)
            worked += 0.2
    assert worked <= 0.05 * 1_000 + 1.0 + 0.2
    assert worked >= 0.05 * 1_000 - 0.5


def test_a_peer_that_always_has_something_makes_us_fetch_so_often_and_no_more() -> None:
    """An hour of words without a pause is a burst and one fetch every other second."""
    hand = Hand()
    pace, fetches = Pace(hand), 0
    until = hand.now + 3_600
    while hand.now < until:
        wait = pace.before_fetch()
        if wait:
            hand.now += wait
            continue
        fetches += 1
        hand.now += pace.fetched(anything=True)
    assert fetches <= SYNCS_AT_ONCE + 3_600 * SYNCS_PER_SECOND + 1


def test_a_peer_that_cries_for_nothing_is_followed_ever_more_rarely() -> None:
    """One fetch for nothing is no offence; many in a row end at one a minute; one that brings something forgives."""
    pace = Pace(Hand())
    waits = [pace.fetched(anything=False) for _ in range(12)]
    assert waits[0] == 0.0
    assert waits[-1] == VAIN_MOST
    assert waits == sorted(waits)
    assert pace.fetched(anything=True) == 0.0
    assert pace.fetched(anything=False) == 0.0


def test_failures_wait_twice_as_long_each_time_up_to_the_schedule() -> None:
    """1, 2, 4 ... 300 seconds; a quiet answer that was held ends it."""
    pace = Pace(Hand())
    waits = [pace.failed() for _ in range(12)]
    assert waits[:3] == [1.0, 2.0, 4.0]
    assert waits[-1] == 300.0
    assert pace.quiet(took=25.0) == 0.0
    assert pace.failed() == 1.0


def test_a_peer_that_does_not_hold_us_is_asked_more_rarely() -> None:
    """Answers without news that come at once are no waiting: the next question is put off, ever longer."""
    pace = Pace(Hand())
    waits = [pace.quiet(took=0.01) for _ in range(8)]
    assert waits[0] == 1.0
    assert waits[-1] == VAIN_MOST
