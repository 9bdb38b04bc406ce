"""Guess budgets: the bounds of one peer and type, spent before the answer and never given back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import msgspec
import pytest

from flow.books_scenes import AT, DAY, pair, wait
from journey.command_line import SeawallNode
from seawall.flow.budget_words import describe_budgets
from seawall.flow.budgets import finish_spending, left, refill, spend, spend_all, spend_hot
from seawall.flow.node import Node
from seawall.flow.overlap_stops import stop_overlap
from seawall.flow.sizes import SIZE, Size
from seawall.model import Fault, NotFound, ObservableType, Refused, UserRole
from seawall.model.epoch import EPOCH_DAYS, epoch_of

IPV4, SHA256 = ObservableType.IPV4, ObservableType.SHA256
DYING = """
import os, sys
from pathlib import Path
from seawall.flow import budgets
from seawall.flow.node import Node
from seawall.ledger import Ledger
from seawall.model import ObservableType
folder, where, at = sys.argv[1:]
if where == "before the leaf":
    Ledger.record_event = lambda *_: os._exit(9)
with Node.open(Path(folder), clock=lambda: int(at)) as node:
    budgets.spend(node, "seoul", ObservableType.IPV4, 1_500, session="s", part=1)
    os._exit(9)
"""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Taipei, which answers Seoul and Tokyo."""
    with pair(tmp_path) as nodes:
        yield nodes["taipei"]


def _committed(node: Node, **totals: int) -> None:
    """Seoul proved to have committed to so many."""
    note = msgspec.json.encode(Size(9_999, node.clock(), node.clock(), totals)).decode()
    node.store.notes.set(SIZE.format(peer="seoul"), note)


def _leaves(node: Node) -> int:
    return sum(item.kind == "budget-spent" for item in node.ledger.show(1_000).items)


@pytest.mark.parametrize(
    ("type", "committed", "initial", "daily"),
    [
        (IPV4, 0, 0, 2_000),
        (IPV4, 10_000, 12_000, 2_000),
        (IPV4, 200_000, 240_000, 4_000),
        (IPV4, 3_000_000, 1_000_000, 20_000),
        (SHA256, 3_000_000, 3_600_000, 60_000),
        (SHA256, 30_000_000, 5_000_000, 100_000),
        (ObservableType.WALLET, 2_000_000, 1_000_000, 20_000),
        (ObservableType.CIDR, 2_000_000, 1_000_000, 20_000),
        (ObservableType.DOMAIN, 2_000_000, 2_400_000, 40_000),
    ],
)
def test_one_more_than_the_bound_is_refused(
    node: Node, type: ObservableType, committed: int, initial: int, daily: int
) -> None:
    """1.2 for each committed value up to the type's own bound, and three days' worth; one more takes nothing."""
    _committed(node, **{type.value: committed})
    most = initial + 3 * daily
    assert left(node, "seoul", type).now == most
    with pytest.raises(Refused, match="E-FLOW-520"):
        spend(node, "seoul", type, most + 1, session="s")
    assert left(node, "seoul", type).now == most
    assert spend(node, "seoul", type, most, session="s") == 0
    with pytest.raises(Refused, match="E-FLOW-520"):
        spend(node, "seoul", type, 1, session="t")
    assert _leaves(node) == 1
    assert left(node, "tokyo", type).now == 6_000


def test_each_part_is_spent_once(node: Node) -> None:
    """The same part again is free; the same name with other points, more or fewer or others, is refused."""
    first = spend(node, "seoul", IPV4, 700, session="s", part=0, digest="aa")
    assert spend(node, "seoul", IPV4, 700, session="s", part=0, digest="aa") == first == 5_300
    assert spend(node, "seoul", IPV4, 700, session="s", part=1, digest="aa") == 4_600
    for count, digest in ((701, "aa"), (699, "aa"), (700, "bb")):
        with pytest.raises(Refused, match="E-FLOW-522"):
            spend(node, "seoul", IPV4, count, session="s", part=0, digest=digest)
    assert left(node, "seoul", IPV4).now == 4_600
    assert _leaves(node) == 2
    assert spend(node, "seoul", IPV4, 0, session="s", part=5) == 4_600


def test_days_and_epochs_bring_their_sums_back_and_nothing_else_does(node: Node) -> None:
    """Three days at most together; the initial sum once an epoch; a clock that is set back grants nothing."""
    _committed(node, ipv4=10_000)
    assert spend(node, "seoul", IPV4, 18_000, session="a") == 0
    wait(node, 2 * DAY)
    assert left(node, "seoul", IPV4).now == 0
    wait(node, DAY)
    assert (left(node, "seoul", IPV4).now, left(node, "seoul", IPV4).initial) == (6_000, 0)
    spend(node, "seoul", IPV4, 6_000, session="b")
    wait(node, -5 * DAY)
    assert left(node, "seoul", IPV4).now == 0
    wait(node, 5 * DAY + EPOCH_DAYS * DAY)
    assert left(node, "seoul", IPV4).now == 18_000


def test_the_year_bounds_all_epochs(node: Node) -> None:
    """Twelve times what was committed to, at least 100,000: the days of a patient peer end too."""
    asked = 0
    for _ in range(120):
        now = left(node, "seoul", IPV4).now
        if now:
            spend(node, "seoul", IPV4, now, session=f"s{asked}")
        asked += now
        wait(node, 3 * DAY)
    assert asked == 100_000
    wait(node, 6 * DAY)
    assert left(node, "seoul", IPV4).now == 6_000


@pytest.mark.parametrize("where", ["before the leaf", "before the answer"])
def test_a_process_that_dies_before_it_answers_loses_no_budget(node: Node, where: str) -> None:
    """What was taken stays taken, on the ledger too, and the same part is answered later without another cost."""
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(node.folder), where, str(AT + 1_000_000)], check=False, timeout=60
    )
    assert done.returncode == 9
    assert left(node, "seoul", IPV4).now == 4_500
    assert _leaves(node) == int(where == "before the answer")
    if where == "before the leaf":
        assert finish_spending(node) == 1
        assert _leaves(node) == 1
    assert spend(node, "seoul", IPV4, 1_500, session="s", part=1) == 4_500
    assert _leaves(node) == 1
    with pytest.raises(Refused, match="E-FLOW-522"):
        spend(node, "seoul", IPV4, 1_501, session="s", part=1)


def test_two_answers_at_once_cannot_spend_the_same_points(node: Node) -> None:
    """Eight threads that ask for a fourth each: four are answered."""
    answers: list[int] = []

    def ask(number: int) -> None:
        try:
            answers.append(spend(node, "seoul", IPV4, 1_500, session=f"s{number}"))
        except Refused:
            answers.append(-1)

    threads = [Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers.count(-1) == 4
    assert left(node, "seoul", IPV4).now == 0


def test_two_people_refill_for_one_epoch(node: Node, tmp_path: Path) -> None:
    """One person cannot; two can, past every bound, on record; with the epoch it ends."""
    with pytest.raises(Refused, match="E-FLOW-022"):
        refill(node, "seoul", IPV4, 10)
    token = tmp_path / "second"
    token.write_text(node.store.users.add("park", UserRole.APPROVER, AT))
    spend(node, "seoul", IPV4, 6_000, session="s")
    with Node.open(node.folder, clock=node.clock, approver_token=token) as both:
        assert refill(both, "seoul", IPV4, 10).now == 10
        with pytest.raises(Fault, match="E-FLOW-524"):
            refill(both, "seoul", IPV4, 5_000_001)
        with pytest.raises(NotFound):
            refill(both, "nobody", IPV4, 1)
    assert spend(node, "seoul", IPV4, 10, session="t") == 0
    with pytest.raises(Refused, match="E-FLOW-520"):
        spend(node, "seoul", IPV4, 1, session="u")
    refills = [item.event for item in node.ledger.show(1_000).items if item.kind == "budget-refilled"]
    assert refills[0]["details"]["approved_by"] == ["administrator", "park"]
    wait(node, epoch_of(node.clock()).end - node.clock())
    assert left(node, "seoul", IPV4).refilled == 0


def test_young_values_have_a_small_sum_of_their_own(node: Node) -> None:
    """Two hundred a day, whatever else is left."""
    assert spend_hot(node, "seoul", IPV4, 150, session="s") == 50
    assert spend_hot(node, "seoul", IPV4, 150, session="s") == 50
    with pytest.raises(Refused, match="E-FLOW-523"):
        spend_hot(node, "seoul", IPV4, 51, session="t")
    assert left(node, "seoul", IPV4).now == 6_000
    wait(node, DAY)
    assert left(node, "seoul", IPV4).hot == 200


def test_a_stopped_peer_gets_nothing(node: Node) -> None:
    """While a person has to look into decoys, nothing is spent and nothing answered."""
    stop_overlap(node, "seoul", "it asked about 3 decoys")
    with pytest.raises(Refused, match="E-FLOW-540"):
        spend(node, "seoul", IPV4, 1, session="s")
    assert (left(node, "seoul", IPV4).now, left(node, "seoul", IPV4).stopped) == (0, "it asked about 3 decoys")
    assert _leaves(node) == 0


def test_a_restored_node_answers_nothing_twice(node: Node) -> None:
    """What a backup does not know of may have been asked: all that is left counts as spent until it comes anew."""
    _committed(node, ipv4=10_000)
    spend(node, "seoul", IPV4, 5_000, session="s")
    assert spend_all(node, node.clock()) == ["guesses: seoul", "guesses: tokyo"]
    for peer in ("seoul", "tokyo"):
        assert (left(node, peer, IPV4).now, left(node, peer, IPV4).hot) == (0, 0)
    with pytest.raises(Refused, match="E-FLOW-520"):
        spend(node, "seoul", IPV4, 1, session="t")
    wait(node, 3 * DAY)
    assert left(node, "seoul", IPV4).now == 6_000


def test_rows_that_no_bound_looks_at_are_dropped(node: Node) -> None:
    """After a year and a month; what still counts stays."""
    spend(node, "seoul", IPV4, 5, session="s")
    today = node.clock() // DAY
    assert node.store.budgets.forget_before(today + 399) == 0
    assert node.store.budgets.forget_before(today + 401) == 1


def test_the_bounds_are_told_in_plain_words(node: Node) -> None:
    """Every bound with what is left of it, in the reader's language; peers that never asked are left out."""
    _committed(node, ipv4=10_000)
    spend(node, "seoul", IPV4, 13_000, session="s")
    rows = describe_budgets(node, None)
    assert [(row["peer"], row["type"], row["now"]) for row in rows] == [("seoul", "ipv4", 5_000)]
    says = rows[0]["says"]
    assert isinstance(says, list)
    assert "12000 values, 1.2 for each" in says[1]
    assert "2000 more, and at most 6000 in any three days. 5000 are left" in says[2]
    assert describe_budgets(node, "tokyo") == []
    with pytest.raises(NotFound):
        describe_budgets(node, "nobody")


def test_the_command_line_shows_and_refills(tmp_path: Path) -> None:
    """``budgets`` has an empty state, one sentence for an unknown peer or type, and no refill by one person."""
    node = SeawallNode(tmp_path / "node", "TW")
    assert node.here("budgets") == {"items": [], "next": None, "peers": []}
    assert node.here("commitments")["committed"] == 0
    assert node.here("commitments", "run") == {"new": 0, "committed": 0}
    assert node.here("decoys", "list")["items"] == []
    for words in (("budgets", "nobody"), ("budgets", "refill", "nobody", "--type", "ipv4", "--count", "1")):
        node.here(*words, status=2)
    node.here("budgets", "approve", "nobody", "--type", "ipv9", status=2)
    assert node.here("commitments", "exclude", "45.80.0.0/16")["added"] == 1
    assert node.here("commitments", "excluded")["items"][0]["value"] == "45.80.0.0/16"
    assert node.here("commitments", "include", "45.80.0.0/16")["excluded"] == 0
    node.here("commitments", "include", "45.80.0.0/16", status=2)
    node.here("commitments", "exclude", "what is this", status=2)
    node.here("commitments", "exclude", status=2)
    node.here("commitments", "open", "45.80.0.1", status=2)
