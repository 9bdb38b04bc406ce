"""Which schema a store has, what an upgrade would do, and the upgrade itself. None of this looks at the contents."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection

from seawall.model import Fault, Refused, UserRole
from seawall.store.database import Database
from seawall.store.schema import HEAD, MIGRATIONS, alone, prepare_log, refuse_revision, revision_in
from seawall.store.users import MAX_TOKEN_LENGTH


class Step(NamedTuple):
    """One revision that a store does not have yet."""

    revision: str
    what: str  # the first line of its migration


def is_older(revision: str | None) -> bool:
    """Whether a store of this revision waits for an upgrade."""
    return revision is not None and any(step.revision == HEAD for step in steps_after(revision))


def steps_after(revision: str) -> list[Step]:
    """The revisions that come after ``revision``, oldest first; none when it is the newest, or not ours."""
    scripts = list(ScriptDirectory.from_config(config_of()).walk_revisions())[::-1]
    names = [script.revision for script in scripts]
    begin = names.index(revision) + 1 if revision in names else len(names)
    return [Step(script.revision, script.doc.split("\n")[0]) for script in scripts[begin:]]


def revision_of(url: str) -> str | None:
    """The schema revision of the store at ``url``; None when there is none. Raises Fault E-STORE-001 to 006."""
    database = Database(url)
    try:
        if database.file is not None and not database.file.exists():
            return None
        with database.reading() as connection:
            return revision_in(connection)
    finally:
        database.close()


def role_of(url: str, token: str, at: int) -> tuple[str, UserRole]:
    """Name and role of who holds ``token`` in a store of any revision. Raises Refused E-STORE-032 for nobody."""
    database = Database(url)
    digest = hashlib.sha256(token[:MAX_TOKEN_LENGTH].encode("utf-8", "surrogatepass")).hexdigest()
    query = sa.text("SELECT * FROM users WHERE token_sha256 = :digest AND revoked_at IS NULL")
    try:
        with database.reading() as connection:
            row = connection.execute(query, {"digest": digest}).mappings().first()
    finally:
        database.close()
    if row is None or at >= (row.get("expires_at") or at + 1):
        raise Refused("E-STORE-032", "This token is not valid here; ask an administrator for a new one.")
    return str(row["name"]), UserRole(str(row["role"]))


def create_at(connection: Connection, revision: str) -> None:
    """The empty tables of ``revision`` in an empty database, as an earlier Seawall made them."""
    command.upgrade(config_of(connection), revision)


def upgrade_store(url: str, on_step: Callable[[Step], None] | None = None) -> Mapping[str, int]:
    """Bring the store to HEAD in one transaction, all of it or nothing; rows of each table afterwards.

    Raises Fault E-STORE-170 when a table would hold fewer rows than before, E-STORE-008 for a store that is newer.
    """
    database = Database(url)
    try:
        prepare_log(database)
        with alone(database), database.writing() as connection:
            revision = revision_in(connection)
            steps = steps_after(revision or "")
            if revision is not None and not steps and revision != HEAD:
                refuse_revision(database.where, revision)
            before = counts(connection)
            for step in steps:
                if on_step is not None:
                    on_step(step)
                command.upgrade(config_of(connection), step.revision)
            after = counts(connection)
            if lost := sorted(name for name, rows in before.items() if after.get(name, 0) < rows):
                raise Fault(
                    "E-STORE-170",
                    "The upgrade would lose rows of {tables}, so nothing was changed; report it, and keep to the "
                    "Seawall that wrote this store.",
                    tables=", ".join(lost),
                )
            return after
    finally:
        database.close()


def counts(connection: Connection) -> dict[str, int]:
    """Rows of each table."""
    tables = [sa.table(name) for name in sa.inspect(connection).get_table_names() if name != "alembic_version"]
    query = {table.name: sa.select(sa.func.count()).select_from(table) for table in tables}
    return {name: int(connection.execute(counting).scalar_one()) for name, counting in query.items()}


def config_of(connection: Connection | None = None) -> Config:
    """What Alembic wants to know."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
