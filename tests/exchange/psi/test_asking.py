"""One blinded look-up: the answer is right, the answerer learns nothing, and it costs one guess."""

from __future__ import annotations

import os

import pytest

from exchange.psi.sides import Budget, changed, pair, run, with_key
from seawall.exchange import psi
from seawall.exchange.psi import group
from seawall.exchange.psi.parts import decode
from seawall.model import Refused

Sides = tuple[psi.Channel, psi.Channel]


def test_a_question_is_answered_from_what_was_brought(sides: Sides) -> None:
    """Values that the other side brought into the epoch are known, others are not, in either direction."""
    one, other = sides
    run(one, other, 1, [b"ours"], [b"theirs"])
    for asker, answerer, known in ((one, other, b"theirs"), (other, one, b"ours")):
        for value in (known, b"nobody's"):
            reply = psi.answer_question(answerer, psi.ask(asker, value), Budget())
            answered = psi.read_answer(asker, reply)
            assert (answered.value, answered.known) == (value, value == known)


def test_what_a_session_never_brought_is_not_known(sides: Sides) -> None:
    """Before the other side brought anything, and for what it holds back, the answer is no."""
    one, other = sides
    reply = psi.answer_question(other, psi.ask(one, b"theirs"), Budget())
    assert not psi.read_answer(one, reply).known


def test_a_question_says_nothing_of_its_value(sides: Sides) -> None:
    """The same value asked twice is two unrelated points, and equals nothing that a session sent for that value."""
    one = sides[0]
    first, second = (decode(psi.ask(one, b"x")).data[16:] for _ in range(2))
    listed = decode(psi.start(one, 1, [b"x"])[0]).data
    assert first != second
    assert {first, second}.isdisjoint(group.split(listed))


def test_each_question_costs_one_guess_before_it_is_answered(sides: Sides) -> None:
    """The same question again gets the same reply and costs nothing; another point under its key costs again."""
    one, other = sides
    budget, body = Budget(limit=2), psi.ask(one, b"x")
    reply = psi.answer_question(other, body, budget)
    assert psi.answer_question(other, body, budget) == reply
    assert budget.total == 1
    smuggled = changed(body, data=decode(body).data[:16] + group.to_point(os.urandom(64)))
    psi.answer_question(other, smuggled, budget)
    assert budget.total == 2
    with pytest.raises(PermissionError):
        psi.answer_question(other, psi.ask(one, b"y"), budget)


def test_an_answer_with_another_key_is_found_out(sides: Sides) -> None:
    """A reply that was not made with the committed key is refused, as is one whose proof was tampered with."""
    one, other = sides
    body = psi.ask(one, b"x")
    false = psi.answer_question(with_key(other, group.to_scalar(os.urandom(64))), body, Budget())
    right = psi.answer_question(other, body, Budget())
    swapped = changed(right, data=decode(right).data[:48] + decode(false).data[48:])
    for reply in (false, swapped):
        with pytest.raises(Refused, match="E-EXCHANGE-703"):
            psi.read_answer(one, reply)
    assert not psi.read_answer(one, right).known


def test_answers_to_no_question_are_refused(sides: Sides) -> None:
    """A reply that nobody asked for, of another epoch, of our own making or cut is refused with its own sentence."""
    one, other = sides
    reply = psi.answer_question(other, psi.ask(one, b"x"), Budget())
    for channel, body, code in (
        (pair()[0], reply, "E-EXCHANGE-711"),
        (other, reply, "E-EXCHANGE-712"),
        (one, reply[:-1], "E-EXCHANGE-710"),
        (one, changed(reply, data=decode(reply).data[:-1]), "E-EXCHANGE-724"),
        (one, changed(reply, data=bytes(16) + decode(reply).data[16:]), "E-EXCHANGE-722"),
    ):
        with pytest.raises(Refused) as refused:
            psi.read_answer(channel, body)
        assert refused.value.code == code
    one.book.drop_question(psi.read_answer(one, reply).key)
    with pytest.raises(Refused, match="E-EXCHANGE-722"):
        psi.read_answer(one, reply)


@pytest.mark.parametrize("bad", [bytes(32), b"\xff" * 32], ids=["identity", "over"])
def test_a_question_that_is_no_point_costs_and_tells_nothing(sides: Sides, bad: bytes) -> None:
    """What is no point is refused before the budget is touched."""
    one, other = sides
    body, budget = psi.ask(one, b"x"), Budget()
    with pytest.raises(Refused, match="E-EXCHANGE-702"):
        psi.answer_question(other, changed(body, data=decode(body).data[:16] + bad), budget)
    assert budget.total == 0
