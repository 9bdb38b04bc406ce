"""A node that receives, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.fake_node import FakeNode
from seawall.api import local_app
from seawall.api.receivers import elastic_routes, splunk_routes
from seawall.exchange import local_listener
from seawall.flow.node import ADMINISTRATOR_TOKEN, Node, create_node
from seawall.flow.receive import Drained, Receiver, drain
from seawall.model import UserRole


class Receiving:
    """A real node behind the two doors; nothing is taken in before ``drain``."""

    def __init__(self, node: Node, receiver: Receiver, client: httpx.Client) -> None:
        self.node = node
        self.receiver = receiver
        self.client = client
        self.token = (node.folder / ADMINISTRATOR_TOKEN).read_text().strip()

    def token_of(self, role: UserRole) -> str:
        """The token of a new person."""
        return self.node.store.users.add(f"a-{role.value}", role, self.node.clock())

    def drain(self) -> Drained:
        """Take in what waits."""
        return drain(self.node, self.receiver.spool)

    def rows(self, columns: str = "*") -> list[dict[str, object]]:
        """The lake's rows."""
        with self.node.lake.reading() as session:
            found: list[dict[str, object]] = session.sql(
                f"SELECT {columns} FROM {session.observations()} ORDER BY event"
            ).to_pylist()
            return found


@pytest.fixture
def receiving(tmp_path: Path) -> Iterator[Receiving]:
    """A node, its doors on loopback, and a client."""
    folder = tmp_path / "node"
    create_node(folder, name="Taipei", economy="TW", sector="isp", timezone="UTC", lang="en")
    with Node.open(folder) as node:
        receiver = Receiver(node)
        app = local_app(FakeNode(), routes=[*splunk_routes(receiver), *elastic_routes(receiver)])
        with (
            local_listener(app, host="127.0.0.1", port=0) as listener,
            httpx.Client(base_url=f"http://127.0.0.1:{listener.port}", trust_env=False, timeout=30) as client,
        ):
            yield Receiving(node, receiver, client)
