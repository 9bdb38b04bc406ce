"""The order book follows what policy permits, at once, and everything that ends a permission ends the order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import agree, neighbours, push, say
from flow.order_scenes import accept, ipv4, states
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.circles import save_terms
from seawall.flow.ending import end_relation
from seawall.flow.node import Node
from seawall.flow.orders import changes_for, expire_orders, orders_for, refresh_orders, wait_for_change, whole_book
from seawall.flow.recall_sending import recall_object
from seawall.flow.undo import undo_directive
from seawall.model import ObservableType, Pap, Tlp
from seawall.model.answer import Answer, Verdict
from seawall.model.order import OrderState, Place, Point, Zone
from seawall.model.peer import PeerState

VALUE, OTHER = "203.0.113.7", "203.0.113.8"
DAY = 86_400_000_000


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``west``."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        agree(found, "west", "taipei", "seoul")
        yield found


def test_our_own_word_acts_at_once_and_ends_with_it(nodes: dict[str, Node]) -> None:
    """A value is in force after one call, under a recorded release; withdrawn, it is out after one call."""
    node = nodes["seoul"]
    say(node, VALUE)
    assert orders_for(node, [ipv4(VALUE)]).put == 1
    (order,) = node.store.orders.in_force()
    leaf = node.ledger.entry(int(order.release.split(":")[0]))
    assert (order.state, order.expires_at > node.clock(), leaf.event["purpose"]) == (
        OrderState.ACTIVE,
        True,
        "enforce",
    )
    assert orders_for(node, [ipv4(VALUE)]).kept == 1
    for entry in node.store.indicators.named([(ipv4(VALUE).type, VALUE)])[ipv4(VALUE).type, VALUE]:
        for source in entry.entry.sources:
            node.store.indicators.withdraw(ipv4(VALUE).type, VALUE, source=source)
    assert orders_for(node, [ipv4(VALUE)]).removed == 1
    assert [change.op for change in node.store.orders.changes(0)] == ["put", "remove"]


@pytest.mark.parametrize(
    ("auto", "signed", "expected"),
    [(False, False, "watch watch"), (True, False, "block watch"), (True, True, "block canary")],
)
def test_a_peers_word_is_watched_until_two_people_signed(
    nodes: dict[str, Node], auto: bool, signed: bool, expected: str
) -> None:
    """Without acceptance a mere watch; accepted by nobody known, it waits; signed, but reach unknown: the canary."""
    if auto:
        accept(nodes["seoul"], "west", signed=signed)
    say(nodes["taipei"], VALUE)
    push(nodes, "west", "taipei", "seoul")
    orders_for(nodes["seoul"], [ipv4(VALUE)])
    assert states(nodes["seoul"]) == {VALUE: expected}


def test_whatever_ends_the_permission_ends_the_order_at_once(nodes: dict[str, Node]) -> None:
    """Recall by the peer, undo by a person, and the end of the relation: each without waiting for the schedule."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    accept(seoul, "west")
    ids = {value: say(taipei, value) for value in (VALUE, OTHER, "203.0.113.9")}
    push(nodes, "west", "taipei", "seoul")
    refresh_orders(seoul)
    assert set(states(seoul)) == set(ids)
    recall_object(taipei, ids[VALUE], "west")
    push(nodes, "west", "taipei", "seoul")
    assert set(states(seoul)) == {OTHER, "203.0.113.9"}
    name = next(order.undo_id for order in seoul.store.orders.in_force() if order.value == OTHER)
    undo_directive(seoul, name, reason="our own scanner", again=False)
    assert set(states(seoul)) == {"203.0.113.9"}
    end_relation(seoul, "taipei", PeerState.SUSPENDED)
    assert states(seoul) == {}


def test_what_ran_out_stays_out_until_somebody_says_it_again(nodes: dict[str, Node]) -> None:
    """Expiry takes an order out, and the next pass over unchanged knowledge does not bring it back."""
    node = nodes["seoul"]
    say(node, VALUE)
    orders_for(node, [ipv4(VALUE)])
    now = node.clock()
    node.clock = lambda: now + 31 * DAY
    assert expire_orders(node) == 1
    assert (refresh_orders(node).put, states(node)) == (0, {})
    assert node.store.orders.changes(1)[0].order.state is OrderState.EXPIRED


def test_an_agent_is_told_differences_or_the_whole_book(nodes: dict[str, Node]) -> None:
    """From 0 everything, then what changed; behind what is kept, or ahead of the book, a snapshot."""
    node = nodes["seoul"]
    point = Point("edge", Zone.INTERNET_EDGE)
    node.store.orders.save_point(point, node.clock())
    first, _ = whole_book(node, point)
    say(node, VALUE)
    orders_for(node, [ipv4(VALUE)])
    pull = changes_for(node, point, first)
    assert [(change.op, change.order.value) for change in pull.changes] == [("put", VALUE)]
    assert (changes_for(node, point, pull.last).changes, pull.snapshot) == ((), False)
    assert changes_for(node, point, pull.last + 5).snapshot
    assert changes_for(node, point, first - 1).snapshot
    assert wait_for_change(node, pull.last, 0.05) == pull.last
    assert wait_for_change(node, first, 5) == pull.last


def test_a_plant_is_only_watched_and_a_cloud_learns_nothing_confidential(nodes: dict[str, Node]) -> None:
    """The same block is a block at the edge and a watch at a plant; what is PAP:AMBER stays on machines of our own."""
    node = nodes["seoul"]
    say(node, VALUE)
    rows = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.AMBER)
    entry = rows.entry(IndicatorRow(ObservableType.IPV4, OTHER, 1), ("ours",))
    node.store.indicators.put([entry], source="ours", at=node.clock())
    refresh_orders(node)
    blocked, watched = (VALUE, OrderState.ACTIVE), (OTHER, OrderState.WATCH)
    for zone, place, expected in (
        (Zone.INTERNET_EDGE, Place.OWN, {blocked, watched}),
        (Zone.OFFICE, Place.COUNTRY, {blocked, watched}),
        (Zone.OFFICE, Place.CLOUD, {blocked}),
        (Zone.OT, Place.OWN, {(VALUE, OrderState.WATCH), watched}),
        (Zone.SAFETY, Place.OWN, {(VALUE, OrderState.WATCH), watched}),
    ):
        found = node.store.orders.in_force(Point("here", zone, place))
        assert {(order.value, order.state) for order in found} == expected


def test_changed_terms_and_a_refutation_act_at_once(nodes: dict[str, Node]) -> None:
    """A circle whose acceptance ends, and a warning that our people refute: without waiting for the schedule."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    accept(seoul, "west")
    say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    refresh_orders(seoul)
    assert states(seoul) == {VALUE: "block canary"}
    terms = msgspec.structs.replace(seoul.store.circles.get("west"), auto_enforce=False)
    save_terms(seoul, terms, sensitive=False)
    assert states(seoul) == {VALUE: "watch watch"}
    answer = Answer(ObservableType.IPV4, VALUE, Verdict.REFUTED, seoul.clock(), "kim")
    seoul.store.answers.put([answer])
    report = orders_for(seoul, [ipv4(VALUE)])
    assert (report.removed, report.left_out, states(seoul)) == (1, {"refuted": 1}, {})


def test_what_few_stand_behind_lives_shorter(nodes: dict[str, Node]) -> None:
    """A value told without any confidence gets a quarter of its type's life; the source's own word stands."""
    node, at = nodes["seoul"], nodes["seoul"].clock()
    rows = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN)
    given = [
        IndicatorRow(ObservableType.IPV4, f"203.0.113.{last}", 1, confidence=sure, valid_until=until)
        for last, sure, until in ((1, 0, None), (2, None, None), (3, 0, at + 2 * DAY))
    ]
    node.store.indicators.put([rows.entry(row, ("list",)) for row in given], source="list", at=at)
    refresh_orders(node)
    lives = {order.value: round((order.expires_at - at) / DAY, 2) for order in node.store.orders.in_force()}
    assert lives == {"203.0.113.1": 1.75, "203.0.113.2": 7.0, "203.0.113.3": 2.0}
