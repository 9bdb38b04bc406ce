"""Candidates: what may leave without an indicator behind it (DESIGN section 1).

A candidate has a hostile basis at the remote end and passed every test: not own, not a victim, no mass scanner, not
popular, not below a popular domain, not generated, not warninglisted, and no single alarm among quiet meetings. The
tests and their numbers are in ``match.reach``; ``match.why`` tells them for one value.
"""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from seawall.match.clocks import SENSOR_OFFSETS, register_offsets
from seawall.match.interface import LakeSession, Screens
from seawall.match.judge import JUDGED, judge, spelt_rollup
from seawall.match.reach import WEAK_TEST
from seawall.match.sightings import BASIS_LIST, UNMEASURED
from seawall.match.values import KEY, remote_values, texts
from seawall.model import Candidate, Observable, ObservableType, Pap, Tlp
from seawall.model.finding_table import FINDING_SCHEMA


def candidate_table(
    session: LakeSession,
    screens: Screens,
    *,
    shared_only: bool = False,
    tlp: Tlp = Tlp.AMBER,
    pap: Pap = Pap.AMBER,
) -> pa.Table:
    """The candidates of the whole lake as FINDING_SCHEMA, one row per value and side, sorted by type, value, side.

    ``shared_only`` keeps values that were met on at least two sides of this lake. ``tlp`` and ``pap`` are the node's
    marking for what its own sensors found. Wrong sensor clocks are corrected (``match.clocks``).
    """
    judge(session, screens, shared_only=shared_only)
    passed = pass_candidates(session, screens, shared_only=shared_only)
    times = _corrected_times(session) if passed and register_offsets(session) else rollup_times(session)
    return found_candidates(session, times, shared_only=shared_only, tlp=tlp, pap=pap)


def pass_candidates(session: LakeSession, screens: Screens, *, shared_only: bool = False) -> int:
    """Fill ``match_passed`` with the judged values that pass every test; how many."""
    # where both sides are in this lake, warn weighs them together; otherwise what leaves must stand on its own
    passed = session.sql(f"SELECT DISTINCT {KEY} FROM {JUDGED} WHERE screen IS NULL AND {_strong(shared_only)}")
    values = texts(passed)
    kept = [
        screens.listed(Observable(ObservableType(kind), value)) is None
        and not screens.is_own(Observable(ObservableType(kind), value))
        for kind, value in zip(passed["type"].to_pylist(), values, strict=True)
    ]
    named = passed.append_column("value", pa.array(values, pa.string())).filter(pa.array(kept, pa.bool_()))
    session.register("match_passed", named)
    return len(named)


def _strong(shared_only: bool) -> str:
    return "hostile > 0" if shared_only else f"hostile > 0 AND NOT {WEAK_TEST}"


def found_candidates(session: LakeSession, times: str, *, shared_only: bool, tlp: Tlp, pap: Pap) -> pa.Table:
    """The values in ``match_passed`` as FINDING_SCHEMA, with ``times`` (SQL of ``rollup_times`` or alike)."""
    found = session.sql(
        f"SELECT p.type, p.value, j.side, t.first_seen, t.last_seen, j.hostile AS count, j.hostile, t.sectors, "
        f"{BASIS_LIST.format(bits='j.bases')} AS basis, CAST(round(j.hostile_sensors) AS BIGINT) AS sensors, "
        "CAST(NULL AS VARCHAR) AS indicator_id, CAST(NULL AS VARCHAR) AS campaign, "
        f"{int(tlp)}::INTEGER AS tlp, {int(pap)}::INTEGER AS pap, {UNMEASURED} "
        f"FROM match_passed p JOIN {JUDGED} j USING ({KEY}) JOIN ({times}) t USING ({KEY}, side) "
        f"WHERE {_strong(shared_only)} ORDER BY p.type, p.value, j.side"
    )
    return found.cast(FINDING_SCHEMA)


def candidates(session: LakeSession, screens: Screens, *, shared_only: bool = False) -> Iterator[Candidate]:
    """``candidate_table`` as model values, in the same order."""
    for batch in candidate_table(session, screens, shared_only=shared_only).to_batches(max_chunksize=10_000):
        for found in batch.to_pylist():
            yield Candidate(
                type=ObservableType(found["type"]),
                value=found["value"],
                side=found["side"],
                first_seen=found["first_seen"],
                last_seen=found["last_seen"],
                count=found["count"],
                sectors=tuple(found["sectors"]),
                basis=tuple(found["basis"]),
                sensors=min(found["sensors"], 62),
            )


def rollup_times(session: LakeSession) -> str:
    """SQL: when and in which sectors each passed value was met, as the roll-up tells it."""
    return _arrivals(
        f"SELECT {KEY}, side, sector, first, last FROM ({spelt_rollup(session)}) "
        "WHERE role = 'remote' AND basis <> 'none'"
    )


def _corrected_times(session: LakeSession) -> str:
    """From raw rows, each sensor's clock set right; only needed while some sensor's clock is wrong."""
    rows = (
        "(SELECT o.*, o.time - coalesce(c.skew, 0) AS corrected FROM "
        f"{session.observations(0)} AS o LEFT JOIN {SENSOR_OFFSETS} c ON c.sensor = o.sensor AND c.side = o.side "
        "WHERE o.basis <> 'none')"
    )
    return _arrivals(remote_values(rows, "side, sector, corrected AS first, corrected AS last"))


def _arrivals(records: str) -> str:
    return (
        f"SELECT {KEY}, side, min(first) AS first_seen, max(last) AS last_seen, "
        f"list(sector ORDER BY first, sector) AS sectors FROM (SELECT {KEY}, side, sector, min(first) AS first, "
        f"max(last) AS last FROM ({records}) SEMI JOIN match_passed USING ({KEY}) GROUP BY {KEY}, side, sector) "
        f"GROUP BY {KEY}, side"
    )
