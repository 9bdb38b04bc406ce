"""Checks of dictionaries (2.3) and hashes (2.7), and of the ones that single properties hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from seawall.codec.stix.verdict import Findings, shown

Check = Callable[[str, Any, Findings], None]
"""Looks at one value at one place and adds what is wrong to the findings."""

_HASHES = {
    "MD5": r"[a-fA-F0-9]{32}",
    "SHA-1": r"[a-fA-F0-9]{40}",
    "SHA-256": r"[a-fA-F0-9]{64}",
    "SHA-512": r"[a-fA-F0-9]{128}",
    "SHA3-256": r"[a-fA-F0-9]{64}",
    "SHA3-512": r"[a-fA-F0-9]{128}",
    "SSDEEP": r"[a-zA-Z0-9/+:.]{1,128}",
    "TLSH": r"[a-zA-Z0-9]{70}",
}
_HASH_SHAPES = {name: re.compile(shape) for name, shape in _HASHES.items()}
_HASH_NAME = re.compile(r"[a-zA-Z0-9_-]{3,250}")
_DICTIONARY_KEY = re.compile(r"[a-zA-Z0-9_-]{0,250}")
_EXIF_KEY = re.compile(r"[A-Z][a-zA-Z0-9_-]+")
_SOCKET_OPTION = re.compile(r"(?:SO|ICMP|ICMP6|IP|IPV6|MCAST|TCP|IRLMP)(?:_[A-Z]+)+")


def _dictionary(place: str, value: Any, found: Findings) -> None:
    """2.3: keys of [a-zA-Z0-9_-], not empty, no null; lower case is advised (and not for the SCO dictionaries)."""
    if type(value) is not dict:
        found.errors.append(f"{place}: {shown(value)} is not an object")
        return
    if not value:
        found.errors.append(f"{place}: empty dictionaries are not allowed")
    for key, part in value.items():
        if not _DICTIONARY_KEY.fullmatch(key):
            found.errors.append(f"{place}: {shown(key)} is not a dictionary key")
        if part is None or part == []:
            found.errors.append(f"{place}.{key}: {'null is' if part is None else 'empty lists are'} not allowed")


def _hashes(place: str, value: Any, found: Findings) -> None:
    """2.7: names of 3 to 250 characters; the known ones have their known length."""
    before = len(found.errors)
    _dictionary(place, value, found)
    if len(found.errors) > before:
        return
    for name, digest in value.items():
        shape = _HASH_SHAPES.get(name)
        if not _HASH_NAME.fullmatch(name):
            found.errors.append(f"{place}: {shown(name)} is not the name of a hash algorithm")
        elif type(digest) is not str or (shape is not None and not shape.fullmatch(digest)):
            found.errors.append(f"{place}: {shown(digest)} is not a {name} digest")
        elif shape is None and not name.startswith("x_"):
            found.warnings.append(f"{place}: {shown(name)} is not in the hash-algorithm-ov vocabulary")
        if len(name) > 30:
            found.warnings.append(f"{place}: {shown(name)} is longer than 30 characters")


def _dictionary_of(item: Callable[[Any], bool], words: str, key: re.Pattern[str] | None = None) -> Check:
    def check(place: str, value: Any, found: Findings) -> None:
        if type(value) is not dict or not value:
            found.errors.append(f"{place}: {shown(value)} is not a dictionary")
            return
        for name, part in value.items():
            if key is not None and not key.fullmatch(name):
                found.errors.append(f"{place}: {shown(name)} is not a key of this dictionary")
            if not item(part):
                found.errors.append(f"{place}.{name}: {shown(part)} is not {words}")

    return check


def _is_text_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _leave(place: str, value: Any, found: Findings) -> None:
    """Checked by the rules of whole objects."""
    if type(value) is not dict or not value:
        found.errors.append(f"{place}: {shown(value)} is not a dictionary with entries")


DICTIONARIES: dict[str, Check] = {
    "hashes": _hashes,
    "dictionary": _dictionary,
    "extensions": _leave,
    "observed-objects": _leave,
    "translations": _leave,
    "text-dictionary": _dictionary_of(lambda value: isinstance(value, str), "a string"),
    "list-dictionary": _dictionary_of(_is_text_list, "a list of strings"),
    "exif-dictionary": _dictionary_of(
        lambda value: isinstance(value, (str, int)) and not isinstance(value, bool), "a string or integer", _EXIF_KEY
    ),
    "socket-options": _dictionary_of(lambda value: type(value) is int, "an integer", _SOCKET_OPTION),
}
