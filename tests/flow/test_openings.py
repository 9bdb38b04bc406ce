"""Evidence before release: an opened commitment holds, and every way in which it does not has its own sentence."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from flow.books_scenes import DAY, address, cosigned, pair, suspects, wait
from seawall import ledger as log
from seawall.flow.commitments import check_opening, commit_candidates, open_commitment
from seawall.flow.conduct import conduct_of
from seawall.flow.cosigned import believe, keep_cosigned
from seawall.flow.node import Node
from seawall.flow.sizes import committed_by, hear_size, size_of, size_proof
from seawall.model import Fault, NotFound, ObservableType, Refused
from seawall.model.books import MAX_OPENING_BYTES, Opening, SourceClass
from seawall.model.epoch import day_of
from seawall.model.peer import PeerState

IPV4 = ObservableType.IPV4


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei committed to five addresses a day ago, and Seoul cosigned that."""
    with pair(tmp_path) as found:
        suspects(found["taipei"], 0, 5)
        commit_candidates(found["taipei"])
        cosigned(found)
        wait(found["taipei"], DAY)
        yield found


def _opening(nodes: dict[str, Node], number: int = 2) -> Opening:
    return open_commitment(nodes["taipei"], IPV4, address(number), peer="seoul")


def _points(node: Node) -> int:
    return conduct_of(node, "taipei").points


def test_an_opening_holds_and_crosses_as_bytes(nodes: dict[str, Node]) -> None:
    """What one node opens the other one checks, whichever encoding brought it, within the bound of one opening."""
    for number in range(5):
        sent = msgspec.msgpack.encode(_opening(nodes, number))
        assert len(sent) < MAX_OPENING_BYTES
        opened = msgspec.msgpack.decode(sent, type=Opening)
        batch = check_opening(nodes["seoul"], "taipei", opened, before=nodes["seoul"].clock() - DAY // 2)
        assert (batch.count, batch.totals) == (5, {"ipv4": 5})
    assert _points(nodes["seoul"]) == 0


def _other_day(opening: Opening) -> dict[str, Any]:
    return {"day": opening.day - 3}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda _: {"salt": "00" * 16}, "E-FLOW-514"),
        (lambda _: {"value": address(3)}, "E-FLOW-514"),
        (_other_day, "E-FLOW-515"),
        (lambda _: {"source": SourceClass.HONEYPOT}, "E-FLOW-521"),
        (lambda o: {"place": o.place ^ 1}, "E-FLOW-513"),
        (lambda o: {"path": o.path[:-1]}, "E-FLOW-513"),
        (lambda _: {"commitment": "11" * 32}, "E-FLOW-513"),
        (lambda o: {"event": o.event.replace('"count":5', '"count":4')}, "E-FLOW-511"),
        (lambda o: {"leaf": o.leaf + 1}, "E-FLOW-511"),
        (lambda o: {"ledger_path": (*o.ledger_path, "22" * 32)}, "E-FLOW-511"),
        (lambda _: {"event": "{}"}, "E-FLOW-507"),
        (lambda _: {"salt": "zz"}, "E-FLOW-507"),
        (lambda _: {"path": ("00" * 32,) * 64}, "E-FLOW-507"),
        (lambda o: {"event": o.event + " " * MAX_OPENING_BYTES}, "E-FLOW-507"),
        (lambda _: {"checkpoint": "no note"}, "E-FLOW-507"),
        (lambda o: {"checkpoint": o.checkpoint.replace(o.checkpoint.split("\n")[1], "9999", 1)}, "E-FLOW-508"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_refused_and_counted(nodes: dict[str, Node], change: Any, code: str) -> None:
    """Salt, value, day, source, batch, leaf, checkpoint and shape: one sentence each, and a misdeed of the peer."""
    opening = _opening(nodes)
    with pytest.raises(Refused, match=code):
        check_opening(
            nodes["seoul"], "taipei", msgspec.structs.replace(opening, **change(opening)), before=nodes["seoul"].clock()
        )
    assert _points(nodes["seoul"]) > 0


def test_a_commitment_of_another_batch_does_not_pass(nodes: dict[str, Node]) -> None:
    """A value is looked for in the batch whose leaf is shown, and in no other."""
    suspects(nodes["taipei"], 5, 9)
    commit_candidates(nodes["taipei"])
    cosigned(nodes)
    first, second = _opening(nodes, 1), _opening(nodes, 6)
    swapped = msgspec.structs.replace(
        first, leaf=second.leaf, leaf_salt=second.leaf_salt, event=second.event, ledger_path=second.ledger_path,
        checkpoint=second.checkpoint,
    )  # fmt: skip
    with pytest.raises(Refused, match="E-FLOW-513"):
        check_opening(nodes["seoul"], "taipei", swapped, before=nodes["seoul"].clock())


def test_younger_than_the_session_is_refused_without_blame(nodes: dict[str, Node]) -> None:
    """A checkpoint that was cosigned behind the moment asked for proves nothing of it; slow notices are no misdeed."""
    with pytest.raises(Refused, match="E-FLOW-510"):
        check_opening(nodes["seoul"], "taipei", _opening(nodes), before=nodes["seoul"].clock() - 2 * DAY)
    assert _points(nodes["seoul"]) == 0


def test_a_checkpoint_counts_by_who_cosigned_it(nodes: dict[str, Node]) -> None:
    """Nobody's, or the peer's own word, dates nothing; a third node's does, and so does a witness named by people."""
    taipei, seoul, tokyo = nodes["taipei"], nodes["seoul"], nodes["tokyo"]
    opening = _opening(nodes)
    bare = opening.checkpoint.split("\n\n")[0] + "\n\n" + opening.checkpoint.split("\n\n")[1].split("\n")[0] + "\n"
    with pytest.raises(Refused, match="E-FLOW-509"):
        check_opening(seoul, "taipei", msgspec.structs.replace(opening, checkpoint=bare), before=seoul.clock())
    by_itself = bare + log.cosign(bare, taipei.keys, taipei.clock() // 1_000_000)
    with pytest.raises(Refused, match="E-FLOW-509"):
        check_opening(seoul, "taipei", msgspec.structs.replace(opening, checkpoint=by_itself), before=seoul.clock())
    assert _points(seoul) == 0
    by_tokyo = bare + log.cosign(bare, tokyo.keys, tokyo.clock() // 1_000_000)
    check_opening(seoul, "taipei", msgspec.structs.replace(opening, checkpoint=by_tokyo), before=seoul.clock())
    seoul.store.peers.set_state("tokyo", PeerState.SUSPENDED)
    with pytest.raises(Refused, match="E-FLOW-509"):
        check_opening(seoul, "taipei", msgspec.structs.replace(opening, checkpoint=by_tokyo), before=seoul.clock())
    assert believe(seoul, str(log.witness_key(tokyo.keys)))["witnesses"] == [str(log.witness_key(tokyo.keys))]
    check_opening(seoul, "taipei", msgspec.structs.replace(opening, checkpoint=by_tokyo), before=seoul.clock())
    with pytest.raises(Fault, match="E-FLOW-517"):
        believe(seoul, str(log.own_key(tokyo.keys)))


def test_a_liar_is_quarantined_after_three(nodes: dict[str, Node]) -> None:
    """Openings that do not hold weigh as heavily as forged origins."""
    wrong = msgspec.structs.replace(_opening(nodes), salt="00" * 16)
    for _ in range(2):
        with pytest.raises(Refused, match="E-FLOW-514"):
            check_opening(nodes["seoul"], "taipei", wrong, before=nodes["seoul"].clock())
    with pytest.raises(Refused, match="E-FLOW-043"):
        check_opening(nodes["seoul"], "taipei", wrong, before=nodes["seoul"].clock())


def test_nothing_is_opened_that_nobody_can_check(nodes: dict[str, Node]) -> None:
    """A value that was never committed to, or that no cosigned checkpoint covers yet, has no evidence."""
    with pytest.raises(NotFound, match="E-FLOW-505"):
        open_commitment(nodes["taipei"], IPV4, address(77))
    suspects(nodes["taipei"], 77, 78)
    commit_candidates(nodes["taipei"])
    with pytest.raises(Refused, match="E-FLOW-506"):
        open_commitment(nodes["taipei"], IPV4, address(77))


def test_the_earliest_cosignature_is_shown(nodes: dict[str, Node]) -> None:
    """Later checkpoints do not make a commitment younger: each cosigned one is kept."""
    taipei = nodes["taipei"]
    before = _opening(nodes).checkpoint
    suspects(taipei, 5, 6)
    commit_candidates(taipei)
    cosigned(nodes)
    assert keep_cosigned(taipei) == 1
    assert _opening(nodes).checkpoint == before
    assert _opening(nodes, 5).checkpoint != before


def test_a_first_day_behind_the_leaf_is_refused(nodes: dict[str, Node]) -> None:
    """Nobody commits to what it will see the day after tomorrow."""
    taipei = nodes["taipei"]
    suspects(taipei, 20, 21)
    wait(taipei, -40 * DAY)  # a clock that was set wrong while it committed
    commit_candidates(taipei)
    wait(taipei, 40 * DAY)
    cosigned(nodes)
    assert _opening(nodes, 20).day > day_of(taipei.clock() - 40 * DAY)
    with pytest.raises(Refused, match="E-FLOW-516"):
        check_opening(nodes["seoul"], "taipei", _opening(nodes, 20), before=nodes["seoul"].clock())


def test_how_much_a_peer_committed_to(nodes: dict[str, Node]) -> None:
    """One leaf tells the totals by type; a later one replaces them, an earlier one changes nothing."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    proof = size_proof(taipei, "seoul")
    assert proof is not None
    assert hear_size(seoul, "taipei", proof).totals == {"ipv4": 5}
    suspects(taipei, 5, 30)
    commit_candidates(taipei)
    cosigned(nodes)
    later = size_proof(taipei, "seoul")
    assert later is not None
    hear_size(seoul, "taipei", later)
    hear_size(seoul, "taipei", proof)
    assert (committed_by(seoul, "taipei", IPV4), size_of(seoul, "taipei").leaf) == (30, later.leaf)
    assert size_proof(seoul, "taipei") is None


def test_a_claim_larger_than_the_ledger_is_refused(nodes: dict[str, Node]) -> None:
    """Five million values need over a thousand leaves; who claims them with ten has made them up."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    details: dict[str, str | int | list[str]] = {"root": "00" * 32, "count": 4_096, "committed": ["ipv4 5000000"]}
    taipei.ledger.record_event(log.LedgerEvent(log.EventKind.COMMITTED, taipei.clock(), "node", "batch 9", details))
    index = taipei.ledger.size - 1
    cosigned(nodes)
    honest = size_proof(taipei, "seoul")
    assert honest is not None
    checkpoint = log.checkpoint_in(honest.checkpoint, log.own_key(taipei.keys))
    proved = taipei.ledger.prove(index, checkpoint)
    claim = msgspec.structs.replace(
        honest, leaf=index, leaf_salt=proved.salt or "", event=proved.event or "", ledger_path=proved.path
    )
    with pytest.raises(Refused, match="E-FLOW-519"):
        hear_size(seoul, "taipei", claim)
    assert _points(seoul) == 4
