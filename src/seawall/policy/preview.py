"""What would not leave as it is held, with the rule behind each difference. Nothing is released by looking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from seawall.model.circle import CircleTerms
from seawall.model.unreadable import UNREADABLE
from seawall.policy.checks import body_tests
from seawall.policy.granular import lowered
from seawall.policy.private import strike
from seawall.policy.request import ReleaseContext, ReleaseRequest
from seawall.policy.rules import Rule

REDACTION = "redaction"
MAX_CHANGES = 1_000  # told of one object; a person reads fewer


class Change(msgspec.Struct, frozen=True):
    """One place where what leaves differs from what is held: ``removed``, ``replaced`` or ``added``."""

    path: str
    did: str
    rule: str


def changes(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> tuple[Change, ...]:
    """Every difference between the object as it is held and as it would leave for this recipient, in order of rules.

    Tells what would happen to the body also where another rule withholds the object.
    """
    try:
        before = msgspec.json.decode(request.object.body, type=dict[str, Any])
    except UNREADABLE:
        return ()
    request = lowered(request, terms, context.definitions)
    cut = msgspec.json.decode(request.object.body, type=dict[str, Any])
    stages: list[tuple[str, dict[str, Any]]] = [(Rule.GRANULAR, cut)]

    def note(rule: str, body: dict[str, Any]) -> None:
        stages.append((rule, body))

    kept: list[dict[str, Any]] = []
    for _ in body_tests(request, terms, context, context.may_refer, kept.append, note):
        pass
    found: list[Change] = []
    for rule, after in stages:
        redacted = strike(before, context.private, terms.redaction).dropped if rule == Rule.PRIVATE else frozenset()
        for path, did in differences(before, after):
            found.append(Change(path, did, REDACTION if _plain(path) in redacted else str(rule)))
        before = after
    return tuple(found[:MAX_CHANGES])


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(path, what happened) of every leaf or branch that differs; ``[3]`` is the place in the list before."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            where = f"{path}.{key}" if path else str(key)
            if key not in after:
                yield where, "removed"
            elif key not in before:
                yield where, "added"
            else:
                yield from differences(before[key], after[key], where)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _items(before, after, path)
    elif before != after:
        yield path, "replaced"


def _items(before: list[Any], after: list[Any], path: str) -> Iterator[tuple[str, str]]:
    if len(before) == len(after):
        for place, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{path}[{place}]")
        return
    yield from ((f"{path}[{place}]", "removed") for place, item in enumerate(before) if item not in after)
    yield from ((f"{path}[+]", "added") for item in after if item not in before)


def _plain(path: str) -> str:
    """A path without places in lists, as redactions name it."""
    return "".join(part.partition("]")[2] if number else part for number, part in enumerate(path.split("[")))
