"""One round: what a proposal, a set-up and a contribution must be, what a member puts in, and what comes out.

The steps, each of which only goes on when all members did the one before:

1. the starter proposes (``check_proposal`` by each who is asked);
2. each member that takes part gives a key for this round (``check_set_up`` by all);
3. each counts, adds its noise, masks, commits (``contribute``; ``check_contribution`` by all);
4. everybody adds up what all contributed (``result``). Nobody has to believe the starter's sum.

A member that stops after step 2 spoils the round: it is proposed anew, without it and under another id. Nobody is ever
unmasked. What cannot be seen here is a member that puts in a false number: its commitment is kept for an audit.
"""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from collections.abc import Mapping, Sequence
from fractions import Fraction

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from seawall.exchange.aggregate.bounds import MAX_DAYS, MAX_MEMBERS
from seawall.exchange.aggregate.catalogue import Catalogue, Query, check_period, query_digest
from seawall.exchange.aggregate.documents import Contribution, Proposal, SetUp, Signed
from seawall.exchange.aggregate.masks import KEY_BYTES, Binding, masked, summed
from seawall.exchange.aggregate.shares import noise_share, parts_for, rate_of
from seawall.exchange.noise import Below, discrete_laplace
from seawall.model import Refused

NODE_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ROUND_ID = re.compile(r"[0-9a-f]{32}")
DAY = 86_400_000_000
BEYOND_NOISE = 64  # in units of 1 / rate: a share of the noise lies further out once in 10^27


class Input(msgspec.Struct, frozen=True):
    """What one member's commitment stands for. Kept by that member only."""

    counts: tuple[int, ...]  # of its own, in the order of the labels, before any noise
    noise: tuple[int, ...]
    presence: tuple[int, ...]  # 0 or 1: the count with a noise of its own reached the query's threshold
    salt: bytes


class Sums(msgspec.Struct, frozen=True):
    """What a complete round says: noised counts, and how many members have some, in the order of the labels."""

    counts: tuple[int, ...]
    presence: tuple[int, ...]


def check_proposal(proposal: Proposal, catalogue: Catalogue) -> Query:
    """The query of a proposal that this node may take part in, as far as the proposal itself tells.

    Raises Refused E-EXCHANGE-842 for one that cannot be, -854 for another catalogue; and what the query's own checks
    raise (NotFound -849, Refused -851, -853).
    """
    names, members = (proposal.node, *proposal.members), proposal.members
    if not (
        all(NODE_ID.fullmatch(name) for name in names)
        and ROUND_ID.fullmatch(proposal.round_id)
        and (not proposal.rerun_of or ROUND_ID.fullmatch(proposal.rerun_of))
        and list(members) == sorted(set(members))
        and proposal.node in members
        and 2 <= len(members) <= MAX_MEMBERS
        and 0 <= proposal.first_week < 100_000
        and 0 < proposal.at < proposal.expires <= proposal.at + MAX_DAYS * DAY
    ):
        raise Refused("E-EXCHANGE-842", "This proposal of a round contradicts itself; it was not taken in.")
    if proposal.catalogue != catalogue.digest:
        raise Refused(
            "E-EXCHANGE-854",
            "The round is proposed under another catalogue ({given}) than ours ({ours}); all members need the same.",
            given=proposal.catalogue[:16],
            ours=catalogue.digest[:16],
        )
    query = catalogue.query(proposal.query)
    check_period(query, proposal.period)
    return query


def check_set_up(set_up: SetUp, proposal: Signed) -> None:
    """Raise Refused E-EXCHANGE-844 for a set-up of another round, list of members or catalogue, -848 for a bad key."""
    wanted = proposal.document
    assert isinstance(wanted, Proposal)  # noqa: S101 - the caller's own round
    if (set_up.round_id, set_up.proposal, set_up.catalogue) != (wanted.round_id, proposal.digest, wanted.catalogue):
        raise _other_round(set_up.node)
    if set_up.node not in wanted.members:
        raise _other_round(set_up.node)
    if len(set_up.key) != KEY_BYTES:
        raise Refused(
            "E-EXCHANGE-848",
            "The key that {node} gave for this round cannot be used; it was refused.",
            node=set_up.node,
        )


def roster_of(set_ups: Sequence[Signed]) -> str:
    """One name for all set-ups of a round: SHA-256 over their digests, in order of their nodes."""
    digests = [one.digest for one in sorted(set_ups, key=lambda one: one.document.node)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def check_contribution(contribution: Contribution, proposal: Proposal, roster: str, length: int) -> None:
    """Raise Refused E-EXCHANGE-844 for another round or roster, -843 for a vector of another length than ``length``."""
    if contribution.round_id != proposal.round_id or contribution.node not in proposal.members:
        raise _other_round(contribution.node)
    if contribution.roster != roster:
        raise Refused(
            "E-EXCHANGE-852",
            "{node} contributed under another list of members or keys than ours: somebody told the members different "
            "things. Its contribution was not taken in; let the round lapse and ask the starter.",
            node=contribution.node,
        )
    if len(contribution.vector) != 8 * length:
        raise Refused(
            "E-EXCHANGE-843",
            "{node} contributed {given} bytes where this round takes {needed}; they were not taken in.",
            node=contribution.node,
            given=len(contribution.vector),
            needed=8 * length,
        )


def draw(counts: Sequence[int], query: Query, members: int, places: int, below: Below = secrets.randbelow) -> Input:
    """What we put in: our counts, our shares of the noise, and where we have some.

    Raises Refused E-EXCHANGE-847 when there are not exactly ``places`` counts of 0 or more, -845 for one above the cap.
    """
    _check_counts(counts, query, places)
    sums, own = rates(query)
    shares = parts_for(members)
    noise = tuple(noise_share(sums, shares, below) for _ in counts)
    presence = tuple(int(count + discrete_laplace(own, below=below) >= query.presence_from) for count in counts)
    return Input(tuple(counts), noise, presence, secrets.token_bytes(32))


def without_noise_unsafe(counts: Sequence[int], query: Query, places: int) -> Input:
    """As ``draw`` and with no noise at all: for tests of the arithmetic, never for counts of real hosts."""
    _check_counts(counts, query, places)
    presence = tuple(int(count >= query.presence_from) for count in counts)
    return Input(tuple(counts), (0,) * places, presence, bytes(32))


def contribute(put_in: Input, node: str, key: X25519PrivateKey, binding: Binding, roster: str, at: int) -> Contribution:
    """Our masked vectors and our commitment, to be signed. Raises Refused E-EXCHANGE-848 for a member's bad key."""
    noised = [count + noise for count, noise in zip(put_in.counts, put_in.noise, strict=True)]
    vector = masked([*noised, *put_in.presence], node, key, binding)
    return Contribution(node, binding.round_id, roster, vector, commitment_of(put_in, binding.round_id), at)


def commitment_of(put_in: Input, round_id: str) -> str:
    """What stands on the ledger and in the contribution: SHA-256, hiding (32 random bytes) and binding."""
    opened = msgspec.json.encode([round_id, put_in.counts, put_in.noise, put_in.presence])
    return hashlib.sha256(b"seawall aggregate input 1\n" + put_in.salt + opened).hexdigest()


def binding_of(proposal: Signed, set_ups: Sequence[Signed], query: Query) -> Binding:
    """What the masks of this round are bound to."""
    wanted = proposal.document
    assert isinstance(wanted, Proposal)  # noqa: S101 - the caller's own round
    keys = {one.document.node: one.document.key for one in set_ups if isinstance(one.document, SetUp)}
    return Binding(wanted.round_id, bytes.fromhex(proposal.digest), query_digest(query), keys)


def result(contributions: Mapping[str, bytes], query: Query, places: int) -> Sums:
    """The sums of all members' vectors (node id -> masked words).

    Raises Refused E-EXCHANGE-846 when the masks did not cancel: then the words are random, and one of ``places`` looks
    like a count once in 2^40.
    """
    total = summed(contributions[node] for node in sorted(contributions))
    counts, presence, members = total[:places], total[places:], len(contributions)
    air = math.ceil(members * BEYOND_NOISE / rates(query)[0])
    if not all(-air <= count <= members * query.cap + air for count in counts) or not all(
        0 <= some <= members for some in presence
    ):
        raise Refused(
            "E-EXCHANGE-846",
            "The masks of this round did not cancel: a member used other keys or members than the rest. Nothing was "
            "learned; run it again without that member.",
        )
    return Sums(tuple(counts), tuple(presence))


def rates(query: Query) -> tuple[Fraction, Fraction]:
    """Epsilon over sensitivity of the noise in the sums, and of the noise in front of "I have some"."""
    return rate_of(query.epsilon_counts, query.bins_per_unit), rate_of(query.epsilon_presence, query.bins_per_unit)


def _check_counts(counts: Sequence[int], query: Query, places: int) -> None:
    if len(counts) != places or min(counts, default=0) < 0:
        raise Refused(
            "E-EXCHANGE-847", "This round takes {needed} counts of 0 or more, and was given others.", needed=places
        )
    if max(counts, default=0) > query.cap:
        raise Refused(
            "E-EXCHANGE-845",
            "A count of ours is {given}, and no member puts more than {cap} into one bin of {query}; nothing left.",
            given=max(counts),
            cap=query.cap,
            query=query.name,
        )


def _other_round(node: str) -> Refused:
    return Refused(
        "E-EXCHANGE-844",
        "What {node} sent belongs to another round, list of members or catalogue; it was not taken in.",
        node=node,
    )
