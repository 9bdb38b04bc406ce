"""All match keys as one Arrow table, without making a Python object of each cell.

SQLite joins a column's cells of many rows into one text (``group_concat``); numpy finds the separators and that is the
Arrow column. PostgreSQL answers in rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.store.tables import indicators

KEYS_SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),  # the store's own, stable for (type, value)
        pa.field("type", pa.string(), nullable=False),
        pa.field("value", pa.string(), nullable=False),  # canonical
        pa.field("indicator_id", pa.string(), nullable=False),
        pa.field("campaign", pa.string()),
        pa.field("tlp", pa.int8(), nullable=False),
        pa.field("pap", pa.int8(), nullable=False),
        pa.field("origin", pa.string()),
        pa.field("valid_from", pa.int64()),  # microseconds UTC
        pa.field("valid_until", pa.int64()),
        pa.field("change", pa.int64(), nullable=False),
    ]
)

CHUNK = 16_384  # rows joined into one text: 128 MB when every value is 8 KB long
SEPARATOR = 0x1E  # ASCII record separator
MISSING = 0x1F  # ASCII unit separator, alone: NULL
NO_TIME = -(2**63)


def read_keys(connection: Connection, after: int) -> pa.Table:
    """Rows behind change number ``after``: by number when all are asked for, else by change."""
    order = "number" if after == 0 else "change"
    read = _joined if connection.dialect.name == "sqlite" else _rows
    batches = []
    last = after if order == "change" else 0
    while (batch := read(connection, order, last)).num_rows:
        batches.append(batch)
        last = batch.column(order)[-1].as_py()
    return pa.Table.from_batches(batches, KEYS_SCHEMA)


def _joined(connection: Connection, order: str, last: int) -> pa.RecordBatch:
    parts = ", ".join(_sql(field) for field in KEYS_SCHEMA)
    names = ", ".join(KEYS_SCHEMA.names)
    chunk = f"SELECT {names} FROM indicators WHERE {order} > ? ORDER BY {order} LIMIT {CHUNK}"
    row: Any = connection.exec_driver_sql(f"SELECT count(*), {parts} FROM ({chunk})", (last,)).one()
    count = int(row[0])
    columns = [_column(field, text, count) for field, text in zip(KEYS_SCHEMA, row[1:], strict=True)] if count else None
    if columns is None or any(column is None for column in columns):
        # a value holds the separator itself: slowly, then
        return _rows(connection, order, last)
    return pa.RecordBatch.from_arrays(columns, schema=KEYS_SCHEMA)


def _sql(field: pa.Field) -> str:
    name = field.name
    if field.type == pa.int8():
        return f"group_concat({name}, '')"  # one digit each
    if field.type == pa.int64():
        return f"group_concat(ifnull({name}, {NO_TIME}), ' ')" if field.nullable else f"group_concat({name}, ' ')"
    return f"group_concat({f'ifnull({name}, char({MISSING}))' if field.nullable else name}, char({SEPARATOR}))"


def _column(field: pa.Field, text: str, count: int) -> pa.Array | None:
    """The Arrow column of one joined text; None when the text does not come apart into ``count`` cells."""
    if field.type == pa.int8():
        return pa.array(np.frombuffer(text.encode(), np.int8) - ord("0"))
    if field.type == pa.int64():
        numbers = np.fromstring(text, dtype=np.int64, sep=" ")
        return pa.array(numbers, mask=numbers == NO_TIME if field.nullable else None)
    raw = np.frombuffer(text.encode(), np.uint8)
    ends = np.flatnonzero(raw == SEPARATOR)
    if len(ends) != count - 1:
        return None
    offsets = np.zeros(count + 1, np.int32)
    offsets[1:count] = ends - np.arange(count - 1)
    offsets[count] = len(raw) - (count - 1)
    data = raw[raw != SEPARATOR]
    cells = pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(data))
    if not field.nullable:
        return cells
    missing = pc.equal(cells, chr(MISSING))
    return pc.if_else(missing, pa.scalar(None, pa.string()), cells)


def _rows(connection: Connection, order: str, last: int) -> pa.RecordBatch:
    column = indicators.c[order]
    query = sa.select(*(indicators.c[name] for name in KEYS_SCHEMA.names)).where(column > last)
    rows = connection.execute(query.order_by(column).limit(CHUNK)).all()
    columns = zip(*rows, strict=True) if rows else [()] * len(KEYS_SCHEMA)
    arrays = [pa.array(list(cells), field.type) for cells, field in zip(columns, KEYS_SCHEMA, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=KEYS_SCHEMA)
