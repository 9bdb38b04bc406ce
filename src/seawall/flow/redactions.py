"""What this node strikes before anything leaves for anybody: names of business secrets and victims, and more.

They stand beside the own assets and organisations that ``assets import`` names, and are never told to a peer: a list of
secrets is a secret. Taking one away lets more leave, so it takes two people (rule 9).
"""

from __future__ import annotations

import re

import msgspec

from seawall.flow.node import Node
from seawall.flow.term_words import checked_properties
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, Refused
from seawall.policy import PrivateValues

NOTE = "redactions"
MAX_ENTRIES = 10_000  # of each kind
MAX_STARS = 3  # of one pattern: more would make one expression slow on hostile text
_KINDS = {"name": "names", "property": "properties", "pattern": "patterns"}


class Redactions(msgspec.Struct, frozen=True):
    """``names``: words struck in any spelling; ``properties``: names at any depth and dotted paths."""

    names: frozenset[str] = frozenset()
    properties: frozenset[str] = frozenset()
    patterns: frozenset[str] = frozenset()


def redactions(node: Node) -> Redactions:
    """What is struck, beside own assets."""
    text = node.store.notes.get(NOTE)
    return msgspec.json.decode(text, type=Redactions) if text else Redactions()


def private_values(node: Node) -> PrivateValues:
    """All that must never leave this node."""
    struck = redactions(node)
    return PrivateValues(
        is_own=node.own_assets.is_own,
        names=frozenset(node.own_assets.organisations()) | struck.names,
        properties=struck.properties,
        patterns=tuple(sorted(struck.patterns)),
    )


def add_redaction(node: Node, kind: str, text: str) -> dict[str, object]:
    """Strike ``text`` from now on. What left before stays where it is: recall it.

    Raises Fault E-FLOW-461 for an impossible property, E-FLOW-462 for an unusable word or pattern, E-FLOW-463.
    """
    node.require("release")
    field, word = _KINDS[kind], text.strip()
    if kind == "property":
        checked_properties((word,))
    elif not _usable(kind, word):
        raise Fault("E-FLOW-462", "{given} cannot be struck; give two letters or more, and at most {most} * in a "
                    "pattern.", given=repr(word[:60]), most=MAX_STARS)  # fmt: skip
    held = redactions(node)
    grown: frozenset[str] = getattr(held, field) | {word}
    if len(grown) > MAX_ENTRIES:
        raise Fault("E-FLOW-463", "A node strikes at most {most} words of a kind.", most=MAX_ENTRIES)
    _save(node, msgspec.structs.replace(held, **{field: grown}), kind, "added")
    return {"kind": kind, "struck": word, "total": len(grown)}


def remove_redaction(node: Node, kind: str, text: str) -> dict[str, object]:
    """Strike ``text`` no more. Raises NotFound E-FLOW-464, Refused E-FLOW-465 without a second person."""
    first, second = node.require("release"), node.approver
    held, field = redactions(node), _KINDS[kind]
    words: frozenset[str] = getattr(held, field)
    if text not in words:
        raise NotFound("E-FLOW-464", "{given} is not struck here.", given=repr(text[:60]))
    if second is None:
        raise Refused("E-FLOW-465", "Striking something no more takes a second person; give their token with "
                      "--approver-token.")  # fmt: skip
    node.store.approvals.both("redaction", kind, first.name, second.name, node.clock())
    _save(node, msgspec.structs.replace(held, **{field: words - {text}}), kind, "removed")
    return {"kind": kind, "struck": None, "total": len(words) - 1}


def list_redactions(node: Node) -> list[dict[str, object]]:
    """Everything that is struck, for those who may release."""
    node.require("release")
    held = redactions(node)
    return [{"kind": kind, "struck": word} for kind, field in _KINDS.items() for word in sorted(getattr(held, field))]


def _usable(kind: str, word: str) -> bool:
    letters = len(re.sub(r"[\W_]", "", word))
    stars = word.count("*")
    return letters >= 2 and len(word) <= 200 and (stars == 0 if kind == "name" else 0 < stars <= MAX_STARS)


def _save(node: Node, fresh: Redactions, kind: str, did: str) -> None:
    """The ledger tells that something changed, never what: it may be shown to others."""
    node.store.notes.set(NOTE, msgspec.json.encode(fresh, order="sorted").decode())
    node.event(EventKind.CIRCLE_TERMS, "redactions", struck=kind, did=did)
