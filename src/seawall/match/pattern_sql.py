"""One ``[...]`` of a STIX pattern as SQL over the columns of observations.

A row of the lake is one observation (STIX 2.1 section 4.14) of the objects in ``OBJECTS``. As in ``pattern``, all tests
that AND joins must hold for one and the same object, so the test is written once for each object that a row can hold.
What an attacker wrote only ever travels as a parameter.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Callable, Mapping
from typing import TypeGuard

import msgspec

from seawall.codec.pattern import Both, Comparison, Node, Path, Timestamp
from seawall.codec.pattern.tree import STAR
from seawall.codec.values import address_halves
from seawall.match.pattern_values import check_members, check_regex, like_regex
from seawall.model import Fault

Sql = tuple[str, list[object]]
"""A condition without NULL as its answer, and its parameters in order."""

TEXT, NUMBER, ADDRESS = "text", "number", "address"
_FALSE: Sql = ("false", [])
_V4 = "({0}_high = 0 AND {0}_low BETWEEN 281470681743360 AND 281474976710655)"
_V4_TEXT = "concat_ws('.', ({0}_low >> 24) & 255, ({0}_low >> 16) & 255, ({0}_low >> 8) & 255, {0}_low & 255)"
_LOWER = frozenset({"md5", "sha1", "sha256", "certificate", "ja3", "hassh", "domain"})
"""Columns in lower case: an equal value is equal however the pattern spells it, as an address is."""
_ORDER = ("<", "<=", ">", ">=")


class Held(msgspec.Struct, frozen=True):
    """Where a property stands: a column, or for an address the name before ``_high`` and ``_low``."""

    kind: str
    column: str


class Kept(msgspec.Struct, frozen=True):
    """One object that a row can hold: when it is there, and its properties by their steps."""

    type: str
    there: str
    properties: Mapping[tuple[str | int, ...], Held]
    each: str | None = None  # a list: the object stands once for each of its members, called ``member``


def _address(end: str, kind: str) -> Kept:
    four = _V4.format(end)
    there = f"{end}_high IS NOT NULL AND {'' if kind == 'ipv4-addr' else 'NOT '}{four}"
    return Kept(kind, there, {("value",): Held(ADDRESS, end)})


def _one(kind: str, column: str, *steps: str, type: str = TEXT, there: str = "") -> Kept:
    return Kept(kind, there or f"{column} IS NOT NULL", {tuple(steps): Held(type, column)})


_TRAFFIC = Kept(
    "network-traffic",
    "src_high IS NOT NULL OR dst_high IS NOT NULL",
    {
        ("src_ref", "value"): Held(ADDRESS, "src"),
        ("dst_ref", "value"): Held(ADDRESS, "dst"),
        ("src_port",): Held(NUMBER, "src_port"),
        ("dst_port",): Held(NUMBER, "dst_port"),
        ("protocols", STAR): Held(TEXT, "protocol"),
        ("protocols", 0): Held(TEXT, "protocol"),
        ("x_seawall_ja3",): Held(TEXT, "ja3"),
        ("x_seawall_ja4",): Held(TEXT, "ja4"),
        ("x_seawall_hassh",): Held(TEXT, "hassh"),
    },
)
_FILE = Kept(
    "file",
    "md5 IS NOT NULL OR sha1 IS NOT NULL OR sha256 IS NOT NULL OR file_name IS NOT NULL",
    {
        ("hashes", "MD5"): Held(TEXT, "md5"),
        ("hashes", "SHA-1"): Held(TEXT, "sha1"),
        ("hashes", "SHA-256"): Held(TEXT, "sha256"),
        ("name",): Held(TEXT, "file_name"),
    },
)
OBJECTS: tuple[Kept, ...] = (
    _address("src", "ipv4-addr"),
    _address("dst", "ipv4-addr"),
    _address("src", "ipv6-addr"),
    _address("dst", "ipv6-addr"),
    _TRAFFIC,
    _one("domain-name", "domain", "value"),
    _one("url", "url", "value"),
    _one("email-addr", "email", "value"),
    _FILE,
    _one("user-account", "username", "account_login"),
    _one("process", "command", "command_line"),
    _one("x509-certificate", "certificate", "hashes", "SHA-1", there="length(certificate) = 40"),
    _one("x509-certificate", "certificate", "hashes", "SHA-256", there="length(certificate) = 64"),
    _one("autonomous-system", "asn", "number", type=NUMBER),
    Kept("x-seawall-cve", "cve IS NOT NULL", {("value",): Held(TEXT, "member")}, each="string_split(cve, ',')"),
)
"""What a row can hold, in the words of STIX; ``as_observed_data`` in the tests writes rows this way."""

Spelt = Callable[[str, Comparison], str]
"""Gives, for an end and a test of an IPv6 address as text, SQL that tells whether the end passes."""


def known_paths() -> list[str]:
    """The object paths that observations hold, as patterns write them."""
    return sorted({f"{kept.type}:{_written(steps)}" for kept in OBJECTS for steps in kept.properties})


def check_paths(test: Node) -> None:
    """Raise Fault E-MATCH-017 for a path that no observation of the lake can hold."""
    if isinstance(test, Both):
        for part in test.parts:
            check_paths(part)
    elif isinstance(test, Comparison) and not any(_property(kept, test.path) for kept in OBJECTS):
        raise Fault(
            "E-MATCH-017",
            "The lake holds nothing at {path}; what it holds stands at {known}.",
            path=ascii(f"{test.path.type}:{_written(test.path.steps)}"[:120])[1:-1],
            known=", ".join(known_paths()),
        )


def row_condition(test: Node, spelt: Spelt) -> Sql:
    """SQL that is true for rows of which one object passes the test.

    Raises Fault E-MATCH-012 to E-MATCH-014 for comparisons that make no sense, E-MATCH-017 as ``check_paths``.
    """
    check_paths(test)
    wanted = _types(test)
    parts: list[str] = []
    values: list[object] = []
    for kept in OBJECTS:
        if kept.type not in wanted:
            continue
        condition, bound = _for_object(test, kept, spelt)
        if condition == "false":
            continue
        if kept.each is not None:
            condition = f"len(list_filter({kept.each}, lambda member: {condition})) > 0"
        parts.append(f"(({kept.there}) AND {condition})")
        values += bound
    return (f"({' OR '.join(parts)})", values) if parts else _FALSE


def _types(test: Node) -> set[str]:
    if isinstance(test, Both):
        return set().union(*(_types(part) for part in test.parts))
    return {test.path.type} if isinstance(test, Comparison) else set()


def _for_object(test: Node, kept: Kept, spelt: Spelt) -> Sql:
    if isinstance(test, Both):
        sides = [_for_object(part, kept, spelt) for part in test.parts]
        condition = f"({f' {test.word} '.join(side for side, _ in sides)})"
        if all(side == "false" for side, _ in sides) or (test.word == "AND" and _FALSE in sides):
            return _FALSE
        return condition, [value for _, bound in sides for value in bound]
    if not isinstance(test, Comparison):
        raise TypeError(f"{type(test).__name__} does not stand inside brackets")
    if test.path.type != kept.type:
        return _FALSE
    held = _property(kept, test.path)
    if test.operator == "EXISTS":
        there = "false" if held is None else _present(held)
        return f"(NOT ({there}))" if test.negated else f"({there})", []
    if held is None:
        return _FALSE
    condition, bound = _compare(held, test, spelt)
    return f"({_present(held)} AND {'NOT ' if test.negated else ''}({condition}))", bound


def _property(kept: Kept, path: Path) -> Held | None:
    return kept.properties.get(tuple(path.steps)) if kept.type == path.type else None


def _present(held: Held) -> str:
    return f"{held.column}_high IS NOT NULL" if held.kind == ADDRESS else f"{held.column} IS NOT NULL"


def _compare(held: Held, test: Comparison, spelt: Spelt) -> Sql:
    sign, wanted = test.operator, test.value
    if sign == "IN":
        members = wanted if isinstance(wanted, tuple) else (wanted,)
        check_members(members)
        sides = [_equal(held, member) for member in members]
        return f"({' OR '.join(side for side, _ in sides)})" if sides else "false", [v for _, b in sides for v in b]
    if sign == "=":
        return _equal(held, wanted)
    if sign == "!=":
        condition, bound = _equal(held, wanted)
        return f"NOT ({condition})", bound
    if sign in ("ISSUBSET", "ISSUPERSET"):
        return _network(held.column, sign, str(wanted)) if held.kind == ADDRESS else _FALSE
    if sign in _ORDER and not _same_kind(held, wanted):
        return _FALSE
    if _beyond(wanted):
        return ("true" if sign.startswith("<") == (wanted > 0) else "false"), []
    if sign in ("LIKE", "MATCHES"):
        if held.kind == NUMBER:
            return _FALSE
        wanted = unicodedata.normalize("NFC", str(wanted))
        wanted = f"(?s:{like_regex(wanted) if sign == 'LIKE' else wanted})"
        check_regex(wanted)
    if held.kind != ADDRESS:
        return _told(held.column, sign, wanted)
    four, bound = _told(_V4_TEXT.format(held.column), sign, wanted)
    return f"CASE WHEN {_V4.format(held.column)} THEN {four} ELSE {spelt(held.column, test)} END", bound


def _told(text: str, sign: str, wanted: object) -> Sql:
    if sign in ("LIKE", "MATCHES"):
        plain = f"strlen({text}) = length({text}) OR contains({text}, chr(0))"  # nfc_normalize ends at NUL
        normal = f"CASE WHEN {plain} THEN {text} ELSE nfc_normalize({text}) END"
        return f"regexp_matches({normal}, ?)", [wanted]
    return f"{text} {sign} ?", [_bound(wanted)]


def _bound(value: object) -> object:
    """A literal as a parameter: bytes as the text whose characters they are."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _beyond(wanted: object) -> TypeGuard[int]:
    """A whole number that no column can hold."""
    return isinstance(wanted, int) and not -(2**63) <= wanted < 2**63


def _same_kind(held: Held, wanted: object) -> bool:
    if isinstance(wanted, Timestamp):
        if held.kind != NUMBER:
            raise Fault("E-MATCH-012", "{given} is no timestamp, but the pattern compares it with one.",
                        given=held.column)  # fmt: skip
        return False
    if held.kind == NUMBER:
        return isinstance(wanted, int | float) and not isinstance(wanted, bool)
    return isinstance(wanted, str | bytes)


def _equal(held: Held, wanted: object) -> Sql:
    if not _same_kind(held, wanted) or _beyond(wanted):
        return _FALSE
    if held.kind != ADDRESS:
        bound = _bound(wanted)
        return f"{held.column} = ?", [bound.lower() if held.column in _LOWER and isinstance(bound, str) else bound]
    try:
        high, low = address_halves(str(_bound(wanted)))
    except Fault:
        return _FALSE
    return f"({held.column}_high = {high:d} AND {held.column}_low = {low:d})", []


def _network(end: str, sign: str, wanted: str) -> Sql:
    """Whether an address lies in a network, or a network of one address is all of it."""
    try:
        network = ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return _FALSE
    if sign == "ISSUPERSET":
        return _equal(Held(ADDRESS, end), str(network.network_address)) if network.num_addresses == 1 else _FALSE
    if network.version == 4:
        low = int(network.network_address) | 0xFFFF_0000_0000
        last = int(network.broadcast_address) | 0xFFFF_0000_0000
        return f"({_V4.format(end)} AND {end}_low BETWEEN {low:d} AND {last:d})", []
    four = f"NOT {_V4.format(end)}"
    conditions = [
        _halves_within(f"{end}_high", network, high=True),
        _halves_within(f"{end}_low", network, high=False),
        four,
    ]
    return f"({' AND '.join(conditions)})", []


def _halves_within(column: str, network: ipaddress.IPv4Network | ipaddress.IPv6Network, *, high: bool) -> str:
    """The first bits of one half are the network's: masked comparison, so that signs do not matter."""
    shift = 64 if high else 0
    mask = (int(network.netmask) >> shift) & (2**64 - 1)
    bits = (int(network.network_address) >> shift) & (2**64 - 1)
    return f"({column} & {_signed(mask):d}) = {_signed(bits):d}"


def _signed(half: int) -> int:
    return half - 2**64 if half >= 2**63 else half


def _written(steps: tuple[str | int, ...]) -> str:
    text = ""
    for step in steps:
        if isinstance(step, int) or step == STAR:
            text += f"[{step}]"
        else:
            quoted = f"'{step}'" if "-" in str(step) else str(step)
            text += f".{quoted}" if text else quoted
    return text
