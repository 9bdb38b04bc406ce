"""Own-asset and victim values are struck before anything leaves (rule 3).

In free text the value is replaced. Where the value *is* the object (an indicator's pattern, an observable's value, a
victim's identity) nothing would be left, so the whole object is private.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from seawall.codec.values import detect
from seawall.model import Observable, ObservableType
from seawall.policy.request import PrivateValues
from seawall.reference import Names

STRUCK = "[redacted]"
_WORD = re.compile(r"""[^\s"'<>(),;=|{}\\]+""")
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)+", re.ASCII)
_EDGES = "[].:!?*%$^"
_PIECES = re.compile(r"[/\-_@#&?\[\]%]+")  # 10.0.0.1-10.0.0.9, evil.example/10.0.0.1
_HINTS = re.compile(r"[.:@]")
_ESSENTIAL = {
    "indicator": "pattern",
    "ipv4-addr": "value",
    "ipv6-addr": "value",
    "domain-name": "value",
    "url": "value",
    "email-addr": "value",
    "identity": "name",
}
_PLUMBING = frozenset(
    {"id", "type", "spec_version", "created", "modified", "valid_from", "valid_until", "first_seen", "last_seen"}
    | {"pattern_type", "pattern_version", "schema", "hashes", "extension_type", "created_by_ref"}
)


class Struck(msgspec.Struct, frozen=True):
    """An object without its private values. ``places`` tells where; ``essential``: the object itself is private."""

    body: dict[str, Any]
    places: tuple[str, ...]
    essential: bool


def strike(body: dict[str, Any], private: PrivateValues, properties: frozenset[str] = frozenset()) -> Struck:
    """``body`` with own and victim values replaced, and the named ``properties`` gone at any depth."""
    kind = str(body.get("type", ""))
    places: list[str] = []

    judged: dict[str, str] = {}  # the same value stands in name, description and pattern

    def clean(text: str) -> str:
        return _clean(text, private, judged)

    fresh = _walk(body, clean, properties, "", places)
    essential = _ESSENTIAL.get(kind)
    return Struck(fresh, tuple(places), essential is not None and essential in places)


def redact(body: bytes, private: PrivateValues, properties: frozenset[str] = frozenset()) -> bytes:
    """The JSON ``body`` with own and victim values replaced; for texts that are not decided upon as objects."""
    return msgspec.json.encode(strike(msgspec.json.decode(body, type=dict[str, Any]), private, properties).body)


def replace_names(text: str, names: frozenset[str], by: str) -> str:
    """``text`` with every one of ``names`` replaced, whatever its spelling (``reference.Names``)."""
    return text if not names else _spellings(names).replace(_pattern(names).sub(by, text), by)


def _walk(value: Any, clean: Callable[[str], str], properties: frozenset[str], place: str, places: list[str]) -> Any:
    if isinstance(value, dict):
        fresh = {}
        for key, item in value.items():
            where = f"{place}.{key}" if place else key
            if key in properties:
                places.append(where)
            elif key in _PLUMBING or key.endswith(("_ref", "_refs")):
                fresh[key] = item
            else:
                shown = clean(key)  # a map may be keyed by addresses
                if shown != key:
                    where = f"{place}.{shown}" if place else shown
                    places.append(where)
                fresh[shown] = _walk(item, clean, properties, where, places)
        return fresh
    if isinstance(value, list):
        return [_walk(item, clean, properties, place, places) for item in value]
    if isinstance(value, str):
        cleaned = clean(value)
        if cleaned != value:
            places.append(place)
        return cleaned
    return value


def _clean(text: str, private: PrivateValues, judged: dict[str, str]) -> str:
    if private.names:
        text = replace_names(text, private.names, STRUCK)
    if _HINTS.search(text) is None:
        return text

    def judge(match: re.Match[str]) -> str:
        word = match[0]
        if word not in judged:
            judged[word] = _clean_word(word, private)
        return judged[word]

    return _WORD.sub(judge, text)


def _clean_word(word: str, private: PrivateValues) -> str:
    if _HINTS.search(word) is None or word == STRUCK:
        return word
    pieces = (piece.strip(_EDGES) for piece in _PIECES.split(word))
    for candidate in dict.fromkeys((word, word.strip(_EDGES), *pieces)):
        if _HINTS.search(candidate) and any(private.is_own(observable) for observable in _meant(candidate)):
            word = word.replace(candidate, STRUCK)
    return word


def _meant(word: str) -> Iterator[Observable]:
    """Every observable that a word may stand for: itself, the host of a URL, the domain of an address."""
    found = detect(word)
    if found is not None:
        yield found
        if found.type is ObservableType.URL:
            yield from _host(found.value.partition("://")[2])
        elif found.type is ObservableType.EMAIL:
            yield Observable(ObservableType.DOMAIN, found.value.rpartition("@")[2])
    elif _NAME.fullmatch(word):  # names below no public top-level name: srv1.corp.internal
        yield Observable(ObservableType.DOMAIN, word.lower())


def _host(rest: str) -> Iterator[Observable]:
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    found = detect(host)
    yield found if found is not None else Observable(ObservableType.DOMAIN, host.lower())


@lru_cache(maxsize=64)
def _spellings(names: frozenset[str]) -> Names:
    return Names(names)


@lru_cache(maxsize=64)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)", re.IGNORECASE)
