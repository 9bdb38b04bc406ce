"""Cover traffic: whoever keeps the mailbox sees a rhythm, and nothing of when or how much is said."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.neighbours import Clock
from flow.post_scenes import SEEN, RelayInMemory, by_relay
from seawall.exchange.relay import Waiting
from seawall.flow.ending import end_relation
from seawall.flow.exchange import sync_peer
from seawall.flow.health import FAREWELL
from seawall.flow.jobs import JOBS
from seawall.flow.node import Node
from seawall.flow.post import Delivered, deliver, post
from seawall.flow.relay_book import RelayLink, keep_link, link_of
from seawall.flow.relay_cells import CELL_BYTES, Packer
from seawall.flow.relay_cover import BEGUN, rhythm, set_cover, show_cover
from seawall.model import Fault, Refused
from seawall.model.message import MessageKind
from seawall.model.peer import PeerState

ASK = MessageKind.ASK
CELLS = 3
RUN = 300_000_000  # microseconds between two runs of the job


@pytest.fixture
def relay() -> RelayInMemory:
    """Somebody's relay."""
    return RelayInMemory()


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: RelayInMemory) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul, both under cover."""
    with by_relay(tmp_path, monkeypatch, relay) as found:
        set_cover(found["taipei"], "seoul", CELLS)
        set_cover(found["seoul"], "taipei", CELLS)
        yield found


def visit(nodes: dict[str, Node], name: str) -> Delivered:
    """One run of the job at one node, as far as messages are concerned."""
    with rhythm():
        return deliver(nodes[name], "seoul" if name == "taipei" else "taipei")


def day(nodes: dict[str, Node], runs: int = 3) -> list[str]:
    """Runs of the job at both, five minutes apart; the sentences that were said."""
    said: list[str] = []
    for _ in range(runs):
        clock = nodes["taipei"].clock
        assert isinstance(clock, Clock)
        clock.moment += RUN
        for name in ("taipei", "seoul"):
            said += visit(nodes, name).problems
    return said


def bodies(peer: str) -> list[bytes]:
    """What was handled of a peer, in order."""
    return [body for name, _, body in SEEN if name == peer]


class Watcher:
    """What the relay sees of each call: what was asked, and how many bytes."""

    def __init__(self, relay: RelayInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[tuple[str, int]] = []
        put, fetch, delete = relay.put, relay.fetch, relay.delete

        def seen_put(mailbox: str, token: bytes, data: bytes, *, expires: int) -> str:
            self.seen.append(("put", len(data)))
            return put(mailbox, token, data, expires=expires)

        def seen_fetch(mailbox: str, token: bytes, after: str | None = None, limit: int = 100) -> object:
            found = fetch(mailbox, token, after, limit)
            self.seen.append(("fetch", sum(len(one.data) for one in found)))
            return found

        def seen_delete(mailbox: str, token: bytes, ids: list[str]) -> int:
            self.seen.append(("delete", len(ids)))
            return delete(mailbox, token, ids)

        monkeypatch.setattr(relay, "put", seen_put)
        monkeypatch.setattr(relay, "fetch", seen_fetch)
        monkeypatch.setattr(relay, "delete", seen_delete)


def test_a_busy_day_looks_like_a_silent_one(
    nodes: dict[str, Node], relay: RelayInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay sees the same calls with the same sizes in the same order, and the messages arrive."""
    assert day(nodes) == []
    watcher = Watcher(relay, monkeypatch)
    assert day(nodes, 4) == []
    silent, watcher.seen[:] = list(watcher.seen), []
    for number in range(6):
        post(nodes["taipei"], "seoul", ASK, b"ask %d" % number)
        post(nodes["seoul"], "taipei", ASK, os.urandom(20_000 * number))
    post(nodes["taipei"], "seoul", ASK, os.urandom(200_000))
    assert day(nodes, 4) == []
    assert watcher.seen == silent
    assert {size for call, size in silent if call == "put"} == {size for call, size in watcher.seen if call == "put"}
    assert sum(call == "put" for call, _ in silent) == 4 * 2 * CELLS
    assert bodies("taipei")[:6] == [b"ask %d" % number for number in range(6)]
    assert day(nodes, 4) == []
    assert len(bodies("taipei")) == 7
    assert [body for body in bodies("seoul") if body.startswith(b"answer")] == [
        b"answer to ask %d" % n for n in range(6)
    ]
    assert day(nodes, 4) == []
    assert [node.store.post.count_waiting(peer)[0] for node, peer in pairs(nodes)] == [0, 0]


def pairs(nodes: dict[str, Node]) -> list[tuple[Node, str]]:
    """Each node and its peer."""
    return [(nodes["taipei"], "seoul"), (nodes["seoul"], "taipei")]


def test_nothing_leaves_between_two_runs(
    nodes: dict[str, Node], relay: RelayInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever delivers or synchronises by hand makes no call, and reads when it leaves."""
    watcher = Watcher(relay, monkeypatch)
    post(nodes["taipei"], "seoul", ASK, b"now")
    told = deliver(nodes["taipei"], "seoul")
    assert (told.sent, told.waiting) == (0, 1)
    assert "leaves with the next run of the job 'sync'" in told.problems[0]
    report = sync_peer(nodes["taipei"], "seoul")
    assert "leaves with the next run of the job 'sync'" in str(report["problems"])
    assert watcher.seen == []


def test_the_job_visits_once(nodes: dict[str, Node], relay: RelayInMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job 'sync' itself makes one visit, with objects to send and without."""
    job = next(job for job in JOBS if job.name == "sync")
    watcher = Watcher(relay, monkeypatch)
    for _ in range(3):
        assert "received" in str(job.work(nodes["taipei"]))
        assert [call for call, _ in watcher.seen].count("put") == CELLS
        watcher.seen.clear()


def test_what_is_larger_than_a_visit_goes_on_in_the_next(nodes: dict[str, Node]) -> None:
    """A message of a million bytes takes its six visits, and others behind it keep their order."""
    large = os.urandom(1_000_000)
    post(nodes["taipei"], "seoul", ASK, large)
    post(nodes["taipei"], "seoul", ASK, b"behind it")
    visits = -(-1_000_000 // (CELLS * CELL_BYTES)) + 1
    assert day(nodes, visits - 2) == []
    assert bodies("taipei") == []
    assert day(nodes, 4) == []
    assert bodies("taipei") == [large, b"behind it"]
    assert day(nodes, 2) == []
    assert nodes["taipei"].store.post.count_waiting("seoul") == (0, 0)


def test_what_a_relay_loses_comes_again(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """One cell of a large message is dropped: after a while all of it comes again, once."""
    dropped: list[Waiting] = []

    def drop_second(_box: str, item: Waiting, items: list[Waiting]) -> None:
        if len(relay.stored) == first + 2:
            dropped.append(item)
        else:
            items.append(item)

    large = os.urandom(3 * CELL_BYTES)
    post(nodes["taipei"], "seoul", ASK, large)
    first = len(relay.stored)
    relay.mischief = drop_second
    day(nodes, 3)
    assert len(dropped) == 1
    assert bodies("taipei") == []
    day(nodes, 12)
    assert bodies("taipei") == [large]


def test_a_relay_that_repeats_and_swaps_changes_nothing(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """Every cell twice, the last first: each message is handled once, in order."""

    def twice_and_first(_box: str, item: Waiting, items: list[Waiting]) -> None:
        items[:0] = [item, Waiting(item.id + "-again", item.data, item.expires)]

    relay.mischief = twice_and_first
    for number in range(5):
        post(nodes["taipei"], "seoul", ASK, b"%d " % number + bytes(30_000))
    day(nodes, 20)
    assert [body[:1] for body in bodies("taipei")] == [b"0", b"1", b"2", b"3", b"4"]


def test_a_full_mailbox_and_a_relay_that_is_down_lose_nothing(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """What could not be laid down is laid down later."""
    post(nodes["taipei"], "seoul", ASK, b"one")
    relay.room = 1
    assert any("full" in said for said in visit(nodes, "taipei").problems)
    relay.room, relay.down = 10_000, True
    with pytest.raises(Fault, match="E-EXCHANGE-770"):
        visit(nodes, "taipei")
    relay.down = False
    day(nodes, 3)
    assert bodies("taipei") == [b"one"]


def test_a_kill_between_two_cells_loses_nothing(
    nodes: dict[str, Node], relay: RelayInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process dies after the first cell: the next visit sends the message again, and it is handled once."""
    post(nodes["taipei"], "seoul", ASK, b"one")

    def die(_box: str, item: Waiting, items: list[Waiting]) -> None:
        items.append(item)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(relay, "mischief", die)
        with pytest.raises(KeyboardInterrupt):
            visit(nodes, "taipei")
    day(nodes, 3)
    assert bodies("taipei") == [b"one"]


def test_every_cell_is_on_the_ledger_before_it_leaves(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """One leaf a visit, which names the SHA-256 of all its cells, empty ones too."""
    relay.stored.clear()
    day(nodes, 2)
    recorded: set[str] = set()
    for node in nodes.values():
        for number in range(node.ledger.size):
            event = node.ledger.entry(number).event
            if event and event["details"].get("message") == "cover":
                recorded.update(event["details"]["sha256"])
    assert len(relay.stored) == 2 * 2 * CELLS
    assert {hashlib.sha256(data).hexdigest() for data in relay.stored} == recorded


def test_a_relation_that_ends_leaves_nothing_in_part(nodes: dict[str, Node]) -> None:
    """A message was begun: severing makes one last visit with the farewell, and forgets what came and went in part."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    post(taipei, "seoul", ASK, os.urandom(1_000_000))
    day(nodes, 2)
    assert list(seoul.folder.rglob("*.part"))
    assert taipei.store.notes.get(BEGUN.format(peer="seoul")) is not None
    end_relation(taipei, "seoul", PeerState.SEVERED, farewell="It was a pleasure.")
    assert taipei.store.notes.get(BEGUN.format(peer="seoul")) is None
    end_relation(seoul, "taipei", PeerState.SEVERED)
    assert not list(seoul.folder.rglob("*.part"))


def test_a_farewell_leaves_under_cover(
    nodes: dict[str, Node], relay: RelayInMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes in cells, at once, and the other side's people can read it after their next run."""
    watcher = Watcher(relay, monkeypatch)
    end_relation(nodes["taipei"], "seoul", PeerState.SEVERED, farewell="It was a pleasure.")
    assert [call for call, _ in watcher.seen].count("put") == CELLS
    assert visit(nodes, "seoul").problems == ()
    assert nodes["seoul"].store.notes.get(FAREWELL.format(peer="taipei")) == "It was a pleasure."


def test_a_peer_that_sends_rubbish_in_cells_is_told_of_a_few_times(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Damaged cells are left out, with a bound on the sentences, and what comes behind them arrives."""
    with monkeypatch.context() as patch:
        patch.setattr(Packer, "bodies", lambda _self: [os.urandom(CELL_BYTES) for _ in range(30)])
        visit(nodes, "taipei")
    said = visit(nodes, "seoul").problems
    assert said == ("of taipei: a cell of its cover traffic is damaged; it was left out",)
    post(nodes["taipei"], "seoul", ASK, b"one")
    day(nodes, 2)
    assert bodies("taipei") == [b"one"]


def test_one_side_alone_may_be_under_cover(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """Taipei's cells reach Seoul, Seoul's messages reach Taipei as they are."""
    set_cover(nodes["seoul"], "taipei", 0)
    post(nodes["taipei"], "seoul", ASK, b"ask covered")
    visit(nodes, "taipei")
    answered = deliver(nodes["seoul"], "taipei")
    assert (answered.received, answered.sent) == (1, 1)
    visit(nodes, "taipei")
    assert bodies("seoul") == [b"answer to ask covered"]


def test_cover_is_set_shown_and_ended_by_people(nodes: dict[str, Node]) -> None:
    """Each change is on the ledger once; a relay is needed; a number of cells that cannot be is refused."""
    taipei = nodes["taipei"]
    assert show_cover(taipei, "seoul") == {
        "peer": "seoul", "cells": 3, "bytes_a_visit": 180_000, "bytes_a_day": 51_840_000, "waiting": 0,
    }  # fmt: skip
    before = taipei.ledger.size
    set_cover(taipei, "seoul", 3)
    assert taipei.ledger.size == before
    for cells in (-1, 257):
        with pytest.raises(Fault, match="E-FLOW-995"):
            set_cover(taipei, "seoul", cells)
    assert set_cover(taipei, "seoul", 0)["cells"] == 0
    assert link_of(taipei, "seoul").cover == 0
    keep_link(taipei, "seoul", RelayLink())
    with pytest.raises(Refused, match="E-FLOW-994"):
        set_cover(taipei, "seoul", 1)
