"""Scenes of the store: every test that asks for ``store`` runs on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def _database(server: str, template: str = "template1") -> Iterator[str]:
    """A database of the server for one test; its address."""
    name = f"seawall_{next(_numbers)}"
    administration = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with administration.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield server.replace("/postgres?", f"/{name}?")
    with administration.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The name of a database with every table and no row: the tables are made once, each test has a copy."""
    with _database(postgres_server) as url:
        Store.open(url).close()
        yield url.partition("?")[0].rpartition("/")[2]


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with such a store in a file."""
    folder = tmp_path_factory.mktemp("template")
    Store.open(sqlite_url(folder)).close()
    return folder


ENGINES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)]


@pytest.fixture(params=ENGINES)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database, on either engine."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "store")
        return
    with _database(request.getfixturevalue("postgres_server")) as url:
        yield url


@pytest.fixture(params=ENGINES)
def made_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a store with every table and no row, on either engine."""
    if request.param == "sqlite":
        shutil.copytree(request.getfixturevalue("sqlite_template"), tmp_path / "store")
        yield sqlite_url(tmp_path / "store")
        return
    server, template = (request.getfixturevalue(name) for name in ("postgres_server", "postgres_template"))
    with _database(server, template) as url:
        yield url


@pytest.fixture
def store(made_url: str) -> Iterator[Store]:
    """An open, empty store."""
    with Store.open(made_url) as opened:
        yield opened


@pytest.fixture
def two_people(store: Store) -> tuple[str, str]:
    """An analyst who asks and an approver who agrees."""
    store.users.add("mina", UserRole.ANALYST, at=1)
    store.users.add("ren", UserRole.APPROVER, at=1)
    return "mina", "ren"
