"""Ledgers vouch for each other by notices: cosigned when they continue, evidence kept when they do not."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.neighbours import carry, neighbours
from seawall.flow.ledger_books import OWN, forks, held_of, told_of
from seawall.flow.ledger_seen import check_seen
from seawall.flow.node import Node
from seawall.flow.notices import send_notice
from seawall.flow.witness_desk import checkpoint_text, cosign_file, keys_of_ledger, settle_fork, take_cosigned
from seawall.flow.witnessing import ask_for_cosignature, checkpoint_job, describe_ledger_of, ledgers_told
from seawall.ledger import EventKind, Ledger, LedgerEvent, kept
from seawall.model import Fault, Refused
from seawall.model.notice import NoticeKind

FILES = ("leaves", "payloads", "checkpoint")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[dict[str, Node]]:
    """Taipei and Seoul, which know each other."""
    with neighbours(tmp_path, "taipei", "seoul") as found:
        for node in found.values():
            node.event(EventKind.OVERRIDE, "first")
        yield found


def _round(nodes: dict[str, Node]) -> None:
    """All notices cross, and the answers to them, and the answers to these."""
    for _ in range(3):
        for sender, receiver in (("taipei", "seoul"), ("seoul", "taipei")):
            assert carry(nodes, sender, receiver).problems == ()


def _cosigned(node: Node) -> list[int]:
    return [item.size for item in kept(node.folder / "ledger")]


def _keep(node: Node, place: Path) -> None:
    place.mkdir()
    for name in FILES:
        shutil.copy(node.folder / "ledger" / name, place)


def test_a_peer_cosigns_what_continues(nodes: dict[str, Node]) -> None:
    """The daily job asks; the peer's word arrives and is renewed the next day, from where it ended."""
    taipei = nodes["taipei"]
    assert checkpoint_job(taipei) == "asked seoul"
    first = taipei.ledger.head().size - 1
    assert checkpoint_job(taipei) == "nobody to ask"
    _round(nodes)
    assert _cosigned(taipei) == [first]
    assert told_of(taipei, "seoul").size == first
    ask_for_cosignature(taipei, "seoul")
    _round(nodes)
    assert _cosigned(taipei) == [held_of(nodes["seoul"], f"seawall/{taipei.keys.node_id}").size]
    assert _cosigned(taipei)[0] > first
    assert describe_ledger_of(nodes["seoul"], nodes["seoul"].store.peers.get("taipei")) == "cosigned"
    assert "1 vouch for ours" in ledgers_told(taipei)


def test_who_forgot_asks_from_where_the_peer_stands(nodes: dict[str, Node]) -> None:
    """A ledger that asks from another size than was signed is told so, and its second request holds."""
    taipei = nodes["taipei"]
    ask_for_cosignature(taipei, "seoul")
    _round(nodes)
    before = _cosigned(taipei)[0]
    ask_for_cosignature(taipei, "seoul", old=0)
    _round(nodes)
    assert _cosigned(taipei)[0] > before
    assert (forks(taipei), forks(nodes["seoul"])) == ([], [])


@pytest.mark.parametrize("more", [0, 40])
def test_a_ledger_set_back_is_seen_by_the_peer_and_by_its_owner(
    nodes: dict[str, Node], tmp_path: Path, more: int
) -> None:
    """Files from earlier: the peer refuses to sign, shorter or grown anew, and both sides hold both checkpoints."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    _keep(taipei, tmp_path / "earlier")
    for _ in range(5):
        taipei.event(EventKind.OVERRIDE, "second")
    ask_for_cosignature(taipei, "seoul")
    _round(nodes)
    for name in FILES:
        shutil.copy(tmp_path / "earlier" / name, taipei.folder / "ledger")
    with pytest.raises(Fault, match="E-LEDGER-001"):
        taipei.ledger.head()  # the process that knew better
    taipei.ledger.close()
    del taipei.ledger
    taipei.__dict__["ledger"] = reopened = Ledger.open(taipei.folder / "ledger", taipei.keys)
    for _ in range(more):
        taipei.event(EventKind.OVERRIDE, "another story")
    ask_for_cosignature(taipei, "seoul")
    _round(nodes)
    fork, own = forks(seoul)[0], forks(taipei)[0]
    assert (fork.subject, fork.reason) == ("taipei", "forked" if more else "rolled-back")
    assert (own.subject, own.reason, own.told_by) == (OWN, "forked" if more else "rolled-back", "seoul")
    assert fork.held.split("\n")[1] != fork.given.split("\n")[1]
    assert own.held.startswith(fork.held.split("\n\n")[0])
    for node in (seoul, taipei):
        with pytest.raises(Fault, match="E-FLOW-376"):
            ledgers_told(node)
    assert describe_ledger_of(seoul, seoul.store.peers.get("taipei")) == fork.reason
    assert any(item.kind == EventKind.LEDGER_FORKED.value for item in seoul.ledger.show(1_000).items)
    with pytest.raises(Refused, match="E-FLOW-022"):
        settle_fork(seoul, "taipei")
    reopened.close()


def test_files_that_went_back_stop_the_node(nodes: dict[str, Node], tmp_path: Path) -> None:
    """A node whose ledger is shorter, or other, than at its last use opens it no more."""
    taipei = nodes["taipei"]
    _keep(taipei, tmp_path / "earlier")
    taipei.event(EventKind.OVERRIDE, "second")
    taipei.__exit__(None, None, None)
    with Node.open(taipei.folder) as again:
        assert again.ledger.size > 0
    for name in FILES:
        shutil.copy(tmp_path / "earlier" / name, taipei.folder / "ledger")
    with Node.open(taipei.folder) as again, pytest.raises(Fault, match="E-FLOW-364"):
        _ = again.ledger
    with Ledger.open(taipei.folder / "ledger", taipei.keys) as other, Node.open(taipei.folder) as again:
        for _ in range(9):
            other.record_event(nodes_event())
        with pytest.raises(Fault, match="E-FLOW-364"):
            check_seen(again, other)


def nodes_event() -> LedgerEvent:
    """Something for the record."""
    return LedgerEvent(EventKind.OVERRIDE, 1, "lin", "another story")


@pytest.mark.parametrize(
    "body",
    [{}, {"ask": 1}, {"ask": {}}, {"ask": {"old": "x", "proof": [], "checkpoint": ""}}, {"cosigned": "no"},
     {"ask": {"old": -1, "proof": ["AA=="], "checkpoint": "a\n0\n\n"}}, {"elsewhere": "a\n1\nAA==\n\n"}, {"forked": 5}],
)  # fmt: skip
def test_notices_that_say_nothing_are_rejected(nodes: dict[str, Node], body: dict[str, object]) -> None:
    """Whatever a peer sends under this name: one sentence back, nothing believed, nothing kept as evidence."""
    send_notice(nodes["taipei"], "seoul", NoticeKind.CHECKPOINT, body)
    assert len(carry(nodes, "taipei", "seoul").problems) == 1
    assert forks(nodes["seoul"]) == []
    assert ledgers_told(nodes["seoul"])


def test_a_witness_by_file(nodes: dict[str, Node], tmp_path: Path) -> None:
    """A request goes on a stick, the cosigned checkpoint comes back, and counts."""
    taipei, seoul = nodes["taipei"], nodes["seoul"]
    shown, data = checkpoint_text(taipei, 0)
    (tmp_path / "ask").write_bytes(data)
    signed = cosign_file(seoul, tmp_path / "ask", None)  # a peer's key is known
    (tmp_path / "back").write_text(str(signed["note"]))
    assert signed["size"] == shown["size"]
    key = str(keys_of_ledger(seoul)["witness_key"])
    assert take_cosigned(taipei, tmp_path / "back", key)["size"] == shown["size"]
    with pytest.raises(Refused, match="E-LEDGER-023"):
        take_cosigned(taipei, tmp_path / "back", str(keys_of_ledger(taipei)["witness_key"]))
    with pytest.raises(Refused, match="E-FLOW-374"):
        cosign_file(seoul, tmp_path / "ask", key)
    taipei.event(EventKind.OVERRIDE, "second")
    (tmp_path / "wrong").write_bytes(checkpoint_text(taipei, 0)[1])
    with pytest.raises(Refused, match=r"E-FLOW-372.*--since"):
        cosign_file(seoul, tmp_path / "wrong", None)
