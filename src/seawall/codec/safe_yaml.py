"""YAML from strangers: bounded in size, depth and aliases before anything is built, and everything stays text.

The base loader resolves no types: no numbers of a million digits, no dates, no objects. The events are counted first,
so neither an alias bomb nor a deep nest is ever unfolded.
"""

from __future__ import annotations

from typing import Any

import yaml

MAX_DEPTH = 64  # rules and frameworks nest about 8 deep
MAX_ALIASES = 20  # with so few, no choice of anchors unfolds to more than 3^7 copies
MAX_NODES = 1_000_000  # ATLAS has 20,000

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class BadYamlError(ValueError):
    """The text is no YAML that is read here; its message is one clause for a person."""


def load_documents(text: str, most_bytes: int) -> list[Any]:
    """All documents in ``text``: dictionaries, lists and texts only. Raises BadYamlError."""
    if len(text) > most_bytes or len(text.encode("utf-8", "surrogatepass")) > most_bytes:
        raise BadYamlError(f"it has more than {most_bytes} bytes")
    try:
        _count(text)
        return list(yaml.load_all(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        raise BadYamlError(f"it is no YAML: {_place(error)}") from None
    except (ValueError, RecursionError, TypeError) as error:
        if isinstance(error, BadYamlError):
            raise
        raise BadYamlError("it is no YAML") from None


def _count(text: str) -> None:
    depth = aliases = 0
    for nodes, event in enumerate(yaml.parse(text, Loader=_LOADER)):
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > MAX_DEPTH:
            raise BadYamlError(f"it is nested deeper than {MAX_DEPTH} levels")
        if aliases > MAX_ALIASES:
            raise BadYamlError(f"it has more than {MAX_ALIASES} aliases")
        if nodes > MAX_NODES:
            raise BadYamlError(f"it has more than {MAX_NODES} parts")


def _place(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or "unreadable")[:80]
    return f"{problem!a} in line {mark.line + 1}" if mark is not None else repr(problem)
