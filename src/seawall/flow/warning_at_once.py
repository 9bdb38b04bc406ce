"""Warnings about values that were just seen, from what is known of them at once.

The lake's evidence (who else met the value quietly, what was met with it) needs the line in the lake; it is weighed
when warnings are drawn anew (``warning.refresh_warnings``). Until then a value that a peer told us, or that two sides
met, is warned about as soon as a line shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from seawall.codec.sharing import candidate_id
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.warning import doubted_peers
from seawall.identity import read_card
from seawall.lake import LakeSession
from seawall.match import findings_of
from seawall.model import Observable, ObservableType, Warning
from seawall.model.finding_table import FINDING_SCHEMA
from seawall.warn import WarnOptions, warnings

Value = tuple[ObservableType, str]
MANY_ALARMS = 2  # where more alarms change nothing
MINUTE = 60_000_000  # microseconds


class WarningsAtOnce:
    """Draws warnings about single values. ``session`` lends the engine."""

    def __init__(self, node: Node, session: LakeSession) -> None:
        self._node = node
        self._session = session
        self._drawn_from: dict[Value, object] = {}
        self._doubted_since: tuple[int, frozenset[str]] | None = None
        self.count = 0

    def draw(self, findings: Sequence[dict[str, Any]]) -> int:
        """Draw warnings from our sightings (rows of FINDING_SCHEMA as dicts, of every side); how many were kept."""
        by_value: dict[Value, list[dict[str, Any]]] = {}
        for row in findings:
            by_value.setdefault((ObservableType(row["type"]), row["value"]), []).append(row)
        news = {value: rows for value, rows in by_value.items() if self._is_news(value, rows)}
        if not news:
            return 0
        told = self._node.store.sightings.told(news)
        found: dict[Value, Warning] = {}
        delay = round(self._node.settings.warn.assumed_sharing_delay_seconds * 1_000_000)
        both = [row for rows in news.values() if len({row["side"] for row in rows}) >= 2 for row in rows]
        if both:
            options = WarnOptions(assumed_sharing_delay=delay, one_sided=False)
            found |= _by_value(warnings(self._session, _table(both), None, options))
        if told:
            named = {(item.type, item.value) for item in told}
            ours = self._without_echo([row for value in sorted(named & news.keys()) for row in news[value]])
            options = WarnOptions(doubted=self._doubted())
            found |= _by_value(warnings(self._session, _table(ours), findings_of(told), options))
        kept = [warning for value, warning in found.items() if self._says_more(value, warning)]
        self._node.store.warnings.put(kept)
        self.count += len(kept)
        return len(kept)

    def _doubted(self) -> frozenset[str]:
        """Peers in doubt, looked up once a minute: people's answers come slowly, lines do not."""
        now = self._node.clock()
        if self._doubted_since is None or now - self._doubted_since[0] > MINUTE:
            self._doubted_since = now, doubted_peers(self._node)
        return self._doubted_since[1]

    def _is_news(self, value: Value, rows: list[dict[str, Any]]) -> bool:
        """Whether something has changed that a warning rests on: a count beyond two is no news."""
        state = [
            (row["side"], row["first_seen"], row["sectors"], min(row["hostile"], MANY_ALARMS), row["basis"])
            for row in rows
        ]
        if self._drawn_from.get(value) == state:
            return False
        self._drawn_from[value] = state
        return True

    def _without_echo(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """What we met because a peer named it as its own candidate is a meeting, not an indicator that vouches."""
        identities = [read_card(peer.card).identity_id for peer in self._node.store.peers.list()]
        made = []
        for row in rows:
            value = Observable(ObservableType(row["type"]), row["value"])
            echo = any(row["indicator_id"] == candidate_id(identity, value) for identity in identities)
            made.append({**row, "indicator_id": None, "campaign": None} if echo else row)
        return made

    def _says_more(self, value: Value, warning: Warning) -> bool:
        """A warning drawn from all evidence stays, unless it did not know yet that both sides met the value."""
        held = self._node.store.warnings.get(*value, visibility=WHOLE_NODE)
        return held is None or (held.other_first_seen is None and warning.other_first_seen is not None)


def _by_value(drawn: Iterable[Warning]) -> dict[Value, Warning]:
    return {(item.type, item.value): item for item in drawn}


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=FINDING_SCHEMA)
