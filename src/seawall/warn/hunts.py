"""The questions that partners may ask of each other's lakes: a small tree of tests over named fields, nothing else.

What comes from a peer is Sigma, or conditions over ``FIELDS`` that must all hold. Neither is ever SQL: fields are
looked up in a table of ours, values are bound. Every size has a bound: a peer chooses them. Fields that name our own
people (accounts, mail addresses, typed commands) are not among them, and those that name machines only ever mean the
end of a connection that is not ours (``hunt_sql``), so that no question finds out about one of our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated

import msgspec

from seawall.model.hunt import AnswerTier, HuntState
from seawall.model.unreadable import UNREADABLE
from seawall.model.unreadable import reason as why

MAX_TEXT = 65_536  # bytes of a question; Sigma rules have up to 20 KB
MAX_TESTS = 500  # of one question, after "1 of them" and its like were spelled out
MAX_VALUES = 5_000  # of one question
MAX_VALUE = 1_024  # characters
MAX_PATTERNS = 40  # regular expressions of one question
MAX_PATTERN = 512  # characters of one; RE2 takes time in proportion to it
MAX_DEPTH = 32
MAX_WINDOW = 92 * 86_400_000_000  # microseconds: a quarter
MAX_DEADLINE = 21 * 86_400_000_000  # microseconds ahead: no message lives longer

TEXT, LISTED, NUMBER, ADDRESS = "text", "list", "number", "address"
FIELDS: dict[str, str] = {
    "domain": TEXT, "url": TEXT, "uri": TEXT, "path": TEXT, "file_name": TEXT, "md5": TEXT, "sha1": TEXT,
    "sha256": TEXT, "ja3": TEXT, "ja4": TEXT, "hassh": TEXT, "certificate": TEXT, "protocol": TEXT, "kind": TEXT,
    "basis": TEXT, "signature": TEXT, "category": TEXT, "country": TEXT, "cve": LISTED, "technique": LISTED,
    "ip": ADDRESS, "src": ADDRESS, "dst": ADDRESS, "src_port": NUMBER, "dst_port": NUMBER, "asn": NUMBER,
    "signature_id": NUMBER, "severity": NUMBER,
}  # fmt: skip
"""Field -> how its values are compared. ``uri``: the whole URL or its path; ``ip``: the other end, whichever it is."""


class Op(StrEnum):
    """How a field is compared; texts without regard to case."""

    EQUALS = "eq"
    CONTAINS = "contains"
    STARTS = "startswith"
    ENDS = "endswith"
    MATCHES = "re"  # RE2 only
    IN_NETWORK = "cidr"
    BELOW = "lt"
    AT_MOST = "lte"
    ABOVE = "gt"
    AT_LEAST = "gte"
    EXISTS = "exists"


_Value = Annotated[str, msgspec.Meta(max_length=MAX_VALUE)]


class Test(msgspec.Struct, frozen=True, tag="test"):
    """One field against alternatives: any of ``values`` suffices."""

    field: Annotated[str, msgspec.Meta(max_length=40)]
    op: Op
    values: Annotated[tuple[_Value, ...], msgspec.Meta(max_length=1_000)] = ()


class All(msgspec.Struct, frozen=True, tag="all"):
    """Every part holds."""

    parts: tuple[Part, ...]


class Any(msgspec.Struct, frozen=True, tag="any"):
    """At least one part holds."""

    parts: tuple[Part, ...]


class Not(msgspec.Struct, frozen=True, tag="not"):
    """The part does not hold."""

    part: Part


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """A part that the lake cannot answer; ``hunt_sql`` takes it for true and for false, and tells both counts."""

    reason: str


Part = Test | All | Any | Not | Unknown


class BadHunt(ValueError):
    """The question cannot be used; its message is one clause for a person."""


class _Conditions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A bounded lake query as it travels."""

    version: Annotated[int, msgspec.Meta(ge=1, le=1)]
    all: Annotated[tuple[Test, ...], msgspec.Meta(min_length=1, max_length=32)]


_OPERATORS = {"=": Op.EQUALS, "*=": Op.CONTAINS, "^=": Op.STARTS, "$=": Op.ENDS, "~=": Op.MATCHES, "@=": Op.IN_NETWORK,
              "<": Op.BELOW, "<=": Op.AT_MOST, ">": Op.ABOVE, ">=": Op.AT_LEAST}  # fmt: skip
_CONDITION = re.compile(r"\s*([a-z0-9_]+)\s*(\*=|\^=|\$=|~=|@=|<=|>=|=|<|>)\s*(.*)", re.DOTALL)


def read_query(text: str) -> All:
    """A bounded lake query. Raises BadHunt."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT:
        raise BadHunt(f"it has more than {MAX_TEXT} bytes")
    try:
        read = msgspec.json.decode(text, type=_Conditions)
    except UNREADABLE as error:
        raise BadHunt(f"it is no query: {why(error)}") from None
    query = All(read.all)
    check(query)
    return query


def write_query(conditions: Sequence[str]) -> str:
    """``domain = evil.example | worse.example`` and the like, all of which must hold, as a query that may travel.

    Raises BadHunt for what is no condition.
    """
    tests = []
    for text in conditions:
        found = _CONDITION.fullmatch(text)
        if found is None:
            raise BadHunt(f"{text[:80]!a} is no condition; write field=value")
        values = tuple(value.strip() for value in found[3].split(" | ") if value.strip())
        tests.append(Test(found[1], _OPERATORS[found[2]], values))
    try:
        text = msgspec.json.encode(_Conditions(1, tuple(tests))).decode()
    except UnicodeEncodeError:
        raise BadHunt("a value is no text") from None
    read_query(text)
    return text


def check(part: Part) -> None:
    """Pass, or raise BadHunt for unknown fields, values that do not fit them, and whatever is beyond a bound."""
    tests = list(tests_of(part))
    if not tests:
        raise BadHunt("it tests nothing that is known here")
    if len(tests) > MAX_TESTS or sum(len(test.values) for test in tests) > MAX_VALUES:
        raise BadHunt(f"it has more than {MAX_TESTS} tests or {MAX_VALUES} values")
    if sum(len(test.values) for test in tests if test.op is Op.MATCHES) > MAX_PATTERNS:
        raise BadHunt(f"it has more than {MAX_PATTERNS} regular expressions")
    for test in tests:
        _check(test)


def tests_of(part: Part) -> Iterator[Test]:
    """Every test in a question. Raises BadHunt when it is nested too deeply."""
    waiting: list[tuple[Part, int]] = [(part, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise BadHunt(f"it is nested deeper than {MAX_DEPTH} levels")
        if isinstance(one, Test):
            yield one
        elif isinstance(one, Not):
            waiting.append((one.part, depth + 1))
        elif isinstance(one, All | Any):
            waiting += [(inner, depth + 1) for inner in one.parts]


_FITTING = {
    TEXT: frozenset({Op.EQUALS, Op.CONTAINS, Op.STARTS, Op.ENDS, Op.MATCHES, Op.EXISTS}),
    LISTED: frozenset({Op.EQUALS, Op.EXISTS}),
    NUMBER: frozenset({Op.EQUALS, Op.BELOW, Op.AT_MOST, Op.ABOVE, Op.AT_LEAST, Op.EXISTS}),
    ADDRESS: frozenset({Op.EQUALS, Op.IN_NETWORK, Op.EXISTS}),
}


def _check(test: Test) -> None:
    kind = FIELDS.get(test.field)
    if kind is None:
        raise BadHunt(f"there is no field {test.field[:40]!a}; the fields are {', '.join(sorted(FIELDS))}")
    if test.op not in _FITTING[kind]:
        raise BadHunt(f"{test.field} is not compared with {test.op.value}")
    if (test.op is Op.EXISTS) == bool(test.values):
        raise BadHunt(f"the test of {test.field} needs values, and a test whether it exists needs none")
    for value in test.values:
        if not value or len(value) > (MAX_PATTERN if test.op is Op.MATCHES else MAX_VALUE):
            raise BadHunt(f"a value of {test.field} is empty or too long")
        if kind == NUMBER and re.fullmatch(r"-?[0-9]{1,18}", value) is None:
            raise BadHunt(f"{test.field} is a number; {value[:40]!a} is none")
        if kind == ADDRESS and not _is_network(value, network=test.op is Op.IN_NETWORK):
            raise BadHunt(f"{test.field} is an address; {value[:60]!a} is none")


def _is_network(text: str, *, network: bool) -> bool:
    import ipaddress

    try:
        ipaddress.ip_network(text, strict=False) if network else ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


MOVES: dict[HuntState, frozenset[HuntState]] = {
    HuntState.WAITING: frozenset({HuntState.ACCEPTED, HuntState.DECLINED}),
    HuntState.ACCEPTED: frozenset({HuntState.RUN, HuntState.DECLINED, HuntState.ANSWERED}),
    HuntState.RUN: frozenset({HuntState.RUN, HuntState.ANSWERED, HuntState.DECLINED}),
    HuntState.ANSWERED: frozenset({HuntState.ANSWERED, HuntState.RUN}),  # a later answer may tell more
    HuntState.DECLINED: frozenset(),
}
"""From which state a received hunt may go where."""

POINTS = {AnswerTier.NOT_RUN: 0, AnswerTier.NO: 1, AnswerTier.YES: 1, AnswerTier.COUNT: 4, AnswerTier.DETAILS: 8}
"""What an answer costs of a peer's budget: a "no" tells as much as a "yes"."""

BANDS = ((0, 0), (1, 9), (10, 99), (100, 999), (1_000, 9_999), (10_000, 99_999), (100_000, None))


def band_of(count: int) -> tuple[int, int | None]:
    """The band that a number of rows lies in, ends included."""
    return next((low, high) for low, high in BANDS if count >= low and (high is None or count <= high))


def join(parts: Iterable[Part], *, every: bool) -> Part:
    """All or any of some parts; a single one as it is."""
    several = tuple(parts)
    if len(several) == 1:
        return several[0]
    return All(several) if every else Any(several)
