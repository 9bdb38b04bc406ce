"""What a witness does (c2sp.org/tlog-witness, add-checkpoint): it signs only what continues what it signed before.

old <size>\\n              the size that the witness is believed to have signed last
<base64 hash>\\n ...       a consistency proof from there, at most 63 lines
\\n
<checkpoint, signed by its ledger>

Steps: (1) the ledger's key signed the checkpoint, (2) it is no shorter than what was signed before, (3) at equal size
it has the same root, (4) ``old`` is what was signed before, (5) the proof holds. The caller keeps what was signed, on
disk, before the cosignature leaves.
"""

from __future__ import annotations

import base64
import binascii
from enum import StrEnum

import msgspec

from seawall.ledger.checkpoint import Checkpoint, LedgerKey, decode
from seawall.ledger.proofs import MAX_PROOF, check_consistency
from seawall.ledger.signed_note import (
    COSIGNATURE,
    MAX_NOTE_BYTES,
    VerifierKey,
    check_note,
    cosignature_line,
    cosigned_message,
    read_note,
)
from seawall.ledger.tree import EMPTY_ROOT
from seawall.model import Fault, Refused

MAX_REQUEST_BYTES = MAX_NOTE_BYTES + 64 * (MAX_PROOF + 1)


class Held(msgspec.Struct, frozen=True):
    """The last checkpoint of a ledger that was signed here; ``note`` is its whole text."""

    size: int = 0
    root: bytes = EMPTY_ROOT
    note: str = ""


class Request(msgspec.Struct, frozen=True):
    """Somebody asks for a cosignature."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    def encode(self) -> bytes:
        """The body of add-checkpoint."""
        lines = "".join(base64.b64encode(item).decode() + "\n" for item in self.proof)
        return f"old {self.old}\n{lines}\n{self.note}".encode()


class Verdict(StrEnum):
    """What a witness makes of a request."""

    CONSISTENT = "consistent"
    ELSEWHERE = "elsewhere"  # the proof begins at another size than ours: asked again from there
    ROLLED_BACK = "rolled-back"  # fewer leaves than were signed before
    FORKED = "forked"  # does not continue what was signed before


def read_request(data: bytes) -> Request:
    """The body of add-checkpoint; a checkpoint alone stands for ``old 0``. Raises Fault E-LEDGER-024 or 022."""
    if not data.startswith(b"old "):
        read_note(data)
        return Request(0, (), data.decode())
    try:
        if len(data) > MAX_REQUEST_BYTES:
            raise ValueError("too long")  # noqa: TRY301 - one sentence for every way in which bytes can be wrong
        begin, _, note = data.decode().partition("\n\n")
        first, *lines = begin.split("\n")
        size = first.removeprefix("old ")
        if not (size.isascii() and size.isdigit() and len(size) < 19 and len(lines) <= MAX_PROOF):
            raise ValueError("no size")  # noqa: TRY301
        proof = tuple(base64.b64decode(line, validate=True) for line in lines)
        if any(len(item) != 32 for item in proof):
            raise ValueError("no hash")  # noqa: TRY301
    except (ValueError, binascii.Error):
        raise Fault(
            "E-LEDGER-024",
            "This is no request for a cosignature (c2sp.org/tlog-witness); make it with 'seawall ledger checkpoint'.",
        ) from None
    read_note(note.encode())
    return Request(int(size), proof, note)


def checkpoint_in(note: str, key: VerifierKey, *former: VerifierKey) -> Checkpoint:
    """The checkpoint in ``note``, once a key of its ledger signed it. Raises E-LEDGER-022, Refused 023."""
    signed = read_note(note.encode())
    check_note(signed, next((other for other in former if signed.by(other) is not None), key))
    try:
        checkpoint = decode(signed.text + b"\n")
        if checkpoint.size < 0 or len(checkpoint.root) != 32 or checkpoint.origin != key.name:
            raise ValueError("not of this ledger")  # noqa: TRY301
    except ValueError:
        raise Fault(
            "E-LEDGER-022", "This is no signed checkpoint (c2sp.org/tlog-checkpoint); ask for it again."
        ) from None
    return checkpoint


def judge(request: Request, held: Held, key: VerifierKey) -> tuple[Verdict, Held]:
    """Steps 1 to 5. The second is what to hold from now on (``held`` itself unless consistent). Raises as above."""
    new = checkpoint_in(request.note, key)
    if new.size < held.size:
        return Verdict.ROLLED_BACK, held
    if new.size == held.size:
        return (Verdict.CONSISTENT, held) if new.root == held.root and held.note else _first(new, held, request)
    if request.old != held.size:
        return Verdict.ELSEWHERE, held
    try:
        check_consistency(held.size, held.root, new.size, new.root, list(request.proof))
    except Refused:
        return Verdict.FORKED, held
    return Verdict.CONSISTENT, Held(new.size, new.root, request.note)


def cosign(note: str, key: LedgerKey, seconds: int) -> str:
    """Our cosignature line under ``note``, with its newline; ``seconds``: POSIX time."""
    text = read_note(note.encode()).text
    return cosignature_line(witness_key(key), key.sign(cosigned_message(text, seconds)), seconds)


def witness_key(key: LedgerKey) -> VerifierKey:
    """Under which key our cosignatures are checked: the node's signing key, as type 0x04."""
    return VerifierKey(f"seawall/{key.node_id}", COSIGNATURE, key.signing_public)


def _first(new: Checkpoint, held: Held, request: Request) -> tuple[Verdict, Held]:
    if new.root == held.root:
        return Verdict.CONSISTENT, Held(new.size, new.root, request.note)
    return Verdict.FORKED, held
