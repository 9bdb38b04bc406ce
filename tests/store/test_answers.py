"""Answers to warnings: one a party and value."""

from __future__ import annotations

from seawall.model import ObservableType
from seawall.model.answer import Answer, Verdict
from seawall.store import Store

IP = ObservableType.IPV4


def _answer(verdict: Verdict, at: int, peer: str | None = None, value: str = "203.0.113.5") -> Answer:
    return Answer(IP, value, verdict, at, "lin", peer, "looked at the proxy")


def test_a_later_answer_of_one_party_stands_in_place_of_its_earlier_one(store: Store) -> None:
    """Ours and a peer's stand side by side; each party's own is replaced, and counts as newest."""
    store.answers.put([_answer(Verdict.CONFIRMED, 1), _answer(Verdict.REFUTED, 2, "harbour")])
    store.answers.put([_answer(Verdict.REFUTED, 3)])
    found = store.answers.of([(IP, "203.0.113.5"), (IP, "203.0.113.6")])
    assert found == {(IP, "203.0.113.5"): [_answer(Verdict.REFUTED, 2, "harbour"), _answer(Verdict.REFUTED, 3)]}


def test_who_reads_on_behind_the_last_sees_every_change(store: Store) -> None:
    """Numbers are never given twice, also after the last answer was taken back."""
    store.answers.put([_answer(Verdict.CONFIRMED, number, value=f"203.0.113.{number}") for number in range(1, 4)])
    first = store.answers.list(limit=2)
    assert [item.at for item in first.items] == [1, 2]
    rest = store.answers.list(after=first.next or 0)
    assert [item.at for item in rest.items] == [3]
    before = store.answers.change()
    assert store.answers.remove(IP, "203.0.113.3")
    assert not store.answers.remove(IP, "203.0.113.3")
    store.answers.put([_answer(Verdict.REFUTED, 9, value="203.0.113.9")])
    assert store.answers.change() != before
    assert [item.at for item in store.answers.list(since=3).items] == [9]
