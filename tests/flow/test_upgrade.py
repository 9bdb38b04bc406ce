"""Stores of every earlier schema, filled by the Seawall of that time, come up to this version and lose nothing.

``_data/stores/rev_NNNN.sql``: what ``sqlite3 .dump`` says of a node made with the last commit before schema NNNN+1 (two
people, a third-party client, sensors, an ingest with a rejected line, two imports, a match, a verified peer, two
circles, a release).
"""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from journey.command_line import SeawallNode, here
from seawall.flow.restore import restore
from seawall.model import Fault
from seawall.store import Store, revisions
from seawall.store.database import Database
from seawall.store.schema import HEAD
from servers import postgres

STORES = Path(__file__).parent / "_data" / "stores"
REVISIONS = sorted({path.stem.removeprefix("rev_") for path in STORES.glob("rev_*.sql")} - {HEAD})
WORDS = "correct horse battery staple"
RELEASED = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"
_numbers = count(1)


def _on_a_server(revision: str) -> Any:
    """The oldest goes through every step; those between only where time is no matter."""
    quick = revision in (REVISIONS[0], REVISIONS[-1])
    marks = [pytest.mark.postgres, *(() if quick else (pytest.mark.long,))]
    return pytest.param("postgresql", revision, marks=marks)


KINDS = [*(("sqlite", revision) for revision in REVISIONS), *(_on_a_server(revision) for revision in REVISIONS)]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL for the tests of this module."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="module")
def blank(tmp_path_factory: pytest.TempPathFactory) -> SeawallNode:
    """A node's folder: keys, ledger, settings; its store is put aside by each test."""
    return SeawallNode(tmp_path_factory.mktemp("blank") / "node", "TW")


class Old:
    """A node whose store is of an earlier schema."""

    def __init__(self, place: Path, blank: SeawallNode, revision: str, url: str | None = None) -> None:
        self.folder = place / "node"
        self.backup = place / "backup"
        self.words = place / "words"
        self.words.write_text(WORDS)
        shutil.copytree(blank.folder, self.folder)
        file = self.folder / "store" / "seawall.sqlite"
        file.unlink()
        connection = sqlite3.connect(file)
        connection.executescript((STORES / f"rev_{revision}.sql").read_text("utf-8"))
        digest = hashlib.sha256(blank.token.encode()).hexdigest()
        connection.execute("UPDATE users SET token_sha256 = ? WHERE name = 'administrator'", (digest,))
        connection.execute("DELETE FROM notes WHERE key = 'ledger-seen'")  # of that node's own ledger
        connection.commit()
        connection.close()
        self.url = f"sqlite:///{file}"
        if url is not None:
            _move(self.url, url, revision)
            file.unlink()
            self.url = url
            with (self.folder / "seawall.toml").open("a") as settings:
                settings.write(f'\n[store]\nurl = "{url}"\n')

    def say(self, *arguments: str | Path) -> Any:
        """Run a command; its answer."""
        return here("--node", self.folder, *arguments, "--json")

    def back_up(self) -> None:
        """Write a backup."""
        answer = self.say("backup", "-o", self.backup, "--passphrase-file", self.words)
        assert answer.status == 0, answer.err


def _move(source: str, target: str, revision: str) -> None:
    """The rows of a file into a server, under the same schema."""
    old, new = sa.create_engine(source), Database(target)
    before, after = sa.MetaData(), sa.MetaData()
    with old.connect() as reading, new.writing() as writing:
        revisions.create_at(writing, revision)
        before.reflect(reading)
        after.reflect(writing)
        tables = [table for table in after.sorted_tables if table.name != "alembic_version"]
        for table in reversed(tables):
            writing.execute(sa.delete(table))
        for table in tables:
            if rows := [dict(row) for row in reading.execute(sa.select(before.tables[table.name])).mappings()]:
                writing.execute(sa.insert(table), rows)
    old.dispose()
    new.close()


def _rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table."""
    database, metadata = Database(url), sa.MetaData()
    with database.reading() as connection:
        metadata.reflect(connection)
        found = {
            table.name: [dict(row) for row in connection.execute(sa.select(table)).mappings()]
            for table in metadata.sorted_tables
            if table.name != "alembic_version"
        }
    database.close()
    return found


def _database(server: str) -> str:
    name = f"old_{next(_numbers)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


def test_every_earlier_schema_has_its_store() -> None:
    """Whoever adds a schema adds a store of the one before."""
    steps = [step.revision for step in revisions.steps_after("0001")]
    assert ["0001", *steps[:-1]] == REVISIONS
    assert steps[-1] == HEAD


@pytest.mark.parametrize(("kind", "revision"), KINDS)
def test_an_earlier_store_comes_up_whole(
    tmp_path: Path, blank: SeawallNode, revision: str, kind: str, request: pytest.FixtureRequest
) -> None:
    """Every other command says what to do; after backup and upgrade each old row is there with each old value."""
    url = _database(request.getfixturevalue("server")) if kind == "postgresql" else None
    old = Old(tmp_path, blank, revision, url)
    before = _rows(old.url)
    answer = old.say("users", "list")
    assert (answer.status, answer.err.count("\n")) == (2, 1)
    assert answer.err.startswith("E-STORE-009")
    assert "'seawall upgrade'" in answer.err
    checked = old.say("upgrade", "--check").document
    assert (checked["needed"], checked["ready"], checked["schema"]) == (True, False, revision)
    assert checked["steps"][-1]["schema"] == HEAD
    assert all(step["what"].endswith(".") for step in checked["steps"])
    assert _rows(old.url) == before
    old.back_up()
    assert old.say("upgrade", "--check").document["ready"] is True
    done = old.say("upgrade").document
    assert (done["upgraded"], done["schema"]) == (True, HEAD)
    after = _rows(old.url)
    for name, rows in before.items():
        columns = list(rows[0]) if rows else []
        kept = [{column: row[column] for column in columns} for row in after[name]]
        missing = [row for row in rows if row not in kept]
        assert missing == [], name
    exported = here("--node", old.folder, "intel", "export", "--to", "csv").out
    assert "203.0.113.77" in exported
    assert "198.51.100.66" in exported
    assert {user["name"] for user in old.say("users", "list").document["items"]} == {"administrator", "ren", "tx"}
    assert {item["name"] for item in old.say("circles", "list").document["items"]} == {"friends", "tw-kr"}
    assert [peer["state"] for peer in old.say("peers", "list").document["items"]] == ["verified"]
    with Store.open(old.url) as store:
        assert set(store.objects.latest([RELEASED])) == {RELEASED}
    assert old.say("ledger", "show").document["items"][-1]["kind"] in ("upgraded", "release")
    assert old.say("upgrade").document["upgraded"] is False


def test_no_upgrade_without_a_fresh_backup(tmp_path: Path, blank: SeawallNode) -> None:
    """Without one, with one of before a change, or of another store, nothing is touched."""
    old = Old(tmp_path, blank, "0004")
    before = _rows(old.url)
    answer = old.say("upgrade")
    assert (answer.status, answer.err.split(":")[0], _rows(old.url)) == (3, "E-FLOW-395", before)
    old.back_up()
    connection = sqlite3.connect(old.folder / "store" / "seawall.sqlite")
    connection.execute("INSERT INTO notes VALUES ('changed', 'since')")
    connection.commit()
    connection.close()
    answer = old.say("upgrade")
    assert (answer.status, answer.err.split(":")[0]) == (3, "E-FLOW-395")
    old.back_up()
    (old.folder / "reference" / "new.csv").write_text("x")
    assert old.say("upgrade").status == 3
    (old.folder / "backup.json").write_text("{")
    assert old.say("upgrade").status == 3
    old.back_up()
    assert old.say("upgrade").document["upgraded"] is True


def test_a_backup_of_before_the_upgrade_comes_back_upgraded(tmp_path: Path, blank: SeawallNode) -> None:
    """Restoring an older backup ends in a node that this version runs, with what was in it."""
    old = Old(tmp_path, blank, "0002")
    old.back_up()
    restore(old.backup, tmp_path / "again", WORDS)
    answer = here("--node", tmp_path / "again", "users", "list", "--json")
    assert {user["name"] for user in answer.document["items"]} == {"administrator", "ren", "tx"}


def test_who_may_upgrade(tmp_path: Path, blank: SeawallNode) -> None:
    """Not the approver, and not somebody unknown; a store that is newer stays as it is."""
    old = Old(tmp_path, blank, "0003")
    token = tmp_path / "token"
    token.write_text("0" * 64)
    assert old.say("upgrade", "--token", token).err.startswith("E-STORE-032")
    connection = sqlite3.connect(old.folder / "store" / "seawall.sqlite")
    digest = hashlib.sha256(("1" * 64).encode()).hexdigest()
    connection.execute("UPDATE users SET token_sha256 = ? WHERE name = 'ren'", (digest,))
    connection.commit()
    token.write_text("1" * 64)
    assert old.say("upgrade", "--token", token).err.startswith("E-FLOW-004")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    with pytest.raises(Fault, match="E-STORE-008"):
        revisions.upgrade_store(old.url)
    assert old.say("users", "list").err.startswith("E-STORE-008")


def test_an_upgrade_that_loses_rows_is_undone(
    tmp_path: Path, blank: SeawallNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Should a migration ever drop rows, the whole upgrade is rolled back, and a sentence names the tables."""
    old = Old(tmp_path, blank, "0002")
    before = _rows(old.url)
    counted = iter([{"users": 3}, {"users": 2}])
    monkeypatch.setattr(revisions, "counts", lambda _: next(counted))
    with pytest.raises(Fault, match=r"E-STORE-170.*users"):
        revisions.upgrade_store(old.url)
    assert _rows(old.url) == before
