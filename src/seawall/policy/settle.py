"""The bodies of one page: each without what may not leave, and without references to what is withheld beside it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from seawall.model.circle import CircleTerms
from seawall.policy.checks import body_tests, first_failure
from seawall.policy.request import ReleaseContext, ReleaseRequest
from seawall.policy.rules import Test

Bodies = dict[int, dict[str, Any]]


def settle(
    permitted: Mapping[int, ReleaseRequest],
    page: Collection[ReleaseRequest],
    terms: CircleTerms,
    context: ReleaseContext,
) -> tuple[Bodies, dict[int, Test]]:
    """Number -> body that leaves, and number -> the test that failed after all.

    Withholding one object may break a reference that another needs, so this repeats until nothing more falls out; each
    round withholds at least one object, and a page has finitely many.
    """
    everything = {request.object.id for request in page}
    broken: dict[int, Test] = {}
    while True:
        standing = {number: request for number, request in permitted.items() if number not in broken}
        bodies, fallen = _round(standing, everything, terms, context)
        if not fallen:
            return bodies, broken
        broken |= fallen


def _round(
    standing: Mapping[int, ReleaseRequest], everything: set[str], terms: CircleTerms, context: ReleaseContext
) -> tuple[Bodies, dict[int, Test]]:
    going = {request.object.id for request in standing.values()}

    def may_show(id: str) -> bool:
        return id in going if id in everything else context.may_refer(id)

    bodies: Bodies = {}
    fallen: dict[int, Test] = {}
    for number, request in standing.items():
        kept: list[dict[str, Any]] = []
        failed = first_failure(body_tests(request, terms, context, may_show, kept.append))
        if failed is None:
            bodies[number] = kept[0]
        else:
            fallen[number] = failed
    return bodies, fallen
