"""What a place for a lake must provide. Files never change under a name; the manifest says which of them count."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from seawall.lake.manifest import Manifest, Part

if TYPE_CHECKING:
    import duckdb
    import numpy as np


class Storage(Protocol):
    """One lake's files, manifest and writer lock. ``path`` is always as in a manifest: relative, POSIX separators."""

    @property
    def address(self) -> str:
        """Where the lake is, as people are told."""

    @property
    def home(self) -> Path:
        """The folder on this machine for spilled data and locks between its processes."""

    @property
    def files(self) -> Path:
        """The folder on this machine in which a writer makes its files, each under its path."""

    def load(self) -> Manifest:
        """The newest manifest; an empty one when there is none yet.

        Raises Fault E-LAKE-002 for a manifest that cannot be used, Unavailable E-LAKE-032 when nobody answers.
        """

    def reading(self) -> AbstractContextManager[None]:
        """Keep the files of a snapshot while it is read."""

    def writing(self, on_wait: Callable[[str], None] | None) -> AbstractContextManager[None]:
        """Be the one writer. When another is, tell ``on_wait`` who, once, and wait."""

    def name(self, stem: str, generation: int, number: int) -> str:
        """A path for a new file below ``stem`` that nobody has used or will use for other content."""

    def commit(self, before: Manifest, pending: Manifest, made: Collection[Path]) -> None:
        """Make the files of ``made`` that ``pending`` names durable, then ``pending`` the manifest, in one step.

        Raises Unavailable E-LAKE-004 or E-LAKE-032 when the disk or the server refuses, E-LAKE-041 when another writer
        has taken over.
        """

    def discard(self, before: Manifest, made: Collection[Path]) -> None:
        """Remove the files of a writing that failed; ``sweep`` finds what this misses."""

    def sweep(self, manifest: Manifest, *, thorough: bool) -> bool:
        """Remove what nobody can need, while being the one writer; False when it must be tried later.

        ``thorough``: look at everything that is stored; otherwise what costs little is enough.
        """

    def texts(self, parts: Sequence[Part]) -> list[str]:
        """The files as the embedded engine's SQL names them."""

    def attach(self, engine: duckdb.DuckDBPyConnection) -> None:
        """Make ``texts`` readable for an engine."""

    def opened(self, part: Part) -> AbstractContextManager[Any]:
        """What pyarrow reads a file from."""

    def places(self, part: Part) -> np.ndarray:
        """The places beside a compacted roll-up (see ``lookup``)."""

    def shared(self, path: str) -> str:
        """A file as the machines of a cluster name it."""

    def share(self, path: str) -> None:
        """Have a temporary file that was made below ``home`` stand where ``shared`` says."""

    def below(self, path: str) -> list[str]:
        """The Parquet files that a cluster wrote below ``path``, as the embedded engine's SQL names them."""

    def unshare(self, path: str) -> None:
        """Remove a temporary folder wherever it is; a sweep does what this cannot."""

    def size(self, parts: Sequence[Part]) -> int:
        """Bytes of these files with what stands beside them."""
