"""The witness signs what continues, under names that tell nothing, and keeps what contradicts itself."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from exchange.relay.mischievous import AT, MischievousRelay
from seawall.exchange.relay import Forked, Pseudonym, RelayClient, SignedElsewhere
from seawall.exchange.relay.faults import ELSEWHERE
from seawall.ledger import (
    EventKind,
    Ledger,
    LedgerEvent,
    Request,
    VerifierKey,
    note_over,
    read_key,
    read_note,
    witness_key,
)
from seawall.ledger.signed_note import check_note
from seawall.model import Fault, NotFound, Refused


def grow(ledger: Ledger, count: int, what: str = "peer") -> None:
    """Record so many events."""
    for number in range(count):
        ledger.record_event(LedgerEvent(EventKind.PEER_ADDED, AT + number, "lin", what))


def request(ledger: Ledger, name: Pseudonym, since: int = 0) -> str:
    """What the node asks: its head under this name, with the proof from ``since`` leaves."""
    head = ledger.head()
    return Request(since, tuple(ledger.prove_continues(since, head)), note_over(name, head)).encode().decode()


def known(relay: MischievousRelay) -> Pseudonym:
    """A fresh name, registered."""
    name = Pseudonym.new()
    relay.ledgers.add(read_key(name.verifier_key))
    return name


def test_a_growing_ledger_is_cosigned(relay: MischievousRelay, client: RelayClient, tmp_path: Path) -> None:
    """First checkpoint, the same again, a longer one with its proof: each comes back with a good cosignature."""
    name = known(relay)
    with Ledger.open(tmp_path / "ledger") as ledger:
        size = 0
        for more in (1, 0, 7, 20):
            grow(ledger, more)
            note = client.witness(request(ledger, name, size))
            size = ledger.head().size
            assert check_note(read_note(note.encode()), relay.furnished.verifier_key) is not None
            assert note.startswith(f"seawall/{name.node_id}\n{size}\n")
    assert [item["size"] for item in relay.ledgers.list()] == [28]


def test_a_proof_from_elsewhere_is_told_where_to_begin(
    relay: MischievousRelay, client: RelayClient, tmp_path: Path
) -> None:
    """The answer says which size was signed last, also to an older checkpoint, which is no fork."""
    name = known(relay)
    with Ledger.open(tmp_path / "ledger") as ledger:
        grow(ledger, 3)
        old = request(ledger, name)
        client.witness(old)
        grow(ledger, 4)
        with pytest.raises(SignedElsewhere) as elsewhere:
            client.witness(request(ledger, name))
        assert elsewhere.value.size == 3
        client.witness(request(ledger, name, 3))
        with pytest.raises(SignedElsewhere) as elsewhere:
            client.witness(old)
        assert elsewhere.value.size == 7
    assert relay.ledgers.forks() == []


def test_a_fork_is_told_and_kept(relay: MischievousRelay, client: RelayClient, tmp_path: Path) -> None:
    """Another history of the same length, or a longer one without a proof, is refused with the note signed before."""
    name = known(relay)
    with Ledger.open(tmp_path / "one") as one, Ledger.open(tmp_path / "other") as other:
        grow(one, 5)
        held = client.witness(request(one, name))
        grow(other, 5, "somebody else")
        with pytest.raises(Forked, match="does not continue") as forked:
            client.witness(request(other, name))
        assert forked.value.held
        assert held.startswith(forked.value.held)
        grow(other, 3)
        with pytest.raises(Forked):
            client.witness(request(other, name, 5))
        client.witness(request(one, name, 5))
        grow(one, 1)
        assert client.witness(request(one, name, 5))
    forks = relay.ledgers.forks()
    assert [fork["reason"] for fork in forks] == ["two-roots", "not-continued"]
    assert all(fork["held"] == forked.value.held for fork in forks)


def test_strangers_are_not_signed_for(relay: MischievousRelay, client: RelayClient, tmp_path: Path) -> None:
    """A ledger nobody registered and one whose key did not sign get one answer."""
    name = known(relay)
    forged = Pseudonym(name.node_id, Pseudonym.new().seed)
    with Ledger.open(tmp_path / "ledger") as ledger:
        grow(ledger, 2)
        for stranger in (Pseudonym.new(), forged):
            with pytest.raises(NotFound, match="E-EXCHANGE-774"):
                client.witness(request(ledger, stranger))
        with pytest.raises(Fault, match="E-LEDGER-02"):
            client.witness("no checkpoint")


def test_two_witnesses_cannot_tell_that_they_sign_the_same(tmp_path: Path) -> None:
    """Names and keys shown to two witnesses share nothing, and neither holds the node's."""
    with Ledger.open(tmp_path / "ledger") as ledger:
        grow(ledger, 2)
        head = ledger.head()
        notes = [note_over(Pseudonym.new(), head) for _ in range(2)]
    lines = [[line for line in note.splitlines() if "seawall/" in line] for note in notes]
    assert set(lines[0]).isdisjoint(lines[1])


def test_a_witness_that_lies_is_found_out(relay: MischievousRelay, tmp_path: Path) -> None:
    """A cosignature by another key than the pinned one is refused."""
    name = known(relay)
    other = VerifierKey(relay.furnished.verifier_key.name, b"\x04", bytes(32))
    client = RelayClient(relay.url, witness_key=other)
    with Ledger.open(tmp_path / "ledger") as ledger:
        grow(ledger, 1)
        with pytest.raises(Fault, match=r"E-EXCHANGE-773|E-LEDGER-023"):
            client.witness(request(ledger, name))
    client.close()


def test_names_keep_their_key(relay: MischievousRelay) -> None:
    """A second key for a name is refused, as is a witness's own key; the same key again changes nothing."""
    name, desk = known(relay), relay.ledgers
    desk.add(read_key(name.verifier_key))
    with pytest.raises(Refused, match="E-EXCHANGE-795"):
        desk.add(read_key(Pseudonym(name.node_id, Pseudonym.new().seed).verifier_key))
    with pytest.raises(Fault, match="E-EXCHANGE-794"):
        desk.add(witness_key(name))
    desk.remove(f"seawall/{name.node_id}")
    with pytest.raises(NotFound):
        desk.remove(f"seawall/{name.node_id}")


def test_it_speaks_tlog_witness(relay: MischievousRelay, client: RelayClient, tmp_path: Path) -> None:
    """Statuses and bodies are those of c2sp.org/tlog-witness, so that other tools can ask too."""
    name, url = known(relay), f"{relay.url}/v1/witness/add-checkpoint"
    with Ledger.open(tmp_path / "ledger") as ledger:
        grow(ledger, 3)
        good = httpx.post(url, content=request(ledger, name))
        assert good.status_code == 200
        assert good.text.startswith(f"\u2014 {relay.furnished.verifier_key.name} ")
        grow(ledger, 3)
        conflict = httpx.post(url, content=request(ledger, name))
        assert (conflict.status_code, conflict.text) == (ELSEWHERE.status, "3\n")
        assert conflict.headers["content-type"] == "text/x.tlog.size"
        assert httpx.post(url, content=b"old x\n").status_code == 400
