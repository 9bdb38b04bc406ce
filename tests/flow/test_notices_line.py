"""Notices over the real line: mutual TLS, both ways in one synchronisation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import HEARD, neighbours
from seawall.exchange import Crossing
from seawall.flow import notices as notices_flow
from seawall.flow.doors import PeerDoor
from seawall.flow.exchange import sync_peer
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.model.notice import NoticeKind, NoticeState


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Node]]:
    """Taipei calls, Seoul serves."""
    HEARD.clear()
    monkeypatch.setitem(notices_flow.HANDLERS, NoticeKind.TERMS, "flow.neighbours:hear")
    with neighbours(tmp_path, "taipei", "seoul") as found:
        door = PeerDoor(found["seoul"], host="127.0.0.1", port=0)
        record = found["taipei"].store.peers.get("seoul")
        url = f"https://127.0.0.1:{door.listener.port}"
        found["taipei"].store.peers.replace(msgspec.structs.replace(record, url=url))
        door.start()
        try:
            yield found
        finally:
            door.stop()


def test_notices_go_both_ways_in_one_synchronisation(nodes: dict[str, Node]) -> None:
    """The caller fetches and brings; what it did not like is told; the server knows what was taken."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    for number in range(25):  # more than one answer holds
        send_notice(seoul, "taipei", NoticeKind.TERMS, {"bad": 1} if number == 3 else {})
    send_notice(taipei, "seoul", NoticeKind.TERMS, {"bad": 1})
    report = sync_peer(taipei, "seoul")
    assert report["problems"] == ["of seoul: This is not wanted here.", "seoul: This is not wanted here."]
    assert [notice.number for notice in HEARD] == [1, 2, 3, *range(5, 26)]
    assert seoul.store.notices.count_waiting("taipei") == 0
    for node, peer, number in ((taipei, "seoul", 1), (seoul, "taipei", 4)):
        kept = node.store.notices.get(peer, number, ours=True)
        assert kept is not None
        assert kept.state is NoticeState.REJECTED


def test_nothing_new_is_one_small_request(nodes: dict[str, Node]) -> None:
    """A synchronisation with nothing to tell asks once, in fewer than 400 bytes of answer."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    sync_peer(nodes["taipei"], "seoul")
    crossings: list[Crossing] = []
    assert sync_peer(nodes["taipei"], "seoul", on_crossing=crossings.append)["problems"] == []
    assert [(item.direction, item.what.partition("?")[0]) for item in crossings] == [
        ("sent", "GET /seawall/v1/notices"),
        ("received", "GET /seawall/v1/notices"),
    ]
    assert len(crossings[1].body) < 400
