"""An epoch: what two nodes agree on before any value is masked, and the keys that hold for it.

    terms   both know them from their circle: type, number, both node ids, caps, begin and end
    offer   each makes a scalar (a, b) and commits to it: a*G with a proof that it knows a
    agree   both commitments together are the epoch; its id is a digest over all of it

Every hash of a value is bound to product, version, type, epoch id and both node ids (RFC 9497 section 2.1 leaves the
domain separation to the application), so tokens of different types, peers and epochs never join.
"""

from __future__ import annotations

import msgspec

from seawall.model import ObservableType

NORMALISATION = 1  # of ``codec.values.canonical``; two nodes that spell values differently would miss each other
MOST_POINTS = 5_000_000  # in one list, padding included: privacy notes 2.2, the largest initial sync
"""Above it a list is 160 MB and 10 CPU-minutes of either side."""


class EpochTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What both sides must hold alike."""

    type: ObservableType
    number: int  # rises for each pair and type
    nodes: tuple[str, str]  # both node ids, sorted
    most_points: int  # in one list of either side, padding and check points with it
    starts: int  # microseconds UTC
    ends: int
    normalisation: int = NORMALISATION
    purpose: str = "overlap"  # or "count": keys of its own, so that tags for a relay never join tokens of a reveal


class Commitment(msgspec.Struct, frozen=True):
    """A side's key: the point and the proof that whoever made it knows the scalar."""

    point: bytes  # 32 bytes
    proof: bytes  # 64 bytes


class Epoch(msgspec.Struct, frozen=True):
    """The terms and both commitments, in the order of ``terms.nodes``."""

    terms: EpochTerms
    commitments: tuple[Commitment, Commitment]
