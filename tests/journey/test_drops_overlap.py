"""A comparison by the command line between two sites that share no network: only a stick goes to and fro."""

from __future__ import annotations

from pathlib import Path

from flow.books_scenes import address
from flow.overlap_scenes import suspect
from journey.carrying import no_network, two_shores
from journey.command_line import SeawallNode
from seawall.flow.node import Node


def values(node: SeawallNode, peer: str) -> set[str]:
    """What a node says both hold."""
    found = node.here("overlap", peer, "--type", "ipv4")
    return {item["value"] for item in found["items"]}


def test_two_sites_find_their_overlap_by_a_stick(tmp_path: Path) -> None:
    """No socket is opened, nothing on the stick names a side or a value, and both learn the plain intersection."""
    shores = two_shores(tmp_path)
    for node, numbers in ((shores.taipei, range(12)), (shores.seoul, range(8, 20))):
        with Node.open(node.folder) as opened:
            suspect(opened, numbers)
    sides = ((shores.taipei, "seoul", "taipei", shores.seoul), (shores.seoul, "taipei", "seoul", shores.taipei))
    messages = 0
    with no_network():
        for turn in range(9):
            for here, name, _, there in sides:
                written = here.here("export-drop", name, "-o", shores.stick, "--if-new")
                messages += (written["messages"] or {"messages": 0})["messages"]
                if any(shores.stick.iterdir()):
                    there.here("import-drop", shores.stick)
                for file in shores.stick.iterdir():
                    if file.suffix == ".messages":
                        carried = file.read_bytes()
                        assert not [word for word in (b"taipei", b"seoul", b"203.0.113") if word in carried]
                    file.unlink()
            if turn == 1:
                assert values(shores.taipei, "seoul") == set()
    common = {address(number) for number in range(8, 12)}
    assert values(shores.taipei, "seoul") == common
    assert values(shores.seoul, "taipei") == common
    assert messages > 6
