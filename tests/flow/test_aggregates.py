"""Rounds of masked sums between real nodes: exact, once only, safe when somebody drops out or lies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.aggregates_scene import NAMES, QUERY, WEEK, Community, changed, community, quiet
from seawall.exchange.aggregate import (
    Contribution,
    Input,
    Proposal,
    SetUp,
    catalogue,
    commitment_of,
    pack,
    reopened,
    seal,
)
from seawall.flow import aggregates, aggregates_round
from seawall.flow.aggregates_book import CONTRIBUTION, SET_UP
from seawall.flow.aggregates_files import export_round, import_rounds
from seawall.flow.aggregates_round import Opening, advance_all
from seawall.flow.aggregates_rules import budget_of
from seawall.flow.aggregates_taking import take
from seawall.flow.aggregates_view import list_rounds, show_round
from seawall.ledger import EventKind
from seawall.model import Fault
from seawall.model.aggregate import RoundState
from seawall.model.peer import PeerState


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


def test_a_dropped_member_is_left_out_by_a_rerun_under_a_new_id(five: Community) -> None:
    """The others finish with new keys and a second charge; the first round can never be added up."""
    for name in NAMES:
        five.counts[name] = {"energy": 100}
    first = five.start()
    five.silent = {"canberra"}
    five.join(first, "seoul", "tokyo", "manila")
    aggregates.join(five.nodes["canberra"], first)  # gives its key, then is heard no more
    five.deliver()
    assert {five.kept(name, first).state for name in NAMES[:4]} == {RoundState.CONTRIBUTED}
    again = str(aggregates.rerun(five.nodes["taipei"], first, without=["canberra"], days=7)["round"])
    five.deliver()
    five.join(again, "seoul", "tokyo", "manila")
    assert again != first
    for name in NAMES[:4]:
        assert five.kept(name, first).state is RoundState.LAPSED
        assert shown(five, name, again)["energy"]["count"] == 400
        assert budget_of(five.nodes[name], "attacks").spent == 2
    five.silent = set()
    old = five.nodes["taipei"].store.aggregates.documents(first, SET_UP)
    take(five.nodes["canberra"], [one.envelope for one in old.values()])
    five.nodes["taipei"].store.aggregates.documents(first, CONTRIBUTION)
    assert any("E-FLOW-652" in str(fault) for fault in five.deliver())
    assert five.kept("taipei", first).state is RoundState.LAPSED


def test_a_second_round_over_the_same_weeks_is_refused(five: Community) -> None:
    """The double-round attack: same weeks, one member fewer, also inside a longer period or by another starter."""
    first = five.whole()
    assert five.kept("seoul", first).state is RoundState.FINISHED
    for starter, period in (("taipei", WEEK), ("seoul", "2026-W09..2026-W10")):
        with refused("E-FLOW-657"):
            aggregates.start(five.nodes[starter], QUERY, others=["tokyo", "manila"], period=period, days=7)
    fresh = str(
        aggregates.start(five.nodes["taipei"], QUERY, others=["tokyo", "manila"], period="2026-W09", days=7)["round"]
    )
    five.deliver()
    aggregates.join(five.nodes["tokyo"], fresh)


def test_a_starter_that_forgets_its_own_first_round_is_refused_by_the_others(five: Community) -> None:
    """A second proposal without one member, signed and sent by a starter that keeps no rules."""
    first = five.whole()
    spoilt = _forged(five, first, round_id="c" * 32, rerun_of="", without="canberra")
    five.say("taipei", "seoul", pack([spoilt.envelope]))
    with refused("E-FLOW-657"):
        aggregates.join(five.nodes["seoul"], "c" * 32)
    spoilt = _forged(five, first, round_id="d" * 32, rerun_of=first, without="canberra")
    five.say("taipei", "seoul", pack([spoilt.envelope]))
    with refused("E-FLOW-658"):  # a finished round is not rerun
        aggregates.join(five.nodes["seoul"], "d" * 32)
    assert budget_of(five.nodes["seoul"], "attacks").spent == 1


def test_a_rerun_is_a_smaller_round_of_the_same_starter_and_only_one(five: Community) -> None:
    """Not with more or the same members, not by another starter, not for other weeks, and not twice."""
    first = five.start()
    five.silent = {"canberra"}
    five.join(first, "seoul", "tokyo", "manila", "canberra")
    changes: list[dict[str, object]] = [{"without": None}, {"first_week": 1}, {"starter": "manila"}]
    for place, change in enumerate(changes):
        round_id = str(place) * 32
        forged = _forged(five, first, round_id=round_id, rerun_of=first, **({"without": "canberra"} | change))
        five.say(str(change.get("starter", "taipei")), "seoul", pack([forged.envelope]))
        with refused("E-FLOW-65[78]"):
            aggregates.join(five.nodes["seoul"], round_id)
    for place, gone in enumerate(("canberra", "manila")):
        forged = _forged(five, first, round_id="ef"[place] * 32, rerun_of=first, without=gone)
        five.say("taipei", "seoul", pack([forged.envelope]))
    aggregates.join(five.nodes["seoul"], "e" * 32)
    with refused("E-FLOW-658"):
        aggregates.join(five.nodes["seoul"], "f" * 32)


def test_a_starter_that_changes_the_list_of_members_is_refused(five: Community) -> None:
    """Another list under the same id is not taken; a member told another list gives keys that fit nobody else's."""
    round_id = five.start()
    spoilt = _forged(five, round_id, round_id=round_id, rerun_of="", without="canberra")
    with refused("E-FLOW-661"):
        five.say("taipei", "seoul", pack([spoilt.envelope]))
    own = SetUp(five.nodes["tokyo"].keys.node_id, round_id, spoilt.digest, catalogue().digest, bytes(range(32)), 1)
    with refused("E-EXCHANGE-844"):
        five.say("tokyo", "taipei", pack([seal(own, five.nodes["tokyo"].keys).envelope]))


def test_a_contribution_that_does_not_belong_is_refused(three: Community) -> None:
    """Of wrong length, of another round, under another roster, in another's name, or a second one."""
    round_id = three.start()
    three.silent = {"taipei"}
    three.join(round_id, "seoul", "tokyo")
    for sender, receiver, body in three.transcript[-2:]:
        assert receiver == "taipei"
        three.say(sender, receiver, body)
    three.deliver()
    node, keys = three.nodes["taipei"], three.nodes["seoul"].keys
    assert three.kept("taipei", round_id).state is RoundState.CONTRIBUTED
    held = three.nodes["seoul"].store.aggregates.documents(round_id, CONTRIBUTION)[keys.node_id]
    good = reopened(held.envelope, Contribution)
    for change, code in (
        ({"vector": good.vector[:-8]}, "E-EXCHANGE-843"),
        ({"vector": b""}, "E-EXCHANGE-843"),
        ({"round_id": "9" * 32}, "E-FLOW-652"),
        ({"roster": "0" * 64}, "E-EXCHANGE-852"),
        ({"node": three.nodes["tokyo"].keys.node_id}, "E-EXCHANGE-841"),
    ):
        spoilt = seal(changed(good, **change), keys)  # type: ignore[arg-type]
        with refused(code):
            three.say("seoul", "taipei", pack([spoilt.envelope]))
    three.say("seoul", "taipei", pack([held.envelope]))
    other = seal(changed(good, vector=bytes(len(good.vector))), keys)  # type: ignore[arg-type]
    with refused("E-FLOW-660"):
        three.say("seoul", "taipei", pack([other.envelope]))
    assert set(node.store.aggregates.documents(round_id, CONTRIBUTION)) == {node.keys.node_id, keys.node_id}


def test_random_words_are_told_from_a_sum(three: Community) -> None:
    """A member that masks under other keys than it gave spoils the round; nobody takes the words for counts."""
    round_id = three.start()
    three.silent = {"taipei"}
    three.join(round_id, "seoul", "tokyo")
    for sender, receiver, body in three.transcript[-2:]:
        three.say(sender, receiver, body)
    three.silent = set()
    three.queue.clear()
    keys = three.nodes["seoul"].keys
    set_ups = [one.envelope for one in three.nodes["taipei"].store.aggregates.documents(round_id, SET_UP).values()]
    take(three.nodes["seoul"], set_ups)
    take(three.nodes["tokyo"], set_ups)
    held = three.nodes["seoul"].store.aggregates.documents(round_id, CONTRIBUTION)[keys.node_id]
    spoilt = changed(reopened(held.envelope, Contribution), vector=bytes(range(232)) * 2)
    take(three.nodes["taipei"], [seal(spoilt, keys).envelope])  # type: ignore[arg-type]
    three.deliver()
    assert three.kept("taipei", round_id).state is RoundState.LAPSED
    assert "E-EXCHANGE-846" in str(three.kept("taipei", round_id).reason)


def test_a_count_above_the_cap_is_refused_by_its_own_node(three: Community) -> None:
    """Nothing of it leaves and nothing is charged; the round lapses there with the reason."""
    three.counts["seoul"] = {"energy": 10_000_001}
    round_id = three.start()
    three.join(round_id, "seoul", "tokyo")
    kept = three.kept("seoul", round_id)
    assert (kept.state, kept.opening) == (RoundState.LAPSED, None)
    assert "E-EXCHANGE-845" in str(kept.reason)
    assert budget_of(three.nodes["seoul"], "attacks").spent == 0
    assert kept.contributed_at is None


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


def test_messages_may_come_twice_and_in_any_order(three: Community) -> None:
    """Everything that was said, said again backwards: nothing changes, nothing is charged twice."""
    round_id = three.whole()
    for sender, receiver, body in reversed(three.transcript):
        try:
            three.say(sender, receiver, body)
        except Fault as fault:
            assert fault.code == "E-FLOW-652"  # the round is over
    three.deliver()
    assert budget_of(three.nodes["tokyo"], "attacks").spent == 1
    assert three.kept("tokyo", round_id).state is RoundState.FINISHED


def test_a_round_that_is_not_finished_in_time_lapses(three: Community) -> None:
    """Its key is gone and nothing more is taken in."""
    round_id = three.start(days=1)
    aggregates.join(three.nodes["seoul"], round_id)
    three.nodes["seoul"].clock.moment += 2 * 86_400_000_000  # type: ignore[attr-defined]
    advance_all(three.nodes["seoul"])
    kept = three.kept("seoul", round_id)
    assert (kept.state, kept.key) == (RoundState.LAPSED, None)


def test_members_must_be_verified_peers_of_each_other(three: Community) -> None:
    """Whoever stands between two strangers could give keys of its own for both."""
    three.nodes["seoul"].store.peers.set_state("tokyo", PeerState.SUSPENDED)
    round_id = three.start()
    with refused("E-FLOW-654"):
        aggregates.join(three.nodes["seoul"], round_id)


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


def _forged(scene: Community, like: str, *, round_id: str, rerun_of: str, **change: object):  # type: ignore[no-untyped-def]
    """A proposal by a starter that keeps no rules: as another one, with changes, properly signed."""
    starter = str(change.pop("starter", "taipei"))
    without = change.pop("without", None)
    keys = scene.nodes[starter].keys
    wanted = reopened(scene.kept("taipei", like).proposal, Proposal)
    gone = scene.nodes[str(without)].keys.node_id if without is not None else None
    members = tuple(member for member in wanted.members if member != gone)
    values: dict[str, object] = {"node": keys.node_id, "round_id": round_id, "rerun_of": rerun_of, "members": members}
    return seal(changed(wanted, **(values | change)), keys)  # type: ignore[arg-type]
