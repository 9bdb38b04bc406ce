"""What somebody finds who carries a node's folder away: searched byte by byte, after a whole exchange, vault closed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from journey.command_line import SeawallNode, environment, free_port
from seawall.identity.vault_open import forget

PASSPHRASE = "correct horse battery staple"
ATTACKER, DOMAIN = "203.0.113.177", "drop-zone-7.example"
CONTACT = "Kim Example-Person"

pytestmark = pytest.mark.xdist_group("seized-node")


class Exchanged(NamedTuple):
    """Taipei, which is encrypted, after it exchanged with Seoul; and all that must not be found in its folder."""

    taipei: SeawallNode
    seoul: SeawallNode
    secrets: tuple[str, ...]
    approver: Path
    stick: Path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exchanged]:
    """Both pinned to each other; Taipei was encrypted after it knew Seoul, before they exchanged."""
    root = tmp_path_factory.mktemp("seized")
    given = root / "credentials"
    given.mkdir()
    (given / "seawall-passphrase").write_text(PASSPHRASE + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDENTIALS_DIRECTORY", str(given))
        yield _exchanged(root)


def _exchanged(root: Path) -> Exchanged:
    taipei, seoul = SeawallNode(root / "taipei", "TW"), SeawallNode(root / "seoul", "KR")
    ports = {taipei: (free_port(), free_port()), seoul: (free_port(), free_port())}
    approvers = {taipei: taipei.second_person(), seoul: seoul.second_person()}
    for here, there, name in ((taipei, seoul, "alder"), (seoul, taipei, "birch")):
        card = root / f"{name}.card"
        card.write_bytes(there.raw("peers", "card").stdout)
        here.here("peers", "add", card, "--url", f"https://127.0.0.1:{ports[there][1]}", "--code-name", name)
        second = approvers[here]
        here.here("peers", "verify", name, "--fingerprint", there.fingerprint, "--approver-token", second)
        here.here("circles", "create", "shore", "--members", name, "--tlp-ceiling", "amber", "--auto", "indicator",
                  "--approver-token", second)  # fmt: skip
    (root / "contacts.csv").write_text(f"name,email\n{CONTACT},kim@cert.example\n")
    taipei.here("contacts", "import", root / "contacts.csv")
    taipei.here("vault", "encrypt")
    (root / "a.csv").write_text(f"type,value\nipv4,{ATTACKER}\ndomain,{DOMAIN}\n")
    stick = root / "stick"
    stick.mkdir()
    with taipei.serving(*ports[taipei]), seoul.serving(*ports[seoul]):
        taipei.here("intel", "import", root / "a.csv", "--tlp", "amber", "--source", "ours")
        assert taipei.here("sync", "alder")["sent"] == 2
        seoul.here("sync", "birch")
    taipei.here("export-drop", "alder", "-o", stick)
    secrets = ("KR test node", seoul.node_id, seoul.node_id[:8], f"127.0.0.1:{ports[seoul][1]}", ATTACKER, DOMAIN,
               CONTACT, "kim@cert.example", seoul.fingerprint, "alder", taipei.token)  # fmt: skip
    return Exchanged(taipei, seoul, secrets, approvers[taipei], stick)


def command(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[bytes]:
    """Run one command on a node's folder, in a process of its own."""
    words = [sys.executable, "-m", "seawall", "--node", str(folder), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, timeout=120, env=environment(), check=False)


def found(folder: Path, secrets: tuple[str, ...]) -> list[tuple[str, str]]:
    """(file, secret) for each secret in a file's name or bytes, in UTF-8 or UTF-16."""
    hits = []
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            for secret in secrets:
                spellings = (secret.encode(), secret.encode("utf-16-le"), secret.replace("-", "").encode())
                if secret in path.name or any(spelling in data for spelling in spellings):
                    hits.append((str(path.relative_to(folder)), secret))
    return hits


def test_a_seized_folder_names_nobody_and_shows_nothing(scene: Exchanged) -> None:
    """No peer's name, node id, address or code name, no contact, no released value: in no file, page, log or name."""
    assert scene.seoul.here("intel", "export", "--to", "csv", "-o", scene.stick.parent / "held.csv")
    assert ATTACKER in (scene.stick.parent / "held.csv").read_text()
    assert found(scene.taipei.folder, scene.secrets) == []
    assert found(scene.seoul.folder, (ATTACKER, scene.taipei.node_id)) != []  # the search finds what is there


def test_the_node_works_as_before_with_its_passphrase(scene: Exchanged) -> None:
    """Peers, contacts, ledger and status are there; so are they in a process of their own."""
    (peer,) = scene.taipei.here("peers", "list")["items"]
    assert (peer["code_name"], peer["node_id"]) == ("alder", scene.seoul.node_id)
    assert scene.taipei.run("ledger", "verify")["sealed"] == 0
    said = scene.taipei.here("vault", "status")
    assert (said["state"], said["ways"], said["store"]) == ("on", ["passphrase"], "sealed")
    assert (said["secrets_plain"], said["leaves_plain"]) == (0, 0)
    token = scene.taipei.here("vault", "open", scene.taipei.folder / "administrator.token")
    assert token["contents"].strip() == scene.taipei.token


def test_names_of_drops_tell_nobody(scene: Exchanged) -> None:
    """A file that is carried bears no letter of a node's id or name."""
    names = [path.name for path in scene.stick.iterdir()]
    assert names
    for name in names:
        assert scene.taipei.node_id[:8] not in name
        assert scene.seoul.node_id[:8] not in name
    assert scene.seoul.here("import-drop", scene.stick)["items"]


def test_every_command_says_what_to_do_when_the_vault_is_closed(
    scene: Exchanged, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Closed, or with a wrong passphrase, each is one sentence; status needs neither."""
    folder = shutil.copytree(scene.taipei.folder, tmp_path / "seized")
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    forget(folder / "keys")
    for words in (("peers", "list"), ("ledger", "show"), ("match",), ("sync", "alder"), ("run", "retention")):
        done = command(folder, *words)
        assert done.returncode != 0
        assert b"E-IDENTITY-120" in done.stderr + done.stdout
        assert b"Traceback" not in done.stderr
    assert b"E-IDENTITY-120" in command(folder, "doctor").stdout
    assert b"E-IDENTITY-120" in command(folder, "serve", "--port", str(free_port())).stderr
    assert command(folder, "vault", "status").returncode == 0
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "seawall-passphrase").write_text("not the passphrase")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(wrong))
    assert command(folder, "peers", "list").stderr.count(b"\n") == 1
    assert b"E-IDENTITY-121" in command(folder, "peers", "list").stderr


def test_a_backup_of_it_comes_back_with_both_passphrases(scene: Exchanged, tmp_path: Path) -> None:
    """The backup is sealed by its own passphrase, and the node in it by the vault's: nothing in plain between."""
    other = tmp_path / "other.txt"
    other.write_text("another passphrase for the backup\n")
    scene.taipei.here("backup", "--out", tmp_path / "taipei.bak", "--passphrase-file", other)
    assert found(tmp_path, scene.secrets) == []
    assert found(scene.taipei.folder, scene.secrets) == []
    assert scene.taipei.here("upgrade", "--check")["backup_is_fresh"]
    again = tmp_path / "again"
    done = command(again, "restore", tmp_path / "taipei.bak", "--passphrase-file", other)
    assert done.returncode == 0, done.stderr
    assert scene.seoul.node_id.encode() in command(again, "peers", "list", "--json").stdout
    assert found(again, scene.secrets) == []


def test_two_people_end_it_and_the_tree_stays(
    scene: Exchanged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the keys are destroyed the tree verifies with its signatures, and even the passphrase opens nothing."""
    folder = shutil.copytree(scene.taipei.folder, tmp_path / "ended")
    assert b"E-FLOW-022" in command(folder, "vault", "destroy").stderr
    done = command(folder, "vault", "destroy", "--approver-token", scene.approver, "--reason", "order 7")
    assert done.returncode == 0, done.stderr
    assert b"E-IDENTITY-122" in command(folder, "peers", "list").stderr
    verified = command(folder, "ledger", "verify", "--json")
    assert verified.returncode == 0, verified.stderr
    assert b'"valid":true' in verified.stdout.replace(b" ", b"")
    assert b"destroyed" in command(folder, "vault", "status").stdout
    assert found(folder, scene.secrets) == []
