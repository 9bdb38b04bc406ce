"""The whole demonstration, small: two real nodes, real files, a real TLS connection."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from seawall.flow.demo import run_demo
from seawall.flow.demo.door import FOLDER
from seawall.flow.demo.report import render
from seawall.flow.demo.result import DemoResult
from seawall.flow.demo.run import demonstrate
from seawall.model import Fault


class Listener:
    """The command line's output, remembered."""

    json = True
    lang = "en"

    def __init__(self) -> None:
        self.documents: list[object] = []

    def result(self, document: object) -> None:
        """Keep the document."""
        self.documents.append(document)

    def note(self, text: str, **values: object) -> None:
        """Nobody reads remarks here."""


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """One small demonstration in six slices, with a user's own log beside it."""
    folder = tmp_path_factory.mktemp("demo")
    own = folder / "mine.json"
    event = {"timestamp": "2026-03-15T17:00:00.000000+0000", "flow_id": 1, "event_type": "flow", "src_ip": "10.16.1.4",
             "src_port": 40_000, "dest_ip": "240.9.9.9", "dest_port": 443, "proto": "TCP"}  # fmt: skip
    own.write_text(json.dumps(event) + "\nthis is no event\n")
    steps: list[str] = []
    made = demonstrate(
        folder, scale=0.03, seed=7, lang="en", own_log=own, say=lambda step, _done, _of: steps.append(step), slices=6
    )
    assert {"Writing the day", "The day goes by", "Drawing warnings"} <= set(steps)
    return made


def test_every_event_is_counted(result: DemoResult) -> None:
    """All of the day's events and the user's own are there, and the one bad line is counted."""
    assert result.events == round(2_400_000 * 0.03) + round(1_620_000 * 0.03) + 2
    assert sum(side.rejected for side in result.sides) == 1
    assert result.own_log is not None
    assert (result.own_log.stored, result.own_log.rejected) == (1, 1)


def test_something_is_found_and_told(result: DemoResult) -> None:
    """Values that cross are warned, in both directions objects are told, and each message is on the record."""
    assert result.grade.findable > 0
    assert result.grade.found > 0
    for side in result.sides:
        assert side.sent > 0
        assert side.received > 0
        assert side.ledger_leaves > 0


def test_nothing_private_crossed(result: DemoResult) -> None:
    """Three private values are nowhere in what crossed, while a warned one is found: the search works."""
    assert [item.hits for item in result.searched] == [0, 0, 0]
    if result.control is not None:
        assert result.control.hits > 0
    kept = sorted((Path(result.folder) / "crossed").iterdir())
    assert [path.stat().st_size for path in kept] == [file.bytes for file in result.crossed]
    everything = b"".join(path.read_bytes() for path in kept)
    for secret in (b"10.16.", b"198.18.", b"tw-water-", b".tw.example", b"kr-health-"):
        assert secret not in everything


def test_the_truth_stays_out_of_the_nodes(result: DemoResult) -> None:
    """No node folder holds a truth file or the logs."""
    for side in ("tw", "kr"):
        assert not [path for path in (Path(result.folder) / side).rglob("*") if path.name.startswith(("truth", "eve-"))]


def test_exports_are_checked_or_said_not_to_be(result: DemoResult) -> None:
    """Each side has every export, and each has a verdict; none is refused by its tool."""
    assert {(item.side, item.format) for item in result.checked} == {
        (side, kind) for side in ("TW", "KR") for kind in ("rpz", "nftables", "suricata", "csv")
    }
    assert not [item for item in result.checked if item.result == "failed"]


def test_the_report_renders(result: DemoResult) -> None:
    """A real result renders in every language and encodes as one JSON document."""
    for lang in ("en", "zh-Hant", "ko"):
        stream = io.StringIO()
        render(result, lang, Console(file=stream, width=120, color_system=None))
        assert "{" not in stream.getvalue()
    assert json.loads(msgspec.json.encode(result.document()))["events"] == result.events


def test_a_folder_of_somebody_elses_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of the same name that the demonstration did not make is neither emptied nor used."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "thesis.txt").write_text("mine")
    with pytest.raises(Fault, match="E-DEMO-001"):
        run_demo(Listener(), scale=0.01)
    assert (tmp_path / FOLDER / "thesis.txt").read_text() == "mine"


def test_a_missing_own_log_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is not there stops the demonstration before it begins."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Fault, match="E-DEMO-002"):
        run_demo(Listener(), own_log=tmp_path / "none.json")
    assert not (tmp_path / FOLDER).exists()
