"""The report, the search through what crossed, and the exports' checkers."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from seawall.flow.demo.checkers import Checked, check
from seawall.flow.demo.crossing import Crossed
from seawall.flow.demo.grade import Warned, grade
from seawall.flow.demo.report import render
from seawall.flow.demo.result import DemoResult, OwnLog, SideFigures
from seawall.flow.demo.story import Story
from seawall.flow.simulator import FORMAT, Truth, ValueTruth
from seawall.model import ObservableType

STORY = Story("domain", "login.a.test", "TW", "water", 10**15, 10**15 + 10**9, "KR", "health", 10**15 + 10**10, True)


@pytest.fixture
def result(tmp_path: Path) -> DemoResult:
    """A finished demonstration of two nodes."""
    crossing = Crossed(tmp_path / "crossed")
    crossing.keep("TW", "KR", "POST objects", b'{"objects":[{"name":"login.a.test"}]}')
    crossing.keep("KR", "TW", "GET objects", b"")
    truth = Truth(FORMAT, ("TW", "KR"), (ValueTruth(ObservableType.DOMAIN, "login.a.test", "C01", True, True),))
    sides = tuple(SideFigures(side, 1_000, 0, 200, 3, 2, 0, 1, 1, 5, {"rpz": 1, "csv": 2}) for side in ("TW", "KR"))
    return DemoResult(
        scale=0.1,
        seed=7,
        folder=str(tmp_path),
        events=2_000,
        story=STORY,
        sides=sides,
        crossed=tuple(crossing.files),
        searched=tuple(crossing.search([("the address of a machine that was hit", "10.16.1.9")])),
        control=crossing.search([("a warned value", "login.a.test")])[0],
        grade=grade(
            [Warned("domain", "login.a.test", "TW", True, 9e3, 9e3), Warned("ipv4", "240.0.0.1", "TW", True)], truth
        ),
        checked=(Checked("TW", "rpz", "named-checkzone", "not installed"),),
        own_log=OwnLog("mine.json", "TW", 10, 9, 1, 0, 2, ("ipv4 240.0.0.9",)),
        quiet=None,
        seconds=41.5,
        cpu_seconds=60.25,
        peak_memory_bytes=300 * 2**20,
    )


@pytest.mark.parametrize("lang", ["en", "zh-Hant", "ko"])
def test_the_report_is_whole_in_every_language(result: DemoResult, lang: str) -> None:
    """Story first, every table there, no place left unfilled."""
    stream = io.StringIO()
    render(result, lang, Console(file=stream, width=120, color_system=None))
    text = stream.getvalue()
    assert "{" not in text
    for part in ("login.a.test", "10.16.1.9", "mine.json", "named-checkzone", "240.0.0.9"):
        assert part in text
    assert text.index("login.a.test") < text.index("10.16.1.9")


def test_what_was_not_checked_is_said(result: DemoResult) -> None:
    """A tool that is not installed is named, not passed over."""
    stream = io.StringIO()
    render(result, "en", Console(file=stream, width=120, color_system=None))
    assert "not installed, so not checked" in stream.getvalue()


def test_json_keys(result: DemoResult) -> None:
    """The public keys are there, numbers are numbers, and the whole is one JSON document."""
    document = json.loads(msgspec.json.encode(result.document()))
    assert (document["events"], document["warnings"], document["recall"], document["precision"]) == (2_000, 2, 1.0, 0.5)
    assert document["median_usable_lead_seconds"] == 9_000.0
    assert document["by_adversity"] == {"ordinary": 1}
    assert document["crossed"]["files"] == 1
    assert document["story"]["first_seen"].endswith("Z")
    assert document["private_values_searched"][0]["hits"] == 0
    assert document["search_control"]["hits"] == 1


def test_search_counts_every_hit(tmp_path: Path) -> None:
    """A private value that did cross is found as often as it stands there."""
    crossing = Crossed(tmp_path)
    crossing.keep("TW", "KR", "a", b"10.0.0.1 and 10.0.0.1")
    crossing.keep("KR", "TW", "b", b"10.0.0.1")
    assert [item.hits for item in crossing.search([("x", "10.0.0.1"), ("y", "10.0.0.2")])] == [3, 0]
    assert crossing.bytes == 29
    assert len(list(tmp_path.iterdir())) == 2


def test_a_format_without_a_tool(tmp_path: Path) -> None:
    """A CSV needs no checker, and says so."""
    assert check("TW", "csv", tmp_path / "x.csv").result == "no tool"


@pytest.mark.tool("named-checkzone")
def test_a_broken_zone_is_refused(tmp_path: Path) -> None:
    """The real tool's refusal is reported with what it said."""
    zone = tmp_path / "zone"
    zone.write_text("this is no zone\n")
    verdict = check("KR", "rpz", zone)
    assert (verdict.tool, verdict.result) == ("named-checkzone", "failed")
    assert verdict.detail
