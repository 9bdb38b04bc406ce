"""The catalogue and its weeks."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest

from seawall.exchange.aggregate import Period, catalogue, read_period, week_name
from seawall.exchange.aggregate.bounds import MAX_BINS
from seawall.model import Fault


def test_a_week_is_mondays_to_sundays_in_utc() -> None:
    """The days of 2026-W10 are 2 to 8 March."""
    first, end = read_period("2026-W10").days
    begin = date(1970, 1, 1).toordinal()
    assert (date.fromordinal(begin + first), date.fromordinal(begin + end)) == (date(2026, 3, 2), date(2026, 3, 9))
    assert week_name(read_period("2026-W10").first) == "2026-W10"


@pytest.mark.parametrize("text", ["2026-W53", "2020-W53", "1970-W01", "2026-w10..2026-w13", "2025-W52..2026-W02"])
def test_periods_read_as_they_are_written(text: str) -> None:
    """Also over the turn of a year, and in years of 53 weeks."""
    assert str(read_period(text)) == text.upper()


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-W54", "2025-W53", "2026-W13..2026-W10", "2026-W1", "W10", "1-W1..2..3"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    """One sentence with an example."""
    with pytest.raises(Fault, match="E-EXCHANGE-850"):
        read_period(text)


def test_periods_overlap_when_they_share_a_week() -> None:
    """Touching is not overlapping."""
    assert Period(10, 2).overlaps(Period(11, 5))
    assert not Period(10, 2).overlaps(Period(12, 1))


def test_every_question_is_bounded_and_within_its_budget() -> None:
    """Epsilon 0.5 a release, eight a year, at most three bins a unit or else all of them, a last bin for the rest."""
    terms = catalogue()
    assert (terms.releases, terms.within_days, terms.least_nodes, terms.least_count) == (8, 365, 3, 20)
    for query in terms.queries:
        assert query.epsilon == 500
        assert 1 <= query.bins_per_unit <= 3 or query.bins_per_unit == len(query.bins)
        assert query.most_weeks * len(query.bins) <= MAX_BINS
        assert len(set(query.bins)) == len(query.bins)
        assert set(query.aliases.values()) <= set(query.bins)
        assert query.bins[-1] == ("systems" if query.source == "baseline" else "other")


def test_another_figure_is_another_catalogue() -> None:
    """The digest that members sign covers every figure."""
    terms = catalogue()
    other = msgspec.structs.replace(terms, least_count=19)
    assert other.digest != terms.digest
    assert len(terms.digest) == 64


def test_sectors_find_their_bin_however_people_spell_them() -> None:
    """Case, spaces and usual other names; what is unknown has none."""
    query = catalogue().query("attacks-by-sector")
    assert [query.bin_of(text) for text in ("Health", "financial services", "WATER", "unknown", "lighthouses")] == [
        "healthcare", "financial-services", "water", "unknown", None,
    ]  # fmt: skip
