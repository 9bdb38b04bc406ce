"""What a match run is asked and what it answers."""

from __future__ import annotations

import msgspec


class MatchOptions(msgspec.Struct, frozen=True):
    """How to match. ``since`` limits this run to events at or after that moment (microseconds UTC)."""

    since: int | None = None
    rebuild: bool = False
    exact: bool = False  # domains by equality only


class BothSides(msgspec.Struct, frozen=True):
    """What was hit on at least two sides; the lag is between the first sightings of the two earliest sides.

    A campaign counts when any of its indicators hit one side and any the other.
    """

    indicators: int
    campaigns: int
    median_lag_seconds: float | None


class Increments(msgspec.Struct, frozen=True):
    """What this run added to the totals."""

    events: int = 0
    hits: int = 0
    matched_events: int = 0
    aggregates: int = 0
    indicators_hit: int = 0
    sightings: int = 0


class PatternCounts(msgspec.Struct, frozen=True):
    """Indicators whose pattern is more than a list of values: those that have met all rows, and those that have not."""

    evaluated: int = 0
    left_out: int = 0


class MatchReport(msgspec.Struct, frozen=True):
    """Totals for the whole lake, and the increments of this run."""

    events: int
    hits: int  # distinct (event, indicator) pairs
    matched_events: int
    aggregates: int  # distinct indicator x side x sector x hour
    indicators_hit: int
    sightings: int  # distinct indicator x side
    by_indicator_type: dict[str, int]
    both_sides: BothSides | None  # None: the lake holds fewer than two sides
    new: Increments
    patterns: PatternCounts = PatternCounts()
    problems: tuple[str, ...] = ()  # which patterns were left out, and why
    run: int = 0  # number of the last run that added hits; ``sightings(after_run=...)`` reads from there

    def document(self) -> dict[str, object]:
        """The ``--json`` keys of ``seawall match``."""
        built: dict[str, object] = msgspec.to_builtins(self)
        built.pop("run")
        return built


class MatchState(msgspec.Struct, frozen=True):
    """How far matching has come; kept as a note beside the hits, in the same commit."""

    generation: int  # observations up to here have met every key up to ``last_number``
    last_number: int
    exact: bool
    report: MatchReport
    behind: dict[int, int] = {}  # patterns that have not met all of these rows: key -> generation up to which they did
    waiting: tuple[int, ...] = ()  # those of them that only want of time kept back
    revision: int = 1  # of the hits' columns; another revision is rebuilt
