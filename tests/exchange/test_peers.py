"""Peers: adding a card, comparing fingerprints, and the states in between."""

from __future__ import annotations

import pytest

from exchange.scenes import ApprovalsInMemory, Nodes, PeerBookInMemory
from seawall.exchange import add_peer, require_verified, sever_peer, suspend_peer, verify_peer
from seawall.exchange.peers import checked_url
from seawall.model import Actor, Fault, Refused, UserRole
from seawall.model.peer import PeerRecord, PeerState

ANN = Actor("ann", UserRole.ADMIN)
BEN = Actor("ben", UserRole.APPROVER)
READER = Actor("rita", UserRole.READER)


def added(nodes: Nodes, book: PeerBookInMemory) -> PeerRecord:
    """Seoul, freshly added at Taipei."""
    return add_peer(
        nodes.seoul.card(),
        url="https://seoul.example:8701/",
        code_name="lantern",
        book=book,
        own_node_id=nodes.taipei.node_id,
    )


def verify(book: PeerBookInMemory, fingerprint: str, approvals: ApprovalsInMemory, asking: Actor = ANN) -> PeerRecord:
    """Two people stand for what they heard."""
    return verify_peer(
        "lantern", fingerprint, asking=asking, approving=BEN, book=book, approvals=approvals, clock=lambda: 7
    )


def test_added_peer_is_pending_and_not_called(nodes: Nodes) -> None:
    """A card alone gives a pending peer with the card's facts; nothing is exchanged with it."""
    record = added(nodes, PeerBookInMemory())
    assert (record.state, record.url) == (PeerState.PENDING, "https://seoul.example:8701")
    assert (record.node_id, record.fingerprint) == (nodes.seoul.node_id, nodes.seoul.fingerprint)
    assert record.certificate_sha256 == nodes.seoul.certificate_sha256
    with pytest.raises(Refused) as caught:
        require_verified(record)
    assert caught.value.code == "E-EXCHANGE-023"


def test_two_people_and_the_right_fingerprint_verify(nodes: Nodes) -> None:
    """The fingerprint as heard, in any spacing, and two names make a verified peer; the names are on record."""
    book, approvals = PeerBookInMemory(), ApprovalsInMemory()
    added(nodes, book)
    spoken = nodes.seoul.fingerprint.replace(" ", "-")
    assert require_verified(verify(book, spoken, approvals)).state is PeerState.VERIFIED
    assert approvals.given[0].people == ("ann", "ben")


def test_wrong_fingerprint_changes_nothing(nodes: Nodes) -> None:
    """Another fingerprint is refused before anybody approves anything."""
    book, approvals = PeerBookInMemory(), ApprovalsInMemory()
    added(nodes, book)
    for spoken in (nodes.stranger.fingerprint, "", nodes.seoul.fingerprint[:-1]):
        with pytest.raises(Refused):
            verify(book, spoken, approvals)
    assert book.get("lantern").state is PeerState.PENDING
    assert approvals.given == []


def test_readers_do_not_verify(nodes: Nodes) -> None:
    """A role that only reads may not stand for a peer."""
    book = PeerBookInMemory()
    added(nodes, book)
    with pytest.raises(Refused) as caught:
        verify(book, nodes.seoul.fingerprint, ApprovalsInMemory(), asking=READER)
    assert caught.value.code == "E-EXCHANGE-022"


def test_one_person_stops_two_people_resume(nodes: Nodes) -> None:
    """Suspending takes one person; being verified again takes two; severing is a state of its own."""
    book = PeerBookInMemory()
    added(nodes, book)
    verify(book, nodes.seoul.fingerprint, ApprovalsInMemory())
    assert suspend_peer("lantern", book=book).state is PeerState.SUSPENDED
    assert verify(book, nodes.seoul.fingerprint, ApprovalsInMemory()).state is PeerState.VERIFIED
    assert sever_peer("lantern", book=book).state is PeerState.SEVERED


def test_own_card_is_not_a_peer(nodes: Nodes) -> None:
    """Adding our own card is named as the mistake it is."""
    with pytest.raises(Fault) as caught:
        add_peer(
            nodes.taipei.card(),
            url="https://a.example",
            code_name="me",
            book=PeerBookInMemory(),
            own_node_id=nodes.taipei.node_id,
        )
    assert caught.value.code == "E-EXCHANGE-021"


def test_damaged_card_is_refused(nodes: Nodes) -> None:
    """A card cut short or altered adds nothing."""
    book = PeerBookInMemory()
    for card in (nodes.seoul.card()[:-20], nodes.seoul.card().replace(b"seoul", b"busan"), b"", b"{}"):
        with pytest.raises(Fault):
            add_peer(card, url="https://a.example", code_name="x", book=book, own_node_id="other")
    assert book.records == {}


@pytest.mark.parametrize(
    "url",
    [
        "http://host:8701",
        "host:8701",
        "",
        "https://",
        "https://user:word@host",
        "https://host/path",
        "https://host?x=1",
        "https://host:99999",
        "https://host:abc",
        "https://ho\nst",
        "https://" + "a" * 400,
        "ftp://host",
        "https://[::1",
    ],
)
def test_unusable_addresses_are_refused(url: str) -> None:
    """An address must be https, a host and perhaps a port, and nothing else."""
    with pytest.raises(Fault) as caught:
        checked_url(url)
    assert caught.value.code == "E-EXCHANGE-020"


@pytest.mark.parametrize("url", ["https://host:8701", "https://192.0.2.1", "https://[2001:db8::1]:8701"])
def test_usable_addresses_are_kept(url: str) -> None:
    """Hosts by name and by address, with and without port, are kept as given."""
    assert checked_url(url) == checked_url(url + "/") == url
