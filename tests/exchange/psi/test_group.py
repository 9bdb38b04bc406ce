"""The mathematics, by published vectors and beside another implementation.

``_data/rfc9497.json``: copied from RFC 9497 appendix A.1 and RFC 9380 appendix K.3.
"""

from __future__ import annotations

import ctypes.util
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from voprf.ristretto import BlindedInput, Client, Evaluator, PublicKey, VerifiableOutput

from exchange.psi.points import NOT_POINTS
from seawall.exchange.psi import batches, group, proofs
from seawall.model import Fault, Refused

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent / "_data" / "rfc9497.json").read_bytes())
OPRF = b"OPRFV1-\0-ristretto255-SHA512"
VOPRF = b"OPRFV1-\x01-ristretto255-SHA512"
ONE = (1).to_bytes(32, "little")


def unhex(values: list[str]) -> list[bytes]:
    """Bytes of the strings of a vector."""
    return [bytes.fromhex(value) for value in values]


def finalized(value: bytes, blind: bytes, evaluated: bytes) -> bytes:
    """RFC 9497 section 3.3.1, Finalize."""
    unblinded = group.multiply(group.invert(blind), evaluated)
    framed = len(value).to_bytes(2) + value + len(unblinded).to_bytes(2) + unblinded
    return hashlib.sha512(framed + b"Finalize").digest()


@pytest.mark.parametrize(("mode", "context"), [("oprf", OPRF), ("voprf", VOPRF)])
def test_keys_blinding_and_evaluation_are_those_of_the_rfc(mode: str, context: bytes) -> None:
    """Every vector of RFC 9497 for ristretto255 in modes OPRF and VOPRF comes out byte by byte."""
    secret = group.derive_scalar(bytes.fromhex(VECTORS["seed"]), bytes.fromhex(VECTORS["info"]), context)
    assert secret.hex() == VECTORS[mode]["secret"]
    for vector in VECTORS[mode]["vectors"]:
        columns = [unhex(vector[name]) for name in ("input", "blind", "blinded", "evaluated", "output")]
        for value, blind, blinded, evaluated, output in zip(*columns, strict=True):
            dst = b"HashToGroup-" + context
            assert group.multiply(blind, group.hash_to_group(value, dst)) == blinded
            assert batches.blind_all(blind, dst, [value]) == blinded
            assert group.multiply(secret, blinded) == evaluated
            assert batches.evaluate_all(secret, blinded, 32) == evaluated
            assert finalized(value, blind, evaluated) == output


def test_proofs_are_those_of_the_rfc() -> None:
    """Public key and proofs of RFC 9497 in mode VOPRF come out byte by byte, for one element and for two, and hold."""
    secret, public = bytes.fromhex(VECTORS["voprf"]["secret"]), bytes.fromhex(VECTORS["voprf"]["public"])
    assert group.multiply_base(secret) == public
    for vector in VECTORS["voprf"]["vectors"]:
        given_, made = unhex(vector["blinded"]), unhex(vector["evaluated"])
        proof = proofs.prove_equal(secret, public, given_, made, VOPRF, bytes.fromhex(vector["nonce"]))
        assert proof.hex() == vector["proof"]
        proofs.check_equal(public, given_, made, proof, VOPRF)


def test_messages_expand_as_in_rfc_9380() -> None:
    """expand_message_xmd with SHA-512 gives the uniform bytes of RFC 9380 appendix K.3, of one block and of two."""
    for vector in VECTORS["expand_message_xmd"]["vectors"]:
        wanted = bytes.fromhex(vector["uniform"])
        dst = VECTORS["expand_message_xmd"]["dst"].encode()
        assert group.expand_message_xmd(vector["message"].encode(), dst, len(wanted)) == wanted


def test_a_long_tag_is_hashed_first() -> None:
    """A domain separation tag above 255 bytes stands for its digest, as RFC 9380 section 5.3.3 says."""
    long = b"t" * 300
    short = hashlib.sha512(b"H2C-OVERSIZE-DST-" + long).digest()
    assert group.hash_to_group(b"x", long) == group.hash_to_group(b"x", short)
    assert batches.blind_all(ONE, long, [b"x"]) == group.hash_to_group(b"x", long)


@settings(max_examples=25, deadline=None)
@given(value=st.binary(min_size=1, max_size=300), seed=st.binary(min_size=32, max_size=32), info=st.binary(max_size=40))
def test_another_implementation_agrees(value: bytes, seed: bytes, info: bytes) -> None:
    """The voprf package accepts our proofs and gets our outputs, and we accept its proofs and get its outputs."""
    theirs, ours = Evaluator.from_seed(seed, info), group.derive_scalar(seed, info, VOPRF)
    public = group.multiply_base(ours)
    assert theirs.public_key.serialize() == public
    output = theirs.evaluate_known_input(value)

    client, asked = Client.blind(value)
    evaluated = group.multiply(ours, asked.serialize())
    proof = proofs.prove_equal(ours, public, [asked.serialize()], [evaluated], VOPRF, group.to_scalar(os.urandom(64)))
    answer = VerifiableOutput.deserialize(proof + evaluated)
    assert client.finalize(answer, PublicKey.deserialize(public)) == output

    blind = group.to_scalar(os.urandom(64))
    blinded = group.multiply(blind, group.hash_to_group(value, b"HashToGroup-" + VOPRF))
    said = theirs.evaluate(BlindedInput.deserialize(blinded)).serialize()
    made = said[64:]
    proofs.check_equal(public, [blinded], [made], said[:64], VOPRF)
    assert finalized(value, blind, made) == output


@pytest.mark.parametrize("bad", NOT_POINTS.values(), ids=NOT_POINTS)
def test_what_is_no_point_is_refused(bad: bytes) -> None:
    """The identity, and bytes that no point is written as, are refused wherever a point of the other side comes in."""
    fine = group.multiply_base(ONE)
    attempts: tuple[Callable[[], object], ...] = (
        lambda: group.checked_point(bad),
        lambda: group.multiply(ONE, bad),
        lambda: batches.evaluate_all(ONE, fine + bad + fine, 16),
        lambda: proofs.check_known(bad, bytes(31) + b"\1" + bytes(31) + b"\1", b"test"),
    )
    for work in attempts:
        with pytest.raises(Refused) as refused:
            work()
        assert refused.value.code == "E-EXCHANGE-702"


@pytest.mark.parametrize("bad", [b"", bytes(31), bytes(33)])
def test_points_of_a_wrong_length_are_refused(bad: bytes) -> None:
    """A point is 32 bytes."""
    with pytest.raises(Refused, match="E-EXCHANGE-702"):
        group.checked_point(bad)
    with pytest.raises(Refused, match="E-EXCHANGE-702"):
        group.multiply(ONE, bad)


def test_scalars_of_others_are_below_the_order() -> None:
    """A scalar that is written twice, once plus the order, is refused: a proof has one spelling."""
    with pytest.raises(Refused, match="E-EXCHANGE-702"):
        group.checked_scalar(group.ORDER.to_bytes(32, "little"))
    assert group.checked_scalar(ONE) == ONE


def test_proofs_of_another_key_context_or_element_do_not_hold() -> None:
    """A proof holds for the key, the context and the elements it was made for, and for nothing else."""
    scalar, other, nonce = (group.to_scalar(os.urandom(64)) for _ in range(3))
    public, point = group.multiply_base(scalar), group.hash_to_group(b"a", b"test")
    made = group.multiply(scalar, point)
    proof = proofs.prove_equal(scalar, public, [point], [made], b"here", nonce)
    wrong: list[Callable[[], object]] = [
        lambda: proofs.check_equal(group.multiply_base(other), [point], [made], proof, b"here"),
        lambda: proofs.check_equal(public, [point], [group.multiply(other, point)], proof, b"here"),
        lambda: proofs.check_equal(public, [point], [made], proof, b"there"),
        lambda: proofs.check_equal(public, [point], [made], proof[32:] + proof[:32], b"here"),
    ]
    known = proofs.prove_known(scalar, public, b"here", nonce)
    proofs.check_known(public, known, b"here")
    wrong += [
        lambda: proofs.check_known(group.multiply_base(other), known, b"here"),
        lambda: proofs.check_known(public, known, b"there"),
        lambda: proofs.check_known(public, bytes(64), b"here"),
    ]
    for work in wrong:
        with pytest.raises(Refused, match="E-EXCHANGE-703"):
            work()


def test_without_libsodium_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the library cannot be found, the fault names the extra and the system package."""
    monkeypatch.setattr(ctypes.util, "find_library", lambda _: None)
    monkeypatch.delitem(sys.modules, "pysodium", raising=False)
    group.library.cache_clear()
    with pytest.raises(Fault, match=r"E-EXCHANGE-700.*seawall\[quiet\].*libsodium23"):
        group.library()
    group.library.cache_clear()
    sys.modules.pop("pysodium", None)


def test_a_library_that_computes_something_else_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first use tries a published vector; a library that fails it is refused."""
    import pysodium

    monkeypatch.setattr(pysodium, "crypto_scalarmult_ristretto255", lambda _, point: point)
    group.library.cache_clear()
    with pytest.raises(Fault, match="E-EXCHANGE-701"):
        group.library()
    group.library.cache_clear()


def test_one_module_alone_speaks_to_the_library() -> None:
    """pysodium is imported by group.py and by nothing else, and importing the room does not load it."""
    root = Path(group.__file__).parents[2]
    found = [path.name for path in root.rglob("*.py") if "import pysodium" in path.read_text("utf-8")]
    assert found == ["group.py"]
    code = "import sys, seawall.exchange.psi; sys.exit('pysodium' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
