"""Encrypting a node: whole or resumable, nothing lost, and a node from before the vault stays readable until then."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from exchange.scenes import record_of
from flow.neighbours import neighbours
from journey.command_line import SeawallNode, environment
from seawall.flow.at_rest import NewWay, change_ways, describe, verdict
from seawall.flow.at_rest_destroying import destroy, is_destroyed, verify_tree
from seawall.flow.at_rest_sealing import encrypt
from seawall.flow.node import Node
from seawall.identity.vault import KEY_FILE
from seawall.identity.vault_open import forget
from seawall.ledger import EventKind
from seawall.model import Fault, Refused, Unavailable
from seawall.model.contact import Contact
from seawall.model.mail import MailPeer
from seawall.model.peer import PeerState

PASSPHRASE = "correct horse battery staple"
PEER = "Seoul Example CERT"
ADDRESS = "desk@cert.example"


@pytest.fixture
def at_hand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """PASSPHRASE is where every process finds it."""
    folder = tmp_path / "credentials"
    folder.mkdir()
    (folder / "seawall-passphrase").write_text(PASSPHRASE)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    yield folder


def furnished(root: Path) -> SeawallNode:
    """A node that knows a peer, a mail peer and a contact."""
    made = SeawallNode(root / "node", "TW")
    other = SeawallNode(root / "other", "KR")
    with Node.open(made.folder) as node, Node.open(other.folder) as there:
        record = record_of(there.keys, "alder", "https://peer.example:8701")
        node.store.peers.add(msgspec.structs.replace(record, name=PEER))
        node.store.mail_peers.add(
            MailPeer("cedar", ADDRESS, "AB" * 20, b"a public key", "en", PeerState.SEVERED, 1, "Park of the desk")
        )
        node.store.contacts.put([Contact(name="Park of the desk", email=ADDRESS, peer="cedar"), Contact(name="Ahn")])
        for number in range(3):
            node.event(EventKind.PEER_ADDED, "alder", number=number)
    return made


def contents(folder: Path) -> tuple[object, ...]:
    """What the node knows of its neighbours, and its ledger's root."""
    with Node.open(folder) as node:
        peer = node.store.peers.get("alder")
        found = node.store.peers.by_certificate(peer.certificate_sha256)
        return (peer, found, node.store.mail_peers.by_address(ADDRESS), node.store.contacts.list(),
                node.store.contacts.of_peer("cedar"), node.store.contacts.get("Ahn"), node.ledger.root_at(1),
                node.keys.fingerprint, node.actor.name)  # fmt: skip


def has(folder: Path, *words: str) -> bool:
    """Whether any file below ``folder`` holds one of the words."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return any(word.encode() in data for data in files for word in words)


@pytest.mark.parametrize("names_only", [False, True])
def test_everything_is_there_afterwards_and_nothing_in_plain(tmp_path: Path, at_hand: Path, names_only: bool) -> None:
    """A node from before the vault is encrypted in place, with SQLCipher or with the columns of names alone."""
    folder = furnished(tmp_path).folder
    before = contents(folder)
    assert has(folder, PEER)
    with Node.open(folder) as node:
        done = encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=names_only)
    assert done["store"] == ("names sealed" if names_only else "sealed")
    assert done["names"] == 4
    assert contents(folder) == before
    assert not has(folder, PEER, ADDRESS, "peer.example", "PRIVATE KEY", "Park of the desk")
    assert describe(folder)["store"] == done["store"]
    with Node.open(folder) as node, pytest.raises(Fault, match="E-FLOW-706"):
        encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=names_only)
    with Node.open(folder) as node:  # what is added later is sealed too
        node.store.contacts.put([Contact(name="Zheng of the desk", email="zheng@cert.example")])
        assert node.store.contacts.get("Zheng of the desk").email == "zheng@cert.example"
    assert not has(folder, "Zheng of the desk")


def test_names_only_can_become_whole_later(tmp_path: Path, at_hand: Path) -> None:
    """The second run seals the store's file; ways and keys stay."""
    folder = furnished(tmp_path).folder
    before = contents(folder)
    for names_only in (True, False):
        with Node.open(folder) as node:
            encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=names_only)
    assert describe(folder)["store"] == "sealed"
    assert contents(folder) == before


SCRIPT = """
import os, sys
from pathlib import Path
from seawall.flow.at_rest import NewWay
from seawall.flow.at_rest_sealing import encrypt
from seawall.flow.node import Node
left = int(sys.argv[2])
real = os.fsync
def dying(descriptor):
    global left
    real(descriptor)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
with Node.open(Path(sys.argv[1])) as node:
    node.keys, node.store, node.ledger
    os.fsync = dying
    encrypt(node, NewWay(passphrase=sys.argv[3]), names_only=False)
"""


@pytest.mark.parametrize("syncs", [2, 4, 7, 11, 14, 17, 20])
def test_a_killed_encryption_leaves_a_node_that_works_and_is_ended_by_the_next(
    tmp_path: Path, at_hand: Path, syncs: int
) -> None:
    """Killed after any number of flushes: nothing lost, everything readable, and the next run ends it."""
    folder = furnished(tmp_path).folder
    before = contents(folder)
    words = [sys.executable, "-c", SCRIPT, str(folder), str(syncs), PASSPHRASE]
    killed = subprocess.run(words, capture_output=True, timeout=60, env=environment(), check=False)
    assert killed.returncode == -9, killed.stderr
    forget(folder / "keys")
    assert contents(folder) == before
    with Node.open(folder) as node:
        node.ledger.verify()
        encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=False)
    assert contents(folder) == before
    assert not has(folder, PEER, ADDRESS, "PRIVATE KEY")
    said = describe(folder)
    assert (said["state"], said["secrets_plain"], said["leaves_plain"], said["store"]) == ("on", 0, 0, "sealed")


def test_a_node_in_use_is_not_encrypted(tmp_path: Path, at_hand: Path) -> None:
    """Another process would go on writing in plain."""
    folder = furnished(tmp_path).folder
    with Node.open(folder) as busy:
        _ = busy.store
        with Node.open(folder) as node, pytest.raises(Unavailable, match="E-FLOW-701"):
            encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=False)
    assert describe(folder)["state"] == "none"
    assert "Nothing is encrypted" in verdict(describe(folder))
    assert kinds(folder, EventKind.VAULT_ENCRYPTED) == 0


def kinds(folder: Path, kind: EventKind) -> int:
    """How many leaves of this kind are on the node's ledger."""
    with Node.open(folder) as node:
        events = [node.ledger.entry(number).event for number in range(node.ledger.size)]
        return sum(1 for event in events if event and event["kind"] == kind.value)


def test_a_key_file_is_called_no_protection_until_a_passphrase_takes_its_place(tmp_path: Path, at_hand: Path) -> None:
    """The key file goes when another way is added; nothing is sealed anew."""
    folder = furnished(tmp_path).folder
    with Node.open(folder) as node:
        encrypt(node, NewWay(file=True), names_only=False)
    assert "no protection" in verdict(describe(folder))
    store = (folder / "keys" / "signing.key").read_bytes()
    with Node.open(folder) as node:
        assert change_ways(node, NewWay(passphrase=PASSPHRASE), alone=False)["ways"] == ["passphrase"]
    assert not (folder / "keys" / KEY_FILE).exists()
    assert (folder / "keys" / "signing.key").read_bytes() == store
    forget(folder / "keys")
    assert contents(folder)[0] is not None


def test_destruction_takes_two_people_and_leaves_the_tree(tmp_path: Path, at_hand: Path) -> None:
    """One person is refused; after two the tree verifies by public keys and nothing opens."""
    made = furnished(tmp_path)
    second = made.second_person()
    with Node.open(made.folder) as node:
        encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=False)
    with Node.open(made.folder) as node, pytest.raises(Refused, match="E-FLOW-022"):
        destroy(node, "order 7")
    with Node.open(made.folder, approver_token=second) as node:
        done = destroy(node, "order 7")
    assert done["approved_by"] == ["administrator", "approver"]
    with Node.open(made.folder) as node, pytest.raises(Refused, match="E-IDENTITY-122"):
        _ = node.keys
    report = verify_tree(made.folder)
    assert (report["size"], report["root"]) == (done["leaves"], done["root"])
    assert report["sealed"] == report["size"]
    assert "destroyed" in verdict(describe(made.folder))


def test_a_node_in_use_is_not_destroyed_and_its_ledger_does_not_say_so(tmp_path: Path, at_hand: Path) -> None:
    """Others are kept away before the leaf is written, and they go on meanwhile and afterwards."""
    made = furnished(tmp_path)
    second = made.second_person()
    with Node.open(made.folder) as node:
        encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=True)
    with Node.open(made.folder) as busy:
        _ = busy.store
        with Node.open(made.folder, approver_token=second) as node:
            with pytest.raises(Unavailable, match="E-FLOW-701"):
                destroy(node, "order 7")
            assert node.store.peers.get("alder").name == PEER
        assert busy.store.peers.get("alder").name == PEER
    assert kinds(made.folder, EventKind.VAULT_DESTROYED) == 0
    with Node.open(made.folder, approver_token=second) as node:
        destroy(node, "order 7")


DESTRUCTION = """
import os, sys
from pathlib import Path
from seawall.flow.at_rest_destroying import destroy
from seawall.flow.node import Node
left = int(sys.argv[2])
real = os.fsync
def dying(descriptor):
    global left
    real(descriptor)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
with Node.open(Path(sys.argv[1]), approver_token=Path(sys.argv[3])) as node:
    node.keys, node.store, node.ledger
    os.fsync = dying
    destroy(node, "order 7")
"""


@pytest.mark.parametrize("syncs", [1, 2, 3])
def test_a_killed_destruction_is_ended_by_the_next(tmp_path: Path, at_hand: Path, syncs: int) -> None:
    """Killed after any flush: the vault opens still, or nothing does; afterwards nothing does and the tree holds."""
    made = furnished(tmp_path)
    second = made.second_person()
    with Node.open(made.folder) as node:
        encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=True)
    words = [sys.executable, "-c", DESTRUCTION, str(made.folder), str(syncs), str(second)]
    killed = subprocess.run(words, capture_output=True, timeout=60, env=environment(), check=False)
    assert killed.returncode == -9, killed.stderr
    forget(made.folder / "keys")
    if not is_destroyed(made.folder):
        with Node.open(made.folder, approver_token=second) as node:
            node.ledger.verify()
            assert node.store.peers.get("alder").name == PEER
            destroy(node, "order 7")
    with Node.open(made.folder) as node, pytest.raises(Refused, match="E-IDENTITY-122"):
        _ = node.keys
    assert verify_tree(made.folder)["valid"]
    assert not list((made.folder / "keys").glob(".vault.json.plain"))


def test_neighbours_know_each_other_when_one_of_them_is_encrypted(tmp_path: Path, at_hand: Path) -> None:
    """Two nodes in one process, one with a vault: the pin of a certificate finds the peer on both."""
    with neighbours(tmp_path, "taipei", "seoul"):
        pass
    with Node.open(tmp_path / "taipei") as node:
        encrypt(node, NewWay(passphrase=PASSPHRASE), names_only=True)
    with Node.open(tmp_path / "taipei") as taipei, Node.open(tmp_path / "seoul") as seoul:
        found = taipei.store.peers.by_certificate(seoul.keys.certificate_sha256)
        assert found is not None
        assert found.code_name == "seoul"
        assert seoul.store.peers.by_certificate(taipei.keys.certificate_sha256) is not None
