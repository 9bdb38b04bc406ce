"""The relay stands alone: it needs no node, and what it keeps tells nothing."""

from __future__ import annotations

import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from exchange.relay.mischievous import AT, MischievousRelay
from seawall.exchange.relay import RelayBounds
from seawall.exchange.relay.server import RelayFolder, RelayRole, RelayServer, describe_relay, examine_relay, make_relay
from seawall.model import Fault, NotFound, system_clock

FOREIGN = ("seawall.lake", "seawall.store", "seawall.flow", "seawall.policy", "duckdb", "pyarrow",
           "sqlalchemy", "alembic", "litestar", "numpy", "pysodium")  # fmt: skip


def test_it_loads_neither_lake_nor_store() -> None:
    """A process that serves a relay has loaded none of the rooms that hold data, and no database engine but SQLite."""
    code = "import sys, seawall.exchange.relay.server; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines())
    assert [name for name in FOREIGN if name in loaded] == []


def test_what_it_keeps_tells_nothing(tmp_path: Path) -> None:
    """Its files hold no token, no address and no moment of arrival; sealed bytes only as they were put."""
    with MischievousRelay(tmp_path) as relay:
        box, client = relay.mailbox(), relay.client()
        client.put(box.id, box.write, secrets.token_bytes(1_024), expires=system_clock() + 10**10)
        client.fetch(box.id, box.read)
        client.close()
        columns = {row[0]: row[1] for row in relay.books.db.execute("SELECT name, sql FROM sqlite_schema")}
    kept = b"".join(path.read_bytes() for path in relay.furnished.folder.rglob("*") if path.is_file())
    assert box.read not in kept
    assert box.write not in kept
    assert b"127.0.0.1" not in kept
    assert not any(word in str(columns) for word in ("address", "arrived", "created", "peer", "name TEXT"))


@pytest.mark.parametrize("on", list(RelayRole))
def test_roles_are_switched_one_by_one(tmp_path: Path, on: RelayRole) -> None:
    """With one role on, the paths of the other two are as if they did not exist."""
    make_relay(tmp_path / "relay", "One", [on], AT)
    with RelayServer(tmp_path / "relay", port=0, plain=True) as server:
        from seawall.exchange.relay import RelayClient

        client = RelayClient(server.url)
        assert client.about()["roles"] == [on]
        desks = server.app.desks
        assert [desk is not None for desk in (desks.mailboxes, desks.witness, desks.counter)] == [
            on is RelayRole.MAILBOX, on is RelayRole.WITNESS, on is RelayRole.COUNTER
        ]  # fmt: skip
        for ask in (
            lambda: client.fetch("0" * 32, bytes(32)),
            lambda: client.count("0" * 32, bytes(32), [bytes([1, *number.to_bytes(15)]) for number in range(256)]),
        ):
            with pytest.raises(NotFound, match="E-EXCHANGE-774"):
                ask()
        client.close()


def test_status_is_counts(relay: MischievousRelay) -> None:
    """Numbers, the relay's own name and keys; no id of anybody."""
    box, client = relay.mailbox(), relay.client()
    client.put(box.id, box.write, secrets.token_bytes(1_024), expires=system_clock() + 10**10)
    client.close()
    found = describe_relay(relay.furnished.folder)
    assert (found["mailboxes"], found["messages"], found["bytes"]) == (1, 1, 1_024)
    assert box.id not in str(found)


def test_doctor_finds_what_is_wrong(tmp_path: Path) -> None:
    """A sound relay passes; open folders, an ending certificate and damaged books are named."""
    folder = tmp_path / "relay"
    make_relay(folder, "Sound", list(RelayRole), AT)
    now = AT // 1_000_000
    assert all(finding.ok for finding in examine_relay(folder, now))
    folder.chmod(0o755)
    wrong = {finding.check for finding in examine_relay(folder, now + 3_600 * 86_400) if not finding.ok}
    assert wrong == {"folder", "certificate"}
    (folder / "keys" / "tls.key").chmod(0o644)
    with pytest.raises(Fault, match="E-IDENTITY-003"):
        examine_relay(folder, now)
    (folder / "keys" / "tls.key").chmod(0o600)
    for path in folder.glob("books.sqlite*"):
        path.unlink()
    (folder / "books.sqlite").write_bytes(b"not a database" * 1_000)
    with pytest.raises(Fault, match="E-EXCHANGE-793"):
        examine_relay(folder, now)


def test_folders_that_are_none(tmp_path: Path) -> None:
    """A relay is made once, under sensible quotas, and its keys are for its owner alone."""
    with pytest.raises(Fault, match="E-EXCHANGE-790"):
        RelayFolder(tmp_path)
    made = make_relay(tmp_path / "relay", "One", [RelayRole.WITNESS, RelayRole.WITNESS], AT)
    assert made.settings.roles == (RelayRole.WITNESS,)
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "relay").rglob("*")} == {0}
    with pytest.raises(Fault, match="E-EXCHANGE-789"):
        make_relay(tmp_path / "relay", "Two", [RelayRole.WITNESS], AT)
    for name, roles, bounds in (
        ("", list(RelayRole), RelayBounds()),
        ("x\n", list(RelayRole), RelayBounds()),
        ("x", [], RelayBounds()),
        ("x", list(RelayRole), RelayBounds(message_bytes=2**30, mailbox_bytes=2**31)),
        ("x", list(RelayRole), RelayBounds(mailbox_bytes=1)),
        ("x", list(RelayRole), RelayBounds(counts_per_epoch=0)),
    ):
        with pytest.raises(Fault, match="E-EXCHANGE-791"):
            make_relay(tmp_path / "other", name, roles, AT, bounds)
    assert not (tmp_path / "other").exists()
    edited = (tmp_path / "relay" / "relay.json").read_text().replace('"message_bytes": 16', '"message_bytes": 0')
    (tmp_path / "relay" / "relay.json").write_text(edited)
    with pytest.raises(Fault, match="E-EXCHANGE-790"):
        RelayFolder(tmp_path / "relay")
    (tmp_path / "relay" / "relay.json").write_text("{}")
    with pytest.raises(Fault, match="E-EXCHANGE-790"):
        RelayFolder(tmp_path / "relay")
