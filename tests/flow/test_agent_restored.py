"""A node comes back from its backup: its agents keep what they hold until two people approve the older book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flow.agent_scenes import blocks, config, enrol, node_with_door, put, running
from protect.agent.scenes import MemoryTool, soon
from seawall.flow.agent_door import AgentDoor
from seawall.flow.agent_reports import standing
from seawall.flow.backup import back_up
from seawall.flow.book_epoch import approve_epoch, epoch_of
from seawall.flow.node import ADMINISTRATOR_TOKEN, Node
from seawall.flow.restore import restore
from seawall.model import NotFound, Refused, UserRole
from seawall.protect.agent.state import AgentState

WORDS = "correct horse battery staple"


@contextmanager
def door_at(node: Node, port: int) -> Iterator[AgentDoor]:
    """The same door again, where its agents look for it."""
    door = AgentDoor(node, host="127.0.0.1", port=port)
    door.start()
    try:
        yield door
    finally:
        door.stop()


def test_an_agent_follows_a_restored_node_only_when_two_people_say_so(tmp_path: Path) -> None:
    """What came after the backup stays at the gateway, whatever the restored node tells; then its book counts."""
    given, tool = config(tmp_path / "agent"), MemoryTool()
    with node_with_door(tmp_path / "node") as (node, door):
        port = door.port
        with pytest.raises(NotFound, match="E-FLOW-992"):
            approve_epoch(node)
        enrol(node, door, given)
        with running(given, tool):
            put(node, *blocks(["203.0.113.1"]))
            assert soon(lambda: tool.values == {"203.0.113.1"})
            back_up(node, tmp_path / "b", WORDS)
            put(node, *blocks(["203.0.113.2", "203.0.113.3"]))
            assert soon(lambda: len(tool.values) == 3)
            first = epoch_of(node).name
    assert restore(tmp_path / "b", tmp_path / "again", WORDS)["agents_wait"] == ["gw-1"]
    with Node.open(tmp_path / "again") as node, running(given, tool), door_at(node, port):
        assert epoch_of(node).name != first
        put(node, *blocks([f"203.0.113.{number}" for number in range(4, 9)]))  # its numbers pass those that were lost
        assert soon(lambda: (found := standing(node, "gw-1")) is not None and "another book" in found.trouble)
        assert tool.values == {"203.0.113.1", "203.0.113.2", "203.0.113.3"}
        with pytest.raises(Refused, match="E-FLOW-993"):
            approve_epoch(node)
        with two_people(node) as both:
            assert approve_epoch(both)["agents"] == ["gw-1"]
        assert soon(lambda: tool.values == {"203.0.113.1", *(f"203.0.113.{number}" for number in range(4, 9))})
        put(node, *blocks(["203.0.113.9"]))
        assert soon(lambda: "203.0.113.9" in tool.values)
        assert [entry.kind for entry in node.ledger.show(100).items].count("book-resumed") == 1
    state = AgentState(given.folder)
    assert state.fact("epoch") not in (None, first)
    state.close()


@contextmanager
def two_people(node: Node) -> Iterator[Node]:
    """The same node with a second person beside the administrator."""
    file = node.folder.parent / "second.token"
    file.write_text(node.store.users.add("lin", UserRole.APPROVER, node.clock()))
    with Node.open(node.folder, token=node.folder / ADMINISTRATOR_TOKEN, approver_token=file) as both:
        yield both
