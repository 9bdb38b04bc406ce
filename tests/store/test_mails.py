"""Mail peers, mails and contacts, on both engines."""

from __future__ import annotations

import msgspec
import pytest

from seawall.model import Fault, NotFound, Refused, UserRole
from seawall.model.contact import Contact
from seawall.model.mail import MailPeer, MailRecord, MailState
from seawall.model.peer import PeerState
from seawall.store import Store

PEER = MailPeer("kr", "cert@team.example", "A" * 40, b"key", "ko", PeerState.PENDING, 1)
OUT = MailRecord(
    "out", "out:kr:c:0:5", "kr", "<1@x>", "subject", 1, MailState.PREPARED, ticket="SW-2026-0001", circle="c"
)
COMING = MailRecord("in", "in:1", "kr", "<2@y>", "Re: subject", 2, MailState.WAITING, ticket="SW-2026-0001")


def test_a_mail_peer_is_one_of_its_name_and_address(store: Store) -> None:
    """Names of users and of other mail peers, and addresses in any case, are taken once."""
    store.mail_peers.add(PEER)
    assert store.mail_peers.by_address("CERT@team.example") == PEER
    store.users.add("mina", UserRole.ANALYST, at=1)
    for other in ({}, {"code_name": "second"}, {"code_name": "mina", "address": "a@b.example"}):
        with pytest.raises(Fault, match="E-STORE-160"):
            store.mail_peers.add(msgspec.structs.replace(PEER, **other))
    assert store.mail_peers.list() == (PEER,)
    with pytest.raises(NotFound, match="E-STORE-161"):
        store.mail_peers.get("nobody")


def test_a_severed_mail_peer_stays_severed(store: Store) -> None:
    """No later change brings it back."""
    store.mail_peers.add(PEER)
    store.mail_peers.change("kr", lambda peer: msgspec.structs.replace(peer, state=PeerState.SEVERED))
    with pytest.raises(Refused, match="E-STORE-162"):
        store.mail_peers.change("kr", lambda peer: msgspec.structs.replace(peer, state=PeerState.VERIFIED))
    with pytest.raises(NotFound, match="E-STORE-161"):
        store.mail_peers.change("nobody", lambda peer: peer)


def test_a_change_is_made_to_what_stands_there(store: Store) -> None:
    """A new key that was read while somebody suspended the peer leaves it suspended; a refused one changes nothing."""
    store.mail_peers.add(PEER)
    store.mail_peers.change("kr", lambda peer: msgspec.structs.replace(peer, state=PeerState.SUSPENDED))
    changed = store.mail_peers.change("kr", lambda peer: msgspec.structs.replace(peer, key=b"newer"))
    assert (changed.key, changed.state) == (b"newer", PeerState.SUSPENDED)
    assert store.mail_peers.get("kr") == changed

    def refuse(peer: MailPeer) -> MailPeer:
        raise Refused("E-TEST-001", "No.")

    with pytest.raises(Refused, match="E-TEST-001"):
        store.mail_peers.change("kr", refuse)
    assert store.mail_peers.get("kr") == changed


def test_a_mail_stands_on_the_books_once(store: Store) -> None:
    """An identity that is held is not added again, and what follows it still is."""
    first = store.mails.add(OUT)
    assert first is not None
    assert store.mails.add(OUT) is None
    assert store.mails.holds(OUT.identity)
    assert store.mails.add(COMING) is not None
    assert store.mails.get(first.number) == first


def test_sending_and_the_cursor_move_together(store: Store) -> None:
    """A mail is noted as sent with its cursor, once; a second time nothing moves."""
    mail = store.mails.add(OUT)
    assert mail is not None
    sent = msgspec.structs.replace(mail, state=MailState.SENT)
    store.mails.decide(mail.number, MailState.PREPARED, sent, sent_up_to="5")
    assert store.sync.cursor("kr", "c", "mail") == "5"
    with pytest.raises(Refused, match="E-STORE-164"):
        store.mails.decide(mail.number, MailState.PREPARED, sent, sent_up_to="9")
    assert store.sync.cursor("kr", "c", "mail") == "5"


def test_a_thread_holds_both_directions_and_no_quarantine(store: Store) -> None:
    """A ticket's mails with one peer in order, without those that nobody believed."""
    for record in (
        OUT,
        COMING,
        msgspec.structs.replace(COMING, identity="q", state=MailState.QUARANTINED),
        msgspec.structs.replace(COMING, identity="other", peer="jp"),
    ):
        store.mails.add(record)
    assert [mail.direction for mail in store.mails.thread("SW-2026-0001", "kr")] == ["out", "in"]
    assert store.mails.seen("kr", "<2@y>")
    assert not store.mails.seen("jp", "<1@x>")
    page = store.mails.list("in", states=(MailState.WAITING,), limit=1)
    assert (len(page.items), page.next is not None) == (1, True)
    assert store.mails.list("in", states=(MailState.WAITING,), peer="kr", after=page.next or 0).items == ()


def test_tickets_rise(store: Store) -> None:
    """No two tickets bear one number."""
    assert [store.mails.next_ticket() for _ in range(3)] == [1, 2, 3]


def test_contacts_are_replaced_whole(store: Store) -> None:
    """An entry of the same name takes the place of the old one, and a peer finds its own."""
    one = Contact(name="KrCERT", peer="kr", phone_24x7="+8221234567")
    assert store.contacts.put([one, Contact(name="TWCERT")]).new == 2
    moved = msgspec.structs.replace(one, phone_24x7="+8227654321")
    done = store.contacts.put([moved, Contact(name="TWCERT")])
    assert (done.updated, done.unchanged) == (1, 1)
    assert store.contacts.of_peer("kr") == moved
    assert store.contacts.of_peer("jp") is None
    assert [contact.name for contact in store.contacts.list()] == ["KrCERT", "TWCERT"]
    with pytest.raises(NotFound, match="E-STORE-165"):
        store.contacts.get("nobody")


def test_quarantine_is_bounded_for_each_supposed_sender(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest of strangers, and of each peer that is claimed, go first; drafts and mails of ours stay."""
    monkeypatch.setattr("seawall.store.mails.QUARANTINED", 3)
    store.mails.add(COMING)
    store.mails.add(OUT)
    for number in range(6):
        for peer in (None, "kr"):
            bad = msgspec.structs.replace(
                COMING, identity=f"q:{peer}:{number}", peer=peer, state=MailState.QUARANTINED, subject=str(number)
            )
            assert store.mails.add(bad) is not None
    held = store.mails.list("in", states=(MailState.QUARANTINED,)).items
    assert [(mail.peer, mail.subject) for mail in held] == [(peer, str(n)) for n in (3, 4, 5) for peer in (None, "kr")]
    assert store.mails.holds(COMING.identity)
    assert store.mails.holds(OUT.identity)
