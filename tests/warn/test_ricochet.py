"""Who is hit next, how soon, and where chains begin; never from too few, and never too much by leaving out."""

from __future__ import annotations

import numpy as np
import pytest

from seawall.warn.lead import wilson
from seawall.warn.ricochet import HOUR, MIN_CAMPAIGNS, Hit, ricochet
from seawall.warn.ricochet_plot import plot

DAY = 24 * HOUR


def chain(*places: str, at: int = 0, every: int = 6 * HOUR) -> list[Hit]:
    return [Hit(place, at + number * every) for number, place in enumerate(places)]


def test_a_chain_that_is_always_the_same_is_found_with_its_delay() -> None:
    """Ten campaigns from education to defence six hours later: ten of ten, Wilson's interval, six hours."""
    found = ricochet([chain("education", "defence", at=n * DAY) for n in range(10)], bound=DAY, observed_until=99 * DAY)
    (one,) = found.transitions
    assert (one.origin, one.target, one.count, one.campaigns) == ("education", "defence", 10, 10)
    assert (one.share, one.interval) == (1.0, wilson(10, 10))
    assert (one.median_hours, one.warn_within_hours, one.expected) == (6.0, 6.0, 5.0)
    assert (found.places[0].place, found.places[0].first, found.places[0].chains) == ("education", 10, 10)


def test_no_rate_comes_from_too_few() -> None:
    """Below the named minimum there are counts and no share; enough campaigns with few transitions have no delay."""
    few = ricochet([chain("a", "b")] * (MIN_CAMPAIGNS - 1), bound=DAY, observed_until=9 * DAY).transitions[0]
    assert (few.count, few.share, few.interval, few.median_hours, few.short_of) == (7, None, None, None, "campaigns")
    rare = ricochet([chain("a", "b"), *[chain("a")] * 20], bound=DAY, observed_until=9 * DAY).transitions[0]
    assert (rare.share, rare.median_hours, rare.short_of) == (1 / 21, None, "delays")
    nothing = ricochet([], bound=DAY, observed_until=0)
    assert (nothing.campaigns, nothing.transitions, nothing.places) == (0, (), ())


def test_what_has_not_followed_yet_is_not_counted_as_never() -> None:
    """Campaigns that began less than the bound ago count neither as followed nor as not."""
    old = [chain("a", "b", at=n * HOUR) for n in range(5)] + [chain("a", at=n * HOUR) for n in range(5)]
    fresh = [chain("a", at=30 * DAY)] * 50 + [chain("a", "b", at=30 * DAY, every=HOUR)] * 3
    one = ricochet(old + fresh, bound=2 * DAY, observed_until=30 * DAY + 2 * HOUR).transitions[0]
    assert (one.count, one.campaigns) == (5, 10)


def test_a_hidden_law_is_found_again() -> None:
    """Rates and delays that a generator was given lie in the intervals told, with hits in any order."""
    random = np.random.default_rng(3)
    chains = []
    for _ in range(400):
        at = int(random.uniform(0, 300 * DAY))
        hits = [Hit("a", at)]
        if random.random() < 0.6:
            hits.append(Hit("b", at + int(random.lognormal(np.log(20), 0.5) * HOUR)))
        elif random.random() < 0.5:
            hits.append(Hit("c", at + int(random.lognormal(np.log(5), 0.5) * HOUR)))
        random.shuffle(hits)
        chains.append([*hits, Hit("a", at + 400 * DAY)])
    found = {one.target: one for one in ricochet(chains, bound=10 * DAY, observed_until=310 * DAY).transitions}
    for target, share, hours in (("b", 0.6, 20), ("c", 0.2, 5)):
        told = found[target]
        assert told.interval is not None
        assert told.median_interval is not None
        assert told.interval.low <= share <= told.interval.high
        assert told.median_interval.low <= hours <= told.median_interval.high


def test_two_places_hit_together_are_one_step() -> None:
    """Within a minute nobody can say who was first: no transition between them, both lead to the third."""
    hits = [[Hit("a", n * DAY), Hit("b", n * DAY + 1), Hit("c", n * DAY + HOUR)] for n in range(9)]
    found = {
        (one.origin, one.target): one.count for one in ricochet(hits, bound=DAY, observed_until=99 * DAY).transitions
    }
    assert found == {("a", "c"): 9, ("b", "c"): 9}


def test_a_bound_is_some_time() -> None:
    """A bound of nothing is a mistake of the caller."""
    with pytest.raises(ValueError, match="waited for"):
        ricochet([], bound=0, observed_until=0)


def test_the_picture_stands_alone_and_shows_no_markup_of_others() -> None:
    """The SVG names places, counts and intervals, loads nothing, and escapes what a sensor's table says."""
    found = ricochet([chain("<b>", "defence", at=n * DAY) for n in range(10)], bound=DAY, observed_until=99 * DAY)
    drawn = plot(found, title="t", foot="f", empty="e")
    assert "10/10 (72-100 %)" in drawn
    assert "<b>" not in drawn
    assert "&lt;b&gt;" in drawn
    assert drawn.count("http") == 1  # the namespace
    assert "e</text>" in plot(ricochet([], bound=DAY, observed_until=0), title="t", foot="f", empty="e")
