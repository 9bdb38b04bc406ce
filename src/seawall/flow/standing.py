"""Standing releases: their rules, shown and changed, and the one key that stops them all."""

from __future__ import annotations

import msgspec

from seawall.flow.circles import checked_types, describe_circle, save_terms
from seawall.flow.node import Node
from seawall.flow.stops import EVERY, STOP, StandingStop, held_back, stopped
from seawall.flow.usage import Usage
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, Refused, Tlp, rfc3339
from seawall.model.circle import CircleTerms, StandingRelease
from seawall.model.observation import Basis
from seawall.policy import StandingUse

DAY = 86_400_000_000  # microseconds
MAX_RULES = 100  # of one circle; people have to read them


class StandingWish(msgspec.Struct, frozen=True, kw_only=True):
    """One rule as typed. None leaves what the rule says already, or the careful default of a new one."""

    circle: str
    name: str
    types: tuple[str, ...] | None = None
    least_confidence: int | None = None
    least_sensors: int | None = None
    bases: tuple[str, ...] | None = None
    tlp_at_most: str | None = None
    cap_per_hour: int | None = None
    cap_per_day: int | None = None
    days: int | None = None


def set_standing(node: Node, wish: StandingWish) -> dict[str, object]:
    """Add a rule to a circle, or change one: a new version of its terms, which the members have to agree to again.

    Raises Refused E-FLOW-033 without a second person (rule 9), Fault E-FLOW-031 for an unknown type, E-FLOW-400 for an
    unknown basis, E-FLOW-401 for a rule without types, E-FLOW-402 for too many rules, NotFound for the circle.
    """
    node.require("manage-peers")
    terms = node.store.circles.get(wish.circle)
    held = next((rule for rule in terms.standing if rule.name == wish.name), None)
    fresh = _changed(node, terms, wish, held)
    if not fresh.types:
        raise Fault("E-FLOW-401", "A standing release needs types; name them with --types indicator,sighting.")
    rules = tuple(rule for rule in terms.standing if rule.name != wish.name)
    if len(rules) >= MAX_RULES:
        raise Fault("E-FLOW-402", "A circle may have {most} standing releases; remove one first.", most=MAX_RULES)
    save_terms(node, msgspec.structs.replace(terms, standing=(*rules, fresh)), sensitive=True)
    return describe_circle(node, wish.circle)


def remove_standing(node: Node, circle: str, name: str) -> dict[str, object]:
    """Take a rule away; one person may, because less leaves then. Raises NotFound E-FLOW-403."""
    node.require("manage-peers")
    terms = node.store.circles.get(circle)
    rules = tuple(rule for rule in terms.standing if rule.name != name)
    if len(rules) == len(terms.standing):
        raise NotFound("E-FLOW-403", "The circle {circle} has no standing release {name}.", circle=circle,
                       name=repr(name[:64]))  # fmt: skip
    save_terms(node, msgspec.structs.replace(terms, standing=rules), sensitive=False)
    return describe_circle(node, circle)


def list_standing(node: Node) -> list[dict[str, object]]:
    """Every rule of every circle, what it let go in the last hour and day, and whether it is stopped."""
    node.require("read")
    shown: list[dict[str, object]] = []
    for terms in node.store.circles.list():
        use = Usage.load(node, terms.name).as_of(node.clock())
        stop = stopped(node, terms.name)
        for rule in terms.standing:
            used = use.get(rule.name, StandingUse())
            shown.append(
                {
                    "circle": terms.name,
                    "name": rule.name,
                    "types": sorted(rule.types),
                    "least_confidence": rule.least_confidence,
                    "least_sensors": rule.least_sensors,
                    "bases": sorted(rule.bases),
                    "tlp_at_most": rule.tlp_at_most.label,
                    "last_hour": used.last_hour,
                    "cap_per_hour": rule.cap_per_hour,
                    "last_day": used.last_day,
                    "cap_per_day": rule.cap_per_day,
                    "expires_at": rfc3339(rule.expires_at),
                    "approved_by": list(rule.approved_by),
                    "state": _state(node, rule, stop),
                    "stopped_by": stop.by if stop is not None else None,
                }
            )
    return shown


def stop_standing(node: Node, circle: str | None) -> dict[str, object]:
    """One key, one person, at once: nothing leaves in this circle (None: in any that has standing releases).

    What stands in their outboxes and was not yet fetched waits too, approved objects with it: who stops does not know
    yet what is wrong. Recalls go on.
    """
    person = node.require("stop-standing")
    if circle is not None:
        node.store.circles.get(circle)
    stop = StandingStop(person.name, node.clock())
    node.store.notes.set(STOP.format(circle=circle or EVERY), msgspec.json.encode(stop).decode())
    node.event(EventKind.STANDING_SUSPENDED, circle or "*")
    return {"stopped": _held_circles(node), "by": stop.by, "at": rfc3339(stop.at)}


def resume_standing(node: Node, circle: str | None) -> dict[str, object]:
    """Go on; this takes two people. A stop of all circles and one of a single circle are lifted each by itself.

    Raises Refused E-FLOW-404 without a second person, NotFound E-FLOW-405 when that was not stopped.
    """
    first = node.require("manage-peers")
    if node.approver is None:
        raise Refused("E-FLOW-404", "Going on needs a second person; give their token with --approver-token.")
    key = STOP.format(circle=circle or EVERY)
    if node.store.notes.get(key) is None:
        raise NotFound("E-FLOW-405", "Nothing of that is stopped; 'seawall standing list' shows what is.")
    node.store.approvals.both("standing", circle or "*", first.name, node.approver.name, node.clock())
    node.event(EventKind.STANDING_RESUMED, circle or "*", approved_by=[first.name, node.approver.name])
    node.store.notes.delete(key)
    return {"stopped": _held_circles(node), "resumed": circle or "*"}


def _held_circles(node: Node) -> list[str]:
    return [terms.name for terms in node.store.circles.list() if held_back(node, terms)]


def _state(node: Node, rule: StandingRelease, stop: StandingStop | None) -> str:
    if stop is not None:
        return "stopped"
    return "expired" if rule.expires_at <= node.clock() else "running"


def _changed(node: Node, terms: CircleTerms, wish: StandingWish, held: StandingRelease | None) -> StandingRelease:
    life = (365 if wish.days is None else wish.days) * DAY
    base = held or StandingRelease(
        name=wish.name,
        types=frozenset(),
        tlp_at_most=min(terms.tlp_ceiling, Tlp.AMBER),
        expires_at=node.clock() + life,
        signed_by=frozenset({node.keys.node_id}),
    )
    given: dict[str, object] = {
        "types": None if wish.types is None else checked_types(wish.types),
        "least_confidence": wish.least_confidence,
        "least_sensors": wish.least_sensors,
        "bases": None if wish.bases is None else _bases(wish.bases),
        "tlp_at_most": None if wish.tlp_at_most is None else Tlp.parse(wish.tlp_at_most),
        "cap_per_hour": wish.cap_per_hour,
        "cap_per_day": wish.cap_per_day,
        "expires_at": node.clock() + life if held is None or wish.days is not None else None,
    }
    return msgspec.structs.replace(base, **{name: value for name, value in given.items() if value is not None})


def _bases(given: tuple[str, ...]) -> frozenset[str]:
    known = {basis.value for basis in Basis} - {Basis.NONE.value}
    for basis in given:
        if basis not in known:
            raise Fault("E-FLOW-400", "{given} is no basis; use {known}.", given=repr(basis[:40]),
                        known=", ".join(sorted(known)))  # fmt: skip
    return frozenset(given)
