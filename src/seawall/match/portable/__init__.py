"""Matching for lakes that one machine cannot hold: the same answers from SQL that DuckDB and Spark both read.

Comes in: a lake, a computing session over it, the indicator keys. Goes out: hits kept in the lake and the report that
``match.match`` gives. Never here: functions that only one engine has (decision 0007), and rows held in this process.

One file per stage, in their order: ``addresses``, ``networks``, ``names``, ``urls``, ``hashes`` give hits;
``aggregates`` and ``both_sides`` count them; ``rollup`` merges what collectors rolled up. ``run`` tells the order.

>>> from seawall.match.portable import match_portably
>>> match_portably(lake, lake.computing, keys, MatchOptions()).hits  # doctest: +SKIP
999761
"""

from seawall.match.portable.rollup import RollupTotals, rollup_totals
from seawall.match.portable.run import match_portably

__all__ = ["RollupTotals", "match_portably", "rollup_totals"]
