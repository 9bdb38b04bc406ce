"""Checkpoints of ours that peers and witnesses cosigned: the last of each, in ``witnessed/`` beside the leaves.

``witnessed/<key id, 8 hex digits>.note`` holds the checkpoint, our signature and that one cosignature, so an auditor
who is handed the folder sees at once how far others vouch for it.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from seawall.identity.sealing import Box
from seawall.ledger.checkpoint import LedgerKey, decode, origin_of
from seawall.ledger.signed_note import ED25519, VerifierKey, check_note, read_note
from seawall.ledger.witness import checkpoint_in
from seawall.model import Fault

FOLDER = "witnessed"
MAX_WITNESSES = 1_000  # files that are read; a node has tens of peers


class Cosigned(msgspec.Struct, frozen=True):
    """One witness's word on this ledger."""

    witness: str  # key name
    key_id: str  # 8 hex digits
    size: int
    root: bytes
    note: str


def own_key(key: LedgerKey) -> VerifierKey:
    """Under which key our checkpoints are checked."""
    return VerifierKey(origin_of(key), ED25519, key.signing_public)


def former_keys(key: LedgerKey) -> tuple[VerifierKey, ...]:
    """The same of keys that were replaced."""
    return tuple(VerifierKey(origin_of(key), ED25519, public) for public in key.former_keys)


def keep(folder: Path, note: str, key: LedgerKey, witness: VerifierKey) -> Cosigned:
    """Keep a checkpoint of ours that ``witness`` cosigned, unless a longer one of it is kept.

    Raises Fault E-LEDGER-022 when it is no checkpoint, Refused E-LEDGER-023 when a signature does not hold.
    """
    own = (own_key(key), *former_keys(key))
    checkpoint = checkpoint_in(note, *own)
    signed = read_note(note.encode())
    check_note(signed, witness)
    box: Box | None = getattr(key, "payload_box", None)
    held = next((item for item in kept(folder, box) if item.key_id == witness.key_id.hex()), None)
    if held is not None and held.size > checkpoint.size:
        return held
    text = signed.only(*(item for item in own if signed.by(item) is not None), witness)
    place = folder / FOLDER
    place.mkdir(mode=0o700, exist_ok=True)
    fresh = place / f".{witness.key_id.hex()}.{os.getpid()}"
    with fresh.open("wb") as file:
        file.write(text.encode() if box is None else box.seal(text.encode()))
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(place / f"{witness.key_id.hex()}.note")
    return Cosigned(witness.name, witness.key_id.hex(), checkpoint.size, checkpoint.root, text)


def kept(folder: Path, box: Box | None = None) -> list[Cosigned]:
    """All that is kept, longest first; a file that cannot be read, or opened by ``box``, is left out."""
    found = []
    for path in sorted((folder / FOLDER).glob("*.note"))[:MAX_WITNESSES]:
        try:
            data = path.read_bytes()
            note = (data if box is None else box.open_or_plain(data)).decode()
            signed = read_note(note.encode())
            head = decode(signed.text + b"\n")
        except (OSError, ValueError, Fault):  # damage here costs a witness's word, which can be asked for again
            continue
        name = next((name for name, key_id, _ in signed.signatures if key_id.hex() == path.stem), head.origin)
        found.append(Cosigned(name, path.stem, head.size, head.root, note))
    return sorted(found, key=lambda item: -item.size)
