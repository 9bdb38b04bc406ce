"""TLP markings as STIX writes them."""

from __future__ import annotations

import pytest
import stix2
from stix2validator import validate_instance

from seawall.model import Pap, Tlp
from seawall.model.stix import TLP2_IDS, tlp2_object, tlp_of_refs
from seawall.model.stix.tlp import pap_of_label, tlp1_object, tlp_of_label


def test_tlp1_objects_are_those_of_the_specification() -> None:
    """Letter by letter, or other tools refuse them."""
    for level, theirs in [
        (Tlp.CLEAR, stix2.TLP_WHITE),
        (Tlp.GREEN, stix2.TLP_GREEN),
        (Tlp.AMBER, stix2.TLP_AMBER),
        (Tlp.RED, stix2.TLP_RED),
    ]:
        assert tlp1_object(level)["id"] == theirs.id
        assert validate_instance(tlp1_object(level)).is_valid


@pytest.mark.parametrize("level", Tlp)
def test_tlp2_objects_are_valid(level: Tlp) -> None:
    """The published ids with the extension and without a definition."""
    made = tlp2_object(level)
    assert made["id"] == TLP2_IDS[level]
    assert "definition" not in made
    assert validate_instance(made).is_valid


def test_the_strictest_reference_wins() -> None:
    """TLP 1 and 2.0 count alike; other markings do not count."""
    refs = ["marking-definition--613f2e26-407d-48c7-9eca-b8e91df99dc9", TLP2_IDS[Tlp.AMBER_STRICT], "marking--x"]
    assert tlp_of_refs(refs) is Tlp.AMBER_STRICT
    assert tlp_of_refs(["marking-definition--x"]) is None


def test_labels_are_read_and_other_text_is_not() -> None:
    """Feeds put markings into labels and tags."""
    assert tlp_of_label("TLP:WHITE") is Tlp.CLEAR
    assert tlp_of_label('tlp:ex:chr="x"') is None
    assert tlp_of_label("amber") is None
    assert pap_of_label("PAP:RED") is Pap.RED
    assert pap_of_label("pap:purple") is None
