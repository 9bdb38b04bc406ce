"""Two nodes that seal for each other, without folders: keys in memory, one moment."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from seawall.exchange.envelope import Opened, OwnPrekeys, SenderKeys, open_envelope, seal
from seawall.identity import OfflineKey
from seawall.identity.prekeys import Prekey
from seawall.model.circle import Proof
from seawall.model.message import MessageKind

AT = 1_795_000_000_000_000
HOUR, DAY = 3_600_000_000, 86_400_000_000
BOX = "0123456789abcdef0123456789abcdef"


class Party:
    """One node's keys."""

    def __init__(self, node_id: str, *, at: int = AT) -> None:
        self.node_id = node_id
        self.signer = OfflineKey(Ed25519PrivateKey.generate())
        self.own = OwnPrekeys((Prekey.generate(node_id, at),))

    @property
    def known(self) -> SenderKeys:
        """What others know of it."""
        return SenderKeys(self.node_id, (self.signer.signing_public,), tuple(prekey.public for prekey in self.own.keys))


TAIPEI, SEOUL, TOKYO = (Party(f"0000000{place}-0000-5000-8000-00000000000{place}") for place in (1, 2, 3))


def sealed(
    body: bytes = b"203.0.113.77",
    *,
    sender: Party = TAIPEI,
    to: Party = SEOUL,
    at: int = AT,
    expires: int = AT + DAY,
    mailbox: str = "",
    proof: Proof = Proof.TRANSFERABLE,
    sequence: int = 1,
    signer: OfflineKey | None = None,
) -> bytes:
    """What one party seals for another."""
    return seal(
        signer or sender.signer,
        to.own.newest.public,
        sender=sender.node_id,
        to=to.node_id,
        sequence=sequence,
        kind=MessageKind.OVERLAP,
        at=at,
        expires=expires,
        body=body,
        mailbox=mailbox,
        proof=proof,
        own=sender.own,
    )


def opened(data: bytes, *, by: Party = SEOUL, sender: Party = TAIPEI, at: int = AT, mailbox: str = "") -> Opened:
    """What a party reads in it."""
    return open_envelope(data, by.own, sender.known, to=by.node_id, at=at, mailbox=mailbox)
