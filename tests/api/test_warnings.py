"""The desk over the API: lists, one warning, answers, and a stream that says when to look again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from api.fake_node import FakeNode
from cli.scenes import ATTACKER, Shop, furnished
from seawall.api import local_app
from seawall.api.warnings import DeskOfNode, warning_routes
from seawall.exchange import local_listener
from seawall.flow.node import Node


class Door:
    """A furnished node behind the routes."""

    def __init__(self, shop: Shop, client: httpx.Client) -> None:
        self.shop, self.client = shop, client

    def ask(self, method: str, path: str, role: str = "analyst", **more: Any) -> httpx.Response:
        """As this person."""
        headers = {"Authorization": f"Bearer {self.shop.token_of(role).read_text()}"}
        return self.client.request(method, f"/api/v1/{path}", headers=headers, **more)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Its local listener."""
    shop = furnished(tmp_path_factory.mktemp("door"))
    with Node.open(shop.folder) as node:
        app = local_app(FakeNode(), routes=warning_routes(DeskOfNode(node)))
        with (
            local_listener(app, host="127.0.0.1", port=0) as listener,
            httpx.Client(base_url=f"http://127.0.0.1:{listener.port}", trust_env=False, timeout=30) as client,
        ):
            yield Door(shop, client)


def test_the_list_and_one_warning_are_the_commands_answers(door: Door) -> None:
    """The same documents; what is not open is not among the open ones."""
    page = door.ask("GET", "desk").json()
    assert [item["value"] for item in page["items"]] == [ATTACKER]
    assert page["desk"]["raised_today"] == 1
    assert door.ask("GET", "desk?state=answered").json()["items"] == []
    shown = door.ask("GET", "desk/warning", params={"value": ATTACKER}).json()
    assert shown["hunt"]["sigma"].startswith("title:")
    assert door.ask("GET", "desk/warning", params={"value": "192.0.2.1"}).status_code == 404


def test_answers_need_a_token_and_the_right(door: Door) -> None:
    """Without a token nothing; a reader may look and not answer; what is no answer is told so."""
    body = {"value": ATTACKER, "verdict": "confirmed"}
    assert door.client.post("/api/v1/desk/answer", json=body).status_code == 401
    assert door.client.get("/api/v1/desk").status_code == 401
    assert door.client.get("/api/v1/desk/changes").status_code == 401
    assert door.ask("POST", "desk/answer", "reader", json=body).status_code == 403
    assert door.ask("GET", "desk", "taxii").status_code == 403
    for path, wrong in (("answer", {}), ("answer", {"value": "x", "x": 1}), ("snooze", {"value": ATTACKER})):
        assert door.ask("POST", f"desk/{path}", json=wrong).status_code == 400
    assert door.ask("POST", "desk/burn", json=body).status_code == 400


def test_an_answer_is_told_to_whoever_waits(door: Door) -> None:
    """The stream begins with the present mark and says when it changed; it never says what."""
    events: list[str] = []
    begun, told = threading.Event(), threading.Event()

    def listen() -> None:
        headers = {"Authorization": f"Bearer {door.shop.token_of('reader').read_text()}"}
        with httpx.stream(
            "GET", str(door.client.base_url.join("/api/v1/desk/changes")), headers=headers, trust_env=False, timeout=30
        ) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            for line in answer.iter_lines():
                if line.startswith("data:"):
                    events.append(line)
                    (told if begun.is_set() else begun).set()
                if told.is_set():
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    assert begun.wait(20)
    done = door.ask("POST", "desk/answer", json={"value": ATTACKER, "verdict": "refuted"}).json()
    assert done["answer"] == "refuted"
    assert told.wait(20)
    listener.join(20)
    assert len(set(events)) == 2
    assert ATTACKER not in "".join(events)
    assert door.ask("GET", "desk").json()["items"] == []
    assert door.ask("POST", "desk/undo", json={"value": ATTACKER}).json()["answer"] is None
    slept = door.ask("POST", "desk/snooze", json={"value": ATTACKER, "until": "2999-01-01T00:00:00Z"}).json()
    assert slept["snoozed_until"].startswith("2999")
    assert [item["state"] for item in door.ask("GET", "desk?state=snoozed").json()["items"]] == ["snoozed"]
    door.ask("POST", "desk/undo", json={"value": ATTACKER})
