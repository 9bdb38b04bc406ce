"""What our sensors merely met: values at the remote end of ordinary records that pass every screen of a candidate.

Not own, not popular, no mass scanner, not below a popular domain, not generated, and no candidate. They are compared
with a peer's candidates, never with what the peer merely met. A name on shared hosting is no more kept out than it is
among candidates: no warning is drawn about it, but what was met with it is believed the sooner (``match.contacts``).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import pyarrow as pa

from seawall.match.interface import LakeSession, Screens
from seawall.match.judge import JUDGED, judge, spelt_rollup
from seawall.match.reach import WEAK_TEST
from seawall.match.values import KEY, register_values, texts

MOST_LOOKED = 100_000
"""Values of one type that are judged in one run, the latest met first: bounds the time and memory of judging."""
MET_SCHEMA = pa.schema(
    [
        pa.field("type", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),
        pa.field("first_seen", pa.int64(), nullable=False),
        pa.field("last_seen", pa.int64(), nullable=False),
        pa.field("known", pa.bool_(), nullable=False),  # among those that were given
        pa.field("screen", pa.string()),  # why it does not enter; NULL: it may
    ]
)


class Met(msgspec.Struct, frozen=True):
    """What was met, and how many values stayed out: (type, reason) -> number."""

    table: pa.Table  # MET_SCHEMA; by type, then the latest met first
    left_out: dict[tuple[str, str], int]


def met_values(
    session: LakeSession, screens: Screens, known: Iterable[tuple[str, str]] = (), *, most_looked: int = MOST_LOOKED
) -> Met:
    """Values of the lake that pass, and of those ``known`` (type, value) also the ones that pass no more.

    Own assets and warninglists are the caller's to ask, value by value. Reasons are the names of the tests
    (``match.judge``), ``candidate``, and ``met-earlier`` for what was not looked at.
    """
    register_values(session, "match_met_known", known)
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE match_remote AS SELECT *, k.value IS NOT NULL AS known, row_number() OVER "
        f"(PARTITION BY r.type ORDER BY last_seen DESC, r.v, r.h, r.l) AS place FROM (SELECT {KEY}, "
        f"min(first) AS first_seen, max(last) AS last_seen FROM ({spelt_rollup(session)}) WHERE role = 'remote' "
        f"GROUP BY {KEY}) r LEFT JOIN match_met_known k USING ({KEY})"
    )
    looked = session.sql(f"SELECT {KEY} FROM match_remote WHERE known OR place <= {most_looked:d}")
    session.register("match_asked_values", looked.append_column("value", pa.array(texts(looked), pa.string())))
    judge(session, screens, asked="match_asked_values")
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_merely_met AS SELECT a.type, a.value, r.first_seen, r.last_seen, r.known, "
        "coalesce(j.screen, CASE WHEN j.suspect THEN 'candidate' END) AS screen FROM match_asked_values a "
        f"JOIN match_remote r USING ({KEY}) JOIN (SELECT {KEY}, "
        f"min(screen) AS screen, bool_or(hostile > 0 AND NOT {WEAK_TEST}) AS suspect FROM {JUDGED} GROUP BY {KEY}) j "
        f"USING ({KEY})"
    )
    found = session.sql(
        "SELECT type, value, first_seen, last_seen, known, screen FROM match_merely_met "
        "WHERE known OR screen IS NULL ORDER BY type, last_seen DESC, value"
    )
    return Met(found.cast(MET_SCHEMA), _left_out(session, most_looked))


def _left_out(session: LakeSession, most_looked: int) -> dict[tuple[str, str], int]:
    counted = session.sql(
        "SELECT type, screen AS reason, count(*) AS n FROM match_merely_met WHERE screen IS NOT NULL "
        "AND screen <> 'candidate' GROUP BY ALL UNION ALL SELECT type, 'met-earlier', count(*) FROM match_remote "
        f"WHERE NOT known AND place > {most_looked:d} GROUP BY type"
    )
    return {(row["type"], row["reason"]): row["n"] for row in counted.to_pylist()}
