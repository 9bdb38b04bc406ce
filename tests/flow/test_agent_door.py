"""Who may come to the door for agents, what each is told there, and what it may bring."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from flow.agent_scenes import blocks, config, enrol, node_with_door, put, remove, running
from protect.agent.scenes import MemoryTool, now, order, soon
from seawall.flow.agent_door import AgentDoor
from seawall.flow.agent_enrol import invite
from seawall.flow.agent_feed import AgentFeed
from seawall.flow.agent_reports import agents_told, standing, take_report
from seawall.flow.keys import rotate_keys
from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import Actor, Fault, ObservableType, Refused, UserRole
from seawall.model.agent import AgentReport, Outcome, SignedChanges, ToolCondition, ToolHit, ToolState
from seawall.model.order import Kill, Place, Point, Zone
from seawall.protect.agent.checking import SteadyClock
from seawall.protect.agent.config import AgentConfig
from seawall.protect.agent.enrolment import enroll, load
from seawall.protect.agent.following import Following
from seawall.protect.agent.line import agent_context, unverified_context
from seawall.protect.agent.state import AgentState

Scene = tuple[Node, AgentDoor, AgentConfig]
Ask = Callable[[AgentConfig], Following]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A node with two points, and one agent enrolled at the first."""
    given = config(tmp_path / "agent")
    points = Point("gw-1", Zone.INTERNET_EDGE), Point("gw-2", Zone.OFFICE)
    with node_with_door(tmp_path / "node", *points) as (node, door):
        enrol(node, door, given)
        yield node, door, given


@pytest.fixture
def following() -> Iterator[Callable[[AgentConfig], Following]]:
    """The agent's own questions, each with its line to the node."""
    with ExitStack() as stack:

        def made(given: AgentConfig) -> Following:
            state = AgentState(given.folder)
            stack.callback(state.close)
            line = Following(given.folder, load(given.folder), state, SteadyClock(now))
            stack.callback(line.close)
            return line

        yield made


def asked(door: AgentDoor, context: ssl.SSLContext, path: str, body: bytes | None = None) -> int:
    """The status of one plain request; 0: the handshake, or the connection, was refused."""
    connection = http.client.HTTPSConnection("127.0.0.1", door.port, timeout=10, context=context)
    try:
        connection.request("POST" if body is not None else "GET", path, body)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def test_a_token_works_once_and_only_with_the_nodes_own_fingerprint(tmp_path: Path, scene: Scene) -> None:
    """A wrong fingerprint is refused before the token is told; a wrong, used or old token opens nothing."""
    node, door, _ = scene
    url, other = f"https://127.0.0.1:{door.port}", tmp_path / "other"
    token = invite(node, "gw-2")
    with pytest.raises(Refused) as caught:
        enroll(other, url, "12345 " * 12, token, now())
    assert caught.value.code == "E-IDENTITY-032"
    with pytest.raises(Refused) as caught:
        enroll(other, url, node.keys.fingerprint, "wrong", now())
    assert caught.value.code == "E-PROTECT-057"
    enrolled, answer = enroll(other, url, node.keys.fingerprint, token, now())  # it was told to nobody yet
    assert (answer.point, answer.zone, node.store.orders.point("gw-2").fingerprint) == (
        "gw-2",
        Zone.OFFICE,
        enrolled.fingerprint,
    )
    with pytest.raises(Refused) as caught:
        enroll(tmp_path / "third", url, node.keys.fingerprint, token, now())
    assert caught.value.code == "E-PROTECT-057"
    assert not (tmp_path / "third" / "agent.key").exists()
    kinds = [entry.event["kind"] for entry in map(node.ledger.entry, range(node.ledger.size))]
    assert kinds.count(EventKind.AGENT_ENROLLED) == 2


def test_nobody_but_a_points_own_agent_is_told_anything(tmp_path: Path, scene: Scene) -> None:
    """Without a certificate, with a stranger's, and after the point was dropped: nothing, or not even a handshake."""
    node, door, given = scene
    with node_with_door(tmp_path / "elsewhere") as (other, other_door):
        strange = config(tmp_path / "strange")
        enrol(other, other_door, strange)
    card = load(given.folder).node
    stranger, own = agent_context(strange.folder, card), agent_context(given.folder, card)
    for path in ("changes?after=0", "snapshot", "nothing"):
        assert asked(door, unverified_context(), f"/agent/v1/{path}") == 404
        assert asked(door, stranger, f"/agent/v1/{path}") == 0
    assert asked(door, own, "/agent/v1/snapshot") == 200
    assert asked(door, own, "/agent/v1/changes?after=x") == 422
    assert asked(door, own, "/agent/v1/reports", b"{") == 422
    assert asked(door, own, "/agent/v1/reports", b"[" * 100_000) == 422
    assert asked(door, own, "/agent/v1/reports", b" " * (5 << 20)) in (0, 422)
    node.store.orders.drop_point("gw-1")
    assert asked(door, own, "/agent/v1/snapshot") == 404


def test_a_point_sees_its_own_orders_and_no_names_of_others(scene: Scene, following: Ask) -> None:
    """Scoped elsewhere: not told, neither in the book nor as changes, nor by the name when it is taken out."""
    node, _, given = scene
    ours, theirs = order("203.0.113.1", at=now()), order("203.0.113.2", at=now(), scope=("gw-2",))
    everywhere = order("203.0.113.3", at=now())
    line = following(given)
    (first,) = line.book()
    start = first.sequence
    put(node, ours, theirs, everywhere)
    feed, point = AgentFeed(node), node.store.orders.point("gw-1")
    told = _changes(feed.changes(point, start).envelope)
    assert [change.order.value for change in told.changes] == [ours.value, everywhere.value]
    assert told.last == node.store.orders.last()
    after = told.last
    remove(node, ours, theirs)
    removed = _changes(feed.changes(point, after).envelope)
    assert [(change.op, change.order.undo_id, change.order.value) for change in removed.changes] == [
        ("remove", ours.undo_id, "")
    ]
    after = removed.last
    put(node, msgspec.structs.replace(everywhere, scope=("gw-2",)))  # it acted here, and does no more
    moved = _changes(feed.changes(point, after).envelope)
    assert [(change.op, change.order.undo_id) for change in moved.changes] == [("remove", everywhere.undo_id)]
    (page,) = line.book()
    assert page.orders == ()


def test_elsewhere_than_among_ourselves_nobodys_words_are_told(scene: Scene) -> None:
    """At a place of the country neither reason, source nor release; at a cloud no value whose PAP forbids it."""
    node, _, _ = scene
    for place, expected in ((Place.COUNTRY, [("203.0.113.1", "", "")]), (Place.CLOUD, [])):
        point = Point("gw-1", Zone.INTERNET_EDGE, place)
        node.store.orders.save_point(point, now())
        start = node.store.orders.last()
        put(node, order("203.0.113.1", at=now()))
        told = _changes(AgentFeed(node).changes(point, start).envelope)
        assert [(one.order.value, one.order.reason, one.order.source) for one in told.changes] == expected


def test_an_agent_that_is_too_far_behind_takes_the_book_in_pages(scene: Scene, following: Ask) -> None:
    """New, cut off by a switch, or ahead of a restored book: the whole book, a thousand orders a page."""
    node, _, given = scene
    put(node, *blocks([f"203.0.{n // 250}.{n % 250}" for n in range(2_500)]))
    line = following(given)
    assert line.changes(0) is None
    pages = list(line.book())
    assert [len(page.orders) for page in pages] == [1_000, 1_000, 500]
    line._state.take([], [], pages[-1].sequence)
    assert line.changes(0) is not None
    node.store.orders.throw(Kill("gw-1", now(), "eve"))
    assert line.changes(0) is None
    (page,) = line.book()
    assert (page.stopped, page.orders) == (True, ())
    line._state.take([], [], page.sequence)
    held = line.changes(0)
    assert held is not None
    assert held.stopped
    line._state.take([], [], page.sequence + 1_000)
    assert line.changes(0) is None
    with pytest.raises(Refused) as caught:
        list(line.book())
    assert caught.value.code == "E-PROTECT-049"


def test_long_values_never_make_an_answer_that_no_agent_reads(scene: Scene, following: Ask) -> None:
    """Thousands of the longest URLs there are come in several answers and pages, each within its bound."""
    node, _, given = scene
    line = following(given)
    (page,) = line.book()
    line._state.take([], [], page.sequence)
    url = "http://a.example.net/" + "é" * 8_000
    put(node, *(order(f"{url}{n:04}", ObservableType.URL, at=now()) for n in range(400)))
    told = 0
    while told < 400:
        found = line.changes(0)
        assert found is not None
        assert 0 < len(found.changes) < 400
        told += len(found.changes)
        line._state.take([], [], found.last)
    assert told == 400
    assert [len(page.orders) > 0 for page in line.book()].count(True) > 1


def test_what_agents_get_is_on_record_before(scene: Scene) -> None:
    """Each answer with content has its entry; an empty one writes none."""
    node, _, _ = scene
    feed, point = AgentFeed(node), node.store.orders.point("gw-1")
    start, size = node.store.orders.last(), node.ledger.size
    feed.changes(point, start)
    assert node.ledger.size == size
    put(node, *blocks(["203.0.113.1"]))
    feed.changes(point, start)
    assert node.ledger.entry(size).event["kind"] == EventKind.AGENT_TOLD
    list(feed.book(point))
    assert node.ledger.size == size + 2


def test_a_held_question_costs_no_thread_and_ends_when_asked_again(scene: Scene, following: Ask) -> None:
    """A question that waits leaves the number of threads alone; a second question of a point ends its first."""
    node, door, given = scene
    line, other = following(given), following(given)
    (page,) = line.book()
    line._state.take([], [], page.sequence)
    before = threading.active_count()
    thread = threading.Thread(target=line.changes, args=(60,))
    thread.start()
    time.sleep(0.5)
    assert threading.active_count() <= before + 2  # ours, and one that looked at the book
    assert other.changes(0) is not None
    thread.join(30)
    assert not thread.is_alive()
    assert door.port
    assert node.keys.node_id


def test_a_report_counts_once_and_tells_how_a_gateway_is(scene: Scene) -> None:
    """The same number again changes nothing; hits are handed on; doctor says who is silent and what is down."""
    node, _, _ = scene
    assert agents_told(node) == (False, "gw-1 never reported")
    one = order("203.0.113.1", at=now())
    hit = ToolHit(ObservableType.IPV4, one.value, one.undo_id, now() - 5, now(), 3)
    down = ToolState("nftables", ToolCondition.DOWN, now(), problem="it is down")
    report = AgentReport(1, now(), 5, tools=(down,), problems=(Outcome(1, one.undo_id, "No."),), hits=(hit,))
    point = node.store.orders.point("gw-1")
    for _ in range(2):
        take_report(node, point, msgspec.json.encode(report))
    found = standing(node, "gw-1")
    assert found is not None
    assert (found.number, found.sequence, [one.problem for one in found.problems]) == (1, 5, ["No."])
    assert agents_told(node) == (False, "gw-1: nftables is down: it is down")
    with pytest.raises(Fault) as caught:
        take_report(node, point, msgspec.json.encode(msgspec.structs.replace(report, hits=(hit,) * 1_001)))
    assert caught.value.code == "E-FLOW-953"


def test_an_agent_follows_the_nodes_keys(tmp_path: Path) -> None:
    """The node rotates its keys while the agent runs: it reads the card that follows the one it holds, and goes on."""
    given, tool = config(tmp_path / "agent"), MemoryTool()
    with node_with_door(tmp_path / "node") as (node, door):
        enrol(node, door, given)
        with running(given, tool):
            put(node, *blocks(["203.0.113.1"]))
            assert soon(lambda: bool(tool.values))
            before = load(given.folder).card
            node.store.users.add("second", UserRole.APPROVER, now())
            node.__dict__["approver"] = Actor("second", UserRole.APPROVER)
            rotate_keys(node)
            put(node, *blocks(["203.0.113.2"]))
            assert soon(lambda: len(tool.values) == 2, 15)
            assert load(given.folder).card != before


def _changes(envelope: bytes | None) -> SignedChanges:
    from seawall.identity import dsse
    from seawall.model.agent import CHANGES_TYPE

    assert envelope is not None
    return msgspec.json.decode(dsse.peek(envelope, CHANGES_TYPE), type=SignedChanges)
