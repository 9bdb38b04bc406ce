"""Two nodes and a stranger, and the books that one of them keeps about the others."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.identity import NodeKeys, read_card
from seawall.model import NotFound
from seawall.model.approval import Approval
from seawall.model.peer import PeerRecord, PeerState


class Nodes(msgspec.Struct, frozen=True):
    """The keys of everybody in the scene."""

    taipei: NodeKeys
    seoul: NodeKeys
    stranger: NodeKeys


def record_of(keys: NodeKeys, code_name: str, url: str, state: PeerState = PeerState.VERIFIED) -> PeerRecord:
    """What another node keeps about the owner of ``keys``."""
    card = read_card(keys.card())
    return PeerRecord(
        code_name,
        card.node_id,
        card.name,
        url,
        card.certificate_sha256,
        card.signing_key,
        card.fingerprint,
        state,
        keys.card(),
    )


class PeerBookInMemory:
    """``store.peers`` in memory."""

    def __init__(self, records: Sequence[PeerRecord] = ()) -> None:
        self.records = {record.code_name: record for record in records}
        self.lookups = 0

    def add(self, record: PeerRecord) -> None:
        self.records[record.code_name] = record

    def get(self, code_name: str) -> PeerRecord:
        try:
            return self.records[code_name]
        except KeyError:
            raise NotFound("E-STORE-051", "There is no peer {name}.", name=code_name) from None

    def set_state(self, code_name: str, state: PeerState) -> PeerRecord:
        self.records[code_name] = msgspec.structs.replace(self.get(code_name), state=state)
        return self.records[code_name]

    def by_certificate(self, pin: str) -> PeerRecord | None:
        self.lookups += 1
        return next((record for record in self.records.values() if record.certificate_sha256 == pin), None)


class ApprovalsInMemory:
    """``store.approvals`` in memory, without its checks."""

    def __init__(self) -> None:
        self.given: list[Approval] = []

    def both(self, kind: str, subject: str, requester: str, approver: str, at: int) -> Approval:
        approval = Approval(len(self.given) + 1, kind, subject, requester, at, approver, at)
        self.given.append(approval)
        return approval
