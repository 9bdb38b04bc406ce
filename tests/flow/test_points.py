"""Enforcement points: what they need, and what would weaken a plant's protection takes two people."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.flow.node import ADMINISTRATOR_TOKEN, Node, create_node
from seawall.flow.points import PointWish, add_point, change_point, list_points, open_window, remove_point
from seawall.model import Fault, Refused, UserRole, rfc3339

HOUR = 3_600_000_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with a plant's owner."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    with Node.open(tmp_path / "node") as opened:
        opened.store.users.add("mina", UserRole.READER, opened.clock())
        yield opened


def second(node: Node) -> Node:
    """The same node with a second person beside the administrator."""
    file = node.folder.parent / "second.token"
    file.write_text(node.store.users.add("lin", UserRole.APPROVER, node.clock()))
    return Node.open(node.folder, token=node.folder / ADMINISTRATOR_TOKEN, approver_token=file)


def window(node: Node, begins: int, ends: int) -> str:
    """A window from so many hours from now."""
    return "/".join(rfc3339(node.clock() + hours * HOUR) for hours in (begins, ends))


def test_a_point_is_added_changed_listed_and_removed(node: Node) -> None:
    """Every step is on the ledger."""
    added = add_point(node, PointWish(name="edge", zone="internet-edge", place="own", tools=("nftables", "nftables")))
    assert (added["tools"], added["stops_traffic"], added["owner"]) == (["nftables"], True, None)
    assert change_point(node, PointWish(name="edge", zone="office", tools=()))["zone"] == "office"
    assert [row["name"] for row in list_points(node)] == ["edge"]
    assert remove_point(node, "edge") == {"removed": "edge"}
    kinds = [entry.kind for entry in node.ledger.show(100).items]
    assert kinds[-3:] == ["point-saved", "point-saved", "point-removed"]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (PointWish(name="Edge Nr. 1", zone="office"), "E-PROTECT-015"),
        (PointWish(name="../x", zone="office"), "E-PROTECT-015"),
        (PointWish(name="x" * 64, zone="office"), "E-PROTECT-015"),
        (PointWish(name="edge"), "E-FLOW-921"),
        (PointWish(name="edge", zone="moon"), "E-FLOW-922"),
        (PointWish(name="edge", zone="office", place="orbit"), "E-FLOW-922"),
        (PointWish(name="edge", zone="office", tools=("rm -rf",)), "E-FLOW-923"),
        (PointWish(name="edge", zone="office", tools=tuple(f"t{n}" for n in range(21))), "E-FLOW-923"),
        (PointWish(name="edge", zone="office", owner="mina"), "E-FLOW-924"),
        (PointWish(name="plant", zone="ot", owner="nobody"), "E-FLOW-926"),
        (PointWish(name="plant", zone="ot", windows=("2026-01-01/2026-01-02",)), "E-FLOW-927"),
        (PointWish(name="plant", zone="ot", windows=("now",)), "E-FLOW-927"),
    ],
)
def test_what_cannot_be_a_point_gets_one_sentence(node: Node, wish: PointWish, code: str) -> None:
    """Names, zones, places, tools, owners and windows are checked before anything is kept."""
    with pytest.raises(Fault, match=code):
        add_point(node, wish)
    assert list_points(node) == []


def test_a_name_is_taken_once(node: Node) -> None:
    """The second of that name is refused."""
    add_point(node, PointWish(name="edge", zone="office"))
    with pytest.raises(Fault, match="E-FLOW-920"):
        add_point(node, PointWish(name="edge", zone="office"))


@pytest.mark.parametrize(
    "wish", [PointWish(name="plant", zone="office"), PointWish(name="plant", owner="administrator")]
)
def test_weakening_a_plant_takes_two_people(node: Node, wish: PointWish) -> None:
    """Another zone or owner, or no point at all: not by one person alone; a window is the plant's own business."""
    add_point(node, PointWish(name="plant", zone="safety", owner="mina"))
    with pytest.raises(Refused, match="E-FLOW-925"):
        change_point(node, wish)
    with pytest.raises(Refused, match="E-FLOW-925"):
        remove_point(node, "plant")
    change_point(node, PointWish(name="plant", windows=(window(node, -1, 2), window(node, 5, 6))))
    point = node.store.orders.point("plant")
    assert open_window(point, node.clock()) == point.windows[0]
    assert open_window(point, node.clock() + 3 * HOUR) is None
    change_point(node, PointWish(name="plant", close_windows=True))
    with second(node) as both:
        changed = change_point(both, wish)
        assert changed["zone"] == (wish.zone or "safety")
        remove_point(both, "plant")


def test_a_window_is_bounded(node: Node) -> None:
    """Longer than a week is no window, and there is an end to how many lie ahead."""
    add_point(node, PointWish(name="plant", zone="ot"))
    with pytest.raises(Fault, match="E-FLOW-927"):
        change_point(node, PointWish(name="plant", windows=(window(node, 0, 24 * 8),)))
    many = tuple(window(node, hours, hours + 1) for hours in range(1, 102))
    with pytest.raises(Fault, match="E-FLOW-928"):
        change_point(node, PointWish(name="plant", windows=many))
