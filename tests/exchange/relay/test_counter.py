"""Counting: both sides get one noised number, once."""

from __future__ import annotations

import random
import secrets
from collections import Counter as Tally
from pathlib import Path

import msgspec
import pytest

from exchange.relay.mischievous import MischievousRelay
from seawall.exchange.relay import DEFAULT_BOUNDS, CountAnswer, RelayBusy, RelayClient
from seawall.exchange.relay.server import Books, Counter
from seawall.exchange.relay.server.counter import shared
from seawall.model import NotFound, Refused

DAY = 86_400


def tags(count: int) -> list[bytes]:
    """Random tags."""
    return [secrets.token_bytes(16) for _ in range(count)]


def packed(values: list[bytes]) -> bytes:
    """As they travel."""
    return b"".join(sorted(values))


def round_of(desk: Counter, tokens: tuple[bytes, bytes], sides: tuple[bytes, bytes], now: int = 0) -> CountAnswer:
    """One whole round at the desk itself."""
    id = secrets.token_bytes(16)
    assert desk.give(tokens[0], id, sides[0], now) is None
    answer = desk.give(tokens[1], id, sides[1], now)
    assert answer is not None
    return answer


def test_both_sides_get_the_same_number(relay: MischievousRelay, client: RelayClient) -> None:
    """The first side waits; then both get one answer near the truth, however often they ask."""
    first, second = relay.pair()
    common = tags(100)
    mine, theirs = [*common, *tags(233)], [*common, *tags(400)]
    id = secrets.token_hex(16)
    assert client.count(id, first, mine) is None
    assert client.count(id, first, mine) is None
    answer = client.count(id, second, theirs)
    assert answer is not None
    assert abs(answer.count - 100) <= 40
    assert answer.count % answer.rounded_to == 0
    assert (answer.epsilon, answer.left) == (0.5, DEFAULT_BOUNDS.counts_per_epoch - 1)
    assert {client.count(id, first, mine) for _ in range(5)} == {answer}
    assert {client.count(id, second, theirs) for _ in range(5)} == {answer}


def test_the_tags_are_wiped(relay: MischievousRelay, client: RelayClient) -> None:
    """Once a round is answered no tag is left in any file."""
    first, second = relay.pair()
    common = tags(300)
    id = secrets.token_hex(16)
    client.count(id, first, common)
    client.count(id, second, common)
    kept = b"".join(path.read_bytes() for path in relay.furnished.folder.rglob("books.sqlite*"))
    assert [tag for tag in common if tag in kept] == []


def test_the_noise_is_discrete_laplace(tmp_path: Path) -> None:
    """Over many rounds the answers follow the exact distribution around the true count."""
    dice = random.Random(5)
    bounds = msgspec.structs.replace(DEFAULT_BOUNDS, count_rounded_to=1, counts_per_epoch=10_000)
    common = tags(256)
    with Books(tmp_path) as books:
        books.db.execute("PRAGMA synchronous = OFF")
        desk = Counter(books, bounds, dice.randrange)
        pair = desk.add()
        sides = (packed(common), packed(common))
        seen = Tally(round_of(desk, (pair.first, pair.second), sides).count - 256 for _ in range(400))
    assert abs(sum(value * times for value, times in seen.items()) / 400) < 0.6
    assert 0.17 < seen[0] / 400 < 0.32  # exactly tanh(1/4) = 0.245
    assert 4 < sum(value * value * times for value, times in seen.items()) / 400 < 12  # exactly 7.83


def test_counts_are_few(tmp_path: Path) -> None:
    """A pair gets a handful of counts in 90 days, whoever of the two asks; the others are refused before anything."""
    with Books(tmp_path) as books:
        desk = Counter(books, DEFAULT_BOUNDS)
        pair, sides = desk.add(), (packed(tags(256)), packed(tags(256)))
        tokens = (pair.first, pair.second)
        left = [round_of(desk, tokens, sides, now=day * DAY).left for day in range(1, 6)]
        assert left == [4, 3, 2, 1, 0]
        for token in tokens:
            with pytest.raises(Refused, match=r"E-EXCHANGE-783: .*its 5 counts .* in 81 days"):
                desk.give(token, secrets.token_bytes(16), sides[0], 10 * DAY)
        assert round_of(desk, tokens, sides, now=92 * DAY).left == 1
        other = desk.add()
        assert round_of(desk, (other.first, other.second), sides, now=10 * DAY).left == 4


def test_a_round_is_given_once(tmp_path: Path) -> None:
    """Other tags for the same round are refused, before and after its answer, so no difference can be asked."""
    with Books(tmp_path) as books:
        desk = Counter(books, DEFAULT_BOUNDS)
        pair, id = desk.add(), secrets.token_bytes(16)
        mine, theirs, others = packed(tags(256)), packed(tags(256)), packed(tags(256))
        assert desk.give(pair.first, id, mine, 0) is None
        with pytest.raises(Refused, match="E-EXCHANGE-781"):
            desk.give(pair.first, id, others, 0)
        answer = desk.give(pair.second, id, theirs, 0)
        for token in (pair.first, pair.second):
            with pytest.raises(Refused, match="E-EXCHANGE-781"):
                desk.give(token, id, others, 0)
        assert desk.give(pair.first, id, mine, 200 * DAY) == answer


def test_a_round_that_waits_too_long_is_wiped(tmp_path: Path) -> None:
    """Its tags are forgotten after a week, and a pair cannot pile up open rounds."""
    with Books(tmp_path) as books:
        desk = Counter(books, DEFAULT_BOUNDS)
        pair, mine = desk.add(), packed(tags(256))
        for _ in range(DEFAULT_BOUNDS.open_rounds):
            desk.give(pair.first, secrets.token_bytes(16), mine, 0)
        with pytest.raises(RelayBusy):
            desk.give(pair.first, secrets.token_bytes(16), mine, 0)
        assert desk.sweep(6 * DAY) == 0
        assert desk.sweep(8 * DAY) == DEFAULT_BOUNDS.open_rounds
        assert books.db.execute("SELECT COUNT(*) FROM given").fetchone() == (0,)
        desk.give(pair.first, secrets.token_bytes(16), mine, 8 * DAY)


def test_a_crash_between_counting_and_keeping_answers_once(tmp_path: Path) -> None:
    """When the books fail at the end of a round nothing was answered, and the next try counts it for the first time."""

    def broken(_most: int) -> int:
        raise OSError("no dice")

    with Books(tmp_path) as books:
        desk = Counter(books, DEFAULT_BOUNDS, broken)
        pair, id = desk.add(), secrets.token_bytes(16)
        mine, theirs = packed(tags(256)), packed(tags(256))
        desk.give(pair.first, id, mine, 0)
        with pytest.raises(OSError, match="no dice"):
            desk.give(pair.second, id, theirs, 0)
        desk = Counter(books, DEFAULT_BOUNDS)
        assert desk.look(pair.second, id) == (False, None)
        answer = desk.give(pair.second, id, theirs, 0)
        assert answer is not None
        assert answer.left == DEFAULT_BOUNDS.counts_per_epoch - 1


def test_malformed_tags_are_refused(relay: MischievousRelay, client: RelayClient) -> None:
    """Too few, too many, unsorted, repeated, cut or of a telling number: one sentence each, and nothing is kept."""
    first, _ = relay.pair()
    id = secrets.token_hex(16)
    with pytest.raises(Refused, match="counts 256 to 2097152 tags a side, not 255"):
        client.count(id, first, tags(255))
    good = sorted(tags(256))
    with pytest.raises(Refused, match="E-EXCHANGE-784"):
        client.count(id, first, [*good[:-1], good[0]])
    with pytest.raises(Refused, match="E-EXCHANGE-784"):
        client.count(id, first, [*good[:-1], b"short"])
    desk = relay.pairs
    for data in (
        b"".join(good[::-1]), b"".join([good[0], *good[:-1]]), b"".join(good) + b"cut", packed(tags(257))
    ):  # fmt: skip
        with pytest.raises(Refused, match="E-EXCHANGE-784"):
            desk.require_form(data)
    with pytest.raises(Refused, match="E-EXCHANGE-782"):
        desk.require_form(b"")


def test_only_the_two_tokens_count(relay: MischievousRelay, client: RelayClient) -> None:
    """A stranger's token, a mailbox's token and a revoked pair get one answer."""
    desk = relay.pairs
    gone = desk.add()
    desk.revoke(gone.id)
    for token in (secrets.token_bytes(32), relay.mailbox().read, gone.first):
        with pytest.raises(NotFound, match="E-EXCHANGE-774"):
            client.count(secrets.token_hex(16), token, tags(256))


def test_shared_is_plain_intersection() -> None:
    """The merge counts what sets count."""
    dice = random.Random(1)
    for _ in range(50):
        space = [dice.randbytes(16) for _ in range(40)]
        one, other = dice.sample(space, dice.randrange(41)), dice.sample(space, dice.randrange(41))
        assert shared(packed(one), packed(other)) == len(set(one) & set(other))
