"""Recalls over three nodes: everybody who had it is told, answers, and the sender's view is right at each step."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.neighbours import Clock, agree, carry, neighbours, push, say
from seawall.exchange.notices import read_payload
from seawall.flow.context import WHOLE_NODE
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.recall_sending import recall_object
from seawall.flow.recall_view import DAY, list_recalls, overdue
from seawall.model import NotFound, ObservableType, Tlp
from seawall.model.notice import NoticeKind
from seawall.model.recall import RecallState

VALUE = "203.0.113.7"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``west``, Seoul and Tokyo share ``east``."""
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as found:
        agree(found, "west", "taipei", "seoul")
        agree(found, "east", "seoul", "tokyo")
        yield found


def held(node: Node) -> bool:
    """Whether the node's match keys know the value."""
    return node.store.indicators.lookup(ObservableType.IPV4, VALUE) is not None


def states(node: Node, object_id: str) -> dict[str, RecallState]:
    """The sender's view: the last state of each receiver."""
    return {row.peer: row.state for row in node.store.recalls.list(object_id=object_id).items}


def test_a_recall_reaches_the_receiver_and_comes_back_signed(nodes: dict[str, Node]) -> None:
    """Waiting, told, confirmed; the receiver's match keys forget the value; the receipt is kept as it was signed."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    indicator = say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    assert held(seoul)
    done = recall_object(taipei, indicator, None)
    assert (done["receivers"], done["circles"]) == (["seoul"], ["west"])
    assert states(taipei, indicator) == {"seoul": RecallState.WAITING}
    carry(nodes, "taipei", "seoul")
    assert states(taipei, indicator) == {"seoul": RecallState.TOLD}
    assert not held(seoul)
    carry(nodes, "seoul", "taipei")
    (row,) = taipei.store.recalls.list(object_id=indicator).items
    assert (row.state, row.said) == (RecallState.CONFIRMED, "withdrawn")
    assert row.receipt is not None
    assert held(taipei)


def test_what_was_passed_on_is_taken_back_there_too(nodes: dict[str, Node]) -> None:
    """Seoul passed it to Tokyo: Tokyo loses it, and Seoul sees Tokyo's receipt."""
    indicator = say(nodes["taipei"], VALUE, tlp=Tlp.CLEAR)
    push(nodes, "west", "taipei", "seoul")
    push(nodes, "east", "seoul", "tokyo")
    assert held(nodes["tokyo"])
    recall_object(nodes["taipei"], indicator, None)
    carry(nodes, "taipei", "seoul")
    carry(nodes, "seoul", "tokyo")
    assert not held(nodes["tokyo"])
    carry(nodes, "tokyo", "seoul")
    assert states(nodes["seoul"], indicator) == {"tokyo": RecallState.CONFIRMED}
    (row,) = nodes["seoul"].store.recalls.list(object_id=indicator).items
    assert row.behind == "taipei"


def test_what_another_source_says_stays(nodes: dict[str, Node]) -> None:
    """Seoul's own list names the value too: only Taipei's word leaves, and Tokyo keeps what Seoul vouches for."""
    indicator = say(nodes["taipei"], VALUE)
    own = say(nodes["seoul"], VALUE)
    push(nodes, "west", "taipei", "seoul")
    recall_object(nodes["taipei"], indicator, None)
    carry(nodes, "taipei", "seoul")
    entry = nodes["seoul"].store.indicators.lookup(ObservableType.IPV4, VALUE)
    assert entry is not None
    assert (entry.sources, entry.indicator_id, entry.origin) == (("ours",), own, None)


def test_a_stricter_marking_takes_the_object_away(nodes: dict[str, Node]) -> None:
    """What becomes TLP:RED may no longer stand in a circle up to AMBER: its receivers are told to let it go."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    indicator = say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    say(taipei, VALUE, tlp=Tlp.RED)
    push(nodes, "west", "taipei", "seoul")
    assert states(taipei, indicator) == {"seoul": RecallState.WAITING}
    carry(nodes, "taipei", "seoul")
    assert not held(seoul)
    carry(nodes, "seoul", "taipei")
    assert states(taipei, indicator) == {"seoul": RecallState.CONFIRMED}


def test_a_recalled_version_never_goes_there_again(nodes: dict[str, Node]) -> None:
    """New terms begin every outbox anew; what was taken back stays back, until there is a newer version."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    indicator = say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    recall_object(taipei, indicator, None)
    carry(nodes, "taipei", "seoul")
    agree(nodes, "west", "taipei", "seoul", tlp=Tlp.GREEN)
    agree(nodes, "west", "taipei", "seoul", tlp=Tlp.AMBER)
    push(nodes, "west", "taipei", "seoul")
    assert not held(seoul)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"act": "0" * 32}, "never asked"),
        ({"version": "2020-01-01T00:00:00.000Z"}, "was taken back"),
        ({"id": "indicator--5d2d0f39-3d4f-4a7e-9f0d-6b4f0d7f4e11"}, "never asked"),
        ({"at": "2001-01-01T00:00:00Z"}, "before its recall"),
        ({"at": "yesterday"}, "no receipt"),
        ({"objects": 3}, "no receipt"),
    ],
)
def test_a_false_receipt_is_refused(nodes: dict[str, Node], change: dict[str, object], words: str) -> None:
    """One sentence each, and the view does not move."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    indicator = say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    recall_object(taipei, indicator, None)
    (row,) = taipei.store.recalls.list(object_id=indicator).items
    answer: dict[str, object] = {"id": indicator, "version": row.version, "what": "withdrawn"}
    answer |= {key: value for key, value in change.items() if key in answer}
    body: dict[str, object] = {"act": row.act, "at": "2026-03-14T01:00:00Z", "objects": [answer]}
    body |= {key: value for key, value in change.items() if key in body}
    send_notice(seoul, "taipei", NoticeKind.RECEIPT, body)
    heard = carry(nodes, "seoul", "taipei")
    assert words in heard.problems[0].sentence
    assert states(taipei, indicator) == {"seoul": RecallState.WAITING}


def test_a_receipt_twice_and_one_from_somebody_else(nodes: dict[str, Node]) -> None:
    """The first receipt stands; one by a node that never had the object is refused."""
    taipei, seoul, tokyo = nodes["taipei"], nodes["seoul"], nodes["tokyo"]
    indicator = say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    recall_object(taipei, indicator, None)
    carry(nodes, "taipei", "seoul")
    carry(nodes, "seoul", "taipei")
    (row,) = taipei.store.recalls.list(object_id=indicator).items
    body = {
        "act": row.act,
        "at": "2026-03-14T01:00:00Z",
        "objects": [{"id": indicator, "version": row.version, "what": "withdrawn"}],
    }
    for node, name, words in ((seoul, "seoul", "came before"), (tokyo, "tokyo", "never asked")):
        send_notice(node, "taipei", NoticeKind.RECEIPT, body)
        assert words in carry(nodes, name, "taipei").problems[0].sentence
    assert states(taipei, indicator) == {"seoul": RecallState.CONFIRMED}


def test_a_peer_takes_back_only_what_it_sent(nodes: dict[str, Node]) -> None:
    """Tokyo recalls what Taipei said: nothing happens, and the receipt says so."""
    taipei, seoul, tokyo = nodes["taipei"], nodes["seoul"], nodes["tokyo"]
    indicator = say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    asked = {"act": "a" * 32, "cause": "recalled", "objects": [{"id": indicator, "version": "", "circles": ["west"]}]}
    send_notice(tokyo, "seoul", NoticeKind.RECALL, asked)
    assert carry(nodes, "tokyo", "seoul").problems == ()
    assert held(seoul)
    (receipt,) = seoul.store.notices.waiting("tokyo")
    assert read_payload(receipt.envelope).body["objects"][0]["what"] == "nothing-held"


def test_an_object_is_erased_but_for_its_stripped_shell(nodes: dict[str, Node]) -> None:
    """What described it is gone from the receiver's store in every version; what is left is revoked."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    technique = say(taipei, "a secret", kind="attack-pattern")
    push(nodes, "west", "taipei", "seoul")
    assert b"a secret" in seoul.store.objects.get(technique, visibility=WHOLE_NODE).body
    recall_object(taipei, technique, None)
    carry(nodes, "taipei", "seoul")
    left = seoul.store.objects.get(technique, visibility=WHOLE_NODE)
    assert left.revoked
    assert b"a secret" not in left.body


def test_what_never_left_cannot_be_recalled(nodes: dict[str, Node]) -> None:
    """One sentence; nothing is told to anybody."""
    indicator = say(nodes["taipei"], VALUE)
    with pytest.raises(NotFound, match="E-FLOW-060"):
        recall_object(nodes["taipei"], indicator, None)


def test_the_view_says_no_more_than_is_known(nodes: dict[str, Node]) -> None:
    """Overdue after a day; a receipt proves nothing of destruction, and a receiver that sends it again says so."""
    taipei = nodes["taipei"]
    indicator = say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    recall_object(taipei, indicator, None)
    assert overdue(taipei) == {}
    clock = taipei.clock
    assert isinstance(clock, Clock)
    clock.moment += DAY + 1
    assert overdue(taipei) == {"seoul": 1}
    carry(nodes, "taipei", "seoul")
    carry(nodes, "seoul", "taipei")
    assert overdue(taipei) == {}
    (row,) = list_recalls(taipei, indicator).items
    assert row["note"] == "confirmed by signature; that it was destroyed cannot be proved"
    assert list_recalls(taipei, indicator, unconfirmed=True).items == []
    taipei.store.received.add("seoul", "west", [(indicator, "2026-03-14T00:00:00.000Z")], taipei.clock())
    (row,) = list_recalls(taipei, indicator).items
    assert str(row["note"]).startswith("it signed a receipt, and sent the object again at 2026-03-15T")


def test_what_rested_on_it_alone_goes_with_it(nodes: dict[str, Node]) -> None:
    """Seoul's own technique made from Taipei's is revoked; one that has another leg to stand on stays."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    theirs = say(taipei, "a way in", kind="attack-pattern")
    push(nodes, "west", "taipei", "seoul")
    other = say(seoul, "another way in", kind="attack-pattern")
    resting = say(seoul, "made of it", kind="attack-pattern", inputs=(theirs,))
    both = say(seoul, "made of both", kind="attack-pattern", inputs=(theirs, other))
    recall_object(taipei, theirs, None)
    carry(nodes, "taipei", "seoul")
    assert seoul.store.objects.get(resting, visibility=WHOLE_NODE).revoked
    assert not seoul.store.objects.get(both, visibility=WHOLE_NODE).revoked


@pytest.mark.parametrize(
    "body", [{}, {"act": "a", "cause": "whim", "objects": []}, {"act": "a" * 65, "cause": "recalled", "objects": []}]
)
def test_a_recall_that_cannot_be_read_is_refused(nodes: dict[str, Node], body: dict[str, object]) -> None:
    """One sentence, and nothing is taken out."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.RECALL, body)
    assert "no recall" in carry(nodes, "taipei", "seoul").problems[0].sentence


def test_every_member_finds_the_revoked_version(nodes: dict[str, Node]) -> None:
    """Whoever reads over TAXII, by mail or through a MISP learns it too, each from a row of its own."""
    agree(nodes, "all", "taipei", "seoul", "tokyo")
    taipei = nodes["taipei"]
    indicator = say(taipei, VALUE)
    push(nodes, "all", "taipei", "seoul")
    push(nodes, "all", "taipei", "tokyo")
    done = recall_object(taipei, indicator, "all")
    assert (done["receivers"], done["withdrawn"]) == (["seoul", "tokyo"], 2)
    for member in ("seoul", "tokyo"):
        (row,) = taipei.store.outbox.page("all", member).rows
        assert b'"revoked":true' in row.body
        assert push(nodes, "all", "taipei", member) == 1
        assert not held(nodes[member])
