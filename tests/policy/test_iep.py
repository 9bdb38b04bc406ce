"""Information exchange policies: read, joined, kept, and what about them stays unclear."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from policy.scenes import MOMENT, SEOUL, TAIPEI, asking, body, circle, knowing, stored
from seawall.model import Pap, Tlp
from seawall.model.circle import CircleTerms
from seawall.model.outbox import OutboxRow
from seawall.model.stix.known_extensions import IEP_EXTENSION
from seawall.model.stix.tlp import TLP2_IDS
from seawall.policy import (
    Bound,
    Decision,
    Markings,
    Rule,
    decide,
    decide_page,
    explain,
    markings_of,
    page_release,
    read_markings,
)
from seawall.policy.iep import read_iep
from seawall.policy.statements import BOUND_IDS, DO_NOT_NAME, PAP_IDS

POLICY = "marking-definition--aaaaaaaa-0000-4000-8000-000000000000"
OTHER = "marking-definition--bbbbbbbb-0000-4000-8000-000000000000"
OPEN = {"tlp": "green", "permitted_actions": "externally-visible-direct-actions", "iep_version": "2.0"}


def definition(id: str = POLICY, **statements: Any) -> dict[str, Any]:
    """A marking-definition that states a policy."""
    made = {"type": "marking-definition", "spec_version": "2.1", "id": id, "created": "2026-03-01T00:00:00.000Z"}
    return made | {"extensions": {IEP_EXTENSION: {"extension_type": "property-extension"} | OPEN | statements}}


def decided(
    *statements: dict[str, Any],
    terms: CircleTerms | None = None,
    refs: tuple[str, ...] = (),
    origin: str | None = None,
    creator: str = TAIPEI,
    **known: Any,
) -> Decision:
    """The decision about an indicator under one policy for each of ``statements``."""
    ids = [f"{POLICY[:-1]}{number}" for number in range(len(statements))]
    held = {id: definition(id, **one) for id, one in zip(ids, statements, strict=True)}
    item = stored(body(object_marking_refs=[*refs, *ids], created_by_ref=creator), origin=origin, tlp=Tlp.CLEAR)
    terms = terms or circle(name="there", members=frozenset({"busan"}), tlp_ceiling=Tlp.AMBER)
    context = knowing(terms, circle(), definitions=held, **({"may_refer": lambda _id: False} | known))
    request = asking(item, markings=markings_of(item, "tw-kr", held), recipient="busan")
    return decide_page([request], terms, context)


def rule(decision: Decision) -> str:
    """By which rule it was decided."""
    return (decision.releases or decision.withheld)[0].rule


def leaving(decision: Decision) -> dict[str, Any]:
    """The object as it leaves; its policies stand before it."""
    found: dict[str, Any] = msgspec.json.decode(decision.releases[0].objects[-1].body)
    return found


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ({"tlp": "WHITE"}, Markings(tlp=Tlp.CLEAR, pap=Pap.GREEN)),
        ({"tlp": "red"}, Markings(tlp=Tlp.RED, pap=Pap.GREEN)),
        ({"permitted_actions": "contact-for-instruction"}, Markings(tlp=Tlp.GREEN, pap=Pap.RED)),
        ({"provider_attribution": "must-not"}, Markings(tlp=Tlp.GREEN, pap=Pap.GREEN, named=False)),
        ({"encrypt_in_transit": "may", "end_date": None}, Markings(tlp=Tlp.GREEN, pap=Pap.GREEN)),
        ({"end_date": "2026-03-14T00:00:00Z"}, Markings(tlp=Tlp.GREEN, pap=Pap.GREEN, ends=MOMENT)),
        ({"start_date": "2026-03-14T00:00:00.000Z"}, Markings(tlp=Tlp.GREEN, pap=Pap.GREEN, begins=MOMENT)),
    ],
)
def test_statements_are_read(statements: dict[str, Any], expected: Markings) -> None:
    """Each statement of the framework has its effect, and only that."""
    assert read_markings(body(object_marking_refs=[POLICY]), {POLICY: definition(**statements)}) == expected


def test_what_binds_readers_is_kept() -> None:
    """The obligations beside TLP and PAP, in MISP's spelling too."""
    strict = {"encrypt_in_transit": "must", "affected_party_notifications": "must-not", "unmodified_resale": "must-not"}
    said = read_markings(body(object_marking_refs=[POLICY]), {POLICY: definition(**strict)})
    labels = [f'iep2-policy:{name}="{value}"' for name, value in (OPEN | strict).items()]
    assert said.bounds == {Bound.ENCRYPT, Bound.NO_NOTIFICATION, Bound.NO_RESALE}
    assert read_markings(body(labels=labels)) == said


@pytest.mark.parametrize(
    "statements",
    [
        {"tlp": "violet"},
        {"permitted_actions": "anything"},
        {"permitted_actions": ["none"]},
        {"encrypt_in_transit": "perhaps"},
        {"encrypt_at_rest": "must"},
        {"unmodified_resale": None},
        {"iep_version": "3.0"},
        {"end_date": "soon"},
        {"start_date": 9e99},
        {"obfuscate_affected_parties": "must"},
    ],
)
def test_what_the_framework_does_not_know_is_refused(statements: dict[str, Any]) -> None:
    """An unknown statement or value: withheld by its rule, the statement named, and no tool may block on it."""
    decision = decided(statements)
    assert rule(decision) == Rule.MARKINGS
    assert next(iter(statements)) in decision.withheld[0].reason
    assert read_markings(body(object_marking_refs=[POLICY]), {POLICY: definition(**statements)}).pap is Pap.RED


@pytest.mark.parametrize(
    "made",
    [
        {"object_marking_refs": [OTHER]},
        {"granular_markings": [{"marking_ref": OTHER, "selectors": ["labels"]}]},
        {"object_marking_refs": "marking"},
        {"object_marking_refs": [1]},
        {"labels": ["tlp:unclear"]},
        {"labels": ['iep2-reference:id_ref="9"']},
        {"labels": ['iep2-policy:tlp="green"', 'iep2-policy:tlp="mauve"']},
    ],
)
def test_a_marking_that_nobody_can_read_keeps_the_object_here(made: dict[str, Any]) -> None:
    """Not at hand, misspelt, or kept elsewhere: never passed over in silence."""
    item = stored(body(**made))
    assert decide(asking(item, markings=markings_of(item)), circle(), knowing()).rule == Rule.MARKINGS
    assert read_markings(body(**made)).unclear


@pytest.mark.parametrize(
    ("foreign", "clear"),
    [
        ({"definition_type": "statement", "definition": {"statement": "Copyright"}}, True),
        ({"definition_type": "house", "definition": {"house": "rules"}}, False),
        ({"definition_type": "tlp", "definition": {"tlp": "violet"}}, False),
        ({"extensions": {OTHER: {"extension_type": "property-extension"}}}, False),
        ({"extensions": "none"}, False),
        ({}, False),
    ],
)
def test_other_definitions(foreign: dict[str, Any], clear: bool) -> None:
    """A statement binds nobody; any other kind of marking or extension is unclear."""
    said = read_markings(body(object_marking_refs=[OTHER]), {OTHER: {"type": "marking-definition"} | foreign})
    assert (not said.unclear) is clear


@pytest.mark.parametrize("ours", Tlp)
@pytest.mark.parametrize("theirs", ["white", "green", "amber", "red"])
def test_the_stricter_of_tlp_and_policy_governs(ours: Tlp, theirs: str) -> None:
    """Whichever says it; a contradiction is told by the rule that looks at markings."""
    level = max(ours, Tlp.parse(theirs))
    decision = decided({"tlp": theirs}, refs=(TLP2_IDS[ours],))
    assert rule(decision) == ("approved" if level <= Tlp.AMBER else Rule.TLP_CEILING)
    held = {POLICY: definition(tlp=theirs)}
    item = stored(body(object_marking_refs=[TLP2_IDS[ours], POLICY]))
    tests = explain(asking(item, markings=markings_of(item, "", held)), circle(), knowing()).tests
    told = next(test.detail for test in tests if test.rule is Rule.MARKINGS)
    assert ("contradict" in told) is (ours is not Tlp.parse(theirs))


@pytest.mark.parametrize("ours", Pap)
def test_the_stricter_of_pap_and_permitted_actions_governs(ours: Pap) -> None:
    """As with TLP."""
    terms = circle(members=frozenset({"busan"}), pap_ceiling=Pap.GREEN)
    fits = ours <= Pap.GREEN
    assert rule(decided({}, refs=(PAP_IDS[ours],), terms=terms)) == ("approved" if fits else Rule.PAP_CEILING)
    barred = {"permitted_actions": "externally-visible-indirect-actions"}
    assert rule(decided(barred, refs=(PAP_IDS[ours],), terms=terms)) == Rule.PAP_CEILING


@pytest.mark.parametrize(
    ("at", "expected"), [(MOMENT - 1, Rule.IEP_DATES), (MOMENT, "approved"), (MOMENT + 60_000_000, Rule.IEP_DATES)]
)
def test_outside_its_dates_a_policy_permits_nothing(at: int, expected: str) -> None:
    """Effective from its start and until its end, which is not included."""
    dates = {"start_date": "2026-03-14T00:00:00Z", "end_date": "2026-03-14T00:01:00Z"}
    assert rule(decided(dates, at=at)) == expected


def test_what_must_be_encrypted_goes_through_no_open_channel() -> None:
    """Withheld where only carried files reach the member, and left out of a file that is not encrypted."""
    strict = {"encrypt_in_transit": "must"}
    assert rule(decided(strict, in_clear=True)) == Rule.IEP_ENCRYPT
    decision = decided(strict)
    assert BOUND_IDS[Bound.ENCRYPT] in leaving(decision)["object_marking_refs"]
    rows = [OutboxRow(item.id, item.version, item.body) for item in decision.releases[0].objects]
    terms = circle(members=frozenset({"busan"}))
    shut = page_release(rows[-1:], "busan", terms, knowing(terms, in_clear=True))
    through = page_release(rows, "busan", terms, knowing(terms))
    assert shut is None
    assert through is not None
    assert len(through.objects) == 2


def test_what_must_not_be_resold_unmodified_leaves_only_as_something_made_from_it() -> None:
    """Another's object stays; what we made of it goes, and says so to the next reader."""
    strict = {"unmodified_resale": "must-not"}
    assert rule(decided(strict, origin="seoul")) == Rule.IEP_RESALE
    assert rule(decided(strict, creator=SEOUL)) == Rule.IEP_RESALE
    assert BOUND_IDS[Bound.NO_RESALE] in leaving(decided(strict))["object_marking_refs"]


def test_a_provider_who_must_be_named_is_named_or_the_object_stays() -> None:
    """Must and must-not contradict each other: nothing leaves, and the rule is named."""
    must, must_not = {"provider_attribution": "must"}, {"provider_attribution": "must-not"}
    assert leaving(decided(must))["created_by_ref"] == TAIPEI
    nameless = circle(members=frozenset({"busan"}), attribution=False)
    assert rule(decided(must, terms=nameless)) == Rule.IEP_NAME
    assert rule(decided(must, must_not)) == Rule.IEP_NAME
    assert DO_NOT_NAME in leaving(decided(must_not))["object_marking_refs"]


def test_policies_travel_with_what_they_govern() -> None:
    """The definition leaves before the object, once, unless the recipient holds it; without the provider's name."""
    decision = decided({"provider_attribution": "must-not"}, creator=SEOUL)
    first, second = decision.releases[0].objects
    assert (first.id[:18], second.id[:9]) == ("marking-definition", "indicator")
    assert SEOUL.encode() not in first.body + second.body
    assert len(decided({}, may_refer=lambda _id: True).releases[0].objects) == 1
    assert (
        len(decided({}, terms=circle(members=frozenset({"busan"}), types=frozenset({"indicator"}))).releases[0].objects)
        == 1
    )


def test_reading_never_fails() -> None:
    """Whatever stands in a policy."""
    assert read_iep({"tlp": {"a": 1}, 3: 4, "end_date": "9999-12-31T23:59:59Z", "x" * 9999: None}).unclear  # type: ignore[dict-item]
