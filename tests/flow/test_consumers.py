"""Doctor lists who fetches from a node and who enforces for it, and says of whom something is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.agent_scenes import put
from flow.neighbours import Clock
from seawall.flow.agent_reports import STANDING, AgentStanding
from seawall.flow.book_epoch import begin_epoch
from seawall.flow.consumers import consumers_told, list_consumers, list_standing, waits_told
from seawall.flow.doctor import examine
from seawall.flow.node import Node, create_node
from seawall.flow.points import PointWish, add_point, change_point, remove_point
from seawall.flow.served_feeds import FeedDesk
from seawall.flow.served_feeds_kept import add_feed, list_feeds, remove_feed, rotate_feed
from seawall.model.agent import ToolCondition, ToolState

DAY = 86_400_000_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node whose clock is moved by hand, with a point and a consumer there."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    with Node.open(tmp_path / "node", clock=Clock()) as opened:
        add_point(opened, PointWish(name="edge", zone="internet-edge", tools=("nftables",)))
        yield opened


def test_a_consumer_is_silent_old_or_cleared_too_widely(node: Node) -> None:
    """Each with its clause; a fresh one that fetches has none, and a new token counts from anew."""
    assert consumers_told(node) == (True, "no tool fetches a feed")
    token = str(add_feed(node, "wall", format="text", point="edge")["token"])
    (one,) = list_consumers(node)
    assert (one["last_seen"], one["token_days"], one["wrong"], one["wider_than_usual"]) == (None, 0, [], False)
    node.clock.moment += 3 * DAY  # type: ignore[attr-defined]
    assert consumers_told(node) == (False, "wall never fetched")
    FeedDesk(node).admitted("wall", token)
    (one,) = list_consumers(node)
    assert (one["wrong"], list_feeds(node)[0]["last_seen"]) == ([], one["last_seen"])
    node.clock.moment += 400 * DAY  # type: ignore[attr-defined]
    (one,) = list_consumers(node)
    assert one["wrong"] == [
        "has not fetched for 400 days",
        "has a token of 403 days; 'seawall feeds rotate wall' gives another",
    ]
    FeedDesk(node).admitted("wall", str(rotate_feed(node, "wall")["token"]))
    assert consumers_told(node) == (True, "1 fetch, each cleared for its place")
    change_point(node, PointWish(name="edge", place="cloud"))
    assert consumers_told(node)[1] == "wall is cleared for TLP:AMBER+STRICT, and its place cloud for at most TLP:AMBER"
    remove_point(node, "edge")
    assert consumers_told(node) == (False, "wall is for the point edge, which is gone")
    remove_feed(node, "wall")
    assert list_consumers(node) == []


def test_a_point_shows_its_agent_and_its_drift(node: Node) -> None:
    """Silence, a tool that is down, and what the agent refused of us are said; what was repaired is counted."""
    assert list_standing(node)[0]["agent"] is False
    with_agent = msgspec.structs.replace(node.store.orders.point("edge"), fingerprint="a" * 64)
    node.store.orders.save_point(with_agent, node.clock())
    assert list_standing(node)[0]["wrong"] == ["its agent never reported"]
    put(node)
    tools = (ToolState("nftables", ToolCondition.DOWN, 0, missing=3, unexpected=2, problem="gone"),)
    at, last = node.clock(), node.store.orders.last()
    told = AgentStanding(1, at, at, last - 1, tools, (), 5, 1, stopped=False, cleared=False, trouble="No.", hits=0)
    node.store.notes.set(STANDING.format(point="edge"), msgspec.json.encode(told).decode())
    (one,) = list_standing(node)
    assert (one["behind"], one["missing"], one["unexpected"], one["refused"]) == (1, 3, 2, 1)
    assert one["wrong"] == ["nftables is down", "No."]
    node.clock.moment += 600_000_000  # type: ignore[attr-defined]
    assert "its agent is silent for 600 seconds" in str(list_standing(node)[0]["wrong"])


def test_doctor_tells_of_agents_that_wait_after_a_restore(node: Node) -> None:
    """A restored book with agents is a failed check that names the command; without agents nothing waits."""
    begin_epoch(node, node.clock(), node.clock() - DAY)
    assert waits_told(node)[0] is True
    with_agent = msgspec.structs.replace(node.store.orders.point("edge"), fingerprint="a" * 64)
    node.store.orders.save_point(with_agent, node.clock())
    assert waits_told(node)[0] is False
    report = examine(node.folder)
    (check,) = [one for one in report.checks if one["name"] == "restored book"]
    assert "edge wait until two people run 'seawall agent resume'" in str(check["detail"])
    assert [one["name"] for one in report.points] == ["edge"]
    assert report.consumers == []
