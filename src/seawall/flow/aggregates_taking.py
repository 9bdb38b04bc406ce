"""Documents of rounds come in: by a message, or in a file that somebody carried.

No document is believed before its signature held, by a key that we hold of its author; the starter may hand on what
others signed. A second, different word of one member changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from seawall.exchange.aggregate import (
    MAX_DAYS,
    Agreement,
    Contribution,
    Proposal,
    SetUp,
    Signed,
    catalogue,
    check_contribution,
    check_proposal,
    check_set_up,
    open_signed,
    roster_of,
    unpack,
)
from seawall.flow.aggregates_book import (
    CONTRIBUTION,
    SET_UP,
    at_the_desk,
    complete_set_ups,
    places_of,
    proposal_in,
    signed_proposal,
)
from seawall.flow.aggregates_members import keys_of, verified
from seawall.flow.aggregates_round import NODE, advance, join_round, keep_proposal
from seawall.flow.node import Node
from seawall.model import Fault, Refused, Unavailable
from seawall.model.aggregate import OPEN, KeptAgreement, KeptDocument, KeptRound
from seawall.model.message import Message

MAX_UNANSWERED = 50  # rounds of one starter in MAX_DAYS that nobody here took part in: nearly one a day
DAY = 86_400_000_000


def hear(node: Node, message: Message) -> None:
    """What ``post`` hands on. Raises the first Fault among its documents, after the others were taken."""
    peer = next((record for record in verified(node).values() if record.code_name == message.peer), None)
    if peer is None:
        raise Refused("E-FLOW-651", "Aggregate rounds are for verified peers; nothing was taken in.")
    faults = take(node, unpack(message.body), sender=peer.node_id)
    if faults:
        raise faults[0]


def take(node: Node, envelopes: Iterable[bytes], *, sender: str | None = None) -> list[Fault]:
    """Take signed documents in, then go on with the rounds they belong to; what could not be taken.

    ``sender``: the node id behind the line they came by; None for a file that somebody carried. Raises Unavailable.
    """
    faults: list[Fault] = []
    touched: dict[str, None] = {}
    with at_the_desk(node):
        keys = keys_of(node)
        for envelope in envelopes:
            try:
                signed = open_signed(envelope, keys)
                if (round_id := _take(node, signed, sender)) is not None:
                    touched[round_id] = None
            except Unavailable:
                raise
            except Fault as fault:
                faults.append(fault)
        for round_id in touched:
            advance(node, node.store.aggregates.get(round_id))
    return faults


def _take(node: Node, signed: Signed, sender: str | None) -> str | None:
    document = signed.document
    if isinstance(document, Agreement):
        if document.catalogue != catalogue().digest:
            return None  # to a catalogue that this version does not have; it comes again with each round
        agreement = KeptAgreement(document.catalogue, document.node, document.version, document.at, signed.envelope)
        node.store.aggregates.agree(agreement)
        return None
    if isinstance(document, Proposal):
        return _take_proposal(node, signed, document)
    kept = node.store.aggregates.find(document.round_id)
    if kept is None or kept.state not in OPEN or sender not in (None, document.node, kept.starter):
        raise Refused(
            "E-FLOW-652",
            "Round {given} is not open here, or the sender has no part in it; nothing was taken in.",
            given=document.round_id[:8],
        )
    kind = SET_UP if isinstance(document, SetUp) else CONTRIBUTION
    if not _held_already(node, kept, signed, kind):
        _check(node, kept, document)
        node.store.aggregates.add_document(
            KeptDocument(kept.round_id, document.node, kind, signed.digest, signed.envelope)
        )
    return kept.round_id


def _held_already(node: Node, kept: KeptRound, signed: Signed, kind: str) -> bool:
    author = signed.document.node
    held = node.store.aggregates.documents(kept.round_id, kind).get(author)
    if held is not None and held.digest != signed.digest:
        raise Refused(
            "E-FLOW-660",
            "{given} said two different things in round {round}; the first one stays.",
            given=author,
            round=kept.round_id[:8],
        )
    return held is not None


def _check(node: Node, kept: KeptRound, document: SetUp | Contribution) -> None:
    if isinstance(document, SetUp):
        check_set_up(document, signed_proposal(kept))
    else:
        roster = roster_of(complete_set_ups(node, kept))
        check_contribution(document, proposal_in(kept), roster, 2 * places_of(kept))


def _take_proposal(node: Node, signed: Signed, proposal: Proposal) -> str:
    held = node.store.aggregates.find(proposal.round_id)
    if held is not None:
        if held.digest != signed.digest:
            raise Refused(
                "E-FLOW-661",
                "Round {given} was proposed before with other members, weeks or question; the first proposal stays.",
                given=proposal.round_id[:8],
            )
        return held.round_id
    query, now = check_proposal(proposal, catalogue()), node.clock()
    timely = now - MAX_DAYS * DAY < proposal.at < now + DAY and proposal.expires > now
    if node.keys.node_id not in proposal.members or not timely:
        raise Refused(
            "E-FLOW-662", "The proposed round is not for this node, or of another time; nothing was taken in."
        )
    if node.store.aggregates.count_unanswered(proposal.node, now - MAX_DAYS * DAY) >= MAX_UNANSWERED:
        raise Refused(
            "E-FLOW-663",
            "{count} rounds of yours had no answer here in {days} days; no more are taken in for now.",
            count=MAX_UNANSWERED,
            days=MAX_DAYS,
        )
    kept = keep_proposal(node, signed, query)
    if query.name in node.settings.aggregates.join:
        try:
            join_round(node, kept, actor=NODE, two_nodes=False)
        except Fault as fault:  # a person may look at why
            node.store.aggregates.keep(msgspec.structs.replace(kept, reason=str(fault)))
    return kept.round_id
