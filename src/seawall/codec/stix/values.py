"""Checks of single values, compiled once from the annotations of ``model.stix``."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from seawall.codec.stix.dictionaries import DICTIONARIES, Check
from seawall.codec.stix.formats import FORMATS, IDENTIFIER, WISHES
from seawall.codec.stix.verdict import Findings, shown
from seawall.model.stix.kinds import Kind, Shape
from seawall.model.stix.objects import Musts
from seawall.model.stix.vocabularies import VOCABULARIES


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
        return DICTIONARIES["dictionary"]
    return _PLAIN[annotation]


def _annotated(base: Any, notes: list[Any]) -> Check:
    for note in notes:
        if isinstance(note, Shape):
            return compile_shape(note.shape)
        if isinstance(note, msgspec.Meta):
            return _bounded(_PLAIN[base], note)
        if isinstance(note, Kind):
            return DICTIONARIES[note.name] if base is not str else _text(note)
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
