"""Journey: rules, advisories and frameworks come in, rules go out as they came, and frameworks bother nobody."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import realdata
from journey.carrying import Shores, two_shores
from journey.command_line import here
from seawall.codec.ids_rules import read_rules

pytestmark = pytest.mark.xdist_group("drops")
SIGMA = (
    "title: T/../x\nid: 5013198f-1d0f-4a1f-9c39-9a1bd1f3d7aa\nlogsource: {a: b}\ndetection: {condition: x}\n# end\r\n"
)
YARA = "/* (c) */\nrule A { condition: true }\n"


@pytest.fixture(scope="module")
def shores(tmp_path_factory: pytest.TempPathFactory) -> Shores:
    """Two nodes that agreed on a circle."""
    made = two_shores(tmp_path_factory.mktemp("shores"))
    made.rounds(2)
    return made


def test_rules_cross_and_come_out_as_they_came(shores: Shores, tmp_path: Path) -> None:
    """Sigma, YARA and network rules, imported in Taipei, are exported in Seoul byte for byte."""
    (tmp_path / "a.yml").write_bytes(SIGMA.encode())
    (tmp_path / "a.yar").write_bytes(YARA.encode())
    eset = realdata.folder("iocs-eset") / "ta410" / "ta410.rules"
    done = shores.taipei.here("intel", "import", tmp_path / "a.yml", tmp_path / "a.yar", eset, "--tlp", "green")
    assert (done["new"], done["rejected"], done["by_type"]) == (7, 0, {"indicator": 7})
    assert shores.carry(shores.taipei)["received"] == 7
    for form, text in (("sigma", SIGMA), ("yara", YARA)):
        folder = tmp_path / form
        shores.seoul.here("intel", "export", "--to", form, "-o", folder)
        (file,) = folder.iterdir()
        assert file.read_bytes() == text.encode()
        assert file.name.replace("-", "").replace("_", "").rpartition(".")[0].isalnum()
    shores.seoul.here("intel", "export", "--to", "snort", "-o", tmp_path / "out.rules")
    before = [body["pattern"] for body in read_rules(eset.read_bytes(), "x").objects]
    after = [body["pattern"] for body in read_rules((tmp_path / "out.rules").read_bytes(), "x").objects]
    assert sorted(after) == sorted(before)


def test_frameworks_are_neither_offered_nor_refused(shores: Shores) -> None:
    """Thousands of public objects leave no trace in what is sent, withheld, or in the ledger."""
    shores.carry(shores.taipei)
    leaves = shores.taipei.here("ledger", "verify")["size"]
    for name in ("mitre-attack", "mitre-atlas", "disarm", "misp-galaxy", "misp-taxonomies"):
        shores.taipei.here("intel", "import", realdata.folder(name))
    file = shores.stick / "empty.drop.zst"
    done = shores.taipei.here("export-drop", "seoul", "-o", file)
    assert (done["sent"], done["withheld"]) == (0, 0)
    assert shores.taipei.here("ledger", "verify")["size"] <= leaves + 3
    shores.seoul.here("import-drop", file)
    assert (shores.taipei.folder / "reference" / "taxonomies" / "rsit.json").exists()


def test_what_refers_to_a_framework_may_go_out(shores: Shores, tmp_path: Path) -> None:
    """Everybody knows ATT&CK's numbers: a relationship to a technique is released, the technique is not sent."""
    common = {"spec_version": "2.1", "created": "2026-03-01T00:00:00.000Z", "modified": "2026-03-01T00:00:00.000Z"}
    indicator, relationship = (
        f"{kind}--6c1e2d0a-33b0-4f53-a38f-1d1fb7b2a6a1" for kind in ("indicator", "relationship")
    )
    objects = [
        {"type": "indicator", "id": indicator, "pattern": "[domain-name:value = 'uses.example']",
         "pattern_type": "stix", "valid_from": "2026-03-01T00:00:00Z", **common},
        {"type": "relationship", "id": relationship, "relationship_type": "indicates", "source_ref": indicator,
         "target_ref": "attack-pattern--008b8f56-6107-48be-aa9f-746f927dbb61", **common},
    ]  # fmt: skip
    (tmp_path / "b.json").write_text(json.dumps({"type": "bundle", "objects": objects}))
    shores.taipei.here("intel", "import", realdata.folder("mitre-attack"))
    shores.taipei.here("intel", "import", tmp_path / "b.json", "--tlp", "green", "--source", "vendor")
    assert shores.carry(shores.taipei)["received"] == 1
    assert shores.taipei.here("release", relationship, "--circle", "tw-kr")["released"] is True
    assert shores.carry(shores.taipei)["received"] == 1
    shores.seoul.here("intel", "export", "--to", "stix", "-o", tmp_path / "held.json")
    kinds = {body["type"] for body in json.loads((tmp_path / "held.json").read_text())["objects"]}
    assert ("relationship" in kinds, "attack-pattern" in kinds) == (True, False)


def test_a_marked_advisory_crosses_under_its_marking(shores: Shores, tmp_path: Path) -> None:
    """RED stays, and says so in the counts."""
    document = {
        "document": {
            "csaf_version": "2.0",
            "title": "x",
            "distribution": {"tlp": {"label": "RED"}},
            "tracking": {"id": "EX-1"},
        },
        "vulnerabilities": [{"cve": "CVE-2026-0001"}],
    }
    (tmp_path / "a.json").write_text(json.dumps(document))
    done = shores.taipei.here("intel", "import", tmp_path / "a.json")
    assert done["by_type"] == {"identity": 1, "report": 1, "vulnerability": 1}
    assert shores.carry(shores.taipei)["received"] == 0


def test_extract_needs_no_node_and_uses_one(shores: Shores, tmp_path: Path) -> None:
    """With a node its warninglists and own assets count; terminal escapes stay text."""
    (tmp_path / "report.txt").write_text("C2 evil[.]com, 8.8.8[.]8 and \x1b[31mbad[.]org\x1b[0m they used\n")
    with_node = shores.taipei.here("intel", "extract", tmp_path / "report.txt")
    assert {item["value"]: item["flagged"] for item in with_node["items"]}["8.8.8.8"].startswith("warninglist")
    assert (with_node["values"], with_node["flagged"]) == (len(with_node["items"]), 1)
    without = here("--node", tmp_path / "none", "intel", "extract", tmp_path / "report.txt")
    assert (without.status, "8.8.8.8" in without.out, "\x1b" in without.out) == (0, True, False)
