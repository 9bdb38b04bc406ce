"""The attribute types and categories that a MISP knows, with their defaults (``attributes/describeTypes``).

The table is that of MISP 2.5, as PyMISP 2.5.34 carries it (BSD-2-Clause).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec


class _Default(msgspec.Struct):
    default_category: str
    to_ids: int


class _Table(msgspec.Struct):
    sane_defaults: dict[str, _Default]


def describe_types() -> bytes:
    """The whole table as JSON."""
    return files(__package__).joinpath("describe_types.json").read_bytes()


@cache
def _defaults() -> dict[str, _Default]:
    return msgspec.json.decode(describe_types(), type=_Table).sane_defaults


def with_defaults(attribute: dict[str, Any]) -> dict[str, Any]:
    """The attribute with the category and ``to_ids`` that MISP gives its type, where it has none of its own."""
    known = _defaults().get(str(attribute.get("type")))
    found = dict(attribute)
    if not found.get("category"):
        found["category"] = known.default_category if known is not None else "Other"
    if found.get("to_ids") is None:
        found["to_ids"] = bool(known.to_ids) if known is not None else False
    return found
