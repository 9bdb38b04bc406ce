"""The secret files of a node: which they are, and sealing them where they lie.

A file is sealed so that a kill leaves the plain file or the sealed one under its name: (1) the sealed one is written
and fsynced beside it, (2) the plain one gets a second name, (3) one rename, (4) what bears the second name is
overwritten.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from seawall.identity.key_folder import destroy, destroy_former, sync_folder
from seawall.identity.sealing import Box, is_sealed

RELAY = "relay"  # beside the key folder
PSI = "psi"  # likewise: scalars of comparisons
SCALAR_NAME = 64  # letters of a scalar's file; others are half-written
OURS = ("signing.key", "ca.key", "leaf.key", "openpgp.key")


def secret_files(keys: Path) -> Iterator[Path]:
    """Every secret that Seawall wrote: private keys of all key sets and of mail, keys of MISPs, prekeys, scalars
    of comparisons, relay tokens.

    What people keep there themselves stays as it is.
    """
    yield from sorted((keys.parent / RELAY).glob("*.token"))
    yield from (path for path in sorted((keys.parent / PSI).glob("*")) if len(path.name) == SCALAR_NAME)
    for path in sorted(keys.rglob("*.key")):
        ours = path.name in OURS or path.name.startswith("misp-") or path.parent.name == "prekeys"
        if ours and path.is_file():
            yield path


def seal_in_place(path: Path, box: Box) -> bool:
    """Seal one file; False when it was sealed already."""
    data = path.read_bytes()
    if is_sealed(data):
        destroy(_second(path))  # of a run that was killed
        return False
    replace_and_wipe(path, box.seal(data))
    return True


def replace_and_wipe(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of a file whose old contents are overwritten; on disk when this returns."""
    second, fresh = _second(path), path.with_name(f".{path.name}.fresh")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    destroy_former(second, path)
    if path.exists():
        second.hardlink_to(path)
    fresh.replace(path)
    sync_folder(path.parent)
    destroy(second)


def _second(path: Path) -> Path:
    return path.with_name(f".{path.name}.plain")
