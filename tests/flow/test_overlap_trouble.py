"""What goes wrong while two nodes look for their overlap: kills, repetitions, greed, ended relations, harmless data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.books_scenes import address, observe, visit
from flow.neighbours import neighbours
from flow.overlap_scenes import HEARD, Nodes, share, suspect
from flow.post_scenes import RelayInMemory, know_keys, link
from seawall.flow import ask, budgets, overlap_evidence, overlap_rounds, relay_delivery
from seawall.flow import post as post_flow
from seawall.flow.budgets import left
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.overlap_explain import explain_overlap
from seawall.flow.overlap_hear import hear_overlap
from seawall.flow.overlap_rounds import STOPPED
from seawall.flow.overlap_set import Room, own_set
from seawall.flow.overlap_words import Masked, read_word
from seawall.flow.post import deliver
from seawall.model import Fault, ObservableType, Refused
from seawall.model.message import Message, MessageKind
from seawall.model.overlap import RunState, Tier
from seawall.model.peer import PeerState

IPV4 = ObservableType.IPV4
PAIRS = (("taipei", "seoul"), ("seoul", "taipei"))


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """Taipei and Seoul, who reach each other only through a relay."""
    relay = RelayInMemory()
    monkeypatch.setattr(relay_delivery, "connect", lambda _place: relay)
    with neighbours(tmp_path, "taipei", "seoul") as found:
        know_keys(found)
        link(found, "taipei", "seoul", relay)
        share(found)
        yield found


def settle(nodes: Nodes, rounds: int = 12) -> None:
    """Both deliver in turns, until nothing moves any more."""
    for _ in range(rounds):
        moved = [deliver(nodes[name], other) for name, other in PAIRS]
        if not any(one.sent or one.received for one in moved):
            return


def held(node: Node, peer: str) -> set[str]:
    """What the node says both hold."""
    return {item.value for item in node.store.overlaps.list(peer, limit=1_000).items}


@pytest.mark.parametrize("step", range(1, 12))
def test_a_kill_between_any_two_messages_loses_nothing(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """Whichever message a process dies before or behind, the next delivery takes the run on, to the same end."""
    numbers = range(3)
    suspect(nodes["taipei"], numbers)
    suspect(nodes["seoul"], numbers)
    left_to_go = [step]
    with monkeypatch.context() as patch:
        for module in (overlap_rounds, overlap_evidence):
            patch.setattr(module, "post", _dying(module.post, left_to_go, behind=step % 2 == 0))
        assert _until_death(nodes)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    for name, other in PAIRS:
        items = nodes[name].store.overlaps.list(other, limit=1_000).items
        assert {item.value for item in items} == {address(number) for number in numbers}, name
        assert {(item.given, item.taken) for item in items} == {(Tier.SECTOR, Tier.SECTOR)}, name
        assert not nodes[name].store.overlaps.sessions(other, unfinished=True), name


def _dying(true_post, left_to_go: list[int], *, behind: bool):  # type: ignore[no-untyped-def]
    def post(node: Node, peer: str, kind: MessageKind, body: bytes) -> int:
        left_to_go[0] -= 1
        if left_to_go[0] == 0 and not behind:
            raise KeyboardInterrupt
        number: int = true_post(node, peer, kind, body)
        if left_to_go[0] == 0:
            raise KeyboardInterrupt
        return number

    return post


def _until_death(nodes: Nodes) -> bool:
    """One run, until a process dies of the n-th message."""
    try:
        run_overlap(nodes["taipei"], "seoul", type=IPV4)
        settle(nodes)
    except KeyboardInterrupt:
        return True
    return False


def test_a_part_that_comes_again_costs_nothing_and_changes_nothing(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every message of a run is given to its handler once more: budgets and items stay, or one sentence refuses it."""
    suspect(nodes["taipei"], range(6))
    suspect(nodes["seoul"], range(3, 9))
    HEARD.clear()
    monkeypatch.setitem(post_flow.HANDLERS, MessageKind.OVERLAP, "flow.overlap_scenes:remembering")
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    before = {name: (left(nodes[name], other, IPV4).now, held(nodes[name], other)) for name, other in PAIRS}
    again = [(node, message) for node, message in HEARD if isinstance(read_word(message.body), Masked)]
    assert len(again) == 12  # three lanes
    for node, message in again:
        try:
            hear_overlap(node, message)
        except Refused as refused:
            assert refused.code.startswith("E-EXCHANGE-7")
    after = {name: (left(nodes[name], other, IPV4).now, held(nodes[name], other)) for name, other in PAIRS}
    assert before == after
    assert before["taipei"][1] == {address(number) for number in range(3, 6)}


def test_truncated_and_strange_messages_are_refused(nodes: Nodes) -> None:
    """A message that is cut, of another epoch or of a session nobody began is refused and changes nothing."""
    suspect(nodes["taipei"], range(3))
    suspect(nodes["seoul"], range(3))
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    before = left(nodes["seoul"], "taipei", IPV4).now
    word = Masked("0" * 16, IPV4, b"no part at all")
    for body in (b"", b"\x81", msgspec.msgpack.encode(word)[:-3], msgspec.msgpack.encode(word)):
        message = Message("taipei", 99, MessageKind.OVERLAP, 1, 2, body)
        with pytest.raises(Refused):
            hear_overlap(nodes["seoul"], message)
    assert left(nodes["seoul"], "taipei", IPV4).now == before


def test_a_peer_over_its_cap_is_refused_and_told_so(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A side that brings more than it was told gets no answer, learns why, and nothing is taken off its budget."""
    suspect(nodes["taipei"], range(40))
    suspect(nodes["seoul"], range(40))
    monkeypatch.setattr(budgets, "DAILY_LEAST", 20)
    monkeypatch.setattr(budgets, "INITIAL_SHARE", (1, 1_000))

    def without_room(node, peer, type, circles, room, sent):  # type: ignore[no-untyped-def]
        return own_set(node, peer, type, circles, Room(10_000, 10_000), sent)

    monkeypatch.setattr(overlap_rounds, "own_set", without_room)
    monkeypatch.setattr(overlap_rounds, "most_items", lambda _points: 10_000)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    assert held(nodes["taipei"], "seoul") == held(nodes["seoul"], "taipei") == set()
    found = run_overlap_quietly(nodes)
    assert {row.state for name, other in PAIRS for row in nodes[name].store.overlaps.sessions(other)} == {
        RunState.REFUSED
    }, found
    told = [nodes[name].store.notes.get(STOPPED.format(peer=other, type="ipv4")) for name, other in PAIRS]
    assert any(reason is not None and "may ask about 60 now" in reason for reason in told), told
    assert min(left(nodes[name], other, IPV4).now for name, other in PAIRS) == 60


def run_overlap_quietly(nodes: Nodes) -> dict[str, object]:
    """What a run would say, without beginning another one."""
    return {name: nodes[name].store.overlaps.sessions(other) for name, other in PAIRS}


def test_a_suspended_peer_learns_nothing(nodes: Nodes) -> None:
    """Nothing is begun with a suspended peer, and what it begins is not answered."""
    suspect(nodes["taipei"], range(3))
    suspect(nodes["seoul"], range(3))
    nodes["seoul"].store.peers.set_state("taipei", PeerState.SUSPENDED)
    with pytest.raises(Refused, match="E-FLOW-550"):
        run_overlap(nodes["seoul"], "taipei")
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    with pytest.raises(Fault):
        deliver(nodes["seoul"], "taipei")
    deliver(nodes["taipei"], "seoul")
    assert held(nodes["seoul"], "taipei") == held(nodes["taipei"], "seoul") == set()


def test_without_an_agreed_circle_one_sentence_says_so(nodes: Nodes) -> None:
    """Neither a run nor a question goes on without a circle that both agreed on; what would be is still explained."""
    nodes["taipei"].store.notes.delete("agreed:tw-kr:seoul")
    with pytest.raises(Refused, match="E-FLOW-551"):
        run_overlap(nodes["taipei"], "seoul")
    with pytest.raises(Refused, match="E-FLOW-551"):
        ask.ask_peer(nodes["taipei"], "seoul", ["45.76.0.1"])
    assert explain_overlap(nodes["taipei"], "seoul", [IPV4])["agreed"] is False


def test_harmless_traffic_gives_nothing(nodes: Nodes) -> None:
    """Both sides' people visit the same sites, shared servers and resolvers: no item on either side."""
    for node in nodes.values():
        sites = [("142.250.1.1", "www.google.com"), ("104.16.1.1", "cdn.everybody.tw"), ("8.8.8.8", "dns.google")]
        observe(node, *(visit(value, host=f"10.0.0.{host}", name=name) for value, name in sites for host in range(9)))
    for type in (IPV4, ObservableType.DOMAIN):
        run_overlap(nodes["taipei"], "seoul", type=type)
        settle(nodes)
    assert held(nodes["taipei"], "seoul") == held(nodes["seoul"], "taipei") == set()
