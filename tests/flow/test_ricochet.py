"""The ricochet of a node's campaigns, at the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from journey.command_line import SeawallNode, here
from seawall.flow.node import Node
from seawall.model.campaign import Arrival, Campaign

HOUR = 3_600_000_000
DAY = 24 * HOUR
BEGINS = 1_777_000_000_000_000


@pytest.fixture
def node(tmp_path: Path) -> SeawallNode:
    """Twelve campaigns from education in Taiwan to defence in Korea, and one that is a peer's word alone."""
    made = SeawallNode(tmp_path / "node", "TW")
    with Node.open(made.folder) as opened:
        opened.store.campaigns.put(campaign(number) for number in range(12))
        opened.store.campaigns.put([campaign(40, only_from="liar")])
    return made


def campaign(number: int, only_from: str | None = None) -> Campaign:
    first = BEGINS + number * DAY
    arrivals = (
        Arrival("TW", "education", first, first, 1),
        Arrival("KR", "defence", first + 6 * HOUR, first + 6 * HOUR, 1),
    )
    return Campaign(
        f"campaign--{number}", "c", first, first + 6 * HOUR, ("TW", "KR"), ("education", "defence"), 2,
        arrivals=arrivals, only_from=only_from,
    )  # fmt: skip


def test_who_is_hit_next_is_told_with_counts_and_intervals(node: SeawallNode, tmp_path: Path) -> None:
    """By sector, by side and by both; in words and as a picture; one peer's word alone is left out."""
    told = node.here("ricochet")
    (row,) = told["items"]
    assert (row["from"], row["to"], row["count"], row["campaigns"]) == ("education", "defence", 12, 12)
    assert row["share_interval"][0] > 0.7
    assert row["warn_within_hours"] == 6.0
    assert (told["weakest"], told["left_out_one_peer_alone"], told["next"]) == ("education", 1, None)
    assert node.here("ricochet", "--by", "side")["items"][0]["to"] == "KR"
    assert node.here("ricochet", "--by", "side-sector")["items"][0]["from"] == "TW education"
    picture = tmp_path / "r.svg"
    words = here("--node", node.folder, "ricochet", "--from", "education", "--plot", picture).out
    assert "If education is hit today, warn defence within 6.0 hours (12 of 12 campaigns" in words
    assert "12/12" in picture.read_text()
    assert "Not enough data" in here("--node", node.folder, "ricochet", "--from", "defence").out


def test_nothing_and_nonsense_are_told_in_a_sentence(node: SeawallNode, tmp_path: Path) -> None:
    """No campaign gives no rate; an unknown grouping and a bound of no time are refused."""
    empty = SeawallNode(tmp_path / "empty", "TW")
    assert empty.here("ricochet")["items"] == []
    assert here("--node", empty.folder, "ricochet").out.startswith("Not enough data")
    assert here("--node", node.folder, "ricochet", "--by", "moon").err.startswith("E-FLOW-807")
    assert here("--node", node.folder, "ricochet", "--hours", "0").err.startswith("E-FLOW-808")
