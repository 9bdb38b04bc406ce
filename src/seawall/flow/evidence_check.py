"""Evidence of a peer beside the age that was agreed: old enough, or within its small budget for young values."""

from __future__ import annotations

from seawall.flow.budgets import spend_hot
from seawall.flow.node import Node
from seawall.flow.openings import BatchLeaf, check_opening
from seawall.model.books import Opening


def check_evidence(node: Node, peer: str, opening: Opening, *, begun: int, age: int) -> BatchLeaf:
    """Pass when ``peer`` had committed to the value ``age`` microseconds before the session that ``begun`` then.

    A younger one, committed to before the session all the same, costs one of the day's young values; the same value
    again costs nothing. Raises Refused as ``check_opening``, E-FLOW-523 when there are no more of them today.
    """
    batch = check_opening(node, peer, opening, before=begun)
    if max(batch.at, batch.cosigned_at) > begun - age:
        spend_hot(node, peer, opening.type, 1, session=opening.commitment)
    return batch
