"""What waits gets new numbers when a peer knows more of ours than our books: whole, in order, and not on demand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow.neighbours import HEARD, Clock, carry, neighbours
from flow.post_scenes import SEEN, RelayInMemory, know_keys, link, settle, watched
from seawall.exchange.notices import Standing as NoticeStanding
from seawall.exchange.notices import read_payload
from seawall.exchange.post import Standing
from seawall.flow import notices as notices_flow
from seawall.flow import post_queue
from seawall.flow.node import Node
from seawall.flow.notices import NoticeBook, send_notice
from seawall.flow.post import deliver, post
from seawall.flow.post_book import PostBook
from seawall.flow.post_seal import digest_of
from seawall.flow.post_state import remember
from seawall.flow.renumbering import PAUSE
from seawall.ledger import EventKind
from seawall.model.message import MessageKind
from seawall.model.notice import NoticeKind
from seawall.model.post import PostState

ASK = MessageKind.ASK
LIE = Standing(taken=1, digest="0" * 64)


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul, which speak through a relay."""
    relay = RelayInMemory()
    HEARD.clear()
    monkeypatch.setitem(notices_flow.HANDLERS, NoticeKind.TERMS, "flow.neighbours:hear")
    with neighbours(tmp_path, "taipei", "seoul") as found, watched(monkeypatch, relay):
        know_keys(found)
        link(found, "taipei", "seoul", relay)
        yield found


def later(node: Node, microseconds: int) -> None:
    """The clock that all share goes on."""
    assert isinstance(node.clock, Clock)
    node.clock.moment += microseconds


def waiting(node: Node) -> dict[int, bytes]:
    """Number -> what it says, of all that waits for Seoul."""
    rows = node.store.post.waiting("seoul", limit=1_000)
    kept = [node.store.post.get("seoul", row.sequence) for row in rows]
    return {row.sequence: row.body or b"" for row in kept if row is not None}


def signed_or_sealed(node: Node, kind: EventKind) -> int:
    """How many leaves of this kind are on the ledger."""
    events = [node.ledger.entry(number).event for number in range(node.ledger.size)]
    return sum(1 for event in events if event and event["kind"] == kind.value)


def test_new_numbers_are_behind_all_that_either_side_knows(nodes: dict[str, Node]) -> None:
    """What the relay holds under the former numbers stays true, and the peer learns which numbers stay empty."""
    taipei = nodes["taipei"]
    for number in range(4):
        post(taipei, "seoul", ASK, str(number).encode())
    PostBook(taipei, {}).settle("seoul", Standing(taken=2, digest="0" * 64))
    assert waiting(taipei) == {5: b"0", 6: b"1", 7: b"2", 8: b"3"}
    assert PostBook(taipei, {}).standing("seoul").gone == (3, 4)
    settle(nodes, "taipei", "seoul")
    assert [body for _, _, body in SEEN] == [b"0", b"1", b"2", b"3"]
    assert waiting(taipei) == {}


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_kill_while_numbers_change_leaves_all_that_waits(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    """All of it still has its former number, and nothing is taken for sealed that is not."""
    taipei, asked = nodes["taipei"], []
    for number in range(3):
        post(taipei, "seoul", ASK, str(number).encode())

    def dying(*said: Any) -> str:
        asked.append(said)
        if len(asked) == dies_at:
            raise KeyboardInterrupt
        return digest_of(*said)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(post_queue, "digest_of", dying)
        PostBook(taipei, {}).settle("seoul", LIE)
    assert waiting(taipei) == {1: b"0", 2: b"1", 3: b"2"}
    settle(nodes, "taipei", "seoul")
    assert [body for _, _, body in SEEN] == [b"0", b"1", b"2"]


def test_a_kill_right_after_numbers_changed_loses_nothing(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has new numbers is sealed anew before it leaves, although nobody wrote down that they changed."""
    taipei = nodes["taipei"]
    for number in range(3):
        post(taipei, "seoul", ASK, str(number).encode())
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        calls: list[object] = []

        def dying(*said: Any) -> None:
            calls.append(said)
            if len(calls) == 2:
                raise KeyboardInterrupt
            remember(*said)

        patch.setattr(post_queue, "remember", dying)
        PostBook(taipei, {}).settle("seoul", LIE)
    assert waiting(taipei) == {4: b"0", 5: b"1", 6: b"2"}
    settle(nodes, "taipei", "seoul")
    assert [body for _, _, body in SEEN] == [b"0", b"1", b"2"]


def test_a_peer_that_denies_our_numbers_all_day_makes_little_work(nodes: dict[str, Node]) -> None:
    """Once an hour all that waits is sealed anew; what it says in between changes nothing, and nothing is lost."""
    taipei, book = nodes["taipei"], PostBook(nodes["taipei"], {})
    for number in range(3):
        post(taipei, "seoul", ASK, str(number).encode())
    before = signed_or_sealed(taipei, EventKind.MESSAGE_SENT)
    for _ in range(20):
        known = taipei.store.post.last("seoul")
        book.settle("seoul", Standing(taken=known - 1, digest="0" * 64))
        book.waiting("seoul", 0)
    assert waiting(taipei) == {4: b"0", 5: b"1", 6: b"2"}
    assert signed_or_sealed(taipei, EventKind.MESSAGE_SENT) <= before + 2 * 3  # for the other place, and once anew
    later(taipei, PAUSE)
    book.settle("seoul", Standing(taken=5, digest="0" * 64))
    assert waiting(taipei) == {7: b"0", 8: b"1", 9: b"2"}
    later(taipei, -10 * PAUSE)  # somebody sets the clock back
    book.settle("seoul", Standing(taken=8, digest="0" * 64))
    assert waiting(taipei) == {10: b"0", 11: b"1", 12: b"2"}


def test_numbers_whose_rows_are_kept_no_longer_are_told_as_empty(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A peer whose books are far behind is not left waiting for what nobody can send any more."""
    taipei = nodes["taipei"]
    monkeypatch.setattr(post_queue, "BOUNDS", msgspec.structs.replace(post_queue.BOUNDS, kept=2))
    for number in range(6):
        post(taipei, "seoul", ASK, str(number).encode())
    taipei.store.post.taken("seoul", 5, taipei.clock())
    post(taipei, "seoul", ASK, b"6")
    assert taipei.store.post.get("seoul", 3) is None
    assert taipei.store.post.gone("seoul", 0) == (1, 2, 3, 4, 5)
    assert taipei.store.post.gone("seoul", 0, limit=2) == (1, 2)
    assert taipei.store.post.gone("seoul", 9) == ()
    settle(nodes, "taipei", "seoul")
    assert [body for _, _, body in SEEN] == [b"5", b"6"]


def test_a_drop_that_was_numbered_anew_is_not_sent_twice(nodes: dict[str, Node]) -> None:
    """It did arrive, or will: no new chain begins because its number changed."""
    from seawall.flow.relay_sync import _restart

    taipei = nodes["taipei"]
    post(taipei, "seoul", MessageKind.DROP, b"a part")
    PostBook(taipei, {}).settle("seoul", LIE)
    assert taipei.store.post.list("seoul")[0].state is PostState.WAITING
    assert _restart(taipei, "seoul") == (False, [])


def test_notices_are_numbered_anew_in_one_step_and_once_an_hour(
    nodes: dict[str, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kill leaves them as they were; a peer that denies them again and again makes no work."""
    taipei = nodes["taipei"]
    carry(nodes, "taipei", "seoul")
    base = taipei.store.notices.last("seoul", ours=True)
    for place in range(3):
        send_notice(taipei, "seoul", NoticeKind.TERMS, {"place": place})
    lie = NoticeStanding(base + 1, "0" * 64)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(notices_flow, "read_payload", _Dying(2))
        NoticeBook(taipei).settle("seoul", lie, ())
    assert [kept.number for kept in taipei.store.notices.waiting("seoul")] == [base + 1, base + 2, base + 3]
    before = signed_or_sealed(taipei, EventKind.NOTICE_SENT)
    for _ in range(10):
        NoticeBook(taipei).settle("seoul", lie, ())
    assert signed_or_sealed(taipei, EventKind.NOTICE_SENT) == before + 3
    assert [kept.number for kept in taipei.store.notices.waiting("seoul")] == [base + 2, base + 3, base + 4]


class _Dying:
    """Reads as ever, and dies the nth time."""

    def __init__(self, at: int) -> None:
        self._left = at

    def __call__(self, envelope: bytes) -> Any:
        """See ``read_payload``."""
        self._left -= 1
        if not self._left:
            raise KeyboardInterrupt
        return read_payload(envelope)


def test_deliveries_go_on_while_numbers_may_not_change(nodes: dict[str, Node]) -> None:
    """The peer's own messages are handled, and ours arrive, although it lied about them."""
    taipei = nodes["taipei"]
    post(taipei, "seoul", ASK, b"mine")
    PostBook(taipei, {}).settle("seoul", LIE)
    PostBook(taipei, {}).settle("seoul", Standing(taken=2, digest="0" * 64))
    post(nodes["seoul"], "taipei", ASK, b"theirs")
    settle(nodes, "taipei", "seoul")
    assert deliver(taipei, "seoul").waiting == 0
    assert sorted(body for _, _, body in SEEN) == [b"mine", b"theirs"]
