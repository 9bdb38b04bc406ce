"""PeerRecord: what this node keeps about another node."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

import msgspec


class PeerState(StrEnum):
    """How far a peer is trusted. ``severed`` is final: a new key exchange needs a new record."""

    PENDING = "pending"  # its card was added; nobody compared fingerprints yet
    VERIFIED = "verified"  # two people compared the fingerprint
    SUSPENDED = "suspended"  # one key stops everything; may be verified again
    QUARANTINED = "quarantined"  # it misbehaved; stopped by this node itself until a named person releases it
    SEVERED = "severed"


class PeerRecord(msgspec.Struct, frozen=True):
    """One peer, under the code name that our operator chose."""

    code_name: str
    node_id: str
    name: str
    url: str  # its peer listener, https://host:8701
    certificate_sha256: str  # lower hex of its TLS client certificate
    signing_key: str  # its Ed25519 public key, as its card spells it
    fingerprint: str  # what two people read to each other
    state: PeerState
    card: bytes  # the card as it came

    @property
    def carried(self) -> bool:
        """Whether no network reaches it, only carried files: its address ends in ``.invalid`` (RFC 2606 section 2)."""
        return (urlsplit(self.url).hostname or "").endswith(".invalid")
