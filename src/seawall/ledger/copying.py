"""The files of a ledger as they stand at one moment; its writers wait until the copy is taken."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seawall.ledger.checkpoint import LedgerKey
from seawall.ledger.cosigned import FOLDER
from seawall.ledger.record import Ledger

Copied = bytes | tuple[Path, int]
"""Contents, or a file of which the first so many bytes count."""


def copy_of(folder: Path, key: LedgerKey) -> Iterator[tuple[str, Copied]]:
    """Name and contents of each file of the ledger in ``folder``, which stays locked until the last is taken.

    Raises what ``Ledger.open`` does.
    """
    with Ledger.open(folder, key) as ledger, ledger.standing_still() as extent:
        note, leaves, payloads, refusals = extent
        yield "checkpoint", note
        yield "leaves", (folder / "leaves", leaves)
        yield "payloads", (folder / "payloads", payloads)
        yield "refusals", (folder / "refusals", refusals)
        for path in sorted((folder / FOLDER).glob("*.note")):
            yield f"{FOLDER}/{path.name}", path.read_bytes()
