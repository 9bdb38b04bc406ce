"""Signed notes and witnesses: who signed what, and a witness that signs only what continues."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.scenes import event, fill
from seawall.identity import NodeKeys
from seawall.ledger import Held, Ledger, Request, Verdict, cosign, judge, keep, kept, own_key, read_key, read_request
from seawall.ledger.checkpoint import encode, head
from seawall.ledger.signed_note import COSIGNATURE, VerifierKey, check_note, read_note
from seawall.ledger.witness import checkpoint_in, witness_key
from seawall.model import Fault, Refused


def _request(ledger: Ledger, old: int) -> Request:
    now = ledger.head()
    return Request(old, tuple(ledger.prove_continues(old, now)), ledger.checkpoint())


def test_keys_and_notes_are_those_of_others() -> None:
    """The example of Go's package sumdb/note: its key reads, its note holds under it, and not when a letter differs."""
    text = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    key = read_key(text)
    assert str(key) == text
    note = (
        "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n\n\u2014 "
        "PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
    )
    check_note(read_note(note.encode()), key)
    with pytest.raises(Refused, match="E-LEDGER-023"):
        check_note(read_note(note.replace("answer", "cause").encode()), key)


@pytest.mark.parametrize(
    "text", ["", "a", "a+b+c", "n+00000000+AA==", "+00000000+", "n m+00000000+AAAA", "\x1b[2J+x+y"]
)
def test_a_misspelt_key_is_refused(text: str) -> None:
    """Whatever is no key gets one sentence."""
    with pytest.raises(Fault, match="E-LEDGER-021"):
        read_key(text)


def test_a_witness_signs_what_continues(folder: Path, node_key: NodeKeys, other_key: NodeKeys) -> None:
    """The first checkpoint, one that continues it, and the same once more are signed; the time is in the signature."""
    fill(folder, node_key)
    own, held = own_key(node_key), Held()
    with Ledger.open(folder, node_key) as ledger:
        verdict, held = judge(_request(ledger, 0), held, own)
        assert (verdict, held.size) == (Verdict.CONSISTENT, 8)
        ledger.record_event(event(1))
        verdict, held = judge(_request(ledger, 8), held, own)
        assert (verdict, held.size) == (Verdict.CONSISTENT, 9)
        assert judge(_request(ledger, 0), held, own) == (Verdict.CONSISTENT, held)
        cosigned = held.note + cosign(held.note, other_key, 1_773_446_400)
        assert check_note(read_note(cosigned.encode()), witness_key(other_key)) == 1_773_446_400
        assert check_note(read_note(cosigned.encode()), own) is None
        keep(folder, cosigned, node_key, witness_key(other_key))
        assert [(item.size, item.key_id) for item in kept(folder)] == [(9, witness_key(other_key).key_id.hex())]
        assert ledger.verify().size == 9


def test_a_witness_says_where_it_stands(folder: Path, node_key: NodeKeys) -> None:
    """A proof from another size than the one that was signed is asked again from there."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        _, held = judge(_request(ledger, 0), Held(), own_key(node_key))
        ledger.record_event(event(1))
        assert judge(_request(ledger, 3), held, own_key(node_key)) == (Verdict.ELSEWHERE, held)


def test_a_witness_refuses_forks_and_less(folder: Path, tmp_path: Path, node_key: NodeKeys) -> None:
    """Another ledger under the same key, of the same size, longer, or shorter, is never signed."""
    fill(folder, node_key)
    own = own_key(node_key)
    with Ledger.open(folder, node_key) as ledger, Ledger.open(tmp_path / "other", node_key) as other:
        _, held = judge(_request(ledger, 0), Held(), own)
        other.record_event(event(1))
        assert judge(_request(other, 0), held, own) == (Verdict.ROLLED_BACK, held)
        other.record_many([event(number) for number in range(7)])
        assert judge(_request(other, 8), held, own) == (Verdict.FORKED, held)
        other.record_event(event(9))
        assert judge(_request(other, 8), held, own) == (Verdict.FORKED, held)
        assert judge(Request(8, (), other.checkpoint()), held, own) == (Verdict.FORKED, held)


def test_a_checkpoint_by_another_key_is_refused(folder: Path, node_key: NodeKeys, other_key: NodeKeys) -> None:
    """Unsigned, signed by somebody else, altered: the ledger's own key did not sign it."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        note = ledger.checkpoint()
    own = own_key(node_key)
    assert checkpoint_in(note, own).size == 8
    for wrong in (
        note.replace("\n8\n", "\n9\n"),
        encode(head(other_key, 8, bytes(32)), other_key.signing_public).decode(),
    ):
        with pytest.raises(Refused, match="E-LEDGER-023"):
            checkpoint_in(wrong, own)
    with pytest.raises(Fault, match="E-LEDGER-022"):
        checkpoint_in(note.split("\n\n")[0], own)


def test_a_cosignature_is_no_checkpoint_signature(folder: Path, node_key: NodeKeys) -> None:
    """One key in its two roles never signs the same bytes: a cosignature of ours stands for no checkpoint of ours."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        note = ledger.checkpoint()
    line = cosign(note, node_key, 1).split(" ")[2]
    raw = base64.b64decode(line)
    forged = base64.b64encode(own_key(node_key).key_id + raw[12:]).decode()
    text = note.split("\n\n")[0] + f"\n\n\u2014 seawall/{node_key.node_id} {forged}\n"
    with pytest.raises(Refused, match="E-LEDGER-023"):
        check_note(read_note(text.encode()), own_key(node_key))


def test_requests_read_back(folder: Path, node_key: NodeKeys) -> None:
    """What a ledger asks is what the witness reads."""
    fill(folder, node_key)
    with Ledger.open(folder, node_key) as ledger:
        request = _request(ledger, 5)
    assert read_request(request.encode()) == request
    assert read_request(request.note.encode()) == Request(0, (), request.note)


@given(st.binary(max_size=300))
def test_rubbish_is_no_request(data: bytes) -> None:
    """Whatever bytes come: a request or one sentence."""
    for given_data in (data, b"old 3\n" + data, b"old 3\n\n" + data):
        with pytest.raises(Fault, match=r"E-LEDGER-02[24]"):
            read_request(given_data)


def test_a_cosignature_type_is_no_other(node_key: NodeKeys) -> None:
    """The same key has another id as a witness."""
    assert own_key(node_key).key_id != VerifierKey(own_key(node_key).name, COSIGNATURE, node_key.signing_public).key_id
