"""Scenes of the store: every test that asks for ``store`` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa

from seawall.model import UserRole
from seawall.store import Store, sqlite_url
from servers import postgres

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """One PostgreSQL server for all tests of a run."""
    with postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on either engine."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "store")
        return
    server = request.getfixturevalue("postgres_server")
    name = f"seawall_{next(_numbers)}"
    administration = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with administration.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    with administration.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, empty store."""
    with Store.open(store_url) as opened:
        yield opened


@pytest.fixture
def two_people(store: Store) -> tuple[str, str]:
    """An analyst who asks and an approver who agrees."""
    store.users.add("mina", UserRole.ANALYST, at=1)
    store.users.add("ren", UserRole.APPROVER, at=1)
    return "mina", "ren"
