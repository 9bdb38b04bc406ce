"""Counts through a relay, and the attack on size-only comparisons (privacy notes 1.4)."""

from __future__ import annotations

import os
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.psi.sides import Budget, changed, pair, run, small_parts, terms_of, values
from seawall.exchange import psi
from seawall.exchange.psi import group
from seawall.exchange.psi.parts import Kind, Part, decode, encode
from seawall.model import Refused

COUNT = terms_of(purpose="count")
HELD = [b"198.51.100.%d" % number for number in range(50)]
GUESSES = HELD + [b"203.0.113.%d" % number for number in range(50)]


def tags_of(channel: psi.Channel, bodies: Sequence[bytes]) -> list[bytes]:
    """The tags that a side gives to the relay for the other side's list."""
    found = [psi.count_tags(channel, body, Budget()) for body in bodies]
    assert found[:-1] == [None] * (len(bodies) - 1)
    return found[-1] or []


@settings(max_examples=15, deadline=None)
@given(ours=st.sets(st.binary(max_size=6), max_size=60), theirs=st.sets(st.binary(max_size=6), max_size=60))
def test_a_relay_counts_what_both_hold(ours: set[bytes], theirs: set[bytes]) -> None:
    """The tags that both sides send have as many in common as the plain sets; padding adds none."""
    one, other = pair(COUNT)
    with small_parts():
        mine = tags_of(other, psi.count_points(one, ours))
        yours = tags_of(one, psi.count_points(other, theirs))
    assert len({*mine} & {*yours}) == len(ours & theirs)
    assert len({*mine}) == len(mine) >= 128


def test_tags_come_sorted_and_again_the_same(short: None) -> None:
    """The order of the tags tells nothing of the list's; a repetition gives the same and costs nothing more."""
    one, other = pair(COUNT)
    bodies, budget = psi.count_points(one, HELD), Budget()
    first = [psi.count_tags(other, body, budget) for body in bodies][-1]
    assert first == sorted(first or [])
    assert psi.count_points(one, GUESSES) == bodies
    assert psi.count_tags(other, bodies[-1], budget) == first
    assert budget.total == 128


def test_tags_never_join_other_tags_or_tokens() -> None:
    """The same values give other tags in another round, and no tag is a token of a reveal between the same nodes."""
    seen: set[bytes] = set()
    for number in (1, 2):
        one, other = pair(terms_of(purpose="count", number=number))
        seen.update(tags_of(other, psi.count_points(one, HELD)))
    one, other = pair()
    run(one, other, 1, HELD, HELD)
    tokens = {token for _, part in one.book.taken_parts() for token in group.split(part.tokens, 16)}
    assert len(seen) == 2 * 128
    assert seen.isdisjoint(tokens)


def test_a_count_is_refused_what_a_session_is() -> None:
    """Lists for a count are checked like any other, and the two purposes do not mix."""
    one, other = pair(COUNT)
    body = psi.count_points(one, HELD)[0]
    for bad, code in (
        (body[:-1], "E-EXCHANGE-710"),
        (changed(body, data=decode(body).data[:-32]), "E-EXCHANGE-719"),
        (changed(body, data=decode(body).data[:-32] + bytes(32)), "E-EXCHANGE-702"),
        (changed(body, session=2), "E-EXCHANGE-724"),
        (changed(body, purpose="overlap"), "E-EXCHANGE-711"),
    ):
        with pytest.raises(Refused) as refused:
            psi.count_tags(other, bad, Budget())
        assert refused.value.code == code
    with pytest.raises(Refused, match="E-EXCHANGE-711"):
        psi.count_points(pair()[0], HELD)
    with pytest.raises(PermissionError):
        psi.count_tags(other, body, Budget(limit=127))


class Attacker:
    """Masks every value with a scalar of its own, so that a reply, shuffled or not, tells it which value is meant."""

    def __init__(self, channel: psi.Channel, guesses: Sequence[bytes]) -> None:
        self.channel = channel
        self.guesses = guesses
        self.scalars = [group.to_scalar(os.urandom(64)) for _ in guesses]

    def points(self) -> bytes:
        """A list as an honest side would send it, were it not for the scalars."""
        dst = self.channel.epoch.dst
        masked = [
            group.multiply(scalar, group.hash_to_group(guess, dst))
            for scalar, guess in zip(self.scalars, self.guesses, strict=True)
        ]
        padding = [group.to_point(os.urandom(64)) for _ in range(128 - len(masked))]
        return encode(
            Part(
                epoch=self.channel.epoch.digest,
                purpose=self.channel.epoch.terms.purpose,
                kind=Kind.POINTS,
                sender=self.channel.epoch.place(self.channel.own),
                session=1,
                total=128,
                data=b"".join(masked + padding),
            )
        )

    def named(self, replies: Sequence[bytes], their_points: Sequence[bytes]) -> set[bytes]:
        """The guesses that it can tell to be held: n^2 multiplications, each scalar with each point of the other."""
        found = set()
        for scalar, guess in zip(self.scalars, self.guesses, strict=True):
            for point in their_points:
                if group.multiply(scalar, point)[: len(replies[0])] in replies:
                    found.add(guess)
        return found


def test_the_attack_on_shuffled_replies_names_every_item() -> None:
    """Were the reply only shuffled (the usual size-only mode), the attacker would name each item: so none exists."""
    attacker, victim = pair()
    attack = Attacker(attacker, GUESSES)
    their_points = list(group.split(decode(psi.start(victim, 9, HELD)[0]).data))
    scalar = victim.scalars.get(psi.name_of(victim.epoch.terms)) or b""
    shuffled = {group.multiply(scalar, point) for point in group.split(decode(attack.points()).data)}
    assert attack.named(list(shuffled), their_points) == {*HELD}


def test_the_attack_on_a_count_names_nothing() -> None:
    """Through a relay the attacker gets no reply, and its spoilt tags match nothing: the count is 0."""
    attacker, victim = pair(COUNT)
    attack = Attacker(attacker, GUESSES)
    from_victim = psi.count_tags(victim, attack.points(), Budget())
    from_attacker = tags_of(attacker, psi.count_points(victim, HELD))
    assert from_victim is not None
    assert {*from_victim}.isdisjoint(from_attacker)
    # not even when the relay shows it the tags: they are digests of points that it cannot compute
    their_points = list(group.split(decode(psi.count_points(victim, HELD)[0]).data))
    assert attack.named(from_victim, their_points) == set()


def test_the_attack_on_a_session_names_no_more_than_was_paid_for() -> None:
    """In a session the attacker learns of its own guesses what an honest side learns, at the same price and no more.

    What it gains is that the victim does not see the overlap: an overlap that the victim does not hold is therefore
    never acted on, and whoever asks for details of one is refused (``flow.tiers``).
    """
    attacker, victim = pair()
    attack, budget = Attacker(attacker, GUESSES), Budget()
    answers, listed = psi.receive(victim, attack.points(), lambda: HELD, budget).replies
    replies = list(group.split(decode(answers).data, 16))
    named = attack.named(replies, list(group.split(decode(listed).data)))
    assert named == {*HELD} & {*GUESSES}
    assert budget.total == 128
    assert values(victim) == set()
