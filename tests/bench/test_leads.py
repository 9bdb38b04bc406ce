"""The bench of leads: what it measures is there, and dated reports are told as what they are."""

from __future__ import annotations

from datetime import date
from xml.etree import ElementTree

from bench.leads import calibration, drawing, scale
from bench.leads_reports import LABEL, read_reports, replay_reports

import realdata


def test_a_small_run_measures_both_steps() -> None:
    """Two thousand values of twenty campaigns are paired and analysed; the six hours of lead come out."""
    found = scale(2_000, 20)
    assert (found["values"], found["campaigns"]) == (2_000, 20)
    assert 3 < float(str(found["raw_lead_hours"])) < 9
    assert {"pairing", "analysis", "peak_memory_bytes", "draws"} <= found.keys()


def test_calibration_is_drawn() -> None:
    """A few permuted sets give p-values between 0 and 1, and a picture that needs no script."""
    found = calibration(6)
    values = found["p_values"]
    assert isinstance(values, list)
    assert len(values) == 6
    assert all(0 < one <= 1 for one in values)
    assert ElementTree.fromstring(drawing(values)).tag.endswith("svg")  # noqa: S314 - our own


def test_dated_reports_are_replayed_as_sides() -> None:
    """Three publishers' reports: which values have a day, that no two name the same value, and that no lead is made of
    that; one actor is named by two, and publication dates are said to be no sightings."""
    root = realdata.folder("iocs-volexity").parent
    for name in ("iocs-eset", "unit42-stix", "misp-galaxy"):
        realdata.folder(name)
    named, _ = read_reports(root)
    assert min(one.day for one in named) == date(2014, 10, 9)
    document = replay_reports(root)
    assert document["label"] == LABEL == "publication dates are not sightings"
    assert {name: row["values"] > 300 for name, row in document["publishers"].items()} == {
        "eset": True, "unit42": True, "volexity": True,
    }  # fmt: skip
    assert len(document["pairs"]) == 6
    assert all((pair["state"], pair["p_there"]) == ("not-enough-data", None) for pair in document["pairs"])
    assert document["named_by_both"] == []
    assert [(one["actor"], one["first"], one["later"]) for one in document["actors_of_both"]] == [
        ("APT37", "volexity", "eset")
    ]
