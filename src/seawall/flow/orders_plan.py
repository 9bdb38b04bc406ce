"""What should become of some values, without doing it: the order each of them would be, or why it is none.

For each value in this order: a person's word that it is harmless; the relation with whoever named it; policy; the
gate; the lane (``protect/lanes.py``). Of several entries on one value the first that may block decides, else the first
that may be watched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import msgspec

from seawall.flow.node import Node
from seawall.flow.orders_facts import limits_of, radii, trials
from seawall.flow.orders_rules import NO_INDICATOR, POLICY, REFUTED, Rules
from seawall.model import Observable
from seawall.model.answer import Answer, Verdict
from seawall.model.directive import Action, LeftOut
from seawall.model.indicator import IndicatorEntry
from seawall.policy import MEANING, enforcement_tests
from seawall.protect.gate import left_out, undo_name
from seawall.protect.lanes import LaneDecision, LaneFacts, LaneLimits, Trial, lane_for
from seawall.protect.objections import Objection
from seawall.protect.radius import Radius
from seawall.store.indicator_named import Key, Named
from seawall.store.order_points import Put

MOST_SAID = 10_000  # answers of policy that are remembered: peers times markings, as a rule a few dozen


class Planned(msgspec.Struct, frozen=True, gc=False):
    """The order that a value would be."""

    observable: Observable
    entry: IndicatorEntry
    action: Action
    undo_id: str
    people: tuple[str, ...]  # who put it in force
    scope: tuple[str, ...]
    until: int | None  # of those people's word
    lane: LaneDecision
    flags: tuple[str, ...]
    digest: bytes
    radius: Radius | None


class Refused(msgspec.Struct, frozen=True, gc=False):
    """A value that would be no order; ``entry`` where policy itself refused, which goes on the record."""

    left_out: LeftOut
    entry: IndicatorEntry | None = None


Outcome = Planned | Refused


def plan(
    node: Node,
    rules: Rules,
    values: Sequence[Observable],
    named: Mapping[Key, Sequence[Named]],
    at: int,
    *,
    supposed: Mapping[Key, Put] = MappingProxyType({}),
) -> list[Outcome]:
    """One outcome for each value, in their order. Reads the store, never the lake; writes nothing.

    ``supposed``: as if people had put these in force.
    """
    keys = [(value.type, value.value) for value in values]
    puts = {**node.store.orders.puts(keys), **supposed}
    own_action = node.settings.protect.own_action
    answers = node.store.answers.of(keys)
    radius, trial, limits = radii(node, values), trials(node, values), limits_of(node)
    found: list[Outcome] = []
    for value, key in zip(values, keys, strict=True):
        put = puts.get(key)
        if put is not None and put.until is not None and put.until <= at:
            put = None
        trial_of = trial.get(value, Trial.NONE)
        facts = _Facts(value, put, answers.get(key, ()), radius.get(value), trial_of, limits, own_action)
        found.append(_outcome(rules, facts, named.get(key, ()), at))
    return found


class _Facts(msgspec.Struct, frozen=True, gc=False):
    value: Observable
    put: Put | None
    answers: Sequence[Answer]
    radius: Radius | None
    trial: Trial
    limits: LaneLimits
    own_action: Action

    def wanted(self, entry: IndicatorEntry) -> Action:
        """Who chooses: a person, else the setting for our own indicators. What a peer's does, each point says."""
        if self.put is not None:
            return self.put.action
        return self.own_action if entry.origin is None else Action.BLOCK


def _outcome(rules: Rules, facts: _Facts, named: Sequence[Named], at: int) -> Outcome:
    if not named:
        return Refused(left_out(facts.value, NO_INDICATOR, ""))
    if (by := _refuted(facts)) is not None:
        return Refused(left_out(facts.value, REFUTED.about(by), named[0].entry.indicator_id))
    refused: Refused | None = None
    for merely_watched in (False, True):
        for item in named:
            entry = item.entry
            action = Action.WATCH if merely_watched else facts.wanted(entry)
            problem, policy_said = _problem(rules, entry, action, facts.put)
            flags: tuple[str, ...] = ()
            undo_id = undo_name(action, facts.value)
            if problem is None:
                problem, flags = rules.gate.check(entry, undo_id, at)
                if problem is not None:  # what may not be blocked for the gate's reasons is not watched either
                    return Refused(left_out(facts.value, problem, entry.indicator_id))
            if problem is None:
                return _planned(rules, facts, entry, action, undo_id, flags)
            if refused is None or merely_watched:
                refused = Refused(left_out(facts.value, problem, entry.indicator_id), entry if policy_said else None)
    assert refused is not None  # noqa: S101 - there is an entry, and each either passed or was refused
    return refused


def _refuted(facts: _Facts) -> str | None:
    """Who of ours found it harmless, unless somebody put it in force after that."""
    ours = [one for one in facts.answers if one.peer is None and one.verdict is Verdict.REFUTED]
    if not ours or (facts.put is not None and facts.put.at > ours[-1].at):
        return None
    return ours[-1].by or "our own people"


def _problem(rules: Rules, entry: IndicatorEntry, action: Action, put: Put | None) -> tuple[Objection | None, bool]:
    """The objection before the gate, and whether it is policy's."""
    if (problem := rules.objection(entry)) is not None:
        return problem, False
    terms = rules.terms.get(entry.origin) if entry.origin is not None else None
    people = put.people if put is not None else ()
    marks = (entry.tlp, entry.pap, entry.origin, action, people)
    if marks not in rules.policy_said:  # the tests look at nothing else
        said: Objection | None = None
        failed = next(
            (test for test in enforcement_tests(entry, action, terms, people=people) if not test.passed), None
        )
        if failed is not None:
            said = POLICY.about(f"{MEANING[failed.rule]} ({failed.detail})")
        if len(rules.policy_said) >= MOST_SAID:
            rules.policy_said.clear()
        rules.policy_said[marks] = said
    problem = rules.policy_said[marks]
    return problem, problem is not None


def _planned(
    rules: Rules, facts: _Facts, entry: IndicatorEntry, action: Action, undo_id: str, flags: tuple[str, ...]
) -> Planned:
    put = facts.put if facts.put is not None and action is facts.put.action else None
    accepted = rules.accepted_by(entry.origin)
    lane = lane_for(
        LaneFacts(
            action=action,
            type=facts.value.type,
            value=facts.value.value,
            origin=entry.origin,
            accepted_by=accepted,
            radius=facts.radius,
            flags=flags,
            put_by=put.people if put is not None else (),
            trial=facts.trial,
            confidence=entry.confidence,
            limits=facts.limits,
        )
    )
    return Planned(
        observable=facts.value,
        entry=entry,
        action=action,
        undo_id=undo_id,
        people=put.people if put is not None else (),
        scope=put.scope if put is not None else (),
        until=put.until if put is not None else None,
        lane=lane,
        flags=flags,
        digest=_digest(entry, put, accepted),
        radius=facts.radius,
    )


def _digest(entry: IndicatorEntry, put: Put | None, accepted: tuple[str, ...]) -> bytes:
    """16 bytes over everything that a directive is made from."""
    digest = hashlib.blake2b(entry.body, digest_size=16)
    parts: Iterator[object] = iter(
        (entry.indicator_id, entry.origin, entry.sources, entry.valid_from, entry.valid_until, int(entry.tlp))
    )
    said = [*parts, int(entry.pap), entry.campaign, entry.description, accepted]
    if put is not None:
        said += [put.people, put.at, put.until, put.scope]
    digest.update(msgspec.json.encode(said))
    return digest.digest()
