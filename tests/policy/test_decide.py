"""Each rule between an object and a recipient, one at a time."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from policy.scenes import MOMENT, asking, body, circle, knowing, stored
from seawall.model import Pap, Release, Tlp, Withheld
from seawall.model.bounds import MAX_NESTING, MAX_OBJECT_BYTES
from seawall.model.circle import CircleTerms, Track
from seawall.model.outbox import OutboxRow
from seawall.policy import (
    Admitted,
    InboundContext,
    Markings,
    Origin,
    ReleaseContext,
    ReleaseRequest,
    Rule,
    decide,
    decide_page,
    inbound,
    page_release,
)

ARRIVING = InboundContext(at=MOMENT, own_identities=frozenset(), peer_identities={}, held=lambda _: None)


def _rule(request: ReleaseRequest, terms: CircleTerms, context: ReleaseContext | None = None) -> str:
    """The rule of the decision; releases are told from refusals by type."""
    return decide(request, terms, context or knowing(terms)).rule


def test_an_approved_object_is_released() -> None:
    """The release names recipient, circle, rule, policy version, moment, people and the bytes that leave."""
    terms = circle(version=3)
    release = decide(asking(), terms, knowing(terms))
    assert isinstance(release, Release)
    assert (release.recipient, release.circle, release.rule) == ("seoul", "tw-kr", "approved")
    assert (release.policy_version, release.at, release.approved_by) == ("seawall-3/tw-kr@3", MOMENT, ("lin",))
    assert release.purpose == "share"
    assert [item.id for item in release.objects] == [stored().id]


def test_a_refusal_names_rule_object_and_version() -> None:
    """A refusal tells our own people which rule refused and on what it stumbled."""
    withheld = decide(asking(stored(tlp=Tlp.RED), approved_by=("kim", "lin")), circle(), knowing())
    assert isinstance(withheld, Withheld)
    assert (withheld.rule, withheld.object_id, withheld.object_version) == ("tlp-ceiling", stored().id, "v1")
    assert "red under amber" in withheld.reason


@pytest.mark.parametrize(
    ("terms", "item", "recipient", "rule"),
    [
        ({}, {}, "jeju", Rule.MEMBER),
        ({"exclusions": frozenset({"seoul"})}, {}, "seoul", Rule.EXCLUSION),
        ({}, {"excluded": frozenset({"seoul"})}, "seoul", Rule.OBJECT_EXCLUSION),
        ({}, {"origin": "seoul"}, "seoul", Rule.ECHO),
        ({"types": frozenset({"sighting"})}, {}, "seoul", Rule.TYPE),
        ({"types": frozenset()}, {}, "seoul", Rule.TYPE),
        ({"tlp_ceiling": Tlp.CLEAR}, {}, "seoul", Rule.TLP_CEILING),
        ({"track": Track.TWO}, {"tlp": Tlp.AMBER}, "seoul", Rule.TRACK),
        ({"pap_ceiling": Pap.GREEN}, {"pap": Pap.AMBER}, "seoul", Rule.PAP_CEILING),
        ({"minimum_context": frozenset({"labels"})}, {}, "seoul", Rule.CONTEXT),
        ({"minimum_context": frozenset({"indicator.labels"})}, {}, "seoul", Rule.CONTEXT),
    ],
)
def test_each_rule_refuses_alone(terms: dict[str, Any], item: dict[str, Any], recipient: str, rule: Rule) -> None:
    """With everything else in order, one broken condition is enough and is named."""
    made = circle(**terms)
    assert _rule(asking(stored(**item), recipient=recipient), made) == rule


def test_agreement_is_needed() -> None:
    """A member that has not stated these very terms gets nothing."""
    assert _rule(asking(), circle(), knowing(agreed_with=frozenset({"busan"}))) == Rule.AGREED


def test_minimum_context_of_another_type_does_not_bind() -> None:
    """A qualified property binds objects of its type only, and is met when it is there."""
    assert _rule(asking(), circle(minimum_context=frozenset({"sighting.count"}))) == "approved"
    assert _rule(asking(), circle(minimum_context=frozenset({"indicator.confidence"}))) == "approved"


def test_nothing_goes_without_a_person_or_a_standing_release() -> None:
    """Everything may be permitted and still nobody said so: denied by default."""
    assert _rule(asking(approved_by=()), circle()) == Rule.PERMISSION


@pytest.mark.parametrize("tlp", [Tlp.AMBER_STRICT, Tlp.RED])
def test_the_strictest_markings_take_two_people(tlp: Tlp) -> None:
    """One person does not suffice for AMBER+STRICT and RED, nor the same person twice; two different people do."""
    terms = circle(tlp_ceiling=Tlp.RED)
    assert _rule(asking(stored(tlp=tlp)), terms) == Rule.TWO_PEOPLE
    assert _rule(asking(stored(tlp=tlp), approved_by=("lin", "lin")), terms) == Rule.TWO_PEOPLE
    release = decide(asking(stored(tlp=tlp), approved_by=("lin", "kim")), terms, knowing())
    assert isinstance(release, Release)
    assert release.approved_by == ("kim", "lin")


def test_unmarked_objects_take_the_floor() -> None:
    """Without a TLP the circle's floor governs: above the ceiling it stays, below it leaves so marked."""
    unmarked = asking(markings=Markings())
    assert _rule(unmarked, circle(tlp_floor=Tlp.AMBER_STRICT)) == Rule.TLP_CEILING
    terms = circle(tlp_floor=Tlp.AMBER)
    release = decide(unmarked, terms, knowing(terms))
    assert isinstance(release, Release)
    assert b"55d920b0-5e8b-4f79-9ee9-91f868d9b421" in release.objects[0].body


@pytest.mark.parametrize(
    ("tlp", "community", "onward", "expected"),
    [
        (Tlp.CLEAR, False, Tlp.GREEN, "approved"),
        (Tlp.GREEN, True, Tlp.GREEN, "approved"),
        (Tlp.GREEN, False, Tlp.GREEN, Rule.ONWARD),
        (Tlp.AMBER, True, Tlp.RED, Rule.ONWARD),
        (Tlp.GREEN, True, Tlp.CLEAR, Rule.ONWARD),
        (Tlp.CLEAR, True, None, Rule.ONWARD),
    ],
)
def test_a_peers_object_goes_on_only_where_its_terms_allow(
    tlp: Tlp, community: bool, onward: Tlp | None, expected: str
) -> None:
    """To another circle: CLEAR freely, GREEN to a named community, AMBER never, and never above the source's terms."""
    source = circle(name="kr-only", onward_at_most=onward)
    target = circle(community=community)
    markings = Markings(tlp=tlp, origins=frozenset({Origin("busan", "kr-only")}))
    request = asking(stored(tlp=tlp, origin="busan"), markings=markings)
    assert _rule(request, target, knowing(source, target)) == expected


def test_within_its_own_circle_a_peers_object_goes_to_other_members() -> None:
    """What Busan sent into the circle may go to Seoul in the same circle."""
    assert _rule(asking(stored(tlp=Tlp.AMBER, origin="busan")), circle()) == "approved"


def test_from_an_unknown_circle_only_clear_goes_on() -> None:
    """When the circle it came through is not known any more, even GREEN stays."""
    target = circle(community=True)
    for tlp, expected in ((Tlp.CLEAR, "approved"), (Tlp.GREEN, Rule.ONWARD)):
        markings = Markings(tlp=tlp, origins=frozenset({Origin("busan")}))
        assert _rule(asking(stored(tlp=tlp), markings=markings), target) == expected


def test_what_derives_from_a_peers_object_may_return_to_that_peer() -> None:
    """A sighting of Seoul's AMBER indicator goes back to Seoul, and to nobody else outside that circle."""
    markings = Markings(tlp=Tlp.AMBER, origins=frozenset({Origin("seoul", "kr-only")}))
    sighting = stored(body("sighting", sighting_of_ref=stored().id), tlp=Tlp.AMBER)
    assert _rule(asking(sighting, markings=markings, recipient="seoul"), circle()) == "approved"
    assert _rule(asking(sighting, markings=markings, recipient="busan"), circle()) == Rule.ONWARD


def test_the_exclusions_of_the_circle_of_origin_travel_along() -> None:
    """What came through a circle that excludes Seoul never reaches Seoul through another, even as CLEAR."""
    source = circle(name="no-seoul", exclusions=frozenset({"seoul"}))
    markings = Markings(tlp=Tlp.CLEAR, origins=frozenset({Origin("busan", "no-seoul")}))
    request = asking(stored(tlp=Tlp.CLEAR), markings=markings)
    assert _rule(request, circle(), knowing(source)) == Rule.OBJECT_EXCLUSION


def test_an_unreadable_object_stays() -> None:
    """Bytes that are no JSON object are withheld, whatever their markings."""
    broken = msgspec.structs.replace(stored(), body=b"[1, 2")
    assert _rule(asking(broken), circle()) == Rule.PRIVATE


def test_a_page_is_one_release_and_a_refusal_each() -> None:
    """Objects under the same permission share a release; refused ones are told one by one, in order."""
    requests = [asking(stored(body(number=n), tlp=Tlp.RED if n % 2 else Tlp.GREEN)) for n in range(6)]
    decision = decide_page(requests, circle(), knowing())
    assert [len(release.objects) for release in decision.releases] == [3]
    assert [withheld.object_id for withheld in decision.withheld] == [requests[n].object.id for n in (1, 3, 5)]
    assert decide_page([], circle(), knowing()).releases == ()


def test_a_page_has_one_recipient() -> None:
    """Mixing recipients in one page is a mistake of the caller."""
    with pytest.raises(ValueError, match="one recipient"):
        decide_page([asking(), asking(recipient="busan")], circle(), knowing())


def test_the_body_that_leaves_says_what_governs_it() -> None:
    """TLP 2.0 is written, a TLP 1 marking of the same level is kept, a weaker one is replaced; PAP is written."""
    amber_1 = "marking-definition--f88d31f6-486f-44da-b317-01333bde0b82"
    green_1 = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da"
    for ref, kept in ((amber_1, True), (green_1, False)):
        made = body(object_marking_refs=[ref])
        markings = Markings(tlp=Tlp.AMBER, pap=Pap.AMBER)
        release = decide(asking(stored(made, tlp=Tlp.AMBER), markings=markings), circle(), knowing())
        assert isinstance(release, Release)
        refs = msgspec.json.decode(release.objects[0].body)["object_marking_refs"]
        assert (ref in refs) is kept
        assert ("marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421" in refs) is not kept
        assert len(refs) == 2


def test_what_every_peer_must_refuse_stays() -> None:
    """An object larger or deeper than what is taken in anywhere is withheld here, by a rule of its own."""
    nested: list[Any] = []
    for _ in range(MAX_NESTING - 2):
        nested = [nested]
    room = MAX_OBJECT_BYTES - len(msgspec.json.encode(body(description=""))) - 2_000
    for fits, made in (
        (True, body(description="x" * room)),
        (False, body(description="x" * (room + 2_000))),
        (True, body(x_deep=nested)),
        (False, body(x_deep=[nested])),
    ):
        release = decide(asking(stored(made)), circle(), knowing())
        assert isinstance(release, Release) is fits
        if isinstance(release, Release):
            assert len(release.objects[0].body) <= MAX_OBJECT_BYTES
            taken = inbound(release.objects[0].body, "seoul", circle(), ARRIVING)
            assert isinstance(taken, Admitted)
        else:
            assert release.rule == Rule.TOO_LARGE


def test_outbox_rows_are_released_to_whom_they_stand_for() -> None:
    """Rows that an earlier decision put there leave as they stand, to members in good standing only."""
    rows = [
        OutboxRow("tool--1", "v1", b"one"),
        OutboxRow("tool--2", "v1", b"two", recipients=frozenset({"busan"})),
        OutboxRow("tool--3", "v1", b"three", recipients=frozenset({"seoul"})),
    ]
    release = page_release(rows, "seoul", circle(), knowing())
    assert release is not None
    assert [(item.id, item.body) for item in release.objects] == [("tool--1", b"one"), ("tool--3", b"three")]
    assert release.rule == "outbox"
    assert page_release(rows[1:2], "seoul", circle(), knowing()) is None
    assert page_release([], "seoul", circle(), knowing()) is None
    for terms, context in (
        (circle(members=frozenset({"busan"})), knowing()),
        (circle(exclusions=frozenset({"seoul"})), knowing()),
        (circle(), knowing(agreed_with=frozenset())),
    ):
        assert page_release(rows, "seoul", terms, context) is None
