"""Scalars of epochs and backups: a copy would undo the wiping."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from flow.neighbours import neighbours
from seawall.exchange.psi import FOLDER, FileScalars
from seawall.flow.backup_parts import parts_of


def test_no_backup_holds_a_scalar(tmp_path: Path) -> None:
    """The key of an epoch lies in the node's folder and is no member of a backup, nor are its bytes."""
    scalar = bytes(range(1, 33))
    with neighbours(tmp_path, "taipei", "seoul") as nodes, ExitStack() as stack:
        taipei = nodes["taipei"]
        FileScalars(taipei.folder / FOLDER).put("ab" * 32, scalar)
        names = []
        for part in parts_of(taipei, stack, with_lake=False, on_progress=lambda _done, _total: None):
            names.append(part.name)
            assert scalar not in part.file.read()
            part.file.close()
    assert "keys/node.json" in names
    assert not any("ab" * 32 in name for name in names)
