"""``seawall predict`` on the command line."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from attack_scenes import world
from flow.predict_scene import lived
from journey.command_line import SeawallNode, here
from seawall.cli.predict_plot import plot_grades, plot_list

WORLD = world(parties=3, days=10, attackers=60, noise=10)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a node that lived through ten days."""
    root = tmp_path_factory.mktemp("predict-cli")
    with lived(root, WORLD):
        pass
    return root / "node"


def test_a_list_as_json_text_and_picture(folder: Path, tmp_path: Path) -> None:
    """JSON has the document's keys and the cost, text a table with reasons, the picture a bar for each value."""
    picture = tmp_path / "next.svg"
    document = here("--node", folder, "--json", "predict", "--top", "5", "--days", "10", "--plot", picture).document
    assert {"items", "next", "state", "method", "for_day", "for", "notes", "missing", "seconds"} <= document.keys()
    assert (document["state"], len(document["items"])) == ("ok", 5)
    assert any("newest record" in note for note in document["notes"])
    drawn = ElementTree.parse(picture).getroot()  # noqa: S314 - our own file
    assert len(drawn.findall("{*}rect")) == 6
    told = here("--node", folder, "predict", "--top", "5", "--days", "10", "--unmet")
    assert "It has not been met here in these days." in " ".join(told.out.split())
    assert "The newest record is of" in told.err


def test_grades_as_json_and_picture(folder: Path, tmp_path: Path) -> None:
    """One row a method with intervals and sample sizes; the picture has a line for precision and one for recall."""
    picture = tmp_path / "grades.svg"
    document = here(
        "--node", folder, "--json", "predict", "--evaluate", "--days", "10", "--method", "knn", "--plot", picture
    ).document
    [row] = document["items"]
    low, high = row["precision_between"]
    assert low <= row["precision"] <= high
    assert row["hits"] <= row["listed"]
    assert "hits_with_liar" not in row
    assert "knn: precision" in picture.read_text()


def test_wrong_usage_is_a_sentence(folder: Path) -> None:
    """An unknown method, a sector that is not ours, liars without grades."""
    assert here("--node", folder, "predict", "--method", "oracle").err.startswith("E-WARN-135")
    assert here("--node", folder, "predict", "--sector", "space").err.startswith("E-FLOW-790")
    assert here("--node", folder, "predict", "--liars").err.startswith("E-CLI-094")


def test_a_fresh_node_says_what_is_missing(tmp_path: Path) -> None:
    """No list and no grades, status 0, and the sentence that says why; a picture is drawn all the same."""
    node = SeawallNode(tmp_path / "node", "TW")
    document = node.here("predict", "--plot", tmp_path / "empty.svg")
    assert (document["items"], document["state"]) == ([], "not enough data")
    assert document["missing"] == ["Neither our sensors nor peers have told of anything hostile in these days."]
    assert "Not enough data" in (tmp_path / "empty.svg").read_text()
    assert node.here("predict", "--evaluate", "--plot", tmp_path / "grades.svg")["items"] == []
    assert here("--node", node.folder, "predict").out == "Not enough data to predict from.\n"


def test_values_cannot_write_into_a_picture() -> None:
    """What an attacker or peer wrote is text in the drawing and nothing else."""
    nasty = '<script>x</script>\x1b"&'
    item = {"rank": 1, "value": nasty, "score": 1.0, "met_here": False, "seen_by": [nasty]}
    drawn = plot_list([item], title=nasty, empty="")
    assert "<script" not in drawn
    ElementTree.fromstring(drawn.replace("\x1b", ""))  # noqa: S314 - our own text
    assert "silent" in plot_grades(
        [{"method": "ranker", "precision": None, "recall": None, "precision_between": [0, 1], "recall_between": [0, 1],
          "listed": 0, "hits": 0, "came": 0}],
        title="t", foot="f", words={"precision": "p", "recall": "r", "silent": "silent"},
    )  # fmt: skip
