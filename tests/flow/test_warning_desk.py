"""The budget of a day is kept, nothing below it is lost, and a campaign costs one place."""

from __future__ import annotations

from pathlib import Path

import msgspec

from flow.warning_scenes import HOUR, told
from seawall.flow.node import Node
from seawall.flow.warning_answers import answer_warning
from seawall.flow.warning_desk import refresh_desk
from seawall.model import Visibility
from seawall.model.answer import Verdict
from seawall.model.campaign import Campaign, Member

VALUES = tuple(f"203.0.113.{number}" for number in range(61, 66))


def _budget(node: Node, groups: int) -> None:
    warn = msgspec.structs.replace(node.settings.warn, budget_per_day=groups)
    node.settings = msgspec.structs.replace(node.settings, warn=warn)


def _listed(node: Node, state: str) -> list[str]:
    return sorted(place.value for place in node.store.desk.list(node.clock(), state).items)


def test_so_many_groups_a_day_and_the_rest_waits_its_turn(tmp_path: Path) -> None:
    """Two of five on the first day, two more on the next, the last on the third; looking again raises nothing."""
    with told(tmp_path, *VALUES) as nodes:
        node = nodes["tpe"]
        _budget(node, 2)
        for raised in (2, 4, 5):
            for _ in range(2):
                state = refresh_desk(node)
            assert state.raised_today <= 2
            assert len(_listed(node, "open")) == raised
            assert sorted(_listed(node, "open") + _listed(node, "held")) == sorted(VALUES)
            assert state.waiting == 5 - raised
            node.clock.moment += 24 * HOUR  # type: ignore[attr-defined]


def test_no_limit_raises_all(tmp_path: Path) -> None:
    """A budget of 0."""
    with told(tmp_path, *VALUES) as nodes:
        _budget(nodes["tpe"], 0)
        refresh_desk(nodes["tpe"])
        assert _listed(nodes["tpe"], "open") == sorted(VALUES)


def test_a_campaign_costs_one_place_and_who_joins_it_costs_none(tmp_path: Path) -> None:
    """Four of five values are one campaign found later: with it, the held ones of the raised group go up at once."""
    with told(tmp_path, *VALUES) as nodes:
        node = nodes["tpe"]
        _budget(node, 1)
        refresh_desk(node)
        (first,) = _listed(node, "open")
        others = [value for value in VALUES if value != first][:3]
        warnings = {one.value: one for one in node.store.warnings.list(_whole(), limit=10).items}
        at = node.clock()
        id = "campaign--12345678-0000-4000-8000-000000000000"
        node.store.campaigns.put([Campaign(id, "tide", at, at, ("KR",), ("energy",), 4, None, ())])
        node.store.campaigns.put_members(
            Member(warnings[value].type, value, id, at, at, 1.0, ()) for value in (first, *others)
        )
        state = refresh_desk(node)
        assert _listed(node, "open") == sorted((first, *others))
        assert (state.raised_today, state.waiting) == (1, 1)
        assert {place.group for place in node.store.desk.members(id)} == {id}


def test_an_answered_one_leaves_the_queue(tmp_path: Path) -> None:
    """What was refuted while it waited is never raised."""
    with told(tmp_path, *VALUES) as nodes:
        node = nodes["tpe"]
        _budget(node, 1)
        refresh_desk(node)
        held = _listed(node, "held")
        answer_warning(node, held[0], Verdict.REFUTED)
        for _ in range(5):
            node.clock.moment += 24 * HOUR  # type: ignore[attr-defined]
            refresh_desk(node)
        assert _listed(node, "answered") == [held[0]]
        assert _listed(node, "open") == sorted(set(VALUES) - {held[0]})


def _whole() -> Visibility:
    from seawall.flow.context import WHOLE_NODE

    return WHOLE_NODE
