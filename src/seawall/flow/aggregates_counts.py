"""What this node puts into a round: own hosts, incidents or guarded systems by bin, from roll-up or store; no raw rows.

Each host or incident counts at most ``bins_per_unit`` times, once a bin: that is what the noise is measured by. A host
with more bins than that keeps some of them by a hash that differs from round to round, so that no bin is favoured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec
import pyarrow as pa

from seawall.exchange.aggregate import Period, Query
from seawall.flow.aggregates_coverage import answers_for, counts_of
from seawall.flow.lakeless import require_lake
from seawall.flow.node import Node
from seawall.model import Basis, Refused, Role, Tlp, Visibility, to_microseconds
from seawall.model.moments import parse_moment
from seawall.model.stix.known_extensions import INCIDENT_CORE_EXTENSION

DAY = 86_400_000_000
PAGE = 1_000
_RSIT = re.compile(r"(?:rsit:)?([A-Za-z -]+)(?:[:=].*)?")
_HOSTS = """
SELECT week, bin, count(*) AS hosts FROM (
    SELECT week, bin, row_number() OVER (
        PARTITION BY high, low ORDER BY md5(concat_ws('|', ?, week, bin, high, low))) AS place
    FROM (SELECT DISTINCT r.high, r.low, (r.day + 3) // 7 AS week, s.bin FROM {rollup} AS r
          JOIN aggregate_sectors AS s ON s.sector = r.sector
          WHERE r.type IN ('ipv4', 'ipv6') AND r.role = ? AND r.basis <> ? AND r.side = ? AND r.day >= ? AND r.day < ?))
WHERE place <= ? GROUP BY week, bin
"""


class Counted(msgspec.Struct, frozen=True):
    """Our counts in the order of the query's labels, and how much was left out for which reason."""

    counts: tuple[int, ...]
    left_out: dict[str, int]


def count(node: Node, query: Query, period: Period, round_id: str, members: Sequence[str]) -> Counted:
    """What we have. ``members``: the others' code names.

    Raises Refused E-FLOW-092 on a node without telemetry, E-FLOW-666 when the lake has let go of part of the period,
    E-FLOW-998 without answers about controls.
    """
    check_held(node, query, period)
    if query.source == "incidents":
        return _incidents(node, query, period, frozenset(members))
    if query.source == "baseline":
        return Counted(_in_order(query, period, counts_of(answers_for(node, period), query, period)), {})
    return _hosts(node, query, period, round_id)


def check_held(node: Node, query: Query, period: Period) -> None:
    """Pass when the node keeps what the query counts for the whole period; raises as ``count``."""
    if query.source == "incidents":
        return
    if query.source == "baseline":
        answers_for(node, period)
        return
    require_lake(node)
    keep = node.settings.lake.keep_rollup_days
    if keep and period.days[0] * DAY < node.clock() - keep * DAY:
        raise Refused(
            "E-FLOW-666",
            "The lake keeps its roll-up for {days} days and has let go of part of {period}; a part would be taken for "
            "the whole.",
            days=keep,
            period=str(period),
        )


def _hosts(node: Node, query: Query, period: Period, round_id: str) -> Counted:
    first, end = period.days
    with node.lake.reading() as session:
        rollup = session.rollup()
        seen = session.sql(f"SELECT DISTINCT side, sector FROM {rollup} AS r WHERE day >= ? AND day < ?", [first, end])
        sectors = sorted({str(row["sector"]) for row in seen.to_pylist()})
        bins = [query.bin_of(sector) or query.bins[-1] for sector in sectors]
        session.register(
            "aggregate_sectors",
            pa.table({"sector": pa.array(sectors, pa.string()), "bin": pa.array(bins, pa.string())}),
        )
        rows = session.sql(
            _HOSTS.format(rollup=rollup),
            [round_id, Role.OWN.value, Basis.NONE.value, node.side, first, end, query.bins_per_unit],
        ).to_pylist()
    others = {str(row["side"]) for row in seen.to_pylist()} - {node.side}
    found = {(int(row["week"]), str(row["bin"])): int(row["hosts"]) for row in rows}
    return Counted(_in_order(query, period, found), {"other sides": len(others)} if others else {})


def _incidents(node: Node, query: Query, period: Period, members: frozenset[str]) -> Counted:
    found: dict[tuple[int, str], int] = {}
    left_out: dict[str, int] = {}
    strictest, after = Tlp.parse(query.tlp), 0
    while True:
        page = node.store.objects.list(Visibility(Tlp.RED), types=("incident",), after=after, limit=PAGE)
        for item in page.items:
            body = msgspec.json.decode(item.body, type=dict[str, object])
            week = _week_of(body)
            if item.origin is not None or item.revoked or not period.first <= week < period.first + period.weeks:
                continue
            reason = (
                "marked stricter" if item.tlp > strictest else "kept from a member" if item.excluded & members else ""
            )
            if reason:
                left_out[reason] = left_out.get(reason, 0) + 1
                continue
            for name in _classes(body, query)[: query.bins_per_unit]:
                found[week, name] = found.get((week, name), 0) + 1
        if page.next is None:
            return Counted(_in_order(query, period, found), left_out)
        after = page.next


def _week_of(body: Mapping[str, object]) -> int:
    created = body.get("created")
    moment = to_microseconds(parse_moment(created)) if isinstance(created, str) else 0
    return (moment // DAY + 3) // 7


def _classes(body: Mapping[str, object], query: Query) -> list[str]:
    """The bins of an incident: RSIT classes or types among its types (Incident Core) and labels; else the last bin."""
    extensions = body.get("extensions")
    core = extensions.get(INCIDENT_CORE_EXTENSION) if isinstance(extensions, dict) else None
    named = [core.get("incident_types") if isinstance(core, dict) else None, body.get("labels")]
    words = [word for words in named if isinstance(words, list) for word in words if isinstance(word, str)]
    matches = (_RSIT.fullmatch(word.strip()) for word in words)
    bins = [name for match in matches if match and (name := query.bin_of(match[1])) is not None]
    return list(dict.fromkeys(bins)) or [query.bins[-1]]


def _in_order(query: Query, period: Period, found: Mapping[tuple[int, str], int]) -> tuple[int, ...]:
    weeks = range(period.first, period.first + period.weeks)
    return tuple(found.get((week, name), 0) for week in weeks for name in query.bins)
