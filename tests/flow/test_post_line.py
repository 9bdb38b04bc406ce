"""Messages over the real line: mutual TLS, both ways in one delivery."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import neighbours
from flow.post_scenes import SEEN, know_keys, watched
from seawall.exchange.post import POST_PATH, Exchanged, PostBounds, Standing, encoded, read_exchanged, server
from seawall.flow.conduct import conduct_of
from seawall.flow.doors import PeerDoor
from seawall.flow.node import Node
from seawall.flow.post import deliver, post
from seawall.flow.post_book import PostBook
from seawall.flow.post_state import memory_of, remember
from seawall.model import Fault, Unavailable
from seawall.model.message import MessageKind
from seawall.model.peer import PeerState
from seawall.model.post import PostState

ASK = MessageKind.ASK


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Node]]:
    """Taipei calls, Seoul serves; each holds the other's prekey."""
    with neighbours(tmp_path, "taipei", "seoul") as found, watched(monkeypatch):
        know_keys(found)
        door = PeerDoor(found["seoul"], host="127.0.0.1", port=0)
        record = found["taipei"].store.peers.get("seoul")
        url = f"https://127.0.0.1:{door.listener.port}"
        found["taipei"].store.peers.replace(msgspec.structs.replace(record, url=url))
        door.start()
        try:
            yield found
        finally:
            door.stop()


def test_one_delivery_moves_both_ways_until_nothing_is_new(nodes: dict[str, Node]) -> None:
    """Questions go, are answered while the caller waits, and both queues are empty afterwards."""
    for number in range(5):
        post(nodes["taipei"], "seoul", ASK, f"ask {number}".encode())
    post(nodes["seoul"], "taipei", ASK, b"by the way")
    done = deliver(nodes["taipei"], "seoul")
    assert (done.sent, done.received, done.problems, done.waiting) == (5, 6, (), 0)
    assert done.bytes_out > 0
    assert [body for peer, _, body in SEEN if peer == "taipei"] == [f"ask {n}".encode() for n in range(5)]
    assert [body for peer, _, body in SEEN if peer == "seoul"] == [
        b"by the way", *(f"answer to ask {n}".encode() for n in range(5)),
    ]  # fmt: skip
    deliver(nodes["taipei"], "seoul")
    assert nodes["seoul"].store.post.count_waiting("taipei") == (0, 0)


def test_large_messages_take_several_requests(nodes: dict[str, Node]) -> None:
    """Eight parts of 4 MiB are more than one request holds."""
    for number in range(8):
        post(nodes["taipei"], "seoul", ASK, bytes([number]) * (4 * 1024 * 1024))
    done = deliver(nodes["taipei"], "seoul")
    assert (done.sent, done.waiting, done.problems) == (8, 0, ())
    assert [body[:1] for _, _, body in SEEN] == [bytes([number]) for number in range(8)]


def test_keys_come_with_the_first_delivery(tmp_path: Path, nodes: dict[str, Node]) -> None:
    """Nothing can be sealed before the peer told its key, and the sentence says what to do."""
    from seawall.flow.peer_keys import HELD_PREKEYS

    nodes["taipei"].store.notes.delete(HELD_PREKEYS.format(peer="seoul"))
    with pytest.raises(Unavailable, match="E-FLOW-466"):
        post(nodes["taipei"], "seoul", ASK, b"early")


def test_a_rejected_message_is_one_sentence_on_each_side(nodes: dict[str, Node]) -> None:
    """The caller hears why; what is behind it was handled."""
    for body in (b"bad", b"good"):
        post(nodes["taipei"], "seoul", ASK, body)
    done = deliver(nodes["taipei"], "seoul")
    assert done.problems == ("seoul: message 1: This is not wanted here.",)
    kept = nodes["taipei"].store.post.get("seoul", 1)
    assert kept is not None
    assert kept.state is PostState.REJECTED
    assert [body for _, _, body in SEEN] == [b"good"]


def test_a_peer_that_handles_for_long_is_waited_for(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer says busy, the handling goes on, and the caller asks again until it is done."""
    monkeypatch.setattr(server, "BOUNDS", PostBounds(answer_seconds=0.0))
    monkeypatch.setattr("seawall.exchange.post.client.DEFAULT_POST_BOUNDS", PostBounds(look_seconds=0.05))
    for number in range(20):
        post(nodes["taipei"], "seoul", ASK, f"ask {number}".encode())
    deliver(nodes["taipei"], "seoul")
    deliver(nodes["taipei"], "seoul")
    assert [body for peer, _, body in SEEN if peer == "taipei"] == [f"ask {n}".encode() for n in range(20)]
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0


def test_what_is_no_message_counts_against_its_sender(nodes: dict[str, Node]) -> None:
    """Over its own line only the peer can have said it."""
    with pytest.raises(Fault):
        for _ in range(30):
            PostBook(nodes["seoul"], {}).take("taipei", [b"rubbish" * 1_000])
    assert conduct_of(nodes["seoul"], "taipei").counts["malformed"] >= 6


def test_a_node_restored_from_an_older_copy_numbers_behind_what_it_sent(nodes: dict[str, Node]) -> None:
    """Its next number would mean two things: what waits is sealed anew behind what the peer knows, and arrives."""
    post(nodes["taipei"], "seoul", ASK, b"before")
    deliver(nodes["taipei"], "seoul")
    taipei = nodes["taipei"]
    from seawall.store.post_tables import post_outgoing

    with taipei.store.post._database.writing() as connection:
        connection.execute(post_outgoing.delete())
    memory = memory_of(taipei, "seoul")
    remember(taipei, "seoul", msgspec.structs.replace(memory, taken=0, base=0))
    assert post(taipei, "seoul", ASK, b"after") == 1
    deliver(taipei, "seoul")
    deliver(taipei, "seoul")
    assert [body for _, _, body in SEEN] == [b"before", b"after"]
    assert conduct_of(nodes["seoul"], "taipei").points == 0


def test_a_receiver_restored_from_an_older_copy_goes_on(nodes: dict[str, Node]) -> None:
    """What it had taken cannot come again: it is told so, and what is new is handled."""
    for body in (b"one", b"two"):
        post(nodes["taipei"], "seoul", ASK, body)
    deliver(nodes["taipei"], "seoul")
    from seawall.store.post_tables import post_incoming

    with nodes["seoul"].store.post_in._database.writing() as connection:
        connection.execute(post_incoming.delete())
    post(nodes["taipei"], "seoul", ASK, b"three")
    for _ in range(3):
        deliver(nodes["taipei"], "seoul")
    assert [body for _, _, body in SEEN] == [b"one", b"two", b"three"]
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0


def test_nothing_is_given_to_a_peer_that_is_suspended(nodes: dict[str, Node]) -> None:
    """What waits stays, and what it says about itself is not believed."""
    post(nodes["taipei"], "seoul", ASK, b"waits")
    nodes["taipei"].store.peers.set_state("seoul", PeerState.SUSPENDED)
    book = PostBook(nodes["taipei"], {})
    assert book.waiting("seoul", 0) == ((), False)
    book.settle("seoul", Standing(1))
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 1


def test_documents_beyond_the_bounds_are_none() -> None:
    """Too many messages, absurd numbers and rubbish are not read."""
    bounds = PostBounds(at_once=2, numbers=3)
    assert read_exchanged(encoded(Exchanged((b"1", b"2"))), bounds) is not None
    for bad in (Exchanged((b"1",) * 3), Exchanged(standing=Standing(-1)), Exchanged(standing=Standing(gone=(1,) * 4))):
        assert read_exchanged(encoded(bad), bounds) is None
    assert read_exchanged(b"\xc1", bounds) is None
    assert POST_PATH.startswith("/seawall/v1/")
