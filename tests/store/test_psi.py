"""What is kept of private set intersections, on either engine."""

from __future__ import annotations

import pytest

from exchange.psi.sides import pair, run, small_parts, values
from seawall.model.psi import PsiSession, SentPart, SessionState, TakenPart
from seawall.store import Store

EPOCH = "ab" * 32
pytestmark = pytest.mark.tool("libsodium")


def test_a_book_gives_back_what_was_kept(store: Store) -> None:
    """Sessions, parts and questions come back as they were put, in order, and only those of this peer and epoch."""
    book, other = store.psi.book("kr", EPOCH), store.psi.book("jp", EPOCH)
    assert book.session() is None
    session = PsiSession(number=2, we_are_first=True, state=SessionState.OPEN, ours=160, opened_at=5)
    book.save(PsiSession(number=1, we_are_first=False, state=SessionState.DONE, opened_at=3, closed_at=4))
    book.save(session)
    assert book.session() == session
    parts = [
        SentPart(index=place, points=b"p" * 32, values=(b"\0", b"\xff"), places=b"12345678", checks=b"c" * 20)
        for place in range(3)
    ]
    for part in reversed(parts):
        book.put_sent(2, part)
    assert list(book.sent(2)) == parts
    assert list(book.sent_parts()) == []
    book.answered(2, 1, b"t" * 32, b"digest")
    ((number, answered),) = book.sent_parts()
    assert (number, answered.index, answered.points, answered.tokens) == (2, 1, b"", b"t" * 32)
    assert book.sent_part(2, 1) == answered
    assert book.sent_part(2, 3) is None
    taken = TakenPart(index=0, digest=b"d", tokens=b"t" * 16)
    book.put_taken(1, taken)
    assert list(book.taken(1)) == [taken]
    assert list(book.taken_parts()) == [(1, taken)]
    book.put_question("k", b"value", b"b" * 32, 1)
    assert book.question("k") == (b"value", b"b" * 32)
    book.drop_sent(2)
    assert list(book.sent(2)) == []
    assert other.session() is None
    assert other.question("k") is None


def test_an_epoch_is_forgotten_whole(store: Store) -> None:
    """forget drops everything of one epoch and leaves the others."""
    one, other = store.psi.book("kr", EPOCH), store.psi.book("kr", "cd" * 32)
    for book in (one, other):
        book.save(PsiSession(number=1, we_are_first=True, state=SessionState.OPEN, opened_at=1))
        book.put_taken(1, TakenPart(index=0, digest=b"d", tokens=b"t" * 16))
        book.put_question("k", b"value", b"b", 1)
    assert store.psi.epochs("kr") == (EPOCH, "cd" * 32)
    one.forget()
    assert one.session() is None
    assert one.question("k") is None
    assert list(one.taken_parts()) == []
    assert len(list(other.taken_parts())) == 1
    store.psi.forget("kr")
    assert store.psi.epochs("kr") == ()


def test_sessions_run_over_the_store(store: Store) -> None:
    """Two sessions over books of a database end with the plain intersection on both sides."""
    one, other = pair(None, store.psi.book("kr", EPOCH), store.psi.book("tw", EPOCH))
    ours, theirs = [b"%d" % number for number in range(100)], [b"%d" % number for number in range(0, 200, 3)]
    with small_parts():
        run(one, other, 1, ours, theirs)
        run(other, one, 2, [*theirs, b"1"], [*ours, b"102"])
    expected = {*ours, b"102"} & {*theirs, b"1"}
    assert values(one) == values(other) == expected
