"""The webhook for hits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.fake_node import FakeNode
from seawall.api import local_app
from seawall.api.hits import MAX_BODY, MAX_HITS, HitsOfNode, hit_routes
from seawall.exchange import local_listener
from seawall.flow.intel import import_paths
from seawall.flow.node import ADMINISTRATOR_TOKEN, Node, create_node
from seawall.model import UserRole

HIT = {"value": "203.0.113.9", "count": 5, "first": "2026-03-14T03:12:00Z", "last": "2026-03-14T04:00:00Z"}


class Desk:
    """A node behind the webhook, and a client of it."""

    def __init__(self, node: Node, client: httpx.Client) -> None:
        self.node = node
        self.client = client
        self.token = (node.folder / ADMINISTRATOR_TOKEN).read_text().strip()

    def post(self, body: Any, token: str | None = None) -> httpx.Response:
        """Send JSON."""
        return self.client.post("/api/v1/hits", json=body, headers={"Authorization": f"Bearer {token or self.token}"})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A node with one indicator."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    (tmp_path / "ours.csv").write_text("type,value\nipv4,203.0.113.9\n")
    with Node.open(tmp_path / "node") as node:
        import_paths(node, [tmp_path / "ours.csv"], tlp="amber", source="ours")
        app = local_app(FakeNode(), routes=hit_routes(HitsOfNode(node)))
        with (
            local_listener(app, host="127.0.0.1", port=0) as listener,
            httpx.Client(base_url=f"http://127.0.0.1:{listener.port}", trust_env=False, timeout=30) as client,
        ):
            yield Desk(node, client)


def test_one_or_many_hits_are_taken_once(desk: Desk) -> None:
    """An object, a list and a list under its key say the same hit: it is new once."""
    assert desk.post(HIT).json()["new"] == 1
    for body in ([HIT, HIT], {"hits": [HIT]}):
        answer = desk.post(body)
        assert (answer.status_code, answer.json()["new"], answer.json()["refused"]) == (200, 0, 0)
    assert desk.node.store.hits.count() == 1


def test_refused_hits_are_told_one_by_one(desk: Desk) -> None:
    """Good hits of a list are kept; wrong ones come back with number, code and sentence; only wrong ones are 400."""
    wrong = {**HIT, "value": "198.51.100.7"}
    answer = desk.post([HIT, wrong, {**HIT, "colour": 1}, 7])
    assert (answer.status_code, answer.json()["new"], answer.json()["refused"]) == (200, 1, 3)
    assert [(one["number"], one["code"]) for one in answer.json()["problems"]] == [
        (2, "E-FLOW-097"), (3, "E-FLOW-105"), (4, "E-FLOW-105"),
    ]  # fmt: skip
    assert desk.post(wrong).status_code == 400


@pytest.mark.parametrize("body", [b"", b"[]", b"x", b'{"hits": 1}', b'{"hits": [], "more": 1}', b"\xff"])
def test_what_is_no_hit_is_refused(desk: Desk, body: bytes) -> None:
    """A body that is no hit and no list of hits is one sentence."""
    answer = desk.client.post("/api/v1/hits", content=body, headers={"Authorization": f"Bearer {desk.token}"})
    assert (answer.status_code, answer.json()["code"]) == (400, "E-API-430")


def test_bounds_and_rights(desk: Desk) -> None:
    """Too many hits, too large a body, no token, a wrong one and a reader's are refused."""
    assert desk.post([HIT] * (MAX_HITS + 1)).json()["code"] == "E-API-431"
    assert desk.client.post("/api/v1/hits", content=b" " * (MAX_BODY + 1)).status_code == 413
    assert desk.client.post("/api/v1/hits", json=HIT).status_code == 401
    assert desk.post(HIT, "x" * 43).status_code == 401
    assert desk.post(HIT, desk.node.store.users.add("rita", UserRole.READER, 1)).status_code == 403
    assert desk.post(HIT, desk.node.store.users.add("ann", UserRole.ANALYST, 1)).json()["new"] == 1
