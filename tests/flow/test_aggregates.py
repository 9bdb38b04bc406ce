"""Rounds of masked sums between real nodes: exact, noised, on the ledger, within the budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.aggregates_scene import NAMES, QUERY, WEEK, Community, community, quiet
from seawall.exchange.aggregate import (
    Contribution,
    Input,
    commitment_of,
    reopened,
)
from seawall.flow import aggregates, aggregates_round
from seawall.flow.aggregates_audit import audit
from seawall.flow.aggregates_book import CONTRIBUTION, SET_UP
from seawall.flow.aggregates_files import export_round, import_rounds
from seawall.flow.aggregates_restored import refill, spend_releases
from seawall.flow.aggregates_round import Opening, advance_all
from seawall.flow.aggregates_rules import budget_of
from seawall.flow.aggregates_view import list_rounds, show_round
from seawall.flow.node import Node
from seawall.ledger import EventKind
from seawall.model import Fault, UserRole
from seawall.model.aggregate import RoundState


@pytest.fixture
def five(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Community]:
    """Five nodes with exact sums."""
    monkeypatch.setattr(aggregates_round, "draw", quiet)
    with community(tmp_path, monkeypatch, *NAMES) as found:
        yield found


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Community]:
    """Three nodes with real noise."""
    with community(tmp_path, monkeypatch, *NAMES[:3]) as found:
        yield found


def refused(code: str) -> pytest.RaisesExc[Fault]:
    """A Fault with this code."""
    return pytest.raises(Fault, match=code)


def shown(scene: Community, name: str, round_id: str) -> dict[str, dict[str, object]]:
    """The bins of a result, by name."""
    node = scene.nodes[name]
    result = show_round(node, node.store.aggregates.get(round_id))["result"]
    assert isinstance(result, dict)
    return {row["bin"]: row for row in result["bins"]}


def events(scene: Community, name: str, kind: EventKind) -> list[dict[str, object]]:
    """The details of ledger events of one kind."""
    ledger = scene.nodes[name].ledger
    found = [ledger.entry(place).event for place in range(ledger.size)]
    return [event["details"] | {"subject": event["subject"]} for event in found if event["kind"] == kind.value]


def test_five_nodes_learn_the_exact_sum_without_noise(five: Community) -> None:
    """Every node has the same result; bins of few nodes or small counts are told as suppressed."""
    for place, name in enumerate(NAMES):
        five.counts[name] = {"energy": 30 + place, "water": 50 if place < 2 else 0, "media": 1}
    round_id = five.whole()
    for name in NAMES:
        assert five.kept(name, round_id).state is RoundState.FINISHED
        bins = shown(five, name, round_id)
        assert (bins["energy"]["count"], bins["energy"]["nodes"]) == (160, 5)
        assert (bins["water"]["count"], bins["water"]["suppressed"]) == (None, "too few nodes")
        assert bins["media"]["suppressed"] == "too few nodes"
    assert five.kept("taipei", round_id).key is None


def test_no_message_holds_a_count_in_the_clear(three: Community) -> None:
    """Two rounds' worth of messages hold no word that equals what a node counted, and everyone's commitment differs."""
    for place, name in enumerate(NAMES[:3]):
        three.counts[name] = {"energy": 1_000 + place}
    round_id = three.whole()
    held = three.nodes["taipei"].store.aggregates.documents(round_id, CONTRIBUTION)
    said = [reopened(one.envelope, Contribution) for one in held.values()]
    assert len({one.commitment for one in said}) == 3
    for one in said:
        assert all(int.from_bytes(one.vector[at : at + 8], "little") > 2**32 for at in range(0, len(one.vector), 8))


def test_noise_is_in_every_result_and_what_it_is_stands_beside_it(three: Community) -> None:
    """Deviation, interval, budget and the plain limits are part of the answer."""
    for name in NAMES[:3]:
        three.counts[name] = {"energy": 5_000}
    round_id = three.whole()
    document = show_round(three.nodes["seoul"], three.kept("seoul", round_id))
    bins = shown(three, "seoul", round_id)
    energy = bins["energy"]
    assert energy["low"] <= energy["count"] <= energy["high"]  # type: ignore[operator]
    assert abs(int(str(energy["count"])) - 15_000) < 500
    assert document["result"]["noise_deviation"] > 10  # type: ignore[index]
    assert document["budget"]["left"] == 7  # type: ignore[index]
    assert document["tlp"] == "amber+strict"
    assert document["warnings"] == ["a member that puts in false numbers is not noticed"]


def test_every_contribution_is_on_the_ledger_with_its_commitment(three: Community) -> None:
    """Agreed, started, joined, contributed, finished: and the commitment opens to what was put in."""
    three.counts["seoul"] = {"water": 44}
    round_id = three.whole()
    event = events(three, "seoul", EventKind.AGGREGATE_CONTRIBUTED)[0]
    kept = three.kept("seoul", round_id)
    assert event["subject"] == f"round {round_id}"
    opening = msgspec.json.decode(kept.opening or b"", type=Opening)
    put_in = Input(opening.counts, opening.noise, opening.presence, opening.salt)
    assert event["commitment"] == commitment_of(put_in, round_id)
    assert 44 in opening.counts
    node = three.nodes["seoul"]
    assert audit(node, kept)["holds"] is True
    changed_book = msgspec.structs.replace(opening, counts=(45, *opening.counts[1:]))
    assert audit(node, msgspec.structs.replace(kept, opening=msgspec.json.encode(changed_book)))["holds"] is False
    with refused("E-FLOW-674"):
        audit(node, msgspec.structs.replace(kept, opening=None))
    for kind in (EventKind.AGGREGATE_AGREED, EventKind.AGGREGATE_JOINED, EventKind.AGGREGATE_FINISHED):
        assert len(events(three, "seoul", kind)) == 1
    assert len(events(three, "taipei", EventKind.AGGREGATE_STARTED)) == 1


def test_nobody_takes_part_without_a_person_or_a_standing_setting(three: Community) -> None:
    """An invitation waits; nothing of ours left, nothing is charged."""
    round_id = three.start()
    assert three.kept("seoul", round_id).state is RoundState.INVITED
    assert three.nodes["seoul"].store.aggregates.documents(round_id, SET_UP) == {}
    assert budget_of(three.nodes["seoul"], "attacks").spent == 0
    aggregates.decline(three.nodes["seoul"], round_id)
    with refused("E-FLOW-667"):
        aggregates.join(three.nodes["seoul"], round_id)


def test_a_standing_setting_joins_by_itself(three: Community) -> None:
    """The named query only, and only when all rules hold."""
    for name in ("seoul", "tokyo"):
        node = three.nodes[name]
        node.settings = msgspec.structs.replace(
            node.settings, aggregates=msgspec.structs.replace(node.settings.aggregates, join=(QUERY,))
        )
    round_id = three.start()
    assert three.kept("tokyo", round_id).state is RoundState.FINISHED
    again = [three.nodes["taipei"], ["seoul", "tokyo"]]
    with refused("E-FLOW-657"):
        aggregates.start(again[0], QUERY, others=again[1], period=WEEK, days=7)  # type: ignore[arg-type]


def test_two_nodes_are_told_that_a_sum_of_two_hides_nothing(three: Community) -> None:
    """Refused without a word on it, by starter and member; with it, the warning stays beside the result."""
    with refused("E-FLOW-655"):
        aggregates.start(three.nodes["taipei"], QUERY, others=["seoul"], period=WEEK, days=7)
    started = aggregates.start(three.nodes["taipei"], QUERY, others=["seoul"], period=WEEK, days=7, two_nodes=True)
    three.deliver()
    round_id = str(started["round"])
    with refused("E-FLOW-655"):
        aggregates.join(three.nodes["seoul"], round_id)
    for name in ("taipei", "seoul"):
        three.counts[name] = {"energy": 4_000}
    aggregates.join(three.nodes["seoul"], round_id, two_nodes=True)
    three.deliver()
    document = show_round(three.nodes["seoul"], three.kept("seoul", round_id))
    assert document["state"] == "finished"
    assert "hides nothing" in str(document["warnings"])


def test_the_budget_ends_after_eight_releases_and_comes_back_after_a_year(three: Community) -> None:
    """The ninth is refused with the day on which it may be; budget is charged before anything leaves."""
    for place in range(8):
        three.whole(period=f"2026-W0{place + 1}")
    assert budget_of(three.nodes["tokyo"], "attacks").left == 0
    with refused("E-FLOW-659"):
        three.start(period=WEEK)
    assert budget_of(three.nodes["tokyo"], "incidents").left == 8
    three.nodes["tokyo"].clock.moment += 366 * 86_400_000_000  # type: ignore[attr-defined]
    assert budget_of(three.nodes["tokyo"], "attacks").left == 8


def test_a_restore_gives_no_budget_back(three: Community) -> None:
    """All releases count as made and a joined round is left; two people take back what the others say was not."""
    first = three.whole(period="2026-W09")
    round_id = three.start()
    node = three.nodes["taipei"]
    spent = spend_releases(node, node.clock())
    assert [name for name in spent if "attacks" in name] == ["aggregates: attacks"]
    assert budget_of(node, "attacks").left == 0
    assert three.kept("taipei", round_id).state is RoundState.LAPSED
    assert three.kept("taipei", first).state is RoundState.FINISHED
    with refused("E-FLOW-022"):
        refill(node, "attacks", 3)
    token = node.folder / "ren.token"
    token.write_text(node.store.users.add("ren", UserRole.APPROVER, node.clock()))
    with Node.open(node.folder, approver_token=token, clock=node.clock) as again:
        for data_set, count, code in (("attacks", 8, "E-FLOW-676"), ("nothing", 1, "E-FLOW-675")):
            with refused(code):
                refill(again, data_set, count)
        assert refill(again, "attacks", 7)["left"] == 7


def test_a_node_that_dies_between_steps_goes_on_and_says_the_same_again(
    three: Community, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before the message was queued: the job sends the contribution that was charged, not another one."""
    round_id = three.start()

    def dies(*arguments: object, **named: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        aggregates.join(three.nodes["seoul"], round_id)
        aggregates.join(three.nodes["tokyo"], round_id)
        patch.setattr("seawall.flow.post.post", dies)
        with pytest.raises(KeyboardInterrupt):
            three.deliver()
    monkeypatch.setattr("seawall.flow.post.post", three.post)
    three.queue = [entry for entry in three.transcript if entry[1] == "taipei"] + three.queue
    three.deliver()
    for node in three.nodes.values():
        advance_all(node)
        three.deliver()
    digests = {
        one.digest
        for node in three.nodes.values()
        for one in node.store.aggregates.documents(round_id, CONTRIBUTION).values()
    }
    assert len(digests) == 3
    assert {three.kept(name, round_id).state for name in NAMES[:3]} == {RoundState.FINISHED}
    assert budget_of(three.nodes["taipei"], "attacks").spent == 1


def test_a_round_that_is_not_finished_in_time_lapses(three: Community) -> None:
    """Its key is gone and nothing more is taken in."""
    round_id = three.start(days=1)
    aggregates.join(three.nodes["seoul"], round_id)
    three.nodes["seoul"].clock.moment += 2 * 86_400_000_000  # type: ignore[attr-defined]
    advance_all(three.nodes["seoul"])
    kept = three.kept("seoul", round_id)
    assert (kept.state, kept.key) == (RoundState.LAPSED, None)


def test_a_week_that_is_not_over_is_not_asked_for(three: Community) -> None:
    """Each node contributes to a week once, so it waits for all of it."""
    with refused("E-FLOW-656"):
        three.start(period="2026-W11")


def test_nobody_starts_or_joins_before_agreeing_to_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence names both commands; who has agreed stands beside the catalogue."""
    monkeypatch.setattr(Community, "agree", lambda _: None)
    with community(tmp_path, monkeypatch, *NAMES[:3]) as scene:
        with refused("E-FLOW-653"):
            scene.start()
        document = aggregates.agree(scene.nodes["taipei"])
        scene.deliver()
        assert document["agreed"] == ["this node"]
        round_id = scene.start()
        with refused("E-FLOW-653"):
            aggregates.join(scene.nodes["seoul"], round_id)
        assert aggregates.agree(scene.nodes["seoul"])["not_yet"] == ["tokyo"]


def test_members_without_a_network_take_part_by_files(five: Community, tmp_path: Path) -> None:
    """A whole round in which every document of one member is carried; a file is written once and for its reader."""
    node, far = five.nodes["taipei"], five.nodes["manila"]
    for one, peer in ((node, "manila"), (far, "taipei")):
        held = one.store.peers.get(peer)
        one.store.peers.replace(msgspec.structs.replace(held, url="https://carried.invalid"))
    for name in NAMES:
        five.counts[name] = {"water": 25}
    round_id = five.start()
    assert not any(receiver == "manila" for _, receiver, _ in five.transcript[-4:])
    five.join(round_id, "seoul", "tokyo", "canberra")

    def carry(sender: str, receiver: str, name: str) -> dict[str, object]:
        export_round(five.nodes[sender], five.kept(sender, round_id), receiver, tmp_path / name)
        done = import_rounds(five.nodes[receiver], tmp_path / name)
        five.deliver()
        return done

    carry("taipei", "manila", "1")
    aggregates.join(far, round_id)
    assert show_round(node, five.kept("taipei", round_id))["by_file"] == ["manila"]
    for place in range(2):
        assert carry("manila", "taipei", f"a{place}")["problems"] == []
        carry("taipei", "manila", f"b{place}")
    assert shown(five, "manila", round_id)["water"]["count"] == 125
    with refused("E-FLOW-672"):
        export_round(node, five.kept("taipei", round_id), "manila", tmp_path / "1")
    with refused("E-FLOW-671"):
        export_round(five.nodes["seoul"], five.kept("seoul", round_id), "tokyo", tmp_path / "2")
    assert len(events(five, "taipei", EventKind.AGGREGATE_EXPORTED)) == 3


def test_lists_name_members_by_code_names(three: Community) -> None:
    """Rows hold no node id of a peer, and tell what is waited for."""
    round_id = three.start()
    row = next(row for row in list_rounds(three.nodes["seoul"], limit=10) if row["round"] == round_id)
    assert (row["starter"], sorted(row["members"])) == ("taipei", ["taipei", "this node", "tokyo"])  # type: ignore[call-overload]
    assert three.nodes["taipei"].keys.node_id not in json.dumps(row)
    assert aggregates.find(three.nodes["seoul"], round_id[:8]).round_id == round_id
