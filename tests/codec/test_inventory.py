"""Lists of what an organisation runs."""

from __future__ import annotations

from typing import Any

import pytest

from seawall.codec.inventory import read_cpe_list, read_cyclonedx_parts, read_inventory_csv, read_spdx_parts
from seawall.codec.product_names import parse_cpe, parse_purl


def test_a_csv_is_read_by_its_header() -> None:
    """Any delimiter and spelling; a word for "unknown" is no version; a row without a product is told."""
    text = "Hostname;Manufacturer;Software;Version;Internet-facing;Quantity\nfw;E;Gate;n/a;yes;3\n;;;;;\nx;;;1;;\n"
    found = read_inventory_csv("\ufeff" + text)
    (one,) = found.assets
    assert (one.name, one.vendor, one.product, one.version, one.facing, one.units) == ("fw", "E", "Gate", "", True, 3)
    assert [row.index for row in found.rejected] == [4]


def test_a_cpe_list_names_product_and_version() -> None:
    """One name a line, the asset behind it; anything else is told."""
    found = read_cpe_list("# ours\ncpe:2.3:a:example:gate\\:x:1.2:*:*:*:*:*:*:* fw-1\ncpe:/a:e:gate:3\nbanana\n")
    assert [(one.product, one.version, one.name) for one in found.assets] == [
        ("gate:x", "1.2", "fw-1"), ("gate", "3", "line 3"),
    ]  # fmt: skip
    assert len(found.rejected) == 1


CYCLONE: dict[str, Any] = {
    "bomFormat": "CycloneDX", "metadata": {"component": {"name": "portal", "version": "7"}},
    "components": [{"name": "gate", "version": "1.5", "purl": "pkg:pypi/gate@1.5", "components": [{"name": "inner"}]},
                   {"purl": "pkg:npm/%40scope/thing@2"}, {"version": "1"}],
}  # fmt: skip
SPDX: dict[str, Any] = {
    "spdxVersion": "SPDX-2.3", "name": "portal",
    "packages": [{"name": "gate", "versionInfo": "1.5", "supplier": "Organization: Example",
                  "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:pypi/gate@1.5"}]},
                 {"name": "lone", "versionInfo": "NOASSERTION", "supplier": "NOASSERTION"}],
}  # fmt: skip


def test_a_bill_of_materials_gives_its_parts() -> None:
    """Nested parts too; the described product names the asset; what names no product is told."""
    found = read_cyclonedx_parts(CYCLONE)
    assert [(one.product, one.version) for one in found.assets] == [
        ("portal", "7"), ("gate", "1.5"), ("inner", ""), ("thing", "2"),
    ]  # fmt: skip
    assert {one.name for one in found.assets} == {"portal"}
    assert len(found.rejected) == 1
    spdx = read_spdx_parts(SPDX).assets
    assert [(one.product, one.version, one.vendor, bool(one.purl)) for one in spdx] == [
        ("gate", "1.5", "Example", True), ("lone", "", "", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "cpe:2.3:a", "cpe:2.3:x:v:p:1", "cpe:2.3:" + ":" * 20, "cpe:/a:v", "gate", "c" * 5_000]
)
def test_what_is_no_cpe_is_none(text: str) -> None:
    """Nothing is guessed from a half name."""
    assert parse_cpe(text) is None


def test_package_urls_are_read_into_their_parts() -> None:
    """Qualifiers and subpath are left; names are compared as their type says."""
    found = parse_purl("pkg:npm/%40Scope/Thing@1.2?arch=x#sub")
    assert found is not None
    assert (found.package, found.version) == (("npm", "@scope", "thing"), "1.2")
    assert parse_purl("pkg:npm/@scope/thing@1.2") == parse_purl("pkg:npm/%40scope/thing@1.2")
    assert [parse_purl(text) for text in ("pkg:", "pkg:npm/", "npm/x", "pkg:npm/" + "x" * 2_000)] == [None] * 4
