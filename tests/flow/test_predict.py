"""Predictions and their grades from a node's own lake and store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from attack_scenes import world
from flow.predict_scene import DAY, FIRST_DAY, NAMES, address, lived, sighting
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.predict import Asked, evaluate, predict
from seawall.flow.predict_history import MAX_PEER_VICTIMS, gather
from seawall.flow.tables import import_sensors, relabel_rows
from seawall.model import Fault, ObservableType, Tlp, Visibility
from seawall.model.answer import Answer, Verdict
from seawall.model.overlap import OverlapItem
from seawall.warn.predictors import METHODS

WORLD = world(parties=4, days=12, attackers=80, noise=15)
LAST = FIRST_DAY + 11
EMPTY = world(parties=2, days=3, attackers=0, noise=0 + 1)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with eleven days of its own and of three peers."""
    with lived(tmp_path_factory.mktemp("predict"), WORLD) as made:
        yield made


def test_the_history_is_that_of_the_world(node: Node) -> None:
    """Every own meeting is a row on its day; a peer's sighting is one on its first and on its last day."""
    found = gather(node, days=12, seen=WHOLE_NODE)
    past = found.past
    assert (past.days, found.last_day, found.peers) == (12, LAST, ["", "p1", "p2", "p3"])
    assert sorted({victim.name for victim in found.victims if not victim.peer}) == [f"TW/{name}" for name in NAMES]
    rows = zip(past.source.tolist(), past.victim.tolist(), past.day.tolist(), strict=True)
    ours = {(found.keys[s][1], found.victims[v].sector, d) for s, v, d in rows if not found.victims[v].peer}
    truth = {(address(s), NAMES[v], d) for s, v, d in zip(*WORLD.rows[:3], strict=True) if v < 4}
    assert ours == truth
    assert (past.known >= past.day).all()


def test_a_list_with_reasons(node: Node) -> None:
    """Each value comes with its rank, score, who met it and sentences that say why; the list is for tomorrow."""
    found = predict(node, Asked(top=10, days=12))
    assert (found.document["state"], found.document["for_day"], found.document["peers"]) == ("ok", "2026-02-28", 3)
    assert [item["rank"] for item in found.items] == list(range(1, 11))
    scores = [float(str(item["score"])) for item in found.items]
    assert scores[0] == 1.0
    assert scores == sorted(scores, reverse=True)
    for item, reasons in zip(found.items, found.reasons, strict=True):
        assert item["reasons"] == [one.why for one in reasons]
        assert reasons
        assert item["seen_by"] or item["met_here"]
        assert 0 <= float(str(item["attention"])) <= 100


def test_only_values_that_have_not_come_yet(node: Node) -> None:
    """With ``unmet`` everything on the list was met by peers and not by us."""
    found = predict(node, Asked(top=15, days=12, unmet=True, method="knn"))
    assert len(found.items) == 15
    assert not any(item["met_here"] for item in found.items)
    assert all(item["seen_by"] and item["neighbours"] for item in found.items)


def test_one_sector_has_a_list_of_its_own(node: Node) -> None:
    """Asked for a sector the neighbours are that sector's; what is not ours is a sentence."""
    lists = [
        [item["value"] for item in predict(node, Asked(top=10, days=12, sector=name, method="knn")).items]
        for name in ("energy", "finance")
    ]
    assert lists[0] != lists[1]
    with pytest.raises(Fault) as raised:
        predict(node, Asked(sector="space"))
    assert raised.value.code == "E-FLOW-790"


def test_all_methods_are_graded(node: Node) -> None:
    """The table has every method with sample sizes and intervals; the private one says why it is silent here."""
    found = evaluate(node, Asked(top=20, days=12), liars=True)
    assert found.document["state"] == "ok"
    assert [row["method"] for row in found.items] == list(METHODS)
    rows = {str(row["method"]): row for row in found.items}
    assert rows["private"]["silent_days"] == 7
    assert str(rows["private"]["why_silent"]).startswith("E-WARN-134")
    for name in ("lwol", "gwol", "hpb", "knn"):
        assert rows[name]["test_days"] == 7
        assert rows[name]["hits"]
        assert set(rows[name]["hits_with_liar"]) == {"everything", "flood", "partners"}  # type: ignore[call-overload]


def test_what_a_comparison_found_feeds_the_private_method(tmp_path: Path) -> None:
    """From counts and the values that both hold alone there is a list."""
    with lived(tmp_path, WORLD, theirs=False) as alone:
        keys = gather(alone, days=12, seen=WHOLE_NODE).keys[:30]
        record_peer(alone, "kr")
        alone.store.overlaps.add(
            OverlapItem(
                peer="kr", type=kind, value=value, session="s", found_at=(LAST - 1) * DAY, ours_said=(LAST - 2) * DAY,
                theirs_said=(LAST - 3) * DAY,
            )
            for kind, value in keys
        )  # fmt: skip
        found = predict(alone, Asked(top=30, days=12, method="private"))
        assert {item["value"] for item in found.items} == {value for _, value in keys}
        assert all(item["seen_by"] == ["kr"] for item in found.items)


def record_peer(node: Node, name: str) -> None:
    """A verified peer of this name."""
    from exchange.scenes import record_of
    from seawall.identity import NodeKeys

    folder = node.folder.parent / f"{name}-keys"
    keys = NodeKeys.create(folder, name=name, economy="KR", at=node.clock())
    node.store.peers.add(record_of(keys, name, "https://127.0.0.1:1"))


def test_refuted_values_are_left_out(node: Node) -> None:
    """What our people refuted stands on no list, and the reader is told how many."""
    first = predict(node, Asked(top=3, days=12)).items[0]
    key = ObservableType(str(first["type"])), str(first["value"])
    node.store.answers.put([Answer(*key, Verdict.REFUTED, node.clock(), "mina")])
    try:
        found = predict(node, Asked(top=3, days=12))
        assert key[1] not in {item["value"] for item in found.items}
        assert any("refuted" in note.why for note in found.notes)
    finally:
        node.store.answers.remove(*key)


def test_who_may_not_see_it_gets_no_prediction_of_it(node: Node) -> None:
    """For a reader below the markings of sightings there is no history at all."""
    found = gather(node, days=12, seen=Visibility(tlp_at_most=Tlp.GREEN))
    assert (len(found.past.source), found.victims) == (0, [])


def test_one_sided_histories_say_so(tmp_path: Path) -> None:
    """Only ours: a list from our past, with the remark; only theirs: no list, and what is missing."""
    with lived(tmp_path / "a", WORLD, theirs=False) as ours:
        found = predict(ours, Asked(days=12, method="ewma"))
        assert found.items
        assert "No peer told" in found.notes[0].why
    with lived(tmp_path / "b", WORLD, ours=False) as theirs:
        found = predict(theirs, Asked(days=12))
        assert (found.items, found.document["state"]) == ([], "not enough data")
        assert "Our own sensors met nothing hostile" in found.missing[0].why
        assert evaluate(theirs, Asked(days=12)).items == []


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Node]:
    """A node that has met nothing."""
    with lived(tmp_path, EMPTY, ours=False, theirs=False) as made:
        yield made


def test_nothing_at_all(bare: Node) -> None:
    """An empty node says that it has nothing, for a list and for grades."""
    assert "Neither our sensors nor peers" in predict(bare, Asked()).missing[0].why
    assert evaluate(bare, Asked()).document["state"] == "not enough data"


def test_one_day_is_not_enough(tmp_path: Path) -> None:
    """With a single day there is nothing to learn an order of days from."""
    single = world(parties=2, days=1, attackers=60, noise=30)
    with lived(tmp_path, single) as node:
        assert "of one day" in predict(node, Asked()).missing[0].why


def test_what_is_dated_ahead_does_not_count(bare: Node) -> None:
    """A peer's future moments are left out and counted, and move no window."""
    now = bare.clock()
    bare.store.sightings.put([sighting("45.64.0.9", "kr", now + 900 * DAY, now + 901 * DAY, told_at=now)])
    found = gather(bare, days=5, seen=WHOLE_NODE)
    assert (len(found.past.source), found.left_out["dated_ahead"]) == (0, 2)
    assert any("lie in the future" in note.why for note in predict(bare, Asked()).notes)


def test_what_was_told_after_the_days_is_said(tmp_path: Path) -> None:
    """When peers told of these days only afterwards, the reader hears that no earlier day could use it."""
    with lived(tmp_path, WORLD, theirs=False) as node:
        node.store.sightings.put(
            sighting(address(number), "kr", LAST * DAY, LAST * DAY, told_at=node.clock() + DAY) for number in range(3)
        )
        assert predict(node, Asked(days=12, method="lwol")).notes == []
        later = node.clock() + 3 * DAY
        node.clock = lambda: later
        node.store.sightings.put(
            sighting(f"45.64.9.{number}", "kr", LAST * DAY, LAST * DAY, told_at=later) for number in range(9)
        )
        notes = [note.why for note in predict(node, Asked(days=12, method="lwol")).notes]
        assert "Peers told 12 of their 12 meetings after the last day" in notes[0]


def test_our_own_and_listed_values_are_no_predictions(bare: Node) -> None:
    """A peer that names our own address, or one on a warninglist, gets neither onto a list."""
    now = bare.clock()
    bare.store.sightings.put([sighting(value, "kr", now, now, told_at=now) for value in ("10.0.0.5", "8.8.8.8")])
    found = gather(bare, days=5, seen=WHOLE_NODE)
    assert (found.keys, found.left_out["screened"]) == ([], 2)


def test_a_peer_may_name_so_many_sectors(bare: Node) -> None:
    """Sectors beyond the bound count as one more victim of that peer."""
    now = bare.clock()
    bare.store.sightings.put(
        sighting(f"45.64.1.{number}", "kr", now, now, told_at=now, sectors=(f"sector {number}",))
        for number in range(200)
    )
    found = gather(bare, days=5, seen=WHOLE_NODE)
    assert len(found.victims) == MAX_PEER_VICTIMS + 1
    assert len(found.keys) == 200


def test_a_lake_of_two_sides(tmp_path: Path) -> None:
    """In a joint lake the list is for the node's own side, and the other side counts as a neighbour."""
    with lived(tmp_path, WORLD, theirs=False) as node:
        (tmp_path / "sensors.csv").write_text("sensor,side,sector\ns2,KR,energy\ns3,KR,finance\n")
        import_sensors(node, tmp_path / "sensors.csv")
        relabel_rows(node)
        assert predict(node, Asked(days=12)).document["for"] == ["TW/energy", "TW/finance"]
        found = predict(node, Asked(days=12, side="KR", method="lwol"))
        assert found.document["for"] == ["KR/energy", "KR/finance"]
        assert found.items
