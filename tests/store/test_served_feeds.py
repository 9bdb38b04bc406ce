"""Consumers of served feeds and their lines, on both databases."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from seawall.model import Fault, NotFound, ObservableType, Tlp
from seawall.model.directive import Action
from seawall.model.order import Place
from seawall.model.served_feed import FeedLine, FeedTerms, ServedFeed
from seawall.store import Store, served_feeds
from seawall.store.served_feeds import Followed

TERMS = FeedTerms(format="text", place=Place.CLOUD, types=(ObservableType.IPV4,), tlp_at_most=Tlp.AMBER)


def line(name: str, **fields: Any) -> FeedLine:
    """A line whose release is on record."""
    plain = FeedLine(
        name, Action.BLOCK, ObservableType.IPV4, f"192.0.2.{name}", 1_000, "", "ours", "indicator--1", "7:ff"
    )
    return msgspec.structs.replace(plain, **fields)


def feed(store: Store, name: str = "edge", word: str = "secret") -> ServedFeed:
    """A consumer."""
    return store.served_feeds.add(name, TERMS, word, at=5, by="lin")


def told(store: Store, number: int, **how: Any) -> list[tuple[int, str, bool]]:
    """Sequence, name and whether it is gone."""
    return [(one.sequence, one.undo_id, one.gone) for one in store.served_feeds.lines(number, **how)]


def test_a_consumer_is_found_by_name_and_by_token(store: Store) -> None:
    """Terms come back as given; tokens open one consumer each, and their text is kept nowhere."""
    added = feed(store)
    assert (added.terms, added.created_by, added.handed, added.handed_at) == (TERMS, "lin", -1, None)
    assert store.served_feeds.holder("secret") == store.served_feeds.named("edge") == added
    assert store.served_feeds.holder("Secret") is None
    assert store.served_feeds.holder("") is None
    with pytest.raises(Fault, match="E-STORE-310"):
        feed(store, word="another")
    store.served_feeds.rotate("edge", "fresh", 6)
    assert store.served_feeds.holder("secret") is None
    store.served_feeds.remove("edge")
    assert store.served_feeds.holder("fresh") is None
    with pytest.raises(NotFound, match="E-STORE-311"):
        store.served_feeds.named("edge")


def test_numbers_are_never_used_again(store: Store) -> None:
    """A removed consumer's entity tags mean nothing to the next one of its name, also within one microsecond."""
    first = feed(store)
    second = feed(store, "other", "2")
    store.served_feeds.remove("edge")
    assert len({first.number, second.number, feed(store).number}) == 3


def test_each_change_has_its_own_place_and_what_stays_keeps_it(store: Store) -> None:
    """Sequences rise without gap; the same line again is no change; another end is."""
    number = feed(store).number
    put = store.served_feeds.put
    assert put(number, [line("1"), line("2")], (), round=1, at=10) == 2
    assert put(number, [line("1", release="9:aa"), line("2", expires_at=2_000)], (), round=1, at=11) == 1
    assert told(store, number) == [(1, "1", False), (3, "2", False)]
    assert put(number, (), ["1", "nothing"], round=1, at=12) == 1
    assert put(number, (), ["1"], round=1, at=13) == 0
    assert told(store, number, gone=True) == [(3, "2", False), (4, "1", True)]
    assert told(store, number, after=3, gone=True) == [(4, "1", True)]
    assert put(number, [line("1")], (), round=1, at=14) == 1
    found = store.served_feeds.named("edge")
    assert (found.sequence, found.modified_at, store.served_feeds.counts(number)) == (5, 14, {"ipv4": 2})


def test_nothing_enters_without_a_release(store: Store) -> None:
    """A line that names no ledger entry is only ever kept, never taken in or altered."""
    number = feed(store).number
    bare = line("1", release="")
    assert store.served_feeds.put(number, [bare], (), round=1, at=10) == 0
    store.served_feeds.put(number, [line("1")], (), round=1, at=10)
    assert store.served_feeds.put(number, [bare], (), round=2, at=11) == 0
    assert store.served_feeds.put(number, [line("1", release="", expires_at=9_000)], (), round=2, at=11) == 0
    assert [one.expires_at for one in store.served_feeds.lines(number)] == [1_000]


def test_rounds_and_the_clock_take_lines_out(store: Store) -> None:
    """What a round did not keep goes, and what has ended; other consumers' lines stay."""
    number, other = feed(store).number, feed(store, "other", "2").number
    for one in (number, other):
        store.served_feeds.put(one, [line("1"), line("2", expires_at=50), line("3")], (), round=1, at=10)
    assert (store.served_feeds.first_end(number), store.served_feeds.expire(number, 50)) == (50, 1)
    store.served_feeds.put(number, [line("3")], (), round=2, at=60)
    assert store.served_feeds.sweep(number, before=2, at=60) == 1
    assert [name for _, name, _ in told(store, number)] == ["3"]
    assert len(told(store, other)) == 3
    assert store.served_feeds.last_round(number) == 2


def test_old_tombstones_are_forgotten_and_deltas_from_before_them_with_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound the oldest go, and ``kept_from`` says from where on a delta is whole."""
    monkeypatch.setattr(served_feeds, "MAX_TOMBSTONES", 2)
    number = feed(store).number
    names = [str(one) for one in range(5)]
    store.served_feeds.put(number, [line(name) for name in names], (), round=1, at=10)
    store.served_feeds.put(number, (), names, round=1, at=11)
    store.served_feeds.follow(number, Followed(3, 4, "terms"))
    found = store.served_feeds.named("edge")
    assert (found.orders_seen, found.indicators_seen, found.decided_under, found.kept_from) == (3, 4, "terms", 8)
    assert told(store, number, gone=True) == [(9, "3", True), (10, "4", True)]
