"""CrowdSec's bouncer API as its bouncers use it: a start, then differences; single look-ups; wrong keys."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from feed_scenes import CIDR, DOMAIN, book, consumer, feeds_served, leaves, tell, unsay
from seawall.flow.node import Node, create_node
from seawall.model.directive import Action
from seawall.model.order import OrderState

A, B, NETWORK = "45.9.113.1", "45.9.113.2", "45.9.100.0/24"


class Scene(NamedTuple):
    """A node with one address, one network and one name in force, and a bouncer's key."""

    node: Node
    client: httpx.Client

    def stream(self, query: str = "", agent: str = "nginx/1") -> tuple[set[str], set[str]]:
        """Values that are new and that were deleted."""
        told = self.client.get(f"/v1/decisions/stream{query}", headers={"user-agent": agent}).json()
        return _values(told["new"]), _values(told["deleted"])

    def about(self, query: str) -> Any:
        """What is decided on one value."""
        return self.client.get(f"/v1/decisions?{query}").json()


def _values(decisions: list[dict[str, Any]] | None) -> set[str]:
    return {decision["value"] for decision in decisions or ()}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Taipei."""
    create_node(tmp_path / "node", name="Taipei", economy="TW", sector="government", timezone="UTC", lang="en")
    with Node.open(tmp_path / "node") as node:
        tell(node, A)
        tell(node, NETWORK, CIDR)
        tell(node, "evil.example", DOMAIN)
        _, key = consumer(node, "gateway", format="bouncer")
        with (
            feeds_served(node) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=30, headers={"x-api-key": key}) as client,
        ):
            yield Scene(node, client)


def test_a_bouncer_starts_with_everything_and_then_hears_differences(scene: Scene) -> None:
    """Addresses and networks at the start, nothing when nothing changed, then what came and what went."""
    assert scene.stream("?startup=true") == ({A, NETWORK}, set())
    assert scene.stream() == (set(), set())
    tell(scene.node, B)
    unsay(scene.node, A)
    assert scene.stream() == ({B}, {A})
    assert scene.stream() == (set(), set())
    assert scene.stream("?startup=true") == ({B, NETWORK}, set())


def test_bouncers_with_one_key_are_told_apart(scene: Scene) -> None:
    """What one program heard, another on the same machine still hears; one that never started hears everything."""
    scene.stream("?startup=true", "nginx/1")
    scene.stream("?startup=true", "firewall/1")
    tell(scene.node, B)
    assert [scene.stream(agent=agent)[0] for agent in ("nginx/1", "firewall/2", "nginx/1")] == [{B}, {B}, set()]
    assert scene.stream(agent="haproxy/1")[0] == {A, B, NETWORK}


def test_a_decision_reads_as_crowdsecs_own(scene: Scene) -> None:
    """Every field that bouncers decode, with a duration that ends with our line."""
    (decision,) = scene.about(f"ip={A}")
    assert decision.pop("duration").endswith("s")
    assert isinstance(decision.pop("id"), int)
    assert decision == {
        "origin": "seawall", "type": "ban", "scope": "Ip", "value": A, "scenario": "seen here", "simulated": False,
    }  # fmt: skip


def test_an_address_is_looked_up_with_the_networks_around_it(scene: Scene) -> None:
    """Its own ban, a network's, or null; what is no address is a clear error."""
    assert _values(scene.about("ip=45.9.100.200")) == {NETWORK}
    assert _values(scene.about("range=45.9.100.0/25")) == {NETWORK}
    assert scene.about("ip=45.9.101.1") is None
    assert scene.about("ip=2001:db8::1") is None
    wrong = scene.client.get("/v1/decisions?ip=somewhere")
    assert (wrong.status_code, "E-FLOW-970" in wrong.json()["message"]) == (400, True)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("scopes=ip", {A}),
        ("scopes=Range", {NETWORK}),
        ("scopes=ip,range", {A, NETWORK}),
        ("origins=cscli", set()),
        ("origins=seawall,cscli", {A, NETWORK}),
        ("type=captcha", set()),
        ("scenarios_containing=seen", {A, NETWORK}),
        ("scenarios_not_containing=here", set()),
    ],
)
def test_filters_are_crowdsecs(scene: Scene, query: str, expected: set[str]) -> None:
    """Scopes, origins, types and words of the scenario, for the stream and for the list."""
    assert scene.stream(f"?startup=true&{query}")[0] == expected
    assert _values(scene.about(query)) == expected


def test_a_watch_is_no_ban(scene: Scene) -> None:
    """Values that may only be watched are told to no bouncer, whatever the consumer's terms."""
    book(scene.node, [B], state=OrderState.WATCH, action=Action.WATCH)
    _, key = consumer(scene.node, "watching", format="bouncer", watch=True)
    told = scene.client.get("/v1/decisions", headers={"x-api-key": key}).json()
    assert _values(told) == {A, NETWORK}


def test_wrong_keys_get_crowdsecs_answer(scene: Scene) -> None:
    """No key, a wrong one, and the token of a file feed: 403 and its message."""
    _, token = consumer(scene.node, "edge")
    for key in ("", "0" * 64, token, "x" * 5_000):
        for path in ("/v1/decisions", "/v1/decisions/stream?startup=true", "/v1/heartbeat"):
            answer = scene.client.get(path, headers={"x-api-key": key})
            if answer.status_code == 429:  # ten wrong ones are enough
                continue
            assert (answer.status_code, answer.json()) == (403, {"message": "access forbidden"})
    assert leaves(scene.node, kind="feed-handed") == []


def test_metrics_and_heartbeats_are_taken(scene: Scene) -> None:
    """A bouncer that reports its usage is thanked; one that does so without a key is not."""
    assert scene.client.post("/v1/usage-metrics", json={"remediation_components": []}).status_code == 201
    assert scene.client.get("/v1/heartbeat").status_code == 200
    assert scene.client.head("/v1/decisions").status_code == 200
    assert scene.client.delete("/v1/decisions").status_code == 405
    assert scene.client.post("/v1/usage-metrics", json={}, headers={"x-api-key": "no"}).status_code == 403


def test_each_state_that_left_is_recorded_once(scene: Scene) -> None:
    """However often a bouncer asks, and however many."""
    for agent in ("one", "two", "three"):
        scene.stream("?startup=true", agent)
        scene.stream("", agent)
        scene.about(f"ip={A}")
    assert len(leaves(scene.node, kind="feed-handed")) == 1
    assert len(leaves(scene.node, recipient="feed:gateway", kind="release")) == 1
