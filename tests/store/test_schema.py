from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import seawall.store
from seawall.model import Fault, Unavailable
from seawall.store import Store, sqlite_url
from seawall.store.database import Database
from seawall.store.schema import HEAD, MIGRATIONS
from seawall.store.tables import metadata


def test_migrated_schema_is_the_one_the_code_sees(store_url: str) -> None:
    """The migrations build exactly the tables that the queries are written against."""
    for module in Path(seawall.store.__file__).parent.glob("*_tables.py"):
        import_module(f"seawall.store.{module.stem}")
    Store.open(store_url).close()
    database = Database(store_url)
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    database.close()


def test_head_is_the_newest_revision() -> None:
    """The revision that lets a start skip Alembic is the newest in the folder."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_again_keeps_everything(store_url: str) -> None:
    """A second opening finds what the first one wrote."""
    with Store.open(store_url) as store:
        store.notes.set("k", "v")
    with Store.open(store_url) as store:
        assert store.notes.get("k") == "v"


def test_newer_schema_is_refused(store_url: str) -> None:
    """A store that a newer version wrote is refused with a sentence, and left as it is."""
    Store.open(store_url).close()
    database = Database(store_url)
    with database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Fault, match=r"E-STORE-008.*9999.*upgrade Seawall"):
        Store.open(store_url)
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() == "9999"
    database.close()


def test_many_processes_may_open_a_new_store_at_once(store_url: str) -> None:
    """Four processes that find no tables migrate once and all go on."""
    code = "import sys; from seawall.store import Store; Store.open(sys.argv[1]).notes.set(sys.argv[2], 'here')"
    running = [subprocess.Popen([sys.executable, "-c", code, store_url, str(number)]) for number in range(4)]
    assert [process.wait(60) for process in running] == [0] * 4
    with Store.open(store_url) as store:
        assert [store.notes.get(str(number)) for number in range(4)] == ["here"] * 4


@pytest.mark.parametrize("url", ["", "mysql://a/b", "no address", "sqlite+aiosqlite:///x"])
def test_unknown_address(url: str) -> None:
    """An address that is neither SQLite nor PostgreSQL gets one sentence."""
    with pytest.raises(Fault, match="E-STORE-001"):
        Store.open(url)


def test_file_is_private(tmp_path: Path) -> None:
    """The file, and the log beside it, are readable by their owner only."""
    with Store.open(sqlite_url(tmp_path / "store")) as store:
        store.notes.set("k", "v")
        for path in (tmp_path / "store").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name


def test_not_a_database(tmp_path: Path) -> None:
    """A file that is no database gets one sentence and is not touched."""
    path = tmp_path / "seawall.db"
    path.write_bytes(b"these are holiday notes, not a database " * 200)
    with pytest.raises(Fault, match=r"E-STORE-005.*restore it"):
        Store.open(sqlite_url(tmp_path))
    assert path.read_bytes().startswith(b"these are holiday notes")


def test_damaged_pages(tmp_path: Path) -> None:
    """Pages overwritten with rubbish are reported as damage when they are read."""
    url = sqlite_url(tmp_path)
    with Store.open(url) as store:
        for number in range(300):
            store.notes.set(f"key {number}", "x" * 500)
    path = tmp_path / "seawall.db"
    raw = bytearray(path.read_bytes())
    raw[4096 * 2 :] = b"\xa5" * (len(raw) - 4096 * 2)
    path.write_bytes(raw)
    with pytest.raises(Fault, match="E-STORE-005"), Store.open(url) as store:
        store.notes.get("key 7")


def test_full_disk(tmp_path: Path) -> None:
    """A full disk gets one sentence; what was there before stays readable."""
    url = sqlite_url(tmp_path)
    with Store.open(url) as store:
        store.notes.set("before", "kept")
        with store._database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 60")
        with pytest.raises(Unavailable, match=r"E-STORE-004.*full"):
            store.notes.set("big", "x" * 10_000_000)
        assert store.notes.get("before") == "kept"
        assert store.notes.get("big") is None


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A path through a file gets one sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Fault, match="E-STORE-006"):
        Store.open(sqlite_url(tmp_path / "file"))


def test_server_that_is_not_there(tmp_path: Path) -> None:
    """A PostgreSQL that does not answer gets one sentence without the password."""
    with pytest.raises(Unavailable, match="E-STORE-006") as caught:
        Store.open(f"postgresql+psycopg://seawall:secret-word@/seawall?host={tmp_path}")
    assert "secret-word" not in str(caught.value)


def test_busy_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write lock that another process never gives back ends in one sentence, not in a hang."""
    monkeypatch.setattr("seawall.store.database.BUSY_TIMEOUT_SECONDS", 0.2)
    url = sqlite_url(tmp_path)
    with Store.open(url) as store:
        other = sqlite3.connect(tmp_path / "seawall.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match=r"E-STORE-003.*busy"):
            store.notes.set("k", "v")
        other.execute("ROLLBACK")
        other.close()
        store.notes.set("k", "v")
