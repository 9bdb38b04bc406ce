"""After a restore: what a backup does not know of may have been contributed since, so every release counts as made.

Two people who heard from the other members how much really was can take such charges back; real ones stay.
"""

from __future__ import annotations

from seawall.exchange.aggregate import catalogue
from seawall.flow.aggregates_book import lapse
from seawall.flow.aggregates_rules import budget_of
from seawall.flow.aggregates_view import budget_document
from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, Refused
from seawall.model.aggregate import Charge, RoundState

MARK = "restored:"  # begins the ids of charges that no round of ours made


def spend_releases(node: Node, at: int) -> list[str]:
    """Charge what every data set has left, and leave rounds whose key may have been used; returns the data sets.

    Nothing for a node that never agreed to the catalogue: when it does, after a restore, it is charged then.
    """
    spent: list[str] = []
    if node.keys.node_id not in node.store.aggregates.agreements(catalogue().digest):
        return spent
    for data_set in _data_sets():
        left = budget_of(node, data_set).left
        node.store.aggregates.charge(
            [Charge(f"{MARK}{data_set}:{at}:{place}", data_set, 0, at) for place in range(left)]
        )
        spent += [f"aggregates: {data_set}"] if left else []
    for kept in node.store.aggregates.open():
        if kept.state is RoundState.JOINED:
            lapse(node, kept, "this node was restored from a backup")
    return spent


def refill(node: Node, data_set: str, releases: int) -> dict[str, object]:
    """Two people take back charges that a restore made. Keys: data_set, releases, spent, left, epsilon_spent, next_at.

    Raises Refused E-FLOW-022 without a second person, NotFound E-FLOW-675 for an unknown data set, Fault E-FLOW-676
    when a restore charged less than that.
    """
    first = node.require("release")
    if data_set not in _data_sets():
        raise NotFound(
            "E-FLOW-675",
            "There is no data set {given}; there are {known}.",
            given=ascii(data_set[:64]),
            known=", ".join(_data_sets()),
        )
    if node.approver is None:
        raise Refused("E-FLOW-022", "A second person must agree; give their token with --approver-token.")
    charges = node.store.aggregates.charges(data_set, 0)
    marked = [charge.round_id for charge in charges if charge.round_id.startswith(MARK)]
    if not 0 < releases <= len(marked):
        raise Fault(
            "E-FLOW-676",
            "Of {data_set} {count} releases count as made because this node was restored; no others can be taken back.",
            data_set=data_set,
            count=len(marked),
        )
    people = (first.name, node.approver.name)
    node.store.approvals.both("budget", f"aggregates {data_set} {releases}", *people, node.clock())
    node.event(EventKind.BUDGET_REFILLED, f"aggregates {data_set}", count=releases, approved_by=list(people))
    node.store.aggregates.uncharge(marked[:releases])
    return budget_document(node, data_set)


def _data_sets() -> list[str]:
    return list(dict.fromkeys(query.data_set for query in catalogue().queries))
