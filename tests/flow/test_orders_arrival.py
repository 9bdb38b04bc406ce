"""In whichever order things arrive, the fast path ends where a look at everything would end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.neighbours import agree, neighbours, say
from flow.order_scenes import accept, ipv4, states
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.live_arrivals import arrived, relation_changed
from seawall.flow.node import Node
from seawall.flow.orders import expire_orders, orders_for, refresh_orders
from seawall.flow.orders_acts import ApplyWish, apply_order
from seawall.flow.undo import name_of, undo_directive
from seawall.model import Fault, ObservableType, Pap, Tlp
from seawall.model.answer import Answer, Verdict
from seawall.model.order import Order
from seawall.model.peer import PeerState
from store.order_scenes import replayed

VALUES = ("203.0.113.7", "203.0.113.8")
T = ObservableType.IPV4
DAY = 86_400_000_000


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Seoul, with Taipei as its peer; every example begins with nothing known."""
    with neighbours(tmp_path_factory.mktemp("arrival"), "taipei", "seoul") as nodes:
        agree(nodes, "west", "taipei", "seoul")
        yield nodes["seoul"]


def cleared(node: Node) -> None:
    """Nothing is known of any value, nothing was taken back, and the relation stands without acceptance."""
    (node.folder / "reference" / "protect.json").unlink(missing_ok=True)
    node.store.peers.set_state("taipei", PeerState.VERIFIED)
    accepted(node, on=False)
    for value in VALUES:
        for source in ("ours", "west/taipei", "put-in-force"):
            node.store.indicators.withdraw(T, value, source=source)
        node.store.answers.remove(T, value)
        node.store.orders.drop_put(T, value)
    refresh_orders(node)
    assert states(node) == {}


def accepted(node: Node, *, on: bool) -> None:
    """Two people sign that Taipei's word may act here, or somebody takes that back."""
    if on:
        accept(node, "west")
    else:
        terms = node.store.circles.get("west")
        node.store.circles.save(msgspec.structs.replace(terms, version=terms.version + 1, auto_enforce=False), 0)
    relation_changed(node, "taipei")


def step(node: Node, what: str, value: str) -> None:
    """One thing that happens, as the product does it."""
    if what == "own":
        say(node, value)
        arrived(node, [ipv4(value)])
    elif what == "peer":
        rows = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN, origin="taipei")
        entry = rows.entry(IndicatorRow(T, value, 1, external_id=f"indicator--{value}"), ("west/taipei",))
        node.store.indicators.put([entry], source="west/taipei", at=node.clock())
        arrived(node, [ipv4(value)])
    elif what in ("ours", "west/taipei"):
        node.store.indicators.withdraw(T, value, source=what)
        arrived(node, [ipv4(value)])
    elif what in ("undo", "again"):
        with contextlib.suppress(Fault):
            undo_directive(node, name_of(node, value), reason="", again=what == "again")
    elif what == "apply":
        with contextlib.suppress(Fault):
            apply_order(node, ApplyWish(value=value))
    elif what == "refute":
        node.store.answers.put([Answer(T, value, Verdict.REFUTED, node.clock(), "kim")])
        arrived(node, [ipv4(value)])
    elif what in ("suspend", "restore"):
        state = PeerState.SUSPENDED if what == "suspend" else PeerState.VERIFIED
        node.store.peers.set_state("taipei", state)
        relation_changed(node, "taipei")
        if what == "restore":  # what a relation taken up again brings back, the schedule finds
            orders_for(node, map(ipv4, VALUES))
    elif what in ("accept", "unaccept"):
        accepted(node, on=what == "accept")
    else:
        later = node.clock() + 10 * DAY
        node.clock = iter(range(later, later + 10**9)).__next__
        expire_orders(node)


STEPS = ("own", "peer", "ours", "west/taipei", "undo", "again", "apply", "refute", "suspend", "restore", "accept",
         "unaccept", "time")  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(steps=st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(VALUES)), max_size=10))
def test_the_fast_path_ends_where_a_whole_pass_ends(node: Node, steps: list[tuple[str, str]]) -> None:
    """After any sequence a refresh changes nothing, followers hold the book, and each block has its reason."""
    cleared(node)
    base = node.store.orders.last()
    for what, value in steps:
        step(node, what, value)
    before = states(node)
    assert (refresh_orders(node).changed, states(node)) == (0, before)
    held: dict[str, Order] = {order.undo_id: order for order in node.store.orders.in_force()}
    assert replayed([(change.op, change.order) for change in node.store.orders.changes(base)]) == held
    for order in held.values():
        if order.state != "active":
            continue
        (named, *_) = node.store.indicators.named([(T, order.value)])[T, order.value]
        people = node.store.orders.puts([(T, order.value)])
        assert named.entry.origin is None or people, "only our own word or a person's act blocks here"
        entry = node.ledger.entry(int(order.release.partition(":")[0]))
        assert (entry.kind, entry.event["purpose"]) == ("release", "enforce")
