"""A node with a door for agents, and an agent enrolled there over real TLS on loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec.structs import replace

from protect.agent.scenes import MemoryTool, now, order
from seawall.flow.agent_door import AgentDoor
from seawall.flow.agent_enrol import invite
from seawall.flow.node import Node, create_node
from seawall.flow.orders import wake
from seawall.model.order import Booked, Order, OrderState, Point, Zone
from seawall.protect.agent.config import AgentConfig, Times, load_config
from seawall.protect.agent.enrolment import enroll
from seawall.protect.agent.run import Agent, Say
from seawall.protect.drivers.interface import Driver

QUICK = Times(wait=2, compare=1, expire=0.2, hits=0.2, heartbeat=1)


@contextmanager
def node_with_door(folder: Path, *points: Point) -> Iterator[tuple[Node, AgentDoor]]:
    """A node of the machine's own clock, with these points (else one at the Internet's edge)."""
    create_node(folder, name="TWCERT", economy="TW", sector="csirt", timezone="UTC", lang="en")
    with Node.open(folder) as node:
        for point in points or (Point("gw-1", Zone.INTERNET_EDGE, tools=("memory",)),):
            node.store.orders.save_point(point, node.clock())
        door = AgentDoor(node, host="127.0.0.1", port=0)
        door.start()
        try:
            yield node, door
        finally:
            door.stop()


def config(folder: Path, limits: str = 'zone = "internet-edge"', times: Times = QUICK) -> AgentConfig:
    """An agent's file below ``folder``, read as the command line reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "agent.toml"
    path.write_text(f'state = "{folder / "state"}"\n[limits]\n{limits}\n', "utf-8")
    path.chmod(0o644)
    return replace(load_config(path), times=times)


def enrol(node: Node, door: AgentDoor, given: AgentConfig, point: str = "gw-1") -> None:
    """Invite and enrol, as two people would."""
    url = f"https://127.0.0.1:{door.port}"
    enroll(given.folder, url, node.keys.fingerprint, invite(node, point), now())


@contextmanager
def running(given: AgentConfig, *tools: Driver, say: Say = lambda *_words, **_values: None) -> Iterator[Agent]:
    """An agent in a thread of this process, with these tools."""
    drivers: Mapping[str, Driver] = {tool.name: tool for tool in tools or (MemoryTool(),)}
    agent = Agent(given, drivers, say=say)
    thread = threading.Thread(target=agent.run, daemon=True)
    thread.start()
    try:
        yield agent
    finally:
        agent.stop()
        thread.join(15)
        assert not thread.is_alive()


def put(node: Node, *orders: Order) -> int:
    """Orders into the book."""
    at = now()
    last = node.store.orders.put(
        [Booked(one, "indicator--x", None, b"0" * 16, "own", "", since=at) for one in orders], at
    )
    wake()
    return last


def remove(node: Node, *orders: Order) -> None:
    """Orders out of the book."""
    node.store.orders.remove([one.undo_id for one in orders], OrderState.WITHDRAWN, now())
    wake()


def blocks(values: Sequence[str], seconds: float = 3_600) -> list[Order]:
    """Blocks from now on."""
    return [order(value, at=now(), seconds=seconds) for value in values]
