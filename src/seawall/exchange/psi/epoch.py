"""An epoch: what two nodes agree on before any value is masked, and the keys that hold for it.

    terms   both know them from their circle: type, number, both node ids, cap, begin and end
    offer   each makes a scalar (a, b) and commits to it: a*G with a proof that it knows a
    agree   both commitments together are the epoch; its id is a digest over all of it

Every hash of a value is bound to product, version, type, epoch id and both node ids (RFC 9497 section 2.1 leaves the
domain separation to the application), so tokens of different types, peers and epochs never join.
"""

from __future__ import annotations

import hashlib

import msgspec

from seawall.exchange.psi import group
from seawall.exchange.psi.interface import Randomness, Scalars
from seawall.exchange.psi.proofs import check_known, prove_known
from seawall.model import Fault, ObservableType, Refused
from seawall.model.overlap import MET_LANES

NORMALISATION = 1  # of ``codec.values.canonical``; two nodes that spell values differently would miss each other
MOST_POINTS = 6 * 1024 * 1024  # in one list: privacy notes 2.2, 5 million values, padded; 192 MB, 10 CPU-minutes a side
MOST_EPOCH = 100 * 86_400_000_000  # microseconds: privacy notes 2.2 item 8 want 90 days, and a few to overlap
PURPOSES = ("overlap", "count", *MET_LANES)
_PRODUCT = b"Seawall-PSI-v1"


class EpochTerms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What both sides must hold alike."""

    type: ObservableType
    number: int  # rises for each pair, type and purpose
    nodes: tuple[str, str]  # both node ids, sorted
    most_points: int  # in one list of either side, padding and check points with it; ``most_items`` tells the values
    starts: int  # microseconds UTC
    ends: int
    normalisation: int = NORMALISATION
    purpose: str = "overlap"
    """Or "count", or a lane with what one side merely met: keys of its own each, so that tags for a relay never join
    tokens of a reveal, and no list joins one of another lane."""

    @property
    def digest(self) -> bytes:
        """32 bytes over all of it."""
        return hashlib.sha256(_PRODUCT + b" terms\0" + msgspec.json.encode(self)).digest()


class Commitment(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A side's key: the point, and the proof that whoever made it knows the scalar."""

    point: bytes  # 32 bytes
    proof: bytes  # 64 bytes


class Epoch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The terms and both commitments, in the order of ``terms.nodes``."""

    terms: EpochTerms
    commitments: tuple[Commitment, Commitment]

    @property
    def digest(self) -> bytes:
        """32 bytes over terms and keys: the epoch's name in every part."""
        keys = b"".join(one.point for one in self.commitments)
        return hashlib.sha256(_PRODUCT + b" epoch\0" + self.terms.digest + keys).digest()

    @property
    def id(self) -> str:
        """The same in lower hex."""
        return self.digest.hex()

    @property
    def dst(self) -> bytes:
        """The domain separation tag of every value of this epoch."""
        terms = self.terms
        words = (terms.type.value, str(terms.normalisation), terms.purpose, self.id, *terms.nodes)
        return _PRODUCT + b"-ristretto255-SHA512|" + "|".join(words).encode()

    def place(self, node: str) -> int:
        """0 or 1: where a node stands in ``terms.nodes``."""
        return self.terms.nodes.index(node)


def check_terms(terms: EpochTerms, own: str) -> None:
    """Raises Refused E-EXCHANGE-704 for terms that this node, or this version, cannot hold."""
    if not (
        terms.purpose in PURPOSES
        and terms.normalisation == NORMALISATION
        and terms.number >= 1
        and own in terms.nodes
        and terms.nodes[0] < terms.nodes[1]
        and 0 < terms.most_points <= MOST_POINTS
        and 0 < terms.ends - terms.starts <= MOST_EPOCH
        and not any("|" in node for node in terms.nodes)
    ):
        raise Refused(
            "E-EXCHANGE-704",
            "The terms of this comparison cannot be held here; both sides must name the same nodes, type, caps and "
            "times, and use versions of Seawall that spell values alike.",
        )


def offer(terms: EpochTerms, own: str, scalars: Scalars, randomness: Randomness) -> Commitment:
    """Our key for these terms: made and kept once, the same again whenever this is asked.

    Raises Refused E-EXCHANGE-704 for terms that cannot be held, Fault E-EXCHANGE-700 without libsodium.
    """
    check_terms(terms, own)
    scalar = scalars.put(name_of(terms), group.to_scalar(randomness(64)))
    point = group.multiply_base(scalar)
    # the nonce from the secret, as in RFC 8032: a repetition says the same and cannot leak it
    nonce = group.hash_to_scalar(scalar + terms.digest, _PRODUCT + b"-nonce")
    return Commitment(point, prove_known(scalar, point, _context(terms, own), nonce))


def agree(terms: EpochTerms, ours: Commitment, theirs: Commitment, own: str) -> Epoch:
    """The epoch of both keys.

    Raises Refused E-EXCHANGE-704 for terms that cannot be held, E-EXCHANGE-702 and E-EXCHANGE-703 for a key that is no
    point or whose maker does not know its scalar, E-EXCHANGE-705 when the other side offers our own key.
    """
    check_terms(terms, own)
    other = next(node for node in terms.nodes if node != own)
    if theirs.point == ours.point:
        raise Refused("E-EXCHANGE-705", "The other side offered our own key as its key; nothing was agreed.")
    check_known(theirs.point, theirs.proof, _context(terms, other))
    return Epoch(terms, (ours, theirs) if terms.nodes[0] == own else (theirs, ours))


def name_of(terms: EpochTerms) -> str:
    """Under which name the scalar of these terms is kept."""
    return terms.digest.hex()


def own_scalar(terms: EpochTerms, scalars: Scalars) -> bytes:
    """Our scalar. Raises Fault E-EXCHANGE-706 when it is gone: wiped, or never in the backup that was restored."""
    scalar = scalars.get(name_of(terms))
    if scalar is None:
        raise Fault(
            "E-EXCHANGE-706",
            "The key of this epoch is not here: it is wiped at the end and in no backup; begin a new epoch.",
        )
    return scalar


def _context(terms: EpochTerms, node: str) -> bytes:
    return _PRODUCT + b"-key|" + terms.digest + node.encode()
