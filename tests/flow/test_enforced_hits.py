"""What enforcement points met, as sightings: kept once, weighed calmly, told to the sharer under policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.neighbours import agree, neighbours, push, say
from seawall.flow import enforced_hits
from seawall.flow.enforced_hits import MAX_TAKEN, take_hits
from seawall.flow.findings import list_sightings
from seawall.flow.intel import import_paths
from seawall.flow.node import Node, create_node
from seawall.flow.refresh import refresh_findings
from seawall.flow.scores import scores_of
from seawall.model import Fault, Observable, ObservableType, Tlp
from seawall.model.directive import Action
from seawall.model.order import Booked, Lane, Order, OrderState
from seawall.protect.drivers.interface import ToolHit
from seawall.protect.gate import undo_name

MOMENT = 1_773_532_800_000_000  # 2026-03-15T00:00:00Z
SECOND, HOUR, DAY = 1_000_000, 3_600_000_000, 86_400_000_000
IPV4 = ObservableType.IPV4
LISTED = "203.0.113.9"


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node with one indicator."""
    folder = tmp_path / "node"
    create_node(folder, name="T", economy="TW", sector="energy", timezone="UTC", lang="en", clock=lambda: MOMENT)
    (tmp_path / "ours.csv").write_text(f"type,value\nipv4,{LISTED}\n")
    with Node.open(folder, clock=lambda: MOMENT) as made:
        import_paths(made, [tmp_path / "ours.csv"], tlp="green", source="ours")
        yield made


def met(value: str = LISTED, *, count: int = 3, at: int = MOMENT, action: Action = Action.BLOCK) -> ToolHit:
    """A tool's hit of a directive on an address."""
    return ToolHit(IPV4, value, undo_name(action, Observable(IPV4, value)), at - SECOND, at, count)


def seen(node: Node) -> list[tuple[object, object, object]]:
    """Value, count and basis of all sightings."""
    return [(row["value"], row["count"], row["basis"]) for row in list_sightings(node, limit=100, after=0).items]


def test_a_points_hit_is_a_sighting_and_counts_once(node: Node) -> None:
    """The same interval told twice counts once; another interval and another point add to it; no alarm is claimed."""
    assert take_hits(node, "gw-1", [met()]).new == 1
    assert take_hits(node, "gw-1", [met()]).unchanged == 1
    take_hits(node, "gw-1", [met(at=MOMENT - 10 * SECOND, count=2)])
    take_hits(node, "gw-2", [met(action=Action.WATCH)])
    assert seen(node) == [(LISTED, 8, ["indicator", "none"])]


def test_wrong_hits_are_refused_one_by_one(node: Node) -> None:
    """A value that nobody names, another's directive, impossible times and malformed values keep nothing else out."""
    strange = ToolHit(IPV4, LISTED, "0" * 16, MOMENT, MOMENT, 1)
    backwards = ToolHit(IPV4, LISTED, met().undo_id, MOMENT, MOMENT - 1, 1)
    malformed = [met("203.0.113.009"), met("x" * 9_000)]
    done = take_hits(node, "gw", [met("203.0.113.10"), strange, backwards, met(count=0), *malformed, met()])
    assert (done.new, done.refused) == (1, 6)
    assert [one.fault.code[-3:] for one in done.problems] == ["984", "982", "983", "983", "981", "981"]
    with pytest.raises(Fault, match="E-FLOW-980"):
        take_hits(node, "gw", [met()] * (MAX_TAKEN + 1))
    with pytest.raises(Fault, match="E-FLOW-102"):
        take_hits(node, "gw\x1b[31m", [met()])


def test_a_hit_raises_the_score_without_proving_the_word_that_blocked(node: Node) -> None:
    """The score rises, as for a value that our sensors met calmly; ten thousand drops say no more than one."""
    before = scores_of(node, [(IPV4, LISTED)])[IPV4, LISTED]
    take_hits(node, "gw", [met()])
    once = scores_of(node, [(IPV4, LISTED)])[IPV4, LISTED]
    take_hits(node, "gw-2", [met(count=10_000)])
    often = scores_of(node, [(IPV4, LISTED)])[IPV4, LISTED]
    assert before.value < once.value == often.value < before.value + 16
    assert "seen_here" in {part.name for part in once.parts}


def test_what_was_met_inside_a_network_is_a_hit_of_the_network(node: Node, tmp_path: Path) -> None:
    """Each address counts for the directive in whose network it lies; one outside it is refused."""
    network = Observable(ObservableType.CIDR, "198.51.100.0/26")
    (tmp_path / "net.csv").write_text(f"type,value\ncidr,{network.value}\n")
    import_paths(node, [tmp_path / "net.csv"], tlp="green", source="ours")
    name = undo_name(Action.BLOCK, network)
    order = Order(
        undo_id=name, action=Action.BLOCK, type=network.type, value=network.value, starts_at=MOMENT,
        expires_at=MOMENT + DAY, state=OrderState.ACTIVE, lane=Lane.OWN, reason="", release="1:ab", source="ours",
    )  # fmt: skip
    node.store.orders.put([Booked(order, "indicator--1", None, b"0" * 16, "own", "")], MOMENT)
    inside = [ToolHit(IPV4, f"198.51.100.{last}", name, MOMENT, MOMENT, 2) for last in (5, 6, 200)]
    done = take_hits(node, "gw", inside)
    assert (done.new, [one.fault.code for one in done.problems]) == (2, ["E-FLOW-982"])
    assert take_hits(node, "gw", inside).unchanged == 2
    assert seen(node) == [(network.value, 4, ["indicator", "none"])]
    assert node.store.hits.fold(MOMENT + 1) == 1
    assert seen(node) == [(network.value, 4, ["indicator", "none"])]


def test_old_hits_are_folded_and_still_say_the_same(node: Node) -> None:
    """A week later a day of one directive is one row, whoever folds how often; what it adds up to does not change."""
    take_hits(node, "gw", [met(at=MOMENT - second * 10 * SECOND) for second in range(40)])
    take_hits(node, "gw-2", [met(at=MOMENT - DAY - SECOND)])
    before = node.store.hits.totals()
    assert node.store.hits.count() == 41
    assert node.store.hits.fold(MOMENT - 2 * DAY) == 0
    assert node.store.hits.fold(MOMENT + 1) == 39
    assert node.store.hits.fold(MOMENT + 1) == 0
    assert node.store.hits.totals() == before
    take_hits(node, "gw", [met(at=MOMENT - 500 * SECOND)])
    assert node.store.hits.fold(MOMENT + 1) == 1
    assert (node.store.hits.count(), node.store.hits.totals()[0].count) == (2, 42 * 3)


def test_of_an_old_day_the_greatest_count_stands(node: Node) -> None:
    """What cannot be known again hit by hit never counts twice: not after folding, not when a log is read again."""
    old = [met(at=MOMENT - 30 * DAY - second * SECOND) for second in (1, 2, 3)]
    assert take_hits(node, "gw", old).new == 1
    assert take_hits(node, "gw", old).taken == 3
    assert take_hits(node, "gw", old[:1]).taken == 1
    assert seen(node) == [(LISTED, 9, ["indicator", "none"])]
    take_hits(node, "gw", [*old, met(at=MOMENT - 30 * DAY - 9 * SECOND)])
    assert seen(node) == [(LISTED, 12, ["indicator", "none"])]


def test_what_was_told_while_it_was_recent_is_not_told_again_later(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log that is read again when half of it has become old adds nothing."""
    told = [met(at=MOMENT - hour * HOUR) for hour in range(1, 20)]
    assert take_hits(node, "gw", told).new == 19
    monkeypatch.setattr(enforced_hits, "KEPT_APART", 10 * HOUR)
    assert take_hits(node, "gw", told).unchanged == 19
    assert seen(node) == [(LISTED, 19 * 3, ["indicator", "none"])]


def told_to(node: Node) -> dict[object, object]:
    """Origin and count of the sightings that peers told, by value."""
    rows = list_sightings(node, limit=100, after=0).items
    return {row["value"]: (row["origin"], row["count"]) for row in rows if row["origin"] is not None}


def test_a_gateways_hit_goes_back_to_the_sharer_and_to_nobody_else(tmp_path: Path) -> None:
    """What the neighbour named and our gateway stopped it sees as our sighting; who may not know the value does not.

    What we hold as TLP:RED ourselves stays here although the gateway met it.
    """
    shared, secret = "198.51.100.7", "198.51.100.8"
    with neighbours(tmp_path, "tide", "reef", "gull") as nodes:
        agree(nodes, "pair", "tide", "reef")
        agree(nodes, "others", "reef", "gull")
        say(nodes["tide"], shared, tlp=Tlp.AMBER)
        say(nodes["reef"], secret, tlp=Tlp.RED)
        push(nodes, "pair", "tide", "reef")
        at = nodes["reef"].clock()
        assert take_hits(nodes["reef"], "gw", [met(shared, at=at, count=4), met(secret, at=at)]).new == 2
        refresh_findings(nodes["reef"])
        push(nodes, "pair", "reef", "tide")
        push(nodes, "others", "reef", "gull")
        assert told_to(nodes["tide"]) == {shared: ("reef", 4)}
        assert told_to(nodes["gull"]) == {}
        parts = {part.name for part in scores_of(nodes["tide"], [(IPV4, shared)])[IPV4, shared].parts}
        assert "seen_by_peers" in parts
