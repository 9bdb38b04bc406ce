"""Observations x indicators -> sightings; candidates; re-matching history.

Comes in: a lake, the store's indicator keys as an Arrow table, reference look-ups as callbacks. Goes out: hits kept in
the lake, a report, sightings, candidates and contacts. Never here: who may see or receive them, warnings, raw rows
leaving.

>>> from seawall.match import MatchOptions, match, sighting_table
>>> report = match(lake, store.indicators.keys, MatchOptions())  # doctest: +SKIP
>>> report.hits, report.new.hits  # doctest: +SKIP
(999761, 999761)
>>> with lake.reading() as session:  # doctest: +SKIP
...     seen = sighting_table(session, store.indicators.keys())
"""

from seawall.match.candidates import candidate_table, candidates
from seawall.match.clocks import sensor_offsets
from seawall.match.contacts import contact_table, overlap_table
from seawall.match.days import DAYS_SCHEMA, day_table
from seawall.match.forget import forget_matches, forget_rows
from seawall.match.history import rollup_sightings
from seawall.match.interface import Screens
from seawall.match.met import Met, met_values
from seawall.match.observed import Observed, read_observed
from seawall.match.pattern import Found, match_pattern
from seawall.match.pattern_lake import FoundInLake, match_lake
from seawall.match.report import BothSides, Increments, MatchOptions, MatchReport
from seawall.match.run import match
from seawall.match.screened import screened_counts
from seawall.match.sightings import findings_of, sighting_table, sightings, summaries
from seawall.match.why import Why, why

__all__ = [
    "DAYS_SCHEMA",
    "BothSides",
    "Found",
    "FoundInLake",
    "Increments",
    "MatchOptions",
    "MatchReport",
    "Met",
    "Observed",
    "Screens",
    "Why",
    "candidate_table",
    "candidates",
    "contact_table",
    "day_table",
    "findings_of",
    "forget_matches",
    "forget_rows",
    "match",
    "match_lake",
    "match_pattern",
    "met_values",
    "overlap_table",
    "read_observed",
    "rollup_sightings",
    "screened_counts",
    "sensor_offsets",
    "sighting_table",
    "sightings",
    "summaries",
    "why",
]
