"""What work costs, counted instead of timed: the same on a busy machine as on an idle one.

Whether something is *fast* is measured by the benches; the tests ask how its cost *grows*, and the time limit of each
test ends what would never end.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

VM_STEP = 100
"""One count for so many instructions of SQLite's virtual machine."""


class Count:
    """A number that grows while something is watched."""

    def __init__(self) -> None:
        self.n = 0

    def one(self, *_: object) -> None:
        """Another."""
        self.n += 1


def calls(work: Callable[[], object]) -> int:
    """How many functions, Python's own and C's, this thread enters while it does the work."""
    found = Count()

    def seen(_frame: FrameType, what: str, _value: object) -> None:
        if what in ("call", "c_call"):
            found.n += 1

    before = sys.getprofile()
    sys.setprofile(seen)
    try:
        work()
    finally:
        sys.setprofile(before)
    return found.n


def lines(work: Callable[[], object]) -> int:
    """How many lines of Python this thread goes through: loops within one function count too. Slow: for small work."""
    found = Count()

    def seen(_frame: FrameType, _what: str, _value: object) -> Callable[..., Any]:
        found.n += 1
        return seen

    before = sys.gettrace()
    sys.settrace(seen)
    try:
        work()
    finally:
        sys.settrace(before)
    return found.n


@contextmanager
def statements(engine: Engine) -> Iterator[Count]:
    """How many statements this database is asked."""
    found = Count()
    event.listen(engine, "before_cursor_execute", found.one)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", found.one)


@contextmanager
def database_steps(engine: Engine) -> Iterator[Count]:
    """How many hundreds of instructions SQLite carries out for this database: rows looked at, not rows answered."""
    found, watched = Count(), []

    def watch(_connection: object, cursor: Any, *_: object) -> None:
        watched.append(cursor.connection)
        cursor.connection.set_progress_handler(found.one, VM_STEP)

    event.listen(engine, "before_cursor_execute", watch)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", watch)
        for connection in watched:
            connection.set_progress_handler(None, VM_STEP)
