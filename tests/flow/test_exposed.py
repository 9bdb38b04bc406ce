"""Exploited at a partner, run by us: from sensors, peers, STIX and lists to a warning, and the answer to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.books_scenes import AT, address, alarm, observe
from flow.neighbours import agree, neighbours, push
from flow.overlap_scenes import Nodes
from seawall.flow.exposed import check_exposure, count_exposed, exposed_warnings
from seawall.flow.exposed_answers import answer
from seawall.flow.exposed_import import import_exposure
from seawall.flow.exposed_tell import tell_exploited
from seawall.flow.intel import import_paths
from seawall.flow.node import Node
from seawall.flow.pipeline import run_match
from seawall.flow.shareable import prepare_findings
from seawall.flow.terms import terms_digest
from seawall.model import Fault, NotFound, ObservableType, Pap, Refused, SightingSummary, Tlp, rfc3339
from seawall.model.circle import CircleTerms

CVE = "CVE-2026-1111"
ALERT = {"signature": "ET EXPLOIT Gate OS RCE", "signature_id": 2_000_009, "category": "Attempted Administrator",
         "metadata": {"cve": ["CVE_2026_1111"]}}  # fmt: skip
ASSETS = """host,vendor,product,version,sector,internet-facing
secret-fw-1,Example,Gate OS,10.1,water,yes
secret-fw-2,Example,Gate OS,10.9,water,no
secret-fw-3,Example,Gate OS,,energy,yes
"""
CSAF = {
    "document": {"category": "csaf_security_advisory", "csaf_version": "2.0", "title": "t",
                 "publisher": {"category": "vendor", "name": "Example", "namespace": "https://example.com"},
                 "tracking": {"id": "EX-1", "status": "final", "version": "1", "revision_history": [],
                              "initial_release_date": "2026-03-01T00:00:00Z",
                              "current_release_date": "2026-03-01T00:00:00Z"}},
    "product_tree": {"branches": [{"category": "vendor", "name": "Example", "branches": [
        {"category": "product_name", "name": "Gate OS", "branches": [
            {"category": "product_version_range", "name": "vers:generic/<10.5",
             "product": {"name": "Gate OS before 10.5", "product_id": "P1"}}]}]}]},
    "vulnerabilities": [{"cve": CVE, "product_status": {"known_affected": ["P1"]}, "remediations": [
        {"category": "vendor_fix", "details": "Update to 10.5", "product_ids": ["P1"]}]}],
}  # fmt: skip


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Taipei and Seoul, in one process."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        yield found


def furnish(node: Node, folder: Path, *, advisory: bool = True) -> None:
    """Our list, and an advisory imported as knowledge."""
    (folder / "assets.csv").write_text(ASSETS)
    (folder / "advisory.json").write_text(json.dumps(CSAF))
    import_exposure(node, [folder / "assets.csv"])
    if advisory:
        import_paths(node, [folder / "advisory.json"], tlp=None, source=None)


def circle(nodes: Nodes, **more: object) -> None:
    """Both agree; nothing goes without a click."""
    for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
        plain = CircleTerms(name="tw-kr", members=frozenset({other}), tlp_ceiling=Tlp.AMBER, tlp_floor=Tlp.GREEN)
        terms = msgspec.structs.replace(plain, **more)
        nodes[name].store.circles.save(terms, nodes[name].clock())
        nodes[name].store.notes.set(f"agreed:tw-kr:{other}", terms_digest(terms))


def told(node: Node, peer: str) -> None:
    """The peer told that it met the number."""
    seen = SightingSummary(ObservableType.CVE, CVE, peer, AT, AT, 3, ("health",), None, ("alert",), Tlp.AMBER,
                           Pap.GREEN, peer, told_at=AT)  # fmt: skip
    node.store.sightings.put([seen])


def test_a_peers_sighting_meets_our_list(nodes: Nodes, tmp_path: Path) -> None:
    """Exploited at Seoul since its moment; one affected, one possibly, one outside; with the maker's remedy."""
    taipei = nodes["taipei"]
    furnish(taipei, tmp_path)
    assert list(exposed_warnings(taipei)) == []
    assert count_exposed(taipei) == 0
    told(taipei, "seoul")
    (found,) = exposed_warnings(taipei)
    assert count_exposed(taipei) == 1
    assert [(one.asset.name, one.concern.value) for one in found.exposures] == [
        ("secret-fw-1", "affected"), ("secret-fw-3", "possibly"), ("secret-fw-2", "outside"),
    ]  # fmt: skip
    assert [one.text for one in found.remedies if one.kind == "vendor_fix"] == ["Update to 10.5"]
    (row,) = check_exposure(taipei).items
    assert row["summary"] == (
        "exploited at seoul since 2026-03-14 00:00 +0000; you have 1, and possibly 1 more: patch or block"
    )
    assert (row["sectors"], row["affected"], row["possibly"], row["outside"]) == (["energy", "water"], 1, 1, 1)


def test_signature_metadata_of_our_sensors_is_told_as_what_it_is(nodes: Nodes, tmp_path: Path) -> None:
    """An alarm of ours names the number: an attempt on our own side, no partner's."""
    furnish(nodes["taipei"], tmp_path)
    observe(nodes["taipei"], alarm(address(1), alert=ALERT))
    (row,) = check_exposure(nodes["taipei"]).items
    assert str(row["summary"]).startswith("exploited since ")
    seen = row["seen"]
    assert isinstance(seen, list)
    assert [(one["source"], one["side"], one["peer"]) for one in seen] == [("sensor", "TW", None)]


def test_stix_sightings_and_kev_lists_count_too(nodes: Nodes, tmp_path: Path) -> None:
    """A sighting of an imported vulnerability, and a catalogue of known exploited ones."""
    taipei = nodes["taipei"]
    furnish(taipei, tmp_path)
    flaw = "vulnerability--5d0092c5-5f74-4287-9642-33f4c354e56d"
    common = {"spec_version": "2.1", "created": "2026-03-01T00:00:00.000Z", "modified": "2026-03-01T00:00:00.000Z"}
    objects = [
        {"type": "vulnerability", "id": flaw, "name": CVE, **common},
        {"type": "sighting", "id": "sighting--5d0092c5-5f74-4287-9642-33f4c354e56d", "sighting_of_ref": flaw,
         "first_seen": "2026-02-27T00:00:00Z", **common},
    ]  # fmt: skip
    bundle = {"type": "bundle", "id": "bundle--5d0092c5-5f74-4287-9642-33f4c354e56d", "objects": objects}
    (tmp_path / "bundle.json").write_text(json.dumps(bundle))
    import_paths(taipei, [tmp_path / "bundle.json"], tlp="green", source="vendor")
    (tmp_path / "kev.csv").write_text(f"cveID,vendorProject,product,dateAdded\n{CVE},Example,Gate OS,2026-02-28\n")
    import_exposure(taipei, [tmp_path / "kev.csv"])
    (row,) = check_exposure(taipei).items
    seen = row["seen"]
    assert isinstance(seen, list)
    assert [one["source"] for one in seen] == ["stix sighting vendor", "kev"]
    assert (row["since"], row["affected"]) == ("2026-02-27T00:00:00.000000Z", 1)


def test_what_is_missing_is_said(nodes: Nodes, tmp_path: Path) -> None:
    """No list, nothing exploited, nobody who says which products: a sentence each, never a false all-clear."""
    taipei = nodes["taipei"]
    assert len(check_exposure(taipei).missing) == 2
    furnish(taipei, tmp_path, advisory=False)
    told(taipei, "seoul")
    found = check_exposure(taipei)
    assert (found.items, found.exploited, found.without_products, len(found.missing)) == ([], 1, 1, 1)
    (row,) = check_exposure(taipei, cve=CVE.lower()).items
    assert str(row["summary"]).endswith("nobody says which products it concerns")
    with pytest.raises(Fault, match="E-FLOW-873"):
        check_exposure(taipei, cve="banana")


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "{", "[]", "\x00\x01", '{"document": 3, "csaf_version": 1}', "[" * 9_999]
)
def test_a_file_that_says_nothing_is_one_sentence(nodes: Nodes, tmp_path: Path, text: str) -> None:
    """Nothing is kept of it."""
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(Fault, match=r"E-FLOW-870|E-INTEL"):
        import_exposure(nodes["taipei"], [tmp_path / "x.json"])
    assert nodes["taipei"].store.exposure.sources() == []


def test_an_answer_goes_back_and_names_no_machine(nodes: Nodes, tmp_path: Path) -> None:
    """The peer reads status and justification; no asset, product, version or count is in what left; it can change."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    circle(nodes)
    furnish(taipei, tmp_path)
    done = answer(taipei, CVE, status="not-affected", circle="tw-kr", justification="component_not_present")
    assert (done["recipients"], done["status"]) == (["seoul"], "not_affected")
    left = b"".join(row.body for row in taipei.store.outbox.page("tw-kr", "seoul", limit=10).rows)
    assert CVE.encode() in left
    assert not any(word.encode() in left for word in ("secret", "Gate", "10.1", "count"))
    assert push(nodes, "tw-kr", "taipei", "seoul") == 2
    (row,) = check_exposure(seoul, cve=CVE).items
    answers = row["answers"]
    assert isinstance(answers, list)
    assert [(one["peer"], one["status"], one["justification"]) for one in answers] == [
        ("taipei", "not_affected", "component_not_present")
    ]
    answer(taipei, CVE, status="fixed", circle="tw-kr", count=3)
    assert push(nodes, "tw-kr", "taipei", "seoul") == 2
    (row,) = check_exposure(seoul, cve=CVE).items
    answers = row["answers"]
    assert isinstance(answers, list)
    assert [one["status"] for one in answers] == ["fixed"]


def test_counts_leave_only_where_the_circle_lets_them(nodes: Nodes) -> None:
    """A circle that strikes counts gets the answer without."""
    circle(nodes, redaction=frozenset({"count"}))
    answer(nodes["taipei"], CVE, status="affected", circle="tw-kr", count=14)
    rows = nodes["taipei"].store.outbox.page("tw-kr", "seoul", limit=10).rows
    assert not any(b'"count"' in row.body for row in rows)


def test_an_answer_that_may_not_go_is_refused_and_on_the_record(nodes: Nodes) -> None:
    """Above the ceiling, in other words than VEX's, with a justification that does not fit."""
    circle(nodes)
    with pytest.raises(Refused, match="E-FLOW-876"):
        answer(nodes["taipei"], CVE, status="fixed", circle="tw-kr", tlp="red")
    for more, code in (({"status": "safe"}, "874"), ({"status": "fixed", "justification": "x"}, "877"),
                       ({"status": "fixed", "count": -1}, "875")):  # fmt: skip
        with pytest.raises(Fault, match=f"E-FLOW-{code}"):
            answer(nodes["taipei"], CVE, circle="tw-kr", **more)
    assert nodes["taipei"].store.exposure.answers() == []


def test_a_person_tells_what_the_sensors_met(nodes: Nodes, tmp_path: Path) -> None:
    """Seoul's alarms name a number; a person tells the circle since when; Taipei has what is exploited there."""
    circle(nodes)
    furnish(nodes["taipei"], tmp_path)
    with pytest.raises(NotFound, match="E-FLOW-878"):
        tell_exploited(nodes["seoul"], CVE, circle="tw-kr")
    observe(nodes["seoul"], *(alarm(address(n), alert=ALERT, host="10.0.0.99", sensor=f"s-{n}") for n in (1, 2)))
    done = tell_exploited(nodes["seoul"], CVE, circle="tw-kr")
    assert done["recipients"] == ["taipei"]
    left = b"".join(row.body for row in nodes["seoul"].store.outbox.page("tw-kr", "taipei", limit=10).rows)
    assert not any(word in left for word in (b"10.0.0.99", address(1).encode(), b"s-1"))
    assert push(nodes, "tw-kr", "seoul", "taipei") == 2
    (found,) = exposed_warnings(nodes["taipei"])
    assert [(one.peer, one.sectors) for one in found.seen] == [("seoul", ("unknown",))]
    assert found.since is not None
    assert rfc3339(found.since) == done["since"]


def test_a_sighting_of_an_indicator_that_names_a_number_counts(nodes: Nodes, tmp_path: Path) -> None:
    """Where sightings go without a click and Seoul holds the number as an indicator, its alarm warns Taipei."""
    agree(nodes, "auto", "taipei", "seoul")
    furnish(nodes["taipei"], tmp_path)
    (tmp_path / "cves.csv").write_text(f"type,value\ncve,{CVE}\n")
    import_paths(nodes["seoul"], [tmp_path / "cves.csv"], tlp="green", source="ours")
    observe(nodes["seoul"], *(alarm(address(n), alert=ALERT, host=f"10.0.0.{n}", sensor=f"s-{n}") for n in (1, 2)))
    run_match(nodes["seoul"])
    prepare_findings(nodes["seoul"])
    push(nodes, "auto", "seoul", "taipei")
    (found,) = exposed_warnings(nodes["taipei"])
    assert (found.cve, {one.peer for one in found.seen}) == (CVE, {"seoul"})
