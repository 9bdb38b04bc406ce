"""Properties over random markings, circles and people: what can never happen."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from policy.scenes import BUSAN, MOMENT, SEOUL, TAIPEI, asking, body, circle, knowing, standing, stored
from seawall.model import Pap, Release, Tlp, Withheld
from seawall.model.circle import SEATED, CircleTerms, Seat, Track
from seawall.policy import Bound, Evidence, Markings, Origin, ReleaseRequest, decide, explain, read_markings, strictest

PEOPLE = ("seoul", "busan", "jeju", "client")
SEATS = {"busan": Seat.PRIVATE_ROLE, "jeju": Seat.NON_OFFICIAL, "client": Seat.NON_OFFICIAL}
tlps = st.sampled_from(Tlp)
paps = st.sampled_from(Pap)
somebody = st.sampled_from(PEOPLE)
groups = st.frozensets(somebody, max_size=4)
origins = st.frozensets(st.builds(Origin, somebody, st.sampled_from(("tw-kr", "kr-only", "", "gone"))), max_size=3)
every_marking = st.builds(
    Markings,
    st.none() | tlps,
    paps,
    groups,
    origins,
    named=st.booleans(),
    unmarked=st.booleans(),
    bounds=st.frozensets(st.sampled_from(Bound), max_size=2),
    begins=st.sampled_from((0, 0, MOMENT, MOMENT + 1)),
    ends=st.sampled_from((None, None, MOMENT, MOMENT + 1)),
    unclear=st.sampled_from((frozenset[str](), frozenset[str](), frozenset({"not known here"}))),
)
every_standing = st.builds(
    standing,
    tlp_at_most=tlps,
    suspended=st.booleans(),
    expires_at=st.sampled_from((MOMENT - 1, MOMENT, MOMENT + 1)),
    approved_by=st.sampled_from(((), ("kim",), ("kim", "kim"), ("kim", "lin"))),
    types=st.sampled_from((frozenset[str](), frozenset({"indicator"}))),
)
every_circle = st.builds(
    circle,
    members=groups,
    exclusions=groups,
    tlp_ceiling=tlps,
    tlp_floor=tlps,
    pap_ceiling=paps,
    track=st.sampled_from(Track),
    community=st.booleans(),
    attribution=st.booleans(),
    chatham_house=st.booleans(),
    types=st.sampled_from((frozenset({"indicator"}), frozenset({"sighting"}))),
    standing=st.lists(every_standing, max_size=2).map(tuple),
)
every_request = st.builds(
    lambda markings, recipient, approved_by, origin, confidence: asking(
        stored(body(where_sighted_refs=[SEOUL, BUSAN, TAIPEI]), origin=origin),
        markings=markings,
        recipient=recipient,
        approved_by=approved_by,
        evidence=Evidence(confidence=confidence),
    ),
    every_marking,
    somebody,
    st.sampled_from(((), ("lin",), ("lin", "lin"), ("kim", "lin"))),
    st.none() | somebody,
    st.integers(0, 100),
)


def _decide(
    request: ReleaseRequest, terms: CircleTerms, agreed: frozenset[str], source: CircleTerms
) -> Release | Withheld:
    elsewhere = msgspec.structs.replace(source, name="kr-only")
    return decide(request, terms, knowing(terms, elsewhere, agreed_with=agreed, seats=SEATS))


@given(every_request, every_circle, groups, every_circle)
def test_nothing_above_a_ceiling_ever_leaves(
    request: ReleaseRequest, terms: CircleTerms, agreed: frozenset[str], source: CircleTerms
) -> None:
    """Whatever is released was within TLP and PAP ceilings, for a member in good standing, with people behind it."""
    answer = _decide(request, terms, agreed, source)
    if isinstance(answer, Withheld):
        return
    tlp = request.markings.tlp_at_floor(terms.tlp_floor)
    assert tlp <= terms.tlp_ceiling
    assert terms.track is not Track.TWO or tlp <= Tlp.GREEN
    assert request.markings.pap <= terms.pap_ceiling
    assert request.recipient in (terms.members & agreed) - terms.exclusions - request.markings.excluded
    assert request.object.type in terms.types
    assert request.object.origin != request.recipient
    assert SEATS.get(request.recipient, Seat.OFFICIAL) in SEATED[terms.track]
    assert not request.markings.unclear
    assert request.markings.begins <= MOMENT
    assert request.markings.ends is None or request.markings.ends > MOMENT
    assert Bound.NO_RESALE not in request.markings.bounds or request.object.origin is None
    assert len(set(answer.approved_by)) >= (2 if tlp >= Tlp.AMBER_STRICT or answer.rule != "approved" else 1)


@given(every_request, every_circle, groups, every_circle)
def test_a_peers_amber_never_reaches_another_circle(
    request: ReleaseRequest, terms: CircleTerms, agreed: frozenset[str], source: CircleTerms
) -> None:
    """Above GREEN, every origin of what is released is in this circle or is the recipient itself."""
    answer = _decide(request, terms, agreed, source)
    if isinstance(answer, Release) and request.markings.tlp_at_floor(terms.tlp_floor) > Tlp.GREEN:
        assert all(
            origin.circle == terms.name or origin.peer == request.recipient for origin in request.markings.origins
        )


@given(every_request, every_circle, groups, every_circle)
def test_what_leaves_says_at_least_what_governs_it(
    request: ReleaseRequest, terms: CircleTerms, agreed: frozenset[str], source: CircleTerms
) -> None:
    """Reading the released bytes as the next node would gives no weaker TLP or PAP, and keeps "do not name"."""
    answer = _decide(request, terms, agreed, source)
    if isinstance(answer, Release):
        said = read_markings(msgspec.json.decode(answer.objects[0].body))
        assert said.tlp == request.markings.tlp_at_floor(terms.tlp_floor)
        assert said.pap >= request.markings.pap
        assert said.named is False or (request.markings.named and not terms.chatham_house)
        assert said.bounds >= request.markings.bounds


@given(every_request, every_circle, groups, every_circle)
def test_who_must_not_be_named_is_not(
    request: ReleaseRequest, terms: CircleTerms, agreed: frozenset[str], source: CircleTerms
) -> None:
    """No identity of a hidden provider, or of anybody who takes part under the Chatham House Rule, is in the bytes."""
    answer = _decide(request, terms, agreed, source)
    if not isinstance(answer, Release):
        return
    known = knowing().identities
    hidden = {TAIPEI} if not terms.attribution or terms.chatham_house else set()
    if terms.chatham_house:
        hidden |= {known[name] for name in terms.members & known.keys()}
    if not request.markings.named:
        hidden |= {known[origin.peer] for origin in request.markings.origins if origin.peer in known}
    assert not [identity for identity in hidden if identity.encode() in answer.objects[-1].body]


@given(every_request, every_circle, groups, every_circle)
def test_the_explanation_is_the_decision(
    request: ReleaseRequest, terms: CircleTerms, agreed: frozenset[str], source: CircleTerms
) -> None:
    """``explain`` comes to the same answer by the same rule, and tells every test, passed or not."""
    elsewhere = msgspec.structs.replace(source, name="kr-only")
    context = knowing(terms, elsewhere, agreed_with=agreed, seats=SEATS)
    answer, why = decide(request, terms, context), explain(request, terms, context)
    assert why.released is isinstance(answer, Release)
    assert why.rule == answer.rule
    assert len(why.tests) == len({test.rule for test in why.tests}) == 25
    assert len(why.lines()) == 26


@given(every_request, every_circle, every_marking)
def test_more_inputs_never_open_a_door(request: ReleaseRequest, terms: CircleTerms, more: Markings) -> None:
    """What is withheld stays withheld when the object is found to derive from something else as well."""
    context = knowing(terms, agreed_with=frozenset(PEOPLE))
    if isinstance(decide(request, terms, context), Release):
        return
    joined = msgspec.structs.replace(request, markings=strictest([request.markings, more]))
    assert isinstance(decide(joined, terms, context), Withheld)


@given(every_marking, every_marking, every_marking)
def test_inheritance_is_a_join(a: Markings, b: Markings, c: Markings) -> None:
    """Order, grouping and repetition of inputs do not matter, and nothing becomes looser."""
    assert strictest([a, b]) == strictest([b, a])
    assert strictest([a, strictest([b, c])]) == strictest([strictest([a, b]), c]) == strictest([a, b, c])
    assert strictest([a, a, b]) == strictest([a, b])
    both = strictest([a, b])
    for floor in Tlp:
        assert both.tlp_at_floor(floor) >= max(a.tlp_at_floor(floor), b.tlp_at_floor(floor))
    assert both.pap == max(a.pap, b.pap)
    assert both.excluded == a.excluded | b.excluded
    assert both.origins == a.origins | b.origins
    assert both.bounds == a.bounds | b.bounds
    assert both.unclear == a.unclear | b.unclear
    assert both.begins == max(a.begins, b.begins)
    assert both.ends == min((end for end in (a.ends, b.ends) if end is not None), default=None)
    assert both.named is (a.named and b.named)


secrets = st.sampled_from(["203.0.113.9", "www.own.example", "see 203[.]0[.]113[.]7", "Wanhua Hospital"])
words: st.SearchStrategy[Any] = st.recursive(
    st.text(max_size=12) | secrets,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abc_", min_size=1, max_size=4) | secrets, inner, max_size=3)
    ),
    max_leaves=8,
)


@given(words)
def test_private_values_never_leave_in_any_property(value: Any) -> None:
    """Wherever an own address, an own name or a victim's name stands, the bytes that leave do not hold it."""
    answer = decide(
        asking(stored(body("tool", description="ok", x_anything=value))), circle(types=frozenset({"tool"})), knowing()
    )
    assert isinstance(answer, Release)
    for secret in (b"203.0.113.9", b"own.example", b"203[.]0[.]113[.]7", b"Wanhua"):
        assert secret not in answer.objects[0].body
