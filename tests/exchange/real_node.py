"""A real node that knows one peer and shares one circle with it, and its TAXII routes as that peer meets them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from exchange.scenes import record_of
from seawall.exchange import Bounds, collection_id, peer_app
from seawall.exchange.listeners.peer import PEER_KEY
from seawall.flow.circles import CircleWish, create_circle
from seawall.flow.conduct import PeerWatch
from seawall.flow.node import Node, create_node
from seawall.flow.service import NodeExchange
from seawall.flow.terms import terms_digest
from seawall.identity import NodeKeys
from seawall.model.outbox import OutboxRow
from seawall.model.peer import PeerState

CIRCLE, PEER = "tw-kr", "harbour"
ROOT = "/taxii2/circles"
MEDIA = "application/taxii+json;version=2.1"


class RealNode:
    """A node, its peer ``harbour`` (verified, agreed), and requests by that peer without a network."""

    def __init__(self, folder: Path, peer: NodeKeys, *, url: str = "https://127.0.0.1:1", **bounds: Any) -> None:
        create_node(folder, name="Taipei", economy="TW", sector="unknown", timezone="UTC", lang="en")
        self.moment = 1_773_446_400_000_000
        self.node = Node.open(folder, clock=self.clock)
        self.node.store.peers.add(record_of(peer, PEER, url, PeerState.VERIFIED))
        wish = CircleWish(
            name=CIRCLE,
            members=(PEER,),
            tlp_ceiling="amber",
            tlp_floor="amber",
            attribution=True,
        )
        create_circle(self.node, wish)
        self.node.store.notes.set(f"agreed:{CIRCLE}:{PEER}", terms_digest(self.node.store.circles.get(CIRCLE)))
        self.url = f"{ROOT}/collections/{collection_id(self.node.keys.node_id, CIRCLE)}"
        self.bounds = Bounds(**bounds)
        self.app = self.fresh_app()

    def clock(self) -> int:
        """Moved by hand; two things never happen at once."""
        self.moment += 1
        return self.moment

    def fresh_app(self) -> Any:
        """The peer's app, as after a restart."""
        return peer_app(
            NodeExchange(self.node),
            title="Taipei",
            clock=self.node.clock,
            bounds=self.bounds,
            statuses=self.node.store.statuses,
            watch=PeerWatch(self.node),
        )

    def ask(
        self, method: str, path: str, content: bytes | AsyncIterator[bytes] | None = None, **parameters: str
    ) -> httpx.Response:
        """One request by the peer."""

        async def named(scope: Any, receive: Any, send: Any) -> None:
            scope["state"] = {PEER_KEY: PEER}
            await self.app(scope, receive, send)

        async def once() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(named), base_url="http://node") as client:
                return await client.request(
                    method,
                    path if path.startswith("/") else f"{self.url}/{path}",
                    content=content,
                    params=parameters,
                    headers={"Content-Type": MEDIA, "Accept": MEDIA},
                )

        return asyncio.run(once())

    def post(self, *bodies: bytes) -> httpx.Response:
        """POST objects."""
        return self.ask("POST", "objects/", b'{"objects":[' + b",".join(bodies) + b"]}")

    def put_out(self, *bodies: bytes) -> None:
        """Objects that were released to the peer."""
        rows = []
        for body in bodies:
            head = msgspec.json.decode(body)
            rows.append(OutboxRow(head["id"], head["modified"], body, frozenset({PEER})))
        self.node.store.outbox.add(CIRCLE, rows, self.clock())

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The ledger's events of one kind."""
        return [entry.event for entry in self.node.ledger.show(1_000).items if entry.kind == kind]
