"""Shared hosting: names, senders and certificates that only popular addresses serve.

Blocking such a name may hit everybody there, so its URLs and files are warned about, and the name itself only when an
indicator vouches for it. What we give up: an attacker's own name behind a delivery network, seen only in encrypted
connections.
"""

from __future__ import annotations

from seawall.match.interface import LakeSession
from seawall.match.judge import JUDGED

_SERVED = "('domain', 'email', 'certificate')"  # what an address serves; of a sender, the name


def find_serving(session: LakeSession) -> None:
    """Fill ``match_serving``: remote addresses (type, v, h, l) that records show with an asked name or certificate."""
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


def find_hosted(session: LakeSession) -> None:
    """``match_hosted``: asked names, senders and certificates that only popular addresses serve."""
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_hosted AS SELECT a.type, a.v, a.h, a.l, 'shared-hosting' AS shared "
        f"FROM (SELECT *, {_served_name()} AS name FROM match_asked_values WHERE type IN {_SERVED}) a "
        "JOIN match_serving s ON s.name = a.name "
        f"LEFT JOIN (SELECT DISTINCT h, l FROM {JUDGED} WHERE v = '' AND screen IN ('popular', 'mass-scanner')) p "
        "ON p.h = s.h AND p.l = s.l "
        "GROUP BY a.type, a.v, a.h, a.l HAVING count(*) = count(p.l)"
    )


def _served_name() -> str:
    return "CASE type WHEN 'email' THEN split_part(v, '@', 2) ELSE v END"
