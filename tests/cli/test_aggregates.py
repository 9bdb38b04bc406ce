"""``seawall aggregates`` as people type it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from flow.aggregates_scene import NAMES, Community, community, quiet
from journey.command_line import Answer, here
from seawall.flow import aggregates_round
from seawall.flow.node import Node
from seawall.model import system_clock

WEEK = "2026-W10"


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Community]:
    """Three nodes with exact sums, and commands on them."""
    monkeypatch.setattr(aggregates_round, "draw", quiet)
    with community(tmp_path, monkeypatch, *NAMES[:3]) as found:
        for node in found.nodes.values():
            node.clock.moment = system_clock()  # type: ignore[attr-defined]
        yield found


def say(scene: Community, name: str, *arguments: str | Path) -> Answer:
    """Run a command on one node, and let what it posted cross."""
    answer = here("--node", scene.nodes[name].folder, "aggregates", *arguments)
    scene.deliver()
    return answer


def test_a_round_from_the_first_command_to_the_drawing(scene: Community, tmp_path: Path) -> None:
    """Start, list, join, show in text and JSON, and a plot that is well-formed."""
    for name in NAMES[:3]:
        scene.counts[name] = {"energy": 70}
    started = say(scene, "taipei", "start", "attacks-by-sector", "--with", "seoul,tokyo", "--period", WEEK, "--json")
    assert started.status == 0, started.err
    round_id = started.document["round"]
    assert (started.document["state"], started.document["set_ups"]) == ("joined", 1)
    listed = say(scene, "seoul", "list", "--json").document
    assert [(row["round"], row["state"]) for row in listed["items"]] == [(round_id, "invited")]
    early = say(scene, "taipei", "show", round_id, "--plot", tmp_path / "early.svg")
    assert (early.status, early.err[:10]) == (3, "E-FLOW-673")
    for name in ("seoul", "tokyo"):
        assert say(scene, name, "join", round_id[:8]).status == 0
    shown = say(scene, "seoul", "show", round_id[:8], "--json", "--plot", tmp_path / "week.svg").document
    energy = next(row for row in shown["result"]["bins"] if row["bin"] == "energy")
    assert (shown["state"], energy["count"], energy["nodes"]) == ("finished", 210, 3)
    assert shown["budget"]["left"] == 7
    drawing = ElementTree.parse(tmp_path / "week.svg")  # noqa: S314 - our own drawing
    words = [text.text or "" for text in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert any(word.startswith("210 (") for word in words)
    assert "suppressed: too few nodes" in words
    audited = say(scene, "tokyo", "audit", round_id, "--json").document
    assert (audited["holds"], [row["count"] for row in audited["items"] if row["bin"] == "energy"]) == (True, [70])
    assert say(scene, "tokyo", "audit", "f" * 32).err.startswith("E-STORE-220")
    plain = say(scene, "tokyo", "show", round_id)
    assert "standard deviation" in plain.err
    assert "7 of 8 releases left" in plain.err
    assert "210" in plain.out


def test_the_catalogue_tells_what_may_be_asked(scene: Community) -> None:
    """Three questions, who agreed, the budget; a question that cannot be counted yet says what it waits for."""
    document = say(scene, "taipei", "catalogue", "--json").document
    assert [(item["name"], item["available"]) for item in document["items"]] == [
        ("attacks-by-sector", True), ("incident-types", True), ("baseline-coverage", True),
    ]  # fmt: skip
    assert sorted(document["agreed"]) == ["seoul", "this node", "tokyo"]
    assert {item["epsilon"] for item in document["items"]} == {0.5}
    assert "baseline-coverage" in say(scene, "taipei", "catalogue").out
    refused = say(scene, "taipei", "start", "baseline-coverage", "--with", "seoul,tokyo", "--period", WEEK)
    assert (refused.status, refused.err[:10]) == (3, "E-FLOW-998")


def test_answers_about_controls_are_kept_shown_and_let_go(scene: Community, tmp_path: Path) -> None:
    """A file and how many systems were asked; then the question can be asked; then they are gone."""
    file = tmp_path / "answers.csv"
    file.write_text("control,guarded\nPR.AA,700\nGV.SC,20\n")
    kept = say(scene, "taipei", "coverage", file, "--systems", "1000", "--at", "2026-03-01", "--json").document
    assert (kept["at"], kept["systems"], kept["sets"]) == ("2026-03-01T00:00:00.000000Z", 1_000, 1)
    shown = say(scene, "taipei", "coverage")
    assert "PR.AA" in shown.out
    asked = say(scene, "taipei", "start", "baseline-coverage", "--with", "seoul,tokyo", "--period", WEEK)
    assert asked.status == 0, asked.err
    for wrong in ([file], ["--systems", "5"], [file, "--systems", "5", "--clear"], ["--at", "2026-03-01"]):
        answer = say(scene, "taipei", "coverage", *wrong)
        assert (answer.status, answer.err[:9]) == (2, "E-CLI-126")
    assert say(scene, "taipei", "coverage", "--clear", "--json").document["items"] == []
    assert "No answers are kept" in (gone := say(scene, "taipei", "coverage")).out + gone.err


def test_two_nodes_are_warned_on_the_command_line(scene: Community) -> None:
    """Refused with the plain sentence; with the flag the sentence stays on the screen."""
    refused = say(scene, "taipei", "start", "attacks-by-sector", "--with", "seoul", "--period", WEEK)
    assert (refused.status, "hides nothing" in refused.err) == (3, True)
    asked = ("start", "attacks-by-sector", "--with", "seoul", "--period", WEEK, "--two-nodes-hide-nothing")
    answer = say(scene, "taipei", *asked)
    assert (answer.status, "hides nothing" in answer.err) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("start", "nothing", "--with", "seoul", "--period", WEEK), "E-EXCHANGE-849"),
        (("start", "attacks-by-sector", "--with", "seoul", "--period", "spring"), "E-EXCHANGE-850"),
        (("start", "attacks-by-sector", "--with", "osaka", "--period", WEEK), "E-STORE-0"),
        (("start", "attacks-by-sector", "--with", " , ", "--period", WEEK), "E-FLOW-670"),
        (("show", "0123"), "E-STORE-220"),
        (("join", "f" * 32), "E-STORE-220"),
        (("rerun", "f" * 32, "--without", "seoul"), "E-STORE-220"),
        (("import", "nowhere.json"), "E-CLI-003"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(scene: Community, arguments: tuple[str, ...], code: str) -> None:
    """A stable code, no traceback."""
    answer = say(scene, "taipei", *arguments)
    assert answer.status in (2, 3)
    assert answer.err.startswith(code)
    assert answer.err.count("\n") == 1


def test_a_file_that_is_no_round_is_refused(scene: Community, tmp_path: Path) -> None:
    """Something else, or another node's rubbish, yields nothing and says so."""
    for body in (b"", b"{}", b"\xff\x00", json.dumps({"format": "seawall-aggregate-1", "documents": ["x"]}).encode()):
        path = tmp_path / "file"
        path.write_bytes(body)
        answer = say(scene, "taipei", "import", path)
        assert answer.status in (2, 3)


def test_an_empty_list_says_so(scene: Community) -> None:
    """One sentence."""
    assert say(scene, "seoul", "list").out == "No aggregate round yet.\n"


def test_a_reader_looks_and_does_not_act(scene: Community) -> None:
    """Listing takes reading; agreeing, starting and joining take the right to release."""
    folder = scene.nodes["taipei"].folder
    token = here("--node", folder, "users", "add", "ren", "--role", "reader", "--json").document["token"]
    (folder / "ren.token").write_text(token)
    with Node.open(folder, token=folder / "ren.token"):
        pass
    for arguments, status in ((("list",), 0), (("catalogue",), 0), (("agree",), 3), (("join", "f" * 32), 3)):
        assert here("--node", folder, "--token", folder / "ren.token", "aggregates", *arguments).status == status
