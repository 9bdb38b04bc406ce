"""One synchronisation with one peer, wired: our certificate, its pin, the desk, the outboxes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from seawall.exchange import OF_CODE, Crossing, SyncDeps, require_verified, sync
from seawall.flow.conduct import note_misdeed
from seawall.flow.health import failed, remember_totals, succeeded
from seawall.flow.incoming import inbound_desk
from seawall.flow.node import Node
from seawall.flow.notices import LineBook
from seawall.flow.peer_keys import calling_context, held_by
from seawall.flow.refresh import refresh_if_possible
from seawall.flow.relay_book import relay_of
from seawall.flow.service import NodeExchange
from seawall.ledger import EventKind
from seawall.model import Fault


def sync_peer(
    node: Node, code_name: str, *, on_crossing: Callable[[Crossing], None] | None = None, prepare: bool = True
) -> dict[str, object]:
    """Fetch what is new and push what is new. Without ``prepare`` findings are not gathered from the lake first: for
    who comes often.

    Raises Refused E-EXCHANGE-023 for a peer that nobody verified, E-FLOW-043 for one that has misbehaved too often,
    Fault E-FLOW-126 for one that only carried files reach, and what ``exchange.sync`` raises; how it went is kept for
    ``peers list``.
    """
    node.require("sync")
    if relay_of(node, code_name) is not None:
        from seawall.flow.relay_sync import sync_by_relay  # it writes drops, which know the circles by this module

        return sync_by_relay(node, code_name)
    if node.store.mail_peers.find(code_name) is not None:
        raise Fault(
            "E-FLOW-275",
            "{name} is reached by mail; use 'seawall mail send {name}' and 'seawall mail fetch'.",
            name=code_name,
        )
    peer = require_verified(node.store.peers.get(code_name))
    if peer.carried:
        raise Fault(
            "E-FLOW-126",
            "No network reaches {peer}; use 'seawall export-drop' and 'seawall import-drop'.",
            peer=code_name,
        )
    circles = shared_circles(node, code_name)
    unprepared = refresh_if_possible(node) if circles and prepare else None
    held = held_by(node, code_name)

    def same_keys() -> bool:
        now = node.store.peers.get(code_name)
        return now.certificate_sha256 == peer.certificate_sha256 and held_by(node, code_name) == held

    deps = SyncDeps(
        circles=circles,
        cursors=node.store.sync,
        desk=inbound_desk(node),
        releases=NodeExchange(node),
        context=calling_context(node, peer),
        same_keys=same_keys,
        on_crossing=on_crossing,
        notices=LineBook(node),
    )
    try:
        report = sync(peer, deps)
        if report.again:  # one side's keys were replaced by a notice: the rest goes over the new ones
            now = require_verified(node.store.peers.get(code_name))
            over = msgspec.structs.replace(deps, context=calling_context(node, now), same_keys=lambda: True)
            said, report = report.problems, sync(now, over)
            report = msgspec.structs.replace(report, problems=said + report.problems)
    except Fault as fault:
        failed(node, code_name, fault)
        if (misdeed := OF_CODE.get(fault.code)) is not None:
            note_misdeed(node, code_name, misdeed, fault.text.format(**fault.values))
        raise
    succeeded(node, code_name)
    remember_totals(node, code_name, received=report.received, sent=report.sent, withheld=report.withheld)
    if report.received or report.sent:
        node.event(EventKind.SYNC_RECEIPT, code_name, received=report.received, sent=report.sent)
    return {
        "received": report.received,
        "sent": report.sent,
        "withheld": report.withheld,
        "unchanged": report.unchanged,
        "rejected": report.rejected,
        "refused": report.refused,
        "problems": [*([f"nothing new of ours was prepared: {unprepared}"] if unprepared else []), *report.problems],
    }


def shared_circles(node: Node, code_name: str) -> list[str]:
    """The circles in which we seat this peer."""
    return [
        terms.name
        for terms in node.store.circles.list()
        if code_name in terms.members and code_name not in terms.exclusions
    ]
