"""Messages through a relay: once, in order, whatever the relay does; nothing lost, nothing said twice."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import AT, Clock
from flow.post_scenes import SEEN, RelayInMemory, by_relay, settle
from seawall.exchange.relay import Waiting
from seawall.flow.conduct import conduct_of
from seawall.flow.node import Node
from seawall.flow.post import deliver, post
from seawall.flow.post_state import memory_of, remember
from seawall.flow.relay_book import relay_endpoints
from seawall.model import Fault, Refused
from seawall.model.message import MessageKind
from seawall.model.peer import PeerState
from seawall.model.post import PostState

DAY = 86_400_000_000
ASK = MessageKind.ASK


@pytest.fixture
def relay() -> RelayInMemory:
    """Somebody's relay."""
    return RelayInMemory()


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: RelayInMemory) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul, which speak through the relay."""
    with by_relay(tmp_path, monkeypatch, relay) as found:
        yield found


def later(node: Node, microseconds: int) -> None:
    """The clock that all share goes on."""
    clock = node.clock
    assert isinstance(clock, Clock)
    clock.moment += microseconds


def bodies(peer: str) -> list[bytes]:
    """What was handled of a peer, in order."""
    return [body for name, _, body in SEEN if name == peer]


def test_messages_arrive_once_in_order_and_are_acknowledged(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """Three messages and an answer; then both queues and both mailboxes are empty, and nothing more is said."""
    for body in (b"one", b"two", b"ask three"):
        post(nodes["taipei"], "seoul", ASK, body)
    first = deliver(nodes["taipei"], "seoul")
    assert (first.sent, first.received, first.problems, first.waiting) == (3, 0, (), 3)
    answered = deliver(nodes["seoul"], "taipei")
    assert (answered.sent, answered.received) == (1, 3)
    done = deliver(nodes["taipei"], "seoul")
    assert (done.received, done.waiting) == (1, 0)
    assert bodies("taipei") == [b"one", b"two", b"ask three"]
    assert bodies("seoul") == [b"answer to ask three"]
    deliver(nodes["seoul"], "taipei")
    stored = len(relay.stored)
    assert settle(nodes, "taipei", "seoul") == []
    assert len(relay.stored) == stored  # silence
    assert all(not items for _, _, items in relay.boxes.values())
    assert nodes["seoul"].store.post.count_waiting("taipei") == (0, 0)


def test_each_message_is_on_the_ledger_before_it_may_leave(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """The leaf names kind, sequence, size and the SHA-256 of the sealed bytes that then lie at the relay."""
    post(nodes["taipei"], "seoul", ASK, b"one")
    leaf = nodes["taipei"].ledger.entry(nodes["taipei"].ledger.size - 1).event
    assert leaf is not None
    deliver(nodes["taipei"], "seoul")
    sealed = relay.stored[0]
    assert (leaf["kind"], leaf["subject"]) == ("message-sent", "seoul")
    assert leaf["details"] == {
        "message": "ask", "sequence": 1, "sha256": hashlib.sha256(sealed).hexdigest(), "size": len(sealed),
    }  # fmt: skip
    leaves = [nodes["taipei"].ledger.entry(number).event for number in range(nodes["taipei"].ledger.size)]
    recorded = {str(event["details"]["sha256"]) for event in leaves if event and event["kind"] == "message-sent"}
    assert {hashlib.sha256(data).hexdigest() for data in relay.stored} <= recorded


def test_what_a_handler_rejects_is_told_to_its_sender(nodes: dict[str, Node]) -> None:
    """Its number is used, what comes behind it is handled, and both keep the sentence."""
    for body in (b"bad", b"good"):
        post(nodes["taipei"], "seoul", ASK, body)
    said = settle(nodes, "taipei", "seoul")
    assert "of taipei: This is not wanted here." in said
    assert "seoul: message 1: This is not wanted here." in said
    assert bodies("taipei") == [b"good"]
    ours = nodes["taipei"].store.post.get("seoul", 1)
    assert ours is not None
    assert (ours.state, ours.reason, ours.body) == (PostState.REJECTED, "This is not wanted here.", None)


def test_a_kill_while_handling_repeats_the_message(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """It was neither acknowledged nor deleted; the next visit hands it over again, and what is behind it once."""
    for body in (b"one", b"die", b"three"):
        post(nodes["taipei"], "seoul", ASK, body)
    deliver(nodes["taipei"], "seoul")
    with pytest.raises(KeyboardInterrupt):
        deliver(nodes["seoul"], "taipei")
    assert bodies("taipei") == [b"one"]
    from flow import post_scenes

    monkeypatch.setattr(post_scenes, "see", lambda _node, message: SEEN.append(("taipei", 0, message.body)))
    deliver(nodes["seoul"], "taipei")
    assert bodies("taipei") == [b"one", b"die", b"three"]


@pytest.mark.parametrize("seed", range(3))
def test_a_relay_that_drops_repeats_delays_and_swaps_is_recovered_from(
    nodes: dict[str, Node], relay: RelayInMemory, seed: int
) -> None:
    """Every message is handled once and in order on both sides, and nobody is blamed."""
    chance = random.Random(seed)
    held: list[tuple[list[Waiting], Waiting]] = []

    def mischief(_box: str, item: Waiting, items: list[Waiting]) -> None:
        match chance.randrange(5):
            case 0:
                return  # dropped
            case 1:
                items += [item, Waiting(f"{chance.getrandbits(128):032x}", item.data, item.expires)]
            case 2:
                items.insert(chance.randrange(len(items) + 1), item)
            case 3:
                held.append((items, item))
            case _:
                items.append(item)
        if held and chance.random() < 0.5:
            late, waited = held.pop(0)
            late.append(waited)

    relay.mischief = mischief
    said: dict[str, list[bytes]] = {"taipei": [], "seoul": []}
    for turn in range(16):
        for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
            if turn < 8:
                said[name].append(f"{name} {turn}".encode())
                post(nodes[name], other, ASK, said[name][-1])
            deliver(nodes[name], other)
        later(nodes["taipei"], 30_000_000)
    relay.mischief = lambda _box, item, items: items.append(item)
    later(nodes["taipei"], DAY // 4)  # the longest that anything waits to be laid down again
    settle(nodes, "taipei", "seoul")
    assert bodies("taipei") == said["taipei"]
    assert bodies("seoul") == said["seoul"]
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0
    assert nodes["seoul"].store.post.count_waiting("taipei")[0] == 0
    assert all(conduct_of(nodes[name], other).points == 0 for name, other in (("taipei", "seoul"), ("seoul", "taipei")))


def test_what_was_lost_is_known_at_once_and_laid_down_again(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """The peer saw the visit and not the message: no time has to pass."""
    keep = relay.mischief
    relay.mischief = lambda _box, item, items: None if len(relay.stored) == 1 else items.append(item)
    post(nodes["taipei"], "seoul", ASK, b"lost")
    deliver(nodes["taipei"], "seoul")
    relay.mischief = keep
    settle(nodes, "seoul", "taipei", rounds=2)
    assert bodies("taipei") == [b"lost"]


def test_a_full_mailbox_makes_everything_wait(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """One sentence says so; nothing is lost, and it goes on when there is room."""
    relay.room = 2
    for number in range(5):
        post(nodes["taipei"], "seoul", ASK, str(number).encode())
    said = deliver(nodes["taipei"], "seoul")
    assert (said.sent, said.waiting, len(said.problems)) == (2, 5, 1)
    for _ in range(4):
        deliver(nodes["seoul"], "taipei")
        later(nodes["taipei"], 60_000_000)
        deliver(nodes["taipei"], "seoul")
    deliver(nodes["seoul"], "taipei")
    assert bodies("taipei") == [b"0", b"1", b"2", b"3", b"4"]


def test_a_message_whose_time_is_over_is_given_up_by_both(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """The sender's people are told, the receiver goes on behind it."""
    post(nodes["taipei"], "seoul", ASK, b"old", expires_in=DAY)
    post(nodes["taipei"], "seoul", ASK, b"still good", expires_in=10 * DAY)
    later(nodes["taipei"], 2 * DAY)
    said = settle(nodes, "taipei", "seoul")
    assert "1 messages to seoul were not taken before their time was over" in said
    assert bodies("taipei") == [b"still good"]
    kept = nodes["taipei"].store.post.get("seoul", 1)
    assert kept is not None
    assert (kept.state, kept.body, kept.sealed) == (PostState.EXPIRED, None, None)
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0


def test_rubbish_in_the_mailbox_is_nobodys_crime(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """A relay's or a stranger's bytes are thrown away with a sentence; the peer is not blamed."""
    post(nodes["taipei"], "seoul", ASK, b"one")
    deliver(nodes["taipei"], "seoul")
    for _, _, items in relay.boxes.values():
        if items:
            whole = items[0].data
            items[:0] = [
                Waiting("0" * 32, b"rubbish", AT),
                Waiting("1" * 32, whole[:-1] + bytes([whole[-1] ^ 1]), AT),
                Waiting("2" * 32, whole[:2_000], AT),
            ]
    said = deliver(nodes["seoul"], "taipei").problems
    assert len(said) in (2, 3)  # two of them may say the same
    assert bodies("taipei") == [b"one"]
    assert conduct_of(nodes["seoul"], "taipei").points == 0


def test_two_stories_under_one_number_are_a_misdeed(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """Only the peer can have sealed it: it is refused and remembered."""
    post(nodes["taipei"], "seoul", ASK, b"first story")
    settle(nodes, "taipei", "seoul")
    kept = nodes["taipei"].store.post.get("seoul", 1)
    assert kept is not None
    other = msgspec.structs.replace(
        kept, body=b"second story", state=PostState.WAITING, put_at=None, digest="0" * 64, sealed=b"old"
    )
    nodes["taipei"].store.post.add(other)
    memory = memory_of(nodes["taipei"], "seoul")
    remember(nodes["taipei"], "seoul", msgspec.structs.replace(memory, under=""))  # so it is sealed anew
    deliver(nodes["taipei"], "seoul")
    said = deliver(nodes["seoul"], "taipei").problems
    assert any("other content" in sentence for sentence in said)
    assert conduct_of(nodes["seoul"], "taipei").counts == {"forged": 1}
    assert bodies("taipei") == [b"first story"]


def test_suspended_and_severed_peers_get_nothing(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """Nothing is posted, nothing delivered, and what came from them stays unread."""
    post(nodes["taipei"], "seoul", ASK, b"waits")
    nodes["taipei"].store.peers.set_state("seoul", PeerState.SUSPENDED)
    with pytest.raises(Refused, match="E-FLOW-600"):
        post(nodes["taipei"], "seoul", ASK, b"more")
    with pytest.raises(Refused, match="E-EXCHANGE-023"):
        deliver(nodes["taipei"], "seoul")
    assert relay.stored == []
    assert relay_endpoints(nodes["taipei"]) == []


def test_bounds_hold(nodes: dict[str, Node]) -> None:
    """A body above 8 MiB is refused, and so is a message to a peer that told no key."""
    with pytest.raises(Fault, match="E-FLOW-601"):
        post(nodes["taipei"], "seoul", ASK, bytes(8 * 1024 * 1024 + 1))


def test_a_relay_that_is_down_is_one_sentence(nodes: dict[str, Node], relay: RelayInMemory) -> None:
    """Nothing is lost, and the message goes when it is back."""
    post(nodes["taipei"], "seoul", ASK, b"one")
    relay.down = True
    with pytest.raises(Fault, match="E-EXCHANGE-770"):
        deliver(nodes["taipei"], "seoul")
    relay.down = False
    settle(nodes, "taipei", "seoul")
    assert bodies("taipei") == [b"one"]
