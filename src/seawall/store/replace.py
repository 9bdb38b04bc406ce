"""Insert a row or replace the one with the same primary key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql


def replace(connection: Connection, table: sa.Table, row: Mapping[str, object]) -> None:
    """One statement on both engines; ``row`` holds every column of the table."""
    insert = insert_into(connection, table).values(row)
    keys = [column.name for column in table.primary_key]
    change = {name: insert.excluded[name] for name in row if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=change))


def insert_into(connection: Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT of this connection's own engine, which can say what to do on a conflict."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # takes a while, and most nodes do without

    return postgresql.insert(table)
