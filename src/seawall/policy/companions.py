"""Marking-definitions that go along with the objects that name them, so that the next reader can read the markings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from seawall.model import ReleasedObject
from seawall.model.circle import CircleTerms
from seawall.policy.attribution import hidden_identities, provider_named, unname
from seawall.policy.markings import WELL_KNOWN
from seawall.policy.private import strike
from seawall.policy.request import ReleaseContext, ReleaseRequest

_ENCODER = msgspec.json.Encoder(order="sorted")


def companions(
    request: ReleaseRequest,
    body: Mapping[str, Any],
    terms: CircleTerms,
    context: ReleaseContext,
    told: set[str],
) -> Iterator[ReleasedObject]:
    """The definitions behind the markings of ``body``, as they leave: without names and values that may not.

    Left out are those in ``told`` (which grows), those that the recipient holds, those that are not at hand, and all of
    them where the circle does not carry marking-definitions. A definition that turns out private stays.
    """
    refs = body.get("object_marking_refs")
    if refs is None or WELL_KNOWN.issuperset(refs) or "marking-definition" not in terms.types:
        return
    for ref in refs:
        if ref in told or ref in WELL_KNOWN:
            continue
        told.add(ref)
        definition = context.definitions.get(ref)
        if definition is None or context.may_refer(ref):
            continue
        hidden = hidden_identities(request, terms, context, dict(definition))
        named = provider_named(request, terms, context)
        struck = strike(unname(dict(definition), hidden, context, provider_named=named), context.private)
        if ref not in hidden and not struck.essential:
            yield ReleasedObject(ref, str(definition.get("created", "")), _ENCODER.encode(struck.body))
