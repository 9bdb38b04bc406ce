"""Telling the members of a round what they have not heard: the starter tells all others, the others the starter.

The starter hands on what others signed and adds nothing. Nothing here is new: every document is on the ledger by its
digest, or by its author's, before it is told.
"""

from __future__ import annotations

from seawall.exchange.aggregate import catalogue, pack
from seawall.flow.aggregates_book import CONTRIBUTION, SET_UP, all_here, proposal_in
from seawall.flow.aggregates_members import has_line, verified
from seawall.flow.node import Node
from seawall.model import Fault
from seawall.model.aggregate import KeptRound, RoundState
from seawall.model.message import MessageKind

TELLING = (RoundState.JOINED, RoundState.CONTRIBUTED, RoundState.FINISHED)


def tell(node: Node, kept: KeptRound) -> None:
    """Queue for each member what it has not heard from us; ``untold`` names those for whom nothing could be queued.

    Members without a line are served with 'seawall aggregates export'.
    """
    from seawall.flow.post import post

    if kept.state not in TELLING:
        return
    peers = verified(node)
    for member in hearers(node, kept):
        stage, heard = stage_of(node, kept), node.store.aggregates.stage_told(kept.round_id, member)
        peer = peers.get(member)
        if stage <= heard or peer is None or not has_line(node, peer):
            continue
        try:
            post(node, peer.code_name, MessageKind.AGGREGATE, pack(said(node, kept, heard, stage)))
        except Fault:  # one member that cannot be written to must not stop the rest
            continue
        node.store.aggregates.set_told(kept.round_id, member, stage)


def untold(node: Node, kept: KeptRound) -> list[str]:
    """Code names of those for whom nothing could be queued yet: the job tries again, once their prekeys are here."""
    if kept.state not in TELLING:
        return []
    peers, stage, book = verified(node), stage_of(node, kept), node.store.aggregates
    waiting = [
        peers[one] for one in hearers(node, kept) if one in peers and book.stage_told(kept.round_id, one) < stage
    ]
    return [peer.code_name for peer in waiting if has_line(node, peer)]


def tell_agreement(node: Node) -> None:
    """Tell each verified peer once that we work with the catalogue; those without a line hear it with the round."""
    from seawall.flow.post import post

    digest, book = catalogue().digest, node.store.aggregates
    ours = book.agreements(digest).get(node.keys.node_id)
    if ours is None:
        return
    for peer in verified(node).values():
        if book.stage_told(digest, peer.node_id) or not has_line(node, peer):
            continue
        try:
            post(node, peer.code_name, MessageKind.AGGREGATE, pack([ours.envelope]))
        except Fault:  # the job tries again
            continue
        book.set_told(digest, peer.node_id, 1)


def agreement_untold(node: Node) -> list[str]:
    """Code names of verified peers for whom our word on the catalogue is not queued yet."""
    digest, book = catalogue().digest, node.store.aggregates
    if node.keys.node_id not in book.agreements(digest):
        return []
    return [peer.code_name for peer in verified(node).values() if not book.stage_told(digest, peer.node_id)]


def hearers(node: Node, kept: KeptRound) -> list[str]:
    """Whom we tell of a round: the starter tells all others, the others tell the starter."""
    ours = node.keys.node_id
    return [kept.starter] if kept.starter != ours else [one for one in proposal_in(kept).members if one != ours]


def stage_of(node: Node, kept: KeptRound) -> int:
    """How much there is to tell: 1 a proposal or set-up, 2 all set-ups or our contribution, 3 all contributions."""
    if kept.starter != node.keys.node_id:
        return 2 if node.keys.node_id in node.store.aggregates.documents(kept.round_id, CONTRIBUTION) else 1
    if not all_here(node, kept, SET_UP):
        return 1
    return 3 if all_here(node, kept, CONTRIBUTION) else 2


def said(node: Node, kept: KeptRound, after: int, until: int) -> list[bytes]:
    """The documents of the stages behind ``after`` up to ``until``, in the order in which they are understood."""
    book, ours = node.store.aggregates, node.keys.node_id
    agreements = book.agreements(proposal_in(kept).catalogue)
    set_ups, contributions = book.documents(kept.round_id, SET_UP), book.documents(kept.round_id, CONTRIBUTION)
    found: list[bytes] = []
    if after < 1 <= until and ours in agreements:
        found.append(agreements[ours].envelope)
    if kept.starter != ours:
        found += [set_ups[ours].envelope] if after < 1 <= until and ours in set_ups else []
        return found + ([contributions[ours].envelope] if after < 2 <= until and ours in contributions else [])
    if after < 1 <= until:
        found.append(kept.proposal)
    if after < 2 <= until:
        found += [agreements[one].envelope for one in set_ups if one in agreements and one != ours]
        found += [one.envelope for one in set_ups.values()]
    return found + ([one.envelope for one in contributions.values()] if after < 3 <= until else [])
