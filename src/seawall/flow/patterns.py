"""STIX patterns over this node's lake: what an analyst asks."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.flow.observations import MAX_PAGE, plain_row
from seawall.match import match_lake
from seawall.model import to_microseconds
from seawall.model.moments import parse_moment


def match_in_lake(node: Node, pattern: str, *, since: str | None, limit: int) -> dict[str, object]:
    """Whether a STIX pattern matches the lake, one choice of rows, and how many rows pass each ``[...]``.

    Raises what ``match.match_lake`` raises, and Fault E-MODEL-001 for a ``since`` that is no moment.
    """
    node.require("read-telemetry")
    from_moment = to_microseconds(parse_moment(since)) if since is not None else None
    with node.lake.reading() as session:
        found = match_lake(session, pattern, since=from_moment, examples=max(1, min(limit, MAX_PAGE)))
        listed = ", ".join(f"{event:d}" for event in found.examples)
        rows = (
            session.sql(
                f"SELECT * FROM {session.observations()} AS o WHERE event IN ({listed}) ORDER BY time, event"
            ).to_pylist()
            if found.examples
            else []
        )
    return {
        "matches": found.matches,
        "passing": list(found.passing),
        "observed": list(found.events),
        "items": [plain_row(row) for row in rows],
    }
