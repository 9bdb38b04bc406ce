"""References to what is withheld are removed, or take the referring object with them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from policy.scenes import asking, body, circle, knowing, stored, uuid_text
from seawall.model import Tlp
from seawall.policy import Decision, Rule, decide_page
from seawall.policy.references import prune, references


def _indicator(number: int) -> str:
    return f"indicator--{uuid_text(number)}"


def _page(*items: tuple[dict[str, Any], Tlp], outside: bool = False) -> Decision:
    requests = [asking(stored(made, tlp=tlp)) for made, tlp in items]
    return decide_page(requests, circle(), knowing(may_refer=lambda _id: outside))


def test_a_reference_to_a_withheld_neighbour_is_removed() -> None:
    """A sighting keeps its indicator and loses the observed data that stays."""
    sighting = body("sighting", 2, sighting_of_ref=_indicator(1), where_sighted_refs=[f"identity--{uuid_text(9)}"])
    decision = _page((body(number=1), Tlp.GREEN), (sighting, Tlp.GREEN))
    left = msgspec.json.decode(decision.releases[0].objects[1].body)
    assert left["sighting_of_ref"] == _indicator(1)
    assert "where_sighted_refs" not in left
    assert decision.withheld == ()


def test_what_cannot_do_without_goes_along() -> None:
    """A relationship to a withheld indicator is withheld, and a note only about that relationship as well."""
    link = body("relationship", 2, source_ref=_indicator(1), target_ref=_indicator(3), relationship_type="related-to")
    note = body("note", 4, object_refs=[link["id"]], content="x")
    decision = _page((note, Tlp.GREEN), (link, Tlp.GREEN), (body(number=1), Tlp.RED), (body(number=3), Tlp.GREEN))
    assert [item.id for release in decision.releases for item in release.objects] == [_indicator(3)]
    assert [withheld.rule for withheld in decision.withheld] == [Rule.REFERENCE, Rule.REFERENCE, Rule.TLP_CEILING]


def test_a_report_keeps_what_may_be_shown() -> None:
    """Of a list that is needed, one permitted reference is enough."""
    report = body("report", 5, object_refs=[_indicator(1), _indicator(2)], name="r", published="2026-03-14T00:00:00Z")
    decision = _page((report, Tlp.GREEN), (body(number=1), Tlp.RED), (body(number=2), Tlp.GREEN))
    left = msgspec.json.decode(decision.releases[0].objects[0].body)
    assert left["object_refs"] == [_indicator(2)]


def test_objects_may_refer_to_each_other_in_a_ring() -> None:
    """A ring that may leave leaves whole; with one member withheld, all who need it stay."""
    notes = [body("note", n, object_refs=[f"note--{uuid_text((n + 1) % 3)}"], content="x") for n in range(3)]
    assert len(_page(*((note, Tlp.GREEN) for note in notes)).releases[0].objects) == 3
    assert _page((notes[0], Tlp.RED), (notes[1], Tlp.GREEN), (notes[2], Tlp.GREEN)).releases == ()


@pytest.mark.parametrize("outside", [True, False])
def test_references_out_of_the_page_are_asked_for(outside: bool) -> None:
    """What is not in the page may be referred to only where the caller says that the recipient may know of it."""
    sighting = body("sighting", 2, sighting_of_ref=_indicator(7))
    assert bool(_page((sighting, Tlp.GREEN), outside=outside).releases) is outside


def test_references_are_found_at_any_depth() -> None:
    """References inside extensions and lists count; markings and creators are none of this rule's business."""
    made = body(
        "malware",
        sample_refs=["file--1", 7],
        extensions={"e": {"inner_ref": "tool--1", "deep": [{"more_refs": ["url--1"]}]}},
        object_marking_refs=["marking-definition--1"],
    )
    assert sorted(references(made)) == ["file--1", "tool--1", "url--1"]
    pruned = prune(made, lambda id: id == "url--1")
    assert pruned.body["extensions"] == {"e": {"deep": [{"more_refs": ["url--1"]}]}}
    assert "sample_refs" not in pruned.body
    assert pruned.body["object_marking_refs"] == ["marking-definition--1"]
    assert pruned.body["created_by_ref"] == made["created_by_ref"]
    assert pruned.broken is None
