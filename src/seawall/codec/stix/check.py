"""``check``: does an object obey STIX 2.1? Musts give errors, shoulds give warnings.

The declared properties of ``model.stix`` are compiled once per type; an ordinary indicator then costs some ten
microseconds. Verdicts follow the OASIS validator where the specification leaves room.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from seawall.codec.stix import advice, special
from seawall.codec.stix.advice import ADVICE, OBSERVABLES, advise_custom_type, advise_id
from seawall.codec.stix.dictionaries import Check
from seawall.codec.stix.encode import to_dict
from seawall.codec.stix.extensions import check_extensions
from seawall.codec.stix.formats import FORMATS, IDENTIFIER
from seawall.codec.stix.quick import Plan, Plans, lacks
from seawall.codec.stix.special import SPECIAL, check_markings, external_references
from seawall.codec.stix.values import check_presence, compile_value
from seawall.codec.stix.verdict import Findings, Verdict, shown
from seawall.model.stix import OBJECT_TYPES, StixObject
from seawall.model.stix.objects import CustomObject, Musts, ObservableObject
from seawall.model.stix.versioning import sort_key

_TYPE_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-?")
_PROPERTY_NAME = re.compile(r"^(?:[a-z][a-z0-9_]{2,249})|id$")  # as the OASIS schemas write it: a prefix will do
_GOOD_PROPERTY_NAME = re.compile(r"[a-z][a-z0-9_]{2,249}")
_LIKE_A_TIME = re.compile(r"\d{4}-[01]\d-[0-3]\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-6]\d(?:\.\d+)?Z", re.ASCII)
_RESERVED = ("severity", "action", "username", "phone_numbers")
_NOT_A_FIELD = ("more", "custom_type", "musts", "group", "id_from")


class _Compiled:
    """The rules of one object type, ready to run."""

    __slots__ = (
        "advice",
        "checks",
        "musts",
        "pairs",
        "plans",
        "prefix",
        "required",
        "special",
        "uuid_version",
    )

    def __init__(self, name: str, kind: type[StixObject]) -> None:
        hints = get_type_hints(kind, include_extras=True)
        fields = [field for field in msgspec.structs.fields(kind) if field.name not in _NOT_A_FIELD]
        self.checks: dict[str, Check | None] = {field.name: compile_value(hints[field.name]) for field in fields}
        self.checks["type"] = None
        self.required = tuple(field.name for field in fields if field.required)
        self.prefix = f"{name}--"
        self.musts: Musts | None = kind.musts if kind.musts != Musts() else None
        self.special: tuple[Callable[[dict[str, Any], Findings], None], ...] = SPECIAL.get(name, ())
        self.advice: tuple[Callable[[dict[str, Any], Findings], None], ...] = ADVICE.get(name, ())
        self.plans = Plans(hints, self.checks)
        self.uuid_version = "5" if name in OBSERVABLES else "4"
        self.pairs = [("modified", "created", False)] if "modified" in self.checks else []
        self.pairs += [(later, earlier, False) for later, earlier in kind.musts.not_earlier]
        self.pairs += [(later, earlier, True) for later, earlier in kind.musts.later]

    def plan(self, names: tuple[str, ...]) -> Plan | None:
        """How objects with just these properties are looked at; None when they always need a close look."""
        if self.refuse(names):
            return None
        plan = self.plans.make(names)
        given = frozenset(names)
        plan.pairs = [pair for pair in self.pairs if given.issuperset(pair[:2])]
        plan.rules = [
            rule
            for rules, concerns in ((self.special, special.CONCERNS), (self.advice, advice.CONCERNS))
            for rule in rules
            if not given.isdisjoint(concerns.get(rule, given))
        ]
        if "extensions" in given:
            plan.rules.insert(0, check_extensions)
        if "granular_markings" in given:
            plan.rules.insert(0, check_markings)
        return plan

    def refuse(self, names: tuple[str, ...]) -> bool:
        """Whether objects with just these properties always need a close look."""
        given = frozenset(names)
        return (
            "id" not in given
            or not given.issuperset(self.required)
            or not given.isdisjoint(_RESERVED)
            or (self.musts is not None and lacks(names, self.musts))
        )


_COMPILED: dict[str, _Compiled] = {}  # prepared when the first object of a type comes: all of them take a while
_CUSTOM = _Compiled("x-custom", CustomObject)  # with versions, as SDOs and SROs have them
_CUSTOM.special = (external_references,)
_CUSTOM.checks.pop("defanged")
_CUSTOM_OBSERVABLE = _Compiled("x-custom", CustomObject)
for _name in CustomObject.__struct_fields__:
    if _name not in ObservableObject.__struct_fields__:
        _CUSTOM_OBSERVABLE.checks.pop(_name, None)
_CUSTOM_OBSERVABLE.pairs = []
_CUSTOM_CORE = ("spec_version", "created", "modified")


def _rules_of(kind: str) -> _Compiled | None:
    """The rules of a known type."""
    rules = _COMPILED.get(kind)
    if rules is None and kind in OBJECT_TYPES:
        rules = _COMPILED[kind] = _Compiled(kind, OBJECT_TYPES[kind])
    return rules


def check(obj: StixObject | dict[str, Any] | object) -> Verdict:
    """The verdict on one object, or on a bundle with everything in it. Never raises, whatever it is given."""
    found = Findings()
    properties = to_dict(obj) if isinstance(obj, StixObject) else obj
    if not isinstance(properties, dict):
        found.errors.append("this is not a JSON object")
        return found.verdict(None)
    try:
        if _check_quickly(properties, found):
            return Verdict(properties["id"], valid=True, warnings=tuple(found.warnings))
        found = Findings()
        check_into(properties, found)
    except RecursionError:
        found.errors.append("this is nested too deeply")
    except (ValueError, OverflowError):  # numbers beyond what is read, in a place that no rule bounds
        found.errors.append("this holds a number that is too large")
    identifier = properties.get("id")
    return found.verdict(identifier if isinstance(identifier, str) else None)


def check_closely(obj: dict[str, Any]) -> Verdict:
    """``check`` without its quick way, for comparison."""
    found = Findings()
    check_into(obj, found)
    identifier = obj.get("id")
    return found.verdict(identifier if isinstance(identifier, str) else None)


def _check_quickly(obj: dict[str, Any], found: Findings) -> bool:
    """True: there is no error, and every warning is found. False: look closely."""
    kind = obj.get("type")
    rules = _rules_of(kind) if type(kind) is str else None
    if rules is None:
        return False
    plan = rules.plans.of(obj, rules.plan)
    if plan is None or not plan.passes(obj):
        return False
    identifier: str = obj["id"]
    if not identifier.startswith(rules.prefix):
        return False
    for later, earlier, strictly in plan.pairs:
        after, before = obj[later], obj[earlier]
        if len(after) != len(before) or after < before or (strictly and after == before):
            _in_order(obj, later, earlier, found, strictly=strictly)
    if identifier[-22] != rules.uuid_version:
        advise_id(str(kind), identifier, found)
    if plan.custom and not _has_toplevel_extension(obj):
        found.warnings.extend(f"{name}: custom property should be implemented by an extension" for name in plan.custom)
    for rule in plan.rules:
        rule(obj, found)
    return not found.errors


def check_into(obj: dict[str, Any], found: Findings) -> None:
    """``check`` that adds to findings."""
    kind = obj.get("type")
    if not isinstance(kind, str):
        found.errors.append("'type' is a required property and a string")
        return
    if kind == "bundle":
        _check_bundle(obj, found)
        return
    rules = _rules_of(kind)
    if rules is None:
        _check_custom_type(kind, obj, found)
        rules = _CUSTOM if "created" in obj or "modified" in obj else _CUSTOM_OBSERVABLE
    else:
        for name in rules.required:
            if name not in obj:
                found.errors.append(f"'{name}' is a required property")
    _check_properties(kind, obj, rules, found)
    _check_rules(obj, rules, found)


def _check_properties(kind: str, obj: dict[str, Any], rules: _Compiled, found: Findings) -> None:
    """Every property by its declared type; the unknown ones by what is asked of any property."""
    known = rules.checks
    custom: list[str] = []
    for name, value in obj.items():
        rule = known.get(name, _unknown)
        if rule is _unknown:
            custom.append(name)
        if rule is not None:
            rule(name, value, found)
    identifier = obj.get("id")
    if isinstance(identifier, str):
        if not identifier.startswith(f"{kind}--"):
            found.errors.append(f"id: {shown(identifier)} does not start with '{kind}--'")
        advise_id(kind, identifier, found)
    if not custom:
        return
    if kind in OBSERVABLES:
        for name in custom:
            if isinstance(value := obj[name], dict):
                _advise_keys(name, value, found)
    if kind in OBJECT_TYPES and not _has_toplevel_extension(obj):
        found.warnings.extend(
            f"{name}: custom property should be implemented by an extension" for name in custom if name not in _RESERVED
        )


def _check_rules(obj: dict[str, Any], rules: _Compiled, found: Findings) -> None:
    """Rules that join several properties."""
    if rules.musts is not None:
        check_presence(obj, rules.musts, found)
    for later, earlier, strictly in rules.pairs:
        _in_order(obj, later, earlier, found, strictly=strictly)
    if "extensions" in obj:
        check_extensions(obj, found)
    if "granular_markings" in obj or "object_marking_refs" in obj:
        check_markings(obj, found)
    for rule in (*rules.special, *rules.advice):
        rule(obj, found)


def _in_order(obj: dict[str, Any], later: str, earlier: str, found: Findings, *, strictly: bool) -> None:
    after, before = obj.get(later), obj.get(earlier)
    if after is None or not isinstance(after, str) or not isinstance(before, str):
        return
    if after == before and not strictly:
        return
    one, other = sort_key(after), sort_key(before)
    if one < other or (strictly and one == other):
        found.errors.append(f"'{later}' must be later than {'' if strictly else 'or equal to '}'{earlier}'")


def _unknown(name: str, value: Any, found: Findings) -> None:
    """3.1: any property: its name, no null, no empty list; reserved names are refused."""
    if name in _RESERVED:
        found.errors.append(f"{shown(name)} is a reserved property name")
    elif not _PROPERTY_NAME.search(name):
        found.errors.append(f"{shown(name)} is not a property name (lower case, digits, underscore, three or more)")
    elif not _GOOD_PROPERTY_NAME.fullmatch(name):
        found.warnings.append(f"{shown(name)} is not a property name of at most 250 lower case letters")
    if value is None:
        found.errors.append(f"{shown(name)}: null is not allowed")
    elif value == []:
        found.errors.append(f"{shown(name)}: empty lists are not allowed")
    if name == "lang" and (not isinstance(value, str) or FORMATS["language"](value) is not None):
        found.errors.append(f"lang: {shown(value)} is not an RFC 5646 language code")
    if (
        name in ("created", "modified")
        and isinstance(value, str)
        and _LIKE_A_TIME.fullmatch(value)
        and (complaint := FORMATS["timestamp"](value)) is not None
    ):
        found.errors.append(f"{name}: {shown(value)} {complaint}")
    if name.endswith(("_bin", "_hex")):
        complaint = (
            FORMATS["binary" if name.endswith("_bin") else "hex"](value) if isinstance(value, str) else "is no text"
        )
        if complaint is not None:
            found.errors.append(f"{shown(name)}: {shown(value)} {complaint}, as its name says")


def _advise_keys(place: str, value: dict[str, Any], found: Findings) -> None:
    for key, part in value.items():
        if key != key.lower():
            found.warnings.append(f"{place}: as a dictionary key, {shown(key)} should be lower case")
        if isinstance(part, dict):
            _advise_keys(f"{place}.{key}", part, found)


def _has_toplevel_extension(obj: dict[str, Any]) -> bool:
    extensions = obj.get("extensions")
    return isinstance(extensions, dict) and any(
        isinstance(part, dict) and part.get("extension_type") == "toplevel-property-extension"
        for part in extensions.values()
    )


def _check_custom_type(kind: str, obj: dict[str, Any], found: Findings) -> None:
    """Types that the specification does not know: SDO-like with versions, or SCO-like with an id only."""
    if not _TYPE_NAME.fullmatch(kind) or not 3 <= len(kind) <= 250 or kind == "action":
        found.errors.append(f"type: {shown(kind)} is not a type name (lower case, digits, single hyphens)")
    if "id" not in obj:
        found.errors.append("'id' is a required property")
    if "created" in obj or "modified" in obj:
        for name in _CUSTOM_CORE:
            if name not in obj:
                found.errors.append(f"'{name}' is a required property")
    advise_custom_type(kind, obj, found)


def check_frame(obj: dict[str, Any], found: Findings) -> list[Any]:
    """8: a bundle without what is in it: type, id, custom properties, repetitions. Returns its objects."""
    identifier = obj.get("id")
    if not isinstance(identifier, str) or not identifier.startswith("bundle--") or not IDENTIFIER.fullmatch(identifier):
        found.errors.append("id: a bundle needs an id of the form bundle--UUID")
    else:
        advise_id("bundle", identifier, found)
    for name, value in obj.items():
        if name not in ("type", "id", "objects"):
            _unknown(name, value, found)
            if name != "spec_version":
                found.warnings.append(f"{shown(name)}: custom property should be implemented by an extension")
    objects = obj.get("objects")
    if objects is None:
        return []
    if not isinstance(objects, list) or not objects:
        found.errors.append("objects: must be a list with at least one object")
        return []
    versions: set[tuple[str, str]] = set()
    for index, part in enumerate(objects):
        version = (part.get("id"), part.get("modified")) if isinstance(part, dict) else (None, None)
        if isinstance(version[0], str) and isinstance(version[1], str):
            if version in versions:
                found.warnings.append(f"objects[{index}]: {version[0]} is there twice with the same 'modified'")
            versions.add((version[0], version[1]))
    return objects


def _check_bundle(obj: dict[str, Any], found: Findings) -> None:
    """A bundle with everything in it."""
    for index, part in enumerate(check_frame(obj, found)):
        inner = check(part)
        found.errors.extend(f"objects[{index}]: {error}" for error in inner.errors)
        found.warnings.extend(f"objects[{index}]: {warning}" for warning in inner.warnings)
