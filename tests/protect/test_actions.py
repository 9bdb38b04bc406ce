"""What each tool does with each action: never more than was asked, and the same from every driver and feed."""

from __future__ import annotations

import pytest

from seawall.model.directive import Action
from seawall.protect.actions import CAN, WORDS, done_by, rate_of
from seawall.protect.agent.tools import DRIVERS
from seawall.protect.feeds import FEEDS


def test_actions_have_an_order_of_strictness() -> None:
    """The strictest first; the first three stop or slow something."""
    assert sorted(Action, key=lambda action: action.strictness, reverse=True) == list(Action)
    assert [action.hinders for action in Action] == [True, True, True, False, False]
    assert set(WORDS) == set(Action)


def test_every_tool_stands_in_the_table() -> None:
    """Every driver and every feed, and the bouncers."""
    assert set(CAN) == {*DRIVERS, *FEEDS, "bouncer"}


@pytest.mark.parametrize("tool", sorted(CAN))
@pytest.mark.parametrize("action", list(Action))
def test_no_tool_does_more_than_the_nearest_thing(tool: str, action: Action) -> None:
    """A sinkhole may become a block; everything else stays or becomes less, and what hinders nothing never hinders."""
    done = done_by(tool, action)
    assert done is None or done in CAN[tool]
    if action in CAN[tool]:
        assert done is action
    elif action is Action.SINKHOLE:
        assert done is Action.BLOCK
    else:
        assert done is None or (done.strictness < action.strictness and not done.hinders)


def test_without_an_address_to_lead_to_a_sinkhole_is_a_block() -> None:
    """Also for a tool that could."""
    assert done_by("rpz", Action.SINKHOLE, sinkhole=False) is Action.BLOCK
    assert done_by("rpz", Action.SINKHOLE) is Action.SINKHOLE


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (1, 0), (100_001, 1), (1, 100_001), (-1, 5)])
def test_a_rate_has_bounds(per_second: int, burst: int) -> None:
    """Neither nothing at all nor more than anybody sends."""
    with pytest.raises(ValueError, match="rate"):
        rate_of(per_second, burst)
