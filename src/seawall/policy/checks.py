"""The tests between one object and one recipient, in their fixed order; decisions and explanations share them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from seawall.model import Tlp
from seawall.model.bounds import MAX_NESTING, MAX_OBJECT_BYTES, nested_deeper
from seawall.model.circle import CircleTerms, Track
from seawall.model.unreadable import UNREADABLE
from seawall.policy.attribution import hidden_identities, provider_named, unname
from seawall.policy.iep_checks import iep_tests, marking_test, naming_test
from seawall.policy.markings import Origin, write_markings
from seawall.policy.private import ESSENTIAL, required_of, strike
from seawall.policy.references import prune
from seawall.policy.request import ReleaseContext, ReleaseRequest
from seawall.policy.rules import Rule, Test
from seawall.policy.seating import kind_test, seat_test
from seawall.policy.standing import obstacle

GROWTH = 64 << 10  # bytes by which an object may grow on its way out: its markings, in full
APPROVED = "approved"
NEEDS_TWO = Tlp.AMBER_STRICT  # from here on two named people (rule 9)


class Permission(msgspec.Struct, frozen=True):
    """What permits a release: people, or a standing release."""

    rule: str  # "approved" or "standing:NAME"
    people: tuple[str, ...]
    standing: str | None = None


def circle_tests(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> Iterator[Test]:
    """The tests that need only markings and terms."""
    stored, markings, recipient = request.object, request.markings, request.recipient
    tlp = markings.tlp_at_floor(terms.tlp_floor)
    yield Test(Rule.MEMBER, recipient in terms.members, recipient)
    yield Test(Rule.EXCLUSION, recipient not in terms.exclusions, recipient)
    yield Test(Rule.AGREED, recipient in context.agreed_with, f"version {terms.version}")
    yield seat_test(request, terms, context)
    yield Test(Rule.OBJECT_EXCLUSION, recipient not in _excluded(request, context), recipient)
    yield Test(Rule.ECHO, stored.origin != recipient, stored.origin or "own")
    yield Test(Rule.TYPE, stored.type in terms.types, stored.type)
    yield kind_test(request, terms)
    yield marking_test(request)
    left_out = f"left out: {', '.join(request.left_out)}" if request.left_out else "nothing to leave out"
    yield Test(Rule.GRANULAR, not request.whole_because, request.whole_because or left_out)
    yield Test(Rule.TLP_CEILING, tlp <= terms.tlp_ceiling, f"{tlp.label} under {terms.tlp_ceiling.label}")
    yield Test(
        Rule.TRACK, terms.track is not Track.TWO or tlp <= Tlp.GREEN, f"{tlp.label} on track {terms.track.value}"
    )
    yield Test(
        Rule.PAP_CEILING, markings.pap <= terms.pap_ceiling, f"{markings.pap.label} under {terms.pap_ceiling.label}"
    )
    yield from iep_tests(request, context)
    barred = sorted(origin for origin in markings.origins if not _onward(origin, tlp, request, terms, context))
    yield Test(Rule.ONWARD, not barred, ", ".join(origin.peer for origin in barred) or "all inputs may enter")
    people = len(set(request.approved_by))
    yield Test(Rule.TWO_PEOPLE, tlp < NEEDS_TWO or people >= 2, f"{tlp.label}, {people} approved")
    permission, reason = permission_for(request, terms, context)
    yield Test(Rule.PERMISSION, permission is not None, permission.rule if permission is not None else reason)


def permission_for(
    request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext
) -> tuple[Permission | None, str]:
    """What permits this release, else why nothing does. People come before standing releases."""
    if request.approved_by:
        return Permission(APPROVED, tuple(sorted(set(request.approved_by)))), ""
    if request.object.type == "marking-definition":
        return None, "it goes along with what it marks"
    tlp = request.markings.tlp_at_floor(terms.tlp_floor)
    reasons = []
    for standing in terms.standing:
        reason = obstacle(standing, request, tlp, _confidence(request), context)
        if reason is None:
            people = tuple(sorted(set(standing.approved_by)))
            return Permission(f"standing:{standing.name}", people, standing.name), ""
        reasons.append(f"{standing.name}: {reason}")
    return None, "; ".join(reasons) or "nobody approved it and there is no standing release"


def body_tests(
    request: ReleaseRequest,
    terms: CircleTerms,
    context: ReleaseContext,
    may_show: Callable[[str], bool],
    keep: Callable[[dict[str, Any]], None],
    stage: Callable[[str, dict[str, Any]], None] | None = None,
) -> Iterator[Test]:
    """The tests that need the object itself. ``keep`` gets the body as it would leave, before the last tests.

    (1) do not name who must not be named, (2) strike own and victim values, (3) look for the minimum context,
    (4) drop references to what is withheld, (5) write the governing markings into it,
    (6) look at the size of what is left. ``stage`` is told the body after each step, and the rule that changed it.
    """
    try:
        body = msgspec.json.decode(request.object.body, type=dict[str, Any])
    except UNREADABLE:
        yield Test(Rule.PRIVATE, passed=False, detail="the object cannot be read, so nobody knows what is in it")
        return
    if _is_deep(body, request.object.body):  # the steps below go down level by level
        yield Test(Rule.TOO_LARGE, passed=False, detail=f"more than {MAX_NESTING} levels")
        return
    hidden = hidden_identities(request, terms, context, body)
    nameless = unname(body, hidden, context, provider_named=provider_named(request, terms, context))
    yield _unnamed_test(request, body, nameless, hidden)
    yield naming_test(request, nameless)
    struck = strike(nameless, context.private, terms.redaction)
    if stage is not None:
        stage(Rule.UNNAMED, nameless)
        stage(Rule.PRIVATE, struck.body)
    yield Test(Rule.PRIVATE, not struck.essential, f"struck in {', '.join(struck.places) or 'no place'}")
    lacking = sorted(lacking_context(struck.body, terms.minimum_context))
    yield Test(Rule.CONTEXT, not lacking, f"lacks {', '.join(lacking)}" if lacking else "complete")
    pruned = prune(struck.body, may_show)
    fresh = dict(pruned.body)
    write_markings(
        fresh,
        request.markings.tlp_at_floor(terms.tlp_floor),
        request.markings.pap,
        named=not hidden and provider_named(request, terms, context),
        bounds=request.markings.bounds,
    )
    keep(fresh)
    if stage is not None:
        stage(Rule.REFERENCE, pruned.body)
        stage(Rule.MARKINGS, fresh)
    yield Test(Rule.REFERENCE, pruned.broken is None, pruned.broken or "every needed reference may be shown")
    yield _size_test(fresh, request.object.body)


def _unnamed_test(
    request: ReleaseRequest, body: dict[str, Any], nameless: dict[str, Any], hidden: frozenset[str]
) -> Test:
    """Fails for the object that is the name itself, and for one that is nothing without it."""
    if not hidden:
        return Test(Rule.UNNAMED, passed=True, detail="attribution is on")
    lost = sorted((required_of(request.object.type) & body.keys()) - nameless.keys())
    essential = ESSENTIAL.get(request.object.type, "")
    if nameless.get(essential) != body.get(essential):  # with another pattern it would be another object
        lost.append(essential)
    if request.object.id in hidden or lost:
        return Test(Rule.UNNAMED, passed=False, detail=f"it names them in {', '.join(lost) or 'its id'}")
    return Test(Rule.UNNAMED, passed=True, detail="attribution is off")


def _size_test(leaving: dict[str, Any], held: bytes) -> Test:
    """Whoever gets more than every peer must take refuses it, and counts it against us."""
    size = len(held) + GROWTH
    if size > MAX_OBJECT_BYTES:
        size = len(msgspec.json.encode(leaving))
        if size > MAX_OBJECT_BYTES:
            return Test(Rule.TOO_LARGE, passed=False, detail=f"{size} of {MAX_OBJECT_BYTES} bytes")
    deep = _is_deep(leaving, held)
    return Test(Rule.TOO_LARGE, not deep, f"more than {MAX_NESTING} levels" if deep else "within the bounds")


def _is_deep(opened: dict[str, Any], body: bytes) -> bool:
    return body.count(b"{") + body.count(b"[") > MAX_NESTING and nested_deeper(opened)


def _excluded(request: ReleaseRequest, context: ReleaseContext) -> set[str]:
    """Whom the object, or a circle through which an input came, keeps out."""
    excluded = set(request.markings.excluded)
    for origin in request.markings.origins:
        if (through := context.circles.get(origin.circle)) is not None:
            excluded |= through.exclusions
    return excluded


def _onward(origin: Origin, tlp: Tlp, request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> bool:
    """Whether what came from ``origin`` may enter this circle."""
    if origin.circle == terms.name or origin.peer == request.recipient:
        return True
    through = context.circles.get(origin.circle)
    if through is not None and (through.onward_at_most is None or tlp > through.onward_at_most):
        return False
    return tlp is Tlp.CLEAR or (tlp is Tlp.GREEN and terms.community and through is not None)


def _confidence(request: ReleaseRequest) -> int:
    if request.evidence.confidence is not None:
        return request.evidence.confidence
    try:
        return msgspec.json.decode(request.object.body, type=_Confident).confidence
    except UNREADABLE:
        return 0


class _Confident(msgspec.Struct):
    confidence: int = 0


def lacking_context(body: dict[str, Any], minimum: frozenset[str]) -> Iterator[str]:
    """Of the properties asked for ("confidence", "indicator.labels"), those that are missing or empty, by name."""
    for wanted in minimum:
        kind, dot, name = wanted.rpartition(".")
        if dot and kind != body.get("type"):
            continue
        if body.get(name) in (None, "", [], {}):
            yield name


def first_failure(tests: Iterable[Test]) -> Test | None:
    """The first test that did not pass; later ones are not tried."""
    return next((test for test in tests if not test.passed), None)
