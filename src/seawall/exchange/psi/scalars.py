"""The secret scalars as files: one for each epoch, in a folder of the node that no backup takes along.

They are no rows of the store because what is deleted from a database lives on in its pages, its log and every backup.
A file is overwritten, synced and removed when its epoch ends. A disk that remaps blocks (SSD, copy-on-write) may keep
an old copy all the same: there only an encrypted disk helps. Whoever reads a scalar and has a recording of the lists
can try values against them, so epochs end after 90 days at the most.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from seawall.exchange.psi.group import SCALAR_BYTES
from seawall.identity.sealing import OVERHEAD
from seawall.identity.vault_open import opened_secret, seal_secret
from seawall.model import Fault

FOLDER = "psi"  # of the node; ``flow.backup_parts`` leaves it out
_NAME = re.compile(r"[0-9a-f]{64}")


class FileScalars:
    """Fulfils ``Scalars``: files of mode 0600 in a folder of mode 0700, sealed when the node has a vault."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> bytes | None:
        """The scalar under a name; None when there is none.

        Raises Fault E-EXCHANGE-709 for a file that is no scalar or that others may read.
        """
        try:
            with self._place(name).open("rb") as file:
                shared = os.fstat(file.fileno()).st_mode & 0o077
                scalar = opened_secret(self._place(name), file.read(SCALAR_BYTES + OVERHEAD + 1))
        except FileNotFoundError:
            return None
        if shared or len(scalar) != SCALAR_BYTES or not any(scalar):
            raise Fault(
                "E-EXCHANGE-709",
                "The key file {file} is damaged or open to other users of this machine; end its epoch.",
                file=self._place(name).name,
            )
        return scalar

    def put(self, name: str, scalar: bytes) -> bytes:
        """Keep it, on disk when this returns; the one that is there already stays and is returned."""
        if (held := self.get(name)) is not None:
            return held
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._folder / f"{name}.{os.getpid()}.new"
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(descriptor, seal_secret(self._place(name), scalar))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(fresh, self._place(name))  # fails where a process was quicker: its scalar stands
        except FileExistsError:
            pass
        finally:
            self._erase(fresh)
        self._sync_folder()
        held = self.get(name)
        return scalar if held is None else held

    def wipe(self, name: str) -> None:
        """Overwrite, sync and remove it; unknown names are wiped already."""
        if self._place(name).exists():
            self._erase(self._place(name), overwrite=True)
            self._sync_folder()

    def names(self) -> tuple[str, ...]:
        """The names under which scalars are kept, sorted: what is left of epochs that are over shows here."""
        if not self._folder.is_dir():
            return ()
        return tuple(sorted(path.name for path in self._folder.iterdir() if _NAME.fullmatch(path.name)))

    def _place(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ValueError("a name is 64 lower hex digits")
        return self._folder / name

    def _erase(self, path: Path, *, overwrite: bool = False) -> None:
        if overwrite:  # not after a link: the other name is the same bytes
            with path.open("r+b") as file:
                file.write(bytes(path.stat().st_size))
                file.flush()
                os.fsync(file.fileno())
        path.unlink(missing_ok=True)

    def _sync_folder(self) -> None:
        descriptor = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
