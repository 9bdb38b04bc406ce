"""Verdicts on whole documents, in input order."""

from __future__ import annotations

import json

import msgspec
import pytest

from seawall.codec.stix import judge
from seawall.model import Fault

GOOD = {"type": "domain-name", "id": "domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7", "value": "example.com"}
BAD = {**GOOD, "value": "ex ample"}
FRAME = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"}


@pytest.mark.parametrize("document", [[GOOD, BAD], {**FRAME, "objects": [GOOD, BAD]}, {"objects": [GOOD, BAD]}])
def test_one_verdict_for_each_object_in_order(document: object) -> None:
    """A list, a bundle, an envelope."""
    assert [verdict.valid for verdict in judge(json.dumps(document).encode())] == [True, False]


def test_a_single_object_has_one_verdict() -> None:
    """With its id."""
    (only,) = judge(json.dumps(GOOD).encode())
    assert (only.id, only.valid) == (GOOD["id"], True)


def test_a_bundle_with_faults_of_its_own_comes_first() -> None:
    """Its objects are judged all the same."""
    own, inner = judge(json.dumps({**FRAME, "id": "bundle--x", "objects": [GOOD]}).encode())
    assert (own.valid, inner.valid) == (False, True)


def test_a_damaged_document_is_judged_as_far_as_it_goes() -> None:
    """The last verdict says where it broke off."""
    text = json.dumps({**FRAME, "objects": [GOOD, BAD, GOOD]})
    verdicts = judge(text[:-40].encode())
    assert [verdict.valid for verdict in verdicts] == [True, False, False]
    assert "damaged" in verdicts[-1].errors[0]
    with pytest.raises(Fault, match="E-STIX-001"):
        judge(b"nothing")


def test_an_id_that_is_no_text_gets_a_verdict() -> None:
    """A list, an object: judged, and looked for among no references."""
    for odd in ([], ["a"], {}, {"a": 1}):
        one, other = judge(json.dumps([{**GOOD, "id": odd}, GOOD]).encode())
        assert (one.valid, other.valid) == (False, True)


def linked(number: int, kind: str = "grouping", **more: object) -> dict[str, object]:
    """A grouping, or another object with nothing wrong but its references."""
    moment = "2026-03-01T00:00:00.000Z"
    named = {"grouping": {"name": "x", "context": "unspecified"}, "identity": {"name": "x"}}.get(kind, {})
    identifier = f"{kind}--8e2e2d2b-17d4-4cbf-938f-{number:012x}"
    common = {"type": kind, "spec_version": "2.1", "id": identifier, "created": moment, "modified": moment}
    return {**common, **named, **more}


def id_of(number: int, kind: str = "grouping") -> str:
    """The id of ``linked``."""
    return str(linked(number, kind)["id"])


def warned(*objects: dict[str, object]) -> list[tuple[str, ...]]:
    """The warnings about references of each object of a bundle; all of them are valid."""
    bundle = {"type": "bundle", "id": "bundle--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f", "objects": list(objects)}
    verdicts = judge(msgspec.json.encode(bundle))
    assert all(verdict.valid for verdict in verdicts)
    return [tuple(text for text in verdict.warnings if "refer" in text) for verdict in verdicts]


def test_references_that_dangle_or_circle_are_shown_and_tolerated() -> None:
    """The object that refers is warned about, no other."""
    dangling = linked(1, object_refs=[id_of(9), id_of(8), id_of(7), id_of(6)])
    round_one, round_two = linked(2, object_refs=[id_of(3)]), linked(3, object_refs=[id_of(2)])
    itself = linked(5, object_refs=[id_of(5)])
    before = linked(4, object_refs=[id_of(2)], created_by_ref=id_of(1, "identity"))
    found = warned(dangling, round_one, round_two, before, itself, linked(1, "identity"))
    assert len(found[0]) == 1
    assert "and 1 more" in found[0][0]
    assert found[1:5] == [("is part of a circle of references",)] * 2 + [(), ("is part of a circle of references",)]
    assert found[5] == ()


def test_long_chains_of_references_cost_no_time() -> None:
    """Twenty thousand objects, each referring to the next, and the last to the first."""
    count = 20_000
    chain = [linked(n, object_refs=[id_of((n + 1) % count)]) for n in range(count)]
    assert warned(*chain[:-1], linked(count - 1, object_refs=[id_of(0)]))[0] == ("is part of a circle of references",)
