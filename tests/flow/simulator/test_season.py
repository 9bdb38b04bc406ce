"""A simulated season: repeatable, in real shapes, with chains of stages whose truth is told."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from datetime import datetime
from pathlib import Path

import pytest

from seawall.flow.simulator import read_truth
from seawall.flow.simulator.season import Season, write_season
from seawall.flow.simulator.season_plan import NEXT
from seawall.model import Fault

DAYS, SCALE = 12, 0.001


@pytest.fixture(scope="module")
def season(tmp_path_factory: pytest.TempPathFactory) -> Season:
    """One short season, written once."""
    return write_season(tmp_path_factory.mktemp("season"), days=DAYS, scale=SCALE, seed=7)


def digest(folder: Path) -> dict[str, str]:
    """SHA-256 of each file by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_arguments_give_the_same_bytes(season: Season, tmp_path: Path) -> None:
    """The same arguments give the same bytes, another seed gives others."""
    assert digest(write_season(tmp_path / "again", days=DAYS, scale=SCALE, seed=7).folder) == digest(season.folder)
    other = write_season(tmp_path / "other", days=DAYS, scale=SCALE, seed=8)
    assert digest(other.folder) != digest(season.folder)


def test_lines_are_of_their_slice(season: Season) -> None:
    """Every slice holds the lines it says, and their moments lie in it but for the sensors whose clocks are wrong."""
    skewed = season.truth.clock_skew_seconds
    assert len(season.slices) == 2 * DAYS * 4
    for part in season.slices:
        events = [json.loads(line) for line in part.path.read_text().splitlines()]
        assert len(events) == part.events
        for event in events:
            at = datetime.fromisoformat(event["timestamp"]).timestamp() * 1_000_000
            assert event["host"] in skewed or part.begins <= at < part.ends + 1_000


def test_the_truth_tells_every_stage(season: Season) -> None:
    """Stages rise in time, name the side's sectors, and the likeliest transition is the commonest in the truth."""
    truth = read_truth(season.folder / "truth" / "truth.json")
    assert truth == season.truth
    first = Counter[bool]()
    for campaign in truth.campaigns:
        moments = [stage.at for stage in campaign.stages]
        assert moments == sorted(moments)
        assert {stage.side for stage in campaign.stages} == set(campaign.sides)
        for stage, following in zip(campaign.stages, campaign.stages[1:], strict=False):
            first[following.sector == NEXT[stage.sector][0]] += 1
    assert first[True] > first[False] / 2


def test_the_liar_knows_nothing_of_the_future(season: Season) -> None:
    """What the lying third tells on a day was met by a side on an earlier day, and it says to have met it before."""
    known: dict[str, str] = {}
    for part in sorted(season.slices, key=lambda one: one.begins):
        for line in part.path.read_text().splitlines():
            event = json.loads(line)
            if event["event_type"] == "alert":
                known.setdefault(event["alert"]["signature"] + event["src_ip"] + event["dest_ip"], part.path.name)
    claimed = 0
    for path in sorted((season.folder / "liar" / "logs").iterdir()):
        for event in map(json.loads, path.read_text().splitlines()):
            assert event["event_type"] == "alert"
            met = known.get(event["alert"]["signature"] + event["src_ip"] + event["dest_ip"])
            if met is not None:
                claimed += 1
                assert met[:7] < path.name[:7]
                day = season.begins + int(path.name[4:7]) * 86_400_000_000
                assert datetime.fromisoformat(event["timestamp"]).timestamp() * 1e6 < day - 9 * 86_400_000_000
    assert claimed


def test_the_public_list_holds_no_campaign(season: Season) -> None:
    """The list that both sides take names no value of a campaign, and the truth calls each of its values a trap."""
    with season.feed.open(newline="") as file:
        listed = {row["value"] for row in csv.DictReader(file)}
    assert listed == {trap.value for trap in season.truth.traps if trap.adversity == "shared-feed"}
    assert not listed & {item.value for item in season.truth.values}


def test_a_season_without_campaigns(tmp_path: Path) -> None:
    """Without campaigns only ordinary life, the list and the traps remain, and nobody lies."""
    quiet = write_season(tmp_path, days=2, scale=SCALE, seed=7, campaigns=False)
    assert quiet.truth.campaigns == ()
    assert quiet.truth.values == ()
    assert not (tmp_path / "liar").exists()


def test_numbers_out_of_range_are_refused(tmp_path: Path) -> None:
    """Days beyond the bound are refused before anything is written."""
    with pytest.raises(Fault) as caught:
        write_season(tmp_path / "x", days=1_000, scale=SCALE, seed=7)
    assert caught.value.code == "E-SIM-002"
    assert not (tmp_path / "x").exists()
