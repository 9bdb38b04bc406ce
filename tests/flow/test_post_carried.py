"""Messages without a network: in files that people carry, lost, repeated, cut and altered on the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.books_scenes import address
from flow.neighbours import neighbours
from flow.overlap_scenes import share, suspect
from flow.post_scenes import SEEN, know_keys, watched
from seawall.exchange.envelope import BadEnvelope
from seawall.flow.conduct import conduct_of
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.post import deliver, post
from seawall.flow.post_carried import HEAD, LENGTH_BYTES, messages_beside, write_messages
from seawall.flow.post_carried_in import import_carried, take_messages
from seawall.model import Fault, ObservableType, Refused
from seawall.model.message import MessageKind
from seawall.model.peer import PeerState

ASK = MessageKind.ASK
NOWHERE = "https://carried.invalid"
Nodes = dict[str, Node]


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    """Taipei, Seoul and Tokyo, which no network connects, and which hold each other's prekeys."""
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as found, watched(monkeypatch):
        know_keys(found)
        for name, node in found.items():
            for other in found:
                if other != name:
                    node.store.peers.replace(msgspec.structs.replace(node.store.peers.get(other), url=NOWHERE))
        yield found


def written(node: Node, peer: str, folder: Path) -> Path:
    """The file that goes to a peer."""
    done = write_messages(node, peer, folder)
    assert done is not None
    return Path(done.file)


def carry(nodes: Nodes, sender: str, receiver: str, folder: Path) -> list[str]:
    """One file goes one way, if there is anything to tell; what was said of it."""
    done = write_messages(nodes[sender], receiver, folder)
    if done is None:
        return []
    taken = take_messages(nodes[receiver], Path(done.file))
    assert taken.peer == sender
    return list(taken.problems)


def bodies() -> list[bytes]:
    """What was handled, in order."""
    return [body for _, _, body in SEEN]


def test_messages_and_answers_go_with_the_files(nodes: Nodes, tmp_path: Path) -> None:
    """Each once and in order; when all was acknowledged there is nothing more to carry."""
    for body in (b"one", b"ask two"):
        post(nodes["taipei"], "seoul", ASK, body)
    assert carry(nodes, "taipei", "seoul", tmp_path) == []
    assert carry(nodes, "seoul", "taipei", tmp_path) == []
    assert bodies() == [b"one", b"ask two", b"answer to ask two"]
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0
    carry(nodes, "taipei", "seoul", tmp_path)
    assert nodes["seoul"].store.post.count_waiting("taipei")[0] == 0
    carry(nodes, "seoul", "taipei", tmp_path)
    assert write_messages(nodes["taipei"], "seoul", tmp_path) is None
    assert write_messages(nodes["seoul"], "taipei", tmp_path) is None


def test_a_lost_file_costs_only_its_journey(nodes: Nodes, tmp_path: Path) -> None:
    """The next holds the same and more; taking one in again, or an older one later, changes nothing."""
    post(nodes["taipei"], "seoul", ASK, b"one")
    lost = written(nodes["taipei"], "seoul", tmp_path)
    post(nodes["taipei"], "seoul", ASK, b"two")
    second = written(nodes["taipei"], "seoul", tmp_path)
    for file in (second, second, lost):
        assert take_messages(nodes["seoul"], file).problems == ()
    assert bodies() == [b"one", b"two"]
    carry(nodes, "seoul", "taipei", tmp_path)
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0


def test_a_lost_word_of_what_arrived_is_said_again(nodes: Nodes, tmp_path: Path) -> None:
    """The answer is lost; the same messages come again, and the next answer says that they are known."""
    post(nodes["taipei"], "seoul", ASK, b"one")
    carry(nodes, "taipei", "seoul", tmp_path)
    written(nodes["seoul"], "taipei", tmp_path)  # nobody carries it
    assert write_messages(nodes["seoul"], "taipei", tmp_path) is None
    carry(nodes, "taipei", "seoul", tmp_path)
    carry(nodes, "seoul", "taipei", tmp_path)
    assert nodes["taipei"].store.post.count_waiting("seoul")[0] == 0


def test_only_new_messages_make_a_file_for_a_timer(nodes: Nodes, tmp_path: Path) -> None:
    """With ``if_new`` nothing is written again that went a moment ago."""
    assert write_messages(nodes["taipei"], "seoul", tmp_path, if_new=True) is None
    post(nodes["taipei"], "seoul", ASK, b"one")
    assert write_messages(nodes["taipei"], "seoul", tmp_path, if_new=True) is not None
    assert write_messages(nodes["taipei"], "seoul", tmp_path, if_new=True) is None
    post(nodes["taipei"], "seoul", ASK, b"two")
    done = write_messages(nodes["taipei"], "seoul", tmp_path, if_new=True)
    assert done is not None
    assert done.waiting == 2


def test_one_stick_serves_everybody(nodes: Nodes, tmp_path: Path) -> None:
    """Of a folder each takes what is for it; names say nothing of who wrote or reads them."""
    stick = tmp_path / "stick"
    stick.mkdir()
    post(nodes["taipei"], "seoul", ASK, b"for Seoul")
    post(nodes["taipei"], "tokyo", ASK, b"for Tokyo")
    for peer in ("seoul", "tokyo"):
        written(nodes["taipei"], peer, stick)
    done = import_carried(nodes["seoul"], [stick])
    assert isinstance(done["messages"], list)
    assert sorted(str(item["status"]) for item in done["messages"]) == ["elsewhere", "imported"]
    own = import_carried(nodes["taipei"], [stick])["messages"]
    assert isinstance(own, list)
    assert [item["status"] for item in own] == ["elsewhere", "elsewhere"]
    assert bodies() == [b"for Seoul"]
    content = b"".join(file.read_bytes() for file in stick.iterdir())
    names = " ".join(file.name for file in stick.iterdir()).encode()
    for word in (b"taipei", b"seoul", b"tokyo", b"for Seoul", nodes["taipei"].keys.node_id.encode()):
        assert word not in content + names


@pytest.mark.parametrize("keep", [0, 5, len(HEAD) + 2, len(HEAD) + LENGTH_BYTES + 100, -1])
def test_a_file_that_was_cut_is_refused_and_what_stood_before_is_not_lost(
    nodes: Nodes, tmp_path: Path, keep: int
) -> None:
    """One sentence; the whole file afterwards brings everything, each once."""
    for number in range(3):
        post(nodes["taipei"], "seoul", ASK, str(number).encode())
    whole = written(nodes["taipei"], "seoul", tmp_path)
    part = tmp_path / "part.messages"
    part.write_bytes(whole.read_bytes()[:keep])
    with pytest.raises(Fault, match="E-FLOW-768"):
        take_messages(nodes["seoul"], part)
    take_messages(nodes["seoul"], whole)
    assert bodies() == [b"0", b"1", b"2"]


def test_what_was_altered_is_not_taken_and_nobody_is_blamed(nodes: Nodes, tmp_path: Path) -> None:
    """Whoever carried it may have done it: the rest waits for the message that is missing, and comes again."""
    for number in range(3):
        post(nodes["taipei"], "seoul", ASK, str(number).encode())
    whole = written(nodes["taipei"], "seoul", tmp_path)
    data = bytearray(whole.read_bytes())
    size = int.from_bytes(data[len(HEAD) : len(HEAD) + LENGTH_BYTES], "big")
    second = len(HEAD) + LENGTH_BYTES + size + LENGTH_BYTES + 4_000
    first = bytearray(data)
    data[second] ^= 1
    first[len(HEAD) + LENGTH_BYTES + 4_000] ^= 1
    (tmp_path / "second.messages").write_bytes(data)
    (tmp_path / "first.messages").write_bytes(first)
    with pytest.raises(BadEnvelope, match="E-EXCHANGE-746"):
        take_messages(nodes["seoul"], tmp_path / "first.messages")
    assert len(take_messages(nodes["seoul"], tmp_path / "second.messages").problems) == 1
    assert bodies() == [b"0"]
    take_messages(nodes["seoul"], whole)
    assert bodies() == [b"0", b"1", b"2"]
    assert conduct_of(nodes["seoul"], "taipei").points == 0


def test_lengths_beyond_the_bounds_are_refused(nodes: Nodes, tmp_path: Path) -> None:
    """Four bytes can promise four gigabytes: nothing of that is read."""
    huge = tmp_path / "huge.messages"
    for length in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        huge.write_bytes(HEAD + length + b"x" * 100)
        with pytest.raises(Fault, match="E-FLOW-768"):
            take_messages(nodes["seoul"], huge)


def test_a_kill_while_handling_repeats_the_message(nodes: Nodes, tmp_path: Path) -> None:
    """The same file once more hands it over again, and what stood before it once."""
    for body in (b"one", b"die", b"three"):
        post(nodes["taipei"], "seoul", ASK, body)
    file = written(nodes["taipei"], "seoul", tmp_path)
    with pytest.raises(KeyboardInterrupt):
        take_messages(nodes["seoul"], file)
    assert bodies() == [b"one"]
    last = nodes["seoul"].store.post_in.last("taipei")
    assert last is not None
    assert last.sequence == 1


def test_a_kill_while_writing_leaves_no_file(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half-written is on the stick, and the next file holds all of it."""
    stick = tmp_path / "stick"
    stick.mkdir()
    post(nodes["taipei"], "seoul", ASK, b"one")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("seawall.flow.post_carried.file_name", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        write_messages(nodes["taipei"], "seoul", stick)
    assert list(stick.iterdir()) == []
    carry(nodes, "taipei", "seoul", stick)
    assert bodies() == [b"one"]


def test_a_suspended_peer_gets_none_and_brings_none(nodes: Nodes, tmp_path: Path) -> None:
    """Neither direction moves while nobody trusts the keys."""
    post(nodes["taipei"], "seoul", ASK, b"one")
    file = written(nodes["taipei"], "seoul", tmp_path)
    nodes["seoul"].store.peers.set_state("taipei", PeerState.SUSPENDED)
    with pytest.raises(Refused, match="E-EXCHANGE-023"):
        take_messages(nodes["seoul"], file)
    with pytest.raises(Refused, match="E-EXCHANGE-023"):
        write_messages(nodes["seoul"], "taipei", tmp_path)
    assert bodies() == []


def test_one_file_has_no_room_beside_it(nodes: Nodes, tmp_path: Path) -> None:
    """A drop to a single file says that messages need a folder."""
    assert messages_beside(nodes["taipei"], "seoul", tmp_path / "one.drop.zst", if_new=False) == (None, None)
    post(nodes["taipei"], "seoul", ASK, b"one")
    beside, said = messages_beside(nodes["taipei"], "seoul", tmp_path / "one.drop.zst", if_new=False)
    assert beside is None
    assert "folder" in str(said)


def test_a_whole_comparison_by_files_alone(nodes: Nodes, tmp_path: Path) -> None:
    """Both learn the plain intersection and tell when and in which sectors, in as many journeys as it takes."""
    two = {name: nodes[name] for name in ("taipei", "seoul")}
    share(two)
    suspect(nodes["taipei"], range(30))
    suspect(nodes["seoul"], range(20, 60))
    begun = run_overlap(nodes["taipei"], "seoul", type=ObservableType.IPV4)
    assert begun["state"] == "waiting"
    assert "seawall export-drop" in str(begun["problems"])
    with pytest.raises(Fault, match="E-FLOW-605"):
        deliver(nodes["taipei"], "seoul")
    journeys = 0
    while (done := write_messages(nodes["taipei"], "seoul", tmp_path)) is not None and journeys < 12:
        take_messages(nodes["seoul"], Path(done.file))
        carry(nodes, "seoul", "taipei", tmp_path)
        journeys += 1
    found = run_overlap(nodes["taipei"], "seoul", type=ObservableType.IPV4)
    common = {address(number) for number in range(20, 30)}
    assert {item.value for item in nodes["taipei"].store.overlaps.list("seoul").items} == common
    assert {item.value for item in nodes["seoul"].store.overlaps.list("taipei").items} == common
    assert (found["mine"], found["common"]) == (30, 10)
    assert journeys <= 8
