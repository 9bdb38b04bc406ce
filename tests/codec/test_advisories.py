"""CSAF, OpenVEX and CycloneDX documents as reports, vulnerabilities, product status and remedies."""

from __future__ import annotations

import json
from typing import Any

import pytest

from seawall.codec.converted import Converted
from seawall.codec.csaf import read_csaf
from seawall.codec.stix import check
from seawall.codec.vex import read_cyclonedx, read_openvex
from seawall.model import Fault, Tlp
from seawall.model.stix.tlp import TLP2_IDS

CPE = "cpe:2.3:a:example:router:1.0:*:*:*:*:*:*:*"


def csaf(**tracking: Any) -> dict[str, Any]:
    """An advisory about two flaws in three products."""
    return {
        "document": {
            "category": "csaf_security_advisory",
            "csaf_version": "2.0",
            "title": "Routers can be taken over",
            "distribution": {"tlp": {"label": "WHITE"}},
            "publisher": {"category": "vendor", "name": "Example PSIRT", "namespace": "https://psirt.example"},
            "notes": [{"category": "summary", "text": "A summary."}, {"category": "legal_disclaimer", "text": "No."}],
            "references": [{"category": "self", "summary": "here", "url": "https://psirt.example/ex-2026-1.json"}],
            "tracking": {
                "id": "EX-2026-1",
                "version": "1.0.0",
                "status": "final",
                "initial_release_date": "2026-01-02T03:04:05+09:00",
                "current_release_date": "2026-02-03T00:00:00Z",
                "revision_history": [],
                **tracking,
            },
        },
        "product_tree": {
            "branches": [
                {
                    "category": "vendor",
                    "name": "Example",
                    "branches": [
                        {
                            "category": "product_version",
                            "name": "1.0",
                            "product": {
                                "product_id": "P1",
                                "name": "Router 1.0",
                                "product_identification_helper": {"cpe": CPE},
                            },
                        },
                        {
                            "category": "product_version",
                            "name": "2.0",
                            "product": {"product_id": "P2", "name": "Router 2.0"},
                        },
                    ],
                }
            ],
            "full_product_names": [{"product_id": "P3", "name": "Switch"}],
            "relationships": [
                {
                    "category": "installed_on",
                    "product_reference": "P1",
                    "relates_to_product_reference": "P3",
                    "full_product_name": {"product_id": "P1onP3", "name": "Router 1.0 on Switch"},
                }
            ],
        },
        "vulnerabilities": [
            {
                "cve": "CVE-2026-0001",
                "title": "Command injection",
                "cwe": {"id": "CWE-78", "name": "OS Command Injection"},
                "product_status": {"known_affected": ["P1", "P1onP3"], "fixed": ["P2"], "known_not_affected": ["P3"]},
                "scores": [{"cvss_v3": {"baseScore": 9.8, "baseSeverity": "CRITICAL", "vectorString": "CVSS:3.1/AV:N"},
                            "products": ["P1"]}],
                "remediations": [{"category": "vendor_fix", "details": "Update to 2.0.", "url": "https://psirt.example/2",
                                  "product_ids": ["P1"]}],
                "flags": [{"label": "component_not_present", "product_ids": ["P3"]}],
                "involvements": [{"party": "vendor", "status": "completed"}],
            },
            {"ids": [{"system_name": "tracker", "text": "BUG-7"}], "product_status": {"under_investigation": ["P9"]}},
            {"notes": []},
        ],
    }  # fmt: skip


def objects(found: Converted, kind: str) -> list[dict[str, Any]]:
    """The objects of one type; all of them are valid and no id comes twice."""
    assert all(check(body).errors == () for body in found.objects)
    assert len({body["id"] for body in found.objects}) == len(found.objects)
    return [body for body in found.objects if body["type"] == kind]


def read(document: dict[str, Any]) -> Converted:
    """As it comes from a file."""
    return read_csaf(json.dumps(document).encode())


def test_an_advisory_becomes_a_report_on_its_vulnerabilities() -> None:
    """Title, dates, version, links, and everything that belongs to it; TLP 1 WHITE is CLEAR."""
    found = read(csaf())
    (report,) = objects(found, "report")
    assert (report["name"], report["description"]) == ("Routers can be taken over", "A summary.")
    assert (report["created"], report["modified"]) == ("2026-01-01T18:04:05.000Z", "2026-02-03T00:00:00.000Z")
    assert report["labels"] == ["csaf:version:1.0.0", "csaf:category:csaf_security_advisory", "csaf:status:final"]
    assert set(report["object_refs"]) == {body["id"] for body in found.objects} - {report["id"]}
    assert {tuple(body["object_marking_refs"]) for body in found.objects} == {(TLP2_IDS[Tlp.CLEAR],)}
    assert [body["name"] for body in objects(found, "vulnerability")] == ["CVE-2026-0001", "BUG-7"]


def test_product_status_stands_in_a_note_and_affected_products_are_software() -> None:
    """Every state is told; only affected products become objects, with their CPE."""
    found = read(csaf())
    note = objects(found, "note")[0]
    assert note["labels"] == ["vex:known_affected", "vex:known_not_affected", "vex:fixed"]
    for line in (
        "Command injection",
        f"known_affected: Router 1.0 {CPE}",
        "known_affected: Router 1.0 on Switch",
        "fixed: Router 2.0",
        "known_not_affected: Switch",
        "CWE-78 OS Command Injection",
        "CVSS 9.8 CRITICAL CVSS:3.1/AV:N",
        "flag (Switch): component_not_present",
    ):
        assert line in note["content"].splitlines()
    assert {body["name"]: body.get("cpe") for body in objects(found, "software")} == {
        "Router 1.0": CPE, "Router 1.0 on Switch": None,
    }  # fmt: skip
    kinds = [body["relationship_type"] for body in objects(found, "relationship")]
    assert sorted(kinds) == ["has", "has", "mitigates"]
    assert objects(found, "course-of-action")[0]["description"] == "Update to 2.0."


def test_what_could_not_be_carried_is_said() -> None:
    """A flaw without a name is rejected, what STIX has no place for is a loss."""
    found = read(csaf())
    assert [(part.index, "title" in part.reason) for part in found.rejected] == [(2, True)]
    assert [loss.kind for loss in found.losses.report()] == ["csaf:involvements"]


def test_a_revision_is_a_later_version_of_the_same_objects() -> None:
    """Ids stay; the moment of change is the current release date."""
    before, after = read(csaf()), read(csaf(version="1.1.0", current_release_date="2026-03-01T00:00:00Z"))
    assert {body["id"] for body in before.objects} == {body["id"] for body in after.objects}
    assert objects(after, "report")[0]["modified"] == "2026-03-01T00:00:00.000Z"


def test_a_withdrawn_advisory_is_revoked() -> None:
    """CSAF 2.1 says so in the category."""
    document = csaf()
    document["document"]["category"] = "csaf_withdrawn"
    assert objects(read(document), "report")[0]["revoked"] is True


@pytest.mark.parametrize(("label", "level"), [("AMBER+STRICT", Tlp.AMBER_STRICT), ("RED", Tlp.RED), ("PINK", Tlp.RED)])
def test_the_marking_is_kept(label: str, level: Tlp) -> None:
    """What nobody can read is taken for the strictest."""
    document = csaf()
    document["document"]["distribution"]["tlp"]["label"] = label
    assert objects(read(document), "report")[0]["object_marking_refs"] == [TLP2_IDS[level]]


@pytest.mark.parametrize(
    "data",
    [b"{", b"[]", b"\xff\xfe{}", b'{"document":' * 5_000, b'{"document": {"csaf_version": "2.0"}}', b"{}"],
    ids=["cut", "list", "utf-16", "deep", "no id", "empty"],
)
def test_a_damaged_document_is_one_sentence(data: bytes) -> None:
    """Nothing of it lands."""
    with pytest.raises(Fault, match="E-ADVISORY-001"):
        read_csaf(data)


def test_odd_shapes_are_borne() -> None:
    """Wrong types anywhere never raise; a product tree may be deep."""
    document = csaf()
    branch: dict[str, Any] = {}
    document["product_tree"] = {
        "branches": [branch],
        "full_product_names": [7, {"product_id": 7}],
        "relationships": "x",
    }
    for _ in range(300):
        inner: dict[str, Any] = {"category": "x", "name": "y"}
        branch["branches"] = [inner]
        branch = inner
    status = {"fixed": "P1", "known_affected": [1]}
    odd = {"product_status": status, "scores": [7, {"cvss_v3": 1}], "remediations": {"a": 1}, "references": None}
    document["vulnerabilities"].append({"cve": "CVE-2026-0002", **odd})
    assert len(objects(read(document), "vulnerability")) == 3
    for key in ("product_tree", "vulnerabilities"):
        assert read(csaf() | {key: 7}).objects


def test_openvex_statements_are_gathered_by_vulnerability() -> None:
    """Both spellings of vulnerabilities and products, and what the author says about each."""
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://vex.example/1",
        "author": "Example",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 2,
        "statements": [
            {"vulnerability": {"name": "CVE-2026-0001"}, "products": [{"@id": "pkg:apk/a@1"}], "status": "not_affected",
             "justification": "vulnerable_code_not_present"},
            {"vulnerability": "CVE-2026-0001", "products": ["pkg:apk/b@1"], "status": "affected",
             "action_statement": "Update."},
            {"status": "fixed"},
        ],
    }  # fmt: skip
    found = read_openvex(json.dumps(document).encode())
    (note,) = objects(found, "note")
    assert note["labels"] == ["vex:not_affected", "vex:affected"]
    assert "not_affected: pkg:apk/a@1 pkg:apk/a@1" in note["content"]
    assert "justification: vulnerable_code_not_present" in note["content"]
    assert [body["name"] for body in objects(found, "software")] == ["pkg:apk/b@1"]
    assert len(found.rejected) == 1


def test_cyclonedx_vex_names_components() -> None:
    """References into the parts list are resolved; the list itself is not taken in, and that is said."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "urn:uuid:3e671687-395b-41f5-a30f-a58921a69b79",
        "version": 1,
        "metadata": {"timestamp": "2026-01-01T00:00:00Z", "supplier": {"name": "Example"}},
        "components": [{"bom-ref": "c1", "name": "lib", "version": "1.2", "purl": "pkg:npm/lib@1.2"}],
        "vulnerabilities": [
            {"id": "CVE-2026-0001", "analysis": {"state": "exploitable", "detail": "yes"}, "affects": [{"ref": "c1"}],
             "ratings": [{"severity": "high", "method": "CVSSv31", "vector": "AV:N"}], "recommendation": "Update."},
            {"analysis": {}},
        ],
    }  # fmt: skip
    found = read_cyclonedx(json.dumps(document).encode())
    assert [(body["name"], body["version"]) for body in objects(found, "software")] == [("lib", "1.2")]
    assert "exploitable: lib pkg:npm/lib@1.2" in objects(found, "note")[0]["content"]
    assert [loss.kind for loss in found.losses.report()] == ["cyclonedx:components"]
    assert len(found.rejected) == 1
    with pytest.raises(Fault, match="names no vulnerability"):
        read_cyclonedx(b'{"bomFormat": "CycloneDX"}')
