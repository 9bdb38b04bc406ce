"""How the exchange with each peer goes, as people see it; and that a sync killed at any step loses nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from exchange import mischief
from exchange.fakes import indicator
from exchange.mischief import MischievousPeer
from exchange.real_node import CIRCLE, PEER, RealNode
from exchange.scenes import Nodes, record_of
from seawall.exchange import collection_id
from seawall.flow import refresh
from seawall.flow.doctor import examine
from seawall.flow.exchange import sync_peer
from seawall.flow.jobs import run
from seawall.flow.node import Node
from seawall.flow.peers import describe_peers
from seawall.identity import server_context
from seawall.model import Fault, Refused, Unavailable
from seawall.model.peer import PeerState


class Scene:
    """Taipei with a peer whose server does what it is told to."""

    def __init__(self, folder: Path, nodes: Nodes, stack: ExitStack, behaviour: mischief.Behaviour) -> None:
        self.taipei = RealNode(folder, nodes.seoul)
        stack.enter_context(self.taipei.node)
        self.behaviour = behaviour
        context = server_context(nodes.seoul, [self.taipei.node.keys.ca_pem])
        self.peer = stack.enter_context(MischievousPeer(self.behave, context))
        url = f"https://127.0.0.1:{self.peer.port}"
        self.taipei.node.store.peers.replace(record_of(nodes.seoul, PEER, url))
        self.collection = collection_id(nodes.seoul.node_id, CIRCLE)

    def behave(self, line: str) -> Iterator[bytes | float]:
        """As told at this moment; of notices it knows nothing."""
        return no_notices(line) if "/seawall/" in line else self.behaviour(line)

    def sync(self) -> dict[str, object]:
        """Once, as ``seawall sync`` does."""
        return sync_peer(self.taipei.node, PEER)

    def row(self) -> dict[str, Any]:
        """The peer in ``peers list``."""
        [row] = describe_peers(self.taipei.node)
        return row


@pytest.fixture
def scene(tmp_path: Path, nodes: Nodes, stack: ExitStack) -> Iterator[Scene]:
    """A peer that has nothing new."""
    yield Scene(tmp_path / "node", nodes, stack, nothing_new)


def no_notices(_: str) -> Iterator[bytes | float]:
    """A server of TAXII alone."""
    yield mischief.answer(b"{}", status="404 Not Found")


def nothing_new(line: str) -> Iterator[bytes | float]:
    """An empty page, or a POST taken whole."""
    if line.startswith("POST"):
        yield mischief.answer(
            b'{"id":"1","status":"complete","total_count":1,"success_count":1,"failure_count":0,"pending_count":0}',
            status="202 Accepted",
        )
    else:
        yield mischief.answer(b'{"more":false}')


def test_states_follow_what_happens(scene: Scene) -> None:
    """never, then ok; behind while something waits; failing with reason and moment; ok again after a success."""
    assert scene.row()["health"] == "never"
    scene.sync()
    assert (scene.row()["health"], scene.row()["failing_since"]) == ("ok", None)
    scene.taipei.put_out(indicator(1))
    scene.taipei.moment += 90_000_000
    row = scene.row()
    assert (row["health"], row["waiting"], row["lag_seconds"]) == ("behind", 1, 90)
    scene.behaviour = mischief.failing
    for _ in range(2):
        with pytest.raises(Fault, match="E-EXCHANGE-121"):
            scene.sync()
    row = scene.row()
    assert (row["health"], row["failures"]) == ("failing", 2)
    assert "HTTP 500" in row["reason"]
    assert row["failing_since"] is not None
    scene.behaviour = nothing_new
    assert scene.sync()["sent"] == 1
    row = scene.row()
    assert (row["health"], row["reason"], row["failures"], row["waiting"]) == ("ok", "", 0, 0)


def test_a_lake_that_does_not_answer_stops_no_exchange(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was prepared before is sent and what the peer has is fetched; the reason stands beside."""

    def silent(_: Node) -> int:
        raise Unavailable("E-LAKE-032", "The lake at {url} cannot be used: {reason}.", url="x", reason="gone")

    scene.taipei.put_out(indicator(1))
    monkeypatch.setattr(refresh, "generation_of", silent)
    done = scene.sync()
    assert (done["sent"], scene.row()["health"]) == (1, "ok")
    assert done["problems"] == ["nothing new of ours was prepared: E-LAKE-032: The lake at x cannot be used: gone."]


def test_a_busy_peer_is_not_called_by_the_schedule_until_it_said(scene: Scene) -> None:
    """Retry-After beyond our patience ends the sync; the schedule keeps to it, bounded by an hour."""
    scene.behaviour = mischief.busy_for_a_year
    with pytest.raises(Fault, match="E-EXCHANGE-122"):
        scene.sync()
    asked = len(scene.peer.requests)
    scene.behaviour = nothing_new
    assert "not called yet" in str(run(scene.taipei.node, "sync")["result"])
    assert len(scene.peer.requests) == asked
    scene.taipei.moment += 3_601_000_000
    assert "0 received" in str(run(scene.taipei.node, "sync")["result"])
    assert scene.row()["health"] == "ok"


def test_a_peer_that_answers_badly_is_throttled_then_quarantined(scene: Scene) -> None:
    """Answers that cannot be read add up: the schedule stops calling, then both directions stop, with the reason."""
    scene.behaviour = mischief.not_json
    for _ in range(6):
        with pytest.raises(Fault, match="E-EXCHANGE-107"):
            scene.sync()
    assert scene.row()["health"] == "throttled"
    assert "not called yet" in str(run(scene.taipei.node, "sync")["result"])
    for _ in range(5):
        with pytest.raises(Fault, match="E-EXCHANGE-107"):
            scene.sync()
    with pytest.raises(Refused, match="E-FLOW-043"):
        scene.sync()
    assert scene.row()["state"] == "quarantined"
    assert scene.taipei.node.store.peers.get(PEER).state is PeerState.QUARANTINED
    with pytest.raises(Refused, match="E-EXCHANGE-023"):
        scene.sync()
    [check] = [check for check in examine(scene.taipei.node.folder).checks if check["name"] == "peers"]
    assert check["ok"] is False
    assert "harbour is quarantined: The answer of the peer harbour" in str(check["detail"])


def test_trouble_of_the_network_is_nobodys_misdeed(scene: Scene) -> None:
    """Cut answers fail and are told, but never quarantine a peer: somebody on the wire could do that."""
    scene.behaviour = mischief.truncated
    for _ in range(15):
        with pytest.raises(Fault, match="E-EXCHANGE-118"):
            scene.sync()
    row = scene.row()
    assert (row["state"], row["health"], row["misdeeds"]) == ("verified", "failing", 0)


class Killed(BaseException):
    """The process ends here."""


STEPS = (
    "store.indicators.put",
    "store.received.add",
    "store.sync.set_cursor",
    "ledger.record_event",
    "store.notes.set",
)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("before", [True, False])
def test_killed_at_any_step_resumes_and_loses_nothing(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, step: str, before: bool
) -> None:
    """A kill right before or after any durable step: the next sync brings all objects, none twice, both ways."""

    def three_pages(line: str) -> Iterator[bytes | float]:
        if line.startswith("POST"):
            yield from nothing_new(line)
            return
        if "added_after" in line:
            yield mischief.answer(b'{"more":false}')
            return
        number = int(line.partition("next=")[2].partition(" ")[0].partition("&")[0] or 0)
        more = number < 2
        numbers = range(10 * number, 10 * number + 10)
        following = str(number + 1) if more else None
        yield mischief.answer(
            mischief.page(*numbers, more=more, following=following), extra=mischief.dates(number, number + 1)
        )

    scene.behaviour = three_pages
    scene.taipei.put_out(indicator(500))
    *path, name = step.split(".")
    owner: Any = scene.taipei.node
    for part in path:
        owner = getattr(owner, part)
    real, calls = getattr(owner, name), 0

    def dying(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2 and before:
            raise Killed
        done = real(*arguments, **named)
        if calls == 2:
            raise Killed
        return done

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, dying)
        with suppress(Killed):
            scene.sync()
    scene.sync()
    held = scene.taipei.node.store.indicators.count_by_type()
    assert sum(held.values()) == 30
    assert len(scene.taipei.node.store.received.from_peer(PEER)) == 30
    assert any(line.startswith("POST") for line in scene.peer.requests)
    again = scene.sync()
    assert (again["received"], again["sent"], again["unchanged"]) == (0, 0, 0)
