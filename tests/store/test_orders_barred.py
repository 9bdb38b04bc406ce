"""A bar ends all that a peer's word put in force in one step, on either engine; counts follow every change."""

from __future__ import annotations

import random

import msgspec

from seawall.model.order import Booked, Lane, OrderState, Point, Zone
from seawall.store import Store
from store.order_scenes import AT, booked
from store_scenes import EVERYTHING


def of(origin: str | None, number: int, lane: Lane = Lane.FAST) -> Booked:
    """An order that somebody's word stands behind."""
    held = booked(number)
    return msgspec.structs.replace(held, origin=origin, order=msgspec.structs.replace(held.order, lane=lane))


def names(store: Store) -> set[str]:
    """What is in force."""
    return {order.undo_id for order in store.orders.in_force()}


def test_a_bar_ends_one_peers_orders_at_once_and_nobody_is_told_of_each(store: Store) -> None:
    """Nothing of it is in force, listed or counted; followers take what is left; its rows go without a change."""
    store.orders.save_point(Point("edge", Zone.INTERNET_EDGE), AT)
    store.orders.put([of(None, 1), of("seoul", 2), of("seoul", 3, Lane.PERSON), of("busan", 4)], AT)
    before = store.orders.last()
    assert store.orders.stands_behind("seoul", (), 9) == 2
    bar = store.orders.bar("seoul", (), AT)
    assert (bar.count, store.orders.bars()) == (2, [bar])
    assert names(store) == {f"{1:016x}", f"{4:016x}"}
    assert len(store.orders.page(EVERYTHING, 0, 10)[0]) == sum(store.orders.counts().values()) == 2
    assert store.orders.floor("edge") == store.orders.floor() == store.orders.last() == bar.up_to > before
    assert not store.orders.unbar(bar), "rows stand behind it"
    behind = store.orders.behind(bar, 10)
    assert [row.undo_id for row in behind] == [f"{2:016x}", f"{3:016x}"]
    store.orders.settle([of("seoul", 3, Lane.PERSON)], [behind[0].undo_id], OrderState.WITHDRAWN, AT)
    assert [(change.op, change.order.undo_id) for change in store.orders.changes(bar.up_to)] == [("put", f"{3:016x}")]
    assert names(store) == {f"{1:016x}", f"{3:016x}", f"{4:016x}"}, "what is put anew is in force again"
    assert store.orders.unbar(bar)
    assert (store.orders.bars(), sum(store.orders.counts().values())) == ([], 3)


def test_a_bar_on_lanes_leaves_what_people_put_in_force(store: Store) -> None:
    """Only what came without a person ends; a second bar of the same peer takes the place of the first."""
    store.orders.put([of("seoul", 1), of("seoul", 2, Lane.PERSON), of("seoul", 3, Lane.CANARY)], AT)
    first = store.orders.bar("seoul", ("fast",), AT)
    assert names(store) == {f"{2:016x}", f"{3:016x}"}
    second = store.orders.bar("seoul", ("canary",), AT)
    assert (second.lanes, store.orders.bars(), names(store)) == (("canary", "fast"), [second], {f"{2:016x}"})
    assert not store.orders.unbar(first)
    assert store.orders.bar("seoul", (), AT).lanes == ()
    assert names(store) == set()


def test_what_is_counted_is_what_is_there(store: Store) -> None:
    """After any changes the kept counts are those of the rows."""
    dice = random.Random(7)
    for _ in range(30):
        put = [of(dice.choice([None, "seoul"]), dice.randrange(20), dice.choice(list(Lane))) for _ in range(3)]
        unique = list({one.order.undo_id: one for one in put}.values())
        gone = [f"{dice.randrange(20):016x}" for _ in range(2)]
        state = dice.choice([OrderState.WITHDRAWN, OrderState.EXPIRED])
        store.orders.settle(unique, [name for name in gone if name not in {o.order.undo_id for o in unique}], state, AT)
    assert not store.orders.recount()
    assert sum(store.orders.count_by_type().values()) == sum(store.orders.counts().values()) > 0
