"""A node beside a recorded MISP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exchange.misp.recorded_misp import KEY, MispServer, RecordedMisp
from journey.command_line import eve
from seawall.flow.misp_changing import MispChanging
from seawall.flow.misp_servers import MispServer as Server
from seawall.flow.misp_servers import add_server
from seawall.flow.misp_sync import sync_misp
from seawall.flow.node import Node, create_node
from seawall.flow.pipeline import ingest_paths
from seawall.model import Actor


class FakeClock:
    """Microseconds that tests move on; one clock for both sides, the MISP's ahead by ``skew`` seconds."""

    def __init__(self) -> None:
        self.at = 1_790_000_000_000_000
        self.skew = 0

    def __call__(self) -> int:
        return self.at

    def seconds(self) -> int:
        """The MISP's time."""
        return self.at // 1_000_000 + self.skew

    def on(self, seconds: float = 1) -> None:
        """Time passes."""
        self.at += int(seconds * 1_000_000)


class Beside(NamedTuple):
    """Node, MISP, and the door through which our people work."""

    node: Node
    misp: RecordedMisp
    server: MispServer
    clock: FakeClock
    door: MispChanging
    actor: Actor

    def sync(self, **options: bool) -> dict[str, Any]:
        """One synchronisation."""
        self.clock.on()
        return sync_misp(self.node, "own", **options)

    def ours(self, uuid: str) -> dict[str, Any]:
        """Our event."""
        from seawall.flow.misp_book import MispBook
        from seawall.flow.misp_rows import to_doc

        held = MispBook(self.node).held(uuid)
        assert held is not None
        return to_doc(held)

    def see(self, folder: Path, value: str, hour: int = 8) -> None:
        """A sensor of ours raises an alert for this address."""
        log = folder / f"{value}-{hour}.json"
        log.write_text(eve(f"2026-03-14T{hour:02}:00:00.000000+0000", value, "10.1.0.5", sensor="tpe-1") + "\n")
        ingest_paths(self.node, [str(log)])

    def add(self, info: str = "Ours", **fields: Any) -> str:
        """An event of ours with one domain; its UUID."""
        given = {"info": info, "Tag": [{"name": "tlp:green"}],
                 "Attribute": [{"type": "domain", "value": "ours.example"}], **fields}  # fmt: skip
        return str(self.door.add_event(self.actor, given).doc["uuid"])


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    """Both are empty."""
    create_node(tmp_path / "node", name="Taipei", economy="TW", sector="government", timezone="UTC", lang="en")
    (tmp_path / "key").write_text(KEY)
    clock = FakeClock()
    with (
        Node.open(tmp_path / "node", clock=clock) as node,
        MispServer(RecordedMisp(clock.seconds)) as server,
    ):
        add_server(node, Server("own", server.url), tmp_path / "key")
        yield Beside(node, server.misp, server, clock, MispChanging(node), node.actor)
