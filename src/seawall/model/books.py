"""What protects two nodes that look for their overlap from a dishonest one: values of the books that each keeps.

The functions over them are in ``flow``:

commitments    commit_candidates, committed, open_commitment, check_opening; size_proof, hear_size
budgets        spend, left
decoys         decoys, judge_hits, require_running
plausible      plausible
excluded       may_enter, left_out
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from seawall.model.observable import ObservableType

MAX_OPENING_BYTES = 64 * 1024  # one opening with its proofs and its checkpoint is 5 to 8 KiB


class SourceClass(StrEnum):
    """By what a value counts as hostile; the spelling is part of commitments and stable. Strongest evidence first."""

    ANALYST = "analyst"
    HONEYPOT = "honeypot"
    ALERT = "alert"
    BLOCKED = "blocked"
    INDICATOR = "indicator"  # somebody else said so: our sensors only met it
    MET = "met"  # no candidate: our sensors met it at the remote end, and nothing speaks against it here


class Committed(msgspec.Struct, frozen=True):
    """One value of ours that was committed to in time."""

    type: ObservableType
    value: bytes  # canonical spelling, UTF-8
    first_seen: int  # UTC day, in days since 1970-01-01
    source: SourceClass
    committed_at: int  # microseconds UTC: the moment of its leaf
    strength: int  # of the evidence; only for ranking


class Opening(msgspec.Struct, frozen=True):
    """The evidence for one value: its commitment opened, and the way from there to a checkpoint that others cosigned.

    ``value``, ``day`` and ``source`` with ``salt`` give ``commitment``; ``path`` leads from it to the root of its
    batch, which ``event`` names; ``ledger_path`` leads from that leaf to the root of ``checkpoint``.
    """

    type: ObservableType
    value: str
    day: int
    source: SourceClass
    salt: str  # 32 hex digits
    commitment: str  # 64 hex digits
    place: int  # in the batch, from 0
    path: tuple[str, ...]  # 64 hex digits each, deepest first
    leaf: int  # index in the ledger
    leaf_salt: str  # 64 hex digits
    event: str  # canonical JSON, as the leaf commits to it
    ledger_path: tuple[str, ...]
    checkpoint: str  # signed note with at least one cosignature


class SizeProof(msgspec.Struct, frozen=True):
    """How many values a node has committed to, by its own leaf under a checkpoint that others cosigned."""

    leaf: int
    leaf_salt: str
    event: str
    ledger_path: tuple[str, ...]
    checkpoint: str


class BudgetLeft(msgspec.Struct, frozen=True):
    """What one peer may still ask of one type, and the bounds that this follows from. All are numbers of points."""

    peer: str
    type: ObservableType
    epoch: int
    committed: int  # how many values of this type the peer proved to have committed to
    initial: int  # left of what it may ask once an epoch
    initial_cap: int
    daily: int  # left of these three days
    daily_cap: int  # a day; three days' worth may be asked at once
    yearly: int  # left of the last 365 days
    yearly_cap: int
    hot: int  # left of today for values younger than the agreed age
    hot_cap: int
    refilled: int  # left of what two people added for this epoch
    now: int  # the most that is answered in one go at this moment; 0 while stopped
    stopped: str = ""  # why nothing is answered at all


class Verdict(StrEnum):
    """What decoys say of a peer."""

    NOTHING = "nothing"
    QUESTION = "question"  # one or two: ask the peer how it came to this
    INCIDENT = "incident"  # three: it guesses


class Judgement(msgspec.Struct, frozen=True):
    """``hits`` decoys were in this answer, ``total`` different ones since a person last said to go on."""

    verdict: Verdict
    hits: int
    total: int
