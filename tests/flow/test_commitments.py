"""Committing to candidates when they are found: once, in batches, ranked by evidence, and never what must stay out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from counting import statements
from flow.books_scenes import address, alarm, observe, own, pair, suspects, visit, wait
from seawall.flow import commitments
from seawall.flow.commitment_tree import commitment, path_to, root_of
from seawall.flow.commitment_view import describe_commitments
from seawall.flow.commitments import commit_candidates, commitment_job, committed, left_out
from seawall.flow.excluded import Gate, exclude
from seawall.flow.node import Node
from seawall.ledger import check_inclusion
from seawall.ledger.tree import Frontier, leaf_hash
from seawall.model import ObservableType
from seawall.model.books import SourceClass
from seawall.model.epoch import day_of
from seawall.store.commitments import BATCH


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """Taipei, which knows others."""
    with pair(tmp_path) as nodes:
        yield nodes["taipei"]


def _values(node: Node, type: ObservableType = ObservableType.IPV4) -> list[str]:
    return [item.value.decode() for item in committed(node, type, before=node.clock())]


def _leaves(node: Node) -> list[dict[str, object]]:
    return [item.event for item in node.ledger.show(1_000).items if item.kind == "committed"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13, 200])
def test_the_tree_over_a_batch_is_that_of_rfc_6962(size: int) -> None:
    """Root and every path agree with the ledger's own mathematics, which published vectors prove."""
    hashes = [commitment(bytes(16), b"ipv4", b"%d" % number, number, b"alert") for number in range(size)]
    frontier = Frontier()
    for each in hashes:
        frontier.append(leaf_hash(each))
    assert root_of(hashes) == frontier.root()
    for place, each in enumerate(hashes):
        check_inclusion(leaf_hash(each), place, size, frontier.root(), path_to(hashes, place))


def test_no_two_claims_give_one_text() -> None:
    """Neither a value nor a type can be stretched into its neighbour."""
    one = commitment(bytes(16), b"domain", b"a\n1\nalert", 1, b"alert")
    assert one != commitment(bytes(16), b"domain", b"a", 1, b"alert")
    assert commitment(b"1" * 16, b"md5", b"a", 1, b"alert") != commitment(b"2" * 16, b"md5", b"a", 1, b"alert")


def test_a_candidate_is_committed_to_once(node: Node) -> None:
    """One leaf for all that is new, with its totals; the same again, and nothing new, write nothing."""
    assert commit_candidates(node) == 0
    suspects(node, 0, 5)
    assert commit_candidates(node) == 5
    assert commit_candidates(node) == 0
    suspects(node, 3, 7)
    assert commit_candidates(node) == 2
    assert [leaf["details"]["committed"] for leaf in _leaves(node)] == [["ipv4 5"], ["ipv4 7"]]  # type: ignore[index]
    assert sorted(_values(node)) == sorted(address(number) for number in range(7))
    assert commitment_job(node) == "0 new candidates committed to, 0 cosigned checkpoints kept"


def test_only_what_was_committed_to_in_time(node: Node) -> None:
    """``before`` is compared with the moment of the leaf, and the day is that of the first alarm."""
    suspects(node, 0, 2)
    commit_candidates(node)
    moment = wait(node, 1_000)
    suspects(node, 2, 4)
    commit_candidates(node)
    early = list(committed(node, ObservableType.IPV4, before=moment))
    assert {item.value.decode() for item in early} == {address(0), address(1)}
    assert all(item.committed_at < moment and item.source is SourceClass.ALERT for item in early)
    assert {item.first_seen for item in early} == {day_of(1_773_457_000_000_000)}
    assert list(committed(node, ObservableType.DOMAIN, before=node.clock())) == []


def test_the_strongest_evidence_comes_first(node: Node) -> None:
    """More sensors and more alarms outrank fewer, and evidence that grew is ranked anew."""
    for number in range(3):
        observe(node, *(alarm(address(number), sensor=f"tpe-{sensor}") for sensor in range(number + 1)))
    commit_candidates(node)
    assert _values(node) == [address(2), address(1), address(0)]
    observe(node, *(alarm(address(0), sensor=f"tpe-{sensor}") for sensor in range(5)))
    assert commit_candidates(node) == 0
    assert _values(node)[0] == address(0)


def test_what_must_stay_out_never_enters(node: Node, tmp_path: Path) -> None:
    """Own ranges, listed values, popular sites, victims and operations: none is committed to, each is counted."""
    own(node, "45.76.9.0/24")
    popular = [visit("45.77.1.1", host=f"10.1.{number}.9") for number in range(40)]
    observe(
        node,
        *popular,
        alarm("45.77.1.1"),  # a false one
        alarm("8.8.8.8"),  # a resolver
        alarm("45.76.9.9", host="10.0.0.7"),  # ours
        alarm("45.80.0.1"),  # an operation
        alarm(address(1)),
    )
    (tmp_path / "list").write_text("# ours\n45.80.0.0/16\n")
    assert exclude(node, ["45.80.0.0/16", "45[.]80.0.0/16"])["added"] == 1
    assert commit_candidates(node) == 1
    assert _values(node) == [address(1)]
    outside = left_out(node)["ipv4"]
    assert outside["popular"] == 1
    assert outside["warninglist"] == 1


def test_what_is_kept_out_later_leaves_at_once(node: Node) -> None:
    """A value that was committed to before enters no overlap from the moment somebody lists it; and comes back."""
    suspects(node, 0, 3)
    commit_candidates(node)
    exclude(node, [address(1)])
    assert address(1) not in _values(node)
    assert (describe_commitments(node)["committed"], describe_commitments(node)["may_enter"]) == (3, 2)
    own(node, f"{address(2)}/32")
    assert _values(node) == [address(0)]
    commit_candidates(node)
    assert _values(node) == [address(0)]
    assert left_out(node)["ipv4"]["operation"] == 1
    assert left_out(node)["ipv4"]["own-asset"] >= 1
    node.store.exclusions.remove([("ipv4", address(1))])
    assert commit_candidates(node) == 0
    assert set(_values(node)) == {address(0), address(1)}


def test_a_process_that_ends_before_the_leaf_costs_only_time(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches without a leaf are in no answer; the next run puts them on the ledger and commits to nothing twice."""
    suspects(node, 0, 4)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(type(node.ledger), "record_many", dies)
        with pytest.raises(KeyboardInterrupt):
            commit_candidates(node)
    assert _values(node) == []
    assert commit_candidates(node) == 0
    assert len(_values(node)) == 4
    assert len(_leaves(node)) == 1


def test_many_are_committed_in_whole_batches(node: Node) -> None:
    """Stored and on the ledger by the batch: a few statements and one leaf for each."""
    many = 40_000
    table = pa.table(
        {
            "type": pa.array(["ipv4"] * many),
            "value": pa.array(
                sorted(f"45.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(many))
            ),
            "first_seen": pa.array([node.clock()] * many, pa.int64()),
            "basis": pa.array([["alert"]] * many),
            "sensors": pa.array([1] * many, pa.int64()),
            "count": pa.array([3] * many, pa.int64()),
        }
    )
    with statements(node.store._database.engine) as asked:
        assert commitments._compare(node, Gate(node), table, lambda _: None) == many
    assert len(_leaves(node)) == -(-many // BATCH)
    assert asked.n < 20 * -(-many // BATCH)
