"""From the node's word to the tools: limits first, then the disk, then each tool; nothing half."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from protect.agent.scenes import AT, HOUR, MemoryTool, Signer, changes, limits, order, page, soon
from seawall.model import ObservableType, Unavailable
from seawall.model.agent import AgentLimits, BlockWindow, Outcome, SignedChanges, SnapshotPage, ToolHit
from seawall.model.order import Change, Order, Zone
from seawall.protect.agent.checking import SteadyClock, Trust
from seawall.protect.agent.config import Times
from seawall.protect.agent.intake import Intake
from seawall.protect.agent.limits import FULL, PROTECTED, Limits
from seawall.protect.agent.state import AgentState
from seawall.protect.agent.worker import Worker

SIGNER = Signer()


class Scene:
    """An intake over one tool in memory, with a clock that is set by hand."""

    def __init__(self, folder: Path, given: AgentLimits) -> None:
        self.moment = AT
        self.problems: list[Outcome] = []
        self.tool = MemoryTool()
        self.state = AgentState(folder)
        self.clock = SteadyClock(lambda: self.moment)
        self.worker = Worker(
            self.tool, self.state.in_force, clock=self.clock, times=Times(compare=3600), tell=self.tell
        )
        self.intake = Intake(self.state, Limits(given), [self.worker], self.clock, self.problems.extend)
        self.worker.start()

    def tell(self, problems: Sequence[Outcome], hits: Sequence[ToolHit]) -> None:
        """What the worker says."""

    def say(self, *listed: Change, after: int | None = None, last: int | None = None, stopped: bool = False) -> None:
        """The node's next word."""
        start = (self.state.sequence or 0) if after is None else after
        envelope = changes(SIGNER, start, listed, at=self.moment, last=last, stopped=stopped)
        self.intake.changes(self.trusted(envelope, start))

    def trusted(self, envelope: bytes, after: int) -> SignedChanges:
        """As the checks let it through."""
        return Trust("3c5b2d8e-0000-5000-8000-000000000001", "gw-1", [SIGNER.signing_public]).changes(
            envelope, after, self.moment
        )

    def holds(self, *values: str) -> bool:
        """Whether exactly these values come to stand in the tool."""
        return soon(lambda: self.tool.values == set(values), 5)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """With room for four addresses."""
    found = Scene(tmp_path, limits(most={ObservableType.IPV4: 4}, never_block=("198.51.100.0/24",)))
    yield found
    found.worker.stop()
    found.state.close()


def put(number: int, value: str, seconds: float = 3_600) -> Change:
    """A block from AT on."""
    return Change(number, "put", order(value, seconds=seconds))


def gone(number: int, value: str) -> Change:
    """As the node says that an order was taken out: by its name alone."""
    return Change(number, "remove", replace(order(value), value=""))


def pages(*orders: Sequence[Order], stopped: bool = False) -> list[SnapshotPage]:
    """A snapshot in as many pages."""
    return [
        SnapshotPage("n", "gw-1", "s", 9, number, number == len(orders) - 1, tuple(each), AT, AT + 1, stopped)
        for number, each in enumerate(orders)
    ]


def test_puts_and_removes_reach_the_tool_and_the_disk(scene: Scene) -> None:
    """A removal by name alone takes the right value out; what is unknown is no harm."""
    scene.say(put(1, "203.0.113.1"), put(2, "203.0.113.2"))
    assert scene.holds("203.0.113.1", "203.0.113.2")
    scene.say(gone(3, "203.0.113.1"), gone(4, "203.0.113.99"))
    assert scene.holds("203.0.113.2")
    assert (scene.state.sequence, len(scene.state.in_force(AT))) == (4, 1)


def test_what_the_limits_refuse_never_reaches_a_tool_and_is_told(scene: Scene) -> None:
    """A protected address and one more than the cap are refused with their sentences; room that is freed is used."""
    scene.say(*(put(n, f"203.0.113.{n}") for n in range(1, 6)), put(6, "198.51.100.7"))
    assert scene.holds(*(f"203.0.113.{n}" for n in range(1, 5)))
    assert [problem.problem for problem in scene.problems] == [FULL, PROTECTED]
    assert (scene.intake.standing().orders, scene.intake.standing().refused) == (4, 2)
    scene.say(gone(7, "203.0.113.1"))
    scene.intake.rejudge()
    assert scene.holds(*(f"203.0.113.{n}" for n in range(2, 6)))
    assert scene.tool.most == 4


def test_what_was_in_force_leaves_when_it_is_refused_anew(scene: Scene) -> None:
    """The node makes an order too long: it goes out of the tool, and is not left as it was."""
    scene.say(put(1, "203.0.113.1"))
    assert scene.holds("203.0.113.1")
    scene.say(put(2, "203.0.113.1", seconds=400 * 86_400))
    assert scene.holds()


def test_orders_begin_and_end_without_the_node(scene: Scene) -> None:
    """One that starts later waits for its moment; one that ran out is gone from disk and tool."""
    later = replace(order("203.0.113.2"), starts_at=AT + HOUR // 2, expires_at=AT + HOUR)
    scene.say(put(1, "203.0.113.1", seconds=60), Change(2, "put", later))
    assert scene.holds("203.0.113.1")
    scene.moment = AT + HOUR // 2
    scene.intake.pass_time()
    assert scene.holds("203.0.113.2")
    scene.moment = AT + HOUR
    scene.intake.pass_time()
    assert scene.holds()
    assert (scene.intake.standing().orders, len(scene.state.in_force(AT))) == (0, 0)


def test_a_snapshot_replaces_everything_and_only_as_a_whole(scene: Scene) -> None:
    """One that breaks off changes nothing; a whole one takes the place of what was there, within the caps."""
    scene.say(put(1, "203.0.113.1"))
    assert scene.holds("203.0.113.1")
    broken = pages([order("203.0.113.7")], [order("203.0.113.8")])[:1]
    with pytest.raises(ValueError, match="without an end"):
        scene.intake.snapshot(broken)
    assert scene.holds("203.0.113.1")
    many = [order(f"203.0.113.{n}") for n in range(20, 30)]
    assert scene.intake.snapshot(pages(many[:5], many[5:])) == 9
    assert scene.holds(*(one.value for one in many[:4]))
    assert (scene.state.sequence, scene.intake.standing().refused) == (9, 6)


def test_the_kill_switch_empties_the_tool_and_keeps_it_empty(scene: Scene) -> None:
    """Nothing stands there while it is thrown, not even what comes; lifted, everything returns."""
    scene.say(put(1, "203.0.113.1"))
    assert scene.holds("203.0.113.1")
    scene.intake.snapshot(pages([], stopped=True))
    assert scene.holds()
    scene.say(put(10, "203.0.113.2"), stopped=True)
    assert not soon(lambda: bool(scene.tool.values), 0.5)
    scene.intake.snapshot(pages([order("203.0.113.3")]))
    assert scene.holds("203.0.113.3")


def test_a_clear_at_the_gateway_holds_over_restarts(tmp_path: Path) -> None:
    """Cleared by hand, an agent that starts again fills nothing; resumed, it does."""
    first = Scene(tmp_path, limits())
    first.say(put(1, "203.0.113.1"))
    assert first.holds("203.0.113.1")
    first.state.remember(cleared="2026-03-14")
    first.intake.pass_time()
    assert first.holds()
    first.worker.stop()
    first.state.close()
    again = Scene(tmp_path, limits())
    assert again.intake.cleared
    again.worker.empty(True)
    again.state.remember(cleared=None)
    again.intake.pass_time()
    assert again.holds("203.0.113.1")
    again.worker.stop()
    again.state.close()


def test_limits_that_were_tightened_hold_at_the_next_start(tmp_path: Path) -> None:
    """An order that was in force is judged again by the file as it is now, and leaves the tool."""
    first = Scene(tmp_path, limits())
    first.say(put(1, "203.0.113.1"), put(2, "203.0.113.2"))
    first.worker.stop()
    first.state.close()
    again = Scene(tmp_path, limits(never_block=("203.0.113.1",)))
    again.intake.rejudge("other limits")
    assert again.holds("203.0.113.2")
    again.worker.stop()
    again.state.close()


def test_a_window_at_a_plant_opens_and_closes(tmp_path: Path) -> None:
    """A block waits, refused, for the window of the plant's owner, and is out when it ends."""
    window = BlockWindow("Plant owner", AT + HOUR, AT + 2 * HOUR)
    scene = Scene(tmp_path, AgentLimits(Zone.OT, window=window))
    scene.say(put(1, "203.0.113.1", seconds=7_000))
    assert not soon(lambda: bool(scene.tool.values), 0.3)
    scene.moment = AT + HOUR
    scene.intake.rejudge()
    assert scene.holds("203.0.113.1")
    scene.moment = AT + 2 * HOUR
    scene.intake.rejudge()
    scene.intake.pass_time()
    assert scene.holds()
    scene.worker.stop()
    scene.state.close()


def test_a_disk_that_refuses_leaves_tools_as_they_were(scene: Scene) -> None:
    """State before tool: when the change cannot be kept, no tool hears of it, and the number stays."""
    scene.say(put(1, "203.0.113.1"))
    assert scene.holds("203.0.113.1")
    other = sqlite3.connect(scene.state._path, timeout=0.1)
    other.execute("PRAGMA query_only = 0")
    scene.state._database.execute("PRAGMA query_only = 1")
    with pytest.raises(Unavailable) as caught:
        scene.say(put(2, "203.0.113.2"), last=2)
    assert caught.value.code == "E-PROTECT-044"
    scene.state._database.execute("PRAGMA query_only = 0")
    other.close()
    assert (scene.tool.values, scene.state.sequence) == ({"203.0.113.1"}, 1)


def test_pages_are_made_as_the_node_signs_them(scene: Scene) -> None:
    """The scenes' page goes through the checks, so the cases above are what an agent really gets."""
    trust = Trust("3c5b2d8e-0000-5000-8000-000000000001", "gw-1", [SIGNER.signing_public])
    found = trust.page(page(SIGNER, 0, [order("203.0.113.3")]), None, 0, AT)
    assert scene.intake.snapshot([found]) == 7
    assert scene.holds("203.0.113.3")
