"""Caps of a point: who stands there when not all may, who waits, and who comes in when somebody ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from flow.neighbours import AT, DAY, agree, neighbours
from flow.order_scenes import accept, ipv4
from seawall.codec.indicators import IndicatorRow
from seawall.codec.value_indicator import ValueIndicators
from seawall.flow.node import Node
from seawall.flow.orders import changes_for, expire_orders, orders_for, refresh_orders, whole_book
from seawall.flow.orders_acts import ApplyWish, apply_order
from seawall.flow.orders_fill import fill_points
from seawall.flow.orders_shown import StatusWish, book_summary, list_orders, preview_book, preview_values
from seawall.flow.points import PointWish, add_point, change_point, list_points
from seawall.flow.protect import export
from seawall.model import Fault, ObservableType, Pap, Tlp
from seawall.model.agent import AgentLimits
from seawall.model.indicator import IndicatorEntry
from seawall.model.order import Point, Rank
from seawall.protect.agent.limits import FULL, Limits
from seawall.protect.bounds import most_of_peers

HOUR = 3_600_000_000


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Our node, and a peer whose word acts here without a click as far as our sensors can say."""
    with neighbours(tmp_path, "hostile", "ours") as found:
        agree(found, "west", "hostile", "ours")
        accept(found["ours"], "west")
        yield found["ours"]


def peer(numbers: Iterable[int], *, confidence: int = 90) -> list[IndicatorEntry]:
    """The peer's word on so many addresses."""
    return _words("hostile", [f"45.61.{number >> 8}.{number & 255}" for number in numbers], confidence, AT + 2 * DAY)


def ours(*values: str, until: int = AT + DAY) -> list[IndicatorEntry]:
    """Our own word on addresses."""
    return _words(None, values, 50, until)


def _words(origin: str | None, values: Iterable[str], confidence: int, until: int) -> list[IndicatorEntry]:
    made = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN, origin=origin)
    rows = [IndicatorRow(ObservableType.IPV4, value, 1, confidence=confidence, valid_until=until) for value in values]
    return [made.entry(row, (origin or "ours",)) for row in rows]


def take(node: Node, *entries: IndicatorEntry) -> list[str]:
    """The node holds what was said, and brings its book in step; the values."""
    for entry in entries:
        node.store.indicators.put([entry], source=entry.origin or "ours", at=node.clock())
    orders_for(node, [ipv4(entry.value) for entry in entries])
    return [entry.value for entry in entries]


def standing(node: Node, name: str = "edge") -> set[str]:
    """What stands at a point."""
    return {order.value for order in node.store.orders.in_force(node.store.orders.point(name), at=node.clock())}


def waiting(node: Node, name: str = "edge") -> dict[str, str]:
    """Value -> cap of what waits there."""
    return {one.order.value: one.order.held[name] for one in node.store.orders.booked() if name in one.order.held}


def shown(node: Node, value: str | None = None) -> list[dict[str, object]]:
    """What the status says of each order at the first point."""
    rows = list_orders(node, StatusWish(value=value), "en")["items"]
    assert isinstance(rows, list)
    return [row["points"][0] for row in rows]


def test_our_own_takes_the_place_of_a_peers(node: Node) -> None:
    """A full point gives ours the places of the peer's lowest scores; the rest waits with a sentence and a count."""
    add_point(node, PointWish(name="edge", zone="internet-edge", most=4))
    low = take(node, *peer(range(3), confidence=40))
    assert standing(node) == set(low)
    high = take(node, *peer(range(10, 13), confidence=95))
    assert standing(node) == {*high, low[0]}
    own = take(node, *ours("203.0.113.1", "203.0.113.2"))
    assert standing(node) >= set(own)
    assert len(standing(node)) == 4
    assert set(waiting(node).values()) == {"size"}
    (row,) = list_points(node)
    assert (row["most"], row["held_back"]) == (4, {"size": 4})
    held = [one for one in shown(node) if one["effect"] == "held-back"]
    assert len(held) == 4
    assert str(held[0]["why"]).startswith("It waits for room: edge holds at most 4 orders")
    assert book_summary(node)["points"][0]["held_back"] == {"size": 4}  # type: ignore[index]


def test_what_people_put_in_force_goes_before_our_own(node: Node) -> None:
    """A person's value enters a point that is full of ours, at once and past the hour's cap; what gave way waits."""
    add_point(node, PointWish(name="edge", zone="office", most=2, per_hour=2))
    take(node, *ours("203.0.113.1", "203.0.113.2"))
    apply_order(node, ApplyWish(value="203.0.113.9", ours=True, hours=1))
    assert "203.0.113.9" in standing(node)
    assert len(standing(node)) == 2
    ranks = {one.order.value: one.rank for one in node.store.orders.booked()}
    assert (ranks["203.0.113.9"], ranks["203.0.113.1"]) == (Rank.PERSON, Rank.OWN)


def test_a_place_is_free_when_an_order_ends(node: Node) -> None:
    """Expiry, and a higher cap, let in who waits: the higher score first; a lower cap makes the last give way."""
    add_point(node, PointWish(name="edge", zone="internet-edge", most=2))
    low = take(node, *peer([1, 2], confidence=40))
    short = take(node, *ours("203.0.113.1", until=AT + HOUR))
    high = take(node, *peer([9], confidence=95))
    scores = {one.order.value: one.order.score or 0 for one in node.store.orders.booked()}
    assert scores[high[0]] > scores[low[0]]
    assert standing(node) == {*short, *high}
    node.clock.moment += HOUR  # type: ignore[attr-defined]
    assert expire_orders(node) == 1
    assert len(standing(node)) == 2
    assert node.store.orders.waiting_at(node.store.orders.point("edge")) == {"size": 1}
    assert change_point(node, PointWish(name="edge", most=10))["held_back"] == {}
    assert standing(node) == {*low, *high}
    assert change_point(node, PointWish(name="edge", most=1))["held_back"] == {"size": 2}
    assert standing(node) == set(high)
    assert change_point(node, PointWish(name="edge", zone_caps=True))["most"] == 1_000_000
    assert waiting(node) == {}
    change_point(node, PointWish(name="edge", most=1))
    assert node.store.orders.some_wait()
    node.clock.moment += 3 * DAY  # type: ignore[attr-defined]
    assert expire_orders(node) == 3
    assert not node.store.orders.some_wait()


def test_an_hour_lets_in_so_many_and_the_next_hour_more(node: Node) -> None:
    """Above the hour's cap orders wait, ours not for the peer's; when the hour is over they come in."""
    add_point(node, PointWish(name="edge", zone="internet-edge", per_hour=3))
    take(node, *peer(range(5)))
    assert (len(standing(node)), set(waiting(node).values())) == (3, {"rate"})
    own = take(node, *ours("203.0.113.1", "203.0.113.2"))
    assert standing(node) >= set(own)
    (row,) = list_points(node)
    assert (row["per_hour"], row["new_within_hour"], row["held_back"]) == (3, 5, {"rate": 2})
    (told,) = shown(node, next(iter(waiting(node))))
    assert told["why"] == "It waits for the next hour: at most 3 orders are new at edge within one."
    assert fill_points(node) == 0
    node.clock.moment += HOUR  # type: ignore[attr-defined]
    assert fill_points(node) == 2
    assert waiting(node) == {}


def test_an_agent_is_told_of_no_order_that_waits_and_that_one_gave_way(node: Node) -> None:
    """What gives way is a removal in the changes of that point only; another point keeps it."""
    add_point(node, PointWish(name="edge", zone="internet-edge", most=1))
    add_point(node, PointWish(name="hall", zone="office"))
    edge, hall = (node.store.orders.point(name) for name in ("edge", "hall"))
    (low,) = take(node, *peer([1]))
    last = node.store.orders.last()
    (own,) = take(node, *ours("203.0.113.1"))
    assert {change.order.value: change.op for change in changes_for(node, edge, last).changes} == {
        low: "remove",
        own: "put",
    }
    assert {order.value for order in whole_book(node, edge)[1]} == {own}
    assert {order.value for order in whole_book(node, hall)[1]} == {low, own}


def test_a_preview_says_what_would_wait(node: Node) -> None:
    """The dry run tells of values that no room is left for, without letting anything wait or come in."""
    add_point(node, PointWish(name="edge", zone="internet-edge", most=1, per_hour=9))
    take(node, *ours("203.0.113.1"))
    node.store.indicators.put(peer([1]), source="hostile", at=node.clock())
    before = node.store.orders.last()
    rows = {row["value"]: row["points"][0] for row in preview_book(node, 0, 10, "en")["items"]}  # type: ignore[attr-defined]
    assert rows["203.0.113.1"]["effect"] in ("block", "watch")
    assert rows["45.61.0.1"]["effect"] == "held-back"
    (row,) = preview_values(node, ["45.61.0.1"], None, (), "en")
    assert row["points"][0]["effect"] == "block"  # type: ignore[index]  # a person's word goes first
    assert node.store.orders.last() == before


def test_a_new_point_takes_the_book_as_fast_as_it_may(node: Node) -> None:
    """Where a book stands already, a new point begins with the first of it; the next hour brings more."""
    take(node, *ours(*(f"203.0.113.{number}" for number in range(1, 7))))
    assert add_point(node, PointWish(name="edge", zone="office", per_hour=4))["held_back"] == {"rate": 2}
    assert len(standing(node)) == 4
    node.clock.moment += HOUR  # type: ignore[attr-defined]
    refresh_orders(node)
    assert len(standing(node)) == 6


@pytest.mark.parametrize("wish", [PointWish(name="edge", most=-1), PointWish(name="edge", per_hour=10**9)])
def test_a_cap_that_is_none_is_refused(node: Node, wish: PointWish) -> None:
    """Less than nothing, or more than any book holds: one sentence, and nothing is altered."""
    add_point(node, PointWish(name="edge", zone="office", most=5))
    with pytest.raises(Fault, match="E-FLOW-991"):
        change_point(node, wish)
    assert list_points(node)[0]["most"] == 5


def gateway_takes(node: Node, point: Point, most: int) -> Counter[str]:
    """What a gateway that holds at most so many makes of the book of its point: sentence (empty: it acts) -> orders."""
    limits, found = Limits(AgentLimits(zone=point.zone, most_in_all=most)), Counter[str]()
    for order in whole_book(node, point)[1]:
        found[limits.judge(order, node.clock(), lambda kind: found[""] if kind is None else 0)[0]] += 1
    return found


@pytest.mark.parametrize(
    "count", [5_000, pytest.param(1_000_000, marks=[pytest.mark.long, pytest.mark.timeout(3_600)])]
)
def test_a_flood_of_one_peer_does_not_crowd_out_our_own(node: Node, count: int) -> None:
    """However much a peer names, what we name afterwards stands, the point's cap holds, and so do an agent's own."""
    most = count // 10
    add_point(node, PointWish(name="edge", zone="internet-edge", most=most))
    made = ValueIndicators(tlp=Tlp.GREEN, pap=Pap.GREEN, origin="hostile")
    rows = (
        IndicatorRow(ObservableType.IPV4, f"{50 + (number >> 16)}.9.{number >> 8 & 255}.{number & 255}", 1)
        for number in range(count)
    )
    node.store.indicators.put((made.entry(row, ("hostile",)) for row in rows), source="hostile", at=node.clock())
    refresh_orders(node)
    point = node.store.orders.point("edge")
    assert node.store.orders.standing_at(point) == most
    own = take(node, *ours(*(f"203.0.113.{number}" for number in range(1, 200))))
    assert node.store.orders.standing_at(point) == most
    assert standing(node) >= set(own)
    assert node.store.orders.waiting_at(point) == {
        "size": min(count, most_of_peers(ObservableType.IPV4)) - most + len(own)
    }
    assert gateway_takes(node, point, most // 2) == {"": most // 2, FULL: most - most // 2}


def test_a_peer_leaves_room_in_the_book_for_what_we_name(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a book of eight a peer's flood gets six; ours comes in behind it, and so does what a person puts in force."""
    monkeypatch.setattr("seawall.protect.bounds.MAX_ADDRESSES", 8)
    add_point(node, PointWish(name="edge", zone="internet-edge"))
    flood = peer(range(20))
    take(node, *flood)
    assert len(standing(node)) == 6
    (own,) = take(node, *ours("203.0.113.1"))
    chosen = next(entry.value for entry in flood if entry.value not in standing(node))
    apply_order(node, ApplyWish(value=chosen))
    assert standing(node) >= {own, chosen}
    assert len(standing(node)) == 8


def test_a_peer_leaves_room_in_a_file_for_what_we_name(
    node: Node, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of a file of four the peer's flood, though named first, gets what ours leaves."""
    monkeypatch.setattr("seawall.protect.bounds.MAX_ADDRESSES", 4)
    take(node, *peer(range(20)))
    own = take(node, *ours("203.0.113.1", "203.0.113.2"))
    done = export(node, "nftables", output=tmp_path / "blocks.nft", include_watch=False)
    held = (tmp_path / "blocks.nft").read_text()
    assert done["blocks"] == 4
    assert all(value in held for value in own)


def test_caps_survive_in_the_store(node: Node) -> None:
    """A point's caps and what waits are the same to whoever opens the store next."""
    add_point(node, PointWish(name="edge", zone="internet-edge", most=1, per_hour=7))
    take(node, *peer([1, 2]))
    with Node.open(node.folder) as again:
        point = again.store.orders.point("edge")
        assert (point.most, point.per_hour) == (1, 7)
        assert [one.order.held for one in again.store.orders.booked() if one.order.held] == [{"edge": "size"}]
