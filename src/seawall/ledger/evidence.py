"""Proofs that people carry: one JSON file with leaves, their way to a signed checkpoint, and who else vouches for it.

{"format": "seawall-ledger-proof/1", "verifier_key": ..., "checkpoint": <signed note>,
 "leaves": [{"index", "commitment", "salt", "event", "path"}, ...],      salt and event are null once erased
 "earlier": [{"checkpoint": <signed note>, "path": [...]}, ...],         cosigned ones, and how this one continues them
 "statement": <DSSE over what was looked for and how often it was found> or null}

``event`` is the text that the leaf commits to: commitment = SHA-256(salt || event). Hashes are lower hex.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from seawall.ledger.files import LedgerFiles
from seawall.model import Fault

FORMAT = "seawall-ledger-proof/1"
STATEMENT_TYPE = "application/vnd.seawall.ledger-statement+json"
MAX_PROVED = 1_000  # leaves in one file: a proof of a million takes 1.3 kB a leaf
_STEP = 8_192  # leaves between two words on the way

OnProgress = Callable[[int, int], None]


class ProvedLeaf(msgspec.Struct, frozen=True):
    """One leaf and its way to the root."""

    index: int
    commitment: str
    salt: str | None
    event: str | None
    path: tuple[str, ...]


class Earlier(msgspec.Struct, frozen=True):
    """A checkpoint that others hold, and the proof that the present one continues it."""

    checkpoint: str
    path: tuple[str, ...]


class Proof(msgspec.Struct, frozen=True):
    """The whole file."""

    format: str
    verifier_key: str
    checkpoint: str
    leaves: tuple[ProvedLeaf, ...]
    earlier: tuple[Earlier, ...] = ()
    statement: dict[str, Any] | None = None


class Found(msgspec.Struct, frozen=True):
    """What a walk through all leaves found; lists hold leaf indexes."""

    leaves: int
    releases: tuple[int, ...]
    refusals: tuple[int, ...]
    others: tuple[int, ...]
    erased: tuple[int, ...]  # their contents are gone, so nobody can say what they named

    @property
    def naming(self) -> tuple[int, ...]:
        """All that name what was looked for, in order."""
        return tuple(sorted((*self.releases, *self.refusals, *self.others)))


def search(
    files: LedgerFiles, size: int, name: str, recipient: str | None, on_progress: OnProgress | None = None
) -> Found:
    """Every leaf below ``size`` that names ``name`` (an object's id, a SHA-256, a recipient, a circle, a subject ...).

    With ``recipient``, releases and refusals to others are left out. Raises Fault E-LEDGER-002 at a damaged leaf.
    """
    kinds: dict[str, list[int]] = {"release": [], "withheld": [], "": [], "erased": []}
    needle = msgspec.json.encode(name)
    for index, event in _events(files, size, on_progress):
        if event is None:
            kinds["erased"].append(index)
        elif needle in event:
            said = msgspec.json.decode(event, type=dict[str, Any])
            if _names(said, name) and recipient in (None, said.get("recipient", recipient)):
                kind = said.get("kind")
                kinds[kind if kind in ("release", "withheld") else ""].append(index)
    return Found(size, tuple(kinds["release"]), tuple(kinds["withheld"]), tuple(kinds[""]), tuple(kinds["erased"]))


def opened(files: LedgerFiles, index: int) -> tuple[bytes, str | None, str | None]:
    """(commitment, salt, event) of one leaf; the last two None once erased. Raises Fault E-LEDGER-002."""
    leaf = files.leaf(index)
    if leaf is None:
        raise _damaged(index)
    try:
        pair = files.payload(leaf)
    except ValueError:
        raise _damaged(index) from None
    return (leaf.commitment, None, None) if pair is None else (leaf.commitment, pair[0].hex(), pair[1].decode())


def _events(files: LedgerFiles, size: int, on_progress: OnProgress | None) -> Iterator[tuple[int, bytes | None]]:
    for index, leaf in enumerate(files.leaves(0, size)):
        if on_progress is not None and index % _STEP == 0:
            on_progress(index, size)
        if leaf is None:
            raise _damaged(index)
        try:
            pair = files.payload(leaf)
        except ValueError:
            raise _damaged(index) from None
        yield index, None if pair is None else pair[1]


def _names(value: object, name: str) -> bool:
    if isinstance(value, dict):
        return any(_names(part, name) for part in value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(_names(part, name) for part in value)
    return value == name


def _damaged(index: int) -> Fault:
    return Fault(
        "E-LEDGER-002", "Leaf {index} of the ledger was altered; run 'seawall ledger verify' for details.", index=index
    )
