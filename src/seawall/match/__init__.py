"""Observations x indicators -> sightings; candidates; re-matching history.

Comes in: a lake, the store's indicator keys as an Arrow table, reference look-ups as callbacks. Goes out: hits kept in
the lake, a report, sightings and candidates. Never here: who may see or receive them, warnings, raw rows leaving.

>>> from seawall.match import MatchOptions, match
>>> report = match(lake, store.indicators.keys, MatchOptions())  # doctest: +SKIP
>>> report.hits, report.new.hits  # doctest: +SKIP
(999761, 999761)
"""

from seawall.match.report import BothSides, Increments, MatchOptions, MatchReport
from seawall.match.run import match

__all__ = ["BothSides", "Increments", "MatchOptions", "MatchReport", "match"]
