"""Lanes: how a directive that passed the gate comes into force, or why it waits. Pure: facts in, a sentence out.

- *own*: what our own people named acts at once, unless its blast radius or its width asks for a person.
- *fast*: a peer's single address or name acts at once when two people here signed a standing acceptance of a circle
  with auto-enforce, and the prebuilt table says that no (or hardly any) legitimate session of ours would be cut.
- *canary*: under the same acceptance, what the table cannot answer for is watched first (``protect/canary.py``).
- *person*: everything else is watched until a person puts it in force; two people for wide scopes.

After all lanes, and beyond their reach, ``model.order.at_point`` makes every block a watch in zones ``ot`` and
``safety``, unless the plant's named owner gave leave in a maintenance window after a fresh dry run.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.messages import mark
from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.model.order import Lane, OrderState
from seawall.protect.radius import Radius

WIDE_IPV4_PREFIX, WIDE_IPV6_PREFIX = 24, 48
"""A network greater than these belongs to more than one customer as a rule (RIR minimum allocation; RFC 6177)."""

LOOK_ALIKE = "idn-look-alike"
_SINGLE = frozenset({ObservableType.IPV4, ObservableType.IPV6, ObservableType.DOMAIN})


class Trial(StrEnum):
    """How far a value's canary came (``flow/canary.py`` keeps it)."""

    NONE = "none"
    WATCHING = "watching"
    PASSED = "passed"
    FAILED = "failed"  # a legitimate session met it
    ROLLED_BACK = "rolled-back"  # legitimate traffic fell after the block


class LaneLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Legitimate sessions that a block may have cut, at most, for each lane without a person."""

    fast_sessions: int = 0
    own_sessions: int = 0
    least_confidence: int = 30  # below, STIX 2.1 appendix A calls it low


class LaneFacts(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What is known of one directive that passed the gate."""

    action: Action  # what its release permits
    type: ObservableType
    value: str  # canonical
    origin: str | None  # the peer's code name; None: our own
    accepted_by: tuple[str, ...] = ()  # the people who signed the acceptance of its circle, if that is auto-enforce
    radius: Radius | None = None  # the prebuilt table's answer; None: there is no table yet
    flags: tuple[str, ...] = ()  # of the directive
    put_by: tuple[str, ...] = ()  # people who put this very directive in force
    trial: Trial = Trial.NONE
    confidence: int | None = None  # 0..100, of who named it; None: not said
    limits: LaneLimits = LaneLimits()


class LaneDecision(msgspec.Struct, frozen=True, gc=False):
    """The lane, the state in which the order enters (or goes on), and why, for the screen."""

    lane: Lane
    state: OrderState
    rule: str  # stable name
    text: str  # English sentence with {named} places: a key of the message catalogues
    values: dict[str, str] = {}  # fills the places

    @property
    def why(self) -> str:
        """The sentence in English."""
        return self.text.format(**self.values)


def is_wide(kind: ObservableType, value: str) -> bool:
    """Whether a block of it hits more than one party as a rule, so that two people decide."""
    if kind is ObservableType.AS:
        return True
    if kind is not ObservableType.CIDR:
        return False
    _, _, length = value.rpartition("/")
    return not length.isdigit() or int(length) < (WIDE_IPV6_PREFIX if ":" in value else WIDE_IPV4_PREFIX)


def lane_for(facts: LaneFacts) -> LaneDecision:
    """Which lane a directive takes, in which state it enters the book, and why. The first rule that fits decides."""
    if facts.put_by and not facts.action.hinders:
        text = mark("{people} chose to do no more than {action}; nothing is stopped.")
        state = OrderState.WATCH if facts.action is Action.WATCH else OrderState.ACTIVE
        values = {"people": ", ".join(facts.put_by), "action": facts.action.value}
        return LaneDecision(Lane.PERSON, state, "person", text, values)
    if facts.action is Action.ALERT and facts.origin is None:
        text = mark("Our own indicator; it raises alerts and stops nothing.")
        return LaneDecision(Lane.OWN, OrderState.ACTIVE, "own-alert", text)
    if not facts.action.hinders:
        lane = Lane.OWN if facts.origin is None else Lane.PERSON
        return LaneDecision(lane, OrderState.WATCH, "watch-only", mark("Its release permits watching only."))
    wide = is_wide(facts.type, facts.value)
    people = len(set(facts.put_by))
    if people >= (2 if wide else 1):
        text = mark("Put in force by {people}.")
        return LaneDecision(Lane.PERSON, OrderState.ACTIVE, "person", text, {"people": ", ".join(facts.put_by)})
    if (stays := _needs_person(facts, wide)) is not None:
        return stays
    if facts.origin is None:
        text = mark("Our own indicator; no legitimate session of ours is known that a block would cut.")
        return LaneDecision(Lane.OWN, OrderState.ACTIVE, "own", text)
    if facts.radius is None or not facts.radius.known:
        text = mark("Not enough own sessions are known to say what a block would cut, so it is watched first.")
        return _canary(facts, "radius-unknown", text)
    if facts.type not in _SINGLE:
        text = mark("The fast lane takes single addresses and names; anything else is watched first.")
        return _canary(facts, "not-single", text)
    text = mark("{peer} named it, {people} signed the acceptance, and a block would cut {sessions} sessions of ours.")
    values = {
        "peer": facts.origin,
        "people": ", ".join(facts.accepted_by),
        "sessions": str(facts.radius.sessions),
    }
    return LaneDecision(Lane.FAST, OrderState.ACTIVE, "fast", text, values)


def _needs_person(facts: LaneFacts, wide: bool) -> LaneDecision | None:
    """The reasons for which nothing automatic acts; None when there is none."""
    if facts.trial is Trial.ROLLED_BACK:
        return _waits("rolled-back", mark("Legitimate traffic fell after it was blocked; a person has to decide."))
    if facts.trial is Trial.FAILED:
        return _waits("canary-failed", mark("A legitimate session met it while it was watched."))
    if facts.origin is not None and len(set(facts.accepted_by)) < 2:
        text = mark("A peer's indicator is watched: no standing acceptance that two people signed covers it.")
        return _waits("peer", text)
    least = facts.limits.least_confidence
    if facts.origin is not None and facts.confidence is not None and facts.confidence < least:
        text = mark("{peer} gives it {given} of 100; below {least} a person has to decide.")
        given = {"peer": facts.origin, "given": str(facts.confidence), "least": str(least)}
        return LaneDecision(Lane.PERSON, OrderState.WATCH, "confidence", text, given)
    if LOOK_ALIKE in facts.flags:
        return _waits(LOOK_ALIKE, mark("The name looks like another one; a person has to read it."))
    if wide:
        return _waits("wide", mark("It covers more than one party as a rule; two people have to put it in force."))
    most = facts.limits.own_sessions if facts.origin is None else facts.limits.fast_sessions
    if facts.radius is not None and facts.radius.sessions > most:
        text = mark(
            "A block would have cut {sessions} legitimate sessions of ours in {days} days; {most} are permitted."
        )
        values = {
            "sessions": str(facts.radius.sessions),
            "days": str(facts.radius.horizon.days),
            "most": str(most),
        }
        return LaneDecision(Lane.PERSON, OrderState.WATCH, "blast-radius", text, values)
    return None


def _waits(rule: str, text: str) -> LaneDecision:
    return LaneDecision(Lane.PERSON, OrderState.WATCH, rule, text)


def _canary(facts: LaneFacts, rule: str, text: str) -> LaneDecision:
    if facts.trial is Trial.PASSED:
        text = mark("It was watched first, and no legitimate session of ours met it.")
        return LaneDecision(Lane.CANARY, OrderState.ACTIVE, "canary-passed", text)
    return LaneDecision(Lane.CANARY, OrderState.CANARY, rule, text)
