"""Own-asset and victim values are struck before anything leaves (rule 3).

In free text the value is replaced. Where the value *is* the object (an indicator's pattern, an observable's value, a
victim's identity) nothing would be left, so the whole object is private; so it is when a redaction strikes a property
that the object cannot be without.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from seawall.codec.values import detect
from seawall.model import Observable, ObservableType
from seawall.model.stix import OBJECT_TYPES
from seawall.policy.request import PrivateValues
from seawall.reference import Names

STRUCK = "[redacted]"
LEAST_WITHIN = 4  # characters of a Latin name that is only found between other letters when it is longer
MAX_JUDGED = 50_000  # words whose verdict one page of decisions remembers
MAX_STRETCH = 64  # characters that the * of a pattern stands for
_WORD = re.compile(r"""[^\s"'<>(),;=|{}\\]+""")
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)+", re.ASCII)
_EDGES = "[].:!?*%$^"
_PIECES = re.compile(r"[/\-_@#&?\[\]%]+")  # 10.0.0.1-10.0.0.9, evil.example/10.0.0.1
_HINTS = re.compile(r"[.:@]")
ESSENTIAL = {
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
    """An object without its private values. ``places`` tells where; ``essential``: the object itself is private.

    ``dropped``: those of the places that went because a redaction names the property.
    """

    body: dict[str, Any]
    places: tuple[str, ...]
    essential: bool
    dropped: frozenset[str] = frozenset()


def strike(body: dict[str, Any], private: PrivateValues, properties: frozenset[str] = frozenset()) -> Struck:
    """``body`` with own and victim values replaced, and redacted ``properties`` gone.

    A plain name is struck at any depth, a dotted path (``extensions.x.site``) from the top; lists count as one step.
    """
    kind = str(body.get("type", ""))
    judged = private.judged
    if len(judged) > MAX_JUDGED:
        judged.clear()

    def clean(text: str) -> str:
        return _clean(text, private, judged)

    walk = _Walk(clean, properties | private.properties if private.properties else properties)
    fresh = walk.through(body, "")
    if not walk.places:
        return Struck(fresh, (), essential=False)
    essential = ESSENTIAL.get(kind) in walk.places or not required_of(kind).isdisjoint(walk.dropped)
    return Struck(fresh, tuple(walk.places), essential, frozenset(walk.dropped))


def redact(body: bytes, private: PrivateValues, properties: frozenset[str] = frozenset()) -> bytes:
    """The JSON ``body`` with own and victim values replaced; for texts that are not decided upon as objects."""
    return msgspec.json.encode(strike(msgspec.json.decode(body, type=dict[str, Any]), private, properties).body)


def replace_names(text: str, names: frozenset[str], by: str) -> str:
    """``text`` with every one of ``names`` replaced, whatever its spelling (``reference.Names``)."""
    return text if not names else _spellings(names).replace(_pattern(names).sub(by, text), by)


class _Walk:
    """One object on its way through: what went and where."""

    def __init__(self, clean: Callable[[str], str], properties: frozenset[str]) -> None:
        self.places: list[str] = []
        self.dropped: set[str] = set()
        self._clean = clean
        self._properties = properties

    def through(self, value: Any, place: str) -> Any:
        """``value`` without what is private in it; ``place`` is its dotted path."""
        if isinstance(value, str):
            cleaned = self._clean(value)
            if cleaned != value:
                self.places.append(place)
            return cleaned
        if isinstance(value, dict):
            return self._properties_of(value, place)
        if isinstance(value, list):
            return [self.through(item, place) for item in value]
        return value

    def _properties_of(self, value: dict[str, Any], place: str) -> dict[str, Any]:
        fresh = {}
        for key, item in value.items():
            where = f"{place}.{key}" if place else key
            if self._properties and (key in self._properties or where in self._properties):
                self.places.append(where)
                self.dropped.add(where)
            elif (key in _PLUMBING and not place) or (key.endswith(("_ref", "_refs")) and _only_ids(item)):
                fresh[key] = item
            else:
                shown = self._clean(key)  # a map may be keyed by addresses
                if shown != key:
                    where = f"{place}.{shown}" if place else shown
                    self.places.append(where)
                fresh[shown] = self.through(item, where)
        return fresh


@lru_cache(maxsize=64)
def required_of(kind: str) -> frozenset[str]:
    """The properties that an object of this type cannot be without, or would say the opposite without."""
    known = OBJECT_TYPES.get(kind)
    if known is None:
        return frozenset({"type", "id"})
    required = {field.encode_name for field in msgspec.structs.fields(known) if field.required}
    return frozenset(required | {"type", "id", "revoked", "defanged"})


def _only_ids(value: Any) -> bool:
    """Whether nothing in a reference could be an address or a name: ids have neither dots nor colons."""
    if isinstance(value, list):
        return all(isinstance(item, str) and _HINTS.search(item) is None for item in value)
    return isinstance(value, str) and _HINTS.search(value) is None


def _clean(text: str, private: PrivateValues, judged: dict[str, str]) -> str:
    if private.names:
        text = replace_names(text, private.names, STRUCK)
    if private.patterns:
        text = _wildcards(private.patterns).sub(STRUCK, text)
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
def _wildcards(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """``PRJ-*`` as an expression that costs no more than the text is long: each stretch ends at a blank."""
    parts = (re.escape(pattern).replace(r"\*", rf"[^\s]{{0,{MAX_STRETCH}}}") for pattern in patterns)
    return re.compile("|".join(parts), re.IGNORECASE)


@lru_cache(maxsize=64)
def _spellings(names: frozenset[str]) -> Names:
    return Names(names)


@lru_cache(maxsize=64)
def _pattern(names: frozenset[str]) -> re.Pattern[str]:
    longest_first = sorted((name for name in names if name), key=len, reverse=True)
    return re.compile("|".join(map(_as_written, longest_first)) or r"(?!)", re.IGNORECASE)


def _as_written(name: str) -> str:
    """A short name counts where it stands alone: NIC is not in "technical"."""
    if len(name) > LEAST_WITHIN or not name.isascii():
        return re.escape(name)
    return rf"(?<![a-z0-9]){re.escape(name)}(?![a-z0-9])"
