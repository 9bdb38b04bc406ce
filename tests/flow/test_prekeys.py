"""Prekeys between nodes: told with the first exchange, renewed each week, gone when keys are stolen or restored."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from flow.neighbours import Clock, carry, neighbours
from seawall.exchange.notices.paths import FURTHER_KINDS
from seawall.flow.backup_parts import parts_of, state_of
from seawall.flow.jobs import run
from seawall.flow.keys import rotate_keys, show_keys
from seawall.flow.node import Node
from seawall.flow.notices import LineBook, NoticeBook, send_notice
from seawall.flow.prekeys import own_prekeys, recipient_keys, sender_keys, tell_prekey, tend_prekeys
from seawall.identity import Reason
from seawall.identity.prekey_files import PREKEYS
from seawall.identity.prekeys import DAY, IN_FORCE, KEPT_AFTER_END
from seawall.model import Unavailable, UserRole
from seawall.model.notice import NoticeKind


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Two nodes that verified each other."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        yield found


def exchange(nodes: dict[str, Node]) -> None:
    """One synchronisation by Taipei: it asks, and then brings its own."""
    taipei, seoul = LineBook(nodes["taipei"]), LineBook(nodes["seoul"])
    for ours, theirs, us, them in ((seoul, taipei, "taipei", "seoul"), (taipei, seoul, "seoul", "taipei")):
        ours.reads(us, FURTHER_KINDS)
        envelopes, _ = ours.waiting(us, theirs.standing(them).number, 20)
        heard = theirs.take(them, envelopes)
        assert heard.problems == ()
        ours.settle(us, heard.taken, heard.problems)


def later(node: Node, microseconds: int) -> None:
    """The clock that all share goes on."""
    assert isinstance(node.clock, Clock)
    node.clock.moment += microseconds


def test_a_peer_without_prekeys_is_one_sentence(nodes: dict[str, Node]) -> None:
    """Before the first exchange nothing can be sealed, and the sentence says what to run."""
    with pytest.raises(Unavailable, match=r"E-FLOW-466: seoul .* run 'seawall sync seoul' once\."):
        recipient_keys(nodes["taipei"], "seoul")
    assert sender_keys(nodes["taipei"], "seoul").prekeys == ()


def test_one_exchange_tells_both(nodes: dict[str, Node]) -> None:
    """After it each holds what the other seals by, and the next exchange says nothing more of it."""
    exchange(nodes)
    for here, there in (("taipei", "seoul"), ("seoul", "taipei")):
        assert recipient_keys(nodes[here], there) == own_prekeys(nodes[there]).newest.public
        assert sender_keys(nodes[here], there).signing == (nodes[there].keys.signing_public,)
    exchange(nodes)
    assert nodes["taipei"].store.notices.last("seoul", ours=True) == 1


def test_a_peer_of_an_older_version_is_not_told(nodes: dict[str, Node]) -> None:
    """It would take the notice for damage and hear nothing behind it, so what it can read goes on as before."""
    book = LineBook(nodes["taipei"])
    for kinds in ("", "more,other"):
        book.reads("seoul", kinds)
        assert book.waiting("seoul", 0, 20) == ([], False)
    book.reads("seoul", f"other,{FURTHER_KINDS}")
    assert len(book.waiting("seoul", 0, 20)[0]) == 1


def test_each_week_there_is_another(nodes: dict[str, Node]) -> None:
    """The next one is told with the next exchange; what was sealed for the one before is still opened."""
    exchange(nodes)
    before = own_prekeys(nodes["seoul"]).newest
    later(nodes["seoul"], IN_FORCE)
    exchange(nodes)
    own = own_prekeys(nodes["seoul"])
    assert recipient_keys(nodes["taipei"], "seoul") == own.newest.public
    assert own.keys[1] == before
    assert [key.key_id for key in sender_keys(nodes["taipei"], "seoul").prekeys] == [
        own.newest.public.key_id,
        before.public.key_id,
    ]


def test_the_job_makes_tells_and_wipes(nodes: dict[str, Node]) -> None:
    """'seawall run prekeys' does all three, and says so."""
    seoul = nodes["seoul"]
    assert "0 told, 0 wiped" in str(run(seoul, "prekeys")["result"])  # of an older version, as far as it knows
    NoticeBook(seoul).reads("taipei", FURTHER_KINDS)
    assert "1 told, 0 wiped" in str(run(seoul, "prekeys")["result"])
    assert "0 told, 0 wiped" in tend_prekeys(seoul)
    first = own_prekeys(seoul).newest
    later(seoul, IN_FORCE + KEPT_AFTER_END)
    assert "1 told, 1 wiped" in tend_prekeys(seoul)
    assert first not in own_prekeys(seoul).keys
    assert len(list((seoul.folder / "keys" / PREKEYS).glob("*.key"))) == 1


def test_keys_show_names_the_prekey_and_its_age(nodes: dict[str, Node]) -> None:
    """Nothing before the first one was made, then its id, its moments and how old it is."""
    seoul = nodes["seoul"]
    assert show_keys(seoul)["prekey"] is None
    newest = own_prekeys(seoul).newest
    later(seoul, DAY)
    shown = show_keys(seoul)
    assert shown["prekey"] == newest.public.key_id.hex()[:16]
    assert shown["prekey_age_seconds"] == 86_400
    assert shown["prekeys_kept"] == 1


def test_no_backup_holds_a_prekey(nodes: dict[str, Node]) -> None:
    """Neither its members nor what says whether something changed since."""
    seoul = nodes["seoul"]
    before = state_of(seoul, "").files
    own_prekeys(seoul)
    assert state_of(seoul, "").files == before
    with ExitStack() as stack:
        names = []
        for part in parts_of(seoul, stack, with_lake=False, on_progress=lambda _done, _total: None):
            part.file.close()
            names.append(part.name)
    assert "keys/node.json" in names
    assert not any(PREKEYS in name for name in names)


def two_people(node: Node) -> None:
    """Give the node a second person, who approves."""
    token = node.folder / "second.token"
    token.write_text(node.store.users.add("park", UserRole.APPROVER, node.clock()))
    node._approver_token = token


def test_after_a_rotation_peers_hear_of_a_new_prekey(nodes: dict[str, Node]) -> None:
    """The next exchange brings the keys and, signed by them, a prekey; what was sealed before is still opened."""
    exchange(nodes)
    seoul = nodes["seoul"]
    before, former = own_prekeys(seoul).newest, seoul.keys.signing_public
    two_people(seoul)
    rotate_keys(seoul)
    carry(nodes, "seoul", "taipei")
    own = own_prekeys(seoul)
    assert own.newest != before
    assert before in own.keys
    assert recipient_keys(nodes["taipei"], "seoul") == own.newest.public
    assert sender_keys(nodes["taipei"], "seoul").signing == (seoul.keys.signing_public, former)


def test_after_a_theft_nothing_former_is_believed(nodes: dict[str, Node]) -> None:
    """Our own prekeys are wiped, and peers drop all they held: a thief may have told some of them."""
    exchange(nodes)
    seoul = nodes["seoul"]
    before = own_prekeys(seoul).newest
    two_people(seoul)
    rotate_keys(seoul, reason=Reason.STOLEN)
    carry(nodes, "seoul", "taipei")
    known = sender_keys(nodes["taipei"], "seoul")
    assert known.signing == (seoul.keys.signing_public,)
    assert known.prekeys == (own_prekeys(seoul).newest.public,)
    assert before not in own_prekeys(seoul).keys


def test_a_notice_without_a_prekey_changes_nothing(nodes: dict[str, Node]) -> None:
    """What cannot be read is rejected with a sentence to its sender, and the key held stays."""
    exchange(nodes)
    held = recipient_keys(nodes["taipei"], "seoul")
    for body in ({}, {"prekey": 7}, {"prekey": "{}"}, {"prekey": "x" * 100_000}):
        send_notice(nodes["seoul"], "taipei", NoticeKind.PREKEYS, body)
    heard = carry(nodes, "seoul", "taipei")
    assert [problem.number for problem in heard.problems] == [2, 3, 4, 5]
    assert recipient_keys(nodes["taipei"], "seoul") == held


def test_a_peer_is_told_once(nodes: dict[str, Node]) -> None:
    """Asking again and again queues one notice."""
    assert [tell_prekey(nodes["taipei"], "seoul") for _ in range(3)] == [True, False, False]
    assert nodes["taipei"].store.notices.count_waiting("seoul") == 1
