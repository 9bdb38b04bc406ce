"""Whose knowledge stands in an object: its own origin and, through its inputs, theirs (rule 2)."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model.stored import StoredObject
from seawall.store.replace import insert_into
from seawall.store.tables import object_inputs, object_origins
from seawall.store.values import clean

CHUNK = 500  # ids in one query


def add_origins(connection: Connection, batch: Iterable[StoredObject]) -> None:
    """Note what each object derives from, and let every origin flow on to all that derives from it.

    Inputs may arrive before or behind what was made of them, and may even form a ring.
    """
    links = [(clean(source), clean(item.id)) for item in batch for source in item.inputs]
    own = [(clean(item.id), item.origin) for item in batch if item.origin is not None]
    if links:
        insert_new(connection, object_inputs, [{"input_id": source, "derived_id": id} for source, id in links])
    # the origins of this batch's own objects, and those its inputs brought along earlier
    spreading = set(own)
    sources = sorted({source for source, _ in links})
    for start in range(0, len(sources), CHUNK):
        known = sa.select(object_origins).where(object_origins.c.id.in_(sources[start : start + CHUNK]))
        spreading |= {(row.id, row.origin) for row in connection.execute(known)}
    if own:
        insert_new(connection, object_origins, [{"id": id, "origin": origin} for id, origin in set(own)])
    done: set[tuple[str, str]] = set()
    while spreading:
        done |= spreading
        reached = _derived(connection, spreading) - done
        if reached:
            insert_new(connection, object_origins, [{"id": id, "origin": origin} for id, origin in reached])
        spreading = reached


def _derived(connection: Connection, spreading: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """One step further: the objects made from these, each with the origin it inherits."""
    origins: dict[str, set[str]] = {}
    for id, origin in spreading:
        origins.setdefault(id, set()).add(origin)
    ids = sorted(origins)
    reached = set()
    for start in range(0, len(ids), CHUNK):
        links = sa.select(object_inputs).where(object_inputs.c.input_id.in_(ids[start : start + CHUNK]))
        for row in connection.execute(links):
            reached |= {(row.derived_id, origin) for origin in origins[row.input_id]}
    return reached


def insert_new(connection: Connection, table: sa.Table, rows: list[dict[str, object]]) -> None:
    """Insert the rows whose key is not there yet."""
    connection.execute(insert_into(connection, table).on_conflict_do_nothing(), rows)
