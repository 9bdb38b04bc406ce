"""References between the objects of one document: those that lead nowhere, and those that lead round in a circle.

Both are allowed: bundles are often parts of something larger. A reader should hear of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seawall.codec.stix.verdict import Verdict, shown
from seawall.model.stix.tlp import TLP_BY_ID

MAX_NAMED = 3  # references named in one warning; the rest is counted
_LOOSE = frozenset({"created_by_ref", "source_ref", "target_ref", "sighting_of_ref"})
"""References that say nothing about containment: a graph of relationships has circles by nature."""


def advise_links(objects: Sequence[object], verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts of a document's objects, with warnings about references that dangle or form a circle."""
    known = {part["id"]: part for part in objects if isinstance(part, dict) and isinstance(part.get("id"), str)}
    circles = _in_circles(known)
    told = []
    for part, verdict in zip(objects, verdicts, strict=True):
        more: list[str] = []
        if isinstance(part, dict):
            absent = list(
                dict.fromkeys(ref for _, ref in references(part) if ref not in known and ref not in TLP_BY_ID)
            )
            if absent:
                rest = f" and {len(absent) - MAX_NAMED} more" if len(absent) > MAX_NAMED else ""
                more.append(f"refers to what is not in this bundle: {', '.join(map(shown, absent[:MAX_NAMED]))}{rest}")
            if isinstance(identifier := part.get("id"), str) and identifier in circles:
                more.append("is part of a circle of references")
        told.append(Verdict(verdict.id, verdict.valid, verdict.errors, (*verdict.warnings, *more)) if more else verdict)
    return told


def references(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(property, id) of every reference in an object; those by local keys (4.14) are not meant."""
    waiting: list[Mapping[str, Any]] = [part]
    while waiting:
        for name, value in waiting.pop().items():
            if name.endswith("_ref") and isinstance(value, str):
                found = [value]
            elif name.endswith("_refs") and isinstance(value, list):
                found = [ref for ref in value if isinstance(ref, str)]
            else:
                inner = value if isinstance(value, list) else [value]
                waiting += [each for each in inner if isinstance(each, dict)]
                continue
            yield from ((name, ref) for ref in found if "--" in ref)


def _in_circles(known: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Ids of objects from which references lead back to them: Tarjan's strong components, in one pass, no recursion."""
    leads = {
        id: [ref for name, ref in references(part) if ref in known and name not in _LOOSE] for id, part in known.items()
    }
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    found: set[str] = set()
    for root in leads:
        if root in order:
            continue
        calls = [(root, iter(leads[root]))]
        order[root] = lowest[root] = len(order)
        path.append(root)
        on_path.add(root)
        while calls:
            here, following = calls[-1]
            for ref in following:
                if ref not in order:
                    order[ref] = lowest[ref] = len(order)
                    path.append(ref)
                    on_path.add(ref)
                    calls.append((ref, iter(leads[ref])))
                    break
                if ref in on_path:
                    lowest[here] = min(lowest[here], order[ref])
            else:
                calls.pop()
                if calls:
                    lowest[calls[-1][0]] = min(lowest[calls[-1][0]], lowest[here])
                if lowest[here] == order[here]:
                    component = _popped(path, here)
                    on_path.difference_update(component)
                    if len(component) > 1 or here in leads[here]:
                        found.update(component)
    return frozenset(found)


def _popped(path: list[str], last: str) -> list[str]:
    component = []
    while True:
        component.append(path.pop())
        if component[-1] == last:
            return component
