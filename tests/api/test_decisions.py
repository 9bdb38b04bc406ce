"""``why`` and the preview over the API: for whoever may see the object, and to others as if nothing were there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.fake_node import FakeNode
from seawall.api import local_app
from seawall.api.decisions import DecisionsOfNode, decision_routes
from seawall.exchange import local_listener
from seawall.flow.circles import CircleWish, create_circle
from seawall.flow.intel import import_paths
from seawall.flow.node import ADMINISTRATOR_TOKEN, Node, create_node
from seawall.model import UserRole


class Desk:
    """A node behind the routes, and a client of them."""

    def __init__(self, node: Node, client: httpx.Client) -> None:
        self.client = client
        self.node = node
        self.token = (node.folder / ADMINISTRATOR_TOKEN).read_text().strip()
        self.id = node.store.indicators.changed_since(0, 1).items[0].indicator_id

    def get(self, route: str, token: str | None = None, **query: str) -> httpx.Response:
        """Ask."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Accept-Language": "zh-TW,en"}
        return self.client.get(f"/api/v1/{route}", params=query, headers=headers)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A node with one RED indicator and a circle."""
    create_node(tmp_path / "node", name="T", economy="TW", sector="energy", timezone="UTC", lang="en")
    (tmp_path / "ours.csv").write_text("type,value\nipv4,203.0.113.9\n")
    with Node.open(tmp_path / "node") as node:
        import_paths(node, [tmp_path / "ours.csv"], tlp="red", source="ours")
        node.store.users.add("siem", UserRole.TAXII, node.clock())
        create_circle(node, CircleWish(name="shore", members=("siem",), tlp_ceiling="amber"))
        app = local_app(FakeNode(), routes=decision_routes(DecisionsOfNode(node)))
        with (
            local_listener(app, host="127.0.0.1", port=0) as listener,
            httpx.Client(base_url=f"http://127.0.0.1:{listener.port}", trust_env=False, timeout=30) as client,
        ):
            yield Desk(node, client)


def test_why_and_preview_are_the_commands_answers(desk: Desk) -> None:
    """The same document as ``seawall why`` and ``release --preview``."""
    told: Any = desk.get("why", id=desk.id, peer="siem").json()
    assert (told["allowed"], told["rule"], told["circle"]) == (False, "tlp-ceiling", "shore")
    assert all({"rule", "passed", "meaning", "detail"} == test.keys() for test in told["tests"])
    shown: Any = desk.get("preview", id=desk.id, circle="shore").json()
    assert (shown["would_release"], shown["recipients"][0]["rule"]) == (0, "tlp-ceiling")


@pytest.mark.parametrize("role", [UserRole.READER, UserRole.TAXII, UserRole.AUDITOR])
def test_who_may_not_see_it_is_told_that_it_is_not_there(desk: Desk, role: UserRole) -> None:
    """Absent and withheld look alike, and only who may release previews."""
    token = desk.node.store.users.add("p", role, desk.node.clock())
    absent = "indicator--00000000-0000-4000-8000-000000000000"
    answers = [desk.get("why", token, id=id, peer="siem") for id in (desk.id, absent)]
    assert answers[0].status_code == answers[1].status_code
    assert answers[0].status_code in (403, 404)
    assert answers[0].text.replace(desk.id, absent) == answers[1].text
    assert desk.get("preview", token, id=desk.id, circle="shore").status_code == 403


def test_strangers_are_told_nothing(desk: Desk) -> None:
    """A wrong token, a missing question."""
    assert desk.get("why", "no-token", id=desk.id, peer="siem").status_code == 401
    assert desk.get("why", peer="siem").status_code == 400
