from __future__ import annotations

import msgspec
import pytest

from seawall.model import Fault, NotFound, Refused, Tlp
from seawall.model.circle import CircleTerms, StandingRelease
from seawall.model.peer import PeerRecord, PeerState
from seawall.store import Store


def peer(code_name: str = "seoul", certificate: str = "ab" * 32) -> PeerRecord:
    """A peer whose card was just added."""
    return PeerRecord(
        code_name=code_name,
        node_id="node-1",
        name="Seoul CSIRT",
        url="https://node.example:8701",
        certificate_sha256=certificate,
        signing_key="key",
        fingerprint="apple pear",
        state=PeerState.PENDING,
        card=b"{}",
    )


def terms(version: int = 1, **changes: object) -> CircleTerms:
    """A bilateral circle."""
    base = CircleTerms(name="harbour", version=version, members=frozenset({"seoul"}), tlp_ceiling=Tlp.AMBER)
    return msgspec.structs.replace(base, **changes)


def test_peers_are_found_by_name_and_certificate(store: Store) -> None:
    """A peer comes back as it was added, by code name and by its pinned certificate."""
    store.peers.add(peer())
    store.peers.add(peer("tokyo", "CD" * 32))
    assert store.peers.get("seoul") == peer()
    assert [each.code_name for each in store.peers.list()] == ["seoul", "tokyo"]
    found = store.peers.by_certificate("cD" * 32)
    assert found is not None
    assert found.code_name == "tokyo"
    assert store.peers.by_certificate("ef" * 32) is None


def test_peer_that_is_there_already(store: Store) -> None:
    """A code name is given once; unknown ones are told; a shared certificate is nobody's."""
    store.peers.add(peer())
    with pytest.raises(Fault, match="E-STORE-050"):
        store.peers.add(peer())
    with pytest.raises(NotFound, match="E-STORE-051"):
        store.peers.get("tokyo")
    with pytest.raises(Fault, match="E-STORE-030"):
        store.peers.add(peer("a\nb"))
    store.peers.add(peer("twin"))
    assert store.peers.by_certificate("ab" * 32) is None


def test_severed_is_for_good(store: Store) -> None:
    """States change until a peer is severed; then its certificate is unknown and nothing revives it."""
    store.peers.add(peer())
    for state in (PeerState.VERIFIED, PeerState.SUSPENDED, PeerState.VERIFIED, PeerState.SEVERED):
        assert store.peers.set_state("seoul", state).state is state
    with pytest.raises(Refused, match="E-STORE-052"):
        store.peers.set_state("seoul", PeerState.VERIFIED)
    assert store.peers.by_certificate("ab" * 32) is None
    with pytest.raises(NotFound, match="E-STORE-051"):
        store.peers.set_state("tokyo", PeerState.VERIFIED)


def test_replacing_a_peers_facts(store: Store) -> None:
    """A rotated certificate replaces the old one; an unknown peer is told."""
    store.peers.add(peer())
    store.peers.replace(peer(certificate="12" * 32))
    assert store.peers.by_certificate("ab" * 32) is None
    assert store.peers.by_certificate("12" * 32) is not None
    with pytest.raises(NotFound, match="E-STORE-051"):
        store.peers.replace(peer("tokyo"))


def test_circles_keep_every_version(store: Store) -> None:
    """The newest terms hold, older ones stay readable, and standing releases come back whole."""
    standing = StandingRelease(name="quick", types=frozenset({"indicator"}), expires_at=99)
    store.circles.save(terms(1), at=1)
    store.circles.save(terms(3, standing=(standing,)), at=2)
    assert store.circles.get("harbour") == terms(3, standing=(standing,))
    assert store.circles.get("harbour", 1) == terms(1)
    assert store.circles.versions("harbour") == (1, 3)
    store.circles.save(msgspec.structs.replace(terms(), name="alpha"), at=3)
    assert [(each.name, each.version) for each in store.circles.list()] == [("alpha", 1), ("harbour", 3)]


def test_versions_only_rise(store: Store) -> None:
    """The same terms again are accepted silently; other terms need a higher version."""
    store.circles.save(terms(2), at=1)
    store.circles.save(terms(2), at=2)
    for changed in (terms(2, tlp_ceiling=Tlp.RED), terms(1)):
        with pytest.raises(Fault, match=r"E-STORE-060.*version 2"):
            store.circles.save(changed, at=3)
    assert store.circles.get("harbour").tlp_ceiling is Tlp.AMBER
    with pytest.raises(NotFound, match="E-STORE-061"):
        store.circles.get("nowhere")
    with pytest.raises(NotFound, match="E-STORE-061"):
        store.circles.get("harbour", 7)


def test_cursors(store: Store) -> None:
    """How far an exchange came is kept by peer, circle and direction, and forgotten by peer."""
    store.sync.set_cursor("seoul", "harbour", "in", "5")
    store.sync.set_cursor("seoul", "harbour", "in", "6")
    store.sync.set_cursor("seoul", "harbour", "out", "7")
    store.sync.set_cursor("tokyo", "harbour", "in", "8")
    assert store.sync.cursor("seoul", "harbour", "in") == "6"
    assert store.sync.cursor("seoul", "other", "in") is None
    store.sync.forget("seoul")
    assert store.sync.cursor("seoul", "harbour", "out") is None
    assert store.sync.cursor("tokyo", "harbour", "in") == "8"


def test_notes(store: Store) -> None:
    """A note is set, replaced and deleted."""
    assert store.notes.get("k") is None
    store.notes.set("k", "1")
    store.notes.set("k", "2")
    assert store.notes.get("k") == "2"
    store.notes.delete("k")
    store.notes.delete("k")
    assert store.notes.get("k") is None


def test_received_remembers_the_first_time(store: Store) -> None:
    """What each peer sent, in which circle, is kept once with its first moment."""
    store.received.add("seoul", "harbour", [("a--1", "1"), ("a--2", "1")], at=10)
    store.received.add("seoul", "harbour", [("a--1", "1"), ("a--1", "2")], at=20)
    store.received.add("tokyo", "harbour", [("a--1", "1")], at=30)
    store.received.add("tokyo", "harbour", [], at=40)
    assert store.received.origins("a--1") == {"seoul", "tokyo"}
    rows = store.received.from_peer("seoul")
    assert [row[1:] for row in rows] == [
        ("harbour", "a--1", "1", 10),
        ("harbour", "a--2", "1", 10),
        ("harbour", "a--1", "2", 20),
    ]
    assert store.received.from_peer("seoul", after=rows[1][0]) == rows[2:]
