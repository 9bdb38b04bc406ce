"""Lanes: what acts at once, what is watched first, what waits for people."""

from __future__ import annotations

import pytest

from seawall.model import ObservableType
from seawall.model.directive import Action
from seawall.model.order import Lane, OrderState
from seawall.protect.lanes import LaneFacts, Trial, is_wide, lane_for
from seawall.protect.radius import DAY, Horizon, Radius

AT = 1_795_000_000_000_000
ENOUGH = Horizon(built_at=AT, first=AT - 10 * DAY, last=AT, sessions=50_000)
SHORT = Horizon(built_at=AT, first=AT - DAY // 24, last=AT, sessions=12)


def met(sessions: int, horizon: Horizon = ENOUGH) -> Radius:
    """An answer of the prebuilt table."""
    return Radius(sessions=sessions, hosts=min(sessions, 3), horizon=horizon)


def facts(**given: object) -> LaneFacts:
    """A peer's single address under an acceptance that two people signed, and which nobody here ever met."""
    usual: dict[str, object] = {
        "action": Action.BLOCK,
        "type": ObservableType.IPV4,
        "value": "198.51.100.9",
        "origin": "NORTH",
        "accepted_by": ("lin", "park"),
        "radius": met(0),
    }
    return LaneFacts(**(usual | given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "lane", "state", "rule"),
    [
        ({}, Lane.FAST, OrderState.ACTIVE, "fast"),
        ({"type": ObservableType.DOMAIN, "value": "c2.example"}, Lane.FAST, OrderState.ACTIVE, "fast"),
        ({"accepted_by": ()}, Lane.PERSON, OrderState.WATCH, "peer"),
        ({"accepted_by": ("lin",)}, Lane.PERSON, OrderState.WATCH, "peer"),
        ({"accepted_by": ("lin", "lin")}, Lane.PERSON, OrderState.WATCH, "peer"),
        ({"action": Action.WATCH}, Lane.PERSON, OrderState.WATCH, "watch-only"),
        ({"action": Action.WATCH, "put_by": ("lin", "park")}, Lane.PERSON, OrderState.WATCH, "person"),
        ({"action": Action.ALERT, "put_by": ("lin",)}, Lane.PERSON, OrderState.ACTIVE, "person"),
        ({"action": Action.ALERT}, Lane.PERSON, OrderState.WATCH, "watch-only"),
        ({"action": Action.ALERT, "origin": None}, Lane.OWN, OrderState.ACTIVE, "own-alert"),
        ({"action": Action.SINKHOLE, "radius": met(1)}, Lane.PERSON, OrderState.WATCH, "blast-radius"),
        ({"action": Action.RATE_LIMIT, "put_by": ("lin",)}, Lane.PERSON, OrderState.ACTIVE, "person"),
        ({"radius": met(1)}, Lane.PERSON, OrderState.WATCH, "blast-radius"),
        ({"radius": met(1), "put_by": ("lin",)}, Lane.PERSON, OrderState.ACTIVE, "person"),
        ({"confidence": 29}, Lane.PERSON, OrderState.WATCH, "confidence"),
        ({"confidence": 30}, Lane.FAST, OrderState.ACTIVE, "fast"),
        ({"radius": None}, Lane.CANARY, OrderState.CANARY, "radius-unknown"),
        ({"radius": met(0, SHORT)}, Lane.CANARY, OrderState.CANARY, "radius-unknown"),
        ({"radius": met(1, SHORT)}, Lane.PERSON, OrderState.WATCH, "blast-radius"),
        ({"radius": None, "trial": Trial.PASSED}, Lane.CANARY, OrderState.ACTIVE, "canary-passed"),
        ({"radius": None, "trial": Trial.FAILED}, Lane.PERSON, OrderState.WATCH, "canary-failed"),
        ({"trial": Trial.ROLLED_BACK}, Lane.PERSON, OrderState.WATCH, "rolled-back"),
        ({"flags": ("idn-look-alike",)}, Lane.PERSON, OrderState.WATCH, "idn-look-alike"),
        (
            {"type": ObservableType.URL, "value": "http://c2.example/a"},
            Lane.CANARY,
            OrderState.CANARY,
            "not-single",
        ),
        (
            {"type": ObservableType.CIDR, "value": "198.51.100.0/28"},
            Lane.CANARY,
            OrderState.CANARY,
            "not-single",
        ),
        ({"type": ObservableType.CIDR, "value": "198.51.0.0/20"}, Lane.PERSON, OrderState.WATCH, "wide"),
        (
            {"type": ObservableType.CIDR, "value": "198.51.0.0/20", "put_by": ("lin",)},
            Lane.PERSON,
            OrderState.WATCH,
            "wide",
        ),
        (
            {"type": ObservableType.CIDR, "value": "198.51.0.0/20", "put_by": ("lin", "park")},
            Lane.PERSON,
            OrderState.ACTIVE,
            "person",
        ),
        ({"origin": None, "accepted_by": ()}, Lane.OWN, OrderState.ACTIVE, "own"),
        ({"origin": None, "accepted_by": (), "radius": None}, Lane.OWN, OrderState.ACTIVE, "own"),
        ({"origin": None, "accepted_by": (), "radius": met(4)}, Lane.PERSON, OrderState.WATCH, "blast-radius"),
        ({"origin": None, "action": Action.WATCH}, Lane.OWN, OrderState.WATCH, "watch-only"),
    ],
)
def test_each_set_of_facts_has_its_lane(given: dict[str, object], lane: Lane, state: OrderState, rule: str) -> None:
    """Only what two people accepted, is single and cuts nothing acts at once; all else is watched, with its reason."""
    decision = lane_for(facts(**given))
    assert (decision.lane, decision.state, decision.rule) == (lane, state, rule)
    assert decision.why.endswith(".")


@pytest.mark.parametrize(
    ("kind", "value", "wide"),
    [
        (ObservableType.CIDR, "198.51.100.0/24", False),
        (ObservableType.CIDR, "198.51.100.0/23", True),
        (ObservableType.CIDR, "2001:db8::/48", False),
        (ObservableType.CIDR, "2001:db8::/47", True),
        (ObservableType.CIDR, "198.51.100.0/", True),
        (ObservableType.AS, "AS64500", True),
        (ObservableType.DOMAIN, "a.example", False),
    ],
)
def test_wide_scopes_are_told_by_their_size(kind: ObservableType, value: str, wide: bool) -> None:
    """A network greater than /24 (IPv6: /48) and any AS are wide."""
    assert is_wide(kind, value) is wide
