"""The one place that says "these values just came in, or were just taken back": whoever acts on values hears it.

What came from a peer, was recalled, or lost its peer is named here right after the store holds it, in the process that
did it. A listener has to be quick (milliseconds, no lake) and may miss a word: what it would have done is done again by
the schedule. One that fails stops neither the others nor what brought the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from importlib.util import find_spec

from seawall.flow.mishaps import as_fault
from seawall.flow.node import Node
from seawall.model import Observable

LISTENERS: tuple[str, ...] = ("seawall.flow.orders:orders_for",)
"""``module:function``; ``function(node, keys)`` hears the values, each once, in the order in which they came."""

STANDING_LISTENERS: tuple[str, ...] = ("seawall.flow.orders:remove_origin",)
"""``module:function``; ``function(node, name)`` hears that a relation was ended, held up or taken up again, and
says how many orders it ended."""

AT_ONCE = 1_000  # values of one word: a page of what a peer sends


_gathered: ContextVar[dict[Observable, None] | None] = ContextVar("gathered", default=None)


@contextmanager
def told_together(node: Node) -> Iterator[None]:
    """What comes in or goes meanwhile is told in one word at the end (or as soon as it is a page): a recall of a
    thousand objects is one step of the book, not a thousand."""
    token = _gathered.set({})
    try:
        yield
    finally:
        values = _gathered.get() or {}
        _gathered.reset(token)
        arrived(node, values)


def arrived(node: Node, keys: Iterable[Observable]) -> None:
    """Tell every listener of these values, at most ``AT_ONCE`` at a time. Raises nothing."""
    values = list(dict.fromkeys(keys))
    gathered = _gathered.get()
    if gathered is not None:
        gathered |= dict.fromkeys(values)
        if len(gathered) < AT_ONCE:
            return
        values = list(gathered)
        gathered.clear()
    for start in range(0, len(values), AT_ONCE):
        for name in LISTENERS:
            _tell(node, name, values[start : start + AT_ONCE])


def relation_changed(node: Node, name: str) -> int:
    """Tell every listener that what this peer said acts no more, or again; how many orders that ended at once.

    Raises nothing.
    """
    return sum(_tell(node, listener, name) or 0 for listener in STANDING_LISTENERS)


def _tell(node: Node, name: str, what: Sequence[Observable] | str) -> int | None:
    module, _, function = name.partition(":")
    if find_spec(module) is None:
        return None
    try:
        listener: Callable[[Node, Sequence[Observable] | str], object] = getattr(import_module(module), function)
        said = listener(node, what)
    except Exception as error:  # the store holds what happened: the schedule does again what was missed here
        as_fault(error, "acting on what just came in")
        return None
    return said if isinstance(said, int) else None
