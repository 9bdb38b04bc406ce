"""The order book over the API: the commands' documents, for whoever may see the indicators behind them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.fake_node import FakeNode
from seawall.api import local_app
from seawall.api.orders import OrdersOfNode, order_routes
from seawall.exchange import local_listener
from seawall.flow.intel import import_paths
from seawall.flow.node import Node, create_node
from seawall.flow.orders import refresh_orders
from seawall.flow.points import PointWish, add_point
from seawall.model import UserRole


class Door:
    """A node's book behind the routes."""

    def __init__(self, node: Node, client: httpx.Client) -> None:
        self.client = client
        roles = (UserRole.ADMIN, UserRole.READER, UserRole.AUDITOR, UserRole.TAXII)
        self.tokens = {role: node.store.users.add(f"p-{role}", role, node.clock()) for role in roles}

    def ask(self, path: str, role: UserRole | None = UserRole.ADMIN, **query: str) -> httpx.Response:
        """As this person."""
        headers = {} if role is None else {"Authorization": f"Bearer {self.tokens[role]}"}
        return self.client.get(f"/api/v1/{path}", params=query, headers=headers)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    """Three values in force, one of them AMBER+STRICT, and one point."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    (tmp_path / "ours.csv").write_text("type,value\nipv4,203.0.113.9\nipv4,203.0.113.10\n")
    (tmp_path / "strict.csv").write_text("type,value\nipv4,203.0.113.11\n")
    with Node.open(tmp_path / "node") as node:
        import_paths(node, [tmp_path / "ours.csv"], tlp="green", source="ours")
        import_paths(node, [tmp_path / "strict.csv"], tlp="amber+strict", source="ours")
        add_point(node, PointWish(name="edge", zone="internet-edge"))
        refresh_orders(node)
        app = local_app(FakeNode(), routes=order_routes(OrdersOfNode(node)))
        with (
            local_listener(app, host="127.0.0.1", port=0) as listener,
            httpx.Client(base_url=f"http://127.0.0.1:{listener.port}", trust_env=False, timeout=30) as client,
        ):
            yield Door(node, client)


def test_pages_filters_and_the_summary(door: Door) -> None:
    """A list goes on at ``next``; one value, point or state alone; beside it totals and points."""
    first = door.ask("orders", limit="2").json()
    rest = door.ask("orders", limit="2", after=str(first["next"])).json()
    assert [len(page["items"]) for page in (first, rest)] == [2, 1]
    assert rest["next"] is None
    assert [found["point"] for found in first["items"][0]["points"]] == ["edge"]
    (one,) = door.ask("orders", value="203.0.113.9", point="edge", state="active").json()["items"]
    assert (one["state"], one["lane"], one["hits"]) == ("active", "own", 0)
    assert door.ask("orders", state="expired").json()["items"] == []
    summary = door.ask("orders/summary").json()
    assert (summary["totals"]["active block"], summary["points"][0]["name"], summary["killed"]) == (3, "edge", None)


def test_everybody_sees_what_their_marking_allows(door: Door) -> None:
    """A reader not what is AMBER+STRICT, an auditor no value at all, a TAXII client and a stranger nothing."""
    counts = {role: len(door.ask("orders", role).json()["items"]) for role in (UserRole.READER, UserRole.AUDITOR)}
    assert counts == {UserRole.READER: 2, UserRole.AUDITOR: 0}
    assert [door.ask(path, None).status_code for path in ("orders", "orders/summary")] == [401, 401]
    assert door.ask("orders", UserRole.TAXII).status_code == 403


@pytest.mark.parametrize(
    ("query", "status"),
    [({"point": "moon"}, 404), ({"state": "asleep"}, 400), ({"value": "\x00'"}, 400), ({"limit": "100000"}, 400)],
)
def test_what_cannot_be_asked_gets_one_sentence(door: Door, query: dict[str, str], status: int) -> None:
    """Unknown points and states, values that are none, and pages without bound."""
    assert door.ask("orders", UserRole.ADMIN, **query).status_code == status
