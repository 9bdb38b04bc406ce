"""How the files of a key folder reach the disk, and how they leave it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Flush a folder's entries to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def destroy(path: Path) -> None:
    """Overwrite once and remove; on flash and on copying file systems the removal is all that can be promised."""
    with contextlib.suppress(OSError):
        left = path.stat().st_size
        with path.open("r+b") as file:
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 20)))
            file.flush()
            os.fsync(file.fileno())
        path.unlink()


def destroy_former(former: Path, path: Path) -> None:
    """Destroy ``former``, the second name of what ``path`` held before; where a kill left both naming one file, only
    the name goes."""
    if former.exists() and path.exists() and former.samefile(path):
        former.unlink()
    else:
        destroy(former)
