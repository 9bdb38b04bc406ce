"""Brings a store to the schema this version knows, once, while nobody else does."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from seawall.model import Fault
from seawall.store.database import Database, create_private_file
from seawall.store.faults import told

HEAD = "0009"  # the newest revision in migrations/versions; a test compares them
MIGRATIONS = Path(__file__).parent / "migrations"
POSTGRES_LOCK = 0x5EA3A11  # any number, the same in every process of a node


def migrate(database: Database) -> None:
    """Create or upgrade the tables.

    Raises Fault E-STORE-008 when a newer Seawall wrote the store, E-STORE-003 to E-STORE-006 when it cannot be used.
    """
    if database.file is not None:
        with told(database.where):
            _prepare_file(database.file, database.where)
    with database.reading() as connection:
        if _revision(connection) == HEAD:
            return
    with _alone(database):
        _upgrade(database)


def _prepare_file(file: Path, where: str) -> None:
    try:
        create_private_file(file)
    except OSError as error:
        raise Fault(
            "E-STORE-006",
            "The store {where} cannot be opened; check that it exists and may be written.",
            where=where,
        ) from error


def _revision(connection: Connection) -> str | None:
    """The schema revision in the database; None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the one lock under which schemas change: flock on the folder, or an advisory lock of the server."""
    if database.file is not None:
        folder = os.open(database.file.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)
    elif database.is_sqlite:
        yield
    else:
        with told(database.where), database.engine.connect() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_lock({POSTGRES_LOCK})")
            connection.commit()
            try:
                yield
            finally:
                connection.exec_driver_sql(f"SELECT pg_advisory_unlock({POSTGRES_LOCK})")
                connection.commit()


def _upgrade(database: Database) -> None:
    # imported here: only the first start after an upgrade pays for it
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    if database.file is not None:
        with told(database.where):
            raw = database.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")  # lasts in the file
            finally:
                raw.close()
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    with database.writing() as connection:
        revision = _revision(connection)
        if revision is not None and revision not in known:
            raise Fault(
                "E-STORE-008",
                "The store {where} was written by a newer Seawall (schema {revision}); upgrade Seawall to open it.",
                where=database.where,
                revision=revision,
            )
        if revision != HEAD:
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)
