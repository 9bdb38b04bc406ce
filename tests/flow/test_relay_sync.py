"""Synchronising through a relay: drops as messages, in parts, once, and anew when they came to nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import Clock, agree, neighbours, say
from flow.post_scenes import RelayInMemory, know_keys, link, watched
from seawall.flow import relay_sync
from seawall.flow.exchange import sync_peer
from seawall.flow.node import Node
from seawall.flow.relay_sync import take_part
from seawall.model import Fault, Unavailable
from seawall.model.message import Message, MessageKind

DAY = 86_400_000_000


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share a circle and a relay in memory."""
    relay = RelayInMemory()
    with neighbours(tmp_path, "taipei", "seoul") as found, watched(monkeypatch, relay):
        know_keys(found)
        link(found, "taipei", "seoul", relay)
        agree(found, "tw-kr", "taipei", "seoul")
        yield found


def both(nodes: dict[str, Node]) -> list[dict[str, object]]:
    """Taipei synchronises, then Seoul."""
    return [sync_peer(nodes["taipei"], "seoul"), sync_peer(nodes["seoul"], "taipei")]


def test_a_drop_travels_in_parts_and_is_taken_in_once(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """However small the parts are; nothing of it stays in the folders between."""
    monkeypatch.setattr(relay_sync, "PART_BYTES", 300)
    for number in range(5):
        say(nodes["taipei"], f"203.0.113.{number + 1}")
    sent, received = both(nodes)
    assert (sent["sent"], received["received"], received["problems"]) == (5, 5, [])
    assert nodes["taipei"].store.post.last("seoul") > 3
    assert [said["received"] for said in both(nodes)] == [0, 0]
    both(nodes)
    assert both(nodes)[0]["waiting"] == 0
    for node in nodes.values():
        assert [file for file in (node.folder / "relay").rglob("*") if file.is_file() and file.suffix != ".token"] == []


def test_what_was_not_fetched_in_time_is_sent_anew(nodes: dict[str, Node]) -> None:
    """A new chain with everything; what the peer holds already counts as unchanged."""
    say(nodes["taipei"], "203.0.113.1")
    both(nodes)
    say(nodes["taipei"], "203.0.113.2")
    sync_peer(nodes["taipei"], "seoul")
    clock = nodes["taipei"].clock
    assert isinstance(clock, Clock)
    clock.moment += 15 * DAY
    said = sync_peer(nodes["taipei"], "seoul")
    assert any("everything is sent anew" in str(problem) for problem in said["problems"])  # type: ignore[attr-defined]
    taken = sync_peer(nodes["seoul"], "taipei")
    assert (taken["received"], taken["unchanged"]) == (1, 1)


@pytest.mark.parametrize("body", [b"", b"\xc1", b"\x94\xa1x\x00\x01\xc4\x00", b"\x90"])
def test_a_part_that_cannot_be_is_refused(nodes: dict[str, Node], body: bytes) -> None:
    """Rubbish and bad names are one sentence, and no file is written."""
    message = Message("taipei", 1, MessageKind.DROP, 0, DAY, body)
    with pytest.raises(Fault, match="E-FLOW-616"):
        take_part(nodes["seoul"], message)


def left_in(node: Node) -> list[str]:
    """Files of drops that lie about in the folders between."""
    return [file.name for file in (node.folder / "relay").rglob("*") if file.is_file() and file.suffix != ".token"]


@pytest.mark.parametrize("whole", [True, False])
def test_what_cannot_be_taken_in_leaves_nothing_behind(nodes: dict[str, Node], whole: bool) -> None:
    """Neither the file in plain nor its pieces, when its bytes are no drop or are not what was announced."""
    halves = [b"no drop, ", b"in two halves"]
    digest = hashlib.sha256(b"".join(halves)).hexdigest() if whole else "ab" * 32
    for number, data in enumerate(halves):
        body = msgspec.msgpack.encode((digest, number, 2, data))
        message = Message("taipei", 1 + number, MessageKind.DROP, 0, DAY, body)
        if number == 0:
            take_part(nodes["seoul"], message)
            assert left_in(nodes["seoul"]) == [f"{digest}.0"]
        else:
            with pytest.raises(Fault, match="E-EXCHANGE-201" if whole else "E-FLOW-616"):
                take_part(nodes["seoul"], message)
    assert left_in(nodes["seoul"]) == []


@pytest.mark.parametrize("error", [Unavailable("E-TEST-002", "The disk is full."), KeyboardInterrupt()])
def test_the_file_in_plain_goes_however_taking_it_in_ends(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    """Its sealed pieces stay for another try, which takes it in."""
    say(nodes["taipei"], "203.0.113.1")
    sync_peer(nodes["taipei"], "seoul")

    def failing(*_: object, **__: object) -> None:
        assert "whole.drop.zst" in left_in(nodes["seoul"])
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(relay_sync, "take_in_drops", failing)
        if isinstance(error, Fault):
            sync_peer(nodes["seoul"], "taipei")
        else:
            with pytest.raises(KeyboardInterrupt):
                sync_peer(nodes["seoul"], "taipei")
    assert "whole.drop.zst" not in left_in(nodes["seoul"])
    assert sync_peer(nodes["seoul"], "taipei")["received"] == 1
    assert left_in(nodes["seoul"]) == []
