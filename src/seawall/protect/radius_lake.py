"""What our own hosts met, day by day, out of the lake: the rows of which the table of blast radii is built.

A *session* is what the record kind that saw most of it counted between one own address and one counterpart, so that a
flow and its DNS, HTTP and TLS records count once; sessions beside an alarm of the same two ends are taken off. An
alarm is a row whose basis a sensor gave (``alert``, ``honeypot``, ``blocked``). An indicator's match is none: else a
poisonous indicator would turn our own traffic into evidence against itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import msgspec

from seawall.protect.radius import BITS, LONGEST_KEY

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 2_000_000
"""Rows of one day that one query groups: some 300 MB of the engine's memory, whatever a day holds."""

_ALARM = "basis IN ('alert', 'honeypot', 'blocked')"
_ALARM_UNBLOCKED = "basis IN ('alert', 'honeypot')"
_TOWARDS = "coalesce(client_end, 'source') <> 'destination'"  # the source began the conversation
_ASKED_OF_US = f"(CASE WHEN {_TOWARDS} THEN own_end = 'destination' ELSE own_end = 'source' END)"
_REVERSED = "array_to_string(list_reverse(string_split(domain, '.')), '.')"


class Session(Protocol):
    """What is needed of a lake's session."""

    def sql(self, query: str, parameters: Sequence[object] = ()) -> pa.Table:
        """Run one statement; its rows."""


class Span(msgspec.Struct, frozen=True):
    """What was looked at. Moments in microseconds UTC."""

    sessions: int
    first: int | None
    last: int | None


def span_of(session: Session, relation: str) -> Span:
    """How many records of conversations with others the relation holds, and from when to when."""
    row = session.sql(
        f"SELECT count(*) AS sessions, min(time) AS first, max(time) AS last FROM {relation} AS o "
        "WHERE own_end <> 'both' AND (src_low IS NOT NULL OR dst_low IS NOT NULL)"
    ).to_pylist()[0]
    return Span(row["sessions"], row["first"], row["last"])


def met_rows(session: Session, relation: str, rows: int, *, blocked_is_alarm: bool = True) -> Iterator[pa.Table]:
    """What was met in ``relation`` (about ``rows`` rows of one day), in tables of bounded size.

    Columns: ``high``, ``low`` (addresses) or ``name`` (labels reversed) or ``url``; ``out``, ``inn``: sessions without
    alarm that we and that they began; ``alarms``; ``hosts``: own addresses without alarm that began one, ``bits`` their
    bit set, ``alarm_bits`` of those with one; ``first``, ``last`` of sessions without alarm, ``first_alarm``.
    ``blocked_is_alarm``: False while the question is whom our own block stops.
    """
    shares = max(1, -(-rows // ROWS_AT_ONCE))
    alarm = _ALARM if blocked_is_alarm else _ALARM_UNBLOCKED
    queries = (
        (_addresses(relation, alarm), "high, low"),
        (_names(relation, alarm), "name"),
        (_urls(relation, alarm), "url"),
    )
    for query, key in queries:
        for share in range(shares):
            part = f"SELECT * FROM ({query}) WHERE hash({key}) % {shares:d} = {share:d}"
            yield session.sql(_grouped(part, key))


def _addresses(relation: str, alarm: str) -> str:
    common = f"kind, time, {alarm} AS alarm"
    return (
        f"SELECT dst_high AS high, dst_low AS low, src_high AS oh, src_low AS ol, {_TOWARDS} AS began, {common} "
        f"FROM {relation} AS o WHERE dst_low IS NOT NULL AND own_end NOT IN ('destination', 'both') UNION ALL "
        f"SELECT src_high, src_low, dst_high, dst_low, NOT ({_TOWARDS}), {common} "
        f"FROM {relation} AS o WHERE src_low IS NOT NULL AND own_end NOT IN ('source', 'both')"
    )


def _names(relation: str, alarm: str) -> str:
    return _served(relation, alarm, f"{_REVERSED} AS name", f"domain IS NOT NULL AND length(domain) <= {LONGEST_KEY:d}")


def _urls(relation: str, alarm: str) -> str:
    return _served(relation, alarm, "url", "url IS NOT NULL")


def _served(relation: str, alarm: str, column: str, where: str) -> str:
    """Values of a server; what others ask of our server is our own (as ``ingest.ends`` has it)."""
    return (
        f"SELECT {column}, CASE WHEN {_TOWARDS} THEN src_high ELSE dst_high END AS oh, "
        f"CASE WHEN {_TOWARDS} THEN src_low ELSE dst_low END AS ol, true AS began, kind, time, {alarm} AS alarm "
        f"FROM {relation} AS o WHERE {where} AND NOT {_ASKED_OF_US}"
    )


def _grouped(rows: str, key: str) -> str:
    """By kind, then by own end (an alarm takes off the sessions beside it), then by value."""
    by_kind = (
        f"SELECT {key}, oh, ol, kind, count(*) FILTER (began AND NOT alarm) AS out, "
        "count(*) FILTER (NOT began AND NOT alarm) AS inn, count(*) FILTER (alarm) AS alarms, "
        "min(time) FILTER (NOT alarm) AS first, max(time) FILTER (NOT alarm) AS last, "
        f"min(time) FILTER (alarm) AS first_alarm FROM ({rows}) GROUP BY {key}, oh, ol, kind"
    )
    by_host = (
        f"SELECT {key}, oh, ol, max(out) AS out, max(inn) AS inn, sum(alarms) AS alarms, min(first) AS first, "
        f"max(last) AS last, min(first_alarm) AS first_alarm FROM ({by_kind}) GROUP BY {key}, oh, ol"
    )
    bit = f"(1::BIGINT << (hash(oh, ol) % {BITS})::INTEGER)"
    quiet = "FILTER (alarms = 0 AND out > 0)"
    return (
        f"SELECT {key}, sum(greatest(out - alarms, 0))::BIGINT AS out, sum(inn)::BIGINT AS inn, "
        f"sum(alarms)::BIGINT AS alarms, count(*) {quiet} AS hosts, coalesce(bit_or({bit}) {quiet}, 0) AS bits, "
        f"coalesce(bit_or({bit}) FILTER (alarms > 0), 0) AS alarm_bits, min(first) AS first, max(last) AS last, "
        f"min(first_alarm) AS first_alarm FROM ({by_host}) GROUP BY {key}"
    )
