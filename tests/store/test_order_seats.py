"""Who stands at a point, who waits there, and who goes first, on both databases."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from seawall.model import Pap, Tlp
from seawall.model.order import Booked, OrderState, Place, Point, Rank, Zone
from seawall.store import Store
from store.order_scenes import AT, booked

EDGE, CLOUD = Point("edge", Zone.INTERNET_EDGE), Point("edge-2", Zone.OFFICE, Place.CLOUD)


def one(number: int, rank: int, score: float | None, **order: object) -> Booked:
    """An order of this rank and score; ``order`` replaces some of its words."""
    made = booked(number)
    changed = msgspec.structs.replace(made.order, score=score, **order)
    return msgspec.structs.replace(made, order=changed, rank=rank)


def numbers(found: Sequence[Booked]) -> list[int]:
    """By which the scene calls them."""
    return [int(item.order.undo_id, 16) for item in found]


def test_who_stands_who_waits_and_who_goes_first(store: Store) -> None:
    """Rank, then score, then who came first; a point counts only what is meant for it, and a cloud only its own."""
    assert not store.orders.some_wait()
    open_marks = {"tlp": Tlp.GREEN, "pap": Pap.GREEN}
    store.orders.put(
        [
            one(1, Rank.PEER, 10.0, **open_marks),
            one(2, Rank.PEER, None, **open_marks),
            one(3, Rank.OWN, 1.0, **open_marks),
            one(4, Rank.PERSON, None, scope=("edge",), **open_marks),
            one(5, Rank.PEER, 10.0, held={"edge": "size", "edge-2": "rate"}, **open_marks),
            one(6, Rank.OWN, None, held={"edge": "rate"}, tlp=Tlp.RED, pap=Pap.GREEN),
            one(7, Rank.WATCHED, 99.0, held={"edge": "size"}, state=OrderState.WATCH, **open_marks),
        ],
        AT,
    )
    assert store.orders.some_wait()
    assert (store.orders.standing_at(EDGE), store.orders.standing_at(CLOUD)) == (4, 4)
    assert store.orders.waiting_at(EDGE) == {"size": 2, "rate": 1}
    assert store.orders.waiting_at(CLOUD) == {"rate": 1}
    assert numbers(store.orders.last_in_line(EDGE, 3)) == [2, 1, 3]
    assert numbers(store.orders.next_in_line(EDGE, 9)) == [6, 5, 7]
    assert numbers(store.orders.next_in_line(CLOUD, 9)) == [5]
    assert {order.undo_id[-1] for order in store.orders.in_force(EDGE)} == {"1", "2", "3", "4"}
    store.orders.remove([f"{number:016x}" for number in (5, 6, 7)], OrderState.EXPIRED, AT)
    assert not store.orders.some_wait()
    assert store.orders.waiting_at(EDGE) == {}
