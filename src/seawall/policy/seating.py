"""Who may sit at a circle's table, and which kinds of information are served there."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from seawall.model.circle import SEATED, CircleTerms, Seat
from seawall.model.unreadable import UNREADABLE
from seawall.policy.request import ReleaseContext, ReleaseRequest
from seawall.policy.rules import Rule, Test

KIND_LABEL = re.compile(r"[a-z]{2}-share:[1-9][0-9]?")  # as in ``reference.sharing_kinds``: tw-share:4


def seat_of(name: str, seats: Mapping[str, Seat]) -> Seat:
    """As what somebody sits; an official unless two people said otherwise."""
    return seats.get(name, Seat.OFFICIAL)


def seat_test(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext) -> Test:
    """Whether the circle's track seats the recipient."""
    seat = seat_of(request.recipient, context.seats)
    return Test(Rule.SEAT, seat in SEATED[terms.track], f"{seat.value} on track {terms.track.value}")


def kind_test(request: ReleaseRequest, terms: CircleTerms) -> Test:
    """Whether every kind that the object is of is among those that the circle takes; an object of no kind is not."""
    if not terms.sharing_kinds:
        return _ANY_KIND
    kinds = request.kinds | kinds_in(request.object.body)
    if not kinds:
        wanted = ", ".join(sorted(terms.sharing_kinds))
        return Test(Rule.KIND, passed=False, detail=f"it lacks labels, one of {wanted}")
    other = kinds - terms.sharing_kinds
    return Test(Rule.KIND, not other, ", ".join(sorted(other or kinds)))


def kinds_in(body: bytes) -> frozenset[str]:
    """The kinds that an object's labels tell."""
    if b"-share:" not in body:
        return frozenset()
    try:
        labels = msgspec.json.decode(body, type=_Labelled).labels
    except UNREADABLE:
        return frozenset()
    return frozenset(label for label in labels if KIND_LABEL.fullmatch(label))


class _Labelled(msgspec.Struct):
    labels: list[str] = []


_ANY_KIND = Test(Rule.KIND, passed=True, detail="it takes every kind")
