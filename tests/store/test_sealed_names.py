"""Who peers are, sealed in their columns: on both engines, rows from before the vault too."""

from __future__ import annotations

import msgspec
import pytest
import sqlalchemy as sa

from seawall.identity.sealing import Box
from seawall.model import Fault
from seawall.model.contact import Contact
from seawall.model.mail import MailPeer
from seawall.model.peer import PeerRecord, PeerState
from seawall.store import Store
from seawall.store.database import Database

BOX = Box(b"k" * 32)
PIN = "ab" * 32
PEER = PeerRecord("alder", "node-1", "Example CERT", "https://peer.example:8701", PIN, "key", "1 2 3",
                  PeerState.VERIFIED, b'{"name":"Example CERT"}')  # fmt: skip
MAIL = MailPeer("cedar", "desk@cert.example", "AB" * 20, b"a key", "ko", PeerState.VERIFIED, 1, "Park")
CONTACTS = (Contact(name="Ahn", phone="+886223456789"), Contact(name="Park", email="park@cert.example", peer="cedar"))
SECRETS = ("Example CERT", "peer.example", PIN, "desk@cert.example", "Park", "+886223456789", "AB" * 20)


def rows(url: str) -> str:
    """Everything that stands in the three tables, as whoever dumps the database reads it."""
    database = Database(url)
    try:
        with database.reading() as connection:
            tables = ("peers", "mail_peers", "contacts")
            return repr([[*map(tuple, connection.execute(sa.text(f"SELECT * FROM {name}")))] for name in tables])
    finally:
        database.close()


def fill(store: Store) -> None:
    """One peer, one mail peer, two contacts."""
    store.peers.add(PEER)
    store.mail_peers.add(MAIL)
    store.contacts.put(CONTACTS)


def check(store: Store) -> None:
    """All look-ups find what was put in."""
    assert store.peers.get("alder") == PEER
    assert store.peers.by_certificate(PIN.upper()) == PEER
    assert store.peers.by_certificate("cd" * 32) is None
    assert store.mail_peers.by_address("Desk@CERT.example") == MAIL
    assert store.contacts.list() == CONTACTS
    assert store.contacts.of_peer("cedar") == CONTACTS[1]
    assert store.contacts.get("Ahn") == CONTACTS[0]


def test_sealed_rows_are_found_and_say_nothing(made_url: str) -> None:
    """Every look-up works through keyed hashes; a dump of the tables shows code names and nothing else of peers."""
    with Store.open(made_url, BOX) as store:
        fill(store)
        check(store)
        assert store.peers.set_state("alder", PeerState.SUSPENDED).state is PeerState.SUSPENDED
        suspended = store.mail_peers.change(
            "cedar", lambda held: msgspec.structs.replace(held, state=PeerState.SUSPENDED)
        )
        assert store.mail_peers.get("cedar") == suspended
    dump = rows(made_url)
    assert "alder" in dump
    assert not [secret for secret in SECRETS if secret in dump]


def test_rows_from_before_the_vault_are_read_and_then_sealed(made_url: str) -> None:
    """Both forms are read side by side; ``seal_names`` leaves one, and may run again."""
    with Store.open(made_url) as store:
        fill(store)
    assert "Example CERT" in rows(made_url)
    with Store.open(made_url, BOX) as store:
        check(store)
        assert store.contacts.put([CONTACTS[0]]).unchanged == 1
        for _ in range(2):
            assert store.seal_names() == 4
            check(store)
    assert not [secret for secret in SECRETS if secret in rows(made_url)]


def test_without_the_vault_sealed_names_are_one_sentence(made_url: str) -> None:
    """Another key opens nothing either."""
    with Store.open(made_url, BOX) as store:
        fill(store)
    with Store.open(made_url) as store, pytest.raises(Fault, match="E-STORE-232"):
        store.peers.list()
    with Store.open(made_url, Box(b"j" * 32)) as store, pytest.raises(Fault, match="E-IDENTITY-123"):
        store.contacts.list()
