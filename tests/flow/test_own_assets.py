"""What is our own is known at once."""

from __future__ import annotations

from pathlib import Path

from journey.command_line import SeawallNode
from seawall.flow.node import Node
from seawall.flow.tables import import_assets
from seawall.model import Observable, ObservableType


def test_own_ranges_hold_at_once(tmp_path: Path) -> None:
    """Whoever asked before the import whether an address is ours hears of it afterwards, in the same process too."""
    table = tmp_path / "assets.csv"
    table.write_text("asset,organisation\n203.0.113.0/24,Example Bank\n")
    ours = Observable(ObservableType.IPV4, "203.0.113.9")
    with Node.open(SeawallNode(tmp_path / "node", "TW").folder) as node:
        assert not node.own_assets.is_own(ours)
        import_assets(node, table)
        assert node.own_assets.is_own(ours)
