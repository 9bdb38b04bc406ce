"""What a peer may bring in, and what a mischievous one tries."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.scenes import BUSAN, MOMENT, SEOUL, TAIPEI, body, circle
from seawall.model import Pap, Tlp
from seawall.model.bounds import MAX_OBJECT_BYTES
from seawall.model.circle import Acceptance, CircleTerms, Track
from seawall.model.stix.tlp import TLP2_IDS, tlp2_object
from seawall.policy import Admitted, Declined, Held, InboundContext, InboundRule, Origin, inbound
from seawall.policy.inbound import _is_small, _within_bounds
from seawall.policy.statements import DO_NOT_NAME, PAP_IDS

SENT = body(created_by_ref=SEOUL, object_marking_refs=[TLP2_IDS[Tlp.GREEN]])


def _knowing(held: dict[str, Held] | None = None) -> InboundContext:
    return InboundContext(
        at=MOMENT,
        own_identities=frozenset({TAIPEI}),
        peer_identities={SEOUL: "seoul", BUSAN: "busan"},
        held=(held or {}).get,
    )


def _take(made: Any, terms: CircleTerms | None = None, held: dict[str, Held] | None = None) -> Admitted | Declined:
    return inbound(msgspec.json.encode(made), "seoul", terms or circle(), _knowing(held))


def _rule(made: Any, terms: CircleTerms | None = None, held: dict[str, Held] | None = None) -> InboundRule:
    answer = _take(made, terms, held)
    assert isinstance(answer, Declined), answer
    return answer.rule


def test_an_object_comes_in_with_its_origin() -> None:
    """It is kept byte for byte, with the peer as origin, the circle as source, and the circle's exclusions."""
    terms = circle(exclusions=frozenset({"jeju"}))
    answer = _take(SENT, terms)
    assert isinstance(answer, Admitted)
    kept = answer.stored
    assert (kept.id, kept.type, kept.version) == (SENT["id"], "indicator", SENT["modified"])
    assert (kept.origin, kept.source, kept.created_by, kept.stored_at) == ("seoul", "tw-kr", SEOUL, MOMENT)
    assert kept.body == msgspec.json.encode(SENT)
    assert (kept.tlp, kept.pap, kept.excluded) == (Tlp.GREEN, Pap.CLEAR, frozenset({"jeju"}))
    assert answer.markings.origins == frozenset({Origin("seoul", "tw-kr")})


def test_unmarked_objects_take_the_floor() -> None:
    """Without a marking the floor is kept; a floor above the ceiling keeps the object out."""
    unmarked = body(created_by_ref=SEOUL)
    answer = _take(unmarked, circle(tlp_floor=Tlp.AMBER))
    assert isinstance(answer, Admitted)
    assert answer.stored.tlp is Tlp.AMBER
    assert _rule(unmarked, circle(tlp_floor=Tlp.RED)) is InboundRule.TLP_CEILING


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"created_by_ref": TAIPEI}, InboundRule.SPOOFED_OWN),
        ({"created_by_ref": BUSAN}, InboundRule.SPOOFED_PEER),
        ({"type": "identity", "id": TAIPEI}, InboundRule.SPOOFED_OWN),
        ({"type": "identity", "id": BUSAN}, InboundRule.SPOOFED_PEER),
        ({"type": "observed-data", "id": "observed-data--00000000-0000-4000-8000-000000000001"}, InboundRule.TYPE),
        ({"object_marking_refs": [TLP2_IDS[Tlp.RED]]}, InboundRule.TLP_CEILING),
        ({"labels": ["tlp:red"]}, InboundRule.TLP_CEILING),
        ({"object_marking_refs": [TLP2_IDS[Tlp.GREEN], PAP_IDS[Pap.RED]]}, InboundRule.PAP_CEILING),
        ({"id": "sighting--00000000-0000-4000-8000-000000000001"}, InboundRule.SHAPE),
        ({"id": "indicator--../../etc/passwd"}, InboundRule.SHAPE),
        ({"id": 7}, InboundRule.SHAPE),
        ({"modified": "yesterday"}, InboundRule.SHAPE),
        ({"modified": 20260314}, InboundRule.SHAPE),
        ({"x_refs": ["tool--1"] * 10_001}, InboundRule.NESTING),
        ({"description": "x" * MAX_OBJECT_BYTES}, InboundRule.SIZE),
    ],
)
def test_each_trick_is_declined(change: dict[str, Any], rule: InboundRule) -> None:
    """Spoofed makers, stricter markings than agreed, malformed ids and oversized parts stay out, each by its rule."""
    assert _rule(SENT | change, circle(pap_ceiling=Pap.AMBER)) is rule


def test_its_own_identity_may_come() -> None:
    """A peer may describe itself, and name a creator nobody here knows."""
    for made in (
        body("identity", created_by_ref=None, name="KrCERT", labels=["tlp:clear"]) | {"id": SEOUL},
        SENT | {"created_by_ref": "identity--99999999-9999-4999-8999-999999999999"},
    ):
        assert isinstance(_take(made), Admitted)


def test_who_has_no_seat_brings_nothing() -> None:
    """A sender outside the circle, or excluded from it, is declined."""
    assert _rule(SENT, circle(members=frozenset({"busan"}))) is InboundRule.MEMBER
    assert _rule(SENT, circle(exclusions=frozenset({"seoul"}))) is InboundRule.MEMBER


def test_nobody_replaces_what_is_held_from_another() -> None:
    """A new version of our own or another peer's object is declined; of the sender's own it is welcome."""
    for origin, welcome in ((None, False), ("busan", False), ("seoul", True)):
        answer = _take(SENT, held={SENT["id"]: Held(origin)})
        assert isinstance(answer, Admitted) is welcome


def test_well_known_markings_keep_their_meaning() -> None:
    """The true definition of TLP:RED may come; a false one, or one of our own markings, may not."""
    terms = circle(tlp_floor=Tlp.CLEAR)
    assert isinstance(_take(tlp2_object(Tlp.RED), terms), Admitted)
    assert _rule(tlp2_object(Tlp.CLEAR) | {"id": TLP2_IDS[Tlp.RED]}, terms) is InboundRule.WELL_KNOWN
    assert _rule(tlp2_object(Tlp.CLEAR) | {"id": DO_NOT_NAME}, terms) is InboundRule.WELL_KNOWN


def test_track_two_takes_in_green_at_most() -> None:
    """Non-officials' circles hold nothing above GREEN, whatever the ceiling says."""
    made = SENT | {"object_marking_refs": [TLP2_IDS[Tlp.AMBER]]}
    assert isinstance(_take(made), Admitted)
    assert _rule(made, circle(track=Track.TWO)) is InboundRule.TLP_CEILING


@pytest.mark.parametrize("depth", [40, 5_000, 200_000])
def test_deep_nesting_is_declined(depth: int) -> None:
    """However deep, the answer is a refusal and not a crash."""
    head = msgspec.json.encode(SENT)[:-1]
    answer = inbound(head + b',"x":' + b"[" * depth + b"]" * depth + b"}", "seoul", circle(), _knowing())
    assert isinstance(answer, Declined)
    assert answer.rule in (InboundRule.NESTING, InboundRule.SHAPE)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(msgspec.json.encode))
def test_junk_is_declined(junk: bytes) -> None:
    """Bytes and values that are no STIX object are declined without an exception."""
    assert isinstance(inbound(junk, "seoul", circle(), _knowing()), Declined)


properties = st.sampled_from(
    [
        "id",
        "type",
        "created_by_ref",
        "object_marking_refs",
        "granular_markings",
        "labels",
        "modified",
        "revoked",
        "extensions",
    ]
)


@given(
    properties, st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9), st.lists, max_leaves=4)
)
def test_wrong_types_never_crash(name: str, value: Any) -> None:
    """Any property may hold any JSON value: the answer is admitted or declined."""
    assert isinstance(_take(SENT | {name: value}), (Admitted, Declined))


@pytest.mark.parametrize(
    ("wanted", "made", "rule"),
    [
        (Acceptance(types=frozenset({"sighting"})), SENT, InboundRule.NOT_TAKEN),
        (Acceptance(least_confidence=81), SENT, InboundRule.CONFIDENCE),
        (Acceptance(least_confidence=1), {**SENT, "confidence": None}, InboundRule.CONFIDENCE),
        (Acceptance(needs=frozenset({"indicator.labels"})), SENT, InboundRule.CONTEXT),
        (Acceptance(needs=frozenset({"labels"})), {**SENT, "labels": []}, InboundRule.CONTEXT),
    ],
)
def test_a_node_takes_what_it_accepts(wanted: Acceptance, made: dict[str, Any], rule: InboundRule) -> None:
    """Types, confidence and context that we ask for ourselves, within what the circle permits."""
    assert _rule({key: value for key, value in made.items() if value is not None}, circle(acceptance=wanted)) == rule


def test_acceptance_lets_pass_what_meets_it_and_every_revocation() -> None:
    """Bounds are inclusive, what concerns other types does not matter, and a revocation is never kept outside."""
    wanted = Acceptance(least_confidence=80, needs=frozenset({"report.labels", "confidence"}))
    assert isinstance(_take(SENT, circle(acceptance=wanted)), Admitted)
    none = circle(acceptance=Acceptance(types=frozenset({"sighting"}), least_confidence=100))
    assert isinstance(_take({**SENT, "revoked": True}, none), Admitted)


def test_the_sender_reads_which_property_is_missing() -> None:
    """The sentence names it."""
    answer = _take(SENT, circle(acceptance=Acceptance(needs=frozenset({"indicator.labels"}))))
    assert isinstance(answer, Declined)
    assert answer.sentence == "This node takes the object only with: labels."


@given(
    st.recursive(
        st.none() | st.booleans() | st.text("{}[],", max_size=3),
        lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(("a", "b_refs")), below),
        max_leaves=30,
    )
)
def test_what_looks_small_is_within_the_bounds(value: Any) -> None:
    """The count of brackets and commas never lets through what the long look would keep out."""
    made = {"type": "x", "value": value}
    assert not _is_small(msgspec.json.encode(made)) or _within_bounds(made)
