"""``seawall scores`` on the command line."""

from __future__ import annotations

from pathlib import Path

from cli.scenes import ATTACKER, Shop
from journey.command_line import SeawallNode, here


def test_scores_of_a_node(shop: Shop) -> None:
    """What the sensors met is scored with its parts; one value can be asked for, defanged too."""
    listed = shop.here("scores", "--limit", "5")
    assert {"items", "next", "weighed", "cut"} == listed.keys()
    assert ATTACKER in {item["value"] for item in listed["items"]}
    [one] = shop.here("scores", ATTACKER.replace(".", "[.]"))["items"]
    assert one.keys() == {"type", "value", "score", "half_life_seconds", "fades_at", "parties", "parts"}
    assert abs(sum(part["effect"] for part in one["parts"]) - one["score"]) < 0.5
    assert one["half_life_seconds"] == 10 * 86_400


def test_explaining_in_words(shop: Shop) -> None:
    """``--explain`` prints each part with its effect, also for a value of which nobody says anything."""
    told = here("--node", shop.folder, "scores", ATTACKER, "--explain").out
    assert "Our own sensors saw it" in told
    assert "Nobody says anything of it." in here("--node", shop.folder, "scores", "192.0.2.200", "--explain").out


def test_a_fresh_node_has_nothing_to_score(tmp_path: Path) -> None:
    """One sentence instead of an empty table; an unknown type is a sentence with its code."""
    node = SeawallNode(tmp_path / "node", "TW")
    assert node.here("scores")["items"] == []
    assert here("--node", node.folder, "scores").out.startswith("Nothing to score:")
    assert here("--node", node.folder, "scores", "--type", "colour").err.startswith("E-FLOW-503")
