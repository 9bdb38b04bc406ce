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
from seawall.match.clocks import SENSOR_OFFSETS, register_offsets
from seawall.match.interface import LakeSession, Screens
from seawall.match.judge import JUDGED, judge, spelt_rollup
from seawall.match.sightings import BASIS_BIT, BASIS_LIST
from seawall.match.values import KEY, register_values, remote_values
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.finding_table import FINDING_SCHEMA

SAME_TIME = 900_000_000
"""Microseconds (15 min): a visit, its download and the first call home fall together; two errands rarely do."""
SERVER_TYPES = "('ipv4', 'ipv6', 'domain', 'certificate')"
"""A server's name, address and certificate in one record are one thing and do not support each other."""
_PAGE = "(j.type = 'url' AND j.screen = 'popular-domain')"  # judged by what was met with it
MAX_MEETINGS = 2_000_000
"""Records of asked values that are compared with each other; above, the oldest are kept. Bounds memory: 200 MB."""


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
    _serving(session)
    judge(session, screens, asked=f"(SELECT {KEY} FROM match_asked_values UNION SELECT {KEY} FROM match_serving)")
    session.register("match_listed", _listed(screens, asked))
    register_offsets(session)
    _meetings(session, shared_only=shared_only)
    _companions(session)
    _shared_names(session)
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
        f"coalesce(l.listed, CASE WHEN NOT ({_PAGE} AND c.met_with >= 1) THEN j.screen END, h.shared) AS screen, "
        "CAST(round(j.quiet_own) AS BIGINT) AS quiet, coalesce(c.met_with, 0) AS met_with, "
        "coalesce(s.stranger, false) AS stranger FROM match_asked_values a "
        f"JOIN {JUDGED} j USING ({KEY}) JOIN (SELECT {KEY}, side, min(first) AS first_seen, max(last) AS last_seen, "
        "  CAST(sum(count) AS BIGINT) AS count, bit_or(bases) AS bases, "
        f"  list(sector ORDER BY first, sector) AS sectors FROM ({records}) GROUP BY {KEY}, side"
        f") t USING ({KEY}, side) "
        f"LEFT JOIN match_listed l ON l.type = a.type AND l.value = a.value "
        f"LEFT JOIN match_shared_names h USING ({KEY}) "
        f"LEFT JOIN ({_corrected_arrivals()}) m USING ({KEY}, side) "
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


def _meetings(session: LakeSession, *, shared_only: bool) -> None:
    """``match_meetings``: raw records of asked values that passed our tests, with own address and right time."""
    own = "CASE own_end WHEN 'source' THEN src_{half} WHEN 'both' THEN src_{half} ELSE dst_{half} END"
    rows = (
        "(SELECT o.*, o.time - coalesce(c.skew, 0) AS moment, c.skew IS NOT NULL AS moved, "
        f"coalesce({own.format(half='high')}, 0) AS own_h, coalesce({own.format(half='low')}, 0) AS own_l "
        f"FROM {session.observations(0)} AS o LEFT JOIN {SENSOR_OFFSETS} c ON c.sensor = o.sensor AND c.side = o.side)"
    )
    sides = 2 if shared_only else 1
    passed = f"SELECT {KEY} FROM {JUDGED} j SEMI JOIN match_asked_values USING ({KEY}) "
    passed += f"WHERE screen IS NULL OR {_PAGE} GROUP BY {KEY} HAVING count(*) >= {sides:d}"
    columns = "event, moment, moved, side, sector, own_h, own_l"
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE match_meetings AS SELECT * FROM ({remote_values(rows, columns)}) "
        f"SEMI JOIN ({passed}) USING ({KEY}) ORDER BY moment, event, {KEY} LIMIT {MAX_MEETINGS}"
    )


def _corrected_arrivals() -> str:
    """First and last moments by corrected clocks, where a sensor's clock was wrong for one of the value's records."""
    return (
        f"SELECT {KEY}, side, min(first) AS first_seen, max(last) AS last_seen, "
        "list(sector ORDER BY first, sector) AS sectors FROM ("
        f"SELECT {KEY}, side, sector, min(moment) AS first, max(moment) AS last, bool_or(moved) AS moved "
        f"FROM match_meetings GROUP BY {KEY}, side, sector) GROUP BY {KEY}, side HAVING bool_or(moved)"
    )


def _companions(session: LakeSession) -> None:
    """``match_companions`` (met_with) and ``match_strangers`` (stranger), by value and side."""
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_pairs AS SELECT "
        "a.side, a.type, a.v, a.h, a.l, b.type AS other_type, b.v AS other_v, b.h AS other_h, b.l AS other_l, "
        "bool_or(a.event = b.event) AS together FROM match_meetings a JOIN match_meetings b "
        "ON a.side = b.side AND a.own_h = b.own_h AND a.own_l = b.own_l AND a.own_l <> 0 "
        f"AND abs(a.moment - b.moment) <= {SAME_TIME} "
        "AND NOT (a.type = b.type AND a.v = b.v AND a.h = b.h AND a.l = b.l) GROUP BY ALL"
    )
    one_server = f"type IN {SERVER_TYPES} AND other_type IN {SERVER_TYPES}"
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE match_companions AS SELECT {KEY}, side, "
        "count(DISTINCT (other_type, other_v, other_h, other_l)) "
        f"FILTER (NOT (together AND {one_server})) AS met_with FROM match_pairs GROUP BY {KEY}, side"
    )
    # an address whose rows name foreign hosts or files, none of which was asked about; own names say nothing, they
    # are what inbound requests ask for
    own_names = (
        f"SELECT value FROM {session.rollup(0)} AS r WHERE type = 'domain' GROUP BY value "
        "HAVING sum(count) FILTER (role = 'own') > coalesce(sum(count) FILTER (role <> 'own'), 0)"
    )
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE match_strangers AS SELECT {KEY}, m.side, "
        "bool_or((o.domain IS NOT NULL AND n.value IS NULL) OR coalesce(o.sha256, o.sha1, o.md5) IS NOT NULL) "
        "AND NOT bool_or(x.event IS NOT NULL) AS stranger FROM match_meetings m "
        f"JOIN {session.observations(0)} AS o ON o.event = m.event "
        "LEFT JOIN (SELECT DISTINCT event FROM match_meetings WHERE type NOT IN ('ipv4', 'ipv6')) x "
        f"ON x.event = m.event LEFT JOIN ({own_names}) n ON n.value = o.domain "
        f"WHERE m.type IN ('ipv4', 'ipv6') GROUP BY {KEY}, m.side"
    )


_SERVED = "('domain', 'email', 'certificate')"  # what an address serves; of a sender, the name


def _serving(session: LakeSession) -> None:
    """``match_serving``: the remote addresses (type, v, h, l) that records show with an asked name or certificate."""
    high = "CASE own_end WHEN 'source' THEN dst_high ELSE src_high END"
    low = "CASE own_end WHEN 'source' THEN dst_low ELSE src_low END"
    remote = f"{high} AS h, {low} AS l FROM {session.observations(0)} AS o WHERE own_end IN ('source', 'destination')"
    names = f"SELECT {_served_name()} FROM match_asked_values WHERE type IN {_SERVED}"
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_serving AS SELECT DISTINCT name, "
        "CASE WHEN h = 0 AND (l >> 32) = 65535 THEN 'ipv4' ELSE 'ipv6' END AS type, '' AS v, h, l "
        f"FROM (SELECT domain AS name, {remote} AND domain IS NOT NULL "
        f"UNION ALL SELECT certificate, {remote} AND certificate IS NOT NULL) "
        f"WHERE l IS NOT NULL AND name IN ({names})"
    )


def _shared_names(session: LakeSession) -> None:
    """``match_shared_names``: asked names, senders and certificates that only popular addresses serve."""
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_shared_names AS SELECT a.type, a.v, a.h, a.l, 'shared-hosting' AS shared "
        f"FROM (SELECT *, {_served_name()} AS name FROM match_asked_values WHERE type IN {_SERVED}) a "
        "JOIN match_serving s ON s.name = a.name "
        f"LEFT JOIN (SELECT DISTINCT h, l FROM {JUDGED} WHERE v = '' AND screen IN ('popular', 'mass-scanner')) p "
        "ON p.h = s.h AND p.l = s.l "
        "GROUP BY a.type, a.v, a.h, a.l HAVING count(*) = count(p.l)"
    )


def _served_name() -> str:
    return "CASE type WHEN 'email' THEN split_part(v, '@', 2) ELSE v END"
