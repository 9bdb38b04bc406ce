"""How far the exchange by drops has come with each peer, in both directions."""

from __future__ import annotations

from seawall.exchange.drop import missing_numbers
from seawall.flow.circles import agreed_with
from seawall.flow.drop_books import Books
from seawall.flow.exchange import shared_circles
from seawall.flow.node import Node
from seawall.model import rfc3339


def describe_drops(node: Node, code_name: str | None = None) -> list[dict[str, object]]:
    """One row a peer, by code name. Raises NotFound E-STORE-051 for an unknown ``code_name``."""
    node.require("read")
    peers = [node.store.peers.get(code_name)] if code_name is not None else node.store.peers.list()
    return [{"peer": peer.code_name, "state": peer.state.value, **_row(node, peer.code_name)} for peer in peers]


def _row(node: Node, name: str) -> dict[str, object]:
    books = Books(node, name)
    sending, receiving = books.sending(), books.receiving()
    last = books.sent(sending, sending.number) if sending is not None else None
    circles = shared_circles(node, name)
    return {
        "sent": sending.number if sending is not None else 0,
        "sent_at": rfc3339(last.made_at) if last is not None else None,
        "acknowledged": sending.acknowledged if sending is not None else 0,
        "acknowledged_at": _moment(sending.acknowledged_at if sending is not None else None),
        "unacknowledged": sending.number - sending.acknowledged if sending is not None else 0,
        "they_miss": list(sending.missing) if sending is not None else [],
        "they_rejected": sending.rejected if sending is not None else 0,
        "received": receiving.number,
        "received_at": _moment(receiving.at),
        "we_miss": list(missing_numbers(receiving)),
        "circles": circles,
        "agreed": [circle for circle in circles if agreed_with(node, node.store.circles.get(circle), name)],
    }


def _moment(at: int | None) -> str | None:
    return rfc3339(at) if at is not None else None
