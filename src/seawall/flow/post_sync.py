"""Everything that a synchronisation moves: objects and notices, then the sealed messages that wait on either side."""

from __future__ import annotations

from seawall.flow.exchange import sync_peer
from seawall.flow.live_brought import with_brought
from seawall.flow.node import Node
from seawall.flow.post import deliver
from seawall.flow.relay_book import relay_of


def sync_and_deliver(node: Node, peer: str) -> dict[str, object]:
    """As ``sync_peer``, with ``waiting``: our messages that the peer has not acknowledged. Raises what both raise.

    What the line between two serving nodes moved since the last time counts too: whoever asks wants to know what came.
    """
    report = with_brought(node, peer, sync_peer(node, peer))
    if relay_of(node, peer) is not None:  # there all that travels is a message
        return report
    delivered = deliver(node, peer)
    said = report["problems"]
    problems = [*(said if isinstance(said, list) else []), *delivered.problems]
    return report | {"problems": list(dict.fromkeys(problems)), "waiting": delivered.waiting}
