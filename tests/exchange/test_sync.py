"""Synchronisation of two nodes over mutual TLS on loopback."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import msgspec
import pytest

from exchange.fakes import MemoryCursors, MemoryDesk, MemoryExchange, MemoryReleases, indicator
from exchange.scenes import Nodes, PeerBookInMemory, record_of
from seawall.exchange import Bounds, Crossing, Listener, Outcome, SyncDeps, SyncReport, sync
from seawall.identity import client_context
from seawall.model import Actor, Fault, Refused
from seawall.model.peer import PeerRecord, PeerState

CIRCLE = "tw-kr"
Start = Callable[[MemoryExchange], tuple[Listener, PeerBookInMemory]]


class Scene:
    """Taipei, ready to synchronise with a running Seoul."""

    def __init__(self, nodes: Nodes, start: Start) -> None:
        self.theirs = MemoryExchange(nodes.seoul.node_id, {CIRCLE: frozenset({"harbour"})})
        self.theirs.offer_posted = False  # what is posted goes to Seoul's own people, not back out
        self.ours = MemoryExchange(nodes.taipei.node_id, {CIRCLE: frozenset({"seoul"})})
        self.listener, self.book = start(self.theirs)
        self.peer: PeerRecord = record_of(nodes.seoul, "seoul", f"https://127.0.0.1:{self.listener.port}")
        self.cursors = MemoryCursors()
        self.desk = MemoryDesk()
        self.crossings: list[Crossing] = []
        self.deps = SyncDeps(
            circles=[CIRCLE],
            cursors=self.cursors,
            desk=self.desk.desk,
            releases=MemoryReleases(self.ours, withheld=3),
            context=client_context(nodes.taipei, nodes.seoul.ca_pem),
            bounds=Bounds(page_objects=100),
            on_crossing=self.crossings.append,
        )

    def run(self, **changes: object) -> SyncReport:
        """Synchronise once."""
        return sync(self.peer, msgspec.structs.replace(self.deps, **changes))


@pytest.fixture
def scene(nodes: Nodes, seoul_listener: Start) -> Scene:
    """Two nodes that share one circle."""
    return Scene(nodes, seoul_listener)


def test_what_is_new_travels_both_ways_and_only_once(scene: Scene) -> None:
    """250 objects come in pages, 120 go out, and a second synchronisation moves nothing."""
    for number in range(250):
        scene.theirs.add(CIRCLE, indicator(number))
    for number in range(1_000, 1_120):
        scene.ours.add(CIRCLE, indicator(number))
    report = scene.run()
    assert (report.received, report.sent, report.withheld) == (250, 120, 3)
    assert len(scene.desk.objects) == 250
    assert {item.origin for item in scene.desk.objects.values()} == {"seoul"}
    assert sum(count for _, _, count in scene.desk.receipts) == 250
    again = scene.run()
    assert (again.received, again.sent, again.withheld) == (0, 0, 0)
    assert len(scene.theirs.posted) == 120


def test_nothing_new_is_quick_and_writes_no_leaf(scene: Scene) -> None:
    """With nothing new a synchronisation takes under 100 ms, and neither ledger gets a leaf."""
    scene.theirs.add(CIRCLE, indicator(1))
    scene.run()
    leaves = scene.theirs.leaves, scene.ours.leaves
    best = min(scene.run().seconds for _ in range(5))
    assert best < 0.1
    assert (scene.theirs.leaves, scene.ours.leaves) == leaves


def test_lowered_later_arrives_at_the_next_poll(scene: Scene) -> None:
    """An object that becomes releasable after the last poll arrives at the next one, however old it is."""
    scene.theirs.add(CIRCLE, indicator(1))
    scene.run()
    scene.theirs.add(CIRCLE, indicator(2, version="2020-01-01T00:00:00.000Z"))
    assert scene.run().received == 1


def test_killed_between_pages_resumes_behind_the_last_stored_one(scene: Scene) -> None:
    """A process that dies while storing page three has two pages and a cursor; the next run brings the rest once."""
    for number in range(250):
        scene.theirs.add(CIRCLE, indicator(number))
    dying = MemoryDesk(fail_after=2)
    with pytest.raises(KeyboardInterrupt):
        scene.run(desk=dying.desk)
    assert len(dying.objects) == 200
    asked_before = scene.theirs.leaves
    assert scene.run().received == 50
    assert scene.theirs.leaves == asked_before + 1
    assert not set(dying.objects) & set(scene.desk.objects)


def test_killed_before_the_cursor_repeats_but_loses_nothing(scene: Scene) -> None:
    """When the kill falls between storing and the cursor, the page comes again and counts as unchanged."""
    for number in range(10):
        scene.theirs.add(CIRCLE, indicator(number))
    scene.run()
    scene.cursors.kept.clear()
    report = scene.run()
    assert (report.received, report.unchanged) == (0, 10)


def test_stale_token_falls_back_to_the_date(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has forgotten its token is asked again from the last safe date."""
    for number in range(150):
        scene.theirs.add(CIRCLE, indicator(number))
    scene.cursors.kept["seoul", CIRCLE, "receive"] = '{"next":""}'
    assert scene.run().received == 150


def test_bad_objects_do_not_spoil_good_ones(scene: Scene) -> None:
    """Objects that fail the check or policy are counted as rejected; the others are stored, the cursor moves on."""
    scene.theirs.add(CIRCLE, indicator(1))
    scene.theirs.add(CIRCLE, b'{"type":"note","id":"note--00000000-0000-4000-8000-000000000001"}')
    scene.theirs.add(CIRCLE, b'{"type":"tool","id":"malware--00000000-0000-4000-8000-000000000001"}')
    row = scene.theirs.add(CIRCLE, indicator(2))
    desk = MemoryDesk(refuse=frozenset({row.id}))
    report = scene.run(desk=desk.desk)
    assert (report.received, report.rejected) == (1, 3)
    assert scene.run(desk=desk.desk).rejected == 0


def test_circle_unknown_to_the_peer_is_a_problem_not_an_end(scene: Scene) -> None:
    """A circle that only we have is named in the report; the others are synchronised."""
    scene.theirs.add(CIRCLE, indicator(1))
    report = scene.run(circles=["ours-alone", CIRCLE])
    assert report.received == 1
    assert report.problems == ("seoul does not offer the circle ours-alone to us yet",)


def test_every_byte_that_crossed_can_be_seen(scene: Scene) -> None:
    """Each body sent and received is shown to whoever asked for it, and nothing private is in what was sent."""
    scene.theirs.add(CIRCLE, indicator(1))
    scene.ours.add(CIRCLE, indicator(2))
    scene.run()
    sent = b"".join(crossing.body for crossing in scene.crossings if crossing.direction == "sent")
    received = b"".join(crossing.body for crossing in scene.crossings if crossing.direction == "received")
    assert indicator(2) in sent
    assert indicator(1) in received


@pytest.mark.parametrize("state", [PeerState.PENDING, PeerState.SUSPENDED, PeerState.SEVERED])
def test_unverified_peer_is_not_called(scene: Scene, state: PeerState) -> None:
    """A peer that is not verified is not even connected to."""
    scene.peer = msgspec.structs.replace(scene.peer, state=state)
    with pytest.raises(Refused) as caught:
        scene.run()
    assert caught.value.code == "E-EXCHANGE-023"
    assert scene.crossings == []


def test_suspension_works_at_once(scene: Scene) -> None:
    """Seoul suspends us: the very next request meets a closed door, and a verification opens it again."""
    scene.run()
    scene.book.set_state("harbour", PeerState.SUSPENDED)
    with pytest.raises(Fault) as caught:
        scene.run()
    assert caught.value.code in {"E-EXCHANGE-118", "E-EXCHANGE-119"}
    scene.book.set_state("harbour", PeerState.VERIFIED)
    scene.run()


def test_slow_store_does_not_count_as_a_slow_peer(scene: Scene, stack: ExitStack) -> None:
    """The deadline is for each answer: our own work between pages does not use it up."""
    for number in range(20):
        scene.theirs.add(CIRCLE, indicator(number))

    class Slow(MemoryDesk):
        def _keep(self, objects):  # type: ignore[no-untyped-def]
            time.sleep(1.6)
            return super()._keep(objects)

    report = scene.run(desk=Slow().desk, bounds=Bounds(page_objects=10, answer_seconds=1.5, silence_seconds=1.5))
    assert report.received == 20


def test_what_the_peer_did_not_take_is_told(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Objects that the peer refuses are counted and named with its reason: nobody else would ever hear of them."""
    for number in range(5):
        scene.ours.add(CIRCLE, indicator(number))

    def accept(actor: Actor, collection: str, bodies: Sequence[bytes]) -> Sequence[Outcome]:
        ids = [msgspec.json.decode(body)["id"] for body in bodies]
        return [Outcome(id, "", None if id.endswith("0") else "Not\x1b[31m here.") for id in ids]

    monkeypatch.setattr(scene.theirs, "accept", accept)
    report = scene.run()
    assert (report.sent, report.refused) == (1, 4)
    [problem] = report.problems
    assert problem.startswith(f"seoul did not take 4 objects of the circle {CIRCLE}: indicator--")
    assert problem.count("Not [31m here.") == 3
