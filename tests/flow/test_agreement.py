"""Agreeing on a circle by signed notices: alike, different, taken over, changed, and terms that make no sense."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flow.neighbours import carry, neighbours
from seawall.flow.agreement import accept_circle, shown_circle, waiting_offers
from seawall.flow.circle_changes import CircleChange, change_circle, circle_history, set_acceptance
from seawall.flow.circles import CircleWish, create_circle, describe_circle
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.terms import digest_of, read_terms, shared_terms, terms_digest
from seawall.model import Actor, Fault, NotFound, Pap, Refused, Tlp, UserRole
from seawall.model.circle import SHAREABLE_TYPES, CircleTerms, StandingRelease, Track
from seawall.model.notice import NoticeKind

CIRCLE = "tw-kr"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Two neighbours, each with a second person at hand."""
    with neighbours(tmp_path, "taipei", "seoul") as made:
        for node in made.values():
            node.store.users.add("second", UserRole.APPROVER, node.clock())
            node.__dict__["approver"] = Actor("second", UserRole.APPROVER)
        yield made


def create(nodes: dict[str, Node], name: str, other: str, **fields: Any) -> None:
    """The circle at one node."""
    given = {"tlp_ceiling": "amber", "auto": ("indicator", "sighting")} | fields
    create_circle(nodes[name], CircleWish(name=CIRCLE, members=(other,), **given))


def only_offer(shown: dict[str, Any]) -> dict[str, Any]:
    """What the one other side said."""
    said: dict[str, Any]
    (said,) = shown["offered"]
    return said


def exchange(nodes: dict[str, Node]) -> None:
    """Notices both ways."""
    carry(nodes, "taipei", "seoul")
    carry(nodes, "seoul", "taipei")


def test_the_same_terms_on_both_sides_are_agreed_and_signed(nodes: dict[str, Node]) -> None:
    """Each side holds the other's signed word for the very digest of its own terms."""
    create(nodes, "taipei", "seoul")
    create(nodes, "seoul", "taipei")
    assert not describe_circle(nodes["taipei"], CIRCLE)["agreed"]
    exchange(nodes)
    for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
        shown = shown_circle(nodes[name], CIRCLE)
        assert shown["agreed"]
        said = only_offer(shown)
        assert (said["peer"], said["differs"]) == (other, {})
        kept = nodes[name].store.notices.get(other, said["notice"], ours=False)
        assert kept is not None
        assert b"terms" in kept.envelope or kept.envelope


def test_terms_of_a_circle_that_only_one_side_has_can_be_taken_over(nodes: dict[str, Node]) -> None:
    """They are shown, taken over with two people, and then agreed on both sides; one's own enforcement stays off."""
    create(nodes, "taipei", "seoul", auto_enforce=True)
    exchange(nodes)
    seoul = nodes["seoul"]
    assert waiting_offers(seoul) == [{"circle": CIRCLE, "peer": "taipei"}]
    assert shown_circle(seoul, CIRCLE)["agreed"] is False
    seoul.__dict__["approver"] = None
    with pytest.raises(Refused, match="E-FLOW-033"):
        accept_circle(seoul, CIRCLE)
    seoul.__dict__["approver"] = Actor("second", UserRole.APPROVER)
    taken = accept_circle(seoul, CIRCLE)
    assert (taken["agreed"], taken["auto_enforce"], taken["members"]) == (True, False, ["taipei"])
    exchange(nodes)
    assert describe_circle(nodes["taipei"], CIRCLE)["agreed"]
    assert waiting_offers(seoul) == []


def test_different_terms_are_shown_side_by_side(nodes: dict[str, Node]) -> None:
    """Nobody has agreed, and each term that differs is named with both words."""
    create(nodes, "taipei", "seoul")
    create(nodes, "seoul", "taipei", tlp_ceiling="green", commitment_age="1h")
    exchange(nodes)
    shown = shown_circle(nodes["taipei"], CIRCLE)
    assert not shown["agreed"]
    said = only_offer(shown)
    assert said["differs"]["tlp_ceiling"] == ["amber", "green"]
    assert said["differs"]["commitment_age_seconds"] == [86_400, 3_600]


def test_a_change_ends_the_agreement_until_the_other_side_has_it(nodes: dict[str, Node]) -> None:
    """A new version is said at once, agreed when taken over, and saying the same again sends nothing."""
    create(nodes, "taipei", "seoul")
    create(nodes, "seoul", "taipei")
    exchange(nodes)
    change_circle(nodes["taipei"], CIRCLE, CircleChange(tlp_ceiling="green"))
    assert not describe_circle(nodes["taipei"], CIRCLE)["agreed"]
    exchange(nodes)
    assert not describe_circle(nodes["seoul"], CIRCLE)["agreed"]
    accept_circle(nodes["seoul"], CIRCLE)
    exchange(nodes)
    assert describe_circle(nodes["taipei"], CIRCLE)["agreed"]
    last = nodes["taipei"].store.notices.last("seoul", ours=True)
    change_circle(nodes["taipei"], CIRCLE, CircleChange(auto_enforce=True))  # local: the shared terms stay as they were
    assert nodes["taipei"].store.notices.last("seoul", ours=True) == last
    assert describe_circle(nodes["taipei"], CIRCLE)["agreed"]


def test_taking_over_what_nobody_said_is_one_sentence(nodes: dict[str, Node]) -> None:
    """An unknown circle, before anything was said."""
    with pytest.raises(NotFound, match="E-FLOW-412"):
        accept_circle(nodes["seoul"], CIRCLE)
    with pytest.raises(NotFound, match="E-STORE-061"):
        shown_circle(nodes["seoul"], CIRCLE)


def test_accepting_our_own_circle_before_the_other_side_spoke_changes_nothing(nodes: dict[str, Node]) -> None:
    """It is told as it stands, not agreed; whoever names a peer that said nothing is told so."""
    create(nodes, "taipei", "seoul")
    shown = accept_circle(nodes["taipei"], CIRCLE)
    assert (shown["agreed"], shown["offered"], nodes["taipei"].store.circles.get(CIRCLE).version) == (False, [], 1)
    with pytest.raises(NotFound, match="E-FLOW-412"):
        accept_circle(nodes["taipei"], CIRCLE, "seoul")


@pytest.mark.parametrize(
    "change",
    [
        {"tlp_ceiling": "purple"},
        {"name": ""},
        {"name": "x" * 65},
        {"types": ["observed-data"]},
        {"types": ["indicator"] * 2},
        {"types": ["x"] * 2_000},
        {"standing": [{"name": "all"}]},
        {"track": "3"},
        {"commitment_age_seconds": -1},
        {"surprise": True},
        {"community": "yes"},
    ],
)
def test_terms_that_make_no_sense_are_rejected(nodes: dict[str, Node], change: dict[str, Any]) -> None:
    """Nothing of them is kept, and the sender reads one sentence."""
    said = shared_terms(CircleTerms(name=CIRCLE, members=frozenset({"seoul"}), tlp_ceiling=Tlp.AMBER)) | change
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"terms": said, "digest": digest_of(said)})
    heard = carry(nodes, "taipei", "seoul")
    assert [problem.sentence.startswith("These terms") for problem in heard.problems] == [True]
    assert waiting_offers(nodes["seoul"]) == []


@pytest.mark.parametrize("body", [{}, {"terms": []}, {"terms": {"name": CIRCLE}, "digest": "0" * 64}, {"terms": {}}])
def test_a_notice_that_is_no_terms_is_rejected(nodes: dict[str, Node], body: dict[str, Any]) -> None:
    """Nothing, another shape, or another digest than that of the terms."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, body)
    assert len(carry(nodes, "taipei", "seoul").problems) == 1


WORDS = st.frozensets(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
TYPES = st.frozensets(st.sampled_from(sorted(SHAREABLE_TYPES)))
RULES = st.builds(
    StandingRelease,
    name=st.text("abc-", min_size=1, max_size=10),
    types=TYPES,
    least_confidence=st.integers(0, 100),
    least_sensors=st.integers(0, 50),
    bases=WORDS,
    tlp_at_most=st.sampled_from(Tlp),
    cap_per_hour=st.integers(0, 1_000_000),
    cap_per_day=st.integers(0, 1_000_000),
    expires_at=st.integers(0, 1 << 50),
)
TERMS = st.builds(
    CircleTerms,
    name=st.text("abc-", min_size=1, max_size=20),
    members=st.just(frozenset({"seoul"})),
    tlp_ceiling=st.sampled_from(Tlp),
    tlp_floor=st.sampled_from(Tlp),
    pap_ceiling=st.sampled_from(Pap),
    types=TYPES,
    track=st.sampled_from(Track),
    community=st.booleans(),
    onward_at_most=st.none() | st.sampled_from(Tlp),
    attribution=st.booleans(),
    redaction=WORDS,
    minimum_context=WORDS,
    standing=st.lists(RULES, max_size=3, unique_by=lambda rule: rule.name).map(tuple),
    auto_enforce=st.booleans(),
    commitment_age_seconds=st.integers(0, 1_000_000),
)


@given(TERMS)
def test_terms_mean_the_same_to_both(terms: CircleTerms) -> None:
    """Whatever can be said can be read, and stating it again gives the same digest."""
    assert terms_digest(read_terms(shared_terms(terms), terms.members)) == terms_digest(terms)


@given(TERMS, st.data())
def test_what_cannot_be_read_exactly_is_refused(terms: CircleTerms, data: st.DataObject) -> None:
    """One term gone or of another kind: a Fault, never terms that mean something else."""
    said = shared_terms(terms)
    term = data.draw(st.sampled_from(sorted(said)))
    if data.draw(st.booleans()):
        del said[term]
    else:
        said[term] = {"odd": 1}
    with pytest.raises(Fault, match="E-FLOW-410"):
        read_terms(said, terms.members)


def test_what_a_node_takes_in_is_its_own_affair(nodes: dict[str, Node]) -> None:
    """A change of it keeps the agreement and is said to nobody; it stands in the history."""
    create(nodes, "taipei", "seoul")
    create(nodes, "seoul", "taipei")
    exchange(nodes)
    last = nodes["taipei"].store.notices.last("seoul", ours=True)
    shown = set_acceptance(nodes["taipei"], CIRCLE, types=("indicator",), least_confidence=50, needs=None)
    assert shown["acceptance"] == {"types": ["indicator"], "least_confidence": 50, "needs": []}
    assert shown["agreed"]
    assert nodes["taipei"].store.notices.last("seoul", ours=True) == last
    newest: dict[str, Any] = circle_history(nodes["taipei"], CIRCLE)[0]
    assert list(newest["changed"]) == ["acceptance"]
    with pytest.raises(Fault, match="E-FLOW-037"):
        set_acceptance(nodes["taipei"], CIRCLE, types=None, least_confidence=50, needs=None)
    assert set_acceptance(nodes["taipei"], CIRCLE, types=(), least_confidence=0, needs=None)["acceptance"] == {
        "types": None, "least_confidence": 0, "needs": []
    }  # fmt: skip
