"""Notices in carried files: before the objects, settled by the next file back."""

from __future__ import annotations

from pathlib import Path

import pytest

from flow.neighbours import HEARD, neighbours
from seawall.flow.drop import export_drop
from seawall.flow.drop_taking import import_drops
from seawall.flow.node import Node
from seawall.flow.notices import HANDLERS, send_notice
from seawall.model.notice import NoticeKind


def test_notices_travel_in_drops(tmp_path: Path) -> None:
    """They are handled before the objects, and the next drop back says how far the other side is; then it is quiet."""
    HEARD.clear()
    with neighbours(tmp_path, "taipei", "seoul") as nodes, pytest.MonkeyPatch.context() as patch:
        patch.setitem(HANDLERS, NoticeKind.TERMS, "flow.neighbours:hear")
        taipei, seoul = nodes["taipei"], nodes["seoul"]
        for _ in range(2):
            send_notice(taipei, "seoul", NoticeKind.TERMS, {})
        assert carried(taipei, "seoul", tmp_path / "one", seoul) == 1
        assert [notice.number for notice in HEARD] == [1, 2]
        assert taipei.store.notices.count_waiting("seoul") == 3  # and our prekey, which travels with the first drop
        assert carried(seoul, "taipei", tmp_path / "back", taipei) == 1
        assert taipei.store.notices.count_waiting("seoul") == 0
        for turn in range(3):
            carried(taipei, "seoul", tmp_path / f"there-{turn}", seoul)
            carried(seoul, "taipei", tmp_path / f"home-{turn}", taipei)
        assert carried(taipei, "seoul", tmp_path / "last", seoul) == 0
        assert len(HEARD) == 2


def carried(sender: Node, name: str, file: Path, receiver: Node) -> int:
    """What is new goes by file, if anything is; how many files."""
    items = export_drop(sender, name, file, if_new=True)["items"]
    assert isinstance(items, list)
    if items:
        import_drops(receiver, [file])
    return len(items)
