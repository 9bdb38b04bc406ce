"""Counts of what a node holds, and its events by hour: what a first look at a node asks."""

from __future__ import annotations

import msgspec

from seawall.flow.authority import require
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.ingest import read_quarantine
from seawall.model import Actor, Visibility

HOUR = 3_600_000_000  # microseconds
DAY = 24 * HOUR


class Counts(msgspec.Struct, frozen=True):
    """How much there is; moments in microseconds UTC."""

    events: int
    indicators: int
    sightings: int
    warnings: int
    quarantined: int
    first_event: int | None
    last_event: int | None


def count(node: Node, seen: Visibility | None) -> Counts:
    """Count what somebody with this visibility may see; None counts everything (for figures without content)."""
    seen = seen or WHOLE_NODE
    with node.lake.reading() as session:
        row = session.sql(
            f"SELECT count(*) AS n, min(time) AS first, max(time) AS last FROM {session.observations()} AS o"
        ).to_pylist()[0]
    return Counts(
        events=row["n"],
        indicators=sum(node.store.indicators.count_by_type().values()),
        sightings=node.store.sightings.count(seen),
        warnings=node.store.warnings.count(seen),
        quarantined=sum(1 for _ in read_quarantine(node.folder / "quarantine")),
        first_event=row["first"],
        last_event=row["last"],
    )


def hours(node: Node, actor: Actor, since: int | None, until: int | None) -> list[dict[str, object]]:
    """Events by hour, side and sector; without bounds the 24 hours up to the newest event. Raises Refused."""
    require(actor, "read-telemetry")
    with node.lake.reading() as session:
        rows = f"{session.observations()} AS o"
        if since is None or until is None:
            newest = session.sql(f"SELECT max(time) AS t FROM {rows}")["t"][0].as_py()
            if newest is None:
                return []
            until = until if until is not None else newest // HOUR * HOUR + HOUR
            since = since if since is not None else until - DAY
        found = session.sql(
            f"SELECT time // {HOUR} * {HOUR} AS hour, side, sector, count(*) AS count, "
            "count(*) FILTER (basis <> 'none') AS hostile "
            f"FROM {rows} WHERE time >= ? AND time < ? GROUP BY ALL ORDER BY ALL",
            [since, until],
        )
    return list(found.to_pylist())
