"""The agent and its node over real TLS: what lands in the book is in the tool at once, and nothing else is."""

from __future__ import annotations

from pathlib import Path

from flow.agent_scenes import blocks, config, enrol, node_with_door, put, remove, running
from flow.neighbours import say
from protect.agent.scenes import MemoryTool, now, order, soon
from seawall.flow.agent_door import AgentDoor
from seawall.flow.agent_reports import agents_told, standing
from seawall.flow.node import Node
from seawall.flow.orders import orders_for
from seawall.model import Observable, ObservableType
from seawall.model.agent import ToolHit
from seawall.protect.agent.config import Times


def test_what_lands_in_the_book_is_in_the_tool_at_once(tmp_path: Path) -> None:
    """Put and removed within a fraction of a second, again and again."""
    given, tool = config(tmp_path / "agent"), MemoryTool()
    with node_with_door(tmp_path / "node") as (node, door):
        enrol(node, door, given)
        with running(given, tool):
            first = blocks(["203.0.113.1"])
            put(node, *first)
            assert soon(lambda: tool.values == {"203.0.113.1"})
            for number in range(2, 12):
                put(node, *blocks([f"203.0.113.{number}"]))
                assert soon(lambda number=number: f"203.0.113.{number}" in tool.values)  # type: ignore[misc]
            remove(node, *first)
            assert soon(lambda: "203.0.113.1" not in tool.values)


def test_what_the_tools_met_comes_back_as_our_own_hits(tmp_path: Path) -> None:
    """A value of an indicator is put in force, met at the gateway, and stands as a hit of that point at the node."""
    given, tool = config(tmp_path / "agent"), MemoryTool()
    with node_with_door(tmp_path / "node") as (node, door):
        enrol(node, door, given)
        say(node, "203.0.113.7")
        with running(given, tool):
            orders_for(node, [Observable(ObservableType.IPV4, "203.0.113.7")])
            assert soon(lambda: tool.values == {"203.0.113.7"})
            (one,) = node.store.orders.in_force()
            assert soon(
                lambda: (
                    (found := standing(node, "gw-1")) is not None and [one.condition for one in found.tools] == ["ok"]
                )
            )
            tool.met = [ToolHit(one.type, one.value, one.undo_id, now() - 5_000_000, now(), 12)]
            assert soon(lambda: (found := standing(node, "gw-1")) is not None and found.hits == 1)
    (total,) = node_hits(tmp_path / "node")
    assert total == ("203.0.113.7", 12)


def node_hits(folder: Path) -> list[tuple[str, int]]:
    """Value and count of every hit that the node holds."""
    with Node.open(folder) as node:
        return [(total.value, total.count) for total in node.store.hits.totals()]


def test_one_tool_that_is_down_holds_up_no_other_and_the_node_knows(tmp_path: Path) -> None:
    """The good tool blocks; the node hears which is down and why, and doctor's check fails until it is back."""
    given, good, bad = config(tmp_path / "agent"), MemoryTool("good"), MemoryTool("bad")
    bad.down = True
    with node_with_door(tmp_path / "node") as (node, door):
        enrol(node, door, given)
        with running(given, good, bad):
            put(node, *blocks(["203.0.113.1"]))
            assert soon(lambda: good.values == {"203.0.113.1"})
            assert soon(lambda: "bad is down" in agents_told(node)[1])
            bad.down = False
            assert soon(lambda: bad.values == {"203.0.113.1"})
            assert soon(lambda: agents_told(node) == (True, "1 heard of, every tool reached"))


def test_a_node_that_is_gone_is_said_once_and_again_when_it_is_back(tmp_path: Path) -> None:
    """The line is lost: said once, and as stale after the time of the file; back again, the agent catches up."""
    times = Times(wait=1, compare=1, expire=0.2, hits=0.2, heartbeat=1, stale_hours=0.0005)
    given, tool, lines = config(tmp_path / "agent", times=times), MemoryTool(), []
    with node_with_door(tmp_path / "node") as (node, door):
        enrol(node, door, given)
        with running(given, tool, say=lambda text, **values: lines.append(text.format(**values))):
            put(node, *blocks(["203.0.113.1"]))
            assert soon(lambda: bool(tool.values))
            door.stop()
            assert soon(lambda: any(line.startswith("No word of the node") for line in lines))
            put(node, *blocks(["203.0.113.2"]))
            again = AgentDoor(node, host="127.0.0.1", port=door.port)
            again.start()
            assert soon(lambda: len(tool.values) == 2, 30)
            assert soon(lambda: lines[-1] == "The node's word holds again.")
            assert sum("gave no answer" in line for line in lines) == 1
            again.stop()


def test_orders_that_end_take_themselves_out(tmp_path: Path) -> None:
    """Nobody says a word: the order is out of tool, state and book at its moment."""
    given, tool = config(tmp_path / "agent"), MemoryTool()
    with node_with_door(tmp_path / "node") as (node, door):
        enrol(node, door, given)
        with running(given, tool):
            put(node, *blocks(["203.0.113.1"], seconds=2))
            assert soon(lambda: bool(tool.values))
            assert soon(lambda: not tool.values, 5)
            assert soon(lambda: list(node.store.orders.in_force()) == [], 5)


def test_a_tool_that_is_added_later_gets_what_it_takes(tmp_path: Path) -> None:
    """Names are of no use to a packet filter and are not kept; with a resolver beside it, they are there at once."""
    given, addresses, both = (
        config(tmp_path / "agent"),
        MemoryTool(types=frozenset({ObservableType.IPV4})),
        MemoryTool(),
    )
    with node_with_door(tmp_path / "node") as (node, door):
        enrol(node, door, given)
        put(node, *blocks(["203.0.113.1"]), order("a.example.net", ObservableType.DOMAIN, at=now()))
        with running(given, addresses):
            assert soon(lambda: addresses.values == {"203.0.113.1"})
        with running(given, both):
            assert soon(lambda: both.values == {"203.0.113.1", "a.example.net"})
