"""Two real nodes find what both hold over a real line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.books_scenes import HOUR, address, wait
from flow.overlap_scenes import Nodes, lined, share, suspect
from seawall.flow import overlap_evidence, overlap_rounds
from seawall.flow.findings import list_warnings
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.post import post
from seawall.ledger import EventKind
from seawall.model import ObservableType
from seawall.model.epoch import epoch_of
from seawall.model.message import MessageKind
from seawall.model.overlap import Tier

IPV4 = ObservableType.IPV4


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Taipei and Seoul."""
    with lined(tmp_path) as found:
        yield found


def values(found: dict[str, object]) -> set[str]:
    """What a run says both hold."""
    items = found["items"]
    assert isinstance(items, list)
    return {str(item["value"]) for item in items}


def test_both_learn_the_plain_intersection_and_nothing_else(nodes: Nodes) -> None:
    """The run ends within one command, and both sides hold the same values as plain sets would give."""
    share(nodes)
    suspect(nodes["taipei"], range(30))
    suspect(nodes["seoul"], range(20, 60))
    found = run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert (found["state"], found["problems"]) == ("complete", [])
    assert values(found) == {address(number) for number in range(20, 30)}
    assert (found["mine"], found["common"]) == (30, 10)
    theirs = nodes["seoul"].store.overlaps.list("taipei").items
    assert {item.value for item in theirs} == values(found)


def test_what_both_tell_becomes_a_warning(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where sightings go without a click, both open their commitments and tell when and in which sectors: a warning
    with its lead arises on both sides, every step is on the ledger, and no private value was in any message."""
    said: list[bytes] = []

    def heard(node: Node, peer: str, kind: MessageKind, body: bytes) -> int:
        said.append(body)
        return post(node, peer, kind, body)

    for module in (overlap_rounds, overlap_evidence):
        monkeypatch.setattr(module, "post", heard)
    share(nodes)
    suspect(nodes["taipei"], range(6))
    suspect(nodes["seoul"], range(4, 9))
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    common = {address(4), address(5)}
    for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
        items = nodes[name].store.overlaps.list(other).items
        assert {(item.value, item.given, item.taken) for item in items} == {
            (value, Tier.SECTOR, Tier.SECTOR) for value in common
        }, [item.reason for item in items]
        warned = {str(row["value"]): row for row in list_warnings(nodes[name], limit=100, after=0).items}
        assert common <= warned.keys()
        assert all(warned[value]["other_first_seen"] is not None for value in common)
    private = {address(number).encode() for number in (*range(4), *range(6, 9))}
    assert len(said) > 8
    assert not [body for body in said for value in private if value in body]
    leaves = nodes["taipei"].ledger.show(limit=1_000).items
    assert [leaf for leaf in leaves if leaf.kind == EventKind.OVERLAP_TOLD.value]
    runs = {
        leaf.event["details"]["lane"]: leaf.event["details"]
        for leaf in leaves
        if leaf.kind == EventKind.OVERLAP_RUN.value
    }
    assert len(runs) == 3
    run = runs["overlap"]
    assert (run["mine"], run["common"], run["epoch"]) == (6, 2, str(epoch_of(nodes["taipei"].clock()).number))
    assert run["budget_before"] - run["budget_after"] == run["theirs"] == 128


def test_young_values_enter_through_a_small_budget(nodes: Nodes) -> None:
    """Of what was committed to just now only the day's few enter, also in a second run; after a day the rest does."""
    share(nodes, age=86_400)
    for node in nodes.values():
        few = msgspec.structs.replace(node.settings.overlap, hot_per_day=5)
        node.settings = msgspec.structs.replace(node.settings, overlap=few)
        suspect(node, range(12))
    first = run_overlap(nodes["taipei"], "seoul", type=IPV4)
    again = run_overlap(nodes["seoul"], "taipei", type=IPV4)
    assert (first["mine"], first["common"], again["mine"], again["common"]) == (5, 5, 5, 5)
    wait(nodes["taipei"], 25 * HOUR)
    later = run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert (later["mine"], later["common"]) == (12, 12), later
    assert {item.given for item in nodes["seoul"].store.overlaps.list("taipei").items} == {Tier.SECTOR}
