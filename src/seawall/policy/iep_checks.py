"""The tests that markings beyond TLP and PAP ask for: can they be read, and is the information exchange policy kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from seawall.model import rfc3339
from seawall.model.unreadable import UNREADABLE
from seawall.policy.request import ReleaseContext, ReleaseRequest
from seawall.policy.rules import Rule, Test
from seawall.policy.statements import Bound

_READ = Test(Rule.MARKINGS, passed=True, detail="all of them")
_IN_FORCE = Test(Rule.IEP_DATES, passed=True, detail="no date stands against it")
_NO_ENCRYPTION_ASKED = Test(Rule.IEP_ENCRYPT, passed=True, detail="no policy asks for it")
_RESALE_FREE = Test(Rule.IEP_RESALE, passed=True, detail="no policy bars it")


def marking_test(request: ReleaseRequest) -> Test:
    """Whether every marking can be read; the detail names those that cannot, else those that contradict each other."""
    markings = request.markings
    if markings.unclear:
        return Test(Rule.MARKINGS, passed=False, detail="; ".join(sorted(markings.unclear)))
    if markings.differs:
        told = "; ".join(sorted(markings.differs))
        return Test(Rule.MARKINGS, passed=True, detail=f"they contradict each other, the stricter governs: {told}")
    return _READ


def iep_tests(request: ReleaseRequest, context: ReleaseContext) -> Iterator[Test]:
    """In order: dates, encryption, resale. What the other statements ask for stands in TLP, PAP and attribution."""
    markings = request.markings
    if markings.begins or markings.ends is not None:
        yield _dates(markings.begins, markings.ends, context.at)
    else:
        yield _IN_FORCE
    bounds = markings.bounds
    if Bound.ENCRYPT in bounds:
        channel = "the channel is not encrypted" if context.in_clear else "the channel is encrypted"
        yield Test(Rule.IEP_ENCRYPT, not context.in_clear, channel)
    else:
        yield _NO_ENCRYPTION_ASKED
    if Bound.NO_RESALE in bounds:
        own = _made_here(request, context)
        yield Test(Rule.IEP_RESALE, own, "made here" if own else "it stands as its provider wrote it")
    else:
        yield _RESALE_FREE


def naming_test(request: ReleaseRequest, body: dict[str, Any]) -> Test:
    """``body``: as it leaves, after attribution."""
    if Bound.NAME_PROVIDER not in request.markings.bounds:
        return Test(Rule.IEP_NAME, passed=True, detail="nobody must be named")
    named = "created_by_ref" in body and request.markings.named
    return Test(Rule.IEP_NAME, named, "the provider is named" if named else "the provider would not be named")


def _dates(begins: int, ends: int | None, at: int) -> Test:
    """A policy that is not yet or no longer effective permits nothing; what it forbids stays forbidden."""
    if at < begins:
        return Test(Rule.IEP_DATES, passed=False, detail=f"it begins at {rfc3339(begins)}")
    if ends is not None and at >= ends:
        return Test(Rule.IEP_DATES, passed=False, detail=f"it ended at {rfc3339(ends)}")
    return Test(Rule.IEP_DATES, passed=True, detail="it is in force")


class _Creator(msgspec.Struct):
    created_by_ref: str | None = None


def _made_here(request: ReleaseRequest, context: ReleaseContext) -> bool:
    if request.object.origin is not None or not context.own_identity:
        return False
    try:
        creator = msgspec.json.decode(request.object.body, type=_Creator).created_by_ref
    except UNREADABLE:
        return False
    return creator == context.own_identity
