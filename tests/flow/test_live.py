"""Two nodes that wait at each other's doors: what one releases is with the other at once."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import agree, neighbours, say
from seawall.exchange import Crossing
from seawall.exchange.bounds import Bounds
from seawall.exchange.live import ask
from seawall.exchange.taxii.wire import Wire
from seawall.flow import live_arrivals
from seawall.flow.doors import PeerDoor
from seawall.flow.live import Live
from seawall.flow.live_line import Line
from seawall.flow.node import Node
from seawall.flow.peer_keys import calling_context
from seawall.flow.post_sync import sync_and_deliver
from seawall.flow.recall_sending import recall_object
from seawall.model import Actor, Fault, NotFound, Observable, ObservableType, Tlp, Unavailable
from seawall.model.peer import PeerState

SECONDS = 20.0  # a busy machine; alone it takes half a second


class Shore:
    """Nodes that serve, each with its live part."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self.live: dict[str, Live] = {}

    def holds(self, name: str, value: str) -> bool:
        """Whether a node holds an address as an indicator."""
        key = (ObservableType.IPV4, value)
        return bool(self.nodes[name].store.indicators.said([key]).get(key))

    def is_at(self, peer: str, door: str) -> bool:
        """Whether a peer waits at a door."""
        return peer in self.live[door].room.waiting()


def until(query: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Whether it became so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if query():
            return True
        time.sleep(0.01)
    return False


@contextmanager
def serving(shore: Shore, *names: str, start: bool = True) -> Iterator[None]:
    """Doors of these nodes, known to all others, and their live parts."""
    with ExitStack() as stack:
        for name in names:
            node = shore.nodes[name]
            live = shore.live[name] = Live(node, hold=2.0)
            door = PeerDoor(node, host="127.0.0.1", port=0, live=live)
            for other in shore.nodes.values():
                if other is not node:
                    record = other.store.peers.get(name)
                    url = f"https://127.0.0.1:{door.listener.port}"
                    other.store.peers.replace(msgspec.structs.replace(record, url=url))
            door.start()
            stack.callback(door.stop)
        for name in names if start else ():
            shore.live[name].start()
            stack.callback(shore.live[name].stop)
        yield


@pytest.fixture
def shore(tmp_path: Path) -> Iterator[Shore]:
    """Taipei and Seoul, who agreed on a circle."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        agree(nodes, "tw-kr", "taipei", "seoul")
        yield Shore(nodes)


def test_what_is_released_is_with_the_peer_without_any_schedule(shore: Shore) -> None:
    """Seoul waits at Taipei's door and fetches when something was released for it; nobody ran a job."""
    with serving(shore, "taipei", "seoul"):
        assert until(lambda: shore.is_at("seoul", "taipei") and shore.is_at("taipei", "seoul"))
        say(shore.nodes["taipei"], "203.0.113.7")
        assert until(lambda: shore.holds("seoul", "203.0.113.7"))
        say(shore.nodes["seoul"], "203.0.113.8")
        assert until(lambda: shore.holds("taipei", "203.0.113.8"))


def test_a_peer_that_cannot_wait_at_our_door_is_called(shore: Shore) -> None:
    """Only one side serves, and the other brings its news there; what the serving one has is fetched."""
    with serving(shore, "seoul"):
        taipei = shore.nodes["taipei"]
        live = Live(taipei, hold=2.0)  # nobody reaches Taipei
        live.start()
        try:
            assert until(lambda: shore.is_at("taipei", "seoul"))
            say(taipei, "203.0.113.9")
            assert until(lambda: shore.holds("seoul", "203.0.113.9"))
            say(shore.nodes["seoul"], "203.0.113.10")
            assert until(lambda: shore.holds("taipei", "203.0.113.10"))
        finally:
            live.stop()


def test_a_recall_goes_the_same_way(shore: Shore) -> None:
    """What Taipei takes back is gone in Seoul, and whoever acts on values hears it."""
    heard: list[Observable] = []
    with serving(shore, "taipei", "seoul"), pytest.MonkeyPatch.context() as patch:
        id = say(shore.nodes["taipei"], "203.0.113.11")
        assert until(lambda: shore.holds("seoul", "203.0.113.11"))
        patch.setattr(live_arrivals, "_tell", lambda *said: heard.extend(said[2]))
        patch.setattr(shore.nodes["taipei"], "require", lambda _right: Actor("lin", None, None))
        recall_object(shore.nodes["taipei"], id, None)
        assert until(lambda: not shore.holds("seoul", "203.0.113.11"))
        assert until(lambda: Observable(ObservableType.IPV4, "203.0.113.11") in heard)


def test_what_happened_while_nobody_waited_comes_with_the_first_question(shore: Shore) -> None:
    """A process that was killed and started again has missed nothing."""
    with serving(shore, "taipei", start=False):
        say(shore.nodes["taipei"], "203.0.113.12")
        assert not shore.holds("seoul", "203.0.113.12")
    with serving(shore, "taipei", "seoul"):
        assert until(lambda: shore.holds("seoul", "203.0.113.12"))


def test_a_wait_says_that_something_changed_and_nothing_else(shore: Shore) -> None:
    """Every answer has the same bytes but for random digits, whatever and however much was released."""
    crossings: list[Crossing] = []
    seoul = shore.nodes["seoul"]
    with serving(shore, "taipei", start=False):
        live = shore.live["taipei"]
        live.start()
        try:
            mark = _ask(seoul, "taipei", "", crossings)
            for value in ("203.0.113.13", "203.0.113.14"):
                say(shore.nodes["taipei"], value)
                fresh = _ask(seoul, "taipei", mark, crossings)
                assert fresh != mark
                mark = fresh
        finally:
            live.stop()
    bodies = [item.body for item in crossings if item.direction == "received"]
    asked = [item.what for item in crossings if item.direction == "sent"]
    assert len({len(body) for body in bodies}) == 1
    assert all(set(msgspec.json.decode(body)) == {"mark"} for body in bodies)
    assert not any(b"203" in body or b"tw-kr" in body for body in bodies)
    assert all("tw-kr" not in what for what in asked)


def _ask(node: Node, peer: str, known: str, crossings: list[Crossing] | None = None, seconds: float = 10) -> str:
    record = node.store.peers.get(peer)
    wire = Wire(
        peer,
        bounds=Bounds(answer_seconds=15, silence_seconds=15, patience_seconds=0.1, patience_times=1),
        context=calling_context(node, record),
        pin=record.certificate_sha256,
        on_crossing=crossings.append if crossings is not None else None,
    )
    try:
        return ask(wire, record, known, seconds=seconds)
    finally:
        wire.close()


def test_nobody_learns_that_something_was_released_to_somebody_else(tmp_path: Path) -> None:
    """Tokyo, in another circle of Taipei's, is told nothing when Seoul is."""
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as nodes:
        agree(nodes, "tw-kr", "taipei", "seoul", tlp=Tlp.AMBER)
        agree(nodes, "tw-jp", "taipei", "tokyo", tlp=Tlp.CLEAR)
        shore = Shore(nodes)
        with serving(shore, "taipei"):
            room = shore.live["taipei"].room
            assert until(lambda: shore.live["taipei"]._watch._reached is not None)
            seoul, tokyo = room.mark("seoul"), room.mark("tokyo")
            say(nodes["taipei"], "203.0.113.15", tlp=Tlp.AMBER)
            assert until(lambda: room.mark("seoul") != seoul)
            assert room.mark("tokyo") == tokyo


def test_a_peer_that_is_suspended_while_it_waits_waits_no_more(shore: Shore) -> None:
    """It is answered at once as for what is not there, and our own line to it ends too."""
    with serving(shore, "taipei", "seoul"):
        assert until(lambda: shore.is_at("seoul", "taipei"))
        answers: list[object] = []

        def wait() -> None:
            try:
                answers.append(_ask(shore.nodes["seoul"], "taipei", shore.live["taipei"].room.mark("seoul")))
            except Fault as fault:
                answers.append(fault)

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.3)
        shore.nodes["taipei"].store.peers.set_state("seoul", PeerState.SUSPENDED)
        thread.join(SECONDS)
        assert len(answers) == 1
        assert isinstance(answers[0], NotFound | Unavailable)
        assert until(lambda: not shore.live["taipei"].room.waiting())


def test_a_stalled_peer_holds_up_nobody_else(tmp_path: Path) -> None:
    """Tokyo takes connections and never answers; Seoul's news come all the same."""
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as nodes:
        agree(nodes, "tw-kr", "taipei", "seoul")
        shore = Shore(nodes)
        with socket.create_server(("127.0.0.1", 0)) as deaf, serving(shore, "taipei", "seoul"):
            record = nodes["seoul"].store.peers.get("tokyo")
            stalled = msgspec.structs.replace(record, url=f"https://127.0.0.1:{deaf.getsockname()[1]}")
            nodes["seoul"].store.peers.replace(stalled)
            say(nodes["taipei"], "203.0.113.16")
            assert until(lambda: shore.holds("seoul", "203.0.113.16"))


def test_an_answer_that_is_none_is_a_fault_and_the_line_goes_on(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Garbage is answered by waiting, and the next good answer is followed."""
    line = Line(shore.nodes["seoul"], "taipei", hold=1.0)
    marks: Iterator[Fault | str] = iter([Unavailable("E-EXCHANGE-856", "Garbage."), "a" * 32])

    def answer(record: object) -> str:
        found = next(marks)
        if isinstance(found, Fault):
            raise found
        return found

    monkeypatch.setattr(line, "_ask", answer)
    monkeypatch.setattr(line, "_exchange", lambda: True)
    assert line._guarded(line._once, line._pace) == 1.0
    assert line._guarded(line._once, line._pace) == 0.0
    assert line._known == "a" * 32


def test_a_mark_counts_only_when_what_it_meant_was_fetched(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A synchronisation that fails is asked for again by the same mark."""
    line = Line(shore.nodes["seoul"], "taipei", hold=1.0)
    monkeypatch.setattr(line, "_ask", lambda _record: "b" * 32)
    calls: list[int] = []

    def exchange() -> bool:
        calls.append(1)
        if len(calls) == 1:
            raise Unavailable("E-EXCHANGE-102", "Too late.")
        return True

    monkeypatch.setattr(line, "_exchange", exchange)
    assert line._guarded(line._once, line._pace) > 0
    assert line._known == ""
    assert line._guarded(line._once, line._pace) == 0.0
    assert line._known == "b" * 32


def test_a_node_may_have_no_lines(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> None:
    """With ``live.peers = false`` nobody waits here and this node waits nowhere."""
    taipei = shore.nodes["taipei"]
    settings = msgspec.structs.replace(taipei.settings, live=msgspec.structs.replace(taipei.settings.live, peers=False))
    monkeypatch.setattr(taipei, "settings", settings)
    with serving(shore, "taipei", "seoul"):
        with pytest.raises(NotFound):
            _ask(shore.nodes["seoul"], "taipei", "")
        assert not shore.live["taipei"]._lines


def test_a_person_who_synchronises_hears_of_what_the_line_brought(shore: Shore) -> None:
    """``seawall sync`` counts what came since the last time, however it came; then it counts anew."""
    seoul = shore.nodes["seoul"]
    with serving(shore, "taipei", "seoul"):
        assert until(lambda: shore.is_at("seoul", "taipei"))
        say(shore.nodes["taipei"], "203.0.113.17")
        assert until(lambda: shore.holds("seoul", "203.0.113.17"))
        assert until(lambda: shore.is_at("seoul", "taipei"))
        report = sync_and_deliver(seoul, "taipei")
        assert report["received"] == 1
        assert sync_and_deliver(seoul, "taipei")["received"] == 0
