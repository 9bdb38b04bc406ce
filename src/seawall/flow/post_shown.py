"""Looking at the messages exchanged with a peer: their numbers, kinds and states, never what they say."""

from __future__ import annotations

from seawall.flow.node import Node
from seawall.model import rfc3339
from seawall.model.post import Incoming, Outgoing


def describe_messages(node: Node, peer: str, *, limit: int) -> list[dict[str, object]]:
    """The last messages in both directions, newest first. Raises NotFound for nobody."""
    node.require("read")
    name = node.store.peers.get(peer).code_name
    both: list[tuple[str, Outgoing | Incoming]] = [("sent", row) for row in node.store.post.list(name, limit=limit)]
    both += [("received", row) for row in node.store.post_in.list(name, limit=limit)]
    both.sort(key=lambda pair: (pair[1].at, pair[1].sequence), reverse=True)
    return [
        {
            "direction": direction,
            "sequence": row.sequence,
            "kind": row.kind.value,
            "state": row.state.value,
            "at": rfc3339(row.at),
            "expires": rfc3339(row.expires),
            "bytes": row.size,
            "reason": row.reason,
        }
        for direction, row in both[:limit]
    ]
