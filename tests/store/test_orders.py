"""The order book in the store: every change has the next number, and whoever follows them holds what is in force."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from counting import database_steps
from seawall.model import Fault, NotFound, ObservableType
from seawall.model.order import Booked, Kill, Leave, Order, OrderState, Place, Point, Window, Zone
from seawall.store import Store, order_points, orders, sqlite_url
from seawall.store.order_points import Put
from store.order_scenes import AT, booked, replayed
from store_scenes import EVERYTHING

WRITER = """
import sys
from store.order_scenes import AT, booked
from seawall.model.order import OrderState
from seawall.store import Store
with Store.open(sys.argv[1]) as store:
    first = int(sys.argv[2])
    for round in range(30):
        numbers = range(first, first + 5)
        store.orders.settle([booked(n, reason=str(round)) for n in numbers], [], OrderState.WITHDRAWN, AT)
        store.orders.remove([f"{first + round % 5:016x}"], OrderState.WITHDRAWN, AT)
"""


def _held(store: Store) -> dict[str, Order]:
    return {order.undo_id: order for order in store.orders.in_force()}


def _follow(store: Store, after: int = 0) -> dict[str, Order]:
    return replayed([(change.op, change.order) for change in store.orders.changes(after)])


def test_put_replace_remove_and_expire(store: Store) -> None:
    """A follower of the changes holds exactly what is in force; what ran out is kept aside under its own state."""
    assert (store.orders.last(), list(store.orders.in_force())) == (0, [])
    store.orders.put([booked(1), booked(2), booked(3, expires_at=AT + 5)], AT)
    store.orders.put([booked(2, state=OrderState.WATCH)], AT)
    assert store.orders.remove(["0000000000000001", "absent"], OrderState.WITHDRAWN, AT) == 1
    assert store.orders.due(AT + 5) == ["0000000000000003"]
    assert store.orders.remove(store.orders.due(AT + 5), OrderState.EXPIRED, AT + 5) == 1
    assert (store.orders.due(AT + 5), _follow(store)) == ([], _held(store))
    assert [change.sequence for change in store.orders.changes(0)] == [1, 2, 3, 4, 5, 6]
    assert [change.order.state for change in store.orders.changes(4)] == [OrderState.WITHDRAWN, OrderState.EXPIRED]
    kept = store.orders.get("0000000000000003")
    assert kept is not None
    assert (kept.order.state, kept.since) == (OrderState.EXPIRED, AT + 5)
    assert store.orders.get("0000000000000001") is None
    assert store.orders.counts() == {("block", "watch", "own"): 1, ("block", "expired", "own"): 1}
    assert store.orders.remove(["0000000000000003"], OrderState.WITHDRAWN, AT) == 0
    assert [change.op for _, change in store.orders.history("0000000000000003")] == ["remove", "put"]


_STEP = st.tuples(st.sampled_from(["put", "watch", "withdraw", "expire", "cut"]), st.integers(0, 5))


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples: each begins with an empty book, under the next numbers."""
    with Store.open(sqlite_url(tmp_path_factory.mktemp("orders"))) as opened:
        yield opened


@settings(max_examples=60, deadline=None)
@given(steps=st.lists(_STEP, max_size=25), seen=st.integers(0, 25))
def test_every_order_of_arrival_leaves_followers_right(
    one_store: Store, steps: list[tuple[str, int]], seen: int
) -> None:
    """Whatever comes in whichever order: numbers have no gap, and following from anywhere ends in what is in force."""
    store = one_store
    store.orders.remove(list(_held(store)), OrderState.WITHDRAWN, AT)
    base = at_middle = store.orders.last()
    middle: dict[str, Order] = {}
    for place, (what, number) in enumerate(steps):
        if what in ("put", "watch"):
            state = OrderState.ACTIVE if what == "put" else OrderState.WATCH
            store.orders.put([booked(number, state=state)], AT + place)
        elif what == "cut":
            store.orders.throw(Kill("", AT + place, "kim"))
            store.orders.lift("", AT + place)
        else:
            state = OrderState.WITHDRAWN if what == "withdraw" else OrderState.EXPIRED
            store.orders.remove([f"{number:016x}"], state, AT + place)
        if place == seen:
            middle, at_middle = _held(store), store.orders.last()
    assert _follow(store, base) == _held(store)
    since = [("put", order) for order in middle.values()]
    told = [(change.op, change.order) for change in store.orders.changes(at_middle)]
    assert replayed(since + told) == _held(store)
    with store._database.reading() as connection:
        numbers = connection.exec_driver_sql("SELECT sequence FROM order_changes ORDER BY 1").scalars().all()
    assert list(numbers) == list(range(1, store.orders.last() + 1))


def test_two_processes_leave_no_gap(made_url: str) -> None:
    """Two writers at once: each number once, none missing, and followers hold what is in force."""
    Store.open(made_url).close()
    tests = str(Path(__file__).parents[1])
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, made_url, str(first)], env={"PYTHONPATH": tests})
        for first in (0, 100)
    ]
    assert [process.wait(60) for process in running] == [0, 0]
    with Store.open(made_url) as store:
        found = store.orders.changes(0)
        assert [change.sequence for change in found] == list(range(1, 361))
        assert _follow(store) == _held(store)
        assert len(_held(store)) == 8


def test_old_changes_are_forgotten_and_whoever_missed_them_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the bound the oldest go; from below the floor there is no answer but the whole book."""
    monkeypatch.setattr(orders, "CHANGES_KEPT", 20)
    monkeypatch.setattr(orders, "SLACK", 5)
    for number in range(60):
        store.orders.put([booked(number % 7)], AT)
    floor = store.orders.floor()
    assert 60 - 25 <= floor <= 40
    assert [change.sequence for change in store.orders.changes(floor)] == list(range(floor + 1, 61))
    with pytest.raises(Fault, match="E-STORE-300"):
        store.orders.changes(floor - 1)
    assert len(_held(store)) == 7


def test_a_kill_switch_is_one_short_step_however_long_the_book(store: Store) -> None:
    """Thrown for one point or for all, nothing is in force there; the log is cut, so that agents look again."""
    edge, office = Point("edge", Zone.INTERNET_EDGE), Point("office", Zone.OFFICE)
    for point in (edge, office):
        store.orders.save_point(point, AT)
    store.orders.put([booked(number) for number in range(100)], AT)
    assert store.orders.throw(Kill("edge", AT, "kim", "wrong list")) == store.orders.last() == 103
    assert (store.orders.floor("edge"), store.orders.floor("office")) == (103, 2)
    assert (len(list(store.orders.in_force(edge))), len(list(store.orders.in_force(office)))) == (0, 100)
    store.orders.throw(Kill("", AT, "kim"))
    killed = store.orders.killed("office")
    assert killed is not None
    assert (killed.point, list(store.orders.in_force(office))) == ("", [])
    assert store.orders.lift("", AT)
    assert not store.orders.lift("", AT)
    assert (len(list(store.orders.in_force(office))), store.orders.killed("office")) == (100, None)
    assert store.orders.killed("edge") is not None
    store.orders.drop_point("edge")
    with pytest.raises(NotFound, match="E-STORE-301"):
        store.orders.point("edge")


def test_points_are_bounded_and_kept_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A point comes back with everything it was given; there are not more than people can know."""
    plant = Point("plant", Zone.OT, Place.OWN, ("suricata",), "ab" * 32, "mina", (Window(AT, AT + 5),))
    store.orders.save_point(plant, AT)
    assert (store.orders.point("plant"), store.orders.points()) == (plant, [plant])
    monkeypatch.setattr(order_points, "MAX_POINTS", 1)
    with pytest.raises(Fault, match="E-STORE-302"):
        store.orders.save_point(Point("second", Zone.OFFICE), AT)
    store.orders.save_point(plant, AT + 1)


def test_a_plant_blocks_only_by_its_owners_leave_and_only_for_its_window(store: Store) -> None:
    """Without leave, by somebody else, or untried: a watch; with it the block ends with the window and the dry run."""
    plant = Point("plant", Zone.SAFETY, owner="mina")
    store.orders.save_point(plant, AT)
    store.orders.put([booked(1, expires_at=AT + 10**12)], AT)
    name, window = f"{1:016x}", (AT, AT + 10**10)
    assert [order.state for order in store.orders.in_force(plant)] == [OrderState.WATCH]
    for given_by, tried in (("kim", AT), ("mina", None)):
        store.orders.save_leaves([Leave("plant", name, given_by, *window, tried)], AT)
        assert [order.state for order in store.orders.in_force(plant)] == [OrderState.WATCH]
    store.orders.save_leaves([Leave("plant", name, "mina", *window, AT)], AT)
    (order,) = store.orders.in_force(plant)
    assert (order.state, order.expires_at) == (OrderState.ACTIVE, AT + 10**10)
    assert store.orders.drop_leaves("plant", [name], AT) == 1
    assert [order.state for order in store.orders.in_force(plant)] == [OrderState.WATCH]


def test_what_people_put_in_force_is_kept_by_value(store: Store) -> None:
    """One word a value: the later stands; unknown values are left out."""
    key = (ObservableType.DOMAIN, "evil.example")
    store.orders.save_put(Put(*key, ("kim",), AT))
    put = Put(*key, ("kim", "lin"), AT + 1, AT + 9, "seen in mail", ("edge",))
    store.orders.save_put(put)
    assert store.orders.puts([key, (ObservableType.DOMAIN, "other.example")]) == {key: put}
    assert store.orders.drop_put(*key)
    assert not store.orders.drop_put(*key)


def test_hostile_words_come_back_as_they_are(store: Store) -> None:
    """Reasons of quotes, control characters and ten thousand letters are data."""
    words = ["'; DROP TABLE orders; --", "\x1b[2J\u202e{0}%s", "嵐" * 10_000, ""]
    store.orders.put([booked(number, reason=text) for number, text in enumerate(words)], AT)
    assert [order.reason for order in store.orders.in_force()] == words
    found, more = store.orders.page(EVERYTHING, 0, 3)
    assert (len(found), more) == (3, 3)
    assert store.orders.page(EVERYTHING, 3, 3)[1] is None


def test_a_hundred_thousand_orders(tmp_path: Path) -> None:
    """One order is found, changed and told among a hundred thousand at the cost of one among a thousand."""
    with Store.open(sqlite_url(tmp_path / "store")) as store:
        every: list[Booked] = [booked(number) for number in range(100_000)]
        costs = []
        for size in (1_000, 100_000):
            store.orders.put(every[:size], AT)
            with database_steps(store._database.engine) as steps:
                for number in range(20):
                    store.orders.put([booked(number, reason=f"again {size}")], AT)
                    told = store.orders.changes(store.orders.last() - 1)
                    assert told[0].order.reason == f"again {size}"
            costs.append(steps.n)
        assert costs[1] < 2 * costs[0] + 20
        assert sum(1 for _ in store.orders.in_force()) == 100_000
