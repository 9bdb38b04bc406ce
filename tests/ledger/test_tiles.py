"""Tiles: another reader of c2sp.org/tlog-tiles computes the root of the checkpoint from them alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from ledger.scenes import event
from seawall.identity import NodeKeys
from seawall.ledger import Ledger
from seawall.ledger.tiles import tile_path
from seawall.ledger.tree import Frontier
from seawall.model import Fault


def _fill(folder: Path, key: NodeKeys, count: int) -> None:
    with Ledger.open(folder, key) as ledger:
        ledger.record_many([event(number) for number in range(count)])


def _root(tiles: Path) -> str:
    """From the entries alone, and each full tile's root again from the level above."""
    size = int((tiles / "checkpoint").read_text().split("\n")[1])
    tree, above = Frontier(), b""
    for number in range((size + 255) // 256):
        width = min(256, size - number * 256)
        bundle = (tiles / tile_path("entries", number, width)).read_bytes()
        tile = (tiles / tile_path(0, number, width)).read_bytes()
        part = Frontier()
        for place in range(width):
            assert bundle[place * 34 : place * 34 + 2] == b"\x00\x20"
            leaf = hashlib.sha256(b"\x00" + bundle[place * 34 + 2 : place * 34 + 34]).digest()
            assert leaf == tile[place * 32 : place * 32 + 32]
            tree.append(leaf)
            part.append(leaf)
        above += part.root() if width == 256 else b""
    full = size // 256
    if full:
        assert (tiles / tile_path(1, 0, min(full, 256))).read_bytes() == above
    return tree.root().hex()


@pytest.mark.parametrize("count", [1, 255, 256, 257, 700])
def test_tiles_give_the_root(tmp_path: Path, node_key: NodeKeys, count: int) -> None:
    """At sizes around a tile's width, and after the ledger has grown, the exported tiles lead to the signed root."""
    for extra in (count, 300):
        _fill(tmp_path / "ledger", node_key, extra)
        with Ledger.open(tmp_path / "ledger", node_key) as ledger:
            assert ledger.export_tiles(tmp_path / "tiles") >= 3
            assert _root(tmp_path / "tiles") == ledger.root()


def test_paths_have_groups_of_three_digits() -> None:
    """The example of the specification."""
    assert tile_path(0, 1234067, 256) == "tile/0/x001/x234/067"
    assert tile_path(1, 273, 8) == "tile/1/273.p/8"


def test_another_folder_is_refused(tmp_path: Path, node_key: NodeKeys, other_key: NodeKeys) -> None:
    """A folder with something else, another ledger or a longer one, is left as it is."""
    _fill(tmp_path / "ledger", node_key, 5)
    _fill(tmp_path / "other", other_key, 5)
    _fill(tmp_path / "longer", node_key, 9)
    (tmp_path / "papers").mkdir()
    (tmp_path / "papers" / "letter").write_text("dear")
    with Ledger.open(tmp_path / "other", other_key) as other, Ledger.open(tmp_path / "longer", node_key) as longer:
        other.export_tiles(tmp_path / "a")
        longer.export_tiles(tmp_path / "b")
    with Ledger.open(tmp_path / "ledger", node_key) as ledger:
        for name in ("papers", "a", "b"):
            before = sorted(path.name for path in (tmp_path / name).rglob("*"))
            with pytest.raises(Fault, match="E-LEDGER-025"):
                ledger.export_tiles(tmp_path / name)
            assert sorted(path.name for path in (tmp_path / name).rglob("*")) == before
