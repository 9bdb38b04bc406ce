"""The ledger as C2SP tlog-tiles (c2sp.org/tlog-tiles): plain files that any web server or stick can carry.

checkpoint                         the signed head, written last
tile/<L>/<N>[.p/<W>]               up to 256 hashes of level L, 32 bytes each; W: how many, when not full
tile/entries/<N>[.p/<W>]           up to 256 entries, each behind its length (2 bytes, big-endian)

An entry is a leaf's commitment, so what is published shows no contents.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from seawall.ledger.checkpoint import decode
from seawall.ledger.files import LedgerFiles
from seawall.ledger.subtrees import WIDTH, Subtrees
from seawall.ledger.tree import leaf_hash
from seawall.model import Fault

_ENTRY_LENGTH = (32).to_bytes(2, "big")


def export_tiles(files: LedgerFiles, folder: Path, note: bytes, size: int) -> int:
    """Write what is missing below ``folder`` for ``size`` leaves under the checkpoint ``note``; how many files were.

    Raises Fault E-LEDGER-025 when the folder holds another ledger or a longer one.
    """
    _refuse_another(folder, note)
    written = 0
    for relative, data in _tiles(files, folder, size):
        path = folder / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, data)
        written += 1
    _write(folder / "checkpoint", note)
    return written + 1


def tile_path(level: int | str, number: int, width: int) -> str:
    """``tile/0/x001/x234/067.p/8``: the number in groups of three digits."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.insert(0, f"x{number % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}" + ("" if width == WIDTH else f".p/{width}")


def _tiles(files: LedgerFiles, folder: Path, size: int) -> Iterator[tuple[str, bytes]]:
    roots = Subtrees(files)
    for number in range((size + WIDTH - 1) // WIDTH):
        start, stop = number * WIDTH, min((number + 1) * WIDTH, size)
        bundle, tile = tile_path("entries", number, stop - start), tile_path(0, number, stop - start)
        if stop - start == WIDTH and (folder / bundle).exists() and (folder / tile).exists():
            continue
        commitments = [leaf.commitment for leaf in files.leaves(start, stop) if leaf is not None]
        if len(commitments) != stop - start:
            raise Fault(
                "E-LEDGER-002",
                "Leaf {index} of the ledger was altered; run 'seawall ledger verify' for details.",
                index=start,
            )
        yield bundle, b"".join(_ENTRY_LENGTH + commitment for commitment in commitments)
        yield tile, b"".join(leaf_hash(commitment) for commitment in commitments)
    level, span = 1, WIDTH
    while size >= span:
        count = size // span  # complete subtrees of this level
        for number in range((count + WIDTH - 1) // WIDTH):
            start, stop = number * WIDTH, min((number + 1) * WIDTH, count)
            tile = tile_path(level, number, stop - start)
            if stop - start < WIDTH or not (folder / tile).exists():
                yield tile, b"".join(roots.root(which * span, (which + 1) * span) for which in range(start, stop))
        level, span = level + 1, span * WIDTH


def _refuse_another(folder: Path, note: bytes) -> None:
    try:
        there, ours = decode((folder / "checkpoint").read_bytes()), decode(note)
    except FileNotFoundError:
        if not folder.exists() or not any(folder.iterdir()):
            return
    except (OSError, ValueError):
        pass
    else:
        if there.origin == ours.origin and there.size <= ours.size:
            return
    raise Fault(
        "E-LEDGER-025", "{folder} holds something else than this ledger's tiles; give an empty folder.", folder=folder
    )


def _write(path: Path, data: bytes) -> None:
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
