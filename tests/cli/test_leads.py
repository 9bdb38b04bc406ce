"""``seawall leads`` and ``worth`` on the command line."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from journey.command_line import SeawallNode, here
from seawall.flow.node import Node
from seawall.model import ObservableType, Pap, SightingSummary, Tlp
from seawall.model.hit import Hit

HOUR = 3_600_000_000
BEGINS = 1_773_446_400_000_000
IPV4 = ObservableType.IPV4


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """A node whose own systems met 30 attackers some hours after a peer had told of them."""
    made = SeawallNode(tmp_path_factory.mktemp("leads") / "node", "TW")
    with Node.open(made.folder) as opened:
        for number in range(30):
            value, first = f"45.76.1.{number + 1}", BEGINS + number * 9 * HOUR
            met = first + (12 + number % 7) * HOUR + number * 77_000_000
            told = SightingSummary(
                IPV4, value, "seoul", first, first, 2, ("energy",), None, ("alert",), Tlp.AMBER, Pap.AMBER, "seoul",
                told_at=first + HOUR,
            )  # fmt: skip
            opened.store.sightings.put([told])
            opened.store.hits.put([Hit(IPV4, value, "TW", "water", met, met, 1, None, "alert", "siem", met)])
    return made


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """A node that knows nothing."""
    return SeawallNode(tmp_path_factory.mktemp("empty") / "node", "TW")


def test_leads_are_listed_with_their_whole(node: SeawallNode) -> None:
    """JSON is a list with its whole and its cost; text is a table with everything first and the meaning of flags."""
    document = node.here("leads", "--by", "sector")
    assert {item["group"] for item in document["items"]} == {"energy", "water"}
    assert document["whole"]["both"] == document["whole"]["told_in_time"] == 30
    assert {"next", "state", "clocks", "seconds", "peak_memory_bytes"} <= document.keys()
    text = here("--node", node.folder, "leads")
    assert text.status == 0
    assert "seoul" in text.out
    assert "30 values were met on both sides." in text.err


def test_single_values_are_paged(node: SeawallNode) -> None:
    """By observable every value is told once, page after page."""
    first = node.here("leads", "--by", "observable", "--limit", "20")
    rest = node.here("leads", "--by", "observable", "--limit", "20", "--after", str(first["next"]))
    values = [item["value"] for page in (first, rest) for item in page["items"]]
    assert (len(values), len(set(values)), rest["next"]) == (30, 30, None)


def test_a_drawing_and_a_page_are_written(node: SeawallNode, tmp_path: Path) -> None:
    """The drawing is SVG; the page is one file in the reader's language; both stand without scripts."""
    node.here("leads", "--by", "type", "--plot", tmp_path / "leads.svg")
    assert ElementTree.parse(tmp_path / "leads.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own
    document = node.here("worth", "--replay", "--days", "3650", "-o", tmp_path / "page.html")
    assert (document["units"], document["seen_first_there"]) == (30, 30)
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<script" not in page
    assert document["headline"] in page
    node.here("worth", "--replay", "--days", "3650", "-o", tmp_path / "page.svg")
    assert ElementTree.parse(tmp_path / "page.svg").getroot().tag.endswith("svg")  # noqa: S314 - our own


def test_too_little_says_what_is_missing(empty: SeawallNode) -> None:
    """An empty node answers with a sentence, and status 0."""
    for command in (("leads",), ("leads", "--by", "observable"), ("worth",), ("worth", "--replay")):
        text = here("--node", empty.folder, *command)
        assert (text.status, "Not enough data" in text.out) == (0, True), command


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("leads", "--by", "weather"), "E-FLOW-776"),
        (("leads", "--null", "none"), "E-FLOW-776"),
        (("leads", "--peer", "nobody"), "E-FLOW-775"),
        (("leads", "--since", "yesterday"), "E-MODEL-001"),
        (("leads", "--by", "observable", "--plot", "x.svg"), "E-CLI-091"),
        (("worth", "--days", "3"), "E-CLI-092"),
        (("worth", "--replay", "--month", "2026-01"), "E-CLI-093"),
        (("worth", "--month", "January"), "E-FLOW-777"),
    ],
)
def test_wrong_words_are_one_sentence(node: SeawallNode, arguments: tuple[str, ...], code: str) -> None:
    """Each mistake has its code."""
    answer = here("--node", node.folder, *arguments)
    assert (answer.status, answer.err.partition(":")[0]) == (2, code)
