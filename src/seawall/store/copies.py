"""Whole copies of a store, of any schema revision, taken while others write.

SQLite: the online backup API inside one read transaction, page by page into a file. PostgreSQL: every table read in one
REPEATABLE READ transaction, in pieces of JSON lines, those tables first that others refer to; chosen over ``pg_dump``
because that wants client programs of the server's version, and a copy must be possible wherever Seawall runs. Rows of a
piece are lists in the order of its first line, the names of the columns; bytes are base64.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model import Fault
from seawall.model.unreadable import UNREADABLE
from seawall.store.database import Database, create_private_file
from seawall.store.faults import told
from seawall.store.revisions import create_at
from seawall.store.schema import revision_in

PIECE_BYTES = 4 * 1024 * 1024  # of JSON lines held in memory at a time
_STEP_PAGES = 2_048  # 8 MB between two words on the way
_ROWS = 1_000  # fetched from the server at a time
REVISION = "revision.json"
TABLES = "tables"

OnProgress = Callable[[int, int], None]
Pieces = Iterable[tuple[str, bytes]]


def is_file(url: str) -> bool:
    """Whether the store is one file, so copied by ``copy_file``; else by ``read_pieces``."""
    return Database(url).file is not None


def copy_file(url: str, place: Path, on_progress: OnProgress | None = None) -> None:
    """Copy the SQLite store at ``url`` into the new file ``place``: one snapshot, however long it takes.

    Raises Fault E-STORE-003 to 006 when the store cannot be read or the disk is full.
    """
    database = Database(url)
    if database.file is None:
        raise Fault("E-STORE-171", "The store {where} is no file.", where=database.where)
    create_private_file(place)
    with (
        told(database.where),
        closing(database.raw_connection(mode="rw")) as source,
        closing(database.raw_connection(place)) as target,  # of a sealed store under the same key
    ):
        source.execute("BEGIN")  # the snapshot: without it a writer would make the copy begin again
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        source.backup(target, pages=_STEP_PAGES, progress=_teller(on_progress))
    for name in ("-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            place.with_name(place.name + name).unlink()


def is_sealed(url: str) -> bool:
    """Whether every page of the store's file is encrypted."""
    return Database(url).is_sealed


def contents_sha256(url: str, place: Path) -> bytes:
    """SHA-256 over every row of the copy ``place`` of the store at ``url``; the bytes of a sealed file never repeat."""
    database, digest = Database(url), hashlib.sha256()
    with told(database.where), closing(database.raw_connection(place, mode="ro")) as connection:
        names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        for (name,) in connection.execute(names).fetchall():
            digest.update(f"\0{name}\0".encode())
            for row in connection.execute(f'SELECT * FROM "{name}"'):
                digest.update(repr(row).encode("utf-8", "surrogatepass"))
    return digest.digest()


def read_pieces(url: str, on_progress: OnProgress | None = None) -> Iterator[tuple[str, bytes]]:
    """The store at ``url`` as named pieces of at most about PIECE_BYTES, the schema's revision first."""
    database = Database(url)
    try:
        with told(database.where), database.engine.connect() as plain:
            connection = plain.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                metadata = sa.MetaData()
                metadata.reflect(connection)
                metadata.remove(metadata.tables["alembic_version"])
                yield REVISION, msgspec.json.encode({"revision": revision_in(connection)})
                for number, table in enumerate(metadata.sorted_tables):
                    if on_progress is not None:
                        on_progress(number, len(metadata.sorted_tables))
                    yield from _table_pieces(connection, table, f"{TABLES}/{number:04d}/{table.name}")
    finally:
        database.close()


def load_pieces(url: str, pieces: Pieces) -> None:
    """Fill the empty database at ``url`` with what ``read_pieces`` gave, in one transaction.

    Raises Fault E-STORE-172 when the database holds something, E-STORE-173 when the pieces are damaged.
    """
    database = Database(url)
    try:
        with database.writing() as connection:
            if sa.inspect(connection).get_table_names():
                raise Fault(
                    "E-STORE-172",
                    "The database {where} is not empty; make an empty one for the restored node and give its address.",
                    where=database.where,
                )
            _load(connection, pieces)
    except (KeyError, ValueError, StopIteration, *UNREADABLE):
        raise Fault("E-STORE-173", "The copy of the store is damaged; use another backup.") from None
    finally:
        database.close()


def _load(connection: Connection, pieces: Pieces) -> None:
    rest = iter(pieces)
    name, data = next(rest)
    if name != REVISION:
        raise ValueError(name)
    create_at(connection, str(msgspec.json.decode(data)["revision"]))
    metadata = sa.MetaData()
    metadata.reflect(connection)
    tables = {table.name: table for table in metadata.sorted_tables if table.name != "alembic_version"}
    for table in reversed(list(tables.values())):  # what the migrations put there
        connection.execute(sa.delete(table))
    for name, data in rest:
        table = tables[name.split("/")[2]]
        first, *lines = data.splitlines()
        columns = msgspec.json.decode(first, type=list[str])
        binary = [isinstance(table.c[column].type, sa.LargeBinary) for column in columns]
        rows = [
            {
                column: base64.b64decode(value) if is_bytes and value is not None else value
                for column, is_bytes, value in zip(columns, binary, msgspec.json.decode(line), strict=True)
            }
            for line in lines
        ]
        connection.execute(sa.insert(table), rows)
    for table in tables.values():
        for column in table.primary_key.columns:
            if column.server_default is not None:  # a sequence of the server: it goes on behind the largest
                largest = connection.execute(sa.select(sa.func.max(column))).scalar()
                if largest is not None:
                    counter = sa.func.pg_get_serial_sequence(table.name, column.name)
                    connection.execute(sa.select(sa.func.setval(counter, largest)))


def _table_pieces(connection: Connection, table: sa.Table, folder: str) -> Iterator[tuple[str, bytes]]:
    columns = [str(column.name) for column in table.columns]
    head = msgspec.json.encode(columns)
    query = sa.select(table).order_by(*table.primary_key.columns)
    number, lines, size = 0, [head], 0
    for row in connection.execution_options(yield_per=_ROWS).execute(query):
        lines.append(msgspec.json.encode([_plain(value) for value in row]))
        size += len(lines[-1])
        if size >= PIECE_BYTES:
            yield f"{folder}/{number:06d}.jsonl", b"\n".join(lines)
            number, lines, size = number + 1, [head], 0
    if len(lines) > 1:
        yield f"{folder}/{number:06d}.jsonl", b"\n".join(lines)


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _teller(on_progress: OnProgress | None) -> Callable[[int, int, int], None] | None:
    if on_progress is None:
        return None
    tell = on_progress

    def told_of(status: int, remaining: int, total: int) -> None:
        del status
        tell(total - remaining, total)

    return told_of
