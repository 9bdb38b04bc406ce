"""Looking at lake rows and at the quarantine, a page at a time."""

from __future__ import annotations

import re

import msgspec

from seawall.codec.values import address_halves, halves_address
from seawall.flow.authority import require
from seawall.flow.listing import Listing
from seawall.flow.node import Node
from seawall.model import Actor, Fault, rfc3339, to_microseconds
from seawall.model.moments import parse_moment

MAX_PAGE = 10_000  # rows of one answer
_CONDITION = re.compile(r"\s*([a-z0-9_]+)\s*(!=|>=|<=|=)\s*(.*)", re.DOTALL)
_ADDRESS_COLUMNS = {"src": ("src_high", "src_low"), "dst": ("dst_high", "dst_low")}


def find(node: Node, where: list[str], *, limit: int, after: int, actor: Actor | None = None) -> Listing:
    """Rows that meet every condition, by rising event number.

    Raises Fault E-FLOW-010 for a condition that cannot be read or names no column.
    """
    require(actor or node.actor, "read-telemetry")
    limit = max(1, min(limit, MAX_PAGE))
    clauses, values = ["event > ?"], [after]
    for text in where:
        clause, bound = _clause(text)
        clauses.append(clause)
        values.extend(bound)  # type: ignore[arg-type]
    with node.lake.reading() as session:
        rows = session.sql(
            f"SELECT * FROM {session.observations()} WHERE {' AND '.join(clauses)} ORDER BY event LIMIT {limit + 1}",
            values,
        ).to_pylist()
    items = [plain_row(row) for row in rows[:limit]]
    return Listing(items, rows[limit - 1]["event"] if len(rows) > limit else None)


def _clause(text: str) -> tuple[str, list[object]]:
    from seawall.model import OBSERVATION_SCHEMA  # Arrow: whoever only shows rows does without

    found = _CONDITION.fullmatch(text)
    if found is None:
        raise Fault("E-FLOW-010", "{given} is no condition; write column=value.", given=repr(text[:80]))
    column, operator, value = found.groups()
    if column in _ADDRESS_COLUMNS and operator in ("=", "!="):
        high, low = _ADDRESS_COLUMNS[column]
        clause = f"({high} = ? AND {low} = ?)"
        return (clause if operator == "=" else f"NOT {clause}"), list(address_halves(value))
    if column not in OBSERVATION_SCHEMA.names:
        known = ", ".join(["src", "dst", *OBSERVATION_SCHEMA.names])
        raise Fault("E-FLOW-011", "There is no column {given}; the columns are {known}.", given=column, known=known)
    bound: object = value
    if column == "time":
        bound = to_microseconds(parse_moment(value))
    elif str(OBSERVATION_SCHEMA.field(column).type).startswith("int"):
        if not re.fullmatch(r"-?\d{1,18}", value):
            raise Fault("E-FLOW-012", "{column} is a number; {given} is none.", column=column, given=repr(value[:40]))
        bound = int(value)
    sign = "IS DISTINCT FROM" if operator == "!=" else operator
    return f"{column} {sign} ?", [bound]


def plain_row(row: dict[str, object]) -> dict[str, object]:
    """A row of the lake as JSON shows it: times as RFC 3339, addresses and digests as one text each."""
    shown: dict[str, object] = {}
    for name, value in row.items():
        if name == "time":
            shown["time"] = rfc3339(int(value))  # type: ignore[call-overload]
        elif name.endswith("_high"):
            stem = name.removesuffix("_high")
            low = row[f"{stem}_low"]
            if stem == "digest":
                shown["digest"] = f"{int(value) & (2**64 - 1):016x}{int(low) & (2**64 - 1):016x}"  # type: ignore[call-overload]
            else:
                shown[stem] = None if value is None else halves_address(int(value), int(low))  # type: ignore[call-overload]
        elif not name.endswith("_low"):
            shown[name] = value
    return shown


def quarantined(node: Node, *, limit: int, after: int, reason: str | None) -> Listing:
    """Rejected lines, oldest first; ``reason`` keeps one reason code only."""
    from seawall.ingest import read_quarantine

    limit = max(1, min(limit, MAX_PAGE))
    items: list[dict[str, object]] = []
    for number, entry in enumerate(read_quarantine(node.folder / "quarantine"), start=1):
        if number <= after or (reason is not None and entry.code != reason):
            continue
        if len(items) == limit:
            return Listing(items, int(str(items[-1]["number"])))
        items.append({"number": number, **msgspec.to_builtins(entry)})
    return Listing(items, None)
