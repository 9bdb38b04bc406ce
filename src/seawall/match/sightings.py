"""Hits -> sightings: what each indicator showed on each side. Markings inherit from the indicator (rule 2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from seawall.match.clocks import SENSOR_OFFSETS, register_offsets
from seawall.match.interface import LakeSession
from seawall.match.past import with_past
from seawall.match.run import HITS
from seawall.model import ObservableType, Pap, SightingSummary, Tlp
from seawall.model.finding_table import FINDING_SCHEMA

BASES = ("alert", "analyst", "blocked", "honeypot", "indicator", "none")
"""Every basis in the order in which lists name them; a set of them is kept as bits while grouping."""

BASIS_BIT = "CASE basis " + " ".join(f"WHEN '{name}' THEN {1 << place}" for place, name in enumerate(BASES)) + " END"
INDICATOR_BIT = 1 << BASES.index("indicator")
ALARMS = frozenset(BASES) - {"none", "indicator"}
"""Bases that somebody's sensor or analyst raised; ``indicator`` says that an imported indicator names the value."""
BASIS_LIST = (
    "list_filter(["
    + ", ".join(f"CASE WHEN {{bits}} & {1 << place} > 0 THEN '{name}' END" for place, name in enumerate(BASES))
    + "], lambda b: b IS NOT NULL)"
)

_SHARED = ("value", "side", "first_seen", "last_seen", "count", "indicator_id", "origin")

UNMEASURED = (
    "CAST(NULL AS VARCHAR) AS origin, CAST(NULL AS BIGINT) AS told_at, CAST(NULL AS VARCHAR) AS screen, "
    "CAST(NULL AS BIGINT) AS quiet, CAST(NULL AS BIGINT) AS met_with, CAST(NULL AS BOOLEAN) AS stranger"
)
"""SQL for the last columns of FINDING_SCHEMA, when nothing is known yet."""


def sighting_table(session: LakeSession, keys: pa.Table, *, after_run: int = 0) -> pa.Table:
    """Sightings of all hits as FINDING_SCHEMA, sorted by type, value, side; ``screen`` and ``told_at`` are NULL.

    With ``after_run`` only indicators that were hit in later runs (whole sightings, not increments). Sensors whose
    clocks are wrong are corrected (``match.clocks``). An indicator that is no longer among ``keys`` gives none. The
    basis names ``indicator`` where the indicator is of our own import, not where a peer's sighting made it.
    """
    hits = session.derived(HITS)
    if hits is None or len(keys) == 0:
        return FINDING_SCHEMA.empty_table()
    register_offsets(session)
    session.register("match_key_facts", _facts(keys))
    touched = f"WHERE indicator IN (SELECT indicator FROM {hits} AS t WHERE run > {after_run:d})" if after_run else ""
    by_sector = with_past(session, seen_by_sector(hits, touched), BASIS_BIT, touched)
    found = session.sql(
        "SELECT k.type, k.value, s.side, s.first_seen, s.last_seen, s.count, s.hostile, s.sectors, "
        f"{BASIS_LIST.format(bits=f'(s.bases | k.vouched * {INDICATOR_BIT})')} AS basis, "
        "s.sensors, k.indicator_id, k.campaign, k.tlp, k.pap, "
        f"{UNMEASURED} FROM ("
        "  SELECT indicator, side, min(first) AS first_seen, max(last) AS last_seen, "
        "  CAST(sum(count) AS BIGINT) AS count, CAST(sum(hostile) AS BIGINT) AS hostile, bit_or(bases) AS bases, "
        "  list(sector ORDER BY first, sector) AS sectors, "
        "  CAST(len(list_distinct(flatten(list(sensors)))) AS BIGINT) AS sensors"
        f"  FROM ({by_sector}) GROUP BY indicator, side"
        ") s JOIN match_key_facts k ON k.number = s.indicator ORDER BY k.type, k.value, s.side"
    )
    return found.cast(FINDING_SCHEMA)


def seen_by_sector(hits: str, touched: str = "") -> str:
    """SQL: what the hits (``touched``: a WHERE clause over them) say by indicator, side and sector, by right clocks."""
    corrected = (
        "SELECT h.indicator, h.side, h.sector, h.sensor, h.basis, h.time - coalesce(c.skew, 0) AS time "
        f"FROM {hits} AS h LEFT JOIN {SENSOR_OFFSETS} c ON c.sensor = h.sensor AND c.side = h.side {touched}"
    )
    return (
        "SELECT indicator, side, sector, min(time) AS first, max(time) AS last, count(*) AS count, "
        f"count(*) FILTER (basis <> 'none') AS hostile, bit_or({BASIS_BIT}) AS bases, "
        f"list(DISTINCT sensor) AS sensors FROM ({corrected}) GROUP BY indicator, side, sector"
    )


def sightings(session: LakeSession, keys: pa.Table, *, after_run: int = 0) -> Iterator[SightingSummary]:
    """``sighting_table`` as model values, in the same order."""
    yield from summaries(sighting_table(session, keys, after_run=after_run))


def summaries(findings: pa.Table) -> Iterator[SightingSummary]:
    """Rows of FINDING_SCHEMA as model values, for the store and for release."""
    for batch in findings.to_batches(max_chunksize=10_000):
        for found in batch.to_pylist():
            yield SightingSummary(
                type=ObservableType(found["type"]),
                value=found["value"],
                side=found["side"],
                first_seen=found["first_seen"],
                last_seen=found["last_seen"],
                count=found["count"],
                sectors=tuple(found["sectors"]),
                indicator_id=found["indicator_id"],
                basis=tuple(found["basis"]),
                tlp=Tlp(found["tlp"]),
                pap=Pap(found["pap"]),
                origin=found["origin"],
            )


def _facts(keys: pa.Table) -> pa.Table:
    """What a sighting takes over from its indicator; unmarked keys count as TLP:AMBER, PAP:AMBER."""
    size = len(keys)

    def column(name: str, kind: pa.DataType) -> pa.ChunkedArray | pa.Array:
        return keys[name].cast(kind) if name in keys.column_names else pa.nulls(size, kind)

    return pa.table(
        {
            "number": keys["number"].cast(pa.int64()),
            "type": keys["type"].cast(pa.string()),
            "value": keys["value"].cast(pa.string()),
            "indicator_id": column("indicator_id", pa.string()),
            "campaign": column("campaign", pa.string()),
            "vouched": pc.is_null(column("origin", pa.string())).cast(pa.int32()),
            "tlp": pc.fill_null(column("tlp", pa.int32()), int(Tlp.AMBER)),
            "pap": pc.fill_null(column("pap", pa.int32()), int(Pap.AMBER)),
        }
    )


def findings_of(told: Iterable[SightingSummary], told_at: Mapping[tuple[str, str], int] | None = None) -> pa.Table:
    """Sightings that peers told us (or the store kept) as FINDING_SCHEMA; ``told_at`` by (type, value)
    overrides theirs.

    A peer sends only what its own rule let pass, so ``count`` stands for alarms where its basis names one.
    """
    moments = told_at or {}
    rows = [
        {
            **{name: getattr(one, name) for name in _SHARED},
            "type": one.type.value,
            "hostile": one.count if ALARMS.intersection(one.basis) else 0,
            "sectors": list(one.sectors),
            "basis": list(one.basis),
            "sensors": 0,
            "tlp": int(one.tlp),
            "pap": int(one.pap),
            "told_at": moments.get((one.type.value, one.value), one.told_at),
        }
        for one in told
    ]
    return pa.Table.from_pylist(rows, schema=FINDING_SCHEMA)
