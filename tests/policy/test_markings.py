"""Reading and writing markings in STIX objects."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.scenes import body, stored
from seawall.model import Pap, Tlp
from seawall.model.stix.known_extensions import IEP_EXTENSION
from seawall.model.stix.tlp import TLP1_IDS, TLP2_IDS, TLP_BY_ID, tlp1_object, tlp2_object
from seawall.policy import Markings, Origin, marking_objects, markings_of, read_markings, strictest
from seawall.policy.markings import WELL_KNOWN, _said_together, said_by, write_markings
from seawall.policy.statements import BOUND_IDS, DO_NOT_NAME, OWN_IDS, PAP_IDS

LABELS = ("tlp:amber", "PAP:RED", "tlp:ex:chr", "tlp:unheard", "osint", "x" * 500)


def test_tlp_1_and_2_are_read_and_the_strictest_governs() -> None:
    """All nine well-known ids are understood; of several the strictest counts."""
    for ids in (TLP1_IDS, TLP2_IDS):
        for level, id in ids.items():
            assert read_markings(body(object_marking_refs=[id])).tlp is level
    refs = [TLP2_IDS[Tlp.GREEN], TLP1_IDS[Tlp.RED], TLP2_IDS[Tlp.CLEAR]]
    assert read_markings(body(object_marking_refs=refs)).tlp is Tlp.RED


def test_a_granular_marking_governs_the_whole_object() -> None:
    """Parts are not released separately, so the strictest part decides."""
    granular = [{"marking_ref": TLP2_IDS[Tlp.RED], "selectors": ["description"]}]
    marked = body(object_marking_refs=[TLP2_IDS[Tlp.CLEAR]], granular_markings=granular)
    assert read_markings(marked).tlp is Tlp.RED


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["tlp:amber"], Markings(tlp=Tlp.AMBER)),
        (["TLP:WHITE", "PAP:RED"], Markings(tlp=Tlp.CLEAR, pap=Pap.RED)),
        (["tlp:ex:chr", "tlp:green"], Markings(tlp=Tlp.GREEN, named=False)),
        (["malicious-activity", "other:violet"], Markings(unmarked=True)),
    ],
)
def test_labels_count(labels: list[str], expected: Markings) -> None:
    """MISP-style labels mark an object; the Chatham House Rule means "do not name"; other labels mean nothing."""
    assert read_markings(body(labels=labels)) == expected


def test_definitions_that_came_along_count() -> None:
    """Somebody's own TLP definition, and an information exchange policy, are read when they are at hand."""
    own = "marking-definition--aaaaaaaa-0000-4000-8000-000000000000"
    marked = body(object_marking_refs=[own])
    assert read_markings(marked).tlp is None
    assert read_markings(marked, {own: tlp1_object(Tlp.AMBER)}).tlp is Tlp.AMBER
    assert read_markings(marked, {own: tlp2_object(Tlp.AMBER_STRICT)}).tlp is Tlp.AMBER_STRICT
    for actions, pap in (
        ("none", Pap.RED),
        ("internally-visible-actions", Pap.RED),
        ("externally-visible-indirect-actions", Pap.AMBER),
        ("externally-visible-direct-actions", Pap.GREEN),
    ):
        policy = {"tlp": "green", "permitted_actions": actions, "provider_attribution": "must-not"}
        said = read_markings(marked, {own: {"extensions": {IEP_EXTENSION: policy}}})
        assert said == Markings(tlp=Tlp.GREEN, pap=pap, named=False)


@pytest.mark.parametrize(
    "junk",
    [
        {"granular_markings": [{}, 3, {"marking_ref": 9}]},
        {"labels": {"tlp:red": 1}},
    ],
)
def test_junk_marks_nothing(junk: dict[str, Any]) -> None:
    """Wrong types neither crash nor mark; the object counts as unmarked, which takes the floor."""
    assert read_markings(body(**junk)) == Markings(unmarked=True)


def test_writing_then_reading_gives_the_same() -> None:
    """What is written into an object is what the next node reads out of it, for every combination."""
    for tlp in Tlp:
        for pap in Pap:
            for named in (True, False):
                made = body(object_marking_refs=[TLP2_IDS[Tlp.CLEAR], PAP_IDS[Pap.GREEN]])
                write_markings(made, tlp, pap, named=named)
                assert read_markings(made) == Markings(tlp=tlp, pap=pap, named=named)


def test_marking_definitions_are_not_marked() -> None:
    """A marking-definition stays as it is."""
    made = tlp2_object(Tlp.GREEN)
    write_markings(made, Tlp.RED, Pap.RED, named=False)
    assert made == tlp2_object(Tlp.GREEN)


def test_our_own_markings_have_definitions() -> None:
    """Every id of ours comes with its definition object, with the same id on every node."""
    assert {made["id"] for made in marking_objects()} == {*PAP_IDS.values(), DO_NOT_NAME, *BOUND_IDS.values()}
    assert "marking-definition--" + DO_NOT_NAME.removeprefix("marking-definition--").lower() == DO_NOT_NAME
    assert len({msgspec.json.encode(made) for made in marking_objects()}) == len(Pap) + 1 + len(BOUND_IDS)


def test_a_stored_object_brings_its_markings() -> None:
    """TLP, PAP and exclusions come from the columns, the origin with its circle, "do not name" from the object."""
    made = body(object_marking_refs=[DO_NOT_NAME])
    item = stored(made, tlp=Tlp.AMBER, pap=Pap.GREEN, origin="seoul", excluded=frozenset({"jeju"}))
    assert markings_of(item, "tw-kr") == Markings(
        Tlp.AMBER, Pap.GREEN, frozenset({"jeju"}), frozenset({Origin("seoul", "tw-kr")}), named=False
    )
    assert markings_of(stored()) == Markings(Tlp.GREEN)


def test_something_made_of_nothing_is_unmarked() -> None:
    """Without inputs the floor governs; one unmarked input keeps the floor in force beside marked ones."""
    assert strictest([]).tlp_at_floor(Tlp.RED) is Tlp.RED
    mixed = strictest([Markings(), Markings(tlp=Tlp.GREEN)])
    assert mixed.tlp_at_floor(Tlp.AMBER) is Tlp.AMBER
    assert mixed.tlp_at_floor(Tlp.CLEAR) is Tlp.GREEN


@given(st.lists(st.sampled_from(sorted(WELL_KNOWN)), max_size=4), st.lists(st.sampled_from(LABELS), max_size=4))
def test_what_is_remembered_is_what_was_said(refs: list[str], labels: list[str]) -> None:
    """What is worked out once is what would be worked out anew; no definition changes TLP, PAP and what is our own."""
    claimed = {ref: {"definition_type": "tlp", "definition": {"tlp": "white"}} for ref in refs}
    for definitions in (claimed, {}, claimed):
        assert said_by(refs, labels, definitions) == _said_together(refs, labels, definitions, len(refs))
    if OWN_IDS.union(TLP_BY_ID).issuperset(refs):
        assert said_by(refs, labels, claimed) == said_by(refs, labels)
