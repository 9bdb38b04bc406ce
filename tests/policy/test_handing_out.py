"""What may be handed to a consumer beyond this node: every marking, at every place, under every clearance."""

from __future__ import annotations

from itertools import product

import pytest

from policy.scenes import MOMENT, circle
from seawall.model import ObservableType, Pap, Release, Tlp
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.model.order import Place
from seawall.policy import Decision, Rule, Standpoint, hand_out

BODY = b'{"type":"indicator","created":"2026-03-13T00:00:00.000Z","modified":"2026-03-14T00:00:00.000Z"}'
CONSUMER = "feed:edge"


def entry(tlp: Tlp, pap: Pap, origin: str | None = None, number: int = 1) -> IndicatorEntry:
    """An address that somebody calls hostile."""
    return IndicatorEntry(
        type=ObservableType.IPV4,
        value=f"203.0.113.{number}",
        indicator_id=f"indicator--{number}",
        campaign=None,
        description=None,
        confidence=None,
        tlp=tlp,
        pap=pap,
        valid_from=None,
        valid_until=None,
        origin=origin,
        external_id=None,
        sources=(),
        body=BODY,
    )


def decided(
    one: IndicatorEntry, action: Action, place: Place, cleared: Tlp = Tlp.RED, cloud_pap: Pap | None = None
) -> Decision:
    """The decision about one entry; ``cloud_pap``: what the circle of its origin says."""
    terms = {} if cloud_pap is None else {"seoul": circle(members=frozenset({"seoul"}), cloud_pap=cloud_pap)}
    return hand_out([one], action, Standpoint(place, cleared), terms, CONSUMER, MOMENT)


@pytest.mark.parametrize(("tlp", "pap", "place"), list(product(Tlp, Pap, Place)))
def test_no_marking_goes_where_it_must_not(tlp: Tlp, pap: Pap, place: Place) -> None:
    """Own machines up to AMBER+STRICT, others' up to AMBER; no block above PAP:GREEN, no cloud, no country for RED."""
    for action in Action:
        decision = decided(entry(tlp, pap), action, place)
        readable = tlp <= (Tlp.AMBER_STRICT if place is Place.OWN else Tlp.AMBER)
        placed = pap <= {Place.OWN: Pap.RED, Place.COUNTRY: Pap.AMBER, Place.CLOUD: Pap.GREEN}[place]
        usable = not action.hinders or pap <= Pap.GREEN
        assert bool(decision.releases) == (readable and placed and usable), (tlp, pap, place, action)
        assert len(decision.releases) + len(decision.withheld) == 1


@pytest.mark.parametrize(("tlp", "cleared", "place"), list(product(Tlp, Tlp, Place)))
def test_a_clearance_only_ever_narrows(tlp: Tlp, cleared: Tlp, place: Place) -> None:
    """Whatever a person clears a consumer for, its place bounds it, and TLP:RED goes to no tool."""
    decision = decided(entry(tlp, Pap.CLEAR), Action.BLOCK, place, cleared)
    most = min(cleared, Tlp.AMBER_STRICT if place is Place.OWN else Tlp.AMBER)
    assert bool(decision.releases) == (tlp <= most)


@pytest.mark.parametrize(("pap", "said", "place"), list(product(Pap, Pap, Place)))
def test_only_the_circle_opens_a_cloud(pap: Pap, said: Pap, place: Place) -> None:
    """A member's value enters a cloud up to what the circle says, ours never above GREEN; elsewhere nothing changes."""
    theirs = decided(entry(Tlp.GREEN, pap, "seoul"), Action.WATCH, place, cloud_pap=said)
    ours = decided(entry(Tlp.GREEN, pap), Action.WATCH, place, cloud_pap=said)
    plain = {Place.OWN: Pap.RED, Place.COUNTRY: Pap.AMBER, Place.CLOUD: Pap.GREEN}[place]
    assert bool(theirs.releases) == (pap <= (said if place is Place.CLOUD else plain))
    assert bool(ours.releases) == (pap <= plain)


@pytest.mark.parametrize("pap", [Pap.AMBER, Pap.RED])
def test_no_circle_makes_a_cloud_block_what_must_stay_quiet(pap: Pap) -> None:
    """Blocking shows; a circle that lets a cloud watch AMBER and RED does not let it block them."""
    decision = decided(entry(Tlp.GREEN, pap, "seoul"), Action.BLOCK, Place.CLOUD, cloud_pap=Pap.RED)
    assert [held.rule for held in decision.withheld] == [Rule.ENFORCE_PAP]


def test_somebody_elses_circle_opens_nothing() -> None:
    """Terms count for a value only when its origin is a member of that circle and not excluded."""
    one = entry(Tlp.GREEN, Pap.AMBER, "seoul")
    for terms in (
        circle(members=frozenset({"tokyo"}), cloud_pap=Pap.RED),
        circle(members=frozenset({"seoul"}), exclusions=frozenset({"seoul"}), cloud_pap=Pap.RED),
    ):
        standpoint = Standpoint(Place.CLOUD, Tlp.AMBER)
        decision = hand_out([one], Action.WATCH, standpoint, {"seoul": terms}, CONSUMER, MOMENT)
        assert [held.rule for held in decision.withheld] == [Rule.ENFORCE_PLACE]


def test_a_release_names_the_consumer_and_what_it_may_do() -> None:
    """Recipient, purpose, action, and exactly the objects that passed; the others are refused with their rule."""
    given = [entry(Tlp.GREEN, Pap.CLEAR, number=1), entry(Tlp.AMBER, Pap.CLEAR, number=2)]
    decision = hand_out(given, Action.BLOCK, Standpoint(Place.CLOUD, Tlp.GREEN), {}, CONSUMER, MOMENT)
    (release,) = decision.releases
    assert isinstance(release, Release)
    assert (release.recipient, release.purpose, release.rule) == (CONSUMER, "enforce", "enforce:block")
    assert [item.id for item in release.objects] == ["indicator--1"]
    assert [(held.object_id, held.rule) for held in decision.withheld] == [("indicator--2", Rule.ENFORCE_CLEARANCE)]


def test_an_indicator_with_several_values_goes_only_when_all_may() -> None:
    """One id, two values, one of them too strict: neither goes."""
    mild, strict = entry(Tlp.GREEN, Pap.CLEAR), entry(Tlp.AMBER_STRICT, Pap.CLEAR)
    decision = hand_out([mild, strict], Action.BLOCK, Standpoint(Place.CLOUD, Tlp.AMBER), {}, CONSUMER, MOMENT)
    assert (decision.releases, len(decision.withheld)) == ((), 1)
