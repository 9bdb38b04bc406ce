"""Answers about controls: kept as figures, taken by their moment, and summed with nobody showing its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow.aggregates_scene import NAMES, community, quiet
from flow.neighbours import AT, neighbours
from seawall.exchange.aggregate import catalogue, read_period
from seawall.flow import aggregates, aggregates_counts, aggregates_round
from seawall.flow.aggregates_counts import count
from seawall.flow.aggregates_coverage import KEPT, forget_answers, keep_answers, show_answers
from seawall.flow.aggregates_view import show_round
from seawall.model import Fault, Refused

QUERY = catalogue().query("baseline-coverage")
DAY = 86_400_000_000
WEEK, THIS = read_period("2026-W10"), read_period("2026-W11")  # the moment of the tests is in the second


def answers(folder: Path, text: str) -> Path:
    """A file of answers."""
    file = folder / "answers.csv"
    file.write_text("control,guarded\n" + text)
    return file


def test_the_set_that_held_at_the_end_of_the_week_counts(tmp_path: Path) -> None:
    """Later answers change no earlier week, what is not named guards none, and all systems stand beside."""
    with neighbours(tmp_path, "taipei") as nodes:
        node = nodes["taipei"]
        keep_answers(node, answers(tmp_path, "PR.AA,900\nde.cm,100\n"), systems=1_000, at=AT - 30 * DAY)
        keep_answers(node, answers(tmp_path, "PR.AA,950\nDE.CM,400\n"), systems=1_000)
        for period, wanted in ((WEEK, (900, 100)), (THIS, (950, 400))):
            found = dict(zip(QUERY.bins, count(node, QUERY, period, "r", ["seoul"]).counts, strict=True))
            assert (found["pr.aa"], found["de.cm"], found["rc.co"], found["systems"]) == (*wanted, 0, 1_000)
        shown = show_answers(node)
        assert (shown["systems"], shown["sets"]) == (1_000, 2)
        assert shown["items"] == [
            {"control": "DE.CM", "guarded": 400, "share": 0.4}, {"control": "PR.AA", "guarded": 950, "share": 0.95},
        ]  # fmt: skip


def test_without_answers_of_the_last_year_nothing_is_counted(tmp_path: Path) -> None:
    """None at all, none before the week's end, and only old ones are refused with one sentence."""
    with neighbours(tmp_path, "taipei") as nodes:
        node = nodes["taipei"]
        with pytest.raises(Refused, match="E-FLOW-998"):
            count(node, QUERY, WEEK, "r", [])
        keep_answers(node, answers(tmp_path, "PR.AA,1\n"), systems=10)
        with pytest.raises(Refused, match="E-FLOW-998"):
            count(node, QUERY, WEEK, "r", [])
        keep_answers(node, answers(tmp_path, "PR.AA,1\n"), systems=10, at=AT - 400 * DAY)
        with pytest.raises(Refused, match="E-FLOW-998"):
            count(node, QUERY, WEEK, "r", [])
        assert forget_answers(node) == {"at": None, "systems": 0, "sets": 0, "items": []}


@pytest.mark.parametrize(
    "line",
    ["PR.AA,11", "PR.AA,-1", "PR.AA,many", "PR.AA,", "XX.YY,1", "systems,1", "PR.AA-01,1", "GV.OC,1\nPR.AA,1\npr.aa,1",
     "PR.AA,٣", "PR.AA,1e3"],
)  # fmt: skip
def test_a_line_that_cannot_be_changes_nothing(tmp_path: Path, line: str) -> None:
    """More than were asked, no number, no control, a control twice: the line is named, and the former answers stay."""
    with neighbours(tmp_path, "taipei") as nodes:
        node = nodes["taipei"]
        keep_answers(node, answers(tmp_path, "PR.AA,5\n"), systems=10, at=AT - DAY)
        before = show_answers(node)
        with pytest.raises(Fault, match=r"E-FLOW-996: answers.csv, line \d: each of the controls GV.OC to RC.CO"):
            keep_answers(node, answers(tmp_path, line + "\n"), systems=10)
        assert show_answers(node) == before


def test_numbers_and_moments_that_cannot_be_are_said(tmp_path: Path) -> None:
    """No system, too many, or answers of tomorrow."""
    with neighbours(tmp_path, "taipei") as nodes:
        for systems, at in ((0, AT), (10**9, AT), (5, AT + DAY)):
            with pytest.raises(Fault, match="E-FLOW-997"):
                keep_answers(nodes["taipei"], answers(tmp_path, "PR.AA,1\n"), systems=systems, at=at)


def test_only_so_many_sets_are_kept(tmp_path: Path) -> None:
    """The latest of them; the same moment again replaces its set."""
    with neighbours(tmp_path, "taipei") as nodes:
        node = nodes["taipei"]
        for day in range(KEPT + 5):
            keep_answers(node, answers(tmp_path, f"PR.AA,{day}\n"), systems=100, at=AT - (KEPT + 5 - day) * DAY)
        assert keep_answers(node, answers(tmp_path, "PR.AA,99\n"), systems=100, at=AT - DAY)["sets"] == KEPT
        assert show_answers(node)["items"] == [{"control": "PR.AA", "guarded": 99, "share": 0.99}]


def test_five_nodes_learn_how_many_systems_a_control_guards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums are exact without noise; a control that one member guards is suppressed; who has no answers is told."""
    monkeypatch.setattr(aggregates_round, "draw", quiet)
    with community(tmp_path, monkeypatch, *NAMES) as scene:
        monkeypatch.setattr(aggregates_round, "count", aggregates_counts.count)
        for place, name in enumerate(NAMES[:4]):
            text = f"PR.AA,{500 + place}\nRS.MA,{300 * (place == 0)}\n"
            keep_answers(scene.nodes[name], answers(tmp_path, text), systems=1_000, at=AT - 20 * DAY)
        round_id = scene.start(query=QUERY.name)
        with pytest.raises(Refused, match="E-FLOW-998"):
            aggregates.join(scene.nodes[NAMES[4]], round_id)
        keep_answers(scene.nodes[NAMES[4]], answers(tmp_path, "PR.AA,504\n"), systems=1_000, at=AT - 20 * DAY)
        assert scene.join(round_id, *NAMES[1:]) == []
        shown = show_round(scene.nodes["seoul"], scene.kept("seoul", round_id))
        result = shown["result"]
        assert isinstance(result, dict)
        found = {row["bin"]: (row["count"], row["suppressed"]) for row in result["bins"]}
        assert found["pr.aa"][0] == sum(range(500, 505))
        assert found["systems"][0] == 5_000
        assert found["rs.ma"][0] is None
        assert found["rs.ma"][1]
