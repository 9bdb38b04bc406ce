"""Many orders of one peer end at once, in whichever process; what a killed one left is done by the next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.neighbours import agree, neighbours, say
from flow.order_scenes import accept, ipv4, states
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow import live_arrivals, orders, orders_barred
from seawall.flow.ending import end_relation
from seawall.flow.live_arrivals import arrived, relation_changed, told_together
from seawall.flow.node import Node
from seawall.flow.orders import OrderReport, changes_for, orders_for, refresh_orders, sweep_ended, whole_book
from seawall.flow.orders_job import order_job
from seawall.model import Observable, ObservableType, Pap, Tlp
from seawall.model.order import Point, Zone
from seawall.model.peer import PeerState

EDGE = Point("edge", Zone.INTERNET_EDGE)
VALUES = tuple(f"203.0.113.{number}" for number in range(10, 19))
OURS, BOTH = "198.51.100.1", VALUES[4]


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Node]:
    """Seoul, where nine values that Taipei named act, and one of our own; nine are many, and two are a step."""
    for module in (orders, orders_barred):
        monkeypatch.setattr(module, "FEW", 3)
    monkeypatch.setattr(orders_barred, "STEP", 2)
    with neighbours(tmp_path, "taipei", "seoul") as nodes:
        agree(nodes, "west", "taipei", "seoul")
        found = nodes["seoul"]
        safe = msgspec.structs.replace(found.settings.protect, radius_least_sessions=0, radius_least_days=0)
        found.settings = msgspec.structs.replace(found.settings, protect=safe)
        found.store.orders.save_point(EDGE, found.clock())
        accept(found, "west")
        theirs = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN, origin="taipei")
        rows = [theirs.entry(IndicatorRow(ObservableType.IPV4, value, 1), ("west/taipei",)) for value in VALUES]
        found.store.indicators.put(rows, source="west/taipei", at=found.clock())
        say(found, OURS)
        refresh_orders(found)
        assert set(states(found).values()) == {"block active"}
        yield found


class _Killed(BaseException):
    """The process ended here."""


def test_severing_ends_all_at_once_and_a_killed_sweep_is_finished(node: Node) -> None:
    """One step and nothing of it acts; followers take what is left; half swept, the schedule sweeps the rest."""
    say(node, BOTH)  # we name one of them too, which nobody told the book
    before = node.store.orders.last()
    answer = end_relation(node, "taipei", PeerState.SUSPENDED)
    assert (answer["orders_ended"], states(node)) == (9, {OURS: "block active"})
    assert changes_for(node, EDGE, before).snapshot
    number, book = whole_book(node, EDGE)
    assert [order.value for order in book] == [OURS]

    def killed(done: int, total: int) -> None:
        assert (done, total) == (2, 9)
        raise _Killed

    with pytest.raises(_Killed):
        sweep_ended(node, killed)
    assert (states(node), len(node.store.orders.bars())) == ({OURS: "block active"}, 1)
    order_job(node)
    assert (states(node), node.store.orders.bars()) == ({OURS: "block active", BOTH: "block active"}, [])
    assert [change.op for change in changes_for(node, EDGE, number).changes] == ["put"], "nobody is told what went"
    assert (refresh_orders(node).changed, node.store.orders.recount()) == (0, False)
    assert orders_for(node, [ipv4(VALUES[0])]).put == 0


def test_taking_an_acceptance_back_ends_what_acted_by_it_and_watches_on(node: Node) -> None:
    """The circle no longer lets values act without a person: all stop at once, then come back as mere watches."""
    terms = node.store.circles.get("west")
    node.store.circles.save(msgspec.structs.replace(terms, version=terms.version + 1, auto_enforce=False), 0)
    relation_changed(node, "taipei")
    assert states(node) == {OURS: "block active"}
    seen: list[tuple[int, int]] = []
    swept = sweep_ended(node, lambda done, total: seen.append((done, total)))
    assert (swept.ended, swept.put, swept.removed, seen[-1]) == (9, 9, 0, (9, 9))
    assert states(node) == {OURS: "block active"} | dict.fromkeys(VALUES, "watch watch")
    assert sweep_ended(node).ended == 0


def test_where_the_word_goes_on_acting_nothing_is_ended(node: Node) -> None:
    """Terms that are signed anew, still with acceptance, leave the book as it is until the schedule looks."""
    accept(node, "west")
    relation_changed(node, "taipei")
    assert (len(states(node)), node.store.orders.bars()) == (10, [])


def test_what_is_taken_back_together_is_one_step_of_the_book(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words of one recall are told together at its end, and a page of them as soon as it is full."""
    told: list[int] = []
    monkeypatch.setattr(live_arrivals, "AT_ONCE", 4)

    def settled(_node: Node, values: list[Observable]) -> OrderReport:
        told.append(len(values))
        return OrderReport()

    monkeypatch.setattr(orders, "settle_values", settled)
    with told_together(node):
        for value in VALUES:
            arrived(node, [ipv4(value), ipv4(VALUES[0])])
            assert sum(told) in (0, 4, 8)
    assert told == [4, 4, 3], "the first value is named again with every page"
    arrived(node, [ipv4(OURS)])
    assert told[-1] == 1
