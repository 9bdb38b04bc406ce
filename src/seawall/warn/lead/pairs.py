"""Findings of two parties -> pairs: one row a value and other party, with when either met it and who was told when.

*Here* is we; *there* is the other party: a peer, or another side of the same lake. A value that only one of the two met
has a row too, with nothing on the other side: it is censored, not zero.

Four moments stand beside each other, because they can be wrong in different ways (microseconds UTC):
``there_first`` is what the other party says; ``told_us`` is when its word came here, by our own clock; ``proved_there``
is when we had evidence that it held the value: it was told, or its commitment or its part in a comparison was kept
here. Nobody can date that back. ``here_first`` is what our sensors recorded.
"""

from __future__ import annotations

import pyarrow as pa

from seawall.model.finding_table import FINDING_SCHEMA
from seawall.warn.interface import SqlSession

PAIR_SCHEMA = pa.schema(
    [
        pa.field("party", pa.string(), nullable=False),  # code name of a peer, or a side
        pa.field("type", pa.string(), nullable=False),  # ObservableType
        pa.field("value", pa.string(), nullable=False),  # canonical
        pa.field("campaign", pa.string()),
        pa.field("sectors", pa.list_(pa.string()), nullable=False),  # of both, in order of arrival
        pa.field("there_first", pa.int64()),
        pa.field("there_last", pa.int64()),
        pa.field("there_count", pa.int64()),
        pa.field("there_sensors", pa.int64()),
        pa.field("here_first", pa.int64()),
        pa.field("here_last", pa.int64()),
        pa.field("here_count", pa.int64()),
        pa.field("here_sensors", pa.int64()),
        pa.field("told_us", pa.int64()),
        pa.field("told_them", pa.int64()),
        pa.field("proved_there", pa.int64()),
        pa.field("imported", pa.bool_(), nullable=False),  # there, nothing but somebody's indicator speaks for it
        pa.field("screen", pa.string()),  # the exclusion test that the value failed
    ]
)

PROOF_SCHEMA = pa.schema(
    [
        pa.field("party", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("proved", pa.int64(), nullable=False),  # it held the value at the latest then, as we kept it
    ]
)
"""What comparisons in private proved about values that both hold."""

_KEY = "party, type, value"
_SIDE = (
    "min(first_seen) AS first, max(last_seen) AS last, CAST(sum(count) AS BIGINT) AS count, "
    "CAST(max(sensors) AS BIGINT) AS sensors, min(told_at) AS told, "
    "arg_min(sectors, (first_seen, side)) AS sectors, min(campaign) AS campaign, "
    "list_distinct(flatten(list(basis))) AS basis, min(screen) AS screen"
)


def pairs_with_peers(session: SqlSession, ours: pa.Table, theirs: pa.Table, proofs: pa.Table) -> pa.Table:
    """PAIR_SCHEMA of our findings and those that peers told us (both FINDING_SCHEMA), sorted by party, type, value.

    ``ours.told_at``: when we told them; ``theirs.told_at``: when they told us. ``proofs`` as PROOF_SCHEMA; a value that
    stands only there was matched, and nothing was told of it: its first moment there is not known.
    """
    _register(session, ours, theirs, proofs)
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE lead_here AS SELECT type, value, {_SIDE} FROM lead_ours GROUP BY type, value"
    )
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE lead_there AS SELECT origin AS party, type, value, {_SIDE} FROM lead_theirs "
        "WHERE origin IS NOT NULL GROUP BY origin, type, value"
    )
    return _paired(
        session,
        "CREATE OR REPLACE TEMP TABLE lead_keys AS SELECT DISTINCT party, type, value FROM ("
        f"SELECT {_KEY} FROM lead_there UNION ALL SELECT {_KEY} FROM lead_proofs UNION ALL "
        "SELECT p.party, h.type, h.value FROM lead_here h CROSS JOIN (SELECT DISTINCT party FROM ("
        "SELECT party FROM lead_there UNION ALL SELECT party FROM lead_proofs)) p)",
        here="h.type = k.type AND h.value = k.value",
    )


def pairs_of_sides(session: SqlSession, found: pa.Table, here: str, delay: int = 0) -> pa.Table:
    """PAIR_SCHEMA of one lake that holds several sides: ``here`` is one of them, each other is a party.

    Nobody had to tell anybody: a side counts as told ``delay`` microseconds after the other first met a value. What
    a sensor of this lake recorded needs no other proof.
    """
    _register(session, found, FINDING_SCHEMA.empty_table(), PROOF_SCHEMA.empty_table())
    session.register("lead_side", pa.table({"side": pa.array([here], pa.string())}))
    told = _SIDE.replace("min(told_at) AS told", f"min(first_seen) + {delay:d} AS told")
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE lead_here AS SELECT type, value, {told} FROM lead_ours "
        "WHERE side = (SELECT side FROM lead_side) GROUP BY type, value"
    )
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE lead_there AS SELECT side AS party, type, value, {told} FROM lead_ours "
        "WHERE side <> (SELECT side FROM lead_side) GROUP BY side, type, value"
    )
    paired = _paired(
        session,
        "CREATE OR REPLACE TEMP TABLE lead_keys AS SELECT DISTINCT party, type, value FROM ("
        f"SELECT {_KEY} FROM lead_there UNION ALL "
        "SELECT p.party, h.type, h.value FROM lead_here h CROSS JOIN (SELECT DISTINCT party FROM lead_there) p)",
        here="h.type = k.type AND h.value = k.value",
    )
    place = paired.schema.get_field_index("proved_there")
    own = paired.set_column(place, "proved_there", paired["there_first"])  # our own sensors' word
    place = own.schema.get_field_index("imported")
    return own.set_column(place, PAIR_SCHEMA.field("imported"), pa.array([False] * len(own), pa.bool_()))


def _register(session: SqlSession, ours: pa.Table, theirs: pa.Table, proofs: pa.Table) -> None:
    session.register("lead_ours", ours)
    session.register("lead_theirs", theirs)
    session.register("lead_proofs", proofs)


def _paired(session: SqlSession, keys: str, *, here: str) -> pa.Table:
    session.sql(keys)
    proved = "SELECT party, type, value, min(proved) AS proved FROM lead_proofs GROUP BY party, type, value"
    ours, theirs = "coalesce(h.sectors, [])", "coalesce(t.sectors, [])"
    both = f"CASE WHEN h.first <= t.first THEN [{ours}, {theirs}] ELSE [{theirs}, {ours}] END"
    found = session.sql(
        "SELECT party, type, value, campaign, coalesce(list_filter(named, lambda s, i: "
        "list_position(named, s) = i), []) AS sectors, * EXCLUDE (party, type, value, campaign, named) FROM ("
        "SELECT k.party, k.type, k.value, coalesce(h.campaign, t.campaign) AS campaign, "
        f"flatten({both}) AS named, "
        "t.first AS there_first, t.last AS there_last, t.count AS there_count, t.sensors AS there_sensors, "
        "h.first AS here_first, h.last AS here_last, h.count AS here_count, h.sensors AS here_sensors, "
        "t.told AS told_us, h.told AS told_them, least(t.told, p.proved) AS proved_there, "
        "coalesce(len(list_filter(t.basis, lambda b: b <> 'none')) > 0 AND "
        "len(list_filter(t.basis, lambda b: b NOT IN ('indicator', 'none'))) = 0, false) AS imported, "
        "coalesce(h.screen, t.screen) AS screen "
        f"FROM lead_keys k LEFT JOIN lead_there t USING ({_KEY}) LEFT JOIN lead_here h ON {here} "
        f"LEFT JOIN ({proved}) p USING ({_KEY})) ORDER BY party, type, value"
    )
    return found.cast(PAIR_SCHEMA)
