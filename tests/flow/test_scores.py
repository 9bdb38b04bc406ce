"""Scores from a node's own store, lake and answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from journey.command_line import eve
from seawall.flow.intel import import_paths
from seawall.flow.node import Node, create_node
from seawall.flow.pipeline import ingest_paths, run_match
from seawall.flow.scores import PEER_PRIOR, SOURCE_PRIOR, list_scores, reliabilities, scores_of
from seawall.model import Observable, ObservableType, Pap, SightingSummary, Tlp, Visibility
from seawall.model.answer import Answer, Verdict
from seawall.warn import VoiceKind

MOMENT = 1_773_532_800_000_000  # 2026-03-15T00:00:00Z
DAY = 86_400 * 1_000_000
IPV4 = ObservableType.IPV4
MET, LISTED, TOLD, NOBODY = "203.0.113.9", "203.0.113.10", "203.0.113.11", "203.0.113.12"


class Clock:
    """Moved by hand."""

    def __init__(self) -> None:
        self.moment = MOMENT

    def __call__(self) -> int:
        return self.moment


@pytest.fixture
def clock() -> Clock:
    """The node's clock."""
    return Clock()


@pytest.fixture
def node(tmp_path: Path, clock: Clock) -> Iterator[Node]:
    """A node that met one listed address and holds another one that two lists name."""
    folder = tmp_path / "node"
    create_node(folder, name="T", economy="TW", sector="energy", timezone="UTC", lang="en", clock=clock)
    valid = "2026-03-14T00:00:00Z"
    (tmp_path / "one.csv").write_text(f"type,value,valid_from\nipv4,{MET},{valid}\nipv4,{LISTED},{valid}\n")
    (tmp_path / "two.csv").write_text(f"type,value,valid_from\nipv4,{LISTED},{valid}\n")
    (tmp_path / "eve.json").write_text(eve("2026-03-14T03:12:00.000001+0000", MET, "10.1.0.5", sensor="tpe-1") + "\n")
    with Node.open(folder, clock=clock) as made:
        import_paths(made, [tmp_path / "one.csv"], tlp="amber", source="one")
        import_paths(made, [tmp_path / "two.csv"], tlp="red", source="two")
        ingest_paths(made, [str(tmp_path / "eve.json")])
        run_match(made)
        yield made


def told(value: str, *, last: int, told_at: int, count: int = 3) -> SightingSummary:
    """What the peer ``kr`` told of an address."""
    return SightingSummary(
        type=IPV4, value=value, side="KR", first_seen=last, last_seen=last, count=count, sectors=("energy",),
        indicator_id=None, basis=("alert",), tlp=Tlp.AMBER, pap=Pap.GREEN, origin="kr", told_at=told_at,
    )  # fmt: skip


def answer(value: str, verdict: Verdict, peer: str | None = None) -> Answer:
    """Somebody's answer."""
    return Answer(IPV4, value, verdict, MOMENT, "mina", peer)


def value_of(node: Node, value: str) -> float:
    """One score."""
    return scores_of(node, [(IPV4, value)])[IPV4, value].value


def test_what_our_sensors_met_scores_above_what_a_list_only_names(node: Node) -> None:
    """A sighting of ours adds to a list's word; a value of which nobody says anything scores 0."""
    found = scores_of(node, [(IPV4, value) for value in (MET, LISTED, NOBODY)])
    assert found[IPV4, NOBODY].value == 0.0
    assert [part.name for part in found[IPV4, MET].parts] == ["source", "seen_here", "age"]
    assert [part.name for part in found[IPV4, LISTED].parts] == ["source", "agreement", "age"]
    assert found[IPV4, MET].value > found[IPV4, LISTED].value > 20


def test_a_score_fades(node: Node, clock: Clock) -> None:
    """Ten days later about half is left of an address, after its lifetime nothing."""
    now = value_of(node, MET)
    clock.moment += 10 * DAY
    assert 0.3 * now < value_of(node, MET) < 0.7 * now
    clock.moment += 40 * DAY
    assert value_of(node, MET) == 0.0


def test_a_peer_that_dates_ahead_keeps_nothing_alive(node: Node, clock: Clock) -> None:
    """A sighting dated years ahead counts from when it was told."""
    node.store.sightings.put([told(TOLD, last=MOMENT + 3_000 * DAY, told_at=MOMENT)])
    assert value_of(node, TOLD) > 20
    clock.moment += 41 * DAY
    assert value_of(node, TOLD) == 0.0


def test_answers_count(node: Node) -> None:
    """Our refutation takes most away, a peer's half at most, a confirmation adds."""
    before = value_of(node, MET)
    node.store.answers.put([answer(MET, Verdict.REFUTED, "kr")])
    by_peer = value_of(node, MET)
    assert 0.5 * before <= by_peer < before
    node.store.answers.put([answer(MET, Verdict.CONFIRMED)])
    assert value_of(node, MET) > by_peer
    node.store.answers.put([answer(MET, Verdict.REFUTED)])
    assert value_of(node, MET) < 0.2 * before


def test_reliability_is_earned(node: Node) -> None:
    """A party that our people often refuted weighs less than its prior, one that they confirmed more."""
    assert reliabilities(node) == {}
    many = [f"198.51.100.{number}" for number in range(8)]
    node.store.sightings.put([told(value, last=MOMENT, told_at=MOMENT) for value in many])
    node.store.answers.put([answer(value, Verdict.REFUTED) for value in many] + [answer(MET, Verdict.CONFIRMED)])
    trust = reliabilities(node)
    assert trust[VoiceKind.PEER, "kr"] < PEER_PRIOR / 2
    assert trust[VoiceKind.SOURCE, "one"] > SOURCE_PRIOR


def test_who_may_not_see_a_source_does_not_see_its_effect(node: Node) -> None:
    """A list above the reader's marking neither shows nor counts."""
    seen = scores_of(node, [(IPV4, LISTED)], seen=Visibility(tlp_at_most=Tlp.AMBER))[IPV4, LISTED]
    assert [part.name for part in seen.parts] == ["source", "age"]
    assert scores_of(node, [(IPV4, LISTED)], seen=Visibility(tlp_at_most=Tlp.CLEAR))[IPV4, LISTED].parts == ()


def test_the_list_is_highest_first(node: Node) -> None:
    """What was met or told is listed, highest first; one value alone is shown even when nobody says anything of it."""
    node.store.sightings.put([told(TOLD, last=MOMENT, told_at=MOMENT), told(NOBODY, last=MOMENT, told_at=1, count=0)])
    listed = list_scores(node)
    assert [item["value"] for item in listed.items] == [MET, TOLD]
    assert (listed.weighed, listed.cut) == (2, False)
    assert [item["value"] for item in list_scores(node, limit=1).items] == [MET]
    assert list_scores(node, type=ObservableType.DOMAIN).items == []
    [alone] = list_scores(node, value=Observable(IPV4, NOBODY)).items
    assert (alone["score"], alone["fades_at"], alone["parts"]) == (0.0, None, [])
