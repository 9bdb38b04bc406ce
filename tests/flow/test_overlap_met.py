"""Candidates with what the other side merely met: found both ways, and what both merely met never shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from flow.books_scenes import HOUR, address, alarm, observe, visit, wait
from flow.overlap_scenes import Nodes, lined, share, suspect
from ingest_scenes import eve
from seawall.flow.budgets import left
from seawall.flow.findings import list_warnings
from seawall.flow.met_commitments import MOST_MET, met_type
from seawall.flow.node import Node
from seawall.flow.overlap import run_overlap
from seawall.flow.overlap_explain import explain_overlap
from seawall.flow.sizes import SIZE, size_of
from seawall.ledger import EventKind
from seawall.model import ObservableType
from seawall.model.overlap import Hold, Lane, Tier

IPV4 = ObservableType.IPV4
SITES = ("www.google.com", "cdn.everybody.tw", "resolver.everybody.tw")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[Nodes]:
    """Taipei and Seoul."""
    with lined(tmp_path) as found:
        yield found


def meet(node: Node, *numbers: int) -> None:
    """One host of ours meets these addresses without any alarm, a day after every alarm here."""
    late = "2026-03-15T04:00:00.000000+0000"
    observe(
        node,
        *(
            eve(1_000_000 + number, timestamp=late, src_ip=f"10.3.{number % 200}.9", dest_ip=address(number))
            for number in numbers
        ),
    )


def held(node: Node, peer: str) -> dict[str, tuple[Hold, Hold]]:
    """Value -> how we hold it, how they do."""
    return {item.value: (item.ours_as, item.theirs_as) for item in node.store.overlaps.list(peer, limit=1_000).items}


def test_a_suspect_that_the_other_side_merely_met_is_found_both_ways(nodes: Nodes) -> None:
    """Each side's suspects are found among what the other met; what both met without an alarm stays unknown to both."""
    share(nodes)
    suspect(nodes["taipei"], [1, 2, 3])
    meet(nodes["taipei"], 12, 13, 50, 51)
    suspect(nodes["seoul"], [3, 11, 12, 13])
    meet(nodes["seoul"], 2, 50, 51)
    found = run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert (found["state"], found["problems"]) == ("complete", [])
    both, ours, theirs = (
        (Hold.CANDIDATE, Hold.CANDIDATE), (Hold.CANDIDATE, Hold.MET), (Hold.MET, Hold.CANDIDATE),
    )  # fmt: skip
    assert held(nodes["taipei"], "seoul") == {
        address(3): both, address(2): ours, address(12): theirs, address(13): theirs,
    }  # fmt: skip
    assert held(nodes["seoul"], "taipei") == {
        address(3): both, address(2): theirs, address(12): ours, address(13): ours,
    }  # fmt: skip


def test_who_merely_met_it_opens_that_and_is_warned_from_its_own_rows(nodes: Nodes) -> None:
    """The suspecting side tells when it saw it, once the other opened its commitment to having met it; who met it has
    nothing more to tell, and its warning takes its own first meeting."""
    share(nodes)
    suspect(nodes["taipei"], [1, 2])
    meet(nodes["seoul"], 1)
    run_overlap(nodes["seoul"], "taipei", type=IPV4)
    (ours,) = nodes["seoul"].store.overlaps.list("taipei").items
    (theirs,) = nodes["taipei"].store.overlaps.list("seoul").items
    assert (ours.value, ours.taken, ours.given) == (address(1), Tier.SECTOR, Tier.MATCHED)
    assert (theirs.given, theirs.taken) == (Tier.SECTOR, Tier.MATCHED)
    assert ours.vouched_at is not None
    assert theirs.vouched_at is not None
    assert ours.reason
    warned = {str(row["value"]): row for row in list_warnings(nodes["seoul"], limit=100, after=0).items}
    assert warned[address(1)]["other_first_seen"] is not None
    assert warned[address(1)]["first_side"] == "taipei"
    assert not list_warnings(nodes["taipei"], limit=100, after=0).items


def test_harmless_traffic_of_both_sides_gives_nothing_in_any_lane(nodes: Nodes) -> None:
    """Common sites, shared servers, resolvers and odd addresses that both visit: three lanes, no item; a suspect of one
    side that many of the other's people visit is not brought as met."""
    share(nodes)
    for node in nodes.values():
        crowd = [
            visit(f"104.16.1.{place}", host=f"10.0.0.{host}", name=name)
            for place, name in enumerate(SITES)
            for host in range(9)
        ]
        observe(node, *crowd)
        meet(node, *range(60, 80))
    suspect(nodes["taipei"], [90])
    observe(nodes["seoul"], *(visit(address(90), host=f"10.0.0.{host}", name="shared.test") for host in range(9)))
    for type in (IPV4, ObservableType.DOMAIN):
        run_overlap(nodes["taipei"], "seoul", type=type)
    assert held(nodes["taipei"], "seoul") == held(nodes["seoul"], "taipei") == {}
    lanes = {row.lane for row in nodes["seoul"].store.overlaps.sessions("taipei", type=IPV4)}
    assert lanes == set(Lane)


@pytest.mark.parametrize("without", ["taipei", "seoul"])
def test_one_side_that_does_not_want_it_compares_candidates_only(nodes: Nodes, without: str) -> None:
    """Whoever says no, or is older and never heard of it, is compared with as before, with one session."""
    share(nodes)
    node = nodes[without]
    node.settings = msgspec.structs.replace(
        node.settings, overlap=msgspec.structs.replace(node.settings.overlap, compare_met=False)
    )
    suspect(nodes["taipei"], [1, 2])
    suspect(nodes["seoul"], [2])
    meet(nodes["seoul"], 1)
    found = run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert found["state"] == "complete"
    assert held(nodes["taipei"], "seoul").keys() == {address(2)}
    assert {row.lane for row in nodes["seoul"].store.overlaps.sessions("taipei")} == {Lane.CANDIDATES}


def test_what_was_met_is_as_old_as_the_circle_asks(nodes: Nodes) -> None:
    """Nothing that was merely met enters young, not even through the small budget; a day later it does, and is among
    what explains itself until then."""
    share(nodes, age=86_400)
    suspect(nodes["taipei"], [1])
    meet(nodes["seoul"], 1)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert held(nodes["taipei"], "seoul") == {}
    assert _met(nodes["seoul"], "taipei") == (0, {"met-too-young": 1})
    wait(nodes["taipei"], 25 * HOUR)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert held(nodes["taipei"], "seoul") == {address(1): (Hold.CANDIDATE, Hold.MET)}
    assert nodes["seoul"].store.overlaps.list("taipei").items[0].taken is Tier.SECTOR


def _met(node: Node, peer: str) -> tuple[int, dict[str, int]]:
    """How much that was met enters, and what stays out by reason."""
    types = explain_overlap(node, peer, [IPV4])["types"]
    assert isinstance(types, list)
    told = types[0]["met"]
    return told["entering"], {row["reason"]: row["count"] for row in told["left_out"]}


def test_what_is_suspected_later_is_held_as_a_suspect_from_then_on(nodes: Nodes) -> None:
    """A value that was met, found, and then alarmed here too: the item says so, and our sighting is told."""
    share(nodes)
    suspect(nodes["taipei"], [1])
    meet(nodes["seoul"], 1)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    observe(nodes["seoul"], *(alarm(address(1), host=f"10.9.0.{host}", sensor=f"s-{host}") for host in (5, 6)))
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    for name, other in (("taipei", "seoul"), ("seoul", "taipei")):
        assert held(nodes[name], other) == {address(1): (Hold.CANDIDATE, Hold.CANDIDATE)}


def test_every_list_is_paid_for_and_named_on_the_ledger(nodes: Nodes) -> None:
    """Three lists of a side cost three times the least; what was met counts like a suspect. A run soon after costs the
    candidates' list only."""
    share(nodes)
    suspect(nodes["taipei"], [1])
    meet(nodes["taipei"], 7)
    suspect(nodes["seoul"], [2])
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert _asked(nodes["seoul"]) == {"overlap": 128, "met-0": 128, "met-1": 128}
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    assert _asked(nodes["seoul"]) == {"overlap": 256, "met-0": 128, "met-1": 128}


def _asked(node: Node) -> dict[str, int]:
    """Lane -> points that the ledger says were answered."""
    found: dict[str, int] = {}
    for leaf in node.ledger.show(limit=1_000).items:
        if leaf.kind == EventKind.OVERLAP_RUN.value:
            details = leaf.event["details"]
            found[details["lane"]] = found.get(details["lane"], 0) + details["theirs"]
    return found


def test_what_was_met_does_not_pass_for_a_suspect(nodes: Nodes) -> None:
    """A side that brings what it merely met as its own suspect cannot open a suspect's commitment: the mismatch is on
    the ledger, and nothing is told."""
    share(nodes)
    meet(nodes["taipei"], 1, 2)
    suspect(nodes["taipei"], [5])
    suspect(nodes["seoul"], [1])
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    (item,) = nodes["seoul"].store.overlaps.list("taipei").items
    lying = msgspec.structs.replace(
        item, theirs_as=Hold.CANDIDATE, vouched_at=None, given=Tier.MATCHED, permitted=Tier.SECTOR, given_at=None
    )
    nodes["seoul"].store.overlaps.change([lying])
    (theirs,) = nodes["taipei"].store.overlaps.list("seoul").items
    nodes["taipei"].store.overlaps.change(
        [msgspec.structs.replace(theirs, opened_at=None, permitted=Tier.SECTOR, reason="")]
    )
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    (now,) = nodes["seoul"].store.overlaps.list("taipei").items
    assert (now.vouched_at, now.given) == (None, Tier.MATCHED)
    assert now.reason.startswith("evidence:")
    kinds = [leaf.kind for leaf in nodes["seoul"].ledger.show(limit=1_000).items]
    assert EventKind.EVIDENCE_MISMATCH.value in kinds


def test_sums_follow_from_what_was_met_up_to_a_bound(nodes: Nodes) -> None:
    """A peer that compares what it met may ask for its suspects twice and for what it met once; a claim of very much
    counts as one full list, and candidates are counted apart."""
    share(nodes)
    suspect(nodes["taipei"], range(10))
    meet(nodes["taipei"], *range(20, 50))
    suspect(nodes["seoul"], [2])
    before = left(nodes["seoul"], "taipei", IPV4)
    run_overlap(nodes["taipei"], "seoul", type=IPV4)
    after = left(nodes["seoul"], "taipei", IPV4)
    assert (before.initial_cap, before.yearly_cap) == (0, 100_000)
    assert (after.committed, after.initial_cap, after.yearly_cap) == (10, (2 * 10 + 30) * 6 // 5, 200_000)
    size = size_of(nodes["seoul"], "taipei")
    boast = msgspec.structs.replace(size, totals=size.totals | {met_type(IPV4): 10**9})
    nodes["seoul"].store.notes.set(SIZE.format(peer="taipei"), msgspec.json.encode(boast).decode())
    assert left(nodes["seoul"], "taipei", IPV4).initial_cap == (2 * 10 + MOST_MET) * 6 // 5
