"""What this node put into a round, shown to its own auditor and held against the commitment that it signed."""

from __future__ import annotations

import msgspec

from seawall.exchange.aggregate import Contribution, Input, commitment_of, reopened
from seawall.flow.aggregates_book import CONTRIBUTION, proposal_in, query_of
from seawall.flow.aggregates_round import Opening
from seawall.flow.node import Node
from seawall.model import NotFound
from seawall.model.aggregate import KeptRound


def audit(node: Node, kept: KeptRound) -> dict[str, object]:
    """Our input of a round in the clear. For an auditor's eyes: it says what the masks and the noise hide.

    Keys: round, query, period, commitment (as signed), holds (whether what is kept here is what was committed to),
    items (week, bin, count, noise, presence). Raises Refused E-FLOW-004, NotFound E-FLOW-674.
    """
    node.require("audit")
    held = node.store.aggregates.documents(kept.round_id, CONTRIBUTION).get(node.keys.node_id)
    if held is None or kept.opening is None:
        raise NotFound("E-FLOW-674", "This node has contributed nothing to round {given}.", given=kept.round_id[:8])
    opening = msgspec.json.decode(kept.opening, type=Opening)
    put_in = Input(opening.counts, opening.noise, opening.presence, opening.salt)
    signed, period = reopened(held.envelope, Contribution), proposal_in(kept).period
    labels = query_of(kept).labels(period)
    columns = zip(labels, opening.counts, opening.noise, opening.presence, strict=True)
    return {
        "round": kept.round_id,
        "query": kept.query,
        "period": str(period),
        "commitment": signed.commitment,
        "holds": commitment_of(put_in, kept.round_id) == signed.commitment,
        "items": [
            {"week": week, "bin": name, "count": count, "noise": noise, "presence": presence}
            for (week, name), count, noise, presence in columns
        ],
    }
