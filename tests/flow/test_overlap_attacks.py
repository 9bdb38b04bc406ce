"""A peer that wants more than was agreed: uncounted lists, counts without end, the first look daily, and reasons."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import neighbours
from flow.overlap_attack_scenes import PAIRS, counters, leader, setting, settle, stopped
from flow.overlap_scenes import Nodes, share, suspect
from flow.post_scenes import know_keys, link
from flow.test_overlap_count import CountingRelay
from seawall.exchange.relay import DEFAULT_BOUNDS
from seawall.exchange.relay.faults import COUNTS_SPENT
from seawall.flow import (
    overlap,
    overlap_count,
    overlap_evidence,
    overlap_greeting,
    overlap_rounds,
    overlap_settle,
    relay_delivery,
)
from seawall.flow.ask import Questions, Replies, hear_ask
from seawall.flow.ending import end_relation
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.overlap_count import Key, Points, Verdict, hear_count
from seawall.flow.overlap_counted import MOST_COUNTS, allow_count, counting_of, require_counted
from seawall.flow.overlap_evidence import open_ours, tell
from seawall.flow.overlap_greeting import greet
from seawall.flow.overlap_hear import hear_overlap
from seawall.flow.overlap_reveal import reveal
from seawall.flow.overlap_state import (
    Begun,
    Talk,
    alone_with,
    begun_with,
    keep_begun,
    keep_talk,
    new_run,
    scalars_of,
    talk_of,
    we_lead,
)
from seawall.flow.overlap_stops import PAUSED, Pause, stop_overlap
from seawall.flow.overlap_telling import neutral, told_to_peer
from seawall.flow.overlap_words import Hello, Stop, read_word, write_word
from seawall.flow.post import deliver
from seawall.flow.post import post as true_post
from seawall.model import Fault, ObservableType, Refused
from seawall.model.epoch import day_of
from seawall.model.message import Message, MessageKind
from seawall.model.overlap import Tier
from seawall.model.peer import PeerState

IPV4 = ObservableType.IPV4


@pytest.fixture
def relay() -> CountingRelay:
    """One relay for mailboxes and counts."""
    return CountingRelay()


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, relay: CountingRelay) -> Iterator[Nodes]:
    """Taipei and Seoul, who share thirty suspects and reach each other through the relay."""
    monkeypatch.setattr(relay_delivery, "connect", lambda _place: relay)
    with neighbours(tmp_path, "taipei", "seoul") as found:
        know_keys(found)
        link(found, "taipei", "seoul", relay)
        share(found)
        suspect(found["taipei"], range(200, 430))
        suspect(found["seoul"], range(400, 640))
        yield found


def greeted(nodes: Nodes, folder: Path) -> Talk:
    """Both counters are set and both sides have greeted, as far as that; what Seoul knows of the run."""
    counters(nodes, folder)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    deliver(nodes["seoul"], "taipei")
    talk = talk_of(nodes["seoul"], "taipei", IPV4)
    assert talk is not None
    return talk


def hear(node: Node, peer: str, word: Key | Points | Verdict) -> None:
    """A message about a count."""
    hear_count(node, Message(peer, 99, MessageKind.COUNT, 1, 2, msgspec.msgpack.encode(word)))


def test_who_leads_cannot_skip_the_count(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A leader that sends its list without a count gets no answer: the other side's band binds it too."""
    counters(nodes, tmp_path)
    true_check = require_counted
    run_overlap(nodes["taipei"], "seoul", type=IPV4)

    def lax(node: Node, peer: str, type: ObservableType, talk: Talk) -> None:
        if node.store.peers.get(peer).code_name != leader(nodes)[1]:
            true_check(node, peer, type, talk)

    monkeypatch.setattr(overlap_greeting, "count_first", lambda *_: False)
    monkeypatch.setattr(overlap_rounds, "require_counted", lax)
    said = settle(nodes)
    _, honest = leader(nodes)
    assert any("was not counted here" in sentence for sentence in said), said
    for name, other in PAIRS:
        assert nodes[name].store.overlaps.count(other) == 0, name
    assert not nodes[honest].store.overlaps.sessions(leader(nodes)[0])


def test_a_list_of_another_run_or_out_of_turn_is_not_answered(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the name of another run nor a list of who does not lead today opens a session."""
    true_say = overlap_rounds.say
    run_overlap(nodes["taipei"], "seoul", type=IPV4)

    def renamed(node: Node, peer: str, word):  # type: ignore[no-untyped-def]
        if hasattr(word, "part"):
            word = msgspec.structs.replace(word, run="0" * 16)
        true_say(node, peer, word)

    with monkeypatch.context() as patch:
        patch.setattr(overlap_rounds, "say", renamed)
        said = settle(nodes)
    assert any("out of its run or out of turn" in sentence for sentence in said), said
    with monkeypatch.context() as patch:
        patch.setattr(overlap_greeting, "we_lead", lambda *_: True)
        nodes["taipei"].store.notes.delete("overlap-run:seoul")
        run_overlap(nodes["taipei"], "seoul", type=IPV4)
        said = settle(nodes)
    assert any("out of its run or out of turn" in sentence for sentence in said), said


@pytest.mark.parametrize("days", [-21, -2, 2, 21])
def test_a_greeting_of_another_day_is_refused(nodes: Nodes, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    """The day that decides who leads is today's, give or take what honest clocks differ by."""
    true_day = day_of
    monkeypatch.setattr(overlap, "day_of", lambda at: true_day(at) + days)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    assert "is of another time" in stopped(nodes["taipei"], "seoul")
    assert talk_of(nodes["seoul"], "taipei", IPV4) is None


def test_an_answer_repeats_the_day_and_the_run(nodes: Nodes) -> None:
    """Who answers a greeting moves neither its day nor an earlier run into its place."""
    taipei = nodes["taipei"]
    run_overlap(taipei, "seoul", type=IPV4)
    begun = begun_with(taipei, "seoul")
    assert begun is not None
    body = write_word(Hello(begun.run, begun.day + 1, (), True))
    with pytest.raises(Refused, match="E-FLOW-557"):
        hear_overlap(taipei, Message("seoul", 1, MessageKind.OVERLAP, 1, 2, body))
    hear_overlap(taipei, Message("seoul", 1, MessageKind.OVERLAP, 1, 2, write_word(Hello("0" * 16, 1, (), True))))
    assert talk_of(taipei, "seoul", IPV4) is None


def test_people_may_want_a_count_before_anything(nodes: Nodes, tmp_path: Path) -> None:
    """With ``count_first`` nothing is compared without a counter on both sides, and both sides' people read why."""
    setting(nodes["taipei"], count_first=True)
    with pytest.raises(Refused, match="E-FLOW-750"):
        run_overlap(nodes["taipei"], "seoul", type=IPV4)
    run_overlap(nodes["seoul"], "taipei", type=IPV4)
    settle(nodes)
    assert "before a relay counted it" in stopped(nodes["seoul"], "taipei")
    assert nodes["taipei"].store.overlaps.count("seoul") == 0
    counters(nodes, tmp_path)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    assert nodes["seoul"].store.overlaps.count("taipei") == 30


def test_short_lists_stay_uncompared_where_all_is_counted_first(nodes: Nodes, tmp_path: Path) -> None:
    """A list too short for a relay to count passes elsewhere, and not where people want everything counted."""
    counters(nodes, tmp_path)
    setting(nodes["seoul"], count_first=True)
    for node in nodes.values():
        suspect(node, range(200, 210))
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patch:
        patch.setattr(overlap_count, "DEFAULT_BOUNDS", msgspec.structs.replace(DEFAULT_BOUNDS, count_least=4096))
        run_overlap(nodes["taipei"], "seoul", type=IPV4)
        settle(nodes)
    assert "too short to be counted" in stopped(nodes["taipei"], "seoul")
    assert nodes["seoul"].store.overlaps.count("taipei") == 0


def test_keys_come_in_their_turn_and_once(nodes: Nodes, tmp_path: Path) -> None:
    """A key said to be an answer of who leads, one of who does not, and a second one are refused and count nothing."""
    talk = greeted(nodes, tmp_path)
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    lead = we_lead(taipei, "seoul", talk.day)
    for wrong in (True, False) if not lead else (True,):
        with pytest.raises(Refused, match="E-FLOW-753"):
            hear(seoul, "taipei", overlap_count._key(taipei, "seoul", IPV4, talk, answer=wrong))
    assert counting_of(seoul, "taipei", IPV4) is None
    if lead:
        keep_talk(taipei, "seoul", IPV4, talk)
        hear(seoul, "taipei", overlap_count._key(taipei, "seoul", IPV4, talk, answer=False))
        held = counting_of(seoul, "taipei", IPV4)
        other = overlap_count._key(taipei, "seoul", IPV4, msgspec.structs.replace(talk, run="f" * 16), answer=False)
        with pytest.raises(Refused, match="E-FLOW-753"):
            hear(seoul, "taipei", msgspec.structs.replace(other, run=talk.run))
        assert counting_of(seoul, "taipei", IPV4) == held


def test_counts_are_as_few_as_agreed(nodes: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that alternate are not counted anew, and after the epoch's handful both sides' people read why not."""
    said: list[object] = []
    talk = greeted(nodes, tmp_path)
    seoul, taipei = nodes["seoul"], nodes["taipei"]
    today = talk.day if we_lead(taipei, "seoul", talk.day) else talk.day + 1  # taipei leads and cheats
    monkeypatch.setattr(overlap_rounds, "say", lambda _node, _peer, word: said.append(word))
    runs = [f"{number:016x}" for number in range(1, MOST_COUNTS + 1)]

    def try_run(run: str) -> str | None:
        now = msgspec.structs.replace(talk, run=run, day=today)
        keep_talk(seoul, "taipei", IPV4, now)
        said.clear()
        hear(seoul, "taipei", overlap_count._key(taipei, "seoul", IPV4, now, answer=False))
        stops = [word.reason for word in said if isinstance(word, Stop)]
        return stops[0] if stops else None

    assert [try_run(run) for run in runs[:2]] == [None, None]
    assert "counted before" in str(try_run(runs[0]))
    assert [try_run(run) for run in runs[2:]] == [None] * (MOST_COUNTS - 2)
    assert f"was counted {MOST_COUNTS} times" in str(try_run("e" * 16))
    assert try_run(runs[-1]) is None  # the one under way stays
    assert "times with taipei" in stopped(seoul, "taipei")


def test_a_relay_that_counts_no_more_ends_the_run(
    nodes: Nodes, tmp_path: Path, relay: CountingRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The relay's own bound is one clear sentence on both sides, and nothing is compared."""
    counters(nodes, tmp_path)

    def spent(*_: object) -> None:
        raise COUNTS_SPENT(most=5, days=17)

    monkeypatch.setattr(relay, "count", spent)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    for name, other in PAIRS:
        assert "had its 5 counts of 90 days" in stopped(nodes[name], other)
        assert nodes[name].store.overlaps.count(other) == 0


def test_a_verdict_stands(nodes: Nodes, tmp_path: Path) -> None:
    """Who said no does not say yes afterwards, and a key that comes again after the count begins nothing."""
    counters(nodes, tmp_path)
    setting(nodes["seoul"], band_most=10)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    taipei, talk = nodes["taipei"], talk_of(nodes["taipei"], "seoul", IPV4)
    assert talk is not None
    hear(taipei, "seoul", Verdict(talk.run, IPV4, True))
    counted = counting_of(taipei, "seoul", IPV4)
    assert counted is not None
    assert (counted.good, counted.theirs_good) == (True, False)
    settle(nodes)
    assert taipei.store.overlaps.count("seoul") == 0


@pytest.mark.parametrize("why", ["stopped", "paused"])
def test_what_caught_a_peer_is_not_told(nodes: Nodes, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """Decoys that it hit and figures that wait for people give the same words and the same shape, on every way."""
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    seoul, left = nodes["seoul"], []
    if why == "stopped":
        stop_overlap(seoul, "taipei", "it hit three decoys")
    else:
        pause = Pause(1, "its list has 9 values, and 3 were usual", 1, 9, 3)
        seoul.store.notes.set(PAUSED.format(peer="taipei", type="ipv4"), msgspec.json.encode(pause).decode())

    def kept(node: Node, peer: str, kind: MessageKind, body: bytes) -> int:
        if node is seoul:
            left.append((kind, body))
        return true_post(node, peer, kind, body)

    monkeypatch.setattr("seawall.flow.overlap_rounds.post", kept)
    monkeypatch.setattr("seawall.flow.ask.post", kept)
    questions = msgspec.msgpack.encode(Questions(IPV4, (b"x",)))
    hear_ask(seoul, Message("taipei", 98, MessageKind.ASK, 1, 2, questions))
    nodes["taipei"].store.notes.delete("overlap-run:seoul")
    suspect(nodes["taipei"], range(900, 905))
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    ((_, answer),) = [one for one in left if one[0] is MessageKind.ASK]
    assert msgspec.msgpack.decode(answer, type=Replies) == Replies(IPV4, (), 0, neutral().text)
    stops = [word for kind, body in left if kind is MessageKind.OVERLAP and isinstance(word := read_word(body), Stop)]
    assert {word.reason for word in stops} <= {
        neutral().text,
        "Who leads may ask nothing more of this type now: its budget at the other side is used up.",
    }
    assert stops
    assert not [body for _, body in left if b"decoy" in body or b"usual" in body or b"two people" in body]
    assert stopped(nodes["taipei"], "seoul") == neutral().text


def test_only_named_codes_are_told() -> None:
    """Everything that is not on the list, known or new, is the one neutral sentence."""
    for code in ("E-FLOW-540", "E-FLOW-541", "E-FLOW-550", "E-FLOW-043", "E-STORE-001", "E-EXCHANGE-709"):
        assert told_to_peer(Fault(code, "Caught {peer}: three decoys.", peer="x")) == neutral().text
    assert told_to_peer(Refused("E-FLOW-520", "{peer} asks too much.", peer="x")) == "your node asks too much."


def test_a_message_without_questions_is_no_question(nodes: Nodes) -> None:
    """Nothing is answered, and nothing written, for an empty list of questions."""
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    settle(nodes)
    before = len(nodes["seoul"].ledger.show(1_000).items)
    with pytest.raises(Refused, match="E-FLOW-565"):
        hear_ask(
            nodes["seoul"], Message("taipei", 98, MessageKind.ASK, 1, 2, msgspec.msgpack.encode(Questions(IPV4, ())))
        )
    assert len(nodes["seoul"].ledger.show(1_000).items) == before


def test_a_severed_peer_leaves_no_key(nodes: Nodes, tmp_path: Path) -> None:
    """Keys, lists and questions of every comparison go with the relation, also those of a count nobody finished."""
    counters(nodes, tmp_path)
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    run_overlap(taipei, "seoul", type=IPV4)
    settle(nodes)
    run_overlap(seoul, "taipei", type=ObservableType.DOMAIN)  # a greeting that is never answered
    talk = talk_of(seoul, "taipei", IPV4)
    assert talk is not None
    again = msgspec.structs.replace(talk, run="a" * 16)
    allow_count(seoul, "taipei", IPV4, again)
    overlap_count._key(seoul, "taipei", IPV4, again, answer=True)
    keys = len(scalars_of(seoul).names())
    assert keys >= 3
    assert end_relation(seoul, "taipei", PeerState.SEVERED)["comparison_keys_wiped"] == keys
    assert scalars_of(seoul).names() == seoul.store.psi.epochs("taipei") == ()
    assert talk_of(seoul, "taipei", IPV4) is None
    assert seoul.store.overlaps.count("taipei") == 30


def test_a_type_that_waits_is_not_told_about(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    """While figures wait for two people, nothing more of that type leaves; afterwards it does by itself."""
    seoul, left = nodes["seoul"], []
    pause = Pause(1, "its list has 9 values, and 3 were usual", 1, 9, 3)
    key = PAUSED.format(peer="taipei", type="ipv4")
    true_open = open_ours

    def paused_first(node: Node, peer: str) -> int:
        if node is seoul:
            node.store.notes.set(key, msgspec.json.encode(pause).decode())
        return true_open(node, peer)

    def kept(node: Node, peer: str, kind: MessageKind, body: bytes) -> int:
        if node is seoul:
            left.append(kind)
        return true_post(node, peer, kind, body)

    monkeypatch.setattr(overlap_settle, "open_ours", paused_first)
    monkeypatch.setattr(overlap_evidence, "post", kept)
    run_overlap(seoul, "taipei", type=IPV4)
    settle(nodes)
    assert seoul.store.overlaps.count("taipei") == 30
    seoul.store.notes.set(key, msgspec.json.encode(pause).decode())
    items = seoul.store.overlaps.list("taipei", limit=100).items
    assert reveal(seoul, "taipei", 2)["told"] == 0
    assert open_ours(seoul, "taipei", items) == tell(seoul, "taipei") == 0
    assert left == []
    seoul.store.notes.delete(key)
    run_overlap(seoul, "taipei", type=IPV4)
    settle(nodes)
    assert MessageKind.EVIDENCE in left
    assert {item.given for item in seoul.store.overlaps.list("taipei", limit=100).items} == {Tier.SECTOR}


def test_two_greetings_that_cross_are_one_run(nodes: Nodes) -> None:
    """When both ask before either hears the other, one of the two runs goes on, and both sides come to its end."""
    for name, other in PAIRS:
        node = nodes[name]
        begun = Begun(new_run(), node.clock(), (IPV4,), day_of(node.clock()))
        with alone_with(node, other):
            greet(node, other, begun)
            keep_begun(node, other, begun)
    settle(nodes)
    for name, other in PAIRS:
        assert nodes[name].store.overlaps.count(other) == 30, name
