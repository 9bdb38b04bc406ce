"""Checks of single values, compiled once from the annotations of ``model.stix``."""

from __future__ import annotations

import re
import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from seawall.codec.stix.formats import FORMATS, IDENTIFIER, WISHES
from seawall.codec.stix.verdict import Findings
from seawall.model.stix.kinds import Kind, Shape
from seawall.model.stix.objects import Musts
from seawall.model.stix.vocabularies import VOCABULARIES

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


def compile_value(annotation: Any) -> Check:
    """The check of one property's declared type."""
    origin = get_origin(annotation)
    if origin in (Union, types.UnionType):  # "T | None": optional properties are absent, never null
        return compile_value(next(part for part in get_args(annotation) if part is not type(None)))
    if origin is Annotated:
        base, *notes = get_args(annotation)
        return _annotated(base, notes)
    if origin is list:
        return _list(compile_value(get_args(annotation)[0]))
    if origin is dict or annotation is dict:
        return _dictionary
    return _PLAIN[annotation]


def _annotated(base: Any, notes: list[Any]) -> Check:
    for note in notes:
        if isinstance(note, Shape):
            return compile_shape(note.shape)
        if isinstance(note, msgspec.Meta):
            return _bounded(_PLAIN[base], note)
        if isinstance(note, Kind):
            return _TABLES[note.name] if base is not str else _text(note)
    return compile_value(base)


def _plain(kind: type, words: str) -> Check:
    def check(place: str, value: Any, found: Findings) -> None:
        if type(value) is not kind:
            found.errors.append(f"{place}: {shown(value)} is not {words}")

    return check


def _integer(place: str, value: Any, found: Findings) -> None:
    if type(value) is not int and not (type(value) is float and value.is_integer()):
        found.errors.append(f"{place}: {shown(value)} is not an integer")


def _number(place: str, value: Any, found: Findings) -> None:
    if type(value) is not int and type(value) is not float:
        found.errors.append(f"{place}: {shown(value)} is not a number")


_PLAIN: dict[Any, Check] = {
    str: _plain(str, "a string"),
    bool: _plain(bool, "a boolean"),
    int: _integer,
    float: _number,
}


def _bounded(check: Check, meta: msgspec.Meta) -> Check:
    low, high = meta.ge, meta.le

    def bounded(place: str, value: Any, found: Findings) -> None:
        before = len(found.errors)
        check(place, value, found)
        if len(found.errors) == before and ((low is not None and value < low) or (high is not None and value > high)):
            found.errors.append(f"{place}: {shown(value)} is not between {low} and {'any' if high is None else high}")

    return bounded


def _list(item: Check) -> Check:
    def check(place: str, value: Any, found: Findings) -> None:
        if type(value) is not list:
            found.errors.append(f"{place}: {shown(value)} is not a list")
        elif not value:
            found.errors.append(f"{place}: empty lists are not allowed")
        else:
            for index, part in enumerate(value):
                item(f"{place}[{index}]", part, found)

    return check


def _text(kind: Kind) -> Check:
    """Strings of one kind; the closure that an ordinary object spends most of its time in."""
    if kind.name == "enumeration":
        return _enumeration(kind.vocabulary)
    complain = FORMATS[kind.name]
    wish = _wish(kind)
    targets, barred = frozenset(kind.targets), frozenset(kind.barred)

    def check(place: str, value: Any, found: Findings) -> None:
        if type(value) is not str:
            found.errors.append(f"{place}: {shown(value)} is not a string")
        elif (complaint := complain(value)) is not None:
            found.errors.append(f"{place}: {shown(value)} {complaint}")
        elif wish is not None and (advice := wish(value)) is not None:
            found.warnings.append(f"{place}: {shown(value)} {advice}")
        elif (targets or barred) and (match := IDENTIFIER.fullmatch(value)) is not None:
            _target(place, match[1], targets, barred, found)

    return check


def _target(place: str, target: str, targets: frozenset[str], barred: frozenset[str], found: Findings) -> None:
    if target in barred or (targets and target not in targets):
        wanted = f"must refer to {' or '.join(sorted(targets))}" if targets else "must refer to an SDO or SCO"
        found.errors.append(f"{place}: {wanted}, not to a {target}")


def _enumeration(name: str) -> Check:
    words = VOCABULARIES[name]

    def check(place: str, value: Any, found: Findings) -> None:
        if not isinstance(value, str) or value not in words:
            found.errors.append(f"{place}: {shown(value)} is not one of {', '.join(sorted(words))}")

    return check


def _wish(kind: Kind) -> Callable[[str], str | None] | None:
    if kind.name == "account-type":
        words = VOCABULARIES["account-type-ov"]
        return lambda text: None if text in words else "is not in the account-type-ov vocabulary"
    if kind.name != "vocabulary":
        return WISHES.get(kind.name)
    words = VOCABULARIES[kind.vocabulary]
    return lambda text: None if text in words else f"is not in the {kind.vocabulary} vocabulary"


# --------------------------------------------------------------------------------------------------- nested objects


def compile_shape(shape: type[msgspec.Struct]) -> Check:
    """The check of a nested object with declared properties; others in it are custom, which earns a warning."""
    hints = get_type_hints(shape, include_extras=True)
    checks = {name: compile_value(hints[name]) for name in shape.__struct_fields__}
    required = [field.name for field in msgspec.structs.fields(shape) if field.required]
    musts: Musts = getattr(shape, "musts", Musts())
    closed = bool(shape.__struct_config__.forbid_unknown_fields)

    def check(place: str, value: Any, found: Findings) -> None:
        if type(value) is not dict:
            found.errors.append(f"{place}: {shown(value)} is not an object")
            return
        for name, part in value.items():
            if (known := checks.get(name)) is not None:
                known(f"{place}.{name}", part, found)
            elif closed:
                found.errors.append(f"{place}: {shown(name)} is not a property of this type")
            else:
                found.warnings.append(f"{place}: custom property {shown(name)} should be part of an extension")
        for name in required:
            if name not in value:
                found.errors.append(f"{place}: '{name}' is a required property")
        check_presence(value, musts, found, place=f"{place}: ")

    return check


def check_presence(value: dict[str, Any], musts: Musts, found: Findings, place: str = "") -> None:
    """Rules on which properties stand together."""
    if musts.any_of and value.keys().isdisjoint(musts.any_of):
        found.errors.append(f"{place}at least one of {', '.join(musts.any_of)} must be present")
    if musts.exactly_one and sum(name in value for name in musts.exactly_one) != 1:
        found.errors.append(f"{place}exactly one of {', '.join(musts.exactly_one)} must be present")
    for group in musts.together:
        if 0 < sum(name in value for name in group) < len(group):
            found.errors.append(f"{place}{' and '.join(group)} must be present together")
    for name, other in musts.needs:
        if name in value and other not in value:
            found.errors.append(f"{place}'{name}' needs '{other}'")


# ------------------------------------------------------------------------------------------------------ dictionaries


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


_TABLES: dict[str, Check] = {
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


def shown(value: Any) -> str:
    """A value inside a message: quoted, escaped and short, because an attacker may have written it."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
