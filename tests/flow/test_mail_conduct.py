"""A mail peer that misbehaves is stopped, and two people let it back in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.exchange import Misdeed
from seawall.flow.conduct import conduct_of, note_misdeed
from seawall.flow.mail_peers import set_mail_state, verify_mail_peer
from seawall.flow.node import Node, create_node
from seawall.model import Refused, UserRole
from seawall.model.mail import MailPeer
from seawall.model.peer import PeerState

PRINT = "A" * 40


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """A node with a verified mail peer and a second person; the peer's key is nobody's."""
    folder = tmp_path / "node"
    create_node(folder, name="Taipei", economy="TW", sector="unknown", timezone="UTC", lang="en")
    second = tmp_path / "second.token"
    with Node.open(folder) as opened:
        second.write_text(opened.store.users.add("mina", UserRole.APPROVER, at=1))
    with Node.open(folder, approver_token=second) as opened:
        opened.store.mail_peers.add(MailPeer("krcert", "cert@team.example", PRINT, b"key", "ko", PeerState.VERIFIED, 1))
        monkeypatch.setattr("seawall.flow.mail_peers.describe_mail_peer", lambda _, peer: {"state": peer.state})
        yield opened


def misbehave(node: Node, times: int) -> None:
    """Forged origins, as a mail's objects may have."""
    for _ in range(times):
        note_misdeed(node, "krcert", Misdeed.FORGED, "It speaks for us.")


def test_two_people_let_a_mail_peer_out_of_quarantine(node: Node) -> None:
    """The third forged delivery suspends it and says how that is lifted; verified again, it begins anew."""
    with pytest.raises(Refused, match="seawall mail peers verify"):
        misbehave(node, 3)
    assert node.store.mail_peers.get("krcert").state is PeerState.SUSPENDED
    assert verify_mail_peer(node, "krcert", PRINT)["state"] is PeerState.VERIFIED
    assert conduct_of(node, "krcert").counts == {}
    misbehave(node, 2)
    assert node.store.mail_peers.get("krcert").state is PeerState.VERIFIED
    with pytest.raises(Refused, match="E-FLOW-043"):
        misbehave(node, 1)
    assert node.store.mail_peers.get("krcert").state is PeerState.SUSPENDED


def test_a_severed_mail_peer_stays_severed(node: Node) -> None:
    """Its misdeeds bring it no milder state."""
    set_mail_state(node, "krcert", PeerState.SEVERED)
    with pytest.raises(Refused, match="E-FLOW-043"):
        misbehave(node, 3)
    assert node.store.mail_peers.get("krcert").state is PeerState.SEVERED
