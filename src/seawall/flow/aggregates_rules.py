"""Whether this node may take part in a round: agreement, members, moment, once only, budget.

The double-round attack: whoever gets a node to contribute to two rounds over the same weeks, with and without one
member, subtracts. So a node contributes once to a query and week. The one exception is a rerun after a drop-out: it
names the round that it replaces, by the same starter, for the same weeks, with fewer members; that round must not have
been finished or rerun before; its noise is new and its budget is charged again.
"""

from __future__ import annotations

import msgspec

from seawall.exchange.aggregate import Catalogue, Period, Proposal, Query, catalogue
from seawall.flow.aggregates_book import proposal_in
from seawall.flow.aggregates_counts import check_held
from seawall.flow.aggregates_members import verified
from seawall.flow.node import Node
from seawall.model import Refused, rfc3339
from seawall.model.aggregate import KeptRound, RoundState

DAY = 86_400_000_000


class BudgetLeft(msgspec.Struct, frozen=True):
    """What a data set has left. ``next_at`` (microseconds UTC): when one more comes back; None: nothing is spent."""

    data_set: str
    releases: int
    spent: int
    epsilon_spent: int  # thousandths
    next_at: int | None

    @property
    def left(self) -> int:
        """Releases that may still be made now."""
        return max(0, self.releases - self.spent)


def budget_of(node: Node, data_set: str) -> BudgetLeft:
    """What was spent on a data set within the catalogue's days."""
    terms = catalogue()
    charges = node.store.aggregates.charges(data_set, node.clock() - terms.within_days * DAY)
    next_at = charges[0].at + terms.within_days * DAY if charges else None
    return BudgetLeft(data_set, terms.releases, len(charges), sum(charge.epsilon for charge in charges), next_at)


def check_may_join(node: Node, kept: KeptRound, *, two_nodes: bool) -> None:
    """Raise Refused E-FLOW-653 to E-FLOW-659 and E-FLOW-666 when we may not, or cannot, take part in this round."""
    proposal, terms = proposal_in(kept), catalogue()
    query = terms.query(proposal.query)
    check_agreed(node, terms)
    check_members(node, proposal.members, two_nodes=two_nodes)
    check_over(node, proposal.period)
    check_held(node, query, proposal.period)
    check_once(node, kept, proposal)
    check_budget(node, query)


def check_agreed(node: Node, terms: Catalogue) -> None:
    """Raise Refused E-FLOW-653 while nobody here agreed to the catalogue."""
    if node.keys.node_id not in node.store.aggregates.agreements(terms.digest):
        raise Refused(
            "E-FLOW-653",
            "Nobody here has agreed to the catalogue of queries (version {version}) yet; read it with 'seawall "
            "aggregates catalogue', then run 'seawall aggregates agree'.",
            version=terms.version,
        )


def check_members(node: Node, members: tuple[str, ...], *, two_nodes: bool) -> None:
    """Raise Refused E-FLOW-654 when one is no verified peer of ours, E-FLOW-655 for two members and no word on it."""
    strangers = set(members) - set(verified(node)) - {node.keys.node_id}
    if strangers:
        raise Refused(
            "E-FLOW-654",
            "{count} of the {members} members are no verified peers of this node; whoever stands between could open "
            "the masks. Exchange keys with each of them first, two people comparing fingerprints.",
            count=len(strangers),
            members=len(members),
        )
    if len(members) == 2 and not two_nodes:
        raise Refused(
            "E-FLOW-655",
            "A sum of two hides nothing: the other node takes its own count away and holds yours, with only the noise "
            "over it. If that is enough for you, say so with --two-nodes-hide-nothing.",
        )


def check_over(node: Node, period: Period) -> None:
    """Raise Refused E-FLOW-656 for weeks that are not over."""
    if period.ends > node.clock():
        raise Refused(
            "E-FLOW-656",
            "{period} ends on {day}; a round comes after it, because each node contributes to a week only once.",
            period=str(period),
            day=rfc3339(period.ends)[:10],
        )


def check_once(node: Node, kept: KeptRound, proposal: Proposal) -> None:
    """Raise Refused E-FLOW-657 for weeks that we contributed to before, E-FLOW-658 for a rerun that is none."""
    rounds = node.store.aggregates.of_query(proposal.query)
    chain = _chain(node, proposal, kept.round_id)
    for other in rounds:
        elsewhere = other.round_id != kept.round_id and other.round_id not in chain
        if _bound(other) and elsewhere and Period(other.first_week, other.weeks).overlaps(proposal.period):
            raise Refused(
                "E-FLOW-657",
                "This node takes part in {query} for {period} once only, and round {other} was that: the difference of "
                "two rounds would show a single member.",
                query=proposal.query,
                period=str(proposal.period),
                other=other.round_id[:8],
            )


def check_budget(node: Node, query: Query) -> None:
    """Raise Refused E-FLOW-659 when the data set has no release left."""
    budget = budget_of(node, query.data_set)
    if budget.left == 0:
        raise Refused(
            "E-FLOW-659",
            "The data set {data_set} has given its {releases} releases of {days} days; the next one is free on {day}.",
            data_set=query.data_set,
            releases=budget.releases,
            days=catalogue().within_days,
            day=rfc3339(budget.next_at or 0)[:10],
        )


def _bound(other: KeptRound) -> bool:
    """Whether we put something into this round, or will."""
    return other.contributed_at is not None or other.state is RoundState.JOINED


def _chain(node: Node, proposal: Proposal, round_id: str) -> frozenset[str]:
    """The rounds that this one replaces, one after the other; none for a round that is no rerun."""
    if not proposal.rerun_of:
        return frozenset()
    book = node.store.aggregates
    before = book.find(proposal.rerun_of)
    former = proposal_in(before) if before is not None else None
    again = any(
        other.rerun_of == proposal.rerun_of and other.round_id != round_id and _bound(other)
        for other in book.of_query(proposal.query)
    )
    if (
        before is None
        or former is None
        or again
        or before.state is RoundState.FINISHED
        or (former.node, former.query, former.period) != (proposal.node, proposal.query, proposal.period)
        or not set(proposal.members) < set(former.members)
    ):
        raise Refused(
            "E-FLOW-658",
            "Round {given} does not replace the one that it names: that takes the same starter, query and weeks, fewer "
            "members, and a round that was neither finished nor rerun.",
            given=round_id[:8],
        )
    found = {before.round_id}
    while before is not None and before.rerun_of is not None and before.rerun_of not in found:
        found.add(before.rerun_of)
        before = book.find(before.rerun_of)
    return frozenset(found)
