"""Sealing what is on record already: the same leaves, the same tree, other bytes in ``payloads``.

Steps: (1) write ``payloads.sealed`` and ``leaves.sealed`` beside the files (a record says where its payload lies,
which no hash covers), (2) fsync both, (3) write ``sealed.ready``, (4) overwrite the plain payloads, (5) rename both,
(6) remove what was derived from plain contents, then ``sealed.ready``. A kill before (3) leaves the ledger as it was;
after it, whoever opens the ledger next goes on with (4).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import msgspec

from seawall.identity.key_folder import destroy, sync_folder
from seawall.identity.sealing import Box, is_sealed
from seawall.identity.vault_files import seal_in_place
from seawall.ledger.cosigned import FOLDER as WITNESSED
from seawall.ledger.files import LedgerFiles
from seawall.ledger.layout import RECORD_BYTES, erased_payload, pack, unpack
from seawall.ledger.payloads import payload_of
from seawall.model import Fault

READY = "sealed.ready"
_NEW = {"payloads": "payloads.sealed", "leaves": "leaves.sealed"}
_DERIVED = ("refusals", "frontier")  # made again when lost; the former from plain names


def seal_ledger(folder: Path, box: Box) -> int:
    """Seal every payload and every cosigned note in ``folder``; how many were still plain.

    The caller holds the node alone. Raises Fault E-LEDGER-002 at a damaged leaf: nothing was changed then.
    """
    finish_sealing(folder)
    files = LedgerFiles(folder, None, box)
    try:
        with files.locked():
            sealed = _write_sealed(files, box)
            if sealed:
                finish_sealing(folder)
    finally:
        files.close()
    return sealed + seal_notes(folder, box)


def finish_sealing(folder: Path) -> None:
    """Go on with an exchange of files that was killed; the caller holds the ledger's lock, or nobody else runs."""
    if not (folder / READY).exists():
        return
    for name, fresh in _NEW.items():
        if (folder / fresh).exists():
            destroy(folder / name)
            (folder / fresh).rename(folder / name)
    for name in _DERIVED:
        destroy(folder / name)
    sync_folder(folder)
    (folder / READY).unlink()
    sync_folder(folder)


def seal_notes(folder: Path, box: Box) -> int:
    """Seal what witnesses signed, which names them; how many were still plain."""
    return sum(seal_in_place(path, box) for path in sorted((folder / WITNESSED).glob("*.note")))


def count_plain(folder: Path) -> tuple[int, int]:
    """(leaves, how many of them say in plain what they say) in ``folder``; erased ones are sealed for ever."""
    if not (folder / "leaves").exists():
        return 0, 0
    count = plain = 0
    with (folder / "leaves").open("rb") as leaves, (folder / "payloads").open("rb") as payloads:
        while (leaf := unpack(leaves.read(RECORD_BYTES))) is not None:
            payloads.seek(leaf.offset)
            data = payloads.read(leaf.length)
            count += 1
            plain += not is_sealed(data) and data != erased_payload(leaf.length)
    return count, plain


def _write_sealed(files: LedgerFiles, box: Box) -> int:
    count, end, sealed = files.size("leaves") // RECORD_BYTES, 0, 0
    with (
        _fresh(files.folder / _NEW["payloads"]) as payloads,
        _fresh(files.folder / _NEW["leaves"]) as leaves,
    ):
        for index, leaf in enumerate(files.leaves(0, count)):
            if leaf is None:
                raise _damaged(index)
            data = files.read("payloads", leaf.offset, leaf.length)
            if not is_sealed(data):
                try:
                    opened = files.payload(leaf)
                except ValueError:
                    raise _damaged(index) from None
                if opened is not None:
                    data = payload_of(*opened, index, box)
                    sealed += 1
            payloads.write(data)
            leaves.write(pack(msgspec.structs.replace(leaf, offset=end, length=len(data))))
            end += len(data)
        for file in (payloads, leaves):
            file.flush()
            os.fsync(file.fileno())
    if sealed:
        with _fresh(files.folder / READY) as file:
            os.fsync(file.fileno())
        sync_folder(files.folder)
    else:
        for name in _NEW.values():
            (files.folder / name).unlink()
    return sealed


def _fresh(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _damaged(index: int) -> Fault:
    return Fault(
        "E-LEDGER-002", "Leaf {index} of the ledger was altered; run 'seawall ledger verify' for details.", index=index
    )
