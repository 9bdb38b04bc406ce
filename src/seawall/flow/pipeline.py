"""The product in one short file: the stages in their order.

ingest    sensor logs -> observations and roll-up in the lake, what cannot be read -> quarantine
import    others' knowledge -> objects and indicators in the store          (flow.intel)
match     observations x indicators -> hits; candidates
warn      our findings x peers' findings -> warnings with lead times        (flow.warning)
release   what circles' terms permit -> ledger -> outboxes                  (flow.outgoing)
sync      outboxes <-> peers                                                (flow.exchange)
protect   what may be blocked -> ledger -> files that tools load            (flow.protect)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from seawall.flow.lakeless import require_lake
from seawall.flow.node import Node
from seawall.flow.refresh import refresh_findings
from seawall.flow.tables import node_sensors
from seawall.match import MatchOptions, match
from seawall.model import to_microseconds
from seawall.model.moments import parse_moment

if TYPE_CHECKING:
    from seawall.ingest import IngestOptions, IngestReport

LAST_INGEST, LAST_MATCH = "last-ingest", "last-match"
"""Keys of the notes that hold when these stages last ended, in microseconds UTC."""

Progress = Callable[[int, int | None, int], None]
Waiting = Callable[[str], None]


def ingest_paths(
    node: Node,
    paths: Sequence[str],
    *,
    format: str = "auto",
    mapping: Path | None = None,
    side: str | None = None,
    sector: str | None = None,
    sensor: str | None = None,
    progress: Progress | None = None,
    waiting: Waiting | None = None,
) -> IngestReport:
    """Sensor logs into the lake. ``waiting`` hears a sentence while another process holds the lake."""
    from seawall.ingest import ingest  # every format: the other stages do without

    node.require("ingest")
    require_lake(node)
    options = ingest_options(
        node, format=format, mapping=mapping, side=side, sector=sector, sensor=sensor, stdin="-" in paths
    )
    report = ingest(paths, node.lake, options, progress, waiting)
    node.store.notes.set(LAST_INGEST, str(node.clock()))
    return report


def ingest_options(
    node: Node,
    *,
    format: str = "auto",
    mapping: Path | None = None,
    side: str | None = None,
    sector: str | None = None,
    sensor: str | None = None,
    stdin: bool = False,
) -> IngestOptions:
    """What ``ingest`` is asked on this node: its sensors, assets, geography. ``mapping`` stands before ``format``."""
    from seawall.ingest import IngestOptions

    return IngestOptions(
        quarantine=node.folder / "quarantine",
        node_side=node.side,
        format=format,
        mapping=mapping,
        side=side,
        sector=sector,
        sensor=sensor,
        node_sector="unknown",
        timezone=node.settings.node.timezone,
        sensors=node_sensors(node),
        own=node.own_assets,
        geography=node.geography,
        batch_lines=node.settings.lake.batch_lines,
        stdin=sys.stdin.buffer if stdin else None,
    )


def run_match(
    node: Node,
    *,
    since: str | None = None,
    rebuild: bool = False,
    exact: bool = False,
    waiting: Waiting | None = None,
) -> dict[str, object]:
    """Compare the lake with the indicators; the ``--json`` keys of ``seawall match``."""
    node.require("match")
    moment = to_microseconds(parse_moment(since)) if since is not None else None
    options = MatchOptions(since=moment, rebuild=rebuild, exact=exact)
    if node.settings.lake.engine == "spark":
        from seawall.match.portable import match_portably

        report = match_portably(node.lake, node.lake.computing, _keys_of(node), options, on_wait=waiting)
    else:
        report = match(node.lake, _keys_of(node), options, on_wait=waiting)
    if node.store.circles.list():
        refresh_findings(node)
    node.store.notes.set(LAST_MATCH, str(node.clock()))
    return report.document()


def _keys_of(node: Node) -> Callable[[int], pa.Table]:
    """The provider that ``match`` asks for keys by number; the store is read once, and not at all for no new ones."""
    held: list[pa.Table] = []

    def keys(after: int) -> pa.Table:
        indicators = node.store.indicators
        if not held and after >= indicators.last_number():
            return indicators.keys(indicators.change())  # none, with the columns of all
        if not held:
            held.append(node.store.indicators.keys())
        return held[0] if after < 0 else held[0].filter(pc.greater(held[0]["number"], after))

    return keys
