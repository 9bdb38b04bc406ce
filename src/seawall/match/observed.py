"""Observed data (STIX 2.1 section 4.14) as a pattern meets it: what was seen together, when, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from seawall.model import Fault, to_microseconds
from seawall.model.moments import parse_moment

Scos = Mapping[str, Mapping[str, object]]
"""Cyber observables by the name under which others refer to them."""


class Observed(msgspec.Struct, frozen=True):
    """One observation. Times in microseconds UTC."""

    id: str | None
    first: int
    last: int
    number: int
    roots: tuple[str, ...]  # the objects that were seen, by their names in ``scos``
    scos: Scos


def read_observed(document: object) -> list[Observed]:
    """Every observed-data object of a bundle, an object, or a list of either, in order.

    ``object_refs`` are looked up in their own bundle (or bare list); the older ``objects`` stand inside. Raises Fault
    E-MATCH-010 when there is none, E-MATCH-011 for one that lacks a readable time.
    """
    found = list(_read(document))
    if not found:
        raise Fault("E-MATCH-010", "There is no observed-data object to match.")
    return found


def _read(document: object) -> Iterator[Observed]:
    if isinstance(document, list):
        bundles = [part for part in document if isinstance(part, dict) and part.get("type") == "bundle"]
        for bundle in bundles:
            yield from _read(bundle)
        yield from _of_pool([part for part in document if isinstance(part, dict) and part.get("type") != "bundle"])
    elif isinstance(document, dict) and document.get("type") == "bundle":
        objects = document.get("objects")
        yield from _of_pool([part for part in objects if isinstance(part, dict)] if isinstance(objects, list) else [])
    elif isinstance(document, dict):
        yield from _of_pool([document])


def _of_pool(pool: list[dict[str, object]]) -> Iterator[Observed]:
    by_id: dict[str, dict[str, object]] = {item["id"]: item for item in pool if isinstance(item.get("id"), str)}  # type: ignore[misc]
    for item in pool:
        if item.get("type") != "observed-data":
            continue
        inside = item.get("objects")
        scos: Scos = by_id
        refs = item.get("object_refs")
        roots = tuple(ref for ref in refs if isinstance(ref, str) and ref in by_id) if isinstance(refs, list) else ()
        if not roots and isinstance(inside, dict):
            scos = {name: sco for name, sco in inside.items() if isinstance(sco, dict)}
            roots = tuple(scos)
        number = item.get("number_observed")
        name = item.get("id")
        yield Observed(
            name if isinstance(name, str) else None,
            _moment(item, "first_observed"),
            _moment(item, "last_observed"),
            number if isinstance(number, int) and number > 0 else 1,
            roots,
            scos,
        )


def _moment(item: Mapping[str, object], name: str) -> int:
    value = item.get(name)
    try:
        return to_microseconds(parse_moment(value if isinstance(value, str) else ""))
    except Fault:
        raise Fault(
            "E-MATCH-011",
            "The observed-data object {id} has no readable {name}.",
            id=ascii(str(item.get("id"))[:80]),
            name=name,
        ) from None
