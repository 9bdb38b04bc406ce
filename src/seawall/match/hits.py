"""Observations x keys -> hits: one row per distinct (event, indicator) pair, in the temporary table ``match_found``.

Everything is an equality join on materialised small tables (engines notes, sections 5 and 9):

1. addresses: the distinct addresses of both ends first, met with the exact keys and, once per prefix length, with the
   ranges; then the events are joined with that small map;
2. domains: the distinct names first, each exploded once into its parents of two labels or more;
3. URLs, hashes, fingerprints and the like: plain joins; CVE lists are split like names.

No two steps can give the same pair, because an indicator has one type; only the two ends of one event can, and the
second end leaves out what the first end found.
"""

from __future__ import annotations

import msgspec

from seawall.match.interface import LakeSession
from seawall.match.keys import TEXT_COLUMNS, range_lengths

FOUND = "match_found"
HIT_COLUMNS = "event, indicator, type, time, side, sector, sensor, basis, run"
IPV4_MAPPED_HIGH_BITS = 0xFFFF  # of the low half: ``::ffff:0:0/96`` holds the IPv4 addresses


class Stretch(msgspec.Struct, frozen=True):
    """Which rows to match: a relation text, time bounds (microseconds, inclusive) and the registered keys' prefix."""

    relation: str
    keys: str
    counts: dict[str, int]  # keys by type
    since: int | None = None
    until: int | None = None
    exact: bool = False
    mapped: bool = False  # the maps of addresses and names hold what these rows need already

    @property
    def rows(self) -> str:
        """The rows as a subquery."""
        bounds = [f"time >= {self.since:d}"] if self.since is not None else []
        bounds += [f"time <= {self.until:d}"] if self.until is not None else []
        return f"(SELECT * FROM {self.relation} AS o WHERE {' AND '.join(bounds)})" if bounds else self.relation


def clear_found(session: LakeSession) -> None:
    """An empty ``match_found``."""
    session.sql(
        f"CREATE OR REPLACE TEMP TABLE {FOUND} (event BIGINT, indicator BIGINT, type VARCHAR, time BIGINT, "
        "side VARCHAR, sector VARCHAR, sensor VARCHAR, basis VARCHAR, run INTEGER)"
    )


def find_hits(session: LakeSession, stretch: Stretch, run: int) -> None:
    """Add to ``match_found`` every pair of a row of the stretch and a key."""
    if {"ipv4", "ipv6", "cidr"} & stretch.counts.keys():
        if not stretch.mapped:
            map_addresses(session, stretch.keys, _both_ends(stretch.rows))
        _by_address(session, stretch, run)
    if "domain" in stretch.counts:
        if stretch.exact:
            _by_text(session, stretch, "domain", run)
        else:
            if not stretch.mapped:
                map_names(session, stretch.keys, _distinct(stretch.rows, "domain"))
            _by_map(session, stretch, "domain", run)
    if "cve" in stretch.counts:
        _map_cves(session, stretch.keys, _distinct(stretch.rows, "cve"))
        _by_map(session, stretch, "cve", run)
    for column in TEXT_COLUMNS:
        if column in stretch.counts:
            _by_text(session, stretch, column, run)


def map_addresses(session: LakeSession, keys: str, addresses: str) -> None:
    """Fill ``match_address_map`` (high, low, indicator, type, until) for the distinct addresses (high, low) given."""
    session.sql(f"CREATE OR REPLACE TEMP TABLE match_addresses AS {addresses}")
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_address_map AS "
        f"SELECT a.high, a.low, k.number AS indicator, k.type, k.until FROM match_addresses a "
        f"JOIN {keys}_address k ON a.low = k.low AND a.high = k.high"
    )
    for length in range_lengths(session, keys):
        session.sql(
            "INSERT INTO match_address_map "
            f"SELECT a.high, a.low, k.number, k.type, k.until FROM match_addresses a "
            f"JOIN {keys}_range k ON k.length = {length:d} AND {in_range(length)}"
        )


def map_names(session: LakeSession, keys: str, names: str) -> None:
    """Fill ``match_text_map`` (text, indicator, type, until) for the distinct names (text) given, parents included.

    A name meets the indicators equal to itself and to each of its parents of two labels or more.
    """
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_text_map AS "
        "SELECT n.text, k.number AS indicator, k.type, k.until FROM ("
        "  SELECT text, unnest(list_transform(range(1, greatest(len(labels), 2)),"
        "    lambda i: array_to_string(labels[i:], '.'))) AS parent"
        f"  FROM (SELECT text, string_split(text, '.') AS labels FROM ({names}))"
        f") n JOIN {keys}_text k ON k.type = 'domain' AND k.value = n.parent"
    )


def _map_cves(session: LakeSession, keys: str, lists: str) -> None:
    session.sql(
        "CREATE OR REPLACE TEMP TABLE match_text_map AS "
        "SELECT DISTINCT c.text, k.number AS indicator, k.type, k.until FROM ("
        f"  SELECT text, trim(unnest(string_split(text, ','))) AS one FROM ({lists})"
        f") c JOIN {keys}_text k ON k.type = 'cve' AND k.value = c.one"
    )


def in_range(length: int) -> str:
    """SQL: the address ``a`` lies in the range ``k`` of this prefix length."""
    if length <= 64:
        high = "0" if length == 0 else f"(a.high >> {64 - length:d})"
        # an IPv6 range as wide as this would also hold the IPv4-mapped addresses, which are not IPv6 on any wire
        return f"{high} = k.high AND NOT (a.high = 0 AND (a.low >> 32) = {IPV4_MAPPED_HIGH_BITS:d})"
    low = f"(a.low >> {128 - length:d}) = k.low AND a.high = k.high"
    return low if length >= 96 else f"{low} AND NOT (a.high = 0 AND (a.low >> 32) = {IPV4_MAPPED_HIGH_BITS:d})"


def _both_ends(rows: str) -> str:
    return (
        f"SELECT DISTINCT high, low FROM (SELECT src_high AS high, src_low AS low FROM {rows} AS o "
        f"UNION ALL SELECT dst_high, dst_low FROM {rows} AS o) WHERE high IS NOT NULL AND low IS NOT NULL"
    )


def _distinct(rows: str, column: str) -> str:
    return f"SELECT DISTINCT {column} AS text FROM {rows} AS o WHERE {column} IS NOT NULL"


def _insert(run: int, source: str) -> str:
    return (
        f"INSERT INTO {FOUND} SELECT o.event, k.indicator, k.type, o.time, o.side, o.sector, o.sensor, o.basis, "
        f"{run:d} FROM {source} AND o.time < k.until"
    )


def _by_address(session: LakeSession, stretch: Stretch, run: int) -> None:
    session.sql(
        _insert(run, f"{stretch.rows} AS o JOIN match_address_map k ON o.src_low = k.low AND o.src_high = k.high")
    )
    first_end = (
        "NOT EXISTS (SELECT 1 FROM match_address_map s WHERE s.low = o.src_low AND s.high = o.src_high "
        "AND s.indicator = k.indicator)"
    )
    session.sql(
        _insert(
            run,
            f"{stretch.rows} AS o JOIN match_address_map k ON o.dst_low = k.low AND o.dst_high = k.high "
            f"WHERE {first_end}",
        )
    )


def _by_map(session: LakeSession, stretch: Stretch, column: str, run: int) -> None:
    session.sql(_insert(run, f"{stretch.rows} AS o JOIN match_text_map k ON o.{column} = k.text"))


def _by_text(session: LakeSession, stretch: Stretch, column: str, run: int) -> None:
    key = f"(SELECT number AS indicator, type, value, until FROM {stretch.keys}_text WHERE type = '{column}')"
    session.sql(_insert(run, f"{stretch.rows} AS o JOIN {key} k ON o.{column} = k.value"))
