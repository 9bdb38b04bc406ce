"""The book brought in step for some values: plan, record, pass the gate, write; one process at a time.

Steps: (1) read what stands, (2) plan without writing, (3) record one release for what is new, on disk before the book
changes, (4) the gate makes directives of it, (5) each point's caps say who stands there (``orders_seats``), (6) one
transaction puts and removes. A process that ends between 3 and 6 leaves a release that nothing was made of, and the
next run does it again.
"""

from __future__ import annotations

import fcntl
import gc
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import cast

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders_facts import scores
from seawall.flow.orders_plan import Outcome, Planned, Refused, plan
from seawall.flow.orders_rules import CONSUMER, Rules, rules_of
from seawall.flow.orders_safety import safeguarded
from seawall.flow.orders_seats import rank_of, seat
from seawall.model import Observable, Recorded, Release, Withheld
from seawall.model.directive import Action, Directive, LeftOut
from seawall.model.order import Booked, Order, OrderState
from seawall.policy import enforcement
from seawall.protect import Page
from seawall.protect.bounds import most, most_of_peers
from seawall.protect.gate import left_out
from seawall.protect.objections import FULL
from seawall.store.indicator_named import Key, Named

MAX_LISTED = 1_000  # left-out values that a report lists one by one; further ones are counted by rule
LOCK = "orders.lock"
FULL_LIFE_SCORE = 20.0
"""The score (0 to 100) of a value that one reliable source names without saying how sure it is: from here on an order
lives as long as its type may; below, shorter in proportion."""
LEAST_LIFE = 0.25  # of the type's life, for a value that nobody vouches for


class OrderReport(msgspec.Struct, frozen=True):
    """What became of the values that were looked at."""

    looked_at: int = 0
    put: int = 0  # orders that are new or altered
    removed: int = 0
    kept: int = 0
    left_out: dict[str, int] = {}  # by rule
    listed: tuple[LeftOut, ...] = ()  # the first 1,000 of them
    last: int = 0  # number of the last change of the book

    @property
    def changed(self) -> int:
        """How many changes the book got."""
        return self.put + self.removed

    def __add__(self, other: OrderReport) -> OrderReport:
        """Both together."""
        return OrderReport(
            looked_at=self.looked_at + other.looked_at,
            put=self.put + other.put,
            removed=self.removed + other.removed,
            kept=self.kept + other.kept,
            left_out=dict(Counter(self.left_out) + Counter(other.left_out)),
            listed=(*self.listed, *other.listed[: MAX_LISTED - len(self.listed)]),
            last=max(self.last, other.last),
        )


def settle_values(node: Node, values: Sequence[Observable]) -> OrderReport:
    """Bring the orders on these values (each once) in step with what holds now."""
    with settling(node):
        keys = [(value.type, value.value) for value in values]
        return settle(node, rules_of(node), values, node.store.indicators.named(keys))


@contextmanager
def collected_lightly() -> Iterator[None]:
    """For many pages: the garbage collector looks through what they leave, not each time through every list as well
    (a fifth of the processor's time)."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


@contextmanager
def settling(node: Node) -> Iterator[None]:
    """Hold the book against other writers, in this process and others: what is read stays true until it is written.

    Nobody holds it for longer than a page of values takes.
    """
    with (node.folder / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def settle(
    node: Node,
    rules: Rules,
    values: Sequence[Observable],
    named: Mapping[Key, Sequence[Named]],
    *,
    again: bool = False,
) -> OrderReport:
    """The steps above for values whose entries were read while the book is held.

    ``again``: what goes on as it is gets a new number too, because a bar stands before it.
    """
    at = node.clock()
    held = node.store.orders.on((value.type, value.value) for value in values)
    was = dict(held)
    outcomes = plan(node, rules, values, named, at)
    refused = [one.left_out for one in outcomes if isinstance(one, Refused)]
    wanted = safeguarded(node, [one for one in outcomes if isinstance(one, Planned)], held, at)
    fresh: list[Planned] = []
    put: list[Booked] = []
    kept = 0
    for one in wanted:
        before = held.pop(one.undo_id, None)
        if before is None or before.digest != one.digest:
            fresh.append(one)
        elif before.order.state is OrderState.EXPIRED or (_stands(before, one) and not again):
            kept += 1
        else:
            put.append(_altered(before, one, at))
    made, not_made = _directives(node, rules, fresh, outcomes, at)
    put += made
    refused += not_made
    unmade = {(item.observable.type, item.observable.value) for item in not_made}
    gone = list(held)
    if unmade:
        gone += [one.undo_id for one in fresh if (one.observable.type, one.observable.value) in unmade]
    before_writing = node.store.orders.last()
    last = before_writing
    moved: list[Booked] = []
    if put or gone:
        seating = seat(node, put, gone, was, at)
        moved = seating.moved
        last = node.store.orders.settle([*seating.put, *moved], gone, OrderState.WITHDRAWN, at)
        seating.written(node, last)
    for item in made:
        rules.held(at)[item.order.type] += 1
    counts = Counter(item.rule for item in refused)
    return OrderReport(
        looked_at=len(values),
        put=len(put),
        removed=max(0, last - before_writing - len(put) - len(moved)),
        kept=kept,
        left_out=dict(counts),
        listed=tuple(refused[:MAX_LISTED]),
        last=last,
    )


def _stands(before: Booked, one: Planned) -> bool:
    order = before.order
    return (order.state, order.lane, before.rule) == (one.lane.state, one.lane.lane, one.lane.rule)


def _altered(before: Booked, one: Planned, at: int) -> Booked:
    """The same directive, in the state to which its lane brought it."""
    order = msgspec.structs.replace(before.order, state=one.lane.state, lane=one.lane.lane)
    same = before.order.state is order.state
    return msgspec.structs.replace(
        before,
        order=order,
        rule=one.lane.rule,
        why=one.lane.text,
        values=one.lane.values,
        since=before.since if same else at,
        rank=rank_of(one.entry.origin, one.people, one.lane.state),
    )


def _directives(
    node: Node, rules: Rules, fresh: Sequence[Planned], outcomes: Sequence[Outcome], at: int
) -> tuple[list[Booked], list[LeftOut]]:
    """What the gate makes of recorded releases; policy's refusals go on the record beside them."""
    room, full = _room(rules, fresh, at)
    releases: list[Release] = []
    groups: list[list[Planned]] = []
    for (named, people), group in groupby(sorted(room, key=_grouped), key=_grouped):
        items, action = list(group), Action(named)
        asked = Action.BLOCK if action is Action.WATCH and not people else action
        decision = enforcement([one.entry for one in items], rules.terms, CONSUMER, at, people, asked)
        release = decision.by_action().get(action)
        if release is not None:
            releases.append(release)
            groups.append(items)
    withheld = _withheld(rules, outcomes, at)
    if not releases and not withheld:
        return [], full
    said: list[Release | Withheld] = [*releases, *withheld]
    receipts = node.ledger.record_many(said)
    made: list[Booked] = []
    weighed = scores(node, [one.observable for one in room])
    for receipt, items in zip(receipts, groups, strict=False):  # refusals come behind, and make nothing
        admitted, left = _admitted(rules, cast(Recorded[Release], receipt), items, weighed, at)
        made += admitted
        full += left
    return made, full


def _grouped(one: Planned) -> tuple[str, tuple[str, ...]]:
    return one.action.value, one.people


def _room(rules: Rules, fresh: Sequence[Planned], at: int) -> tuple[list[Planned], list[LeftOut]]:
    """Those for which the book has room, and refusals for the others. A part of it is kept for our own and people's:
    whoever of the peers names a million values first must not keep us from blocking one."""
    if not fresh:
        return [], []
    count = Counter(rules.held(at))
    room: list[Planned] = []
    full: list[LeftOut] = []
    for one in fresh:
        kind = one.observable.type
        bound = most(kind) if one.entry.origin is None or one.people else most_of_peers(kind)
        if count[kind] >= bound:
            full.append(left_out(one.observable, FULL.about(bound), one.entry.indicator_id))
        else:
            count[kind] += 1
            room.append(one)
    return room, full


def _withheld(rules: Rules, outcomes: Sequence[Outcome], at: int) -> tuple[Withheld, ...]:
    entries = [one.entry for one in outcomes if isinstance(one, Refused) and one.entry is not None]
    return enforcement(entries, rules.terms, CONSUMER, at).withheld if entries else ()


def _admitted(
    rules: Rules,
    recorded: Recorded[Release],
    items: Sequence[Planned],
    weighed: Mapping[Observable, float],
    at: int,
) -> tuple[list[Booked], list[LeftOut]]:
    by_key = {(one.observable.type, one.observable.value): one for one in items}
    made: list[Booked] = []
    left: list[LeftOut] = []
    for outcome in rules.gate.admit([Page(recorded, tuple(one.entry for one in items))], at):
        one = by_key[outcome.observable.type, outcome.observable.value]
        if isinstance(outcome, LeftOut):
            left.append(outcome)
        else:
            made.append(_booked(outcome, one, weighed.get(outcome.observable), at))
    return made, left


def _ends(directive: Directive, one: Planned, weight: float | None, at: int) -> int:
    """A person's word, else the source's, else the type's life, shorter for what few stand behind."""
    if one.until is not None:
        return min(directive.expires_at, one.until)
    if one.entry.valid_until is not None or one.people or weight is None:
        return directive.expires_at
    share = min(1.0, max(LEAST_LIFE, weight / FULL_LIFE_SCORE))
    return at + int((directive.expires_at - at) * share)


def _booked(directive: Directive, one: Planned, weight: float | None, at: int) -> Booked:
    order = Order(
        undo_id=directive.undo_id,
        action=directive.action,
        type=directive.observable.type,
        value=directive.observable.value,
        starts_at=at,
        expires_at=_ends(directive, one, weight, at),
        state=one.lane.state,
        lane=one.lane.lane,
        reason=directive.reason,
        release=directive.release,
        source=directive.source,
        scope=one.scope,
        score=weight,
        tlp=one.entry.tlp,
        pap=one.entry.pap,
    )
    return Booked(
        order=order,
        indicator_id=directive.indicator_id,
        origin=one.entry.origin,
        digest=one.digest,
        rule=one.lane.rule,
        why=one.lane.text,
        values=one.lane.values,
        since=at,
        flags=directive.flags,
        rank=rank_of(one.entry.origin, one.people, one.lane.state),
    )
