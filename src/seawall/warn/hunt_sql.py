"""Questions as conditions on the lake: column names from a table of ours, every value bound, RE2 for patterns.

What names a machine means the end that is not ours, by the rules of ``ingest.ends``: an address counts where the other
end is ours; a name or a certificate where our client asked for it, or in a honeypot, and never one of our own names. So
nobody finds out by a question whether one particular machine of ours was hit.

An unknown part (``Unknown``) is taken for false to count what certainly meets the question, and for true to count what
may meet it; below "not" the other way round. So is a row of which nobody knows whose ends it has.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import msgspec

from seawall.codec.values import address_halves
from seawall.warn.hunts import ADDRESS, FIELDS, LISTED, NUMBER, All, Any, BadHunt, Not, Op, Part, Test, Unknown

OWN_NAMES = "hunt_own_names"
"""The table (column ``name``, never NULL) of those names in the lake that are ours, or below one of ours, lower case.
The caller registers it. One set, looked up by hash: comparing with every domain of ours would be done for every row."""
HOST = "lower(regexp_extract(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]*)', 1))"
"""SQL: the host of a row's URL."""
_NO_OWN_NAME = f"{{name}} NOT IN (SELECT name FROM {OWN_NAMES})"
_ASKED_BY_US = (
    "(basis = 'honeypot' OR CASE WHEN client_end = 'destination' THEN own_end IN ('destination', 'both')"
    " ELSE own_end IN ('source', 'both') END)"
)
_NOBODY_KNOWS = "own_end IN ('neither', 'unknown')"
_PATH = "lower(regexp_replace(url, '^[a-zA-Z][a-zA-Z0-9+.-]*://[^/?#]*', ''))"
_SIGNS = {Op.BELOW: "<", Op.AT_MOST: "<=", Op.ABOVE: ">", Op.AT_LEAST: ">="}
_FUNCTIONS = {Op.CONTAINS: "contains", Op.STARTS: "starts_with", Op.ENDS: "ends_with"}


class Clause(msgspec.Struct, frozen=True):
    """A condition for WHERE and the values of its places, in order. It is never NULL."""

    sql: str
    values: tuple[object, ...]


def certain(part: Part) -> Clause:
    """Rows that meet the question whatever its unknown parts would say."""
    return _clause(part, unknown=False)


def possible(part: Part) -> Clause:
    """Rows that meet the question if its unknown parts would say so."""
    return _clause(part, unknown=True)


def _clause(part: Part, *, unknown: bool) -> Clause:
    if isinstance(part, Unknown):
        return Clause("TRUE" if unknown else "FALSE", ())
    if isinstance(part, Not):
        inner = _clause(part.part, unknown=not unknown)
        return Clause(f"(NOT {inner.sql})", inner.values)
    if isinstance(part, All | Any):
        clauses = [_clause(one, unknown=unknown) for one in part.parts]
        between = " AND " if isinstance(part, All) else " OR "
        return Clause(f"({between.join(one.sql for one in clauses)})", _values(clauses))
    found = _test(part, unknown=unknown)
    return Clause(f"coalesce({found.sql}, FALSE)", found.values)


def _values(clauses: Sequence[Clause]) -> tuple[object, ...]:
    return tuple(value for one in clauses for value in one.values)


def _test(test: Test, *, unknown: bool) -> Clause:
    kind = FIELDS.get(test.field)
    if kind is None:
        raise BadHunt(f"there is no field {test.field[:40]!a}")
    if kind == ADDRESS:
        return _address(test, unknown=unknown)
    if kind == NUMBER:
        return _number(test)
    if kind == LISTED:
        return _listed(test)
    theirs = f"({_ASKED_BY_US} OR {_NOBODY_KNOWS})" if unknown else _ASKED_BY_US
    about_url = f"{theirs} AND {_NO_OWN_NAME.format(name=HOST)}"
    if test.field == "uri":
        parts = [_text(test, _PATH, ""), _text(test, "lower(url)", about_url)]
        return Clause(f"({' OR '.join(one.sql for one in parts)})", _values(parts))
    column, condition = {
        "domain": ("lower(domain)", f"{theirs} AND {_NO_OWN_NAME.format(name='lower(domain)')}"),
        "url": ("lower(url)", about_url),
        "path": (_PATH, ""),
        "certificate": ("lower(certificate)", theirs),
    }.get(test.field, (f"lower({test.field})", ""))
    return _text(test, column, condition)


def _text(test: Test, column: str, condition: str) -> Clause:
    values: tuple[object, ...] = tuple(value.lower() for value in test.values)
    if test.op is Op.EXISTS:
        sql = f"{column} <> ''"
    elif test.op is Op.EQUALS:
        sql = f"{column} IN ({_places(len(values))})"
    elif test.op is Op.MATCHES:
        # on the column as it stands: a pattern says itself whether case matters
        plain = column.removeprefix("lower(").removesuffix(")") if column.startswith("lower(") else column
        sql, values = " OR ".join([f"regexp_matches({plain}, ?)"] * len(values)), tuple(test.values)
    else:
        sql = " OR ".join([f"{_FUNCTIONS[test.op]}({column}, ?)"] * len(values))
    return Clause(f"(({sql}) AND {condition})" if condition else f"({sql})", values)


def _number(test: Test) -> Clause:
    if test.op is Op.EXISTS:
        return Clause(f"({test.field} IS NOT NULL)", ())
    values = tuple(int(value) for value in test.values)
    if test.op is Op.EQUALS:
        return Clause(f"({test.field} IN ({_places(len(values))}))", values)
    return Clause(f"({' OR '.join([f'{test.field} {_SIGNS[test.op]} ?'] * len(values))})", values)


def _listed(test: Test) -> Clause:
    """A column that holds several, with commas between."""
    if test.op is Op.EXISTS:
        return Clause(f"({test.field} <> '')", ())
    values = tuple(value.upper() for value in test.values)
    column = f"string_split(upper({test.field}), ',')"
    return Clause(f"({' OR '.join([f'list_contains({column}, ?)'] * len(values))})", values)


def _address(test: Test, *, unknown: bool) -> Clause:
    """The end that is not ours, of the two that a field may mean."""
    ends = ("src", "dst") if test.field == "ip" else (test.field,)
    parts = [_end(test, end, unknown=unknown) for end in ends]
    return Clause(f"({' OR '.join(one.sql for one in parts)})", _values(parts))


def _end(test: Test, end: str, *, unknown: bool) -> Clause:
    other = "destination" if end == "src" else "source"
    remote = f"(own_end = '{other}' OR {_NOBODY_KNOWS})" if unknown else f"own_end = '{other}'"
    if test.op is Op.EXISTS:
        return Clause(f"({end}_high IS NOT NULL AND {remote})", ())
    parts = [_network(end, value) if test.op is Op.IN_NETWORK else _exact(end, value) for value in test.values]
    return Clause(f"(({' OR '.join(one.sql for one in parts)}) AND {remote})", _values(parts))


def _exact(end: str, value: str) -> Clause:
    return Clause(f"({end}_high = ? AND {end}_low = ?)", tuple(address_halves(str(ipaddress.ip_address(value)))))


def _network(end: str, value: str) -> Clause:
    """First and last address of a network share their upper bits, so signed halves keep its order (``lake``)."""
    network = ipaddress.ip_network(value, strict=False)
    first, last = address_halves(str(network[0])), address_halves(str(network[-1]))
    if network.version == 4 or network.prefixlen > 64:
        return Clause(f"({end}_high = ? AND {end}_low BETWEEN ? AND ?)", (first[0], first[1], last[1]))
    if network.prefixlen == 0:
        return Clause(f"({end}_high IS NOT NULL AND NOT ({end}_high = 0 AND {end}_low >= 0))", ())
    return Clause(f"({end}_high BETWEEN ? AND ?)", (first[0], last[0]))


def _places(count: int) -> str:
    return ", ".join(["?"] * count)
