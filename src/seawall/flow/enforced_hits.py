"""What enforcement points stopped or saw becomes our own sightings: told to the sharer under policy, weighed in scores.

A hit of a directive is no alarm of its own: the value was met *because* an indicator names it. So its basis is
``none`` (the indicator alone says so), as of a match in the lake: no block can confirm the word that made it.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from msgspec.structs import replace

from seawall.codec.values import canonical
from seawall.flow.context import WHOLE_NODE
from seawall.flow.hits import COUNT_BOUND, EARLIEST, REFUSED_KEPT, SKEW, WORD, RefusedHit, Reported
from seawall.flow.node import Node
from seawall.model import Basis, Fault, NotFound, Observable, ObservableType
from seawall.model.directive import Action
from seawall.model.hit import Hit
from seawall.protect.drivers.interface import ToolHit
from seawall.protect.gate import undo_name
from seawall.store.hits_fold import DAY, day_name

MAX_TAKEN = 10_000  # hits of one call
MAX_VALUE = 8_192  # characters, as of a reported hit
KEPT_APART = 7 * DAY  # microseconds: so long each interval is known by itself, to count it once


def take_hits(node: Node, point: str, hits: Sequence[ToolHit]) -> Reported:
    """Keep what one point's tools met; an interval of a directive counts once, however often it is told.

    Of what is older than ``KEPT_APART`` a directive's UTC day is one hit, and the greatest count told of it stands. A
    wrong hit is refused by itself (E-FLOW-981 to -984) and told in the answer with its place, from 1, as is one of a
    value that no indicator names here any more. Peers hear of hits with the next exchange. Raises Fault E-FLOW-980 for
    too many hits, E-FLOW-102 for a point's name that none can have. Whoever calls has checked that the point speaks.
    """
    if len(hits) > MAX_TAKEN:
        raise Fault("E-FLOW-980", "At most {most} hits of a point are taken at once.", most=MAX_TAKEN)
    if WORD.fullmatch(point) is None:
        raise Fault(
            "E-FLOW-102",
            "The {name} is {given}; use up to 64 letters, digits and hyphens.",
            name="point",
            given=repr(point[:40]),
        )
    problems: list[RefusedHit] = []
    refused = 0
    good: list[Hit] = []
    days: dict[str, Hit] = {}
    recent = node.clock() - KEPT_APART
    for place, hit in enumerate(hits, 1):
        try:
            checked = _checked(node, point, hit)
        except Fault as fault:
            refused += 1
            if len(problems) < REFUSED_KEPT:
                problems.append(RefusedHit(place, fault))
            continue
        if hit.last_seen >= recent:
            good.append(checked)
        else:
            name = day_name(point, hit.undo_id, hit.first_seen // DAY)
            days[name] = _joined(days[name], checked) if name in days else replace(checked, hit_id=name)
    held: dict[str, int] = {}
    if days:
        node.store.hits.fold(recent)  # those that were told when they were recent, so that a day's row holds them
        held = node.store.hits.counts(days)
    good += [hit for name, hit in days.items() if hit.count > held.get(name, 0)]
    counts = node.store.hits.put(good)
    known = len(hits) - refused - len(good)
    return Reported(counts.new, counts.updated, counts.unchanged + known, refused, tuple(problems))


def _joined(one: Hit, other: Hit) -> Hit:
    return replace(
        one,
        first_seen=min(one.first_seen, other.first_seen),
        last_seen=max(one.last_seen, other.last_seen),
        count=min(one.count + other.count, COUNT_BOUND),
    )


def fold_hits(node: Node) -> str:
    """The job: what points met more than a week ago becomes one row a directive and day."""
    return f"{node.store.hits.fold(node.clock() - KEPT_APART)} rows fewer"


def _checked(node: Node, point: str, hit: ToolHit) -> Hit:
    now = node.clock()
    value = _value(node, hit)
    if not (EARLIEST <= hit.first_seen <= hit.last_seen <= now + SKEW and 1 <= hit.count <= COUNT_BOUND):
        raise Fault(
            "E-FLOW-983",
            "The hit of {value} has times or a count that cannot be: first, last, and at least one.",
            value=repr(value.value[:100]),
        )
    entry = node.store.indicators.lookup(value.type, value.value, visibility=WHOLE_NODE)
    if entry is None:
        raise NotFound("E-FLOW-984", "No indicator names {value} here any more.", value=repr(value.value[:100]))
    return Hit(
        type=value.type,
        value=value.value,
        side=node.side,
        sector=node.settings.node.sector,
        first_seen=hit.first_seen,
        last_seen=hit.last_seen,
        count=hit.count,
        indicator_id=entry.indicator_id,
        basis=Basis.NONE.value,
        reported_by=f"point {point}",
        reported_at=now,
        # A person's own ids are stripped, so none of them begins with a blank and replaces a point's hit.
        # One that begins at the same moment is the same, told again when it had gone on.
        hit_id=f" {point} {_named(hit, value.value)} {hit.first_seen}",
    )


def _value(node: Node, hit: ToolHit) -> Observable:
    """What the directive is about: the value itself, or the booked network or name that it was met in."""
    value = Observable(hit.type, hit.value)
    try:
        good = len(hit.value) <= MAX_VALUE and canonical(hit.type, hit.value) == value
    except Fault:
        good = False
    if not good:
        raise Fault("E-FLOW-981", "{value} is not written as its type demands.", value=repr(hit.value[:100]))
    if hit.undo_id in {undo_name(action, value) for action in Action}:
        return value
    booked = node.store.orders.get(hit.undo_id)
    if booked is not None and _within(value, whole := Observable(booked.order.type, booked.order.value)):
        return whole
    raise Fault(
        "E-FLOW-982",
        "Directive {undo} is not about {value}.",
        undo=repr(hit.undo_id[:40]),
        value=repr(hit.value[:100]),
    )


def _named(hit: ToolHit, whole: str) -> str:
    """What was met, without blanks: the directive, and where it is about more than one value which of them."""
    return hit.undo_id if hit.value == whole else f"{hit.undo_id}/{hit.value}"


def _within(value: Observable, whole: Observable) -> bool:
    if whole.type is ObservableType.DOMAIN and value.type is ObservableType.DOMAIN:
        return value.value.endswith(f".{whole.value}")
    if whole.type is ObservableType.CIDR and value.type in (ObservableType.IPV4, ObservableType.IPV6):
        return ip_address(value.value) in ip_network(whole.value)
    return False
