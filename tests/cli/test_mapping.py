"""``seawall ingest --mapping`` and ``--explain`` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from journey.command_line import SeawallNode, eve, here

MAPPING = """
name = "plain"
[reader]
type = "csv"
[time]
field = "t"
unit = "s"
[columns]
kind = { constant = "flow" }
src = "a"
signature = "note"
"""
LOG = "t,a,note\n1773457920,203.0.113.9,x\x1b[31m\n1773457920,nowhere,\n"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """A node with a mapping and a log beside it."""
    root = tmp_path_factory.mktemp("mapping")
    (root / "map.toml").write_text(MAPPING)
    (root / "log.csv").write_text(LOG)
    return SeawallNode(root / "node", "TW")


def files(node: SeawallNode) -> tuple[Path, Path]:
    """The log and the mapping."""
    return node.folder.parent / "log.csv", node.folder.parent / "map.toml"


def test_explain_shows_and_stores_nothing(node: SeawallNode) -> None:
    """JSON has format, lines and items; text shows fields, columns and flaws without terminal escapes."""
    log, mapping = files(node)
    document = node.here("ingest", "--explain", log, "--mapping", mapping)
    assert (document["format"], document["lines"]) == ("plain", 3)
    header, good, bad = document["items"]
    assert (header["fields"], header["columns"], header["flaws"]) == ({}, [], [])
    assert good["fields"]["a"] == "203.0.113.9"
    assert (good["columns"][0]["src"], good["columns"][0]["time"]) == ("203.0.113.9", "2026-03-14T03:12:00.000000Z")
    assert [flaw["code"] for flaw in bad["flaws"]] == ["bad-address"]
    text = here("--node", node.folder, "ingest", "--explain", log, "--mapping", mapping).out
    assert "column  src = 203.0.113.9" in text
    assert "\x1b" not in text
    assert node.here("observations")["items"] == []


def test_explain_without_a_mapping_tells_the_recognised_format(node: SeawallNode, tmp_path: Path) -> None:
    """``--format auto`` is what ingest would take."""
    (tmp_path / "eve.json").write_text(eve("2026-03-14T09:00:00+0000", "192.0.2.1", "10.0.0.1", sensor="tpe-1"))
    document = node.here("ingest", tmp_path / "eve.json", "--explain")
    assert (document["format"], document["items"][0]["columns"][0]["sensor"]) == ("suricata-eve", "tpe-1")


def test_ingest_takes_a_mapping(node: SeawallNode) -> None:
    """The good line is stored, the wrong one is in quarantine."""
    log, mapping = files(node)
    report = node.here("ingest", log, "--mapping", mapping)
    assert (report["stored"], report["rejected"], report["by_type"]) == (1, 1, {"flow": 1})
    assert [item["code"] for item in node.here("quarantine")["items"]] == ["bad-address"]


def test_mistakes_are_sentences(node: SeawallNode, tmp_path: Path) -> None:
    """Two files to explain, a mapping that is not there, and one with a mistake: status 2 and a code."""
    log, _ = files(node)
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(MAPPING.replace('src = "a"', 'sorce = "a"'))
    for code, arguments in (
        ("E-CLI-020", ("--explain", log, log)),
        ("E-MAPPING-001", (log, "--mapping", tmp_path / "absent.toml")),
        ("E-MAPPING-002", (log, "--mapping", wrong)),
        ("E-MAPPING-003", ("--explain", tmp_path / "absent.log")),
    ):
        answer = here("--node", node.folder, "ingest", *arguments)
        assert (answer.status, answer.err.partition(":")[0]) == (2, code), answer
