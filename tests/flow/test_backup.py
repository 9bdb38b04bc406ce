"""Backup and restore of a node with data: everything comes back, on both databases, while others write, or nothing."""

from __future__ import annotations

import fcntl
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from flow.neighbours import carry, neighbours
from journey.command_line import SeawallNode, environment, eve, here
from seawall.flow.backup import back_up
from seawall.flow.ledger_books import forks, held_of
from seawall.flow.ledger_restored import accept_restore
from seawall.flow.node import Node, store_url
from seawall.flow.notices import send_notice
from seawall.flow.restore import restore
from seawall.flow.usage import Usage
from seawall.flow.witnessing import ask_for_cosignature, describe_ledger_of
from seawall.ledger import EventKind, encode, kept
from seawall.model import Fault, Refused, UserRole
from seawall.model.notice import NoticeKind
from seawall.store import revisions
from servers import postgres

WORDS = "correct horse battery staple"
ATTACKER = "203.0.113.77"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A PostgreSQL for the tests of this module."""
    with postgres() as url:
        yield url


def _database(server: str, name: str) -> str:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return server.replace("/postgres?", f"/{name}?")


def _furnish(folder: Path, url: str | None = None) -> SeawallNode:
    """A node with telemetry, indicators, a person, a circle with standing releases, and something in quarantine."""
    node = SeawallNode(folder / "node", "TW", store_url=url)
    (folder / "eve.json").write_text(
        eve("2026-03-14T03:12:00.000001+0000", ATTACKER, "10.1.0.5", sensor="tpe-1") + "\nno record\n"
    )
    (folder / "a.csv").write_text(f"type,value\nipv4,{ATTACKER}\ndomain,evil.example\n")
    node.here("ingest", folder / "eve.json")
    node.here("intel", "import", folder / "a.csv", "--tlp", "amber", "--source", "ours")
    node.here("match")
    node.here("users", "add", "lin", "--role", "taxii")
    node.here("circles", "create", "friends", "--members", "lin", "--tlp-ceiling", "amber", "--auto", "indicator",
              "--approver-token", node.second_person())  # fmt: skip
    (folder / "words").write_text(WORDS + "\n")
    return node


def _rows(folder: Path) -> dict[str, int]:
    with Node.open(folder) as node, node.store._database.reading() as connection:
        return revisions.counts(connection)


def _told(node: SeawallNode, *command: str) -> Any:
    return node.here(*command)["items"]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def test_everything_comes_back(tmp_path: Path, kind: str, request: pytest.FixtureRequest) -> None:
    """Knowledge, people, circles, telemetry, quarantine, keys and ledger; then the restore leaf and no budget left."""
    old = new = None
    if kind == "postgresql":
        server = request.getfixturevalue("server")
        old, new = _database(server, "before"), _database(server, "after")
    node = _furnish(tmp_path, old)
    rows = _rows(node.folder)
    made = node.run("backup", "-o", tmp_path / "b", "--passphrase-file", tmp_path / "words")
    again = tmp_path / "again"
    address = () if new is None else ("--store-url", new)
    answer = here(
        "--node", again, "restore", tmp_path / "b", "--passphrase-file", tmp_path / "words", *address, "--json"
    )
    assert answer.status == 0, answer.err
    assert (answer.document["leaf"], answer.document["epoch"]) == (made["leaves"], 1)
    restored = SeawallNode.__new__(SeawallNode)
    restored.folder = again
    for command in (("users", "list"), ("circles", "list"), ("observations",), ("sightings",), ("quarantine",)):
        assert _told(restored, *command) == _told(node, *command), command
    exported = [here("--node", folder, "intel", "export", "--to", "csv").out for folder in (node.folder, again)]
    assert exported[0] == exported[1]
    after = _rows(again)
    assert {name: count for name, count in after.items() if name != "notes"} == {
        name: count for name, count in rows.items() if name != "notes"
    }
    assert after["notes"] >= rows["notes"]
    kinds = [item["kind"] for item in _told(restored, "ledger", "show")]
    assert kinds[-3:] == ["backed-up", "restored", "release"]
    assert restored.here("ledger", "verify")["valid"] is True
    with Node.open(again) as opened:
        terms = opened.store.circles.get("friends")
        assert Usage.load(opened, "friends").room(terms, opened.clock()) == 0
    (tmp_path / "more.csv").write_text("type,value\nipv4,198.51.100.9\n")
    restored.here("intel", "import", tmp_path / "more.csv", "--tlp", "amber", "--source", "ours")
    assert len(list(tmp_path.glob(".*"))) == 0


def test_a_backup_of_a_busy_node_is_of_one_moment(tmp_path: Path) -> None:
    """While others write notes and leaves, the copy's ledger knows everything that the copy's store knows."""
    node = _furnish(tmp_path)
    stop = threading.Event()

    def write() -> None:
        with Node.open(node.folder) as busy:
            number = 0
            while not stop.is_set():
                busy.event(EventKind.OVERRIDE, f"before {number}")
                busy.store.notes.set("written", str(number))
                busy.store.notes.set(f"filler {number % 50}", "x" * 20_000)
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        time.sleep(0.3)
        with Node.open(node.folder) as opened:
            back_up(opened, tmp_path / "b", WORDS)
    finally:
        stop.set()
        writer.join()
    restore(tmp_path / "b", tmp_path / "again", WORDS)
    with Node.open(tmp_path / "again") as again:
        written = int(again.store.notes.get("written") or -1)
        assert written >= 0
        head = again.ledger.head()
        assert again.ledger.search(f"before {written}", head).others != ()
        assert again.ledger.verify().erased == 0
    check = sqlite3.connect(tmp_path / "again" / "store" / "seawall.sqlite")
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()


def test_without_the_lake(tmp_path: Path) -> None:
    """Telemetry can be left out; the rest is whole, and the lake begins empty."""
    node = _furnish(tmp_path)
    node.here("backup", "-o", tmp_path / "b", "--passphrase-file", tmp_path / "words", "--without-lake")
    assert restore(tmp_path / "b", tmp_path / "again", WORDS)["lake"] is False
    answer = here("--node", tmp_path / "again", "observations", "--json")
    assert answer.document["items"] == []


def test_nothing_half_written(tmp_path: Path) -> None:
    """A wrong passphrase, a cut file, an altered one, one with something behind it: one sentence, and no trace."""
    node = _furnish(tmp_path)
    node.here("backup", "-o", tmp_path / "b", "--passphrase-file", tmp_path / "words")
    sealed = (tmp_path / "b").read_bytes()
    before = sorted(path.name for path in tmp_path.iterdir())
    for wrong in (sealed[:-1], sealed[: len(sealed) // 2], sealed + b"x", sealed[:-5] + b"aaaaa", b"", sealed[:50]):
        (tmp_path / "b").write_bytes(wrong)
        with pytest.raises(Fault, match=r"E-FLOW-38[23]"):
            restore(tmp_path / "b", tmp_path / "again", WORDS)
        assert sorted(path.name for path in tmp_path.iterdir()) == before
    (tmp_path / "b").write_bytes(sealed)
    with pytest.raises(Refused, match="E-FLOW-381"):
        restore(tmp_path / "b", tmp_path / "again", "another passphrase")
    with pytest.raises(Fault, match="E-FLOW-390"):
        restore(tmp_path / "b", node.folder, WORDS)
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_who_may_and_where_to(tmp_path: Path) -> None:
    """Administrators only; never into the node itself; one at a time."""
    node = _furnish(tmp_path)
    approver = node.folder.parent / "node-approver.token"
    words = ("--passphrase-file", tmp_path / "words")
    for arguments, code, status in (
        (("-o", tmp_path / "b", "--token", approver), "E-FLOW-004", 3),
        (("-o", node.folder / "lake" / "b"), "E-FLOW-384", 2),
        (("-o", tmp_path / "none" / "b"), "E-CLI-003", 2),
    ):
        answer = here("--node", node.folder, "backup", *words, *arguments)
        assert (answer.status, answer.err.split(":")[0]) == (status, code), answer
    with (node.folder / "store" / "backup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = here("--node", node.folder, "backup", "-o", tmp_path / "b", *words)
        assert answer.err.startswith("E-FLOW-385")
    assert not (tmp_path / "b").exists()


def _killed(command: list[str], seen: Path, more_than: int) -> None:
    """Run a command and kill it once a file has grown so far."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if sum(path.stat().st_size for path in (seen.rglob("*") if seen.is_dir() else [seen])) > more_than:
                break
        except FileNotFoundError:
            pass
        time.sleep(0.002)
    assert process.poll() is None, "it ended before it could be killed"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_killed_in_the_middle(tmp_path: Path) -> None:
    """kill -9 in a backup leaves the older one as it was; in a restore, no node; the next run goes through."""
    node = _furnish(tmp_path)
    (node.folder / "reference" / "large").write_bytes(os.urandom(1 << 20) * 64)
    words = ("--passphrase-file", str(tmp_path / "words"))
    node.here("backup", "-o", tmp_path / "b", *words)
    whole = (tmp_path / "b").read_bytes()
    _killed(node.command("backup", "-o", tmp_path / "b", *words), tmp_path / ".b.part", 8 << 20)
    assert (tmp_path / "b").read_bytes() == whole
    again = tmp_path / "again"
    arguments = [*node.command("restore", tmp_path / "b", *words)]
    arguments[arguments.index("--node") + 1] = str(again)
    _killed(arguments, tmp_path / ".again.restoring", 8 << 20)
    assert not again.exists()
    node.here("backup", "-o", tmp_path / "b", *words)
    assert restore(tmp_path / "b", again, WORDS)["leaf"]
    assert [path.name for path in tmp_path.glob(".*")] == []
    assert not (node.folder / "store" / ".backup.sqlite").exists()


def test_the_restore_drill(tmp_path: Path) -> None:
    """Taipei falls back to yesterday's backup: a fork to Seoul until two people there accept it, and not again."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        taipei, seoul = nodes["taipei"], nodes["seoul"]
        back_up(taipei, tmp_path / "b", WORDS)
        for number in range(9):
            taipei.event(EventKind.OVERRIDE, f"after the backup {number}")
        ask_for_cosignature(taipei, "seoul")
        for _ in range(2):
            carry(nodes, "taipei", "seoul")
            carry(nodes, "seoul", "taipei")
        held = held_of(seoul, f"seawall/{taipei.keys.node_id}")
        assert restore(tmp_path / "b", tmp_path / "again", WORDS)["peers_told"] == ["seoul"]
        with Node.open(tmp_path / "again", clock=taipei.clock) as again:
            nodes["taipei"] = again
            assert again.ledger.head().size < held.size
            for _ in range(2):
                assert carry(nodes, "taipei", "seoul").problems == ()
            peer = seoul.store.peers.get("taipei")
            assert describe_ledger_of(seoul, peer) == "restored"
            ask_for_cosignature(again, "seoul")
            assert "two people" in carry(nodes, "taipei", "seoul").problems[0].sentence
            with pytest.raises(Refused, match="E-FLOW-022"):
                accept_restore(seoul, "taipei")
            (tmp_path / "second").write_text(seoul.store.users.add("ren", UserRole.APPROVER, 1))
            with Node.open(seoul.folder, clock=seoul.clock, approver_token=tmp_path / "second") as two:
                done = accept_restore(two, "taipei")
                assert (done["leaves_before"], done["epoch"]) == (held.size, 1)
                with pytest.raises(Fault, match="E-FLOW-363"):
                    accept_restore(two, "taipei")
            ask_for_cosignature(again, "seoul", old=held_of(seoul, f"seawall/{again.keys.node_id}").size)
            for _ in range(2):
                assert carry(nodes, "taipei", "seoul").problems == ()
                assert carry(nodes, "seoul", "taipei").problems == ()
            assert kept(again.folder / "ledger")[0].size > 0
            assert (forks(seoul), forks(again)) == ([], [])


def test_a_forged_restore_is_none(tmp_path: Path) -> None:
    """A notice that shows another leaf, or none, asks nobody for anything."""
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        taipei, seoul = nodes["taipei"], nodes["seoul"]
        taipei.event(EventKind.OVERRIDE, "something else")
        head = taipei.ledger.head()
        leaf = msgspec.to_builtins(taipei.ledger.prove(0, head))
        note = encode(head, taipei.keys.signing_public).decode()
        whole = {"leaf": leaf, "checkpoint": note}
        for body in ({}, whole, whole | {"checkpoint": "x"}, whole | {"leaf": 5}):
            send_notice(taipei, "seoul", NoticeKind.RESTORED, body)
            assert len(carry(nodes, "taipei", "seoul").problems) == 1
        assert describe_ledger_of(seoul, seoul.store.peers.get("taipei")) == "never-seen"


def test_the_store_address_is_told_only_of_servers(tmp_path: Path) -> None:
    """A backup of a store in a file does not go into a server, and the sentence says so."""
    node = _furnish(tmp_path)
    node.here("backup", "-o", tmp_path / "b", "--passphrase-file", tmp_path / "words")
    with pytest.raises(Fault, match="E-FLOW-392"):
        restore(tmp_path / "b", tmp_path / "again", WORDS, store_address="postgresql://nobody@/none")
    assert not (tmp_path / "again").exists()
    with Node.open(node.folder) as opened:
        assert store_url(opened.folder, opened.settings).startswith("sqlite:")
