"""The attribution switch: "do not name us" takes the provider out of the object and tells the next reader so."""

from __future__ import annotations

from typing import Any

from seawall.model.circle import CircleTerms
from seawall.policy.private import replace_names
from seawall.policy.request import ReleaseContext, ReleaseRequest

UNNAMED = "[unnamed]"
CATALOGUES = frozenset(
    {"cve", "nvd", "cwe", "capec", "mitre-attack", "mitre-ics-attack", "mitre-mobile-attack", "disarm"}
)
"""Sources of external references that name something everybody knows, not who wrote the object."""
_IDENTIFIERS = frozenset(
    {"id", "type", "spec_version", "created", "modified", "object_marking_refs", "valid_from", "valid_until"}
    | {"pattern_type", "pattern_version", "first_seen", "last_seen"}
)


def provider_named(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> bool:
    """Whether who provided the object, or anything it was made from, may be named in this circle.

    Not where a marking says so, nor under the Chatham House Rule: of this circle, or of one that an input came through.
    """
    if not request.markings.named or terms.chatham_house:
        return False
    through = (context.circles.get(origin.circle) for origin in request.markings.origins)
    return not any(circle is not None and circle.chatham_house for circle in through)


def hidden_identities(
    request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext, body: dict[str, Any]
) -> frozenset[str]:
    """The STIX identities that must not appear in what leaves: ours, and those of providers who asked for it.

    Under the Chatham House Rule those of everybody who sits in the circle, and in the circles that inputs came through.
    """
    hidden: set[str] = set()
    if not terms.attribution and context.own_identity:
        hidden.add(context.own_identity)
    if provider_named(request, terms, context):
        return frozenset(hidden)
    origins = request.markings.origins
    hidden |= {context.identities[origin.peer] for origin in origins if origin.peer in context.identities}
    creator = body.get("created_by_ref")
    if not origins:  # our own object, marked so by ourselves, or one that we took over from a publisher
        hidden |= {identity for identity in (context.own_identity, creator) if isinstance(identity, str) and identity}
    elif request.object.origin is not None:
        hidden |= {identity for identity in (request.object.created_by, creator) if isinstance(identity, str)}
    for circle in (terms, *(context.circles.get(origin.circle) for origin in origins)):
        if circle is not None and circle.chatham_house:
            hidden |= {context.identities[name] for name in circle.members if name in context.identities}
            hidden |= {
                identity for identity in (context.own_identity, creator) if isinstance(identity, str) and identity
            }
    return frozenset(hidden)


def unname(
    body: dict[str, Any], hidden: frozenset[str], context: ReleaseContext, *, provider_named: bool = True
) -> dict[str, Any]:
    """``body`` without the ``hidden`` identities, and without the names by which texts call them.

    Where the provider is not to be named, only references to public catalogues stay: others lead to who wrote them.
    """
    if not hidden:
        return body
    names = {context.identity_names[identity] for identity in hidden if identity in context.identity_names}
    if context.own_identity in hidden:
        names |= context.own_names
    fresh = _walk(body, hidden, frozenset(names))
    if isinstance(references := fresh.get("external_references"), list):
        kept = [item for item in references if _harmless(item, provider_named=provider_named)]
        fresh.pop("external_references")
        if kept:
            fresh["external_references"] = kept
    return fresh


def _harmless(reference: Any, *, provider_named: bool) -> bool:
    if UNNAMED in str(reference):
        return False
    source = reference.get("source_name") if isinstance(reference, dict) else None
    return provider_named or (isinstance(source, str) and source.lower() in CATALOGUES)


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
