"""Encrypted stores of earlier schemas come up as plain ones do, and nothing of them is in plain on the way."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from flow.test_upgrade import RELEASED, REVISIONS, WORDS, Old
from journey.command_line import SeawallNode, here
from seawall.flow.at_rest import NewWay, describe
from seawall.flow.at_rest_sealing import encrypt
from seawall.flow.node import Node, open_vault, store_url
from seawall.flow.restore import restore
from seawall.identity.vault import Vault
from seawall.identity.vault_open import forget
from seawall.settings import load_settings
from seawall.store import Store, revisions
from seawall.store.cipher import is_plain, seal_file
from seawall.store.database import Database
from seawall.store.peers import Peers
from seawall.store.schema import HEAD

PASSPHRASE = "correct horse battery staple"
PEER = "Seoul Example CERT"
SINCE_THE_VAULT = [revision for revision in REVISIONS if revision >= "0012"]


@pytest.fixture
def at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """PASSPHRASE is where every process finds it."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "seawall-passphrase").write_text(PASSPHRASE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    yield


@pytest.fixture
def vaulted(tmp_path: Path, at_hand: None, request: pytest.FixtureRequest) -> SeawallNode:
    """A node with a vault; its store is put aside by ``sealed_old``."""
    made = SeawallNode(tmp_path / "blank", "TW")
    with Node.open(made.folder) as node:
        encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=request.param)
    return made


def sealed_old(place: Path, vaulted: SeawallNode, revision: str) -> Old:
    """The store of an earlier schema as the vault of that time left it: names sealed, and the file too."""
    place.mkdir()
    old = Old(place, vaulted, revision)
    vault = open_vault(old.folder)
    assert vault is not None
    database = Database(old.url, vault.box("names"))
    peers = Peers(database)
    (peer,) = peers.list()
    peers.replace(msgspec.structs.replace(peer, name=PEER))
    database.scrub(("peers",))
    database.close()
    file = old.folder / "store" / "seawall.sqlite"
    if not vault.names_only:
        seal_file(file, vault.key("store").hex(), timeout=10)
    assert is_plain(file) is vault.names_only
    old.url = store_url(old.folder, load_settings(old.folder))
    return old


def names_of(folder: Path) -> Vault:
    """The node's vault."""
    vault = open_vault(folder)
    assert vault is not None
    return vault


def peers_of(folder: Path) -> list[str]:
    """Who the peers are."""
    with Node.open(folder) as node:
        return [peer.name for peer in node.store.peers.list()]


def in_plain(folder: Path, *words: str) -> bool:
    """Whether any file below ``folder`` holds one of the words."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return any(word.encode() in data for data in files for word in words)


@pytest.mark.parametrize("vaulted", [False, True], indirect=True, ids=["whole", "names"])
@pytest.mark.parametrize("revision", [SINCE_THE_VAULT[0], SINCE_THE_VAULT[-1]])
def test_an_encrypted_store_of_an_earlier_schema_comes_up_whole(
    tmp_path: Path, vaulted: SeawallNode, revision: str
) -> None:
    """It is said to be old, backed up, upgraded and read; who the peer is stays sealed throughout."""
    old = sealed_old(tmp_path / "old", vaulted, revision)
    assert old.say("users", "list").err.startswith("E-STORE-009")
    checked = old.say("upgrade", "--check").document
    assert (checked["needed"], checked["schema"]) == (True, revision)
    assert old.say("upgrade").status == 3
    old.back_up()
    assert old.say("upgrade", "--check").document["ready"] is True
    assert not in_plain(old.folder, PEER)
    done = old.say("upgrade").document
    assert (done["upgraded"], done["schema"]) == (True, HEAD)
    assert [peer["state"] for peer in old.say("peers", "list").document["items"]] == ["verified"]
    assert peers_of(old.folder) == [PEER]
    assert {user["name"] for user in old.say("users", "list").document["items"]} == {"administrator", "ren", "tx"}
    with Store.open(old.url, names_of(old.folder).box("names")) as store:
        assert set(store.objects.latest([RELEASED])) == {RELEASED}
        assert store.is_sealed is not names_of(old.folder).names_only
    assert not in_plain(old.folder, PEER)
    whole = not names_of(old.folder).names_only
    assert in_plain(old.folder / "store", RELEASED) is not whole
    assert describe(old.folder)["store"] == ("sealed" if whole else "names sealed")
    assert old.say("upgrade").document["upgraded"] is False


@pytest.mark.parametrize("vaulted", [False, True], indirect=True, ids=["whole", "names"])
def test_a_backup_of_an_encrypted_older_store_comes_back_upgraded(tmp_path: Path, vaulted: SeawallNode) -> None:
    """Restored elsewhere, with the vault's passphrase: upgraded, encrypted as before, and whole."""
    old = sealed_old(tmp_path / "old", vaulted, SINCE_THE_VAULT[-1])
    old.back_up()
    again = tmp_path / "again"
    restore(old.backup, again, WORDS)
    forget(again / "keys")
    assert here("--node", again, "peers", "list", "--json").status == 0
    assert peers_of(again) == [PEER]
    assert not in_plain(again, PEER)
    assert is_plain(again / "store" / "seawall.sqlite") is names_of(again).names_only


@pytest.mark.parametrize("vaulted", [False], indirect=True)
def test_an_upgrade_that_dies_leaves_the_encrypted_store_as_it_was(
    tmp_path: Path, vaulted: SeawallNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it or nothing, and the next run goes through."""
    revision = SINCE_THE_VAULT[0]
    old = sealed_old(tmp_path / "old", vaulted, revision)

    def die(step: revisions.Step) -> None:
        if step.revision == HEAD:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        revisions.upgrade_store(old.url, die)
    assert revisions.revision_of(old.url) == revision
    old.back_up()
    assert old.say("upgrade").document["upgraded"] is True
    with (
        closing(sqlite3.connect(old.folder / "store" / "seawall.sqlite")) as plain,
        pytest.raises(sqlite3.DatabaseError),
    ):
        plain.execute("SELECT * FROM peers")
