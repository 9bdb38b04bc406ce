"""Verdicts on whole documents, in input order."""

from __future__ import annotations

import json

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
