"""Matching as the node does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from seawall.flow.intel import import_paths
from seawall.flow.node import Node, create_node
from seawall.flow.pipeline import ingest_paths, run_match
from seawall.store import indicator_keys

MOMENT = 1_773_532_800_000_000  # 2026-03-15T00:00:00Z
LINE = (
    '{"timestamp":"2026-03-14T05:00:00.000000+0000","event_type":"flow","src_ip":"10.0.0.5",'
    '"dest_ip":"203.0.113.9","proto":"TCP","host":"s"}\n'
)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with one event and no indicator."""
    folder = tmp_path / "node"
    create_node(folder, name="T", economy="TW", sector="energy", timezone="UTC", lang="en", clock=lambda: MOMENT)
    (tmp_path / "eve.json").write_text(LINE)
    with Node.open(folder, clock=lambda: MOMENT) as made:
        ingest_paths(made, [str(tmp_path / "eve.json")])
        yield made


def learn(node: Node, folder: Path, value: str) -> None:
    """Import one indicator."""
    (folder / "list.csv").write_text(f"type,value\nipv4,{value}\n")
    import_paths(node, [folder / "list.csv"], tlp="amber", source="ours")


def test_a_match_with_nothing_new_reads_no_keys(node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where neither an event nor an indicator is new, the millions of keys stay where they are."""
    learn(node, tmp_path, "203.0.113.9")
    assert run_match(node)["hits"] == 1
    read: list[int] = []
    whole = indicator_keys.read_keys

    def counted(connection: object, after: int) -> object:
        table = whole(connection, after)  # type: ignore[arg-type]
        read.append(table.num_rows)
        return table

    monkeypatch.setattr(indicator_keys, "read_keys", counted)
    assert run_match(node)["hits"] == 1
    assert read == [0]


def test_a_match_meets_an_indicator_that_came_later(node: Node, tmp_path: Path) -> None:
    """A match without any indicator, one with a new indicator, and one with a second: each finds what is new."""
    assert run_match(node)["hits"] == 0
    learn(node, tmp_path, "198.51.100.7")
    assert run_match(node)["hits"] == 0
    learn(node, tmp_path, "203.0.113.9")
    assert run_match(node)["hits"] == 1
