"""Proofs about scalars that stay secret: that one is known, and that the same one was used on several points.

    prove_equal / check_equal   RFC 9497 section 2.2, GenerateProof and VerifyProof: the same k in k*A and in every k*C
    prove_known / check_known   Schnorr's proof for k*G alone (RFC 8235 section 3, made non-interactive)

``context`` separates uses; a proof is the challenge and the response, 64 bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from seawall.exchange.psi.group import (
    POINT_BYTES,
    SCALAR_BYTES,
    add,
    bad_element,
    checked_point,
    checked_scalar,
    hash_to_scalar,
    less_product,
    multiply,
    multiply_base,
)
from seawall.model import Refused

PROOF_BYTES = 2 * SCALAR_BYTES
BASE = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")  # RFC 9496 appendix A.1


def prove_equal(
    scalar: bytes, public: bytes, given: Sequence[bytes], made: Sequence[bytes], context: bytes, nonce: bytes
) -> bytes:
    """That ``public`` is scalar*G and each of ``made`` is scalar times its neighbour in ``given``.

    ``nonce``: a random scalar that is used once. RFC 9497 section 2.2.1.
    """
    composite = _weighed(_weights(public, given, made, context), given)
    product = multiply(scalar, composite)
    challenge = _challenge(public, composite, product, multiply_base(nonce), multiply(nonce, composite), context)
    return challenge + less_product(nonce, challenge, scalar)


def check_equal(public: bytes, given: Sequence[bytes], made: Sequence[bytes], proof: bytes, context: bytes) -> None:
    """Raises Refused E-EXCHANGE-703 when the proof does not hold, E-EXCHANGE-702 for bad points. RFC 9497 2.2.2."""
    challenge, response = _halves(proof)
    for point in (public, *given, *made):
        checked_point(point)
    weights = _weights(public, given, made, context)
    composite, product = _weighed(weights, given), _weighed(weights, made)
    left = add(multiply_base(response), multiply(challenge, public))
    right = add(multiply(response, composite), multiply(challenge, product))
    if _challenge(public, composite, product, left, right, context) != challenge:
        raise _unproved()


def prove_known(scalar: bytes, public: bytes, context: bytes, nonce: bytes) -> bytes:
    """That whoever made ``public`` knows its scalar; ``nonce`` is a random scalar that is used once."""
    challenge = _known(public, multiply_base(nonce), context)
    return challenge + less_product(nonce, challenge, scalar)


def check_known(public: bytes, proof: bytes, context: bytes) -> None:
    """Raises Refused E-EXCHANGE-703 when the proof does not hold, E-EXCHANGE-702 for a bad point."""
    challenge, response = _halves(proof)
    checked_point(public)
    if _known(public, add(multiply_base(response), multiply(challenge, public)), context) != challenge:
        raise _unproved()


def _halves(proof: bytes) -> tuple[bytes, bytes]:
    if len(proof) != PROOF_BYTES:
        raise bad_element()
    halves = checked_scalar(proof[:SCALAR_BYTES]), checked_scalar(proof[SCALAR_BYTES:])
    if not all(any(half) for half in halves):
        raise _unproved()
    return halves


def _unproved() -> Refused:
    return Refused(
        "E-EXCHANGE-703",
        "The other side's proof that it used the key of this epoch does not hold; its part was refused.",
    )


def _framed(*parts: bytes) -> bytes:
    return b"".join(len(part).to_bytes(2) + part for part in parts)


def _known(public: bytes, committed: bytes, context: bytes) -> bytes:
    return hash_to_scalar(_framed(BASE, public, committed) + b"Known", b"HashToScalar-" + context)


def _challenge(public: bytes, composite: bytes, product: bytes, left: bytes, right: bytes, context: bytes) -> bytes:
    transcript = _framed(public, composite, product, left, right) + b"Challenge"
    return hash_to_scalar(transcript, b"HashToScalar-" + context)


def _weights(public: bytes, given: Sequence[bytes], made: Sequence[bytes], context: bytes) -> list[bytes]:
    """One scalar for each pair, so that all are proved at once. RFC 9497 section 2.2.1, ComputeComposites."""
    seed = hashlib.sha512(_framed(public, b"Seed-" + context)).digest()
    return [
        hash_to_scalar(
            _framed(seed) + place.to_bytes(2) + _framed(one, other) + b"Composite", b"HashToScalar-" + context
        )
        for place, (one, other) in enumerate(zip(given, made, strict=True))
    ]


def _weighed(weights: Sequence[bytes], points: Sequence[bytes]) -> bytes:
    total = bytes(POINT_BYTES)  # the identity
    for weight, point in zip(weights, points, strict=True):
        total = add(total, multiply(weight, point))
    return total
