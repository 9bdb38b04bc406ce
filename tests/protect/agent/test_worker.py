"""One thread for each tool: one that is down, slow or full is its own misfortune, and is mended when it is back."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from protect.agent.scenes import MemoryTool, now, order, soon
from seawall.model.agent import Outcome, ToolCondition, ToolHit
from seawall.model.observable import ObservableType
from seawall.model.order import Change, Order
from seawall.protect.agent import worker as workers
from seawall.protect.agent.config import Times
from seawall.protect.agent.worker import Worker

QUICK = Times(compare=1, expire=0.1, hits=0.2)


class Book:
    """What is in force, and what workers told."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.problems: list[Outcome] = []
        self.hits: list[ToolHit] = []

    def worker(self, tool: MemoryTool, times: Times = QUICK) -> Worker:
        """A worker for a tool over this book, started."""
        found = Worker(tool, lambda _at: list(self.orders), clock=now, times=times, tell=self.tell)
        found.start()
        return found

    def tell(self, problems: Sequence[Outcome], hits: Sequence[ToolHit]) -> None:
        """Gather."""
        self.problems.extend(problems)
        self.hits.extend(hits)

    def put(self, *values: str) -> list[Change]:
        """Into the book, and as changes."""
        found = [order(value, at=now()) for value in values]
        self.orders += found
        return [Change(number, "put", one) for number, one in enumerate(found, 1)]


def test_a_tool_that_is_down_or_slow_holds_up_no_other() -> None:
    """The others have it at once; the one that was down has everything when it is back, and says since when."""
    book, good, down, slow = Book(), MemoryTool("good"), MemoryTool("down"), MemoryTool("slow")
    down.down, slow.slow = True, 2.0
    listed = [book.worker(tool) for tool in (good, down, slow)]
    changes = book.put("203.0.113.1", "203.0.113.2")
    for worker in listed:
        worker.offer(changes, 2)
    assert slow.values == set()  # whoever offers waits for nobody
    assert soon(lambda: good.values == {"203.0.113.1", "203.0.113.2"})
    assert soon(lambda: listed[1].state().condition is ToolCondition.DOWN)
    assert "it is down" in listed[1].state().problem
    down.down = False
    assert soon(lambda: down.values == good.values and slow.values == good.values)
    assert soon(lambda: listed[1].state().condition is ToolCondition.OK and listed[1].state().sequence == 2)
    for worker in listed:
        worker.stop()


def test_a_queue_that_overflows_becomes_a_comparison(monkeypatch: pytest.MonkeyPatch) -> None:
    """More waits than is kept: nothing grows without bound, and the tool still ends with everything."""
    monkeypatch.setattr(workers, "MAX_WAITING", 10)
    book, tool = Book(), MemoryTool()
    worker = book.worker(tool)
    tool.slow = 0.2
    for start in range(0, 60, 5):
        worker.offer(book.put(*(f"203.0.113.{start + n}" for n in range(5))), start + 5)
        assert worker.state().waiting <= 10
    assert soon(lambda: len(tool.values) == 60)
    worker.stop()


def test_what_somebody_else_did_to_the_tool_is_found_and_mended() -> None:
    """Emptied or added to behind our back: the next comparison repairs and counts it."""
    book, tool = Book(), MemoryTool()
    worker = book.worker(tool)
    worker.offer(book.put("203.0.113.1"), 1)
    assert soon(lambda: worker.state().sequence == 1 and worker.state().waiting == 0)
    with tool.lock:
        tool.held = {"x": order("198.51.100.1", at=now())}
    assert soon(lambda: tool.values == {"203.0.113.1"})
    assert soon(lambda: (worker.state().missing, worker.state().unexpected) == (1, 1))
    worker.stop()


def test_a_tool_without_a_clock_is_told_what_ended_and_hits_come_back() -> None:
    """Expiry is asked for often; what was met before the agent started is not told again."""
    book, tool = Book(), MemoryTool()
    tool.met = [ToolHit(ObservableType.IPV4, "203.0.113.9", "", 1, 1, 5)]
    worker = book.worker(tool)
    one = order("203.0.113.1", at=now(), seconds=0.5)
    assert soon(lambda: worker.state().condition is ToolCondition.OK)
    worker.offer([Change(1, "put", one)], 1)
    assert soon(lambda: bool(tool.values))
    tool.met = [ToolHit(ObservableType.IPV4, "203.0.113.1", one.undo_id, 2, 3, 4)]
    assert soon(lambda: [hit.value for hit in book.hits] == ["203.0.113.1"])
    assert soon(lambda: not tool.values, 3)
    worker.stop()


class CountingTool(MemoryTool):
    """A tool that counts by itself; ``resumed``: where it was told to go on."""

    resumed = ""

    def position(self) -> str:
        """See ``Counting``."""
        return "place 2"

    def resume(self, position: str) -> None:
        """See ``Counting``."""
        self.resumed = position


class Places(Book):
    """A book that keeps hits and places together."""

    def __init__(self, place: str | None) -> None:
        super().__init__()
        self.places = {} if place is None else {"counting": place}

    def position(self, tool: str) -> str | None:
        """See ``HitBook``."""
        return self.places.get(tool)

    def met(self, tool: str, hits: Sequence[ToolHit], position: str) -> None:
        """See ``HitBook``."""
        self.hits.extend(hits)
        self.places[tool] = position


@pytest.mark.parametrize(("place", "told"), [(None, []), ("place 1", ["203.0.113.9"])])
def test_what_a_tool_counted_while_the_agent_was_dead_is_told(place: str | None, told: list[str]) -> None:
    """The very first start tells nothing from before; a later one goes on from the place that was kept."""
    book, tool = Places(place), CountingTool("counting")
    tool.met = [ToolHit(ObservableType.IPV4, "203.0.113.9", "", 1, 1, 5)]
    worker = Worker(tool, lambda _at: [], clock=now, times=QUICK, tell=book.tell, book=book)
    worker.start()
    assert soon(lambda: worker.state().condition is ToolCondition.OK and book.places == {"counting": "place 2"})
    assert soon(lambda: [hit.value for hit in book.hits] == told)
    assert tool.resumed == (place or "")
    worker.stop()


def test_an_emptied_tool_takes_nothing_until_it_is_filled_again() -> None:
    """While it is cleared, changes do nothing; also a tool that was down is cleared as soon as it can be."""
    book, tool = Book(), MemoryTool()
    worker = book.worker(tool)
    worker.offer(book.put("203.0.113.1"), 1)
    assert soon(lambda: bool(tool.values))
    tool.down = True
    worker.empty(True)
    time.sleep(0.3)
    tool.down = False
    assert soon(lambda: tool.cleared > 0 and worker.state().condition is ToolCondition.CLEARED)
    worker.offer(book.put("203.0.113.2"), 2)
    assert not soon(lambda: bool(tool.values), 0.4)
    worker.empty(False)
    assert soon(lambda: tool.values == {"203.0.113.1", "203.0.113.2"})
    worker.stop()
