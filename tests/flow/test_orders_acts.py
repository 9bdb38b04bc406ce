"""What people do with the order book: it passes by no gate, is on the ledger, and can be undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.neighbours import agree, neighbours, push, say
from flow.order_scenes import ipv4, states
from seawall.flow.node import Node
from seawall.flow.orders import changes_for, orders_for, refresh_orders
from seawall.flow.orders_acts import ApplyWish, apply_order, kill_all, lift_kill
from seawall.flow.orders_shown import StatusWish, book_summary, list_orders, preview_book, preview_values
from seawall.flow.points import PointWish, add_point, change_point
from seawall.flow.undo import name_of, undo_directive
from seawall.model import Fault, NotFound, Refused, UserRole, rfc3339
from seawall.model.order import OrderState

VALUE, OTHER = "203.0.113.7", "203.0.113.8"
HOUR = 3_600_000_000


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul share ``west``; Seoul accepts nothing unseen, and has an edge and a plant."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        agree(found, "west", "taipei", "seoul")
        seoul = found["seoul"]
        seoul.store.users.add("mina", UserRole.READER, seoul.clock())
        add_point(seoul, PointWish(name="edge", zone="internet-edge", tools=("nftables",)))
        add_point(seoul, PointWish(name="plant", zone="ot", owner="mina"))
        yield found


def person(node: Node, name: str, role: UserRole) -> Path:
    """The token file of a new person."""
    file = node.folder.parent / f"{name}.token"
    file.write_text(node.store.users.add(name, role, node.clock()))
    return file


def as_owner(node: Node) -> Node:
    """The same node, opened by the plant's owner."""
    node.store.users.revoke("mina", node.clock())
    file = person(node, "mina2", UserRole.READER)
    point = node.store.orders.point("plant")
    node.store.orders.save_point(
        type(point)(point.name, point.zone, owner="mina2", windows=point.windows), node.clock()
    )
    return Node.open(node.folder, clock=node.clock, token=file)


def effects(node: Node) -> dict[str, str]:
    """Point -> what the one order does there."""
    rows = list_orders(node, StatusWish(), "en")["items"]
    assert isinstance(rows, list)
    return {found["point"]: found["effect"] for row in rows for found in row["points"]}


def test_a_person_puts_a_peers_word_in_force_and_takes_it_back(nodes: dict[str, Node]) -> None:
    """Watched before, blocked after one command under a release that carries the name, watched again after undo."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    say(taipei, VALUE)
    push(nodes, "west", "taipei", "seoul")
    refresh_orders(seoul)
    assert states(seoul) == {VALUE: "watch watch"}
    done = apply_order(seoul, ApplyWish(value="203.0.113[.]7", reason="seen in our mail"))
    assert (done["state"], states(seoul)) == ("active", {VALUE: "block active"})
    leaf = seoul.ledger.entry(int(str(done["release"]).partition(":")[0]))
    assert (leaf.event["approved_by"], leaf.event["rule"]) == (["administrator"], "enforce:block")
    assert effects(seoul) == {"edge": "block", "plant": "watch"}
    assert refresh_orders(seoul).changed == 0
    undo_directive(seoul, name_of(seoul, VALUE), reason="a partner's", again=False)
    assert states(seoul) == {VALUE: "watch watch"}
    with pytest.raises(Refused, match="E-FLOW-929"):
        apply_order(seoul, ApplyWish(value=VALUE))
    undo_directive(seoul, str(done["undo"]), reason="", again=True)
    assert states(seoul) == {VALUE: "watch watch"}
    assert apply_order(seoul, ApplyWish(value=VALUE))["undo"] == done["undo"]


@pytest.mark.parametrize(
    ("value", "ours", "code"),
    [
        (OTHER, False, "E-FLOW-931"),
        ("10.1.2.3", True, "E-FLOW-929"),
        ("0.0.0.0/0", True, "E-FLOW-929"),
        ("co.uk", True, "E-FLOW-929"),
        ("not a value", True, "E-FLOW-500"),
        ("198.18.0.0/12", True, "E-FLOW-9"),
    ],
)
def test_no_person_passes_by_the_gate(nodes: dict[str, Node], value: str, ours: bool, code: str) -> None:
    """Own, reserved and shared values stay unblockable whoever asks, and nothing of the attempt is kept."""
    node = nodes["seoul"]
    with pytest.raises(Fault, match=code):
        apply_order(node, ApplyWish(value=value, ours=ours))
    assert states(node) == {}
    assert node.store.indicators.count_by_type() == {}


def test_what_may_hit_many_takes_two_people(nodes: dict[str, Node]) -> None:
    """A wide network is refused to one person and put in force by two."""
    node = nodes["seoul"]
    wish = ApplyWish(value="45.12.0.0/20", ours=True, hours=2, points=("edge",))
    with pytest.raises(Refused, match="E-FLOW-930"):
        apply_order(node, wish)
    token = person(node, "lin", UserRole.APPROVER)
    with Node.open(node.folder, clock=node.clock, approver_token=token) as both:
        done = apply_order(both, wish)
    assert done["approved_by"] == ["administrator", "lin"]
    (order,) = node.store.orders.in_force()
    assert (order.scope, order.expires_at <= node.clock() + 2 * HOUR) == (("edge",), True)
    assert effects(node) == {"edge": "block"}


def test_a_plant_blocks_by_its_owner_in_a_window_after_a_dry_run(nodes: dict[str, Node]) -> None:
    """Each of the three is asked for by itself; then it blocks there until the window ends, and by nobody else."""
    node = nodes["seoul"]
    here = ApplyWish(value=VALUE, points=("plant",))
    with pytest.raises(Refused, match="E-PROTECT-011"):
        apply_order(node, here)
    apply_order(node, ApplyWish(value=VALUE, ours=True))
    with pytest.raises(Refused, match="E-PROTECT-012"):
        apply_order(node, here)
    preview_values(node, [VALUE], None, ["plant"], "en")
    with as_owner(node) as owner:
        with pytest.raises(Refused, match="E-PROTECT-013"):
            apply_order(owner, here)
        ends = node.clock() + HOUR
        window = f"{rfc3339(node.clock() - HOUR)}/{rfc3339(ends)}"
        change_point(node, PointWish(name="plant", windows=(window,)))
        done = apply_order(owner, here)
    assert (done["expires_at"], effects(node)) == (rfc3339(ends), {"edge": "block", "plant": "block"})
    point = node.store.orders.point("plant")
    (order,) = node.store.orders.in_force(point)
    assert (order.state, order.expires_at) == (OrderState.ACTIVE, ends)


def test_a_dry_run_is_needed_and_fresh(nodes: dict[str, Node]) -> None:
    """Inside the window, by the owner, but untried: refused."""
    node = nodes["seoul"]
    apply_order(node, ApplyWish(value=VALUE, ours=True))
    window = f"{rfc3339(node.clock() - HOUR)}/{rfc3339(node.clock() + HOUR)}"
    change_point(node, PointWish(name="plant", windows=(window,)))
    with as_owner(node) as owner, pytest.raises(Refused, match="E-PROTECT-014"):
        apply_order(owner, ApplyWish(value=VALUE, points=("plant",)))


def test_the_kill_switch_stops_and_only_two_people_lift_it(nodes: dict[str, Node]) -> None:
    """At once, everywhere or at one point; an agent is told to hold nothing, and afterwards takes the whole book."""
    node = nodes["seoul"]
    apply_order(node, ApplyWish(value=VALUE, ours=True))
    edge, before = node.store.orders.point("edge"), node.store.orders.last()
    assert kill_all(node, "", "wrong list")["killed"] == "*"
    pull = changes_for(node, edge, before)
    assert (pull.stopped, pull.snapshot, pull.changes, effects(node)) == (True, True, (), {})
    assert book_summary(node)["killed"] is not None
    with pytest.raises(Refused, match="E-FLOW-933"):
        lift_kill(node, "")
    token = person(node, "lin", UserRole.APPROVER)
    with Node.open(node.folder, clock=node.clock, approver_token=token) as both:
        with pytest.raises(NotFound, match="E-FLOW-934"):
            lift_kill(both, "edge")
        lift_kill(both, "")
    pull = changes_for(node, edge, before)
    assert (pull.stopped, pull.snapshot) == (False, True)
    assert effects(node) == {"edge": "block", "plant": "watch"}
    kill_all(node, "edge", "")
    assert effects(node) == {"plant": "watch"}
    with pytest.raises(NotFound, match="E-STORE-301"):
        kill_all(node, "moon", "")


def test_a_preview_says_what_would_be_where_and_why_not(nodes: dict[str, Node]) -> None:
    """Nothing changes: neither the book nor what is known."""
    node = nodes["seoul"]
    say(node, VALUE)
    rows = preview_values(node, [VALUE, OTHER, "10.1.2.3"], None, (), "en")
    assert [(row["enforced"], row["named"], row["now"]) for row in rows] == [
        (True, True, "active"),
        (True, False, "left-out"),
        (False, False, "left-out"),
    ]
    assert "10.0.0.0/8" in str(rows[2]["why"])
    assert [found["effect"] for found in rows[0]["points"]] == ["block", "watch"]  # type: ignore[attr-defined]
    page = preview_book(node, 0, 10, "en")
    assert [row["value"] for row in page["items"]] == [VALUE]  # type: ignore[attr-defined]
    assert (states(node), page["next"]) == ({}, None)
    orders_for(node, [ipv4(VALUE)])
    shown = list_orders(node, StatusWish(value=VALUE, point="edge", state="active"), "zh-Hant")["items"]
    assert len(shown) == 1  # type: ignore[arg-type]
    with pytest.raises(Fault, match="E-PROTECT-016"):
        list_orders(node, StatusWish(state="asleep"), "en")
