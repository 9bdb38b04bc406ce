"""The quiet demonstration, small: two real nodes that only a relay process connects."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from seawall.exchange.sizes import is_padded
from seawall.flow.demo import quiet
from seawall.flow.demo.report import render
from seawall.flow.demo.result import DemoResult
from seawall.flow.demo.run import demonstrate

pytestmark = [pytest.mark.tool("libsodium"), pytest.mark.timeout(400)]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoResult]:
    """Two slices of a day, and one comparison when everything is old enough."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(quiet, "LATER", (25,))
        folder = tmp_path_factory.mktemp("quiet")
        yield demonstrate(
            folder, scale=0.03, seed=7, lang="en", own_log=None, say=lambda *_: None, slices=2, in_private=True
        )


def test_what_both_hold_is_found_and_nothing_else_claimed(result: DemoResult) -> None:
    """Values that one side suspects and the other suspects or met are warned about on evidence, and none wrongly."""
    assert result.quiet is not None
    assert result.quiet.common > 0
    assert result.grade.found > 0
    assert result.grade.false == 0


def test_as_much_is_found_as_with_every_suspect_told(result: DemoResult) -> None:
    """Recall is within 0.02 of what telling every suspect would have found on the same day, precision not lower; both
    are in the JSON document."""
    assert result.quiet is not None
    assert result.grade.recall is not None
    assert result.quiet.plain_recall is not None
    assert result.quiet.plain_precision is not None
    assert result.grade.precision is not None
    assert result.grade.recall >= result.quiet.plain_recall - 0.02 > 0.5
    assert result.grade.precision >= result.quiet.plain_precision
    told = result.document()["quiet"]
    assert isinstance(told, dict)
    assert told["plain_recall"] == result.quiet.plain_recall


def test_the_relay_saw_only_sealed_messages(result: DemoResult) -> None:
    """Neither private nor warned values nor names of nodes stand in anything that reached the relay."""
    assert result.control is None
    assert len(result.searched) >= 3
    assert [item.hits for item in result.searched] == [0] * len(result.searched)
    everything = b"".join((Path(result.folder) / "crossed" / file.file).read_bytes() for file in result.crossed)
    assert len(everything) > 100_000
    for known in (b"taipei", b"seoul", b"Taipei", b"early-warning", b"indicator", b"sighting", b".test"):
        assert known not in everything


def test_messages_show_only_classes_of_sizes(result: DemoResult) -> None:
    """Whatever is laid into a mailbox has a padded size; the rest are short requests to delete."""
    sizes = [file.bytes for file in result.crossed]
    assert any(size >= 8_192 for size in sizes)
    assert all(is_padded(size) or size < 8_192 for size in sizes)


@pytest.mark.parametrize("lang", ["en", "zh-Hant", "ko"])
def test_the_report_says_what_waiting_cost(result: DemoResult, lang: str) -> None:
    """Comparisons, waits and lost lead are told in every language, with no place left unfilled."""
    figures = quiet.QuietFigures(27, 86_400, 15, 3_600.0, 6_000.0, 5_000.0, 0.957, 1.0, 6_100.0)
    stream = io.StringIO()
    render(msgspec.structs.replace(result, quiet=figures), lang, Console(file=stream, width=200, color_system=None))
    assert "{" not in stream.getvalue()
    assert "27" in stream.getvalue()
    assert "95.7" in stream.getvalue()
