"""Insert a row or replace the one with the same primary key."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection


def replace(connection: Connection, table: sa.Table, row: Mapping[str, object]) -> None:
    """One statement on both engines; ``row`` holds every column of the table."""
    insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(table).values(row)
    keys = [column.name for column in table.primary_key]
    change = {name: insert.excluded[name] for name in row if name not in keys}
    connection.execute(insert.on_conflict_do_update(index_elements=keys, set_=change))
