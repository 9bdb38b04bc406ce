"""``seawall run compact`` and ``run retention``: the lake gets smaller, and every answer stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.scenes import Shop, furnished
from journey.command_line import eve

FIGURES = {
    "job", "result", "files_before", "files_after", "rows_before", "rows_after", "bytes_before", "bytes_after",
    "days_removed", "seconds", "cpu_seconds", "peak_memory_bytes",
}  # fmt: skip
ANSWERS = (
    ("match",),
    ("sightings", "--limit", "1000"),
    ("warnings", "--limit", "1000"),
    ("observations", "--limit", "1000"),
)


def answers(shop: Shop) -> list[dict[str, object]]:
    """What the node says, without what it cost to say it."""
    cost = ("seconds", "cpu_seconds", "peak_memory_bytes")
    told = [shop.here(*answer) for answer in ANSWERS]
    return [{name: value for name, value in one.items() if name not in cost} for one in told]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A node that took in one file after another."""
    made = furnished(tmp_path)
    for minute in range(6):
        line = eve(
            f"2026-03-1{4 + minute % 2}T09:{minute:02d}:00.000000+0000", "203.0.113.77", "10.1.0.5", sensor="tpe-1"
        )
        made.here("ingest", made.write(f"more-{minute}.json", line))
    made.here("match")
    return made


def test_compaction_changes_no_answer(shop: Shop) -> None:
    """Matches, sightings, warnings and observations are the same document before and after."""
    before = answers(shop)
    figures = shop.here("run", "compact")
    assert figures.keys() == FIGURES
    assert figures["files_after"] < figures["files_before"]
    assert figures["rows_after"] < figures["rows_before"]
    assert figures["bytes_after"] < figures["bytes_before"]
    assert answers(shop) == before
    again = shop.here("run", "compact")
    assert again["files_after"] == again["files_before"] == figures["files_after"]
    assert "files became" in {job["job"]: job["last_result"] for job in shop.here("jobs")["items"]}["compact"]


def test_retention_follows_the_settings(shop: Shop) -> None:
    """Without a setting nothing leaves; with one, old days do, and what they matched stays."""
    before = shop.here("match")
    sightings = shop.here("sightings", "--limit", "1000")
    assert shop.here("run", "retention")["days_removed"] == 0
    with (shop.folder / "seawall.toml").open("a") as file:
        file.write("\n[lake]\nkeep_days = 30\nkeep_rollup_days = 60\n")
    figures = shop.here("run", "retention")
    assert figures.keys() == FIGURES
    assert figures["days_removed"] >= 2
    after = shop.here("match")
    assert (after["events"], after["hits"], after["sightings"]) == (0, before["hits"], before["sightings"])
    assert [item["value"] for item in shop.here("sightings", "--limit", "1000")["items"]] == [
        item["value"] for item in sightings["items"]
    ]


def test_only_an_administrator_maintains(shop: Shop) -> None:
    """Others are refused and hear which role it takes."""
    assert "E-FLOW-004" in shop.refused("run", "retention", "--token", shop.token_of("releaser"), status=3)


def test_a_setting_below_zero_is_refused(shop: Shop) -> None:
    """The sentence names the file."""
    with (shop.folder / "seawall.toml").open("a") as file:
        file.write("\n[lake]\nkeep_days = -1\n")
    assert "E-CONF-002" in shop.refused("run", "retention")
