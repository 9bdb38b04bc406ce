"""The quick way for ordinary objects: is every property surely as declared? A "no" only means: look closely.

Feeds repeat themselves: thousands of objects have the same properties in the same order. For each such list of names a
plan is made once: short texts (identifiers, timestamps, words of vocabularies) are joined and matched by one
expression, plain texts are joined only to see that all are texts, the rest is asked one by one. An object that passes
has no error and no warning in its single properties; the rules that join several are the caller's.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import itemgetter
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

from seawall.codec.stix.dictionaries import Check
from seawall.codec.stix.formats import HEX_TEXT, MOMENT_TEXT, TIMESTAMP_TEXT, UUID_TEXT
from seawall.codec.stix.values import check_presence, compile_value
from seawall.codec.stix.verdict import Findings
from seawall.model.stix.kinds import Kind, Shape
from seawall.model.stix.objects import Musts
from seawall.model.stix.vocabularies import VOCABULARIES

Quick = Callable[[Any], bool]
"""True: the value is surely as declared, and nothing is to be said about it."""

MAX_PLANS = 512  # lists of names remembered for one type: producers have a handful, an attacker as many as he likes
MAX_NAMES = 64  # properties of an object with a plan, and ...
MAX_NAMES_LENGTH = 2_048  # ... characters of their names: the richest type declares 30, and an attacker's are not kept
SHORT = 160  # characters of a list that are worth remembering: one or two references, some words
_CUSTOM_NAME = re.compile(r"(?!lang$|created$|modified$)(?!.*_(?:bin|hex)$)[a-z][a-z0-9_]{2,249}")
_ANY = r"(?s:.*)"


def text_of(annotation: Any) -> str | None:
    """The expression of a text that is surely as declared; ``_ANY`` for plain texts; None for all else."""
    annotation = _bare(annotation)
    if annotation is str:
        return _ANY
    if get_origin(annotation) is not Annotated:
        return None
    base, *notes = get_args(annotation)
    kind = next((note for note in notes if isinstance(note, Kind)), None)
    return _kind_text(kind) if base is str and kind is not None else None


def _kind_text(kind: Kind) -> str | None:
    if kind.name in ("vocabulary", "enumeration"):
        return "|".join(map(re.escape, sorted(VOCABULARIES[kind.vocabulary])))
    if kind.name == "identifier":
        front = "|".join(kind.targets) or "[a-z][a-z0-9-]+[a-z0-9]"
        barred = f"(?!(?:{'|'.join(kind.barred)})--)" if kind.barred else ""
        return f"{barred}(?:{front})--{UUID_TEXT}"
    return _TEXTS.get(kind.name)


_TEXTS = {
    "own-identifier": f"[a-z][a-z0-9-]+[a-z0-9]--{UUID_TEXT}",  # that its type is the object's is the caller's to see
    "moment": MOMENT_TEXT,
    "timestamp": TIMESTAMP_TEXT,
    "spec-version": r"2\.1",
    "relationship-type": "[a-z0-9-]+",
    "hex": HEX_TEXT,
}


def quick_value(annotation: Any, check: Check) -> Quick:
    """The quick look at one property's declared type; ``check`` is the close one."""
    annotation = _bare(annotation)
    if annotation is bool:
        return lambda value: value is True or value is False
    if get_origin(annotation) is list:
        item = get_args(annotation)[0]
        text = text_of(item)
        return _quick_list(quick_value(item, compile_value(item))) if text is None else _quick_texts(text)
    if get_origin(annotation) is Annotated:
        notes = get_args(annotation)[1:]
        for note in notes:
            if isinstance(note, Shape):
                return QuickObject(note.shape)
            if isinstance(note, msgspec.Meta) and get_args(annotation)[0] is int:
                return _quick_range(note)
    return _by_checking(check)


def _bare(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, types.UnionType):
        return next(part for part in get_args(annotation) if part is not type(None))
    return annotation


def _quick_range(bounds: msgspec.Meta) -> Quick:
    low = int(bounds.ge) if bounds.ge is not None else None
    high = int(bounds.le) if bounds.le is not None else None
    return lambda value: (
        type(value) is int and (low is None or value >= low) and (high is None or value <= high)
    )  # fmt: skip


def _quick_list(item: Quick) -> Quick:
    return lambda value: type(value) is list and bool(value) and all(map(item, value))


def _quick_texts(text: str) -> Quick:
    match = re.compile(f"(?:{text})(?:\n(?:{text}))*+").fullmatch if text != _ANY else None
    known = lru_cache(maxsize=2048)(lambda joined: match is None or match(joined) is not None)

    def quick(value: Any) -> bool:
        if type(value) is not list or not value:
            return False
        try:
            joined = "\n".join(value)
        except TypeError:
            return False
        if match is None:
            return True
        if joined.count("\n") != len(value) - 1:
            return False
        return known(joined) if len(joined) < SHORT else match(joined) is not None

    return quick


def _by_checking(check: Check) -> Quick:
    def quick(value: Any) -> bool:
        found = Findings()
        check("", value, found)
        return not found.errors and not found.warnings

    return quick


class Plan:
    """How objects with exactly these properties, in this order, are looked at."""

    __slots__ = ("_match", "_plain", "_rest", "_texts", "custom", "pairs", "rules")

    def __init__(self, names: tuple[str, ...], quick: Mapping[str, Quick], texts: Mapping[str, str]) -> None:
        matched = [name for name in names if texts.get(name, _ANY) != _ANY]
        plain = [name for name in names if texts.get(name) == _ANY]
        self.custom = tuple(name for name in names if name not in quick and name not in texts and name != "type")
        self.pairs: list[tuple[str, str, bool]] = []  # (later, earlier, strictly) that are there, for the caller
        self.rules: list[Callable[[dict[str, Any], Findings], None]] = []  # that may find something, for the caller
        self._texts = _getter(matched)
        self._plain = _getter(plain)
        self._match = re.compile("\n".join(f"(?:{texts[name]})" for name in matched)).fullmatch
        self._rest = [(name, quick[name]) for name in names if name in quick and name not in texts]

    def passes(self, obj: Mapping[str, Any]) -> bool:
        """Whether every property is surely as declared."""
        try:
            if self._texts is not None and self._match("\n".join(self._texts(obj))) is None:
                return False
            if self._plain is not None:
                "".join(self._plain(obj))
        except TypeError:  # one of them is no text
            return False
        for name, quick in self._rest:
            if not quick(obj[name]):
                return False
        return all(_harmless(obj[name]) for name in self.custom) if self.custom else True


def _harmless(value: object) -> bool:
    return value is not None and value != [] and type(value) is not dict


def _getter(names: list[str]) -> Callable[[Any], tuple[Any, ...]] | None:
    """The values of these properties as a tuple, also when there is only one."""
    if not names:
        return None
    if len(names) == 1:
        only = names[0]
        return lambda obj: (obj[only],)
    return itemgetter(*names)


class Plans:
    """The plans of one type, made when an object with new properties comes."""

    def __init__(self, hints: Mapping[str, Any], checks: Mapping[str, Check | None]) -> None:
        known = {name: (hints[name], check) for name, check in checks.items() if check is not None}
        self._texts = {name: text for name, (hint, _) in known.items() if (text := text_of(hint)) is not None}
        self._quick = {name: quick_value(hint, check) for name, (hint, check) in known.items()}
        self._plans: dict[tuple[str, ...], Plan | None] = {}

    def make(self, names: tuple[str, ...]) -> Plan:
        """A plan for objects with these properties."""
        return Plan(names, self._quick, self._texts)

    def of(self, obj: Mapping[str, Any], make: Callable[[tuple[str, ...]], Plan | None]) -> Plan | None:
        """The plan for this object; None when its properties need a closer look, or are more than a plan is made for.

        ``make`` gives the plan of properties that are met for the first time, or None.
        """
        names = tuple(obj)
        try:
            return self._plans[names]
        except KeyError:
            pass
        if len(names) > MAX_NAMES or sum(map(len, names)) > MAX_NAMES_LENGTH:
            return None
        if len(self._plans) >= MAX_PLANS:
            self._plans.clear()  # a producer's plans are made again with his next objects
        plan = make(names)
        if plan is not None and not all(map(_CUSTOM_NAME.fullmatch, plan.custom)):
            plan = None
        self._plans[names] = plan
        return plan


class QuickObject:
    """The quick look at a nested object with declared properties; one with others needs a closer look."""

    def __init__(self, shape: type[msgspec.Struct]) -> None:
        hints = get_type_hints(shape, include_extras=True)
        self._names = frozenset(shape.__struct_fields__)
        self._required = frozenset(field.name for field in msgspec.structs.fields(shape) if field.required)
        self._musts: Musts = getattr(shape, "musts", Musts())
        self._plans = Plans(hints, {name: compile_value(hints[name]) for name in shape.__struct_fields__})

    def __call__(self, value: Any) -> bool:
        """See ``Quick``."""
        if type(value) is not dict:
            return False
        plan = self._plans.of(value, self._plan)
        return plan is not None and plan.passes(value)

    def _plan(self, names: tuple[str, ...]) -> Plan | None:
        close = not self._names.issuperset(names) or not self._required.issubset(names) or lacks(names, self._musts)
        return None if close else self._plans.make(names)


def lacks(names: tuple[str, ...], musts: Musts) -> bool:
    """Whether these properties break a rule on which stand together."""
    found = Findings()
    check_presence(dict.fromkeys(names), musts, found)
    return bool(found.errors)
