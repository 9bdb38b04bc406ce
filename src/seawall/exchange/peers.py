"""Peers: a card is added, two people compare the fingerprint, and only then anything is exchanged.

The order: (1) ``add_peer`` reads the card (``identity.read_card`` makes all checks that need no people) and keeps it as
*pending*; (2) both sides read the fingerprint to each other over another channel; (3) ``verify_peer`` takes what was
heard and two different people who stand for it. ``suspend_peer`` needs one key only; ``sever_peer`` is final.
"""

from __future__ import annotations

from typing import Protocol
from urllib.parse import urlsplit

from seawall.identity import check_fingerprint, read_card
from seawall.model import Actor, Clock, Fault, Refused, UserRole
from seawall.model.approval import Approval
from seawall.model.peer import PeerRecord, PeerState

MAX_URL = 300  # characters; host names end at 253
MAY_REQUEST = frozenset({UserRole.ADMIN, UserRole.APPROVER, UserRole.RELEASER, UserRole.ANALYST})


class PeerBook(Protocol):
    """``store.peers``."""

    def add(self, record: PeerRecord) -> None:
        """Keep a new peer; raises Fault when the code name is taken."""

    def get(self, code_name: str) -> PeerRecord:
        """Raises NotFound."""

    def set_state(self, code_name: str, state: PeerState) -> PeerRecord:
        """Raises NotFound, and Refused once it is severed."""


class ApprovalBook(Protocol):
    """``store.approvals``: two different named people, the second with a role that approves."""

    def both(self, kind: str, subject: str, requester: str, approver: str, at: int) -> Approval:
        """Request and approve in one step; raises Refused."""


def add_peer(card: bytes, *, url: str, code_name: str, book: PeerBook, own_node_id: str) -> PeerRecord:
    """Keep a peer as pending. Nothing is exchanged with it yet.

    Raises Refused E-IDENTITY-03x for a bad card, Fault E-EXCHANGE-020 for an unusable address, E-EXCHANGE-021 for our
    own card, and what ``book.add`` raises.
    """
    read = read_card(card)
    if read.node_id == own_node_id:
        raise Fault("E-EXCHANGE-021", "This is the card of this very node; add the card that the other side printed.")
    record = PeerRecord(
        code_name=code_name,
        node_id=read.node_id,
        name=read.name,
        url=checked_url(url),
        certificate_sha256=read.certificate_sha256,
        signing_key=read.signing_key,
        fingerprint=read.fingerprint,
        state=PeerState.PENDING,
        card=card,
    )
    book.add(record)
    return record


def checked_url(url: str) -> str:
    """``https://host[:port]`` without a path at the end; raises Fault E-EXCHANGE-020 for anything else."""
    try:
        parts = urlsplit(url)
        port_fine = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_fine = urlsplit(""), False
    plain = not (parts.username or parts.password or parts.query or parts.fragment or parts.path.strip("/"))
    if not (
        port_fine and parts.scheme == "https" and parts.hostname and plain and len(url) <= MAX_URL and url.isprintable()
    ):
        raise Fault("E-EXCHANGE-020", "Give the peer's listener as https://host:8701, without user, path or query.")
    return f"https://{parts.netloc}"


def verify_peer(
    code_name: str,
    spoken_fingerprint: str,
    *,
    asking: Actor,
    approving: Actor,
    book: PeerBook,
    approvals: ApprovalBook,
    clock: Clock,
) -> PeerRecord:
    """Two people confirm that the fingerprint they heard is the card's; also ends a suspension.

    Raises Refused E-IDENTITY-032 when it is not, E-EXCHANGE-022 when the first person's role may not ask, and what
    ``approvals.both`` raises for the second person.
    """
    record = book.get(code_name)
    if asking.role not in MAY_REQUEST:
        raise Refused("E-EXCHANGE-022", "{name} may not do this; ask somebody whose role allows it.", name=asking.name)
    check_fingerprint(read_card(record.card), spoken_fingerprint)
    approvals.both("peer", f"{record.code_name} {record.fingerprint}", asking.name, approving.name, clock())
    return book.set_state(code_name, PeerState.VERIFIED)


def suspend_peer(code_name: str, *, book: PeerBook) -> PeerRecord:
    """Stop both directions at once; one person is enough to stop."""
    return book.set_state(code_name, PeerState.SUSPENDED)


def sever_peer(code_name: str, *, book: PeerBook) -> PeerRecord:
    """End the relation for good."""
    return book.set_state(code_name, PeerState.SEVERED)


def require_verified(record: PeerRecord) -> PeerRecord:
    """The same peer when two people stand for it; raises Refused E-EXCHANGE-023 otherwise."""
    if record.state is not PeerState.VERIFIED:
        raise Refused(
            "E-EXCHANGE-023",
            "The peer {peer} is {state}; compare fingerprints with it and run 'seawall peers verify' first.",
            peer=record.code_name,
            state=record.state.value,
        )
    return record
