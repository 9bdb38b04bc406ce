"""The words of STIX patterns (STIX 2.1 part 9.8): tokens and literals."""

from __future__ import annotations

import base64
import binascii
import re

_TOKEN = re.compile(
    r"(?P<skip>[\s\u00a0\u2028\u2029]+|/\*.*?\*/|//[^\r\n]*)"
    r"|(?P<time>t'\d{4}-(?:0[1-9]|1[012])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?Z')"
    r"|(?P<hex>h'(?:[A-Fa-f0-9]{2})*')"
    r"|(?P<binary>b'(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})')"
    r"|(?P<string>'(?:[^'\\]|\\['\\])*')"
    r"|(?P<float>[+-]?\d*\.\d+)"
    r"|(?P<int>[+-]?(?:0|[1-9]\d*))"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_-]*)"
    r"|(?P<mark>==|!=|<>|<=|>=|[=<>:.,()\[\]*])",
    re.S | re.A,
)
_KEYWORDS = frozenset(
    ["AND", "OR", "NOT", "FOLLOWEDBY", "LIKE", "MATCHES", "ISSUPERSET", "ISSUBSET", "EXISTS", "LAST", "IN", "START",
     "STOP", "SECONDS", "true", "false", "WITHIN", "REPEATS", "TIMES"]
)  # fmt: skip
_ESCAPE = re.compile(r"\\(.)", re.S)


class PatternError(ValueError):
    """The text is no STIX pattern; the message says where and why."""


def tokens(text: str) -> list[tuple[str, str, int]]:
    """(kind, text, place) of every token, comments and spaces left out. Raises PatternError."""
    found: list[tuple[str, str, int]] = []
    place, end = 0, len(text)
    while place < end:
        match = _TOKEN.match(text, place)
        if match is None:
            raise PatternError(f"at character {place + 1}: {text[place : place + 10]!r} is no part of a pattern")
        kind = str(match.lastgroup)
        if kind != "skip":
            word = match[0]
            found.append(("key" if kind == "word" and word in _KEYWORDS else kind, word, place))
        place = match.end()
    found.append(("end", "", end))
    return found


def unquoted(text: str) -> str:
    """The content of a string literal: ``\\\\`` and ``\\'`` are its only escapes."""
    return _ESCAPE.sub(r"\1", text[1:-1]) if "\\" in text else text[1:-1]


def decoded(text: str) -> bytes:
    """The content of a binary literal. Raises PatternError."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise PatternError(f"{text[:40]!r} is not base64") from None
