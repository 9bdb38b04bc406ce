"""``seawall hit`` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from journey.command_line import SeawallNode, here
from seawall.model import Observable, ObservableType
from seawall.model.directive import Action
from seawall.protect.gate import undo_name

LISTED = "203.0.113.9"
WHEN = ("--first", "2026-03-14T03:12:00Z")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """A node with one indicator."""
    root = tmp_path_factory.mktemp("hits")
    made = SeawallNode(root / "node", "TW")
    (root / "ours.csv").write_text(f"type,value\nipv4,{LISTED}\n")
    made.here("intel", "import", root / "ours.csv", "--tlp", "amber")
    return made


def sentence(node: SeawallNode, *arguments: str | Path, status: int = 2) -> str:
    """The code of a refused command."""
    answer = here("--node", node.folder, "hit", *arguments)
    assert answer.status == status, answer
    return answer.err.partition(":")[0]


def test_one_hit(node: SeawallNode) -> None:
    """The last moment is the first when left out; the same hit again is unchanged; an id lets it grow."""
    keys = {"new", "updated", "unchanged", "refused", "problems"}
    assert node.here("hit", LISTED, *WHEN).keys() == keys
    assert node.here("hit", LISTED, *WHEN)["unchanged"] == 1
    assert node.here("hit", LISTED, *WHEN, "--count", "4", "--id", "siem-1")["new"] == 1
    assert node.here("hit", LISTED, *WHEN, "--count", "9", "--id", "siem-1")["updated"] == 1
    [row] = node.here("sightings")["items"]
    assert (row["count"], row["first_seen"], row["last_seen"]) == (10, row["last_seen"], row["first_seen"])


def test_wrong_usage_is_a_sentence(node: SeawallNode, tmp_path: Path) -> None:
    """No value, a value and a file, no moment, an unknown value, a wrong time, an absent file."""
    assert sentence(node) == "E-CLI-030"
    assert sentence(node, LISTED, "--csv", tmp_path / "x") == "E-CLI-030"
    assert sentence(node, LISTED) == "E-CLI-031"
    assert sentence(node, "198.51.100.7", *WHEN) == "E-FLOW-097"
    assert sentence(node, LISTED, "--first", "soon") == "E-MODEL-001"
    assert sentence(node, "--csv", tmp_path / "absent.csv") == "E-FLOW-104"


def test_a_reader_may_not_report(node: SeawallNode, tmp_path: Path) -> None:
    """Who may only read is refused with status 3."""
    token = tmp_path / "reader.token"
    token.write_text(node.here("users", "add", "rita", "--role", "reader")["token"])
    assert sentence(node, LISTED, *WHEN, "--token", token, status=3) == "E-FLOW-004"


def test_a_csv_tells_its_wrong_rows(node: SeawallNode, tmp_path: Path) -> None:
    """Rejected rows are listed with their line and are fatal under ``--strict`` only; all wrong is status 2."""
    path = tmp_path / "hits.csv"
    path.write_text(f"value,count,first,last\n{LISTED},2,2026-03-14,2026-03-15\nx\x1b[31m,1,2026-03-14,2026-03-15\n")
    report = node.here("hit", "--csv", path)
    assert (report["new"], report["refused"]) == (1, 1)
    assert report["problems"][0].startswith("3: E-FLOW-101: ")
    assert node.here("hit", "--csv", path, "--strict", status=1)["unchanged"] == 1
    assert "\x1b" not in here("--node", node.folder, "hit", "--csv", path).out
    path.write_text("value,count,first,last\nx,1,2026-03-14,2026-03-15\n")
    assert here("--node", node.folder, "hit", "--csv", path).status == 2


def test_a_log_of_a_tool_is_hits_of_its_point(node: SeawallNode, tmp_path: Path) -> None:
    """What an enforcing tool logged counts once, however often the log is given; without kind or point it is asked."""
    path = tmp_path / "pf.log"
    undo = undo_name(Action.BLOCK, Observable(ObservableType.IPV4, LISTED))
    path.write_text(f"2026-03-14T03:12:00Z gw drop seawall {undo}\n2026-03-14T03:13:00Z gw other\n")
    given = ("--log", path, "--as", "named", "--point", "gw-1")
    assert sentence(node, "--log", path) == "E-CLI-033"
    assert sentence(node, LISTED, "--log", path) == "E-CLI-030"
    assert sentence(node, "--log", path, "--as", "syslog", "--point", "gw-1") == "E-FLOW-986"
    before = node.here("sightings")["items"][0]["count"]
    assert node.here("hit", *given)["new"] == 1
    assert node.here("hit", *given)["unchanged"] == 1
    [row] = node.here("sightings")["items"]
    assert (row["value"], row["count"]) == (LISTED, before + 1)


def test_a_node_without_a_lake_says_so(node: SeawallNode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``ingest`` and ``tail`` refuse with the name of the setting; hits and listings work."""
    monkeypatch.setenv("SEAWALL_LAKE_STORE_TELEMETRY", "false")
    (tmp_path / "eve.json").write_text("{}\n")
    for command in (("ingest", tmp_path / "eve.json"), ("tail", tmp_path / "eve.json", "--format", "suricata-eve")):
        answer = here("--node", node.folder, *command)
        assert (answer.status, answer.err.partition(":")[0]) == (3, "E-FLOW-092")
        assert "lake.store_telemetry" in answer.err
    assert node.here("hit", LISTED, "--first", "2026-03-13T03:12:00Z")["new"] == 1
    assert node.here("sightings")["items"]
