"""Standing releases: in force only with everybody's word, and never past their brakes."""

from __future__ import annotations

from typing import Any

import pytest

from policy.scenes import MOMENT, asking, body, circle, knowing, standing, stored
from seawall.model import Release, Tlp
from seawall.policy import Evidence, Rule, StandingUse, decide, decide_page

STRONG = Evidence(confidence=80, sensors=3, bases=frozenset({"alert", "honeypot"}))


def _rule(tlp: Tlp = Tlp.GREEN, evidence: Evidence = STRONG, kind: str = "indicator", **fields: Any) -> str:
    terms = circle(tlp_ceiling=Tlp.RED, standing=(standing(**fields),))
    return decide(asking(stored(body(kind), tlp=tlp), approved_by=(), evidence=evidence), terms, knowing(terms)).rule


def test_a_standing_release_lets_go_without_a_click() -> None:
    """The release names the standing release as its rule and the people who approved it."""
    terms = circle(standing=(standing(),))
    release = decide(asking(approved_by=(), evidence=STRONG), terms, knowing(terms))
    assert isinstance(release, Release)
    assert (release.rule, release.approved_by) == ("standing:warn", ("kim", "lin"))


@pytest.mark.parametrize(
    "fields",
    [
        {"suspended": True},
        {"expires_at": MOMENT},
        {"approved_by": ("lin",)},
        {"approved_by": ("lin", "lin")},
        {"signed_by": frozenset({"node-seoul"})},
        {"types": frozenset({"sighting"})},
        {"types": frozenset()},
        {"least_confidence": 81},
        {"least_sensors": 4},
        {"bases": frozenset({"analyst"})},
        {"cap_per_hour": 0},
        {"cap_per_day": 0},
    ],
)
def test_each_brake_holds(fields: dict[str, Any]) -> None:
    """Suspended, expired, unapproved, unsigned, another type, weak evidence or a reached cap: a person must decide."""
    assert _rule(**fields) == Rule.PERMISSION


def test_evidence_that_is_met_passes() -> None:
    """Thresholds are inclusive, and one permitted basis is enough."""
    assert _rule(least_confidence=80, least_sensors=3, bases=frozenset({"honeypot", "analyst"})) == "standing:warn"


@pytest.mark.parametrize("tlp", [Tlp.AMBER_STRICT, Tlp.RED])
def test_the_strictest_never_go_by_themselves(tlp: Tlp) -> None:
    """Even a standing release that claims to cover them does not."""
    assert _rule(tlp, tlp_at_most=Tlp.RED) == Rule.TWO_PEOPLE


def test_a_looser_bound_holds() -> None:
    """A standing release up to GREEN leaves AMBER to people."""
    assert _rule(Tlp.AMBER, tlp_at_most=Tlp.GREEN) == Rule.PERMISSION


def test_the_objects_own_confidence_counts_when_nothing_else_is_said() -> None:
    """Without given evidence, STIX confidence is read from the object; without any, it counts as zero."""
    assert _rule(evidence=Evidence(), least_confidence=80) == "standing:warn"
    assert _rule(evidence=Evidence(), least_confidence=81) == Rule.PERMISSION
    assert _rule(evidence=Evidence(), kind="sighting", least_confidence=1) == Rule.PERMISSION


@pytest.mark.parametrize(("hour", "day", "left"), [(0, 0, 3), (1, 0, 2), (3, 3, 0), (0, 9, 1), (9, 0, 0)])
def test_caps_count_within_a_page(hour: int, day: int, left: int) -> None:
    """A page does not let more go than the hour and the day have left."""
    terms = circle(standing=(standing(cap_per_hour=3, cap_per_day=10),))
    context = knowing(terms, standing_use={"warn": StandingUse(hour, day)})
    requests = [asking(stored(body(number=n)), approved_by=(), evidence=STRONG) for n in range(8)]
    decision = decide_page(requests, terms, context)
    assert sum(len(release.objects) for release in decision.releases) == left
    assert {withheld.rule for withheld in decision.withheld} == {Rule.PERMISSION}


def test_a_second_standing_release_may_carry_on() -> None:
    """When the first is exhausted, the next that covers the object permits it under its own name."""
    terms = circle(standing=(standing(cap_per_hour=1), standing(name="second")))
    requests = [asking(stored(body(number=n)), approved_by=(), evidence=STRONG) for n in range(2)]
    decision = decide_page(requests, terms, knowing(terms))
    assert [release.rule for release in decision.releases] == ["standing:warn", "standing:second"]


def test_a_person_comes_before_a_standing_release() -> None:
    """What a person approved is recorded as approved, and does not use up a cap."""
    terms = circle(standing=(standing(cap_per_hour=1),))
    requests = [
        asking(stored(body(number=1)), evidence=STRONG),
        asking(stored(body(number=2)), approved_by=(), evidence=STRONG),
    ]
    assert [release.rule for release in decide_page(requests, terms, knowing(terms)).releases] == [
        "approved",
        "standing:warn",
    ]
