"""The roll-up -> suspects with the numbers of every exclusion test: the temporary table ``match_judged``.

One row per value and side: ``hostile`` and ``benign`` events, ``hostile_sensors``, ``quiet_sensors``, ``hostile_own``,
``quiet_own``, ``sectors``, the side's ``fleet_*``, ``own_rows`` (the value stood at our own end), ``generated`` and
``screen``, the first test that it failed. A value that fails on one side of a lake is screened on all.
"""

from __future__ import annotations

import pyarrow as pa

from seawall.match.interface import LakeSession, Screens
from seawall.match.reach import (
    CANDIDATE_TYPES,
    GENERATED_BURST,
    GENERATED_MIN_LENGTH,
    GENERATED_SHARE,
    MASS_TEST,
    POPULAR_TEST,
    SPECIFIC_URL_ALARMS,
    distinct,
)
from seawall.match.sightings import BASIS_BIT
from seawall.match.values import ADDRESS_TYPES, KEY, without_query

JUDGED = "match_judged"
_TYPES = ", ".join(f"'{kind.value}'" for kind in CANDIDATE_TYPES)
_MEETINGS = (
    f"{distinct('hostile_sensor_bits')} AS hostile_sensors, {distinct('hostile_own_bits')} AS hostile_own, "
    f"{distinct('all_sensor_bits')} - {distinct('hostile_sensor_bits')} AS quiet_sensors, "
    f"{distinct('all_own_bits')} - {distinct('hostile_own_bits')} AS quiet_own"
)
# the longest label of a name: in practice the registered one, where generators put their letters
LABEL = "list_max(list_transform(string_split(v, '.'), lambda x: struct_pack(n := len(x), x := x))).x"
RANDOM_LOOKING = (
    f"len(label) >= {GENERATED_MIN_LENGTH} AND (regexp_matches(label, '[bcdfghjklmnpqrstvwxz0-9]{{5,}}') "
    "OR len(regexp_replace(label, '[^aeiouy]', '', 'g')) < 0.22 * len(label))"
)


def judge(
    session: LakeSession,
    screens: Screens,
    *,
    shared_only: bool = False,
    asked: str | None = None,
    fleet: pa.Table | None = None,
) -> None:
    """Fill ``match_judged``. ``shared_only``: only values with an alarm that were met on two sides or more; ``asked``:
    only the values (type, v, h, l) of that registered table, those without any hostile record included. ``fleet``: of
    ``fleet_table``, for who asks often; it is counted anew without.
    """
    spelt = spelt_rollup(session)
    session.register("match_fleet_counted", fleet_table(session) if fleet is None else fleet)
    session.sql("CREATE OR REPLACE TEMP TABLE match_fleet AS SELECT * FROM match_fleet_counted")
    _suspects(session, spelt, shared_only=shared_only, asked=asked)
    _meetings(session, spelt)
    _generated(session, spelt)
    _popular_names(session, spelt, screens)
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE {JUDGED} AS SELECT * EXCLUDE (failed), "
        f"min(failed) OVER (PARTITION BY {KEY}) AS screen FROM ("
        "SELECT m.*, f.fleet_sensors, f.fleet_own, f.fleet_sectors, g.v IS NOT NULL AS generated, "
        f"p.registered AS popular_domain, CASE WHEN (type IN {ADDRESS_TYPES!r} AND own_rows > 0) "
        "OR own_rows > benign + hostile THEN 'own' "
        f"WHEN {MASS_TEST} THEN 'mass-scanner' WHEN {POPULAR_TEST} THEN 'popular' "
        f"WHEN p.registered IS NOT NULL AND NOT (type = 'url' AND hostile >= {SPECIFIC_URL_ALARMS}) "
        "THEN 'popular-domain' WHEN g.v IS NOT NULL THEN 'generated-name' END AS failed "
        f"FROM match_met m JOIN match_fleet f USING (side) LEFT JOIN match_generated g USING ({KEY}, side) "
        f"LEFT JOIN match_popular_names p USING ({KEY}))"
    )


def spelt_rollup(session: LakeSession) -> str:
    """SQL: the roll-up of candidate types with (type, v, h, l) in place of value, high and low."""
    return (
        f"SELECT r.* EXCLUDE (value, high, low), CASE WHEN type = 'url' THEN {without_query('value')} "
        "ELSE coalesce(value, '') END AS v, coalesce(high, 0) AS h, coalesce(low, 0) AS l "
        f"FROM {session.rollup(0)} AS r WHERE type IN ({_TYPES})"
    )


def fleet_table(session: LakeSession) -> pa.Table:
    """One row a side: how many sensors, own addresses and sectors the whole roll-up knows."""
    return session.sql(
        "SELECT side, "
        f"{distinct('bit_or(sensor_bits)')} AS fleet_sensors, {distinct('bit_or(own_bits)')} AS fleet_own, "
        f"count(DISTINCT sector) AS fleet_sectors FROM {session.rollup(0)} AS r GROUP BY side"
    )


def _suspects(session: LakeSession, spelt: str, *, shared_only: bool, asked: str | None) -> None:
    hostile = f"SELECT {KEY}, side FROM ({spelt}) WHERE role = 'remote' AND basis <> 'none' GROUP BY {KEY}, side"
    if asked is not None:
        values = f"SELECT DISTINCT {KEY} FROM {asked}"
    elif shared_only:
        values = (
            f"SELECT {KEY} FROM ({spelt}) WHERE role <> 'own' GROUP BY {KEY} HAVING count(DISTINCT side) >= 2 "
            "AND count(*) FILTER (role = 'remote' AND basis <> 'none') > 0"
        )
    else:
        values = f"SELECT DISTINCT {KEY} FROM ({hostile})"
    session.sql(f"CREATE OR REPLACE TEMP TABLE match_suspects AS {values}")


def _meetings(session: LakeSession, spelt: str) -> None:
    """``match_met``: every record of a suspect, hostile or not, as one row per side."""
    hostile = "FILTER (role = 'remote' AND basis <> 'none')"
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE match_met AS SELECT *, {_MEETINGS} FROM ("
        f"SELECT {KEY}, side, min(first) {hostile} AS first_seen, max(last) {hostile} AS last_seen, "
        f"CAST(coalesce(sum(count) {hostile}, 0) AS BIGINT) AS hostile, "
        "CAST(coalesce(sum(count) FILTER (basis = 'none' AND role <> 'own'), 0) AS BIGINT) AS benign, "
        "CAST(coalesce(sum(count) FILTER (role = 'own'), 0) AS BIGINT) AS own_rows, "
        f"count(DISTINCT sector) {hostile} AS sectors, coalesce(bit_or({BASIS_BIT}) {hostile}, 0) AS bases, "
        f"coalesce(bit_or(sensor_bits) {hostile}, 0) AS hostile_sensor_bits, "
        f"coalesce(bit_or(own_bits) {hostile}, 0) AS hostile_own_bits, "
        "coalesce(bit_or(sensor_bits) FILTER (role <> 'own'), 0) AS all_sensor_bits, "
        "coalesce(bit_or(own_bits) FILTER (role <> 'own'), 0) AS all_own_bits "
        f"FROM ({spelt}) SEMI JOIN match_suspects USING ({KEY}) GROUP BY {KEY}, side)"
    )


def _generated(session: LakeSession, spelt: str) -> None:
    """``match_generated``: random-looking names met only by hosts that went through many such names on that day.

    A host is (side, sector, sensor bit, own bit); rows that several hosts share are left out when hosts are judged.
    """
    # one row a key, as compaction leaves them: how many batches brought a day must not tell
    names = (
        f"SELECT {KEY}, side, day, sector, bit_or(sensor_bits) AS sensor_bits, bit_or(own_bits) AS own_bits, "
        f"{LABEL} AS label FROM ({spelt}) WHERE type = 'domain' GROUP BY {KEY}, side, day, sector, role, basis"
    )
    hosts = (
        f"SELECT side, day, sector, sensor_bits, own_bits FROM (SELECT *, {RANDOM_LOOKING} AS random FROM names "
        "WHERE bit_count(own_bits) = 1 AND bit_count(sensor_bits) = 1) "
        "GROUP BY side, day, sector, sensor_bits, own_bits "
        f"HAVING count(DISTINCT v) FILTER (random) >= {GENERATED_BURST} "
        f"AND count(DISTINCT v) FILTER (random) >= {GENERATED_SHARE} * count(DISTINCT v)"
    )
    burst = (
        "SELECT side, day, sector, bit_or(sensor_bits) AS burst_sensors, bit_or(own_bits) AS burst_own "
        f"FROM ({hosts}) GROUP BY side, day, sector"
    )
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE match_generated AS WITH names AS ({names}), burst AS ({burst}) "
        f"SELECT {KEY}, n.side FROM (SELECT *, {RANDOM_LOOKING} AS random FROM names) n "
        f"SEMI JOIN match_suspects USING ({KEY}) LEFT JOIN burst b USING (side, day, sector) "
        f"GROUP BY {KEY}, n.side HAVING bool_and(random AND b.burst_own IS NOT NULL "
        "AND (own_bits & ~b.burst_own) = 0 AND (sensor_bits & ~b.burst_sensors) = 0)"
    )


def _popular_names(session: LakeSession, spelt: str, screens: Screens) -> None:
    """``match_popular_names``: suspect names and URLs under a registered domain that is popular as a whole."""
    hosts = session.sql(
        f"SELECT {KEY}, CASE WHEN type = 'domain' THEN v WHEN type = 'email' THEN split_part(v, '@', 2) "
        "ELSE regexp_extract(v, '^[a-z][a-z0-9+.-]*://(?:[^/@]*@)?([^/:]+)', 1) END AS name "
        "FROM match_suspects WHERE type IN ('domain', 'url', 'email')"
    )
    registered = {name: screens.registered_domain(name) for name in set(hosts["name"].to_pylist())}
    named = hosts.append_column("registered", pa.array([registered[n] for n in hosts["name"].to_pylist()], pa.string()))
    session.register("match_registered", named)
    parents = (
        f"SELECT s.*, unnest(list_transform(range(1, greatest(len(labels), 2)), lambda i: "
        "array_to_string(labels[i:], '.'))) AS parent FROM (SELECT *, string_split(v, '.') AS labels "
        f"FROM ({spelt}) WHERE type = 'domain' AND role <> 'own') s"
    )
    met = (
        "SELECT d.registered, side, CAST(coalesce(sum(count) FILTER (basis <> 'none'), 0) AS BIGINT) AS hostile, "
        "CAST(coalesce(sum(count) FILTER (basis = 'none'), 0) AS BIGINT) AS benign, "
        "coalesce(bit_or(sensor_bits) FILTER (basis <> 'none'), 0) AS hostile_sensor_bits, "
        "coalesce(bit_or(own_bits) FILTER (basis <> 'none'), 0) AS hostile_own_bits, "
        "bit_or(sensor_bits) AS all_sensor_bits, bit_or(own_bits) AS all_own_bits "
        f"FROM ({parents}) p JOIN (SELECT DISTINCT registered FROM match_registered WHERE registered IS NOT NULL) d "
        "ON p.parent = d.registered GROUP BY d.registered, side"
    )
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_popular_names AS "
        f"SELECT DISTINCT {KEY}, registered FROM match_registered WHERE registered IN ("
        f"SELECT registered FROM (SELECT *, {_MEETINGS} FROM ({met})) WHERE {POPULAR_TEST})"
    )
