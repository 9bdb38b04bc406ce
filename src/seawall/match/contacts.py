"""Contacts: what *our* records say about given values, alarmed or not, and what else the same hosts met.

A value that a peer calls hostile may stand in our own traffic without any alarm; that is the most useful warning and
the easiest to get wrong, because a tail of innocent values stands there too. Two measurements tell them apart:

- ``met_with``: other asked values that the same own address met within 15 minutes. A victim meets a set of means
  (the sender's address, the name, the file); an innocent page meets nobody's list twice.
- ``stranger``: an address that our rows show under names or files of which nobody asked: another tenant's server.

A name, sender or certificate that only popular addresses serve lies on shared hosting (``screen`` ``shared-hosting``):
blocking it may hit everybody there, so its URLs and files are warned about and the name only when an indicator vouches
for it. What we give up: an attacker's own name behind a delivery network, seen only in encrypted connections.
"""

from __future__ import annotations

import pyarrow as pa

from seawall.match.candidates import candidate_table
from seawall.match.clocks import register_offsets
from seawall.match.companions import PAGE, corrected_arrivals, find_companions
from seawall.match.hosting import find_hosted, find_serving
from seawall.match.interface import LakeSession, Screens
from seawall.match.judge import JUDGED, judge, spelt_rollup
from seawall.match.sightings import BASIS_BIT, BASIS_LIST
from seawall.match.values import KEY, register_values
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.finding_table import FINDING_SCHEMA


def overlap_table(
    session: LakeSession,
    screens: Screens,
    *,
    also: pa.Table | None = None,
    tlp: Tlp = Tlp.AMBER,
    pap: Pap = Pap.AMBER,
) -> pa.Table:
    """What hits both sides of a lake that holds two: ``contact_table`` of every value that is a candidate on one of
    them and was met on another, alarmed there or not; and of the values ``also`` (columns type, value) asked about.
    """
    values = candidate_table(session, screens, shared_only=True).select(["type", "value"])
    values = values if also is None else pa.concat_tables([values, also.select(["type", "value"])])
    return contact_table(session, screens, values, shared_only=True, tlp=tlp, pap=pap)


def contact_table(
    session: LakeSession,
    screens: Screens,
    values: pa.Table,
    *,
    shared_only: bool = False,
    tlp: Tlp = Tlp.AMBER,
    pap: Pap = Pap.AMBER,
) -> pa.Table:
    """Our records of ``values`` (columns type, value) as FINDING_SCHEMA, one row per value and side, sorted.

    Values that never stood at a remote end here give no row. ``count`` is all records, ``hostile`` those with an alarm;
    ``screen``, ``quiet``, ``met_with`` and ``stranger`` are measured. Wrong sensor clocks are corrected. With
    ``shared_only`` (a lake of two sides) only values met on both sides support each other.
    """
    asked = sorted(set(zip(values["type"].to_pylist(), values["value"].to_pylist(), strict=True)))
    register_values(session, "match_asked_values", asked)
    find_serving(session)
    judge(session, screens, asked=f"(SELECT {KEY} FROM match_asked_values UNION SELECT {KEY} FROM match_serving)")
    session.register("match_listed", _listed(screens, asked))
    register_offsets(session)
    find_companions(session, shared_only=shared_only)
    find_hosted(session)
    records = (
        f"SELECT {KEY}, side, sector, min(first) AS first, max(last) AS last, CAST(sum(count) AS BIGINT) AS count, "
        f"bit_or({BASIS_BIT}) AS bases FROM ({spelt_rollup(session)}) "
        f"SEMI JOIN match_asked_values USING ({KEY}) WHERE role <> 'own' GROUP BY {KEY}, side, sector"
    )
    found = session.sql(
        "SELECT a.type, a.value, t.side, coalesce(m.first_seen, t.first_seen) AS first_seen, "
        "coalesce(m.last_seen, t.last_seen) AS last_seen, t.count, j.hostile, "
        "coalesce(m.sectors, t.sectors) AS sectors, "
        f"{BASIS_LIST.format(bits='t.bases')} AS basis, "
        "CAST(round(j.hostile_sensors + j.quiet_sensors) AS BIGINT) AS sensors, CAST(NULL AS VARCHAR) AS indicator_id, "
        f"CAST(NULL AS VARCHAR) AS campaign, {int(tlp)}::INTEGER AS tlp, {int(pap)}::INTEGER AS pap, "
        "CAST(NULL AS VARCHAR) AS origin, CAST(NULL AS BIGINT) AS told_at, "
        f"coalesce(l.listed, CASE WHEN NOT ({PAGE} AND c.met_with >= 1) THEN j.screen END, h.shared) AS screen, "
        "CAST(round(j.quiet_own) AS BIGINT) AS quiet, coalesce(c.met_with, 0) AS met_with, "
        "coalesce(s.stranger, false) AS stranger FROM match_asked_values a "
        f"JOIN {JUDGED} j USING ({KEY}) JOIN (SELECT {KEY}, side, min(first) AS first_seen, max(last) AS last_seen, "
        "  CAST(sum(count) AS BIGINT) AS count, bit_or(bases) AS bases, "
        f"  list(sector ORDER BY first, sector) AS sectors FROM ({records}) GROUP BY {KEY}, side"
        f") t USING ({KEY}, side) "
        f"LEFT JOIN match_listed l ON l.type = a.type AND l.value = a.value "
        f"LEFT JOIN match_hosted h USING ({KEY}) "
        f"LEFT JOIN ({corrected_arrivals()}) m USING ({KEY}, side) "
        f"LEFT JOIN match_companions c USING ({KEY}, side) LEFT JOIN match_strangers s USING ({KEY}, side) "
        "ORDER BY a.type, a.value, t.side"
    )
    return found.cast(FINDING_SCHEMA)


def _listed(screens: Screens, asked: list[tuple[str, str]]) -> pa.Table:
    rows = []
    for kind, value in asked:
        observable = Observable(ObservableType(kind), value)
        if screens.is_own(observable):
            rows.append({"type": kind, "value": value, "listed": "own"})
        elif (name := screens.listed(observable)) is not None:
            rows.append({"type": kind, "value": value, "listed": f"warninglist: {name}"})
    schema = pa.schema([("type", pa.string()), ("value", pa.string()), ("listed", pa.string())])
    return pa.Table.from_pylist(rows, schema=schema)
