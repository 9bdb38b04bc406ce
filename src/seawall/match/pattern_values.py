"""Comparing one value with one literal of a pattern (STIX 2.1 sections 9.2 and 9.6).

Values of unlike kinds are unequal and in no order. Texts compare by code point; LIKE and MATCHES compare in Unicode
normalisation form C. Binary values compare with texts whose characters all fit a byte. Regular expressions run on an
engine whose time is linear in the text, because patterns come from strangers: what it cannot do is told.
"""

from __future__ import annotations

import ipaddress
import operator
import re
import unicodedata
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from seawall.codec.pattern import Timestamp
from seawall.model import Fault

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z", re.ASCII)
BYTE = 0xFF
MAX_REGEX = 20_000  # characters; RE2 bounds its own memory, and refuses what would need more


def fits(found: object, sign: str, wanted: object) -> bool:
    """Whether ``found sign wanted`` is true.

    Raises Fault E-MATCH-012 for a text that must be a timestamp and is none, E-MATCH-013 for a regular expression that
    cannot be run, E-MATCH-014 for a set of unlike kinds.
    """
    if sign == "IN":
        return _in(found, wanted)
    if sign in ("LIKE", "MATCHES"):
        return _text_test(found, sign, str(wanted))
    if sign in ("ISSUBSET", "ISSUPERSET"):
        return _network_test(found, sign, str(wanted))
    pair = _comparable(found, wanted)
    if sign == "=":
        return pair is not None and pair[0] == pair[1]
    if sign == "!=":
        return pair is None or pair[0] != pair[1]
    return pair is not None and not isinstance(wanted, bool) and _ORDER[sign](*pair)


def _comparable(found: object, wanted: object) -> tuple[object, object] | None:
    """Both as values of one kind; None when they are of unlike kinds."""
    if isinstance(wanted, Timestamp):
        return (_instant(found), _instant(wanted.text)) if isinstance(found, str) else None
    if isinstance(found, bool) or isinstance(wanted, bool):
        return (found, wanted) if isinstance(found, bool) and isinstance(wanted, bool) else None
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return found, wanted
    if isinstance(found, str) and isinstance(wanted, str):
        return found, wanted
    if isinstance(found, str | bytes) and isinstance(wanted, str | bytes):
        left, right = _octets(found), _octets(wanted)
        return (left, right) if left is not None and right is not None else None
    return None


def _octets(value: str | bytes) -> bytes | None:
    if isinstance(value, bytes):
        return value
    return value.encode("latin-1") if all(ord(sign) <= BYTE for sign in value) else None


def _instant(text: str) -> tuple[datetime, Decimal]:
    """A timestamp as exact as it is written."""
    found = _TIMESTAMP.fullmatch(text)
    try:
        if found is not None:
            return datetime.fromisoformat(f"{found[1]}+00:00"), Decimal(f"0{found[2] or '.0'}")
    except ValueError:  # the 99th second
        pass
    raise Fault("E-MATCH-012", "{given} is no timestamp, but the pattern compares it with one.", given=ascii(text[:40]))


def _in(found: object, wanted: object) -> bool:
    members = wanted if isinstance(wanted, tuple) else (wanted,)
    check_members(members)
    return any(fits(found, "=", member) for member in members)


def check_members(members: tuple[object, ...]) -> None:
    """Raise Fault E-MATCH-014 for a set whose members are of unlike kinds."""
    if len({_kind(member) for member in members}) > 1:
        raise Fault("E-MATCH-014", "The members of the set after IN are of unlike kinds; write texts or numbers only.")


def _kind(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return type(value).__name__
    return "number"


def _text_test(found: object, sign: str, wanted: str) -> bool:
    if isinstance(found, bytes):
        if any(ord(sign) > BYTE for sign in wanted):
            return False
        text = found.decode("latin-1")
    elif isinstance(found, str):
        text, wanted = unicodedata.normalize("NFC", found), unicodedata.normalize("NFC", wanted)
    else:
        return False
    return found_by(text, f"(?s:{like_regex(wanted) if sign == 'LIKE' else wanted})")


def like_regex(wanted: str) -> str:
    """The regular expression of a LIKE operand: ``%`` is any text, ``_`` any one character."""
    return "^" + re.escape(wanted).replace("%", ".*").replace("_", ".") + r"\z"


def check_regex(wanted: str) -> None:
    """Raise Fault E-MATCH-013 for a regular expression that RE2 cannot run, or would need much memory for."""
    found_by("", wanted)


def found_by(text: str, wanted: str) -> bool:
    """Whether a regular expression is found in a text. RE2: linear in the text. Raises Fault E-MATCH-013."""
    if len(wanted) > MAX_REGEX:
        raise _no_regex(wanted)
    try:
        return bool(pc.match_substring_regex(pa.array([text]), pattern=wanted)[0].as_py())
    except pa.ArrowInvalid:
        raise _no_regex(wanted) from None


def _no_regex(wanted: str) -> Fault:
    return Fault(
        "E-MATCH-013",
        "The regular expression {given} cannot be run; look-around, back-references and very large ones are not "
        "supported.",
        given=ascii(wanted[:60]),
    )


def _network_test(found: object, sign: str, wanted: str) -> bool:
    if not isinstance(found, str):
        return False
    try:
        ours, theirs = ipaddress.ip_network(found, strict=False), ipaddress.ip_network(wanted, strict=False)
    except ValueError:
        return False
    inner, outer = (ours, theirs) if sign == "ISSUBSET" else (theirs, ours)
    return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]
