"""Rounds of masked sums: what a member, a starter or a drop-out can try, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.aggregates_scene import NAMES, QUERY, WEEK, Community, changed, community, quiet
from flow.neighbours import carry, rotated
from seawall.exchange.aggregate import (
    Contribution,
    Proposal,
    SetUp,
    catalogue,
    pack,
    reopened,
    seal,
)
from seawall.flow import aggregates, aggregates_round
from seawall.flow.aggregates_book import CONTRIBUTION, SET_UP
from seawall.flow.aggregates_rules import budget_of
from seawall.flow.aggregates_taking import take
from seawall.flow.aggregates_view import show_round
from seawall.identity import Reason
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


def test_members_must_be_verified_peers_of_each_other(three: Community) -> None:
    """Whoever stands between two strangers could give keys of its own for both."""
    three.nodes["seoul"].store.peers.set_state("tokyo", PeerState.SUSPENDED)
    round_id = three.start()
    with refused("E-FLOW-654"):
        aggregates.join(three.nodes["seoul"], round_id)


def test_nothing_is_contributed_over_a_key_that_was_stolen_since(three: Community) -> None:
    """The thief may have given Seoul's key for the round: the masks would hide nothing from it."""
    round_id = three.start()
    three.join(round_id, "seoul")
    rotated(three.nodes["seoul"], Reason.STOLEN)
    assert carry(three.nodes, "seoul", "taipei").problems == ()
    three.join(round_id, "tokyo")
    kept = three.kept("taipei", round_id)
    assert (kept.state, kept.contributed_at) == (RoundState.LAPSED, None)
    assert "stolen since" in str(kept.reason)
    assert budget_of(three.nodes["taipei"], "attacks").spent == 0


def test_an_ordinary_rotation_leaves_a_round_as_it_was(three: Community) -> None:
    """What the former key signed still counts."""
    round_id = three.start()
    three.join(round_id, "seoul")
    rotated(three.nodes["seoul"])
    for other in ("taipei", "tokyo"):
        carry(three.nodes, "seoul", other)
    assert three.join(round_id, "tokyo") == []
    assert three.kept("taipei", round_id).state is RoundState.FINISHED


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
