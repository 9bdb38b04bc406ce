"""Notices between nodes: signed, on the ledger first, each handled once and in order, nothing bad believed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import HEARD, carry, neighbours
from seawall.exchange.notices import NOTICES_PATH, Standing, notices_router, read_payload, seal_notice
from seawall.flow import notices as notices_flow
from seawall.flow.conduct import conduct_of
from seawall.flow.node import Node
from seawall.flow.notices import NoticeBook, send_notice
from seawall.model import Fault, Refused
from seawall.model.notice import NoticeKind, NoticeState
from seawall.model.peer import PeerState


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Node]]:
    """Taipei, Seoul and Tokyo, which know each other; terms are heard by ``hear``."""
    HEARD.clear()
    monkeypatch.setitem(notices_flow.HANDLERS, NoticeKind.TERMS, "flow.neighbours:hear")
    with neighbours(tmp_path, "taipei", "seoul", "tokyo") as found:
        yield found


def told() -> list[int]:
    """The numbers that were handled, in order."""
    return [notice.number for notice in HEARD]


def test_each_notice_is_handled_once_and_in_order(nodes: dict[str, Node]) -> None:
    """Numbers rise by one per peer; what is carried twice is handled once; both sides know how far they are."""
    for place in range(3):
        assert send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"place": place}) == place + 1
    assert send_notice(nodes["taipei"], "tokyo", NoticeKind.TERMS, {}) == 1
    heard = carry(nodes, "taipei", "seoul")
    assert (heard.taken.number, heard.problems, told()) == (3, (), [1, 2, 3])
    assert [notice.body["place"] for notice in HEARD] == [0, 1, 2]
    book = NoticeBook(nodes["taipei"])
    again, _ = book.waiting("seoul", 0, 20)
    assert NoticeBook(nodes["seoul"]).take("taipei", again).problems == ()
    assert told() == [1, 2, 3]
    assert book.waiting("seoul", 3, 20) == ([], False)
    assert conduct_of(nodes["seoul"], "taipei").points == 0


def test_a_notice_is_on_the_ledger_before_it_waits(nodes: dict[str, Node]) -> None:
    """The leaf names peer, number, kind and the SHA-256 of what is signed."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"a": 1})
    kept = nodes["taipei"].store.notices.get("seoul", 1, ours=True)
    leaf = nodes["taipei"].ledger.entry(nodes["taipei"].ledger.size - 1).event
    assert kept is not None
    assert leaf is not None
    assert (leaf["kind"], leaf["subject"]) == ("notice-sent", "seoul")
    assert leaf["details"] == {"notice": "terms", "number": 1, "sha256": kept.digest}


def test_what_a_handler_rejects_is_kept_with_its_reason(nodes: dict[str, Node]) -> None:
    """Its number is used, what comes behind it is handled, and the sender keeps the sentence."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"bad": True})
    send_notice(nodes["taipei"], "seoul", NoticeKind.CHECKPOINT, {})
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    heard = carry(nodes, "taipei", "seoul")
    assert [problem.number for problem in heard.problems if problem.sentence == "This is not wanted here."] == [1]
    assert told() == [3]
    for name, peer, ours in (("seoul", "taipei", False), ("taipei", "seoul", True)):
        kept = nodes[name].store.notices.get(peer, 1, ours=ours)
        assert kept is not None
        assert (kept.state, kept.reason) == (NoticeState.REJECTED, "This is not wanted here.")


def test_a_gap_waits_for_what_is_missing(nodes: dict[str, Node]) -> None:
    """Number 2 before number 1 is nobody's crime and is not handled; in order both are."""
    for _ in range(2):
        send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    envelopes, _ = NoticeBook(nodes["taipei"]).waiting("seoul", 0, 20)
    seoul = NoticeBook(nodes["seoul"])
    heard = seoul.take("taipei", [envelopes[1], envelopes[0]])
    assert "came before notice 1" in heard.problems[0].sentence
    assert (heard.taken.number, told()) == (0, [])
    assert seoul.take("taipei", envelopes).taken.number == 2
    assert conduct_of(nodes["seoul"], "taipei").points == 0


def test_other_content_under_one_number_is_a_misdeed(nodes: dict[str, Node]) -> None:
    """A node that tells two stories under one number is refused, and it is remembered."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"story": 1})
    carry(nodes, "taipei", "seoul")
    other = forged(nodes, "taipei", "seoul", body={"story": 2})
    heard = NoticeBook(nodes["seoul"]).take("taipei", [other])
    assert "other content" in heard.problems[0].sentence
    assert conduct_of(nodes["seoul"], "taipei").counts == {"forged": 1}
    assert len(HEARD) == 1


def forged(
    nodes: dict[str, Node], signer: str, to: str, *, sender: str | None = None, number: int = 1, at: int | None = None,
    body: dict[str, object] | None = None,
) -> bytes:  # fmt: skip
    """A notice made by hand."""
    return seal_notice(
        nodes[signer].keys,
        sender=nodes[sender or signer].keys.node_id,
        to=nodes[to].keys.node_id,
        number=number,
        kind=NoticeKind.TERMS,
        at=nodes[signer].clock() if at is None else at,
        body=body or {},
    ).envelope


@pytest.mark.parametrize(
    ("arguments", "misdeed", "words"),
    [
        ({"signer": "tokyo", "to": "seoul"}, "forged", "is not signed by it"),
        ({"signer": "tokyo", "to": "seoul", "sender": "taipei"}, "forged", "is not signed by it"),
        ({"signer": "taipei", "to": "tokyo"}, "forged", "for another node"),
        ({"signer": "taipei", "to": "seoul", "sender": "tokyo"}, "forged", "for another node"),
        ({"signer": "taipei", "to": "seoul", "at": 1 << 52}, None, "a moment in the future"),
    ],
)
def test_a_notice_that_is_not_the_peers_or_not_for_us_is_refused(
    nodes: dict[str, Node], arguments: dict[str, object], misdeed: str | None, words: str
) -> None:
    """One sentence each; a misdeed where somebody did wrong; a clock that is ahead is nobody's crime."""
    envelope = forged(nodes, **arguments)  # type: ignore[arg-type]
    heard = NoticeBook(nodes["seoul"]).take("taipei", [envelope])
    assert words in heard.problems[0].sentence
    assert not heard.problems[0].kept
    assert (heard.taken.number, told()) == (0, [])
    counts = conduct_of(nodes["seoul"], "taipei").counts
    assert counts == ({misdeed: 1} if misdeed else {})


@pytest.mark.parametrize(
    "envelope", [b"null", b"{}", b'{"payload":"e30=","payloadType":"x","signatures":[]}', b"7" * 401 * 1024]
)
def test_what_is_no_notice_is_refused(nodes: dict[str, Node], envelope: bytes) -> None:
    """Rubbish and what is too long cost one sentence and one point."""
    heard = NoticeBook(nodes["seoul"]).take("taipei", [envelope])
    assert len(heard.problems) == 1
    assert conduct_of(nodes["seoul"], "taipei").points > 0


def test_bounds_hold(nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch) -> None:
    """A body above 256 KiB is refused, and so is one more than may wait."""
    with pytest.raises(Fault, match="E-EXCHANGE-602"):
        send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"a": "x" * (256 * 1024)})
    few = msgspec.structs.replace(notices_flow.BOUNDS, waiting=2)
    monkeypatch.setattr(notices_flow, "BOUNDS", few)
    for _ in range(2):
        send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"a": "x" * (255 * 1024)})
    with pytest.raises(Refused, match="E-FLOW-301"):
        send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    assert carry(nodes, "taipei", "seoul").taken.number == 2


def test_a_severed_peer_gets_none_and_brings_none(nodes: dict[str, Node]) -> None:
    """Nothing is signed for it, nothing that waits is given, nothing it brings is read."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    envelopes, _ = NoticeBook(nodes["taipei"]).waiting("seoul", 0, 20)
    nodes["taipei"].store.peers.set_state("seoul", PeerState.SEVERED)
    nodes["seoul"].store.peers.set_state("taipei", PeerState.SUSPENDED)
    assert NoticeBook(nodes["taipei"]).waiting("seoul", 0, 20) == ((), False)
    with pytest.raises(Refused, match="E-FLOW-300"):
        send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    with pytest.raises(Refused, match="E-EXCHANGE-023"):
        NoticeBook(nodes["seoul"]).take("taipei", envelopes)


def test_a_node_restored_from_an_older_copy_numbers_behind_what_it_sent_before(
    nodes: dict[str, Node], tmp_path: Path
) -> None:
    """Its new notice would bear a number that the peer knows with other content: it is signed anew behind it."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"old": 1})
    carry(nodes, "taipei", "seoul")
    shutil.copytree(tmp_path / "taipei", tmp_path / "copy")
    for _ in range(2):
        send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {"lost": True})
    carry(nodes, "taipei", "seoul")
    with Node.open(tmp_path / "copy", clock=nodes["taipei"].clock) as restored:
        assert send_notice(restored, "seoul", NoticeKind.TERMS, {"new": True}) == 2
        heard = carry({**nodes, "taipei": restored}, "taipei", "seoul")
    assert (heard.taken.number, heard.problems) == (4, ())
    assert HEARD[-1].body == {"new": True}
    assert conduct_of(nodes["seoul"], "taipei").points == 0


def test_a_peer_restored_from_an_older_copy_hears_again_what_it_lost(nodes: dict[str, Node], tmp_path: Path) -> None:
    """What it took after the copy was made is given once more, in order."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    shutil.copytree(tmp_path / "seoul", tmp_path / "copy")
    carry(nodes, "taipei", "seoul")
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    with Node.open(tmp_path / "copy", clock=nodes["seoul"].clock) as restored:
        assert carry({**nodes, "seoul": restored}, "taipei", "seoul").taken.number == 2
    assert told() == [1, 1, 2]


def test_a_peer_cannot_push_our_numbers_out_of_reach(nodes: dict[str, Node]) -> None:
    """A claim far ahead of what we ever sent changes nothing."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.TERMS, {})
    NoticeBook(nodes["taipei"]).settle("seoul", Standing(1 << 60, "f" * 64), ())
    (kept,) = nodes["taipei"].store.notices.waiting("seoul")
    assert (kept.number, read_payload(kept.envelope).number) == (1, 1)


def test_the_routes_are_where_they_are_said_to_be() -> None:
    """Notices have one address, beside TAXII."""
    assert NOTICES_PATH == "/seawall/v1/notices"
    assert [route.path for route in notices_router().routes] == [NOTICES_PATH]
