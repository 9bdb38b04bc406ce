"""Gives a new store the schema this version knows, once, while nobody else does; refuses any other schema."""

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

HEAD = "0023"  # the newest revision in migrations/versions; a test compares them
MIGRATIONS = Path(__file__).parent / "migrations"
POSTGRES_LOCK = 0x5EA3A11  # any number, the same in every process of a node


def migrate(database: Database) -> None:
    """Create the tables of an empty store.

    Raises Fault E-STORE-009 when an earlier Seawall wrote the store (``revisions`` upgrades it), E-STORE-008 when a
    newer one did, E-STORE-003 to E-STORE-006 when it cannot be used.
    """
    if database.file is not None:
        with told(database.where):
            _prepare_file(database.file, database.where)
    with database.reading() as connection:
        if (revision := revision_in(connection)) == HEAD:
            return
    if revision is not None:
        refuse_revision(database.where, revision)
    with alone(database):
        _create(database)


def refuse_revision(where: str, revision: str) -> None:
    """Raise what is to be said of a store that is not of this version."""
    if revision in {path.name[4:8] for path in (MIGRATIONS / "versions").glob("rev_*.py")}:
        raise Fault(
            "E-STORE-009",
            "The store {where} is of an earlier Seawall (schema {revision}, now {head}); make a backup, then run "
            "'seawall upgrade'.",
            where=where,
            revision=revision,
            head=HEAD,
        )
    raise Fault(
        "E-STORE-008",
        "The store {where} was written by a newer Seawall (schema {revision}); upgrade Seawall to open it.",
        where=where,
        revision=revision,
    )


def _prepare_file(file: Path, where: str) -> None:
    try:
        create_private_file(file)
    except OSError as error:
        raise Fault(
            "E-STORE-006",
            "The store {where} cannot be opened; check that it exists and may be written.",
            where=where,
        ) from error


def revision_in(connection: Connection) -> str | None:
    """The schema revision in the database; None for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return revision


@contextmanager
def alone(database: Database) -> Iterator[None]:
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


def _create(database: Database) -> None:
    # imported here: only the first start pays for it
    from alembic import command
    from alembic.config import Config

    prepare_log(database)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with database.writing() as connection:
        if revision_in(connection) is None:  # another process may have been quicker
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)


def prepare_log(database: Database) -> None:
    """Readers beside one writer: the file's log mode, which lasts in the file."""
    if database.file is not None:
        with told(database.where):
            raw = database.engine.raw_connection()
            try:
                raw.cursor().execute("PRAGMA journal_mode = WAL")
            finally:
                raw.close()
