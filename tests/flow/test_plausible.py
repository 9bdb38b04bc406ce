"""The plausibility gate: figures far from the past wait for two people; ordinary days pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.books_scenes import AT, DAY, pair, wait
from seawall.flow import plausible as gate
from seawall.flow.node import Node
from seawall.flow.overlap_stops import overlap_state, require_running
from seawall.flow.plausible import LEAST_DAYS, Seen, approve_pause, objection, past_of, plausible
from seawall.model import NotFound, ObservableType, Refused, UserRole

IPV4, DOMAIN = ObservableType.IPV4, ObservableType.DOMAIN


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Taipei, which compares with Seoul."""
    with pair(tmp_path) as nodes:
        yield nodes["taipei"]


@pytest.mark.parametrize(
    ("past", "seen", "stops"),
    [
        ([], (1_000, 1_000, 1_000), False),  # no past
        ([(1_000, 1_000, 50)] * 5, (1_020, 1_040, 55), False),
        ([(1_000, 1_000, 50)] * 5, (1_000, 5_100, 50), True),  # its list
        ([(1_000, 1_000, 50)] * 5, (1_000, 4_900, 60), False),
        ([(9_000, 9_000, 90)] * 5, (9_000, 9_000, 330), True),  # matches
        ([(1_000, 1_000, 50)] * 5, (1_000, 1_000, 160), True),  # share, high
        ([(1_000, 1_000, 200)] * 5, (1_000, 1_000, 40), True),  # share, low
        ([(1_000, 1_000, 20)] * 5, (1_000, 1_000, 8), False),
        ([(50, 50, 5)] * 5, (60, 60, 40), False),  # too few to say anything
        ([(0, 0, 0)] * 5, (150, 150, 4), False),
        ([(1_000, 1_000, 0)] * 5, (1_000, 1_000, 60), True),
    ],
)
def test_what_is_far_from_the_past(past: list[tuple[int, int, int]], seen: tuple[int, int, int], stops: bool) -> None:
    """A list or an overlap that rose at once, and a share far above or below the usual one."""
    week = [Seen(*each, day=day) for day, each in enumerate([*past, *past[-1:] * LEAST_DAYS])]
    assert (objection(Seen(*seen, day=99), week) is not None) is stops


@pytest.mark.parametrize(
    ("days", "stops"),
    [
        # the few young ones, then all that had its age, then sensors that are connected one after the other
        ([(190, 200, 20, 5_000), (5_000, 5_200, 600, 5_200), (9_000, 14_000, 2_000, 14_000)], False),
        ([(10, 10, 0, 10), (2_500, 8_000, 900, 8_000), (2_600, 20_000, 1_000, 20_000)], False),
        ([(190, 200, 20, 60_000), (5_000, 60_000, 3_000, 60_000)], False),  # proved before the first list
        ([(5_000, 5_000, 100, 5_000), (5_000, 70_536, 160, 70_536)], True),  # a sweep of a /16 on the second day
        ([(10, 10, 0, 10), (10, 65_546, 10, 65_546)], True),
        ([(5_000, 5_000, 100, 5_000)] * 5 + [(5_000, 70_536, 160, 70_536)], True),
    ],
)
def test_a_young_circle_grows_and_is_not_swept(days: list[tuple[int, int, int, int]], stops: bool) -> None:
    """Before a week has passed honest growth passes, however steep; a sweep beyond what was proved before does not."""
    seen = [Seen(mine, theirs, common, day, held) for day, (mine, theirs, common, held) in enumerate(days)]
    objections = [objection(one, seen[:place]) for place, one in enumerate(seen)]
    assert objections[:-1] == [None] * (len(seen) - 1)
    assert (objections[-1] is not None) is stops


def test_what_a_peer_proves_with_its_list_comes_too_late(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Held before is what was proved on an earlier day: committing to a sweep beside it does not help."""
    for committed, theirs, stops in ((5_000, 200, False), (5_100, 5_000, False), (70_000, 65_000, True)):
        monkeypatch.setattr(gate, "committed_by", lambda *_, held=committed: held)
        if stops:
            with pytest.raises(Refused, match=r"E-FLOW-541.*65000 values, and it had 5100 before"):
                plausible(node, "seoul", IPV4, 5_000, theirs, 100)
        else:
            plausible(node, "seoul", IPV4, 5_000, theirs, 100)
        wait(node, DAY)


def test_a_rise_waits_for_two_people(node: Node, tmp_path: Path) -> None:
    """Paused for that type alone, on record, also for ordinary figures; two people make the new figures the usual."""
    for day in range(LEAST_DAYS):
        plausible(node, "seoul", IPV4, 1_000 + day, 1_000 + day, 50)
        wait(node, DAY)
    with pytest.raises(Refused, match=r"E-FLOW-541.*400 values matched, and 50 were usual"):
        plausible(node, "seoul", IPV4, 1_000, 1_000, 400)
    with pytest.raises(Refused, match="E-FLOW-541"):
        plausible(node, "seoul", IPV4, 1_000, 1_000, 50)
    plausible(node, "seoul", DOMAIN, 1_000, 1_000, 400)
    assert overlap_state(node, "seoul") == "paused"
    require_running(node, "seoul", DOMAIN)
    with pytest.raises(Refused, match="E-FLOW-541"):
        require_running(node, "seoul", IPV4)
    with pytest.raises(Refused, match="E-FLOW-022"):
        approve_pause(node, "seoul", IPV4)
    with pytest.raises(NotFound, match="E-FLOW-544"):
        approve_pause(node, "seoul", DOMAIN)
    token = tmp_path / "second"
    token.write_text(node.store.users.add("park", UserRole.APPROVER, AT))
    with Node.open(node.folder, clock=node.clock, approver_token=token) as both:
        assert approve_pause(both, "seoul", IPV4)["approved_by"] == ["administrator", "park"]
    plausible(node, "seoul", IPV4, 1_000, 1_000, 400)
    kinds = [item.kind for item in node.ledger.show(1_000).items]
    assert (kinds.count("overlap-paused"), kinds.count("overlap-resumed")) == (1, 1)


def test_the_same_session_is_remembered_once(node: Node) -> None:
    """Figures of one day count once, however often a session is settled; the past is bounded."""
    for _ in range(5):
        plausible(node, "seoul", IPV4, 1_000, 1_000, 50)
    assert len(past_of(node, "seoul", IPV4)) == 1
    for day in range(100):
        plausible(node, "seoul", IPV4, 1_000 + day, 1_000, 50)
        wait(node, DAY)
    assert len(past_of(node, "seoul", IPV4)) == 30
