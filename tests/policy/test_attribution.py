""" "Do not name us", here and further on."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from policy.scenes import BUSAN, SEOUL, TAIPEI, asking, body, circle, knowing, stored
from seawall.model import Release, Tlp, Withheld
from seawall.policy import InboundContext, Markings, Origin, Rule, decide, inbound, markings_of
from seawall.policy.inbound import Admitted
from seawall.policy.statements import DO_NOT_NAME

NAMELESS = circle(attribution=False)
OBJECT = body(
    description="Found by TWCERT with KrCERT",
    where_sighted_refs=[TAIPEI, SEOUL],
    external_references=[{"source_name": "twcert", "external_id": "1"}, {"source_name": "cve", "external_id": "2"}],
)


def _leaves(answer: Release | Withheld) -> dict[str, Any]:
    assert isinstance(answer, Release)
    return msgspec.json.decode(answer.objects[0].body, type=dict[str, Any])


def test_a_circle_without_attribution_does_not_name_us() -> None:
    """Creator, references, source names and mentions of us go; others stay; the marking tells the next reader."""
    left = _leaves(decide(asking(stored(OBJECT)), NAMELESS, knowing(NAMELESS)))
    assert "created_by_ref" not in left
    assert left["where_sighted_refs"] == [SEOUL]
    assert left["description"] == "Found by [unnamed] with KrCERT"
    assert left["external_references"] == [{"source_name": "cve", "external_id": "2"}]
    assert DO_NOT_NAME in left["object_marking_refs"]


def test_a_circle_with_attribution_names_us() -> None:
    """By default the creator stays and nothing is marked."""
    left = _leaves(decide(asking(stored(OBJECT)), circle(), knowing()))
    assert left["created_by_ref"] == TAIPEI
    assert left["description"] == OBJECT["description"]
    assert DO_NOT_NAME not in left["object_marking_refs"]


def test_our_identity_stays_where_we_are_not_named() -> None:
    """The object that is our name is withheld."""
    identity = body("identity", name="Taipei", created_by_ref=None) | {"id": TAIPEI}
    answer = decide(asking(stored(identity)), NAMELESS, knowing(NAMELESS))
    assert isinstance(answer, Withheld)
    assert answer.rule == Rule.UNNAMED


@pytest.mark.parametrize("attribution", [True, False])
def test_the_wish_survives_being_shared_again(attribution: bool) -> None:
    """Taipei's nameless object, taken in by Seoul and shared on to Jeju as GREEN, names nobody there either."""
    sent = _leaves(decide(asking(stored(OBJECT)), NAMELESS, knowing(NAMELESS)))
    at_seoul = InboundContext(
        at=0, own_identities=frozenset({SEOUL}), peer_identities={TAIPEI: "taipei"}, held=lambda _id: None
    )
    terms = circle(members=frozenset({"taipei"}))
    admitted = inbound(msgspec.json.encode(sent), "taipei", terms, at_seoul)
    assert isinstance(admitted, Admitted)
    assert admitted.markings.named is False
    onward = circle(name="kr-jp", members=frozenset({"jeju"}), community=True, attribution=attribution)
    context = knowing(
        terms, onward, own_identity=SEOUL, identities={"taipei": TAIPEI}, identity_names={TAIPEI: "Found"}
    )
    left = _leaves(decide(asking(admitted.stored, markings=admitted.markings, recipient="jeju"), onward, context))
    assert TAIPEI not in msgspec.json.encode(left).decode()
    assert "Found" not in left["description"]
    assert DO_NOT_NAME in left["object_marking_refs"]


def test_what_derives_from_a_nameless_object_does_not_name_its_provider() -> None:
    """Our sighting of Seoul's nameless indicator keeps our name and drops Seoul's."""
    sighting = body(
        "sighting", sighting_of_ref=stored().id, where_sighted_refs=[SEOUL, BUSAN], summary="told by KrCERT"
    )
    markings = Markings(tlp=Tlp.GREEN, origins=frozenset({Origin("seoul", "tw-kr")}), named=False)
    left = _leaves(decide(asking(stored(sighting), markings=markings, recipient="busan"), circle(), knowing(circle())))
    assert left["created_by_ref"] == TAIPEI
    assert left["where_sighted_refs"] == [BUSAN]
    assert left["summary"] == "told by [unnamed]"


def test_our_own_nameless_object_does_not_name_us() -> None:
    """An object that we marked ourselves drops our name in every circle."""
    made = body(object_marking_refs=[DO_NOT_NAME])
    left = _leaves(decide(asking(stored(made), markings=markings_of(stored(made))), circle(), knowing()))
    assert "created_by_ref" not in left


@pytest.mark.parametrize(("name", "stays"), [("NIC", True), ("X", True), ("evil", False), ("Reef Port", True)])
def test_a_short_name_is_not_found_within_words(name: str, stays: bool) -> None:
    """A node called NIC does not garble "technical"; where the pattern itself would change, the object is withheld."""
    made = body(description=f"technical note by {name}", name="x86 unicode")
    answer = decide(asking(stored(made)), NAMELESS, knowing(NAMELESS, own_names=frozenset({name})))
    assert isinstance(answer, Release) is stays
    if isinstance(answer, Release):
        left = _leaves(answer)
        assert left["description"] == "technical note by [unnamed]"
        assert (left["name"], left["pattern"], left["pattern_type"]) == ("x86 unicode", made["pattern"], "stix")
