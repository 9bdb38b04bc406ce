"""Sessions: what both hold comes out, whatever the way does to the parts; everything else is refused."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.psi.sides import BEGIN, END, Budget, changed, pair, run, small_parts, terms_of, values, with_key
from seawall.exchange import psi
from seawall.exchange.psi import group
from seawall.exchange.psi.padding import padded
from seawall.exchange.psi.parts import Kind, decode
from seawall.model import Fault, ObservableType, Refused
from seawall.model.psi import PsiSession, SentPart, SessionState, TakenPart

Sides = tuple[psi.Channel, psi.Channel]
A, B = [b"192.0.2.1", b"192.0.2.2", b"192.0.2.3"], [b"192.0.2.2", b"192.0.2.3", b"192.0.2.4"]
ITEM = st.binary(max_size=8)
T = TypeVar("T")


def nothing() -> Sequence[bytes]:
    """No values of our own."""
    return ()


def test_both_sides_learn_what_both_hold(sides: Sides) -> None:
    """After three messages both know the common values and the sessions they came in, and nothing else is named."""
    run(*sides, 1, A, B)
    for side in sides:
        found = psi.overlap(side)
        assert [(one.value, one.our_session, one.their_session) for one in found.common] == [
            (b"192.0.2.2", 1, 1),
            (b"192.0.2.3", 1, 1),
        ]
        assert (found.ours, found.theirs) == (3, 128)


@settings(max_examples=20, deadline=None)
@given(
    days=st.lists(st.tuples(st.sets(ITEM, max_size=30), st.sets(ITEM, max_size=30)), min_size=1, max_size=3),
)
def test_days_of_an_epoch_add_up_to_the_plain_intersection(days: list[tuple[set[bytes], set[bytes]]]) -> None:
    """Over several sessions with alternating roles, each side knows what the plain intersection of all sets says."""
    one, other = pair()
    held: tuple[set[bytes], set[bytes]] = (set(), set())
    for number, (new, theirs) in enumerate(days, 1):
        held[0].update(new)
        held[1].update(theirs)
        if number % 2:
            run(one, other, number, held[0], held[1])
        else:
            run(other, one, number, held[1], held[0])
        assert values(one) == values(other) == held[0] & held[1]


def test_only_new_values_travel(sides: Sides) -> None:
    """A second session brings a list for what is new since the first, however much was brought before."""
    many = [b"%d" % number for number in range(400)]
    first = run(*sides, 1, many, many)
    second = run(*sides, 2, [*many, b"new"], [*many, b"new"])
    assert second < first / 3
    assert values(sides[0]) == {*many, b"new"}
    assert psi.overlap(sides[1]).common[-1] == psi.Common(b"new", 2, 2)
    assert psi.overlap(sides[1], since=2).common == (psi.Common(b"new", 2, 2),)


def test_since_names_what_became_common_later(sides: Sides) -> None:
    """A value that one side brought early and the other late became common when it was brought last."""
    one, other = sides
    run(one, other, 1, [b"early", b"both"], [b"both", b"late"])
    run(other, one, 2, [b"both", b"late", b"early"], [b"early", b"both", b"late"])
    for side, wanted in ((one, {b"early": (1, 2), b"late": (2, 1)}), (other, {b"early": (2, 1), b"late": (1, 2)})):
        found = psi.overlap(side, since=2)
        assert {each.value: (each.our_session, each.their_session) for each in found.common} == wanted
        assert len(psi.overlap(side).common) == 3
        assert psi.overlap(side, since=3).common == ()


@settings(max_examples=25, deadline=None)
@given(
    ours=st.sets(ITEM, max_size=60),
    theirs=st.sets(ITEM, max_size=60),
    mischief=st.lists(st.sampled_from(["", "again", "cut", "ahead", "bit", "old"]), max_size=40),
)
def test_mischief_on_the_way_is_refused_or_harmless(ours: set[bytes], theirs: set[bytes], mischief: list[str]) -> None:
    """Parts repeated, cut, reordered or changed are refused or change nothing; both learn the plain intersection."""
    first, second = pair()
    tricks = iter(mischief)
    with small_parts():
        there, here = psi.start(first, 1, ours), list[bytes]()
        seen: dict[str, list[bytes]] = {first.own: [], second.own: []}
        budget = Budget()
        while there or here:
            receiver, waiting, back = (second, there, here) if there else (first, here, there)
            trick, body = next(tricks, ""), waiting.pop(0)
            before = seen[receiver.own]
            bad = {
                "cut": body[:-1],
                "ahead": waiting[0] if waiting else body[:9],
                "bit": changed(body, data=decode(body).data[:-1] + b"\x80"),  # no point is written so
            }.get(trick if trick != "bit" or decode(body).kind is Kind.POINTS else "")
            if bad is not None:
                with pytest.raises(Refused):
                    psi.receive(receiver, bad, lambda: theirs, budget)
            if trick in ("again", "old") and before:
                replies = psi.receive(receiver, before[0 if trick == "old" else -1], lambda: theirs, budget).replies
                assert all(len(reply) > 0 for reply in replies)
            back += psi.receive(receiver, body, lambda: theirs, budget).replies
            before.append(body)
    assert values(first) == values(second) == ours & theirs


class _KilledError(Exception):
    """The process ended here."""


class KillBook(psi.MemoryBook):
    """A book whose process ends just before, or just after, one of its writes."""

    left: int | None = None
    after = False

    def _write(self, work: Callable[[], None]) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.left = None
                if self.after:
                    work()
                raise _KilledError
        work()

    def save(self, session: PsiSession) -> None:
        """Perhaps."""
        self._write(lambda: psi.MemoryBook.save(self, session))

    def put_sent(self, session: int, part: SentPart) -> None:
        """Perhaps."""
        self._write(lambda: psi.MemoryBook.put_sent(self, session, part))

    def answered(self, session: int, index: int, tokens: bytes, digest: bytes) -> None:
        """Perhaps."""
        self._write(lambda: psi.MemoryBook.answered(self, session, index, tokens, digest))

    def put_taken(self, session: int, part: TakenPart) -> None:
        """Perhaps."""
        self._write(lambda: psi.MemoryBook.put_taken(self, session, part))


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("whose", [0, 1], ids=["first side", "second side"])
def test_a_kill_at_any_write_loses_nothing(whose: int, after: bool, short: None) -> None:
    """Killed at any write and started again, a side ends with the same overlap; each part is spent once."""
    for kill_at in range(40):
        books = KillBook(), KillBook()
        one, other = pair(None, *books)
        books[whose].left, books[whose].after = kill_at, after
        budgets = {one.own: Budget(), other.own: Budget()}
        there, here = _again(lambda: psi.start(one, 1, A)), list[bytes]()  # noqa: B023
        while there or here:
            receiver, waiting, back = (other, there, here) if there else (one, here, there)
            body = waiting.pop(0)
            received = _again(lambda: psi.receive(receiver, body, lambda: B, budgets[receiver.own]))  # noqa: B023
            back += received.replies
        assert values(one) == values(other) == {*A} & {*B}
        assert {budget.total for budget in budgets.values()} == {128}
        if books[whose].left is not None:
            return  # there are no more writes than this
    pytest.fail("a session of 128 points writes less often than that")


def _again(work: Callable[[], T]) -> T:
    try:
        return work()
    except _KilledError:
        return work()


def test_what_may_not_have_left_can_be_sent_again(sides: Sides, short: None) -> None:
    """resume gives both sides what the other may lack; having got it twice does no harm."""
    first, second = sides
    lost = psi.start(first, 1, A)
    assert psi.resume(first) == lost == psi.start(first, 1, [b"other items are not asked again"])
    budget = Budget()
    for body in lost:
        psi.receive(second, body, lambda: B, budget)
    for _ in range(2):
        for body in psi.resume(second):
            psi.receive(first, body, nothing, budget)
        for body in psi.resume(first):
            psi.receive(second, body, lambda: B, budget)
    assert values(first) == values(second) == {b"192.0.2.2", b"192.0.2.3"}
    assert budget.total == 256


def test_an_abandoned_session_is_followed_by_another(sides: Sides) -> None:
    """Values of a session that was given up travel again; its parts are refused from then on."""
    first, second = sides
    old = psi.start(first, 1, A)
    psi.receive(second, old[0], lambda: B, Budget())
    psi.abandon(first)
    run(first, second, 2, A, B)
    assert values(first) == values(second) == {b"192.0.2.2", b"192.0.2.3"}
    with pytest.raises(Refused, match="E-EXCHANGE-714"):
        psi.receive(second, old[0], nothing, Budget())
    assert psi.resume(first) != []


def test_one_session_at_a_time(sides: Sides) -> None:
    """A session number is used once, and neither side begins one while its own is open."""
    first, second = sides
    psi.start(first, 1, A)
    with pytest.raises(Fault, match="E-EXCHANGE-708"):
        psi.start(first, 2, A)
    with pytest.raises(Refused, match="E-EXCHANGE-715"):
        psi.receive(first, psi.start(second, 5, B)[0], nothing, Budget())
    psi.abandon(first)
    with pytest.raises(Fault, match="E-EXCHANGE-708"):
        psi.start(first, 1, A)


def _refused(code: str, channel: psi.Channel, body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        psi.receive(channel, body, nothing, Budget())
    assert refused.value.code == code


def test_parts_of_elsewhere_are_refused(sides: Sides) -> None:
    """A part of another epoch, another type, another peer, or our own part sent back, is refused."""
    first, second = sides
    body = psi.start(first, 1, A)[0]
    for other in (pair()[0], pair(terms_of(type=ObservableType.DOMAIN))[0]):
        _refused("E-EXCHANGE-711", second, psi.start(other, 1, A)[0])
    _refused("E-EXCHANGE-712", first, body)
    _refused("E-EXCHANGE-712", second, changed(body, sender=7))
    _refused("E-EXCHANGE-711", second, changed(body, purpose="count"))
    _refused("E-EXCHANGE-724", second, changed(body, kind=Kind.QUESTION))


@pytest.mark.parametrize("at", [BEGIN - 1, END, END + 1])
def test_out_of_its_time_an_epoch_is_not_used(sides: Sides, at: int) -> None:
    """Before its begin and from its end on nothing is begun and nothing answered."""
    late = replace(sides[1], clock=lambda: at)
    _refused("E-EXCHANGE-713", late, psi.start(sides[0], 1, A)[0])
    with pytest.raises(Refused, match="E-EXCHANGE-713"):
        psi.start(late, 1, A)


NO_PARTS = (
    b"",
    b"\xc1",
    b"\x80",
    bytes(5_000_000),
    b"\x8c\xb3\xeb\x07\x84t\xd7\t@j\xd3\x8f\n\xfe^c \x86\x00\x00",  # a map whose first key is no UTF-8
    b"\x81\xa1\xff\x01",
    b"\x81\xa7purpose\xa1\xff",
    b"\x91" * 100_000,
    b"\x81\xa1a" * 100_000,
    b"\x81\xa7session\xcf" + b"\xff" * 8,
    b"\xc6\xff\xff\xff\xff",
)


@pytest.mark.parametrize("body", NO_PARTS, ids=range(len(NO_PARTS)))
def test_what_is_no_part_is_refused(sides: Sides, body: bytes) -> None:
    """Bytes that are no part, or more than a part may have, are refused with one sentence."""
    _refused("E-EXCHANGE-710", sides[1], body)


def test_the_wrong_part_of_a_list_is_refused(sides: Sides, short: None) -> None:
    """A part too early, one place with two contents, and a part that is too short or too long are refused."""
    first, second = sides
    body, following = psi.start(first, 1, A)[:2]
    data = decode(body).data
    _refused("E-EXCHANGE-716", second, following)
    _refused("E-EXCHANGE-719", second, changed(body, data=data[32:]))
    _refused("E-EXCHANGE-719", second, changed(body, data=data + data[:32]))
    psi.receive(second, body, nothing, Budget())
    _refused("E-EXCHANGE-719", second, changed(body, index=4))
    _refused("E-EXCHANGE-717", second, changed(body, data=data[32:] + decode(following).data[:32]))
    _refused("E-EXCHANGE-716", second, changed(following, total=padded(200)))


def test_a_list_over_the_cap_is_refused_before_it_costs_anything() -> None:
    """More points than the terms allow, or a number that no padded list has, is refused unspent; cap + 1 likewise."""
    first, second = pair(terms_of(most_points=128))
    body = psi.start(first, 1, A)[0]
    budget = Budget()
    for total in (129, padded(129), 127):
        with pytest.raises(Refused, match="E-EXCHANGE-718"):
            psi.receive(second, changed(body, total=total), nothing, budget)
    assert budget.total == 0
    with pytest.raises(Refused, match="E-EXCHANGE-707"):
        psi.start(second, 2, [b"%d" % number for number in range(121)])
    assert psi.most_items(128) == 120


def test_points_twice_in_a_list_are_refused(sides: Sides, short: None) -> None:
    """The same point twice in one part costs nothing and is refused; across parts it is refused and stays spent."""
    first, second = sides
    body, following = psi.start(first, 1, A)[:2]
    one, two = decode(body).data, decode(following).data
    budget = Budget()
    with pytest.raises(Refused, match="E-EXCHANGE-720"):
        psi.receive(second, changed(body, data=one[:32] + one[:-32]), nothing, budget)
    assert budget.total == 0
    psi.receive(second, body, nothing, budget)
    with pytest.raises(Refused, match="E-EXCHANGE-720"):
        psi.receive(second, changed(following, data=one[:32] + two[32:]), nothing, budget)
    assert budget.total == 64
    psi.receive(second, following, nothing, budget)


@pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32, b"\1" + bytes(31)], ids=["identity", "over", "odd"])
def test_a_list_with_a_bad_point_gets_no_answer(sides: Sides, bad: bytes) -> None:
    """One value that is no point refuses the whole part, and nothing of it is kept."""
    first, second = sides
    body = psi.start(first, 1, A)[0]
    _refused("E-EXCHANGE-702", second, changed(body, data=decode(body).data[:-32] + bad))
    assert second.book.session() is None


def test_nothing_is_evaluated_before_the_budget_is_spent(sides: Sides) -> None:
    """Where the callback refuses, no point was multiplied, nothing is kept, and the part may come again later."""
    first, second = sides
    body = psi.start(first, 1, A)[0]

    class Unused(psi.Here):
        def evaluate(self, scalar: bytes, points: bytes, *, keep: int = 16) -> bytes:
            raise AssertionError("evaluated")

    with pytest.raises(PermissionError):
        psi.receive(replace(second, multiplier=Unused()), body, nothing, Budget(limit=127))
    assert second.book.session() is None
    assert list(second.book.taken_parts()) == []
    assert psi.receive(second, body, nothing, Budget(limit=128)).replies


@pytest.mark.parametrize("share", [1, 0.5])
def test_a_peer_that_mixes_keys_gets_no_answer(sides: Sides, share: float) -> None:
    """Answers made with another key than the committed one, all or half of them, are found out by the check points."""
    first, second = sides
    body = psi.start(first, 1, [b"%d" % number for number in range(4_000)])[0]
    other = with_key(second, group.to_scalar(os.urandom(64)))
    honest = decode(psi.receive(second, body, nothing, Budget()).replies[0])
    mixed = decode(psi.receive(replace(other, book=psi.MemoryBook()), body, nothing, Budget()).replies[0])
    cut = int(len(honest.data) // 16 * share) * 16
    data = mixed.data[:cut] + honest.data[cut:]
    answers = changed(psi.resume(second)[0], data=data)
    _refused("E-EXCHANGE-721", first, answers)
    with pytest.raises(Refused, match="E-EXCHANGE-716"):  # so its own list is not answered
        psi.receive(first, psi.resume(second)[1], nothing, Budget())


def test_a_peer_is_answered_only_after_its_own_answers(sides: Sides) -> None:
    """The second side's list is not evaluated before its answers to the first side's list stood the test."""
    first, second = sides
    replies = psi.receive(second, psi.start(first, 1, A)[0], lambda: B, Budget()).replies
    budget = Budget()
    with pytest.raises(Refused, match="E-EXCHANGE-716"):
        psi.receive(first, replies[1], nothing, budget)
    assert budget.total == 0


def test_after_the_end_the_key_is_gone(sides: Sides) -> None:
    """end wipes the scalar and the book; parts of the epoch are then refused with one sentence."""
    first, second = sides
    body = psi.start(first, 1, A)[0]
    for _ in range(2):
        psi.end(second)
    with pytest.raises(Fault, match="E-EXCHANGE-706"):
        psi.receive(second, body, nothing, Budget())
    assert second.book.session() is None


def test_heading_says_where_a_part_belongs(sides: Sides) -> None:
    """Epoch, purpose and session of a part are read before its channel is known."""
    found = psi.heading(psi.start(sides[0], 3, A)[0])
    assert found == psi.Heading(sides[0].epoch.id, "overlap", 3)


def test_what_was_finished_stays_finished(sides: Sides) -> None:
    """After a session both books say that it is done."""
    run(*sides, 1, A, B)
    assert [side.book.session().state for side in sides] == [SessionState.DONE] * 2  # type: ignore[union-attr]
