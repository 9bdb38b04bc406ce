"""Ending a relation: one step stops everything, held data follows what was agreed, what it holds of ours is known."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import agree, carry, neighbours, push, say
from seawall.flow.doors import PeerDoor
from seawall.flow.ending import end_relation
from seawall.flow.exposure import exposure
from seawall.flow.health import FAREWELL
from seawall.flow.jobs import JOBS
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.protect import export
from seawall.flow.recall_sending import recall_object
from seawall.model import Fault, NotFound, ObservableType, Refused
from seawall.model.circle import HeldData
from seawall.model.notice import NoticeKind
from seawall.model.peer import PeerState
from seawall.model.recall import RecallState

VALUE, OTHER = "203.0.113.7", "203.0.113.8"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``west``; Seoul blocks on what Taipei sends."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        agree(found, "west", "taipei", "seoul")
        terms = found["seoul"].store.circles.get("west")
        found["seoul"].store.circles.save(
            msgspec.structs.replace(terms, version=terms.version + 1, auto_enforce=True), found["seoul"].clock()
        )
        yield found


def blocks(node: Node, folder: Path) -> int:
    """How many values an export for enforcement blocks now."""
    found = export(node, "nftables", output=folder / "blocks.txt", include_watch=False)["blocks"]
    assert isinstance(found, int)
    return found


def test_what_a_stopped_peer_sent_blocks_nothing(nodes: dict[str, Node], tmp_path: Path) -> None:
    """The next export after the suspension leaves its blocks out; our own stay."""
    say(nodes["taipei"], VALUE)
    push(nodes, "west", "taipei", "seoul")
    say(nodes["seoul"], OTHER)
    assert blocks(nodes["seoul"], tmp_path) == 2
    done = end_relation(nodes["seoul"], "taipei", PeerState.SUSPENDED)
    assert done["state"] == "suspended"
    assert blocks(nodes["seoul"], tmp_path) == 1


@pytest.mark.parametrize(
    ("rule", "held", "valid"), [("keep", True, True), ("expire", True, False), ("delete", False, False)]
)
def test_held_data_follows_what_the_circle_agreed(nodes: dict[str, Node], rule: str, held: bool, valid: bool) -> None:
    """Kept under its markings, expired, or deleted; what we said ourselves is never touched."""
    say(nodes["taipei"], VALUE)
    push(nodes, "west", "taipei", "seoul")
    own = say(nodes["seoul"], OTHER)
    done = end_relation(nodes["seoul"], "taipei", PeerState.SEVERED, held_data=HeldData(rule))
    counted = {"circle": "west", "rule": rule, "expired": int(rule == "expire"), "deleted": int(not held)}
    assert done["held_data"] == [counted]
    entry = nodes["seoul"].store.indicators.lookup(ObservableType.IPV4, VALUE)
    assert (entry is not None) is held
    assert entry is None or (entry.valid_until is None) is valid
    assert nodes["seoul"].store.indicators.by_id(own)[0].valid_until is None


def test_nothing_waits_for_a_severed_peer(nodes: dict[str, Node]) -> None:
    """Notices are dropped, a recall that was not told is unreachable, and the other side gets nothing."""
    indicator = say(nodes["taipei"], VALUE)
    push(nodes, "west", "taipei", "seoul")
    recall_object(nodes["taipei"], indicator, None)
    done = end_relation(nodes["taipei"], "seoul", PeerState.SEVERED)
    assert (done["notices_dropped"], done["recalls_unreachable"]) == (1, 1)
    (row,) = nodes["taipei"].store.recalls.list(object_id=indicator).items
    assert row.state is RecallState.UNREACHABLE
    assert nodes["taipei"].store.notices.waiting("seoul") == ()
    say(nodes["taipei"], OTHER)
    assert push(nodes, "west", "taipei", "seoul") == 0
    with pytest.raises(Refused, match="E-FLOW-300"):
        send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})


def test_no_socket_is_opened_after_the_end(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """Every job of the schedule runs, and none of them calls anybody."""
    end_relation(nodes["taipei"], "seoul", PeerState.SEVERED)
    called: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: called.append(address))
    monkeypatch.setattr(socket.socket, "connect_ex", lambda _self, address: called.append(address))
    for job in JOBS:
        if job.name in ("release", "sync", "misp", "mail"):
            job.work(nodes["taipei"])
    assert called == []


def test_a_farewell_goes_before_the_door_closes(nodes: dict[str, Node]) -> None:
    """It is delivered over the line when the peer answers, said to be undelivered when not; the end comes anyway."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    door = PeerDoor(seoul, host="127.0.0.1", port=0)
    record = taipei.store.peers.get("seoul")
    taipei.store.peers.replace(msgspec.structs.replace(record, url=f"https://127.0.0.1:{door.listener.port}"))
    door.start()
    try:
        done = end_relation(taipei, "seoul", PeerState.SEVERED, farewell="Thank you; our mandate ended.")
    finally:
        door.stop()
    assert (done["farewell"], done["state"]) == ("delivered", "severed")
    assert seoul.store.notes.get(FAREWELL.format(peer="taipei")) == "Thank you; our mandate ended."
    unheard = end_relation(seoul, "taipei", PeerState.SEVERED, farewell="And you.")
    assert str(unheard["farewell"]).startswith("not delivered")
    assert unheard["state"] == "severed"
    with pytest.raises(Refused, match="E-FLOW-322"):
        end_relation(seoul, "taipei", PeerState.SEVERED, farewell="Still there?")


def test_a_farewell_has_bounds_and_nobody_has_none(nodes: dict[str, Node]) -> None:
    """A letter is no farewell, and an unknown name is one sentence."""
    with pytest.raises(Fault, match="E-FLOW-321"):
        end_relation(nodes["taipei"], "seoul", PeerState.SEVERED, farewell="x" * 1_001)
    with pytest.raises(NotFound, match="E-STORE-051"):
        end_relation(nodes["taipei"], "busan", PeerState.SEVERED)


def test_exposure_says_what_a_peer_holds_of_ours(nodes: dict[str, Node]) -> None:
    """Counted by type, marking and circle once it has left; what waits is told apart; a recall shows."""
    taipei = nodes["taipei"]
    indicator, technique = say(taipei, VALUE), say(taipei, "a way in", kind="attack-pattern")
    push(nodes, "west", "taipei", "seoul")
    found = exposure(taipei, "seoul")
    assert (found["objects"], found["waiting"], found["recalled"]) == (2, 0, 0)
    assert found["by_type"] == {"attack-pattern": 1, "indicator": 1}
    assert found["by_tlp"] == {"green": 2}
    assert found["by_circle"] == {"west": 2}
    items = {item["id"]: item for item in found["items"]}  # type: ignore[attr-defined]
    assert set(items) == {indicator, technique}
    assert items[indicator]["values"] == [VALUE]
    recall_object(taipei, indicator, None)
    carry(nodes, "taipei", "seoul")
    carry(nodes, "seoul", "taipei")
    after = exposure(taipei, "seoul", limit=1)
    assert (after["recalled"], after["confirmed"], after["next"]) == (1, 1, 1)
    assert exposure(nodes["seoul"], "taipei")["objects"] == 0
    with pytest.raises(NotFound):
        exposure(taipei, "busan")
