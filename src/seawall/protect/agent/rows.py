"""One order on the agent's disk: the table it stands in, and the way into it and back."""

from __future__ import annotations

import msgspec

from seawall.model.order import Order

TABLE_SHAPE = """(undo_id TEXT PRIMARY KEY, type TEXT NOT NULL, starts_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
    sequence INTEGER NOT NULL, body BLOB NOT NULL, problem TEXT NOT NULL, detail TEXT NOT NULL) WITHOUT ROWID"""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS orders {TABLE_SHAPE};
CREATE TABLE IF NOT EXISTS incoming {TABLE_SHAPE};
CREATE INDEX IF NOT EXISTS orders_end ON orders (expires_at);
CREATE INDEX IF NOT EXISTS orders_begin ON orders (starts_at);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""

_encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(Order).decode


class Held(msgspec.Struct, frozen=True, gc=False):
    """One order as this agent holds it. ``problem``: why it does not act here; empty: it does."""

    order: Order
    sequence: int
    problem: str = ""
    detail: str = ""


def insert(table: str) -> str:
    """The statement that puts rows into one of the two tables."""
    return f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def as_row(held: Held) -> tuple[object, ...]:
    """As it is stored."""
    order = held.order
    return (
        order.undo_id,
        order.type.value,
        order.starts_at,
        order.expires_at,
        held.sequence,
        _encode(order),
        held.problem,
        held.detail,
    )


def as_held(row: tuple[bytes, int, str, str]) -> Held:
    """From (body, sequence, problem, detail). Raises msgspec.DecodeError for a damaged body."""
    return Held(decode(row[0]), row[1], row[2], row[3])
