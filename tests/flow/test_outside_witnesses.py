"""Third parties sign our checkpoints through a relay, under names that tell nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from exchange.relay.mischievous import MischievousRelay
from flow.neighbours import neighbours
from seawall import ledger as log
from seawall.exchange.relay import Forked, Relay, SignedElsewhere
from seawall.flow.ledger_books import OWN, fork_of
from seawall.flow.node import Node
from seawall.flow.outside_witnesses import (
    KEPT,
    OutsideWitness,
    add_witness,
    ask_witness,
    list_witnesses,
    outside_witnesses,
    remove_witness,
    witnesses_job,
)
from seawall.ledger import EventKind
from seawall.model import Fault, NotFound, Refused, Unavailable


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    """A node of its own."""
    with neighbours(tmp_path, "taipei") as found:
        yield found["taipei"]


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[MischievousRelay]:
    """A relay that witnesses."""
    with MischievousRelay(tmp_path) as running:
        yield running


def introduce(node: Node, relay: MischievousRelay, name: str = "harbour") -> None:
    """Each side told the other its key."""
    made = add_witness(node, name, url=relay.url, pin="", key=str(relay.furnished.verifier_key))
    relay.ledgers.add(log.read_key(str(made["verifier_key"])))


def grow(node: Node, count: int = 3) -> None:
    """Record so many events."""
    for number in range(count):
        node.event(EventKind.OVERRIDE, f"subject {number}")


def test_a_witness_signs_every_day(node: Node, relay: MischievousRelay) -> None:
    """Each asking is on the ledger before it leaves and proves that it continues the last; without news nobody asks."""
    introduce(node, relay)
    for _ in range(3):
        grow(node)
        told = witnesses_job(node)
        assert told == f"harbour signed {node.ledger.head().size} leaves"
    assert witnesses_job(node) == "nobody to ask"
    held = outside_witnesses(node)[0]
    assert log.read_note(held.note.encode()).by(relay.furnished.verifier_key) is not None
    assert [item["agrees"] for item in list_witnesses(node)] == [True]
    assert [item["size"] for item in relay.ledgers.list()] == [held.size]


def test_the_witness_never_learns_whose_ledger_it_is(node: Node, relay: MischievousRelay) -> None:
    """Its books hold neither the node's id nor its key, and a second witness is shown another name."""
    introduce(node, relay)
    introduce(node, relay, "lighthouse")
    for name in ("harbour", "lighthouse"):
        ask_witness(node, name)
    kept = b"".join(path.read_bytes() for path in relay.furnished.folder.rglob("books.sqlite*"))
    assert node.keys.node_id.encode() not in kept
    assert str(log.own_key(node.keys)).split("+", 2)[2].encode() not in kept  # base64 may hold a plus
    assert len({item.shown_as.node_id for item in outside_witnesses(node)}) == 2


def test_a_ledger_that_changed_is_found_out(node: Node, relay: MischievousRelay) -> None:
    """When the ledger is not the one that was signed the evidence is kept and nothing is shown any more."""
    introduce(node, relay)
    grow(node)
    ask_witness(node, "harbour")
    held = outside_witnesses(node)[0]
    text = log.note_over(held.shown_as, msgspec.structs.replace(node.ledger.head(), root=bytes(32)))
    changed = msgspec.structs.replace(held, note=text)
    node.store.notes.set(KEPT, msgspec.json.encode([changed]).decode())
    with pytest.raises(Refused, match="E-FLOW-643"):
        ask_witness(node, "harbour")
    fork = fork_of(node, OWN)
    assert fork is not None
    assert (fork.reason, fork.told_by, fork.held) == ("forked", "harbour", text)
    assert [item["agrees"] for item in list_witnesses(node)] == [False]


class Liar:
    """A witness that says what it likes."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def witness(self, checkpoint: str) -> str:
        """Say it."""
        raise self.fault


@pytest.mark.parametrize("size", [0, 1, 10**6])
def test_a_bare_word_changes_nothing(node: Node, relay: MischievousRelay, size: int) -> None:
    """A witness that claims another size, or a fork without a checkpoint that we signed, is not believed."""
    introduce(node, relay)
    grow(node)
    forked = Forked("E-EXCHANGE-787", "Forked.")
    forked.held = f"seawall/x\n{size}\nAAAA\n\n\u2014 seawall/x AAAAAAAA\n"
    for fault in (SignedElsewhere("E-EXCHANGE-786", "{size}.", size=size), forked):
        liar = Liar(fault)

        def connect(_witness: OutsideWitness, liar: Liar = liar) -> Relay:
            return liar  # type: ignore[return-value]  # only witness is asked

        with pytest.raises(Unavailable, match="E-FLOW-644"):
            ask_witness(node, "harbour", connect)
    assert fork_of(node, OWN) is None
    assert ask_witness(node, "harbour")["size"] == node.ledger.head().size


def test_names_and_keys_are_checked(node: Node, relay: MischievousRelay) -> None:
    """Twice the same name, no name, a ledger's key and an address in the clear are refused; removing forgets."""
    introduce(node, relay)
    key = str(relay.furnished.verifier_key)
    for name in ("harbour", "two words", "", "x" * 50, "\x1b[31m"):
        with pytest.raises(Fault, match="E-FLOW-640"):
            add_witness(node, name, url=relay.url, pin="", key=key)
    with pytest.raises(Fault, match="E-FLOW-641"):
        add_witness(node, "other", url=relay.url, pin="", key=str(log.own_key(node.keys)))
    with pytest.raises(Refused, match="E-EXCHANGE-788"):
        add_witness(node, "other", url="http://192.0.2.1", pin="", key=key)
    remove_witness(node, "harbour")
    assert outside_witnesses(node) == []
    with pytest.raises(NotFound, match="E-FLOW-642"):
        ask_witness(node, "harbour")
