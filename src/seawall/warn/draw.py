"""Findings of both sides -> warnings, one a value: who saw it first, who was told when, how long was left.

Definitions (times in microseconds UTC): ``first_seen`` is the earliest first sighting of any side and
``other_first_seen`` that of the side it is compared with; raw lead = other_first_seen - first_seen; usable lead =
other_first_seen - told_at, where ``told_at`` is when the other side learnt of it, and never below zero; sharing delay =
told_at - first_seen. Raw lead flatters: report usable lead.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pyarrow as pa

from seawall.model import ObservableType, Pap, Tlp, Warning
from seawall.model.finding_table import FINDING_SCHEMA
from seawall.warn.evidence import CONFIDENCE, RAISE_AT, REASON_LIST
from seawall.warn.interface import SqlSession

WARNING_SCHEMA = pa.schema(
    [
        pa.field("value", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("first_side", pa.string(), nullable=False),
        pa.field("first_seen", pa.int64(), nullable=False),
        pa.field("other_side", pa.string()),
        pa.field("other_first_seen", pa.int64()),
        pa.field("told_at", pa.int64()),
        pa.field("raw_lead", pa.int64()),  # microseconds
        pa.field("usable_lead", pa.int64()),
        pa.field("sectors", pa.list_(pa.string()), nullable=False),
        pa.field("confidence", pa.int32(), nullable=False),
        pa.field("indicator_ids", pa.list_(pa.string()), nullable=False),
        pa.field("campaigns", pa.list_(pa.string()), nullable=False),
        pa.field("reasons", pa.list_(pa.string()), nullable=False),
        pa.field("tlp", pa.int32(), nullable=False),
        pa.field("pap", pa.int32(), nullable=False),
        pa.field("origins", pa.list_(pa.string()), nullable=False),
    ]
)


class WarnOptions(msgspec.Struct, frozen=True):
    """How warnings are drawn."""

    assumed_sharing_delay: int = 0  # microseconds from first sighting to telling, where nobody had to be told
    raise_at: int = RAISE_AT  # least confidence, 0-100
    one_sided: bool = True  # also a peer's values that have not been met here
    doubted: frozenset[str] = frozenset()  # peers whose word alone was wrong too often


def warning_table(
    session: SqlSession,
    ours: pa.Table,
    theirs: pa.Table | None = None,
    options: WarnOptions | None = None,
) -> pa.Table:
    """Warnings as WARNING_SCHEMA, ordered by first sighting, type and value.

    ``ours``: findings of our lake (FINDING_SCHEMA; candidates, contacts, indicator sightings in any order).
    With ``theirs`` (findings that peers told us, ``origin`` and ``told_at`` filled) our lake counts as one side and
    every peer as another, and of several peers the one that told us first stands against us: to claim an earlier
    sighting costs nothing. Without it the sides within our lake are compared, and everyone is assumed to have been
    told ``assumed_sharing_delay`` after the first sighting. A value that failed a screen anywhere is not warned about;
    one on shared hosting only when an indicator vouches for it.
    """
    options = options or WarnOptions()
    session.register("warn_ours", ours)
    session.register("warn_theirs", theirs if theirs is not None else FINDING_SCHEMA.empty_table())
    exchanged = theirs is not None
    session.register("warn_doubted", pa.table({"party": pa.array(sorted(options.doubted), pa.string())}))
    _appearances(session, exchanged=exchanged)
    _values(session, exchanged=exchanged, delay=options.assumed_sharing_delay)
    wanted = "true" if options.one_sided else "other_seen IS NOT NULL"
    drawn = session.sql(
        "SELECT * FROM (SELECT value, type, first_side, first_seen, other_side, other_seen AS other_first_seen, "
        "told_at, "
        "other_seen - first_seen AS raw_lead, "
        "CASE WHEN other_seen IS NOT NULL THEN greatest(0, coalesce(other_seen - told_at, 0)) END AS usable_lead, "
        f"sectors, {CONFIDENCE} AS confidence, indicator_ids, campaigns, {REASON_LIST} AS reasons, tlp, pap, origins "
        f"FROM warn_values WHERE {wanted}) WHERE confidence >= {options.raise_at:d} ORDER BY first_seen, type, value"
    )
    return drawn.cast(WARNING_SCHEMA)


def warnings(
    session: SqlSession,
    ours: pa.Table,
    theirs: pa.Table | None = None,
    options: WarnOptions | None = None,
) -> Iterator[Warning]:
    """``warning_table`` as model values, in the same order."""
    for batch in warning_table(session, ours, theirs, options).to_batches(max_chunksize=10_000):
        for drawn in batch.to_pylist():
            yield _warning(drawn)


def sharing_delay_seconds(warning: Warning) -> float | None:
    """Seconds from the first sighting until the other side was told; None while it has not been told."""
    return None if warning.told_at is None else (warning.told_at - warning.first_seen) / 1_000_000


def _warning(drawn: dict[str, object]) -> Warning:
    row = msgspec.convert(drawn, _Drawn)
    return Warning(
        value=row.value,
        type=row.type,
        first_side=row.first_side,
        first_seen=row.first_seen,
        other_side=row.other_side,
        other_first_seen=row.other_first_seen,
        told_at=row.told_at,
        raw_lead_seconds=_seconds(row.raw_lead),
        usable_lead_seconds=_seconds(row.usable_lead),
        sectors=row.sectors,
        confidence=row.confidence,
        indicator_ids=row.indicator_ids,
        campaigns=row.campaigns,
        reasons=row.reasons,
        tlp=Tlp(row.tlp),
        pap=Pap(row.pap),
        origins=row.origins,
    )


class _Drawn(msgspec.Struct, frozen=True):
    value: str
    type: ObservableType
    first_side: str
    first_seen: int
    other_side: str | None
    other_first_seen: int | None
    told_at: int | None
    raw_lead: int | None
    usable_lead: int | None
    sectors: tuple[str, ...]
    confidence: int
    indicator_ids: tuple[str, ...]
    campaigns: tuple[str, ...]
    reasons: tuple[str, ...]
    tlp: int
    pap: int
    origins: frozenset[str]


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def _appearances(session: SqlSession, *, exchanged: bool) -> None:
    """``warn_appearances``: one row per value and party; a party is a side of our lake, or we, or a peer."""
    party = "coalesce(origin, '')" if exchanged else "side"
    session.sql(
        "CREATE OR REPLACE TEMP TABLE warn_appearances AS SELECT type, value, party, "
        "arg_min(side, (first_seen, side)) AS side, min(first_seen) AS first_seen, min(told_at) AS told_at, "
        "max(hostile) AS hostile, arg_max(sectors, (len(sectors), -first_seen, side)) AS sectors, "
        "list_sort(list_distinct(flatten(list(basis)))) AS basis, "
        "list_sort(list(DISTINCT indicator_id) FILTER (indicator_id IS NOT NULL)) AS indicator_ids, "
        "list_sort(list(DISTINCT campaign) FILTER (campaign IS NOT NULL)) AS campaigns, "
        "max(tlp) AS tlp, max(pap) AS pap, "
        "bool_or(screen <> 'shared-hosting') AS screened, bool_or(screen = 'shared-hosting') AS hosted, "
        "list_sort(list(DISTINCT origin) FILTER (origin IS NOT NULL)) AS origins, "
        "coalesce(max(quiet), 0) AS quiet, max(met_with) AS met_with, "
        "coalesce(bool_or(stranger), false) AS stranger, "
        "party IN (SELECT d.party FROM warn_doubted d) AS doubted "
        f"FROM (SELECT *, {party} AS party FROM (SELECT * FROM warn_ours UNION ALL SELECT * FROM warn_theirs)) "
        "GROUP BY type, value, party"
    )


def _values(session: SqlSession, *, exchanged: bool, delay: int) -> None:
    """``warn_values``: one row per value that two parties met, or that a peer told us and we have not met."""
    # who is compared: with peers always we and the peer that told us first; within one lake the two earliest sides
    within, order = ("type, value, party = ''", "doubted, told_at NULLS LAST, ") if exchanged else ("type, value", "")
    rank = f"row_number() OVER (PARTITION BY {within} ORDER BY {order}first_seen, party)"
    compared = "rank = 1" if exchanged else "rank <= 2"
    enough = "bool_or(party <> '')" if exchanged else "count(*) >= 2"
    # told_at: when the party that saw it later learnt of it; the earlier party's row carries that moment
    told = "told[1]" if exchanged else f"first_seen + {delay:d}"
    in_order = "list_filter(both_sectors, lambda s, i: list_position(both_sectors, s) = i)"
    session.sql(
        "CREATE OR REPLACE TEMP TABLE warn_values AS SELECT * EXCLUDE (told, both_sectors), "
        f"{told} AS told_at, {in_order} AS sectors FROM (SELECT type, value, "
        "list(side ORDER BY first_seen, party)[1] AS first_side, "
        "list(side ORDER BY first_seen, party)[2] AS other_side, "
        "min(first_seen) AS first_seen, list(first_seen ORDER BY first_seen, party)[2] AS other_seen, "
        "list(told_at ORDER BY first_seen, party) AS told, "
        "flatten(list(sectors ORDER BY first_seen, party)) AS both_sectors, "
        "count(*) FILTER (hostile > 0) AS alarmed_sides, CAST(sum(hostile) AS BIGINT) AS alarms, "
        "coalesce(min(met_with), 0) AS met_with, CAST(sum(quiet) AS BIGINT) AS quiet, "
        "coalesce(bool_and(doubted) FILTER (hostile > 0), false) AS doubted, "
        "coalesce(max(quiet) FILTER (hostile > 0), 0) AS quiet_alarmed, "
        "coalesce(max(quiet) FILTER (hostile = 0), 0) AS quiet_calm, bool_or(stranger) AS stranger, "
        "bool_or(list_has_any(basis, ['honeypot', 'blocked', 'analyst'])) AS strong_basis, "
        "bool_or(list_has_any(basis, ['indicator', 'analyst'])) AS vouched, "
        "list_sort(list_distinct(flatten(list(coalesce(indicator_ids, []))))) AS indicator_ids, "
        "list_sort(list_distinct(flatten(list(coalesce(campaigns, []))))) AS campaigns, "
        "list_sort(list_distinct(flatten(list(coalesce(origins, []))))) AS origins, "
        "max(tlp) AS tlp, max(pap) AS pap "
        f"FROM (SELECT *, {rank} AS rank FROM warn_appearances) WHERE {compared} GROUP BY type, value "
        f"HAVING {enough} AND NOT coalesce(bool_or(screened), false) "
        "AND (NOT coalesce(bool_or(hosted), false) OR bool_or(list_has_any(basis, ['indicator', 'analyst']))))"
    )
