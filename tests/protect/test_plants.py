"""What a plant's owner may permit, and when: each condition is asked for by itself."""

from __future__ import annotations

import pytest

from seawall.model import Fault, ObservableType, Refused
from seawall.model.directive import Action
from seawall.model.order import LEAVE_FRESH, Lane, Leave, Order, OrderState, Point, Window, Zone, at_point
from seawall.protect.plants import check_in_force, check_point_name, check_state, leave_of

AT = 1_773_446_400_000_000
PLANT = Point("line-3", Zone.OT, owner="mina")
OPEN = Window(AT - 10, AT + 10)
ORDER = Order(
    "0" * 16, Action.BLOCK, ObservableType.IPV4, "203.0.113.7", AT, AT + 10**12, OrderState.ACTIVE, Lane.PERSON, "", "",
    "",
)  # fmt: skip


def test_the_owner_in_an_open_window_after_a_dry_run() -> None:
    """All three together give a leave, under which the order is a block that ends with the window."""
    leave = leave_of(PLANT, ORDER.undo_id, "mina", OPEN, AT - LEAVE_FRESH, AT)
    assert leave == Leave("line-3", ORDER.undo_id, "mina", AT - 10, AT + 10, AT - LEAVE_FRESH)
    here = at_point(ORDER, PLANT, leave)
    assert here is not None
    assert (here.state, here.expires_at) == (OrderState.ACTIVE, min(AT + 10, AT))
    over = at_point(ORDER, PLANT, leave, AT)
    assert over is not None
    assert (over.state, over.expires_at) == (OrderState.WATCH, ORDER.expires_at)


@pytest.mark.parametrize(
    ("by", "window", "tried", "code"),
    [
        ("kim", OPEN, AT, "E-PROTECT-012"),
        ("mina", None, AT, "E-PROTECT-013"),
        ("mina", OPEN, None, "E-PROTECT-014"),
        ("mina", OPEN, AT - LEAVE_FRESH - 1, "E-PROTECT-014"),
        ("mina", OPEN, AT + 1, "E-PROTECT-014"),
    ],
)
def test_each_missing_condition_is_named(by: str, window: Window | None, tried: int | None, code: str) -> None:
    """Somebody else, outside of a window, untried, tried too long ago or in the future."""
    with pytest.raises(Refused, match=code):
        leave_of(PLANT, ORDER.undo_id, by, window, tried, AT)


def test_a_plant_without_an_owner_permits_nothing() -> None:
    """Nobody is nobody's owner."""
    with pytest.raises(Refused, match="E-PROTECT-012"):
        leave_of(Point("line-4", Zone.SAFETY), ORDER.undo_id, "", OPEN, AT, AT)


def test_what_is_in_force_nowhere_is_not_permitted_there() -> None:
    """An absent order, and one that is only watched."""
    check_in_force("x", ORDER)
    for order in (None, Order(*(*(getattr(ORDER, name) for name in ORDER.__struct_fields__[:6]), OrderState.WATCH,
                                Lane.PERSON, "", "", ""))):  # fmt: skip
        with pytest.raises(Refused, match="E-PROTECT-011"):
            check_in_force("x", order)


@pytest.mark.parametrize("name", ["", "-a", "A", "a b", "a/b", "a" * 64, "a\n", "läb"])
def test_names_that_tools_could_not_carry(name: str) -> None:
    """Refused with one sentence; states likewise."""
    with pytest.raises(Fault, match="E-PROTECT-015"):
        check_point_name(name)
    with pytest.raises(Fault, match="E-PROTECT-016"):
        check_state(name, ("watch", "active"))
    check_point_name("border-1")
    check_state("watch", ("watch",))
