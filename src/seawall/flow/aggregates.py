"""What people do about masked sums: agree to the catalogue, start a round, take part, run it again.

Nothing of ours leaves unless a person joined the round, started it, or named its query in ``aggregates.join``.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from seawall.exchange.aggregate import (
    MAX_DAYS,
    Agreement,
    Period,
    Proposal,
    catalogue,
    check_period,
    read_period,
    seal,
)
from seawall.flow.aggregates_book import at_the_desk, proposal_in
from seawall.flow.aggregates_members import names
from seawall.flow.aggregates_restored import spend_releases
from seawall.flow.aggregates_round import advance, join_round, keep_proposal
from seawall.flow.aggregates_rules import check_agreed, check_budget, check_members, check_over
from seawall.flow.aggregates_telling import tell_agreement
from seawall.flow.aggregates_view import catalogue_document, round_row
from seawall.flow.node import Node
from seawall.flow.restored import EPOCH
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Fault, NotFound, Refused
from seawall.model.aggregate import KeptAgreement, KeptRound, RoundState

DAY = 86_400_000_000


def agree(node: Node) -> dict[str, object]:
    """Sign the catalogue that came with this version, and tell every verified peer. Keys: as 'aggregates catalogue'."""
    person, terms = node.require("release"), catalogue()
    if node.keys.node_id not in node.store.aggregates.agreements(terms.digest):
        signed = seal(Agreement(node.keys.node_id, terms.digest, terms.version, node.clock()), node.keys)
        details: dict[str, str | int | list[str]] = {"version": terms.version, "sha256": terms.digest}
        node.ledger.record_event(
            LedgerEvent(EventKind.AGGREGATE_AGREED, node.clock(), person.name, "aggregate catalogue", details)
        )
        kept = KeptAgreement(terms.digest, node.keys.node_id, terms.version, node.clock(), signed.envelope)
        node.store.aggregates.agree(kept)
        if node.store.notes.get(EPOCH) is not None:  # restored: it may have agreed and contributed since the backup
            spend_releases(node, node.clock())
    tell_agreement(node)
    return catalogue_document(node)


def start(
    node: Node, query: str, *, others: Sequence[str], period: str, days: int, two_nodes: bool = False
) -> dict[str, object]:
    """Propose a round to peers (code names) and take part in it. Keys: as 'aggregates show'.

    Raises NotFound for an unknown query or peer, Refused E-FLOW-653 to E-FLOW-659, -666 when we may not or cannot.
    """
    person, terms = node.require("release"), catalogue()
    asked, weeks = terms.query(query), read_period(period)
    check_period(asked, weeks)
    members = _node_ids(node, others)
    check_agreed(node, terms)
    check_members(node, members, two_nodes=two_nodes)
    check_over(node, weeks)
    check_budget(node, asked)
    with at_the_desk(node):
        kept = _propose(node, query, weeks, members, days=days, actor=person.name, two_nodes=two_nodes)
    return round_row(node, kept)


def join(node: Node, round_id: str, *, two_nodes: bool = False) -> dict[str, object]:
    """Take part in a round that a peer proposed. Keys: as 'aggregates show'.

    Raises NotFound E-STORE-220, Refused E-FLOW-653 to E-FLOW-659, -666, E-FLOW-667 when it is no longer open.
    """
    person = node.require("release")
    with at_the_desk(node):
        kept = find(node, round_id)
        if kept.state in (RoundState.LAPSED, RoundState.DECLINED) or kept.expires <= node.clock():
            raise Refused(
                "E-FLOW-667",
                "Round {given} is over here ({state}); its starter may propose another.",
                given=kept.round_id[:8],
                state=kept.state.value,
            )
        kept = advance(node, join_round(node, kept, actor=person.name, two_nodes=two_nodes))
    return round_row(node, kept)


def decline(node: Node, round_id: str) -> dict[str, object]:
    """Stay out of a round. Raises NotFound E-STORE-220, Refused E-FLOW-668 once our contribution left."""
    person = node.require("release")
    with at_the_desk(node):
        kept = find(node, round_id)
        if kept.state not in (RoundState.INVITED, RoundState.JOINED, RoundState.DECLINED):
            raise Refused(
                "E-FLOW-668",
                "Round {given} is {state}; what left cannot be taken back.",
                given=kept.round_id[:8],
                state=kept.state.value,
            )
        kept = msgspec.structs.replace(kept, state=RoundState.DECLINED, key=None, reason=f"by {person.name}")
        node.store.aggregates.keep(kept)
    return round_row(node, kept)


def rerun(
    node: Node, round_id: str, *, without: Sequence[str], days: int, two_nodes: bool = False
) -> dict[str, object]:
    """Propose a round of ours anew, without members who dropped out: new id, keys and noise, charged again.

    Raises NotFound, Refused E-FLOW-669 for a round that is not ours or finished, and what ``start`` raises.
    """
    person, gone = node.require("release"), set(_node_ids(node, without)) - {node.keys.node_id}
    with at_the_desk(node):
        before = find(node, round_id)
        proposal = proposal_in(before)
        members = tuple(member for member in proposal.members if member not in gone)
        ours = before.starter == node.keys.node_id and node.keys.node_id in members
        if not ours or before.state is RoundState.FINISHED or not 1 < len(members) < len(proposal.members):
            raise Refused(
                "E-FLOW-669",
                "Round {given} cannot be run again like this: that takes a round of ours that is not finished, and one "
                "of its members to leave out.",
                given=before.round_id[:8],
            )
        check_members(node, members, two_nodes=two_nodes)
        check_budget(node, catalogue().query(before.query))
        kept = _propose(
            node, before.query, proposal.period, members,
            days=days, actor=person.name, two_nodes=two_nodes, rerun_of=before.round_id,
        )  # fmt: skip
    return round_row(node, kept)


def find(node: Node, given: str) -> KeptRound:
    """A round by its id or the beginning of it. Raises NotFound E-STORE-220."""
    if len(given) >= 8 and len(given) < 32:
        found = [kept for kept in node.store.aggregates.list(limit=10_000) if kept.round_id.startswith(given)]
        if len(found) == 1:
            return found[0]
    return node.store.aggregates.get(given)


def _propose(
    node: Node,
    query: str,
    period: Period,
    members: Sequence[str],
    *,
    days: int,
    actor: str,
    two_nodes: bool,
    rerun_of: str = "",
) -> KeptRound:
    terms, at = catalogue(), node.clock()
    proposal = Proposal(
        node=node.keys.node_id,
        round_id=secrets.token_hex(16),
        query=query,
        catalogue=terms.digest,
        first_week=period.first,
        weeks=period.weeks,
        members=tuple(sorted(members)),
        rerun_of=rerun_of,
        at=at,
        expires=at + min(days, MAX_DAYS) * DAY,
    )
    signed = seal(proposal, node.keys)
    details: dict[str, str | int | list[str]] = {
        "query": query, "period": str(period), "members": names(node, proposal.members), "sha256": signed.digest,
        "rerun_of": rerun_of,
    }  # fmt: skip
    kept = keep_proposal(node, signed, terms.query(query))
    try:
        joined = join_round(node, kept, actor=actor, two_nodes=two_nodes)
    except Fault:
        node.store.aggregates.forget(kept.round_id)
        raise
    node.ledger.record_event(LedgerEvent(EventKind.AGGREGATE_STARTED, at, actor, f"round {kept.round_id}", details))
    return advance(node, joined)


def _node_ids(node: Node, given: Sequence[str]) -> tuple[str, ...]:
    """The node ids of these peers, and ours. Raises NotFound for an unknown name, E-FLOW-670 for none."""
    wanted = {node.store.peers.get(name).node_id for name in given}
    if not wanted - {node.keys.node_id}:
        raise NotFound("E-FLOW-670", "Name at least one peer; this node takes part by itself.")
    return tuple(sorted(wanted | {node.keys.node_id}))
