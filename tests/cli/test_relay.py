"""``seawall relay`` as its operator types it."""

from __future__ import annotations

import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from journey.command_line import SeawallNode, environment, here
from seawall.exchange.relay import Pseudonym, RelayClient, read_token
from seawall.model import Refused, system_clock


def say(*arguments: str | Path) -> Any:
    """The JSON document of one command."""
    done = here("relay", *arguments, "--json")
    assert done.status == 0, done.err
    return done.document


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A relay with all roles."""
    say("init", tmp_path / "relay", "--name", "Harbour")
    return tmp_path / "relay"


@contextmanager
def serving(folder: Path, *, ended_by: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    """``relay serve`` in a process of its own; its address."""
    command = [sys.executable, "-m", "seawall", "relay", "serve", str(folder), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment())
    assert process.stderr is not None
    try:
        found = re.search(r"https?://\S+", process.stderr.readline())
        assert found is not None
        yield found.group()
    finally:
        process.send_signal(ended_by)
        assert process.wait(20) in (0, -ended_by)
        process.stderr.close()


def test_from_init_to_a_message(folder: Path) -> None:
    """A relay made, a mailbox added and served by the command line carries a message over TLS, by its printed pin."""
    pin = say("status", folder)["pin"]
    box = say("mailbox", "add", folder)
    read, write = read_token(box["read_token"]), read_token(box["write_token"])
    assert read is not None
    assert write is not None
    data = secrets.token_bytes(4_096)
    with serving(folder) as url:
        client = RelayClient(url, pin=pin)
        client.put(box["id"], write, data, expires=system_clock() + 3_600_000_000)
        assert [item.data for item in client.fetch(box["id"], read)] == [data]
        late = say("mailbox", "add", folder)  # while it serves
        token = read_token(late["read_token"])
        assert token is not None
        assert client.fetch(late["id"], token) == []
        client.close()
        wrong = RelayClient(url, pin="0" * 64)
        with pytest.raises(Refused, match="E-EXCHANGE-772"):
            wrong.fetch(box["id"], read)
        wrong.close()
    assert say("status", folder)["messages"] == 1
    assert say("mailbox", "purge", folder)["forgotten"] == 0
    assert say("mailbox", "purge", folder, box["id"])["forgotten"] == 1
    assert say("mailbox", "revoke", folder, box["id"])["forgotten"] == 0
    assert {item["state"] for item in say("mailbox", "list", folder)["items"]} == {"open", "revoked"}


def test_a_killed_relay_lost_nothing_it_answered_for(folder: Path) -> None:
    """What was put before the kill is there afterwards; what was cut off by it is not, and can be put again."""
    box, pin = say("mailbox", "add", folder), say("status", folder)["pin"]
    read, write = read_token(box["read_token"]), read_token(box["write_token"])
    assert read is not None
    assert write is not None
    kept, cut = secrets.token_bytes(65_536), secrets.token_bytes(8 * 1024 * 1024)
    expires = system_clock() + 3_600_000_000
    with serving(folder, ended_by=signal.SIGKILL) as url:
        client = RelayClient(url, pin=pin)
        first = client.put(box["id"], write, kept, expires=expires)
        lost = socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1])))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        head = (
            f"POST /v1/mailbox/{box['id']}?expires={expires // 1_000_000} HTTP/1.1\r\nHost: relay\r\n"
            f"Authorization: Bearer {box['write_token']}\r\nContent-Length: {len(cut)}\r\n\r\n"
        )
        sending = context.wrap_socket(lost)
        sending.sendall(head.encode() + cut[: len(cut) // 2])
    sending.close()
    client.close()
    with serving(folder) as url:
        client = RelayClient(url, pin=pin)
        assert client.put(box["id"], write, kept, expires=expires) == first
        assert [item.data for item in client.fetch(box["id"], read)] == [kept]
        client.put(box["id"], write, cut, expires=expires)
        assert [item.data for item in client.fetch(box["id"], read)] == [kept, cut]
        client.close()


def test_witness_and_counter(folder: Path) -> None:
    """Ledgers are registered by key and pairs made with two tokens; both can be taken back."""
    name = Pseudonym.new()
    assert say("witness", "add", folder, name.verifier_key)["origin"] == f"seawall/{name.node_id}"
    assert [item["size"] for item in say("witness", "list", folder)["items"]] == [0]
    assert say("witness", "forks", folder)["items"] == []
    say("witness", "remove", folder, f"seawall/{name.node_id}")
    made = say("counter", "add", folder)
    assert read_token(made["first_token"]) != read_token(made["second_token"])
    say("counter", "revoke", folder, made["id"])
    assert [item["state"] for item in say("counter", "list", folder)["items"]] == ["revoked"]


def test_doctor_says_whether_to_expose_it(folder: Path) -> None:
    """A new relay is safe to expose, one that others may enter is not."""
    assert say("doctor", folder)["safe_to_expose"] is True
    folder.chmod(0o755)
    done = here("relay", "doctor", folder)
    assert done.status == 2
    assert "Safe to expose: no, because Others on this machine may enter" in done.out


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("init", "{folder}", "--name", "Twice"), 2, "E-EXCHANGE-789"),
        (("init", "{folder}/x", "--name", "X", "--roles", "mailbox,reader"), 2, "E-CLI-085"),
        (("init", "{folder}/x", "--name", "X", "--message-bytes", "99999999999"), 2, "E-EXCHANGE-791"),
        (("status", "{folder}/nowhere"), 2, "E-EXCHANGE-790"),
        (("serve", "{folder}", "--plain", "--host", "0.0.0.0"), 2, "E-EXCHANGE-011"),  # noqa: S104 - refused
        (("mailbox", "add", "{folder}", "--bytes", "10"), 2, "E-CLI-086"),
        (("mailbox", "revoke", "{folder}", "xyz"), 2, "E-CLI-087"),
        (("mailbox", "revoke", "{folder}", "0" * 32), 2, "E-EXCHANGE-774"),
        (("witness", "add", "{folder}", "key"), 2, "E-LEDGER-021"),
        (("witness", "remove", "{folder}", "seawall/x"), 2, "E-EXCHANGE-774"),
        (("counter", "revoke", "{folder}", "0" * 32), 2, "E-EXCHANGE-774"),
    ],
)
def test_mistakes_are_one_sentence(folder: Path, arguments: tuple[str, ...], status: int, code: str) -> None:
    """Each with its code, and nothing is made or changed."""
    done = here("relay", *(argument.format(folder=folder) for argument in arguments))
    assert (done.status, done.err.split(":")[0]) == (status, code)
    assert done.err.count("\n") == 1
    assert not (folder / "x").exists()


def test_it_opens_no_node_and_loads_no_store(folder: Path, tmp_path: Path) -> None:
    """Neither the node's settings are read nor the rooms that hold data loaded, whatever command runs."""
    node = tmp_path / "seawall-node"
    node.mkdir()
    (node / "seawall.toml").write_text("no settings at all")
    code = (
        "import sys; from seawall.cli import run; status = run(sys.argv[1:]); "
        "print(*(name for name in sys.modules if name.split('.')[:2][-1] in "
        "('lake', 'store', 'flow', 'duckdb', 'pyarrow', 'sqlalchemy')), file=sys.stderr); sys.exit(status)"
    )
    for words in (("status",), ("doctor",), ("mailbox", "add"), ("witness", "list"), ("counter", "add")):
        done = subprocess.run(
            [sys.executable, "-c", code, "relay", *words, str(folder)],
            capture_output=True, text=True, cwd=tmp_path, env=environment(), check=True,
        )  # fmt: skip
        assert done.stderr.splitlines()[-1] == ""


def test_a_node_is_witnessed_from_the_command_line(folder: Path, tmp_path: Path) -> None:
    """Both sides exchange keys by hand; then asking, listing and the daily job work, and forgetting too."""
    node = SeawallNode(tmp_path / "node", "TW")
    told = say("status", folder)
    with serving(folder) as url:
        key = told["witness_key"]
        made = node.here("ledger", "witness", "add", "harbour", "--url", url, "--pin", told["pin"], "--key", key)
        say("witness", "add", folder, made["verifier_key"])
        assert node.here("ledger", "witness", "ask", "harbour")["size"] > 0
        assert [item["agrees"] for item in node.here("ledger", "witness", "list")["items"]] == [True]
        node.here("run", "witnesses")
        assert url in str(node.here("doctor"))
    assert [item["origin"] for item in say("witness", "list", folder)["items"]] == [made["shown_as"]]
    assert node.node_id not in str(say("witness", "list", folder))
    node.here("ledger", "witness", "remove", "harbour")
    assert node.here("ledger", "witness", "list")["items"] == []


def test_nothing_is_given_out_for_a_role_that_is_off(tmp_path: Path) -> None:
    """A relay that only witnesses adds neither mailboxes nor pairs, and says how to change that."""
    say("init", tmp_path / "relay", "--name", "Witness", "--roles", "witness")
    for role in ("mailbox", "counter"):
        done = here("relay", role, "add", tmp_path / "relay")
        assert (done.status, done.err.split(":")[0]) == (2, "E-CLI-088")
    (tmp_path / "relay" / "relay.json").write_text(
        (tmp_path / "relay" / "relay.json").read_text().replace('"witness"', '"witness", "counter"')
    )
    assert say("counter", "add", tmp_path / "relay")["id"]
