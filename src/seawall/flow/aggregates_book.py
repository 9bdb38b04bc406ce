"""What the book says of a round: its documents, who hears of it, and how much there is to tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from seawall.exchange.aggregate import Contribution, Proposal, Query, SetUp, Signed, Sums, catalogue, reopened, result
from seawall.flow.alone import alone
from seawall.flow.node import Node
from seawall.ledger import EventKind, LedgerEvent
from seawall.model import Refused, Unavailable
from seawall.model.aggregate import KeptRound, RoundState

SET_UP, CONTRIBUTION = "set-up", "contribution"
WAIT_SECONDS = 60.0  # for another process that works on rounds: counting a large lake takes seconds


@contextmanager
def at_the_desk(node: Node) -> Iterator[None]:
    """One process at a time works on rounds. Raises Unavailable E-FLOW-650."""
    busy = Unavailable("E-FLOW-650", "Another process of this node works on aggregate rounds; try again in a minute.")
    with alone(node.folder / "aggregates.lock", busy, seconds=WAIT_SECONDS):
        yield


def proposal_in(kept: KeptRound) -> Proposal:
    """The proposal of a round."""
    return reopened(kept.proposal, Proposal)


def signed_proposal(kept: KeptRound) -> Signed:
    """The same, as it was signed."""
    return Signed(proposal_in(kept), kept.proposal, kept.digest)


def query_of(kept: KeptRound) -> Query:
    """The question of a round."""
    return catalogue().query(kept.query)


def places_of(kept: KeptRound) -> int:
    """How many counts a member puts in."""
    return len(query_of(kept).labels(proposal_in(kept).period))


def all_here(node: Node, kept: KeptRound, kind: str) -> bool:
    """Whether every member said what is of this kind."""
    return set(node.store.aggregates.documents(kept.round_id, kind)) == set(proposal_in(kept).members)


def complete_set_ups(node: Node, kept: KeptRound) -> list[Signed]:
    """All members' set-ups. Raises Refused E-FLOW-665 while one is missing."""
    if not all_here(node, kept, SET_UP):
        raise Refused(
            "E-FLOW-665",
            "Somebody contributed to round {given} before all members gave their keys; send the set-ups first.",
            given=kept.round_id[:8],
        )
    held = node.store.aggregates.documents(kept.round_id, SET_UP)
    return [Signed(reopened(one.envelope, SetUp), one.envelope, one.digest) for one in held.values()]


def sums_of(node: Node, kept: KeptRound) -> Sums:
    """The sums of a round to which all contributed. Raises Refused E-EXCHANGE-846 when the masks did not cancel."""
    held = node.store.aggregates.documents(kept.round_id, CONTRIBUTION)
    vectors = {name: reopened(one.envelope, Contribution).vector for name, one in held.items()}
    return result(vectors, query_of(kept), places_of(kept))


def lapse(node: Node, kept: KeptRound, reason: str) -> KeptRound:
    """Nothing more comes of this round; our key for it is gone."""
    lapsed = msgspec.structs.replace(kept, state=RoundState.LAPSED, key=None, reason=reason)
    node.store.aggregates.keep(lapsed)
    return lapsed


def record(node: Node, kind: EventKind, kept: KeptRound, actor: str, **details: str | int | list[str]) -> None:
    """Put what happens in a round on the ledger; on disk when this returns."""
    period = str(proposal_in(kept).period)
    about: dict[str, str | int | list[str]] = {"query": kept.query, "period": period, **details}
    node.ledger.record_event(LedgerEvent(kind, node.clock(), actor, f"round {kept.round_id}", about))
