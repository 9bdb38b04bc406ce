"""A recall takes back what the tiers of an overlap told, which stood in no outbox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.books_scenes import HOUR, address, wait
from flow.overlap_scenes import Nodes, lined, share, suspect
from seawall.codec.sharing import candidate_id
from seawall.flow import overlap_evidence
from seawall.flow.context import WHOLE_NODE
from seawall.flow.findings import list_warnings
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.overlap_reveal import reveal
from seawall.flow.post import deliver
from seawall.flow.recall_sending import recall_object
from seawall.flow.recall_told import TAKEN_BACK, WE_TOOK_BACK
from seawall.flow.tiers import own_sightings_of
from seawall.model import NotFound, Observable, ObservableType
from seawall.model.overlap import OverlapItem, Tier
from seawall.model.recall import RecallState

IPV4 = ObservableType.IPV4
VALUE, OTHER = Observable(IPV4, address(4)), Observable(IPV4, address(5))


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Both told each other tiers 2 and 3 of two values that they both suspect."""
    with lined(tmp_path) as found:
        share(found)
        suspect(found["taipei"], range(6))
        suspect(found["seoul"], range(4, 9))
        run_overlap(found["taipei"], "seoul", type=IPV4)
        wait(found["taipei"], HOUR)
        yield found


def sighting(node: Node, value: Observable = VALUE) -> str:
    """Our own sighting of a value."""
    return own_sightings_of(node, [value])[value.type, value.value].id


def item(node: Node, peer: str, value: Observable = VALUE) -> OverlapItem:
    """What is known of a value that both hold."""
    (found,) = node.store.overlaps.find(peer, [(value.type, value.value)])
    return found


def heard(node: Node, peer: str, value: Observable = VALUE) -> bool:
    """Whether the peer's word about a value is in the books, and in a warning."""
    held = [
        one for one in node.store.sightings.of(value.type, value.value, visibility=WHOLE_NODE) if one.origin == peer
    ]
    rows = {str(row["value"]): row for row in list_warnings(node, limit=100, after=0).items}
    warned = value.value in rows and rows[value.value]["other_first_seen"] is not None
    assert bool(held) is warned
    return warned


@pytest.mark.parametrize("what", ["sighting", "candidate"])
def test_a_recall_reaches_whom_tiers_told(nodes: Nodes, what: str) -> None:
    """The receiver's books and warnings lose that word alone, it signs a receipt, and nothing is told again."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    assert heard(seoul, "taipei")
    id = sighting(taipei) if what == "sighting" else candidate_id(taipei.keys.identity_id, VALUE)
    done = recall_object(taipei, id, None)
    assert done["receivers"] == ["seoul"]
    deliver(taipei, "seoul")
    assert not heard(seoul, "taipei")
    assert heard(seoul, "taipei", OTHER)
    assert heard(taipei, "seoul")
    told = item(seoul, "taipei")
    assert (told.taken, told.taken_at, told.reason) == (Tier.MATCHED, None, TAKEN_BACK)
    deliver(taipei, "seoul")
    (row,) = taipei.store.recalls.list(object_id=id).items
    assert (row.state, row.said, row.peer) == (RecallState.CONFIRMED, "withdrawn", "seoul")
    assert item(taipei, "seoul").reason == WE_TOOK_BACK
    wait(taipei, 25 * HOUR)
    run_overlap(taipei, "seoul", type=IPV4)
    assert reveal(taipei, "seoul", 3, value=VALUE.value)["waiting"] == 0
    assert not heard(seoul, "taipei")


def test_a_recall_in_a_circle_without_the_peer_tells_it_nothing(nodes: Nodes) -> None:
    """What is taken back from one circle only does not reach who sits in another; unknown objects stay unknown."""
    taipei = nodes["taipei"]
    for value, circle in ((VALUE, "east"), (Observable(IPV4, address(0)), None)):
        with pytest.raises(NotFound, match="E-FLOW-060"):
            recall_object(taipei, sighting(taipei, value), circle)
    deliver(taipei, "seoul")
    assert heard(nodes["seoul"], "taipei")


def test_a_recall_that_overtakes_what_was_told_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notices go before messages: evidence that comes behind its own recall is not taken in."""
    with lined(tmp_path) as nodes:
        taipei, seoul = nodes["taipei"], nodes["seoul"]
        share(nodes)
        for node in nodes.values():
            suspect(node, range(4, 6))
        held: list[tuple[object, ...]] = []
        true_send = overlap_evidence._send

        def late(node: Node, *rest: object) -> None:
            if node is taipei and rest[1] == "told":
                held.append(rest)
            else:
                true_send(node, *rest)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(overlap_evidence, "_send", late)
            run_overlap(taipei, "seoul", type=IPV4)
        assert held
        assert not heard(seoul, "taipei")
        recall_object(taipei, sighting(taipei), None)
        deliver(taipei, "seoul")
        for rest in held:
            true_send(taipei, *rest)  # type: ignore[arg-type]
        deliver(taipei, "seoul")
        assert not heard(seoul, "taipei")
        assert heard(seoul, "taipei", OTHER)
