"""What a tool of ours could do about a warning: asked of policy, ordered of nobody."""

from __future__ import annotations

from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.standing_with import is_in_force
from seawall.model import Observable, Release, Warning
from seawall.model.circle import CircleTerms
from seawall.model.directive import Action
from seawall.model.indicator import IndicatorEntry
from seawall.policy import may_enforce
from seawall.warn.advice import Proposal, ProposalFacts, propose


def proposal_for(node: Node, warning: Warning) -> Proposal:
    """The directive that a person may order; nothing is recorded, because nothing is asked for."""
    observable = Observable(warning.type, warning.value)
    entry = node.store.indicators.lookup(warning.type, warning.value, visibility=WHOLE_NODE)
    return propose(
        ProposalFacts(
            type=warning.type,
            at=node.clock(),
            confidence=warning.confidence,
            pap=warning.pap,
            is_own=node.own_assets.is_own(observable),
            listed=node.warninglists.hit(observable),
            indicator=entry is not None,
            of_peer=entry is not None and entry.origin is not None,
            may_block=entry is not None and _may_block(node, entry),
        )
    )


def _may_block(node: Node, entry: IndicatorEntry) -> bool:
    circles: list[CircleTerms | None] = [None]
    if entry.origin is not None and is_in_force(node, entry.origin):
        circles += [terms for terms in node.store.circles.list() if entry.origin in terms.members]
    return any(
        isinstance(may_enforce(entry, Action.BLOCK, terms, "proposal", node.clock()), Release) for terms in circles
    )
