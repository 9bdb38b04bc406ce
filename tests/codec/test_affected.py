"""What documents say of vulnerabilities, products and versions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.codec.affected import sayings_of
from seawall.codec.affected_csv import read_flaw_csv
from seawall.model.exposure import Affected, Exploited, FlawStatus, Remedy, Saying

CVE = "CVE-2026-1111"
CSAF: dict[str, Any] = {
    "document": {"csaf_version": "2.0", "tracking": {"id": "EX-1", "current_release_date": "2026-03-01T00:00:00Z"}},
    "product_tree": {
        "branches": [
            {"category": "vendor", "name": "Example", "branches": [
                {"category": "product_name", "name": "Gate", "branches": [
                    {"category": "product_version_range", "name": "vers:generic/>=1.0|<2.1",
                     "product": {"name": "Gate 1 to 2", "product_id": "P1"}},
                    {"category": "product_version", "name": "2.1", "product": {"name": "Gate 2.1", "product_id": "P2"}},
                ]},
            ]},
        ],
        "relationships": [{"product_reference": "P1", "relates_to_product_reference": "P9",
                           "full_product_name": {"name": "Gate on Box", "product_id": "P3"}}],
    },
    "vulnerabilities": [
        {"cve": CVE, "product_status": {"known_affected": ["P1", "P3"], "first_fixed": ["P2"], "fixed": ["nobody"]},
         "remediations": [{"category": "vendor_fix", "details": "Update", "url": "https://example.com/x"}],
         "threats": [{"category": "exploit_status", "details": "Exploited:Yes", "date": "2026-03-02T00:00:00Z"}]},
    ],
}  # fmt: skip
NVD = {
    "vulnerabilities": [
        {"cve": {"id": CVE, "cisaExploitAdd": "2026-03-02", "configurations": [{"nodes": [{"cpeMatch": [
            {"vulnerable": True, "criteria": "cpe:2.3:a:example:gate:*:*:*:*:*:*:*:*", "versionEndExcluding": "2.1"},
            {"vulnerable": True, "criteria": "cpe:2.3:a:example:gate:3.0:rc1:*:*:*:*:*:*"},
            {"vulnerable": True, "criteria": "cpe:2.3:a:example:gate_lite:*:*:*:*:*:*:*:*"},
            {"vulnerable": False, "criteria": "cpe:2.3:h:example:box:-:*:*:*:*:*:*:*"},
        ]}]}]}},
    ],
}  # fmt: skip
RECORD = {
    "dataType": "CVE_RECORD", "cveMetadata": {"cveId": CVE},
    "containers": {"cna": {"affected": [{"vendor": "Example", "product": "Gate", "versions": [
        {"version": "1.0", "status": "affected", "lessThan": "2.1", "versionType": "custom"},
        {"version": "0", "status": "affected", "lessThanOrEqual": "0.9"},
        {"version": "2.1", "status": "unaffected"},
    ]}]}},
}  # fmt: skip
OSV = {"id": "GHSA-1", "aliases": [CVE], "affected": [{"package": {"ecosystem": "PyPI", "name": "gate"}, "ranges": [
    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}, {"introduced": "2.0"}]},
    {"type": "GIT", "events": [{"introduced": "0"}]}]}]}  # fmt: skip
OPENVEX = {"@context": "https://openvex.dev/ns/v0.2.0", "@id": "https://x/1", "statements": [
    {"vulnerability": {"name": CVE}, "products": [{"@id": "pkg:pypi/gate@1.5"}],
     "status": "not_affected"}]}  # fmt: skip
CYCLONE = {"bomFormat": "CycloneDX", "components": [{"bom-ref": "a", "name": "gate", "version": "1.5"}],
           "vulnerabilities": [{"id": CVE, "affects": [{"ref": "a"}], "analysis": {"state": "resolved"}}]}  # fmt: skip
KEV = {"vulnerabilities": [{"cveID": CVE, "vendorProject": "Example", "product": "Gate", "dateAdded": "2026-03-02",
                            "requiredAction": "Update"}]}  # fmt: skip


def ranges(said: list[Saying]) -> list[tuple[str, str]]:
    """(status, versions) of all sentences about products."""
    return [(one.status.value, str(one.range)) for one in said if isinstance(one, Affected)]


@pytest.mark.parametrize(
    ("document", "form", "meant"),
    [
        (CSAF, "csaf", [("affected", ">=1.0 <2.1"), ("affected", ">=1.0 <2.1"), ("fixed", ">=2.1")]),
        (NVD, "nvd", [("affected", "<2.1"), ("affected", "3.0-rc1"), ("affected", "all versions")]),
        (RECORD, "cve record", [("affected", ">=1.0 <2.1"), ("affected", "<=0.9"), ("not_affected", "2.1")]),
        (OSV, "osv", [("affected", "<1.2"), ("affected", ">=2.0")]),
        (OPENVEX, "openvex", [("not_affected", "1.5")]),
        (CYCLONE, "cyclonedx", [("fixed", "1.5")]),
        (KEV, "kev", [("affected", "")]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_form_says_which_versions_are_meant(
    document: dict[str, Any], form: str, meant: list[tuple[str, str]]
) -> None:
    """Statuses and ranges come out as their specification means them, all about the one vulnerability."""
    found = sayings_of(document)
    assert found is not None
    assert (found[0], ranges(found[1])) == (form, meant)
    assert {one.cve for one in found[1]} == {CVE}


def test_remedies_and_exploitation_come_along() -> None:
    """CSAF threats, KEV dates and the NVD's copy of them say since when; remedies keep their address."""
    for document in (CSAF, NVD, KEV):
        found = sayings_of(document)
        assert found is not None
        assert [one.since for one in found[1] if isinstance(one, Exploited)] == [1_772_409_600_000_000]
    found = sayings_of(CSAF)
    assert found is not None
    assert [(one.kind, one.url) for one in found[1] if isinstance(one, Remedy)] == [
        ("vendor_fix", "https://example.com/x")
    ]


def test_a_csv_names_columns_in_its_own_way() -> None:
    """A KEV catalogue, a CPE match list and a plain list of fixed versions; rows without a number are told."""
    kev, wrong = read_flaw_csv(
        "cveID,vendorProject,product,dateAdded,requiredAction\nCVE-2026-1111,E,Gate,2026-03-02,Go\nx,E,G,,\n"
    )
    assert [type(one) for one in kev] == [Exploited, Remedy, Affected]
    assert [one.index for one in wrong] == [3]
    cpes, _ = read_flaw_csv("cve;criteria;versionStartIncluding;versionEndExcluding\n"
                            "CVE-2026-1111;cpe:2.3:a:e:gate:*:*:*:*:*:*:*:*;1.0;2.0\n")  # fmt: skip
    assert ranges(cpes) == [("affected", ">=1.0 <2.0")]
    plain, _ = read_flaw_csv("CVE,Product,Fixed version\nCVE-2026-1111,Gate,2.0\n")
    assert ranges(plain) == [("affected", "<2.0"), ("fixed", ">=2.0")]
    assert [one.status for one in plain if isinstance(one, Affected)] == [FlawStatus.AFFECTED, FlawStatus.FIXED]


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["cve", "id", "versions", "version", "affected", "ranges", "events", "product", "products", "nodes", "cpeMatch",
         "product_status", "known_affected", "branches", "purls", "aliases", "analysis", "status"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.sampled_from([CSAF, NVD, RECORD, OSV, OPENVEX, CYCLONE, KEV]), st.data())
def test_a_document_with_anything_anywhere_is_read_or_left(document: dict[str, Any], data: st.DataObject) -> None:
    """Wherever something else stands than the specification wants, nothing is raised."""
    key = data.draw(st.sampled_from(sorted(document)))
    found = sayings_of({**document, key: data.draw(_json)})
    assert found is None or isinstance(found[1], list)
    given_parts = document[key] if isinstance(document[key], list) else []
    inner = data.draw(_json)
    parts = [one | {data.draw(st.sampled_from(sorted(one))): inner} for one in given_parts if isinstance(one, dict)]
    sayings_of({**document, key: parts})
