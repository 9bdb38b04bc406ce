"""A lake in a folder, on this machine's disk or a file system that several machines share: names, fsync and flock."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seawall.lake.files import PLACES
from seawall.lake.locks import no_readers, one_reader, only_writer
from seawall.lake.manifest import DERIVED, OBSERVATIONS, ROLLUP, Manifest, Part, disk_refused, load, save, sync_folder

if TYPE_CHECKING:
    import duckdb

DATA_FOLDERS = (OBSERVATIONS, ROLLUP, DERIVED)
TEMPORARY = "temporary"


class LocalStorage:
    """See ``interface.Storage``."""

    def __init__(self, folder: Path) -> None:
        self.home = made(folder.absolute())

    @property
    def address(self) -> str:
        """The folder."""
        return str(self.home)

    @property
    def files(self) -> Path:
        """The folder itself: a file is made where it stays."""
        return self.home

    def load(self) -> Manifest:
        """The manifest in the folder."""
        return load(self.home)

    def reading(self) -> AbstractContextManager[None]:
        """Readers share a lock that sweeping needs for itself."""
        return one_reader(self.home)

    def writing(self, on_wait: Callable[[str], None] | None) -> AbstractContextManager[None]:
        """The folder's writer lock."""
        return only_writer(self.home, on_wait)

    def name(self, stem: str, generation: int, number: int) -> str:
        """Numbers are given under the writer lock, so they are enough."""
        return f"{stem}/part-{generation:06d}-{number:06d}.parquet"

    def commit(self, before: Manifest, pending: Manifest, made: Collection[Path]) -> None:
        """Fsync the folders that got new files, up to the lake itself, then replace the manifest."""
        for folder in {parent for path in made for parent in path.parents if parent.is_relative_to(self.home)}:
            sync_folder(folder)
        save(self.home, pending)

    def discard(self, before: Manifest, made: Collection[Path]) -> None:
        """Unless they are committed after all."""
        if self.load().generation == before.generation:
            for path in made:
                path.unlink(missing_ok=True)

    def sweep(self, manifest: Manifest, *, thorough: bool) -> bool:
        """While holding the writer lock an unnamed file is a killed writer's, or one replaced earlier.

        Files leave when nobody reads; a walk through the folder is cheap, so every sweep is thorough.
        """
        with no_readers(self.home) as alone:
            if not alone:
                return False
            named = {self.home / part.path for part in manifest.parts}
            named |= {path.with_name(path.name + PLACES) for path in named}
            for name in DATA_FOLDERS:
                for path in (self.home / name).rglob("part-*"):
                    if path not in named:
                        path.unlink(missing_ok=True)
            sweep_temporary(self.home)
            return True

    def texts(self, parts: Sequence[Part]) -> list[str]:
        """Paths."""
        return [str(self.home / part.path) for part in parts]

    def attach(self, engine: duckdb.DuckDBPyConnection) -> None:
        """Engines read paths by themselves."""

    @contextmanager
    def opened(self, part: Part) -> Iterator[Path]:
        """Its path."""
        yield self.home / part.path

    def places(self, part: Part) -> np.ndarray:
        """Mapped, not read."""
        return np.memmap(beside(self.home / part.path), dtype="<i8", mode="r")

    def shared(self, path: str) -> str:
        """A URL without escapes: Hadoop takes the characters as they stand, except those of its patterns."""
        return "file://" + re.sub(r"([\\*?\[\]{}])", r"\\\1", str(self.home / path))

    def share(self, path: str) -> None:
        """It stands there."""

    def below(self, path: str) -> list[str]:
        """By the file system."""
        return sorted(str(file) for file in (self.home / path).glob("*.parquet"))

    def unshare(self, path: str) -> None:
        """A folder like any other."""
        shutil.rmtree(self.home / path, ignore_errors=True)

    def size(self, parts: Sequence[Part]) -> int:
        """By the file system."""
        paths = [self.home / part.path for part in parts]
        paths += [beside(path) for path, part in zip(paths, parts, strict=True) if part.placed]
        return sum(path.stat().st_size for path in paths)


def made(folder: Path) -> Path:
    """``folder``, which is there when this returns. Raises Unavailable E-LAKE-004."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_refused(folder, error) from error
    return folder


def beside(path: Path) -> Path:
    """Where the places of a compacted roll-up stand."""
    return path.with_name(path.name + PLACES)


def sweep_temporary(home: Path) -> None:
    """Remove what ended processes left; call it while nobody else is in the lake."""
    for left in (home / TEMPORARY).glob("*"):
        if left.name != str(os.getpid()):
            shutil.rmtree(left, ignore_errors=True)
