"""A peer that was broken into: what it sent since is set aside, scores return to what they were, and all of it comes
back on demand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.neighbours import agree, neighbours, push, say
from seawall.flow.compromised import mark_compromised, undo_compromised
from seawall.flow.context import WHOLE_NODE
from seawall.flow.findings import list_sightings, list_warnings
from seawall.flow.node import Node
from seawall.model import Fault, NotFound, Refused, Tlp, rfc3339

EARLY, LATE, SHARED = "203.0.113.7", "203.0.113.8", "203.0.113.9"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``west``, Seoul and Tokyo share ``east``."""
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as found:
        agree(found, "west", "taipei", "seoul")
        agree(found, "east", "seoul", "tokyo")
        yield found


def view(node: Node) -> dict[str, object]:
    """All that the node holds for true: values with their scores, objects, sightings, warnings."""
    entries = node.store.indicators.list(WHOLE_NODE, limit=1_000).items
    objects = node.store.objects.list(WHOLE_NODE, limit=1_000).items
    return {
        "values": sorted((e.value, e.indicator_id, e.confidence, int(e.tlp), e.origin, e.sources) for e in entries),
        "objects": sorted((item.id, item.version, item.body) for item in objects),
        "sightings": list_sightings(node, limit=1_000, after=0).items,
        "warnings": list_warnings(node, limit=1_000, after=0).items,
    }


def test_scores_return_to_their_prior_values(nodes: dict[str, Node]) -> None:
    """What came before the moment stays, what came since is gone, what both said is ours again; undo brings it back."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    say(taipei, EARLY)
    push(nodes, "west", "taipei", "seoul")
    say(seoul, SHARED)
    before = view(seoul)
    since = rfc3339(seoul.clock())
    for value in (LATE, SHARED):
        say(taipei, value, tlp=Tlp.AMBER)
    say(taipei, "a false lead", kind="attack-pattern")
    push(nodes, "west", "taipei", "seoul")
    poisoned = view(seoul)
    assert poisoned != before
    planned = mark_compromised(seoul, "taipei", since, dry_run=True)
    assert (planned["words"], planned["objects"], planned["state"]) == (2, 1, "verified")
    assert view(seoul) == poisoned
    done = mark_compromised(seoul, "taipei", since)
    assert (done["words"], done["objects"], done["state"]) == (2, 1, "suspended")
    assert view(seoul) == before
    undone = undo_compromised(seoul, "taipei")
    assert (undone["words"], undone["objects"], undone["state"]) == (2, 1, "suspended")
    assert view(seoul) == poisoned


def test_who_must_be_told_is_named(nodes: dict[str, Node]) -> None:
    """Tokyo got what Seoul passed on; Taipei itself is not among them."""
    indicator = say(nodes["taipei"], LATE, tlp=Tlp.CLEAR)
    push(nodes, "west", "taipei", "seoul")
    push(nodes, "east", "seoul", "tokyo")
    done = mark_compromised(nodes["seoul"], "taipei", "2026-01-01T00:00:00Z")
    assert done["must_be_told"] == [{"receiver": "tokyo", "objects": 1, "ids": [indicator]}]


def test_bad_requests_are_one_sentence(nodes: dict[str, Node]) -> None:
    """An unreadable moment, nobody, twice, and an undo of nothing."""
    seoul = nodes["seoul"]
    with pytest.raises(Fault, match="E-MODEL-001"):
        mark_compromised(seoul, "taipei", "last week")
    with pytest.raises(NotFound):
        mark_compromised(seoul, "busan", "2026-01-01T00:00:00Z")
    with pytest.raises(Refused, match="E-FLOW-332"):
        undo_compromised(seoul, "taipei")
    mark_compromised(seoul, "taipei", "2026-01-01T00:00:00Z")
    with pytest.raises(Refused, match="E-FLOW-331"):
        mark_compromised(seoul, "taipei", "2026-01-01T00:00:00Z")
