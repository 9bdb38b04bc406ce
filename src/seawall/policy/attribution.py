"""The attribution switch: "do not name us" takes the provider out of the object and tells the next reader so."""

from __future__ import annotations

from typing import Any

from seawall.model.circle import CircleTerms
from seawall.policy.private import replace_names
from seawall.policy.request import ReleaseContext, ReleaseRequest

UNNAMED = "[unnamed]"
_IDENTIFIERS = frozenset({"id", "type", "spec_version", "created", "modified", "object_marking_refs"})


def hidden_identities(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> frozenset[str]:
    """The STIX identities that must not appear in what leaves: ours, and those of providers who asked for it."""
    hidden = set()
    if not terms.attribution and context.own_identity:
        hidden.add(context.own_identity)
    if not request.markings.named:
        hidden |= {
            context.identities[origin.peer] for origin in request.markings.origins if origin.peer in context.identities
        }
        if not request.markings.origins and context.own_identity:  # our own object, marked so by ourselves
            hidden.add(context.own_identity)
        if request.object.origin is not None and request.object.created_by is not None:
            hidden.add(request.object.created_by)
    return frozenset(hidden)


def unname(body: dict[str, Any], hidden: frozenset[str], context: ReleaseContext) -> dict[str, Any]:
    """``body`` without the ``hidden`` identities, and without the names by which texts call them."""
    if not hidden:
        return body
    names = {context.identity_names[identity] for identity in hidden if identity in context.identity_names}
    if context.own_identity in hidden:
        names |= context.own_names
    fresh = _walk(body, hidden, frozenset(names))
    if isinstance(references := fresh.get("external_references"), list):
        kept = [item for item in references if UNNAMED not in str(item)]
        fresh.pop("external_references")
        if kept:
            fresh["external_references"] = kept
    return fresh


def _walk(body: dict[str, Any], hidden: frozenset[str], names: frozenset[str]) -> dict[str, Any]:
    fresh: dict[str, Any] = {}
    for key, value in body.items():
        if key in _IDENTIFIERS:
            fresh[key] = value
            continue
        cleaned = _clean(value, hidden, names)
        if cleaned is not None:
            fresh[key] = cleaned
    return fresh


def _clean(value: Any, hidden: frozenset[str], names: frozenset[str]) -> Any:
    """None stands for "nothing is left": the property or list item goes."""
    if isinstance(value, str):
        return None if value in hidden else replace_names(value, names, UNNAMED)
    if isinstance(value, list):
        kept = [cleaned for item in value if (cleaned := _clean(item, hidden, names)) is not None]
        return kept if kept or not value else None
    if isinstance(value, dict):
        return _walk(value, hidden, names)
    return value
