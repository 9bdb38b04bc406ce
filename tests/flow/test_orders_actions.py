"""Who chooses what is done with a value: a person, a point for what peers say, a setting for what we say ourselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow.neighbours import agree, neighbours, push, say
from flow.order_scenes import accept, states
from seawall.flow.node import Node
from seawall.flow.orders import changes_for, refresh_orders
from seawall.flow.orders_acts import ApplyWish, apply_order
from seawall.flow.orders_shown import StatusWish, list_orders, preview_values
from seawall.flow.points import PointWish, add_point, change_point
from seawall.flow.undo import name_of, undo_directive
from seawall.model import Refused
from seawall.model.directive import Action
from seawall.model.order import OrderState

VALUE, OTHER = "203.0.113.7", "203.0.113.8"


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``west``; Seoul has an edge, an office that only alerts for peers, and a plant."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        agree(found, "west", "taipei", "seoul")
        seoul = found["seoul"]
        add_point(seoul, PointWish(name="edge", zone="internet-edge", tools=("nftables", "crowdsec", "rpz")))
        add_point(seoul, PointWish(name="office", zone="office", peer_action=Action.ALERT))
        add_point(seoul, PointWish(name="plant", zone="ot"))
        yield found


def does(node: Node, value: str = VALUE) -> dict[str, object]:
    """Point -> what the order on a value does there."""
    rows = list_orders(node, StatusWish(value=value), "en")["items"]
    assert isinstance(rows, list)
    return {found["point"]: found["effect"] for row in rows for found in row["points"]}


@pytest.mark.parametrize("action", list(Action))
def test_a_person_chooses_and_chooses_anew(nodes: dict[str, Node], action: Action) -> None:
    """The record names the action, one order stands, plants only watch what would hinder, and undo takes it back."""
    seoul = nodes["seoul"]
    apply_order(seoul, ApplyWish(value=VALUE, ours=True, action=Action.RATE_LIMIT))
    done = apply_order(seoul, ApplyWish(value=VALUE, ours=True, action=action))
    state = "watch" if action is Action.WATCH else "active"
    assert (done["action"], done["state"], states(seoul)) == (action.value, state, {VALUE: f"{action.value} {state}"})
    assert done["undo"] == name_of(seoul, VALUE)
    leaf = seoul.ledger.entry(int(str(done["release"]).partition(":")[0]))
    assert leaf.event["rule"] == f"enforce:{action.value}"
    at_plant = "watch" if action.hinders else action.value
    assert does(seoul) == {"edge": action.value, "office": action.value, "plant": at_plant}
    assert refresh_orders(seoul).changed == 0
    undo_directive(seoul, str(done["undo"]), reason="", again=False)
    if action.hinders:
        assert states(seoul) == {}
        with pytest.raises(Refused, match="E-FLOW-929"):  # what hinders was taken back, by whichever name
            apply_order(seoul, ApplyWish(value=VALUE, action=Action.SINKHOLE))


def test_an_agent_hears_a_changed_action_as_one_order_in_place_of_another(nodes: dict[str, Node]) -> None:
    """The new name comes and the old one goes, in one step of the book."""
    seoul = nodes["seoul"]
    apply_order(seoul, ApplyWish(value=VALUE, ours=True))
    before = seoul.store.orders.last()
    apply_order(seoul, ApplyWish(value=VALUE, action=Action.ALERT))
    pull = changes_for(seoul, seoul.store.orders.point("edge"), before)
    told = {(change.op, change.order.action) for change in pull.changes}
    assert told == {("put", Action.ALERT), ("remove", Action.BLOCK)}


def test_each_point_says_what_a_peers_word_does(nodes: dict[str, Node]) -> None:
    """Blocked at the edge, alerted in the office under the same name, watched at the plant; a person's word is a
    person's word everywhere, and a changed point tells its agent anew."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    accept(seoul, "west")
    say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    refresh_orders(seoul)
    (order,) = seoul.store.orders.in_force()
    if order.state is not OrderState.ACTIVE:  # too little is known of our own sessions: it is watched first
        booked = seoul.store.orders.get(order.undo_id)
        assert booked is not None
        active = msgspec.structs.replace(booked, order=msgspec.structs.replace(order, state=OrderState.ACTIVE))
        seoul.store.orders.settle([active], [], OrderState.WITHDRAWN, seoul.clock())
    assert does(seoul) == {"edge": "block", "office": "alert", "plant": "watch"}
    office = seoul.store.orders.point("office")
    (told,) = seoul.store.orders.in_force(office, at=seoul.clock())
    assert (told.action, told.undo_id) == (Action.ALERT, order.undo_id)
    change_point(seoul, PointWish(name="office", peer_action=Action.RATE_LIMIT))
    assert does(seoul)["office"] == "rate-limit"
    assert changes_for(seoul, seoul.store.orders.point("office"), seoul.store.orders.last() - 1).snapshot
    apply_order(seoul, ApplyWish(value=VALUE))
    assert does(seoul) == {"edge": "block", "office": "block", "plant": "watch"}


def test_the_setting_chooses_for_our_own_indicators(nodes: dict[str, Node]) -> None:
    """A changed setting replaces each order at the next refresh; what a person chose stays."""
    seoul = nodes["seoul"]
    say(seoul, VALUE)
    say(seoul, OTHER)
    refresh_orders(seoul)
    assert states(seoul) == {VALUE: "block active", OTHER: "block active"}
    apply_order(seoul, ApplyWish(value=OTHER, action=Action.SINKHOLE))
    protect = msgspec.structs.replace(seoul.settings.protect, own_action=Action.ALERT)
    seoul.settings = msgspec.structs.replace(seoul.settings, protect=protect)
    refresh_orders(seoul)
    assert states(seoul) == {VALUE: "alert active", OTHER: "sinkhole active"}


def test_a_preview_says_what_each_tool_would_do(nodes: dict[str, Node]) -> None:
    """What a tool cannot do stands beside what was asked for."""
    row: Any = preview_values(nodes["seoul"], [VALUE], None, ["edge"], "en", Action.RATE_LIMIT)[0]
    point = row["points"][0]
    assert (row["action"], row["enforced"], point["effect"]) == ("rate-limit", True, "rate-limit")
    assert point["tools"] == {"nftables": "rate-limit", "crowdsec": "rate-limit", "rpz": "alert"}
    assert "slowed down" in point["why"]
