"""What a driver must provide: it turns changes of the order book into commands of one tool, and reads the tool's hits.

A driver never decides whether a value may be blocked (the gate and the agent's own limits did) and never raises because
of one value: it answers for each with an ``Outcome``. It raises ``Unavailable`` when its tool cannot be reached at all;
the agent then tries again later with ``reconcile``. Everything it makes the tool do ends by itself where the tool can
count time (kernel timeouts), else the driver's ``expire`` ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from seawall.model import ObservableType
from seawall.model.agent import Drift, Outcome, ToolHit
from seawall.model.order import Change, Order

__all__ = ["Counting", "Drift", "Driver", "Outcome", "ToolHit"]


@runtime_checkable
class Counting(Protocol):
    """A driver whose tool goes on counting while nobody asks: what was met while the agent was dead is told later."""

    def position(self) -> str:
        """Up to where ``hits`` has told: counters or places in logs, for ``resume`` after a restart. Bounded."""

    def resume(self, position: str) -> None:
        """Go on from there, before ``prepare``. What cannot be read is as if nothing had been told before."""


class Driver(Protocol):
    """One tool at one point."""

    name: str
    types: frozenset[ObservableType]

    def prepare(self) -> None:
        """Make what the tool needs before the first change (tables, lists); repeating it changes nothing.

        Raises Unavailable when the tool cannot be reached.
        """

    def apply(self, changes: Sequence[Change], at: int) -> list[Outcome]:
        """Carry out changes in their order, as one transaction where the tool has them. ``at``: microseconds UTC."""

    def reconcile(self, orders: Sequence[Order], at: int) -> Drift:
        """Compare what the tool holds with ``orders`` (all in force here), and repair it."""

    def expire(self, at: int) -> int:
        """End what has run out, where the tool does not count time itself; how many."""

    def hits(self) -> list[ToolHit]:
        """What was met since the last call."""

    def clear(self) -> None:
        """Take everything of ours out of the tool: the kill switch."""

    def close(self) -> None:
        """End connections; what the tool holds stays."""
