"""A round's life at this node, step by step (the steps stand in ``exchange.aggregate.rounds``).

``advance`` may run any time and again: after a message, a command, a kill. Our contribution is made once; what leaves a
second time is the same bytes. Each node adds up the sums itself and believes no sum of the starter's.
"""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from seawall.exchange.aggregate import (
    Contribution,
    Proposal,
    Query,
    SetUp,
    Signed,
    binding_of,
    contribute,
    draw,
    new_key,
    open_signed,
    public_of,
    roster_of,
    seal,
)
from seawall.flow.aggregates_book import (
    CONTRIBUTION,
    SET_UP,
    all_here,
    at_the_desk,
    complete_set_ups,
    lapse,
    proposal_in,
    query_of,
    record,
    signed_proposal,
    sums_of,
)
from seawall.flow.aggregates_counts import count
from seawall.flow.aggregates_members import keys_of, names
from seawall.flow.aggregates_rules import check_budget, check_may_join, check_members, check_once
from seawall.flow.aggregates_telling import tell, tell_agreement
from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import Fault, Refused, Unavailable
from seawall.model.aggregate import OPEN, Charge, KeptDocument, KeptRound, RoundState

NODE = "node"  # who acts when nobody asked


class Opening(msgspec.Struct, frozen=True):
    """What our commitment stands for, kept here for an audit; ``left_out``: why something did not count."""

    counts: tuple[int, ...]
    noise: tuple[int, ...]
    presence: tuple[int, ...]
    salt: bytes
    left_out: dict[str, int]


def keep_proposal(node: Node, signed: Signed, query: Query) -> KeptRound:
    """A round that is new here; nobody has agreed to take part yet."""
    proposal = signed.document
    assert isinstance(proposal, Proposal)  # noqa: S101 - for the type checker
    kept = KeptRound(
        round_id=proposal.round_id,
        query=query.name,
        data_set=query.data_set,
        first_week=proposal.first_week,
        weeks=proposal.weeks,
        starter=proposal.node,
        digest=signed.digest,
        proposal=signed.envelope,
        state=RoundState.INVITED,
        at=proposal.at,
        expires=proposal.expires,
        rerun_of=proposal.rerun_of or None,
    )
    node.store.aggregates.keep(kept)
    return kept


def join_round(node: Node, kept: KeptRound, *, actor: str, two_nodes: bool) -> KeptRound:
    """Give a key for this round, on the record first; again is no harm. Raises what ``check_may_join`` does."""
    if kept.state is not RoundState.INVITED:
        return kept
    check_may_join(node, kept, two_nodes=two_nodes)
    proposal, key, at = proposal_in(kept), new_key(), node.clock()
    set_up = SetUp(node.keys.node_id, kept.round_id, kept.digest, proposal.catalogue, public_of(key), at)
    signed = seal(set_up, node.keys)
    record(node, EventKind.AGGREGATE_JOINED, kept, actor, members=names(node, proposal.members), set_up=signed.digest)
    if kept.rerun_of is not None and (before := node.store.aggregates.find(kept.rerun_of)) is not None:
        lapse(node, before, f"replaced by round {kept.round_id[:8]}")
    ours = KeptDocument(kept.round_id, node.keys.node_id, SET_UP, signed.digest, signed.envelope)
    node.store.aggregates.add_document(ours)
    joined = msgspec.structs.replace(kept, state=RoundState.JOINED, key=key.private_bytes_raw(), reason=None)
    node.store.aggregates.keep(joined)
    return joined


def advance(node: Node, kept: KeptRound) -> KeptRound:
    """Do what can be done next in this round, and tell whom it concerns. Raises Unavailable."""
    if kept.state in OPEN and kept.expires <= node.clock():
        return lapse(node, kept, "its time ran out")
    if kept.state is RoundState.JOINED and all_here(node, kept, SET_UP):
        try:
            kept = _contribute(node, kept)
        except Unavailable:
            raise
        except Fault as fault:
            return lapse(node, kept, str(fault))
    if kept.state is RoundState.CONTRIBUTED and all_here(node, kept, CONTRIBUTION):
        kept = _finish(node, kept)
    tell(node, kept)
    return kept


def _contribute(node: Node, kept: KeptRound) -> KeptRound:
    """Steps: (1) still once, still in the budget, all agreed, (2) count, (3) noise and masks, (4) on the ledger,
    (5) charge and contribution in one transaction. Only then may it leave."""
    proposal, query = proposal_in(kept), query_of(kept)
    check_once(node, kept, proposal)
    check_budget(node, query)
    check_members(node, proposal.members, two_nodes=True)  # since joining one may have been let go
    agreed = node.store.aggregates.agreements(proposal.catalogue)
    if missing := [member for member in proposal.members if member not in agreed]:
        raise Refused(
            "E-FLOW-664",
            "{count} members have not signed the catalogue; nothing was contributed.",
            count=len(missing),
        )
    set_ups = complete_set_ups(node, kept)
    _check_signatures(node, kept, [one.envelope for one in set_ups])
    counted = count(node, query, proposal.period, kept.round_id, names(node, proposal.members))
    put_in = draw(counted.counts, query, len(proposal.members), len(query.labels(proposal.period)))
    key = X25519PrivateKey.from_private_bytes(kept.key or b"")
    binding, at = binding_of(signed_proposal(kept), set_ups, query), node.clock()
    signed = seal(contribute(put_in, node.keys.node_id, key, binding, roster_of(set_ups), at), node.keys)
    assert isinstance(signed.document, Contribution)  # noqa: S101 - for the type checker
    record(node, EventKind.AGGREGATE_CONTRIBUTED, kept, NODE, members=names(node, proposal.members),
            commitment=signed.document.commitment, sha256=signed.digest, epsilon_milli=query.epsilon)  # fmt: skip
    opening = Opening(put_in.counts, put_in.noise, put_in.presence, put_in.salt, counted.left_out)
    done = msgspec.structs.replace(
        kept, state=RoundState.CONTRIBUTED, key=None, opening=msgspec.json.encode(opening), contributed_at=at
    )
    ours = KeptDocument(kept.round_id, node.keys.node_id, CONTRIBUTION, signed.digest, signed.envelope)
    node.store.aggregates.contribute(done, ours, Charge(kept.round_id, query.data_set, query.epsilon, at))
    return done


def _check_signatures(node: Node, kept: KeptRound, envelopes: list[bytes]) -> None:
    """What we hold of the others was signed when it came. A key that was put away as stolen since may have been the
    thief's then: a mask made with the thief's key hides nothing. Raises Refused E-FLOW-766."""
    keys = keys_of(node)
    for envelope in (kept.proposal, *envelopes):
        try:
            open_signed(envelope, keys)
        except Refused:
            raise Refused(
                "E-FLOW-766",
                "A member's key that round {given} rests on was put away as stolen since; nothing was contributed. "
                "Start the round anew.",
                given=kept.round_id[:8],
            ) from None


def _finish(node: Node, kept: KeptRound) -> KeptRound:
    try:
        sums_of(node, kept)
    except Refused as refused:
        return lapse(node, kept, str(refused))
    vectors = node.store.aggregates.documents(kept.round_id, CONTRIBUTION)
    members = names(node, vectors)
    said = [f"{name} {held.digest}" for name, held in zip(members, vectors.values(), strict=True)]
    record(node, EventKind.AGGREGATE_FINISHED, kept, NODE, contributions=said)
    done = msgspec.structs.replace(kept, state=RoundState.FINISHED)
    node.store.aggregates.keep(done)
    return done


def advance_all(node: Node) -> str:
    """The job: go on with every open round, and tell what a kill or an outage left untold."""
    with at_the_desk(node):
        tell_agreement(node)
        for kept in node.store.aggregates.open():
            advance(node, kept)
    return f"{len(node.store.aggregates.open())} open"
