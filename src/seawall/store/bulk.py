"""Many rows at once: look-ups by a batch of keys, and inserts past the row-by-row path of either engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

LETTERS = "abcd"  # the columns of ``given``: a key has at most four parts


def rows_for(connection: Connection, keys: Sequence[tuple[str, ...]], query: str, **values: object) -> list[Any]:
    """Rows of ``query`` (SQL text of ours), whose ``{given}`` is a relation of the keys.

    ``given`` has ``position`` (of the key, from 0) and ``a``, ``b`` ... (the key's parts). Values are always bound.
    """
    if not keys:
        return []
    columns = LETTERS[: len(keys[0])]
    if connection.dialect.name == "sqlite":
        name = f"given_{columns}"
        parts = ", ".join(f"{letter} TEXT NOT NULL" for letter in columns)
        connection.exec_driver_sql(f"CREATE TEMP TABLE IF NOT EXISTS {name} (position INTEGER PRIMARY KEY, {parts})")
        connection.exec_driver_sql(f"DELETE FROM temp.{name}")
        marks = ", ".join("?" * (len(columns) + 1))
        connection.exec_driver_sql(
            f"INSERT INTO temp.{name} VALUES ({marks})", [(place, *key) for place, key in enumerate(keys)]
        )
        given = f"temp.{name} AS given"
    else:
        # unnest, not a table: the planner then expects few rows and uses the index
        arrays = ", ".join(f"CAST(:given_{letter} AS text[])" for letter in columns)
        given = (
            f"(SELECT position - 1 AS position, {', '.join(columns)} FROM unnest({arrays}) "
            f"WITH ORDINALITY AS listed({', '.join(columns)}, position)) AS given"
        )
        for letter, part in zip(columns, zip(*keys, strict=True), strict=True):
            values[f"given_{letter}"] = list(part)
    return list(connection.execute(sa.text(query.replace("{given}", given)), values).all())


def is_empty(connection: Connection, table: sa.Table) -> bool:
    """Whether a table has no row: then nobody need look up a page of keys in it."""
    return connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is None


def insert_rows(connection: Connection, table: sa.Table, rows: Sequence[tuple[object, ...]]) -> None:
    """Insert tuples that hold every column of the table in its order: executemany, or COPY on PostgreSQL."""
    if not rows:
        return
    columns = ", ".join(column.name for column in table.columns)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {table.name} ({columns}) VALUES ({marks})", list(rows))
        return
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def update_rows(connection: Connection, table: sa.Table, rows: Sequence[dict[str, Any]]) -> None:
    """Rewrite rows by their ``number``; every row names the same columns."""
    if not rows:
        return
    change: dict[Any, Any] = {table.c[name]: sa.bindparam(f"_{name}") for name in rows[0] if name != "number"}
    update = sa.update(table).where(table.c.number == sa.bindparam("_number")).values(change)
    connection.execute(update, [{f"_{name}": value for name, value in row.items()} for row in rows])
