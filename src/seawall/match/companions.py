"""Companions: which other values the same own address met at the same time, from raw records of few values.

Values are numbered, and records meet only within neighbouring stretches of ``SAME_TIME``, so that the join stays near
the number of records also where one own address (a resolver, a proxy) stands in many of them.
"""

from __future__ import annotations

from seawall.match.clocks import SENSOR_OFFSETS
from seawall.match.interface import LakeSession
from seawall.match.judge import JUDGED
from seawall.match.values import KEY, remote_values

SAME_TIME = 900_000_000
"""Microseconds (15 min): a visit, its download and the first call home fall together; two errands rarely do."""
SERVER_TYPES = "('ipv4', 'ipv6', 'domain', 'certificate')"
"""A server's name, address and certificate in one record are one thing and do not support each other."""
PAGE = "(j.type = 'url' AND j.screen = 'popular-domain')"
"""SQL over ``match_judged j``: a page on a popular site, which is judged by what was met with it."""
MAX_MEETINGS = 2_000_000
"""Records of asked values that are compared with each other; above, the oldest are kept. Bounds memory: 200 MB."""

_OWN = "CASE own_end WHEN 'source' THEN src_{half} WHEN 'both' THEN src_{half} ELSE dst_{half} END"


def find_companions(session: LakeSession, *, shared_only: bool) -> None:
    """Fill ``match_meetings``, ``match_companions`` (met_with) and ``match_strangers`` (stranger), by value and side.

    Needs ``match_asked_values``, ``match_judged`` and the sensor offsets. ``shared_only``: only values met on two sides
    or more count.
    """
    _number_values(session, shared_only=shared_only)
    _meetings(session)
    _companions(session)
    _strangers(session)


def corrected_arrivals() -> str:
    """SQL: first and last moments by corrected clocks, where a sensor whose clock was wrong met the value."""
    return (
        f"SELECT {KEY}, side, min(first) AS first_seen, max(last) AS last_seen, "
        "list(sector ORDER BY first, sector) AS sectors FROM ("
        f"SELECT {KEY}, side, sector, min(moment) AS first, max(moment) AS last, bool_or(moved) AS moved "
        f"FROM match_meetings GROUP BY {KEY}, side, sector) GROUP BY {KEY}, side HAVING bool_or(moved)"
    )


def _number_values(session: LakeSession, *, shared_only: bool) -> None:
    sides = 2 if shared_only else 1
    passed = (
        f"SELECT {KEY} FROM {JUDGED} j SEMI JOIN match_asked_values USING ({KEY}) "
        f"WHERE screen IS NULL OR {PAGE} GROUP BY {KEY} HAVING count(*) >= {sides:d}"
    )
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE match_numbered AS SELECT row_number() OVER (ORDER BY {KEY}) AS number, *, "
        f"type IN {SERVER_TYPES} AS server FROM ({passed})"
    )


def _meetings(session: LakeSession) -> None:
    """``match_meetings``: raw records of asked values that passed our tests, with own address and right time."""
    rows = (
        "(SELECT o.*, o.time - coalesce(c.skew, 0) AS moment, c.skew IS NOT NULL AS moved, "
        f"coalesce({_OWN.format(half='high')}, 0) AS own_h, coalesce({_OWN.format(half='low')}, 0) AS own_l "
        f"FROM {session.observations(0)} AS o LEFT JOIN {SENSOR_OFFSETS} c ON c.sensor = o.sensor AND c.side = o.side)"
    )
    columns = "event, moment, moved, side, sector, own_h, own_l"
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_meetings AS SELECT m.*, n.number, n.server, "
        f"m.moment // {SAME_TIME} AS stretch FROM ({remote_values(rows, columns)}) m "
        f"JOIN match_numbered n USING ({KEY}) ORDER BY moment, event, number LIMIT {MAX_MEETINGS}"
    )


def _companions(session: LakeSession) -> None:
    near = (
        "(SELECT event, moment, side, own_h, own_l, number, server, "
        "unnest([stretch - 1, stretch, stretch + 1]) AS near FROM match_meetings WHERE own_l <> 0)"
    )
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_companions AS SELECT n.type, n.v, n.h, n.l, p.side, "
        "count(*) FILTER (NOT (together AND both_server)) AS met_with FROM ("
        "  SELECT a.side, a.number, b.number AS other, bool_or(a.event = b.event) AS together, "
        "  bool_and(a.server AND b.server) AS both_server "
        f"  FROM match_meetings a JOIN {near} b ON a.side = b.side AND a.own_h = b.own_h AND a.own_l = b.own_l "
        f"  AND a.stretch = b.near AND a.number <> b.number AND abs(a.moment - b.moment) <= {SAME_TIME} "
        "  GROUP BY a.side, a.number, b.number"
        ") p JOIN match_numbered n ON n.number = p.number GROUP BY n.type, n.v, n.h, n.l, p.side"
    )


def _strangers(session: LakeSession) -> None:
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
