"""The book of overlap runs, on both databases."""

from __future__ import annotations

import msgspec

from seawall.model import ObservableType
from seawall.model.overlap import OverlapItem, OverlapSession, Part, RunState, Tier
from seawall.store import Store

ITEM = OverlapItem(
    peer="seoul",
    type=ObservableType.IPV4,
    value="203.0.113.7",
    session="s1",
    found_at=10,
    ours_said=1,
    theirs_said=2,
)
SESSION = OverlapSession(
    id="s1",
    peer="seoul",
    type=ObservableType.IPV4,
    epoch="e",
    part=Part.FIRST,
    state=RunState.WAITING,
    begun_at=1,
    changed_at=1,
)


def test_a_value_is_kept_once_and_what_was_told_of_it_stays(store: Store) -> None:
    """Adding a value again changes nothing of what is kept about it."""
    assert store.overlaps.add([ITEM, ITEM]) == 1
    told = msgspec.structs.replace(ITEM, permitted=Tier.SECTOR, permitted_by=("lin",), given=Tier.SEEN, given_at=12)
    store.overlaps.change([told])
    assert store.overlaps.add([ITEM]) == 0
    assert store.overlaps.find("seoul", [(ITEM.type, ITEM.value)]) == (told,)
    assert store.overlaps.find("tokyo", [(ITEM.type, ITEM.value)]) == ()
    assert store.overlaps.told_at([("ipv4", ITEM.value), ("ipv4", "203.0.113.8")]) == {("ipv4", ITEM.value): 12}


def test_what_may_be_opened_and_what_may_be_told(store: Store) -> None:
    """Only what is permitted is opened, and only what the peer's commitment vouches for is told."""
    others = [msgspec.structs.replace(ITEM, value=f"203.0.113.{number}") for number in range(20, 24)]
    store.overlaps.add([ITEM, *others])
    permitted = [msgspec.structs.replace(one, permitted=Tier.SECTOR) for one in others[:3]]
    store.overlaps.change(permitted)
    assert [one.value for one in store.overlaps.unopened("seoul", 10)] == [one.value for one in permitted]
    assert store.overlaps.untold("seoul", 10) == ()
    store.overlaps.change([msgspec.structs.replace(permitted[0], opened_at=11, vouched_at=12)])
    assert [one.value for one in store.overlaps.unopened("seoul", 10)] == [one.value for one in permitted[1:]]
    assert [one.value for one in store.overlaps.untold("seoul", 10)] == [permitted[0].value]


def test_items_come_in_pages(store: Store) -> None:
    """A page names where the next one begins, and types can be asked for."""
    values = [msgspec.structs.replace(ITEM, value=f"203.0.113.{number}") for number in range(5)]
    store.overlaps.add(values)
    store.overlaps.add([msgspec.structs.replace(ITEM, type=ObservableType.DOMAIN, value="bad.example")])
    first = store.overlaps.list("seoul", limit=4)
    rest = store.overlaps.list("seoul", after=first.next or 0, limit=4)
    assert [one.value for one in (*first.items, *rest.items)] == [*(one.value for one in values), "bad.example"]
    assert rest.next is None
    assert store.overlaps.count("seoul", type=ObservableType.IPV4) == 5


def test_sessions_are_told_newest_first(store: Store) -> None:
    """A session is replaced under its id; open ones can be asked for."""
    store.overlaps.keep_session(SESSION)
    done = msgspec.structs.replace(SESSION, state=RunState.COMPLETE, common=3, changed_at=9)
    store.overlaps.keep_session(done)
    store.overlaps.keep_session(msgspec.structs.replace(SESSION, id="s2", begun_at=5))
    assert [one.id for one in store.overlaps.sessions("seoul")] == ["s2", "s1"]
    assert [one.id for one in store.overlaps.sessions("seoul", unfinished=True)] == ["s2"]
    assert store.overlaps.session("s1") == done
