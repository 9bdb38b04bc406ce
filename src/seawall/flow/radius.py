"""Blast radius over a node: the table is built from the lake by a job, and asked while directives come in.

The job reads what the lake got since it last ran; once a day it builds the table anew, so that days fall out of the
window. What counts as a legitimate session stands at the head of ``protect/radius.py``.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from seawall.flow.alone import alone
from seawall.flow.node import Node
from seawall.messages import mark
from seawall.model import Fault, Observable, ObservableType, Unavailable, rfc3339
from seawall.protect.networks import address_number, network_span
from seawall.protect.radius import DAY, Horizon, Met, Radius, radius_of
from seawall.store.radius import (
    Added,
    RadiusState,
    RadiusTable,
    RadiusWriting,
    Row,
    address_key,
    reversed_name_key,
    url_key,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from seawall.lake import LakeSession

STALE = 26 * 3_600_000_000
"""Microseconds after which an answer is called old: the job runs many times a day and anew each day."""
MOST_ASKED = 1_000_000  # values of one call
WAIT_SECONDS = 60.0  # for another process that builds
_ROWS_ADDED = 100_000  # handed to the table at once


def radius(node: Node, observables: Sequence[Observable]) -> dict[Observable, Radius]:
    """What a block of each of these would have cut. Reads the table only: some 20 microseconds a value.

    Addresses, networks, names (with everything below them) and URLs; other types, and everything before the table was
    built (or while it is damaged), are left out of the answer: not known, unless the settings want no sessions for
    "not met" to be believed. Raises Fault E-FLOW-935 for too many.
    """
    if len(observables) > MOST_ASKED:
        raise Fault("E-FLOW-935", "At most {most} values are asked for at once.", most=MOST_ASKED)
    table = node.radius_table
    found: dict[Observable, Radius] = {}
    with suppress(Unavailable):
        if (state := table.state() or _nothing_asked_for(node)) is None:
            return {}
        horizon = horizon_of(node, state)
        for observable in observables:
            if (rows := rows_of(table, observable)) is not None:
                found[observable] = radius_of([Met(*row) for row in rows], horizon)
    return found


def _nothing_asked_for(node: Node) -> RadiusState | None:
    """Where the settings want neither sessions nor days, an absent table counts as one in which nothing was met."""
    asked = node.settings.protect
    if asked.radius_least_sessions or asked.radius_least_days:
        return None
    return RadiusState(0, 0, 0, None, None, 0, asked.radius_days)


def horizon_of(node: Node, state: RadiusState) -> Horizon:
    """What the table stands on, beside what the settings ask for."""
    asked = node.settings.protect
    return Horizon(
        built_at=state.built_at,
        first=state.first,
        last=state.last,
        sessions=state.sessions,
        days=state.days,
        least_sessions=asked.radius_least_sessions,
        least_days=asked.radius_least_days,
    )


def describe_radius(node: Node) -> dict[str, object]:
    """How old the table is and what it stands on, for screens; ``enough`` False: not enough data."""
    if (state := _readable_state(node.radius_table)) is None:
        missing = mark("The table was never built; 'seawall run radius' builds it from the lake.")
        return {"built_at": None, "enough": False, "missing": missing}
    horizon = horizon_of(node, state)
    return {
        "built_at": rfc3339(state.built_at),
        "age_seconds": max(0, node.clock() - state.built_at) // 1_000_000,
        "days": state.days,
        "covered_days": round(horizon.covered_days, 2),
        "sessions": state.sessions,
        "enough": horizon.enough,
        "stale": node.clock() - state.built_at > STALE,
    }


def build_radius(node: Node) -> dict[str, object]:
    """The job: bring the table up to what the lake holds now; anew on a new day, else only what is new.

    Raises Unavailable E-FLOW-936 while another process does, and what reading the lake raises; the former table stays.
    """
    node.require("match")
    started = time.monotonic()
    if not node.settings.lake.store_telemetry:
        return {"result": "no lake: not enough data", "sessions": 0, "anew": False}
    table, at = node.radius_table, node.clock()
    days, today = node.settings.protect.radius_days, at // DAY
    busy = Unavailable("E-FLOW-936", "Another process builds the table of blast radii; its answers follow in a moment.")
    table.folder.mkdir(mode=0o700, exist_ok=True)
    with alone(table.folder / "building.lock", busy, seconds=WAIT_SECONDS), node.lake.reading() as session:
        before = _readable_state(table)
        fresh = before is not None and (before.day, before.days) == (today, days)
        if fresh and before is not None and before.generation <= session.generation:
            state = _add(table, session, before, at)
        else:
            state = _build(table, session, days, at)
    return {
        "result": f"{state.sessions} sessions of {days} days",
        "sessions": state.sessions,
        "anew": not fresh,
        "seconds": round(time.monotonic() - started, 3),
    }


def _readable_state(table: RadiusTable) -> RadiusState | None:
    """What it stands on; None for a table that is damaged: it is built anew."""
    try:
        return table.state()
    except Unavailable:
        return None


def _build(table: RadiusTable, session: LakeSession, days: int, at: int) -> RadiusState:
    today = at // DAY
    with table.building() as writing:
        state = RadiusState(at, session.generation, today, None, None, 0, days)
        for day in sorted(day for day in session.days() if today - days < day <= today + 1):
            state = _day(writing, session, 0, day, state)
        writing.settle(state)
    return state


def _add(table: RadiusTable, session: LakeSession, before: RadiusState, at: int) -> RadiusState:
    state = RadiusState(at, session.generation, before.day, before.first, before.last, before.sessions, before.days)
    with table.adding() as writing:
        if session.generation > before.generation:
            new = session.observations(before.generation)
            touched = session.sql(f"SELECT DISTINCT time // {DAY} AS day FROM {new} AS o")["day"].to_pylist()
            for day in sorted(day for day in touched if before.day - before.days < day <= before.day + 1):
                state = _day(writing, session, before.generation, day, state)
        writing.settle(state)
    return state


def _day(writing: RadiusWriting, session: LakeSession, after: int, day: int, state: RadiusState) -> RadiusState:
    """Add what one UTC day holds of rows committed after a generation."""
    from seawall.protect.radius_lake import span_of

    relation = f"(SELECT * FROM {session.observations(after, days=[day])} AS d WHERE time // {DAY} = {int(day)})"
    span = span_of(session, relation)
    fill(writing, session, relation)
    moments = [moment for moment in (state.first, state.last, span.first, span.last) if moment is not None]
    return RadiusState(
        state.built_at,
        state.generation,
        state.day,
        min(moments, default=None),
        max(moments, default=None),
        state.sessions + span.sessions,
        state.days,
    )


def fill(writing: RadiusWriting, session: LakeSession, relation: str, *, blocked_is_alarm: bool = True) -> int:
    """Add what the rows of a relation (of one day at most) met; how many rows there are."""
    from seawall.protect.radius_lake import met_rows

    rows = int(session.sql(f"SELECT count(*) AS n FROM {relation} AS o")["n"][0].as_py())
    if rows:
        for found in met_rows(session, relation, rows, blocked_is_alarm=blocked_is_alarm):
            for batch in found.to_batches(_ROWS_ADDED):
                writing.add(_keyed(batch))
    return rows


def _keyed(batch: pa.RecordBatch) -> Iterator[Added]:
    names = batch.schema.names
    columns = [batch.column(name).to_pylist() for name in names]
    if names[0] == "high":
        mask = (1 << 64) - 1
        for high, low, *rest in zip(*columns, strict=True):
            yield (address_key((high & mask) << 64 | (low & mask)), *rest)
    else:
        key = reversed_name_key if names[0] == "name" else url_key
        for text, *rest in zip(*columns, strict=True):
            yield (key(text), *rest)


def rows_of(table: RadiusTable, observable: Observable) -> list[Row] | None:
    """The rows that a block of it would touch; None for a type that the table does not know."""
    value = observable.value
    try:
        match observable.type:
            case ObservableType.IPV4 | ObservableType.IPV6:
                return table.met(address_key(address_number(value)))
            case ObservableType.CIDR:
                first, last = network_span(value)
                return table.met_between(address_key(first), address_key(last))
            case ObservableType.DOMAIN:
                return table.met_below(value)
            case ObservableType.URL:
                return table.met(url_key(value))
    except (ValueError, OSError):  # no address after all: nothing is known of it
        return None
    return None
