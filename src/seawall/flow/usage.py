"""How much each standing release has let go in the last hour and the last day, kept in the store."""

from __future__ import annotations

import msgspec

from seawall.flow.node import Node
from seawall.model.circle import CircleTerms
from seawall.policy import StandingUse

MINUTE = 60_000_000  # microseconds
HOUR_MINUTES, DAY_MINUTES = 60, 1_440
USAGE = "standing-use:{circle}"
UNLIMITED = 1_000_000_000


class Usage:
    """Counts by standing release and minute; older than a day is forgotten."""

    def __init__(self, circle: str, counts: dict[str, dict[int, int]]) -> None:
        self._circle = circle
        self._counts = counts

    @classmethod
    def load(cls, node: Node, circle: str) -> Usage:
        """As last saved."""
        text = node.store.notes.get(USAGE.format(circle=circle))
        return cls(circle, msgspec.json.decode(text, type=dict[str, dict[int, int]]) if text else {})

    def save(self, node: Node) -> None:
        """Keep it; durable when this returns."""
        oldest = node.clock() // MINUTE - DAY_MINUTES
        kept = {
            name: {minute: count for minute, count in minutes.items() if minute > oldest}
            for name, minutes in self._counts.items()
        }
        node.store.notes.set(USAGE.format(circle=self._circle), msgspec.json.encode(kept).decode())

    def add(self, standing: str, count: int, at: int) -> None:
        """``count`` objects left under ``standing`` at ``at`` (microseconds UTC)."""
        minutes = self._counts.setdefault(standing, {})
        minutes[at // MINUTE] = minutes.get(at // MINUTE, 0) + count

    def as_of(self, at: int) -> dict[str, StandingUse]:
        """Use in the hour and the day before ``at``, by standing release."""
        now = at // MINUTE
        return {
            name: StandingUse(
                sum(count for minute, count in minutes.items() if minute > now - HOUR_MINUTES),
                sum(count for minute, count in minutes.items() if minute > now - DAY_MINUTES),
            )
            for name, minutes in self._counts.items()
        }

    def room(self, terms: CircleTerms, at: int) -> int:
        """How many more objects every standing release of the circle can let go now; without any there is no bound."""
        use = self.as_of(at)
        rooms = [
            min(item.cap_per_hour - held.last_hour, item.cap_per_day - held.last_day)
            for item in terms.standing
            for held in (use.get(item.name, StandingUse()),)
        ]
        return max(min(rooms, default=UNLIMITED), 0)
