"""Rounds of masked sums, as this node keeps them. All times in microseconds UTC."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class RoundState(StrEnum):
    """How far this node is in a round."""

    INVITED = "invited"  # somebody asks whether we take part
    JOINED = "joined"  # we gave a key for it
    CONTRIBUTED = "contributed"  # our masked counts left; once, and never again for these weeks
    FINISHED = "finished"  # all contributed, and the sums are known
    DECLINED = "declined"
    LAPSED = "lapsed"  # it was replaced by a rerun, ran out of time, or could not be added up


OPEN = frozenset({RoundState.INVITED, RoundState.JOINED, RoundState.CONTRIBUTED})


class KeptRound(msgspec.Struct, frozen=True):
    """One round. Nodes are named by their ids."""

    round_id: str
    query: str
    data_set: str
    first_week: int
    weeks: int
    starter: str
    digest: str  # of the signed proposal, lower hex
    proposal: bytes  # its envelope
    state: RoundState
    at: int
    expires: int
    rerun_of: str | None = None
    key: bytes | None = None
    opening: bytes | None = None
    contributed_at: int | None = None
    reason: str | None = None


class KeptDocument(msgspec.Struct, frozen=True):
    """What one member said in a round."""

    round_id: str
    node: str
    kind: str
    digest: str
    envelope: bytes


class Charge(msgspec.Struct, frozen=True):
    """What one contribution cost its data set; epsilon in thousandths."""

    round_id: str
    data_set: str
    epsilon: int
    at: int


class KeptAgreement(msgspec.Struct, frozen=True):
    """A node that works with a catalogue."""

    catalogue: str
    node: str
    version: int
    at: int
    envelope: bytes
