"""Is a version within a range? Honest about what cannot be told: then the answer is None, never "no".

Python packages are compared by ``packaging`` (PEP 440), Debian ones as dpkg does (Debian Policy 5.6.12). All others
follow the general rule, which semantic versions and most vendors' numbers obey:

1. A word in front (``v``, ``version``, ``release``) is dropped; another one must be equal on both sides (``R80.40``).
2. What follows ``+`` is build metadata (semver.org, item 10) and is ignored.
3. The rest is cut into numbers and words. Numbers compare as numbers; missing numbers are 0, so 1.2 is 1.2.0.
4. A word for a version before the release (alpha, beta, rc, dev ...) sorts before its absence; any other word (patch
   letters, sp, hotfix, R3-S5) behind it, but before a further number.

No digit at all, or words in front that differ: nobody can tell.
"""

from __future__ import annotations

import re
from itertools import zip_longest

from packaging.version import InvalidVersion, Version

from seawall.model.exposure import VersionRange

MAX_VERSION = 200  # characters; longer ones are no versions
_DROPPED = frozenset({"", "v", "ver", "version", "release", "rel", "build"})
_BEFORE = frozenset(
    {"a", "alpha", "b", "beta", "c", "rc", "cr", "pre", "preview", "dev", "snapshot", "nightly", "m", "milestone", "ea"}
)
_ORDER = {word: place for place, word in enumerate(
    ("dev", "nightly", "snapshot", "ea", "m", "milestone", "a", "alpha", "b", "beta", "pre", "preview", "c", "rc", "cr")
)}  # fmt: skip
_SAME = {"alpha": "a", "beta": "b", "milestone": "m", "preview": "pre", "c": "rc", "cr": "rc"}
_PIECES = re.compile(r"\d+|[a-z]+")
_FRONT = re.compile(r"([a-z]*)[\s._-]*(?=\d)")
_Token = tuple[int, int, str]
_END: _Token = (1, 0, "")
NUMBER = 3


def compare(left: str, right: str, scheme: str = "") -> int | None:
    """-1, 0 or 1 as ``left`` is before, at or behind ``right``; None when nobody can tell."""
    left, right = left.strip(), right.strip()
    if not left or not right or max(len(left), len(right)) > MAX_VERSION:
        return None
    if left == right:
        return 0
    if scheme == "pypi":
        try:
            one, other = Version(left), Version(right)
        except InvalidVersion:
            return _general(left, right)
        return (one > other) - (one < other)
    return _debian(left, right) if scheme == "deb" else _general(left, right)


def contains(range: VersionRange, version: str) -> bool | None:
    """Whether a version lies in a range; None when that cannot be told."""
    if range.every:
        return True
    if range.unsaid or range.text or not version.strip():
        return None
    inside: list[bool | None] = []
    for bound, included, sign in ((range.start, range.start_included, 1), (range.end, range.end_included, -1)):
        if bound:
            order = compare(version, bound, range.scheme)
            inside.append(None if order is None else order == sign or (order == 0 and included))
    if False in inside:
        return False
    return None if None in inside else True


def _general(left: str, right: str) -> int | None:
    found = _cut(left), _cut(right)
    if found[0] is None or found[1] is None or found[0][0] != found[1][0]:
        return None
    ours, theirs = found[0][1], found[1][1]
    for one, other in zip_longest(ours, theirs, fillvalue=_END):
        if one != other:
            return 1 if one > other else -1
    return 0


def _cut(text: str) -> tuple[str, list[_Token]] | None:
    """(the word in front, the pieces as they compare); None when there is no digit."""
    text = text.lower().split("+", 1)[0]
    front = _FRONT.match(text)
    if front is None or re.search(r"\d", text) is None:
        return None
    word = "" if front[1] in _DROPPED else front[1]
    tokens: list[_Token] = []
    for token in (*map(_token, _PIECES.findall(text, front.end())), _END):
        while token[0] != NUMBER and len(tokens) > 1 and tokens[-1] == (NUMBER, 0, ""):
            tokens.pop()  # 1.2.0 is 1.2, also before a word
        tokens.append(token)
    return word, tokens[:-1]


def _token(piece: str) -> _Token:
    """Before the release < its end < behind it < a further number."""
    if piece.isdigit():
        return NUMBER, int(piece), ""
    plain = _SAME.get(piece, piece)
    return (0, _ORDER.get(plain, 0), plain) if piece in _BEFORE else (2, 0, piece)


def _debian(left: str, right: str) -> int:
    one, other = _epoch(left), _epoch(right)
    if one[0] != other[0]:
        return 1 if one[0] > other[0] else -1
    return _dpkg(one[1], other[1]) or _dpkg(one[2], other[2])


def _epoch(text: str) -> tuple[int, str, str]:
    epoch, colon, rest = text.partition(":")
    if not colon or not (epoch.isascii() and epoch.isdigit()):
        epoch, rest = "0", text
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
    return int(epoch), upstream, revision


def _dpkg(left: str, right: str) -> int:
    """Debian Policy 5.6.12: letters before other characters, ``~`` before the end, numbers as numbers, in turns."""
    for one, other in zip_longest(_turns(left), _turns(right), fillvalue=((0,), 0)):
        if one != other:
            return 1 if one > other else -1
    return 0


def _turns(text: str) -> list[tuple[tuple[int, ...], int]]:
    return [
        ((*map(_weight, word), 0), int(number or 0))
        for word, number in re.findall(r"(\D*)(\d*)", text)
        if word or number
    ]


def _weight(character: str) -> int:
    if character == "~":
        return -1
    return ord(character) if character.isalpha() else ord(character) + 0x110000
