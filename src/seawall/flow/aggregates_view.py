"""Rounds, results, catalogue and budget as people and programs see them."""

from __future__ import annotations

import msgspec

from seawall.exchange.aggregate import Published, catalogue, published
from seawall.flow.aggregates_book import CONTRIBUTION, SET_UP, proposal_in, query_of, sums_of
from seawall.flow.aggregates_members import has_line, names, verified
from seawall.flow.aggregates_rules import budget_of
from seawall.flow.aggregates_telling import TELLING, agreement_untold, hearers, untold
from seawall.flow.node import Node
from seawall.model import Refused, rfc3339
from seawall.model.aggregate import KeptRound, RoundState

TWO = "a sum of two hides nothing: the other node takes its own count away and holds yours, with only the noise over it"
HONEST = "a member that puts in false numbers is not noticed"


def catalogue_document(node: Node) -> dict[str, object]:
    """The catalogue, who agreed to it, and what each data set has left.

    Keys: version, sha256, valid_from, verified, agreed, not_yet, untold, least_nodes, least_count, items (name, about,
    available, epsilon, bins, bins_per_unit, cap, data_set, releases, spent, left, next_at).
    """
    node.require("read")
    terms = catalogue()
    agreed = node.store.aggregates.agreements(terms.digest)
    silent = [peer.code_name for peer in verified(node).values() if peer.node_id not in agreed]
    return {
        "version": terms.version,
        "sha256": terms.digest,
        "valid_from": terms.valid_from,
        "source": terms.source,
        "verified": terms.verified,
        "agreed": names(node, agreed),
        "not_yet": sorted(silent),
        "untold": agreement_untold(node),
        "least_nodes": terms.least_nodes,
        "least_count": terms.least_count,
        "items": [
            {
                "name": query.name,
                "about": query.about,
                "available": query.available,
                "unavailable_because": query.unavailable_because,
                "unit": query.unit,
                "epsilon": query.epsilon / 1_000,
                "most_weeks": query.most_weeks,
                "bins": list(query.bins),
                "bins_per_unit": query.bins_per_unit,
                "cap": query.cap,
                **budget_document(node, query.data_set),
            }
            for query in terms.queries
        ],
    }


def budget_document(node: Node, data_set: str) -> dict[str, object]:
    """What a data set has left. Keys: data_set, releases, spent, left, epsilon_spent, next_at."""
    budget = budget_of(node, data_set)
    return {
        "data_set": data_set,
        "releases": budget.releases,
        "spent": budget.spent,
        "left": budget.left,
        "epsilon_spent": budget.epsilon_spent / 1_000,
        "next_at": None if budget.next_at is None else rfc3339(budget.next_at),
    }


def list_rounds(node: Node, *, limit: int) -> list[dict[str, object]]:
    """The last rounds, newest first; each as ``round_row``."""
    node.require("read")
    return [round_row(node, kept) for kept in node.store.aggregates.list(limit=limit)]


def round_row(node: Node, kept: KeptRound) -> dict[str, object]:
    """One round. Keys: round, query, period, state, starter, members, set_ups, contributions, expires, reason ..."""
    proposal, book = proposal_in(kept), node.store.aggregates
    set_ups, contributions = book.documents(kept.round_id, SET_UP), book.documents(kept.round_id, CONTRIBUTION)
    waiting = set_ups if len(set_ups) < len(proposal.members) else contributions
    return {
        "round": kept.round_id,
        "query": kept.query,
        "period": str(proposal.period),
        "state": kept.state.value,
        "starter": names(node, [kept.starter])[0],
        "members": names(node, proposal.members),
        "set_ups": len(set_ups),
        "contributions": len(contributions),
        "waiting_for": [] if kept.state is RoundState.FINISHED
        else names(node, (member for member in proposal.members if member not in waiting)),
        "created_at": rfc3339(kept.at),
        "untold": untold(node, kept),
        "expires": rfc3339(kept.expires),
        "rerun_of": kept.rerun_of,
        "contributed_at": None if kept.contributed_at is None else rfc3339(kept.contributed_at),
        "reason": kept.reason,
        "warnings": [TWO, HONEST] if len(proposal.members) == 2 else [HONEST],
    }  # fmt: skip


def show_round(node: Node, kept: KeptRound) -> dict[str, object]:
    """As ``round_row``, with the result once there is one and what the data set has left.

    Keys besides: result (None before all contributed; else noise_deviation, margin_95, suppressed, bins (week, bin,
    count, low, high, nodes, suppressed)), by_file, tlp, left_out, budget.
    """
    node.require("read")
    query = query_of(kept)
    left_out = msgspec.json.decode(kept.opening, type=_LeftOut).left_out if kept.opening else {}
    return {
        **round_row(node, kept),
        "by_file": by_file(node, kept),
        "tlp": query.tlp,
        "left_out": left_out,
        "budget": budget_document(node, kept.data_set),
        "result": _result_document(told) if (told := result_of(node, kept)) is not None else None,
    }


def result_of(node: Node, kept: KeptRound) -> Published | None:
    """What a finished round tells; None before."""
    if kept.state is not RoundState.FINISHED:
        return None
    proposal = proposal_in(kept)
    return published(sums_of(node, kept), query_of(kept), proposal.period, catalogue(), len(proposal.members))


def drawable(node: Node, kept: KeptRound) -> Published:
    """What a finished round tells. Raises Refused E-FLOW-673 before it is finished."""
    if (told := result_of(node, kept)) is None:
        raise Refused(
            "E-FLOW-673",
            "Round {given} has no result to draw; it is {state}.",
            given=kept.round_id[:8],
            state=kept.state.value,
        )
    return told


def by_file(node: Node, kept: KeptRound) -> list[str]:
    """Those whom we tell of this round and no line reaches: 'aggregates export' serves them."""
    wanted = set(hearers(node, kept)) if kept.state in TELLING else set()
    return [peer.code_name for peer in node.store.peers.list() if peer.node_id in wanted and not has_line(node, peer)]


class _LeftOut(msgspec.Struct):
    left_out: dict[str, int]


def _result_document(told: Published) -> dict[str, object]:
    return {
        "noise_deviation": round(told.deviation, 3),
        "margin_95": told.margin,
        "suppressed": sum(one.suppressed is not None for one in told.bins),
        "bins": [msgspec.to_builtins(one) for one in told.bins],
    }
