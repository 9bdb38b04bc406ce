"""What every engine answers from the manifest alone, whatever runs the SQL."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from seawall.lake.manifest import OBSERVATIONS, ROLLUP, Manifest, Part
from seawall.lake.storage import Storage
from seawall.model import Fault, Unavailable


class Snapshot:
    """One state of the lake; see ``interface.LakeSession`` for what each method promises."""

    def __init__(self, storage: Storage, manifest: Manifest) -> None:
        self._storage = storage
        self._manifest = manifest

    @property
    def generation(self) -> int:
        """Commits in this snapshot."""
        return self._manifest.generation

    def days(self) -> frozenset[int]:
        """The UTC days of which there are observations."""
        return self._manifest.days(OBSERVATIONS)

    def rolled_days(self) -> frozenset[int]:
        """The UTC days that have a roll-up file of their own."""
        return self._manifest.days(ROLLUP)

    def note(self, key: str) -> str | None:
        """A small value kept with the snapshot."""
        return self._manifest.notes.get(key)

    def parts(self) -> tuple[Part, ...]:
        """The observation files, oldest first."""
        return self._manifest.of(OBSERVATIONS)

    def read_part(self, part: Part, columns: Sequence[str]) -> pa.Table:
        """Some columns of one file. Raises Unavailable E-LAKE-003 when it cannot be read."""
        try:
            with self._storage.opened(part) as source:
                return pq.read_table(source, columns=list(columns), use_threads=False, partitioning=None)
        except (OSError, pa.ArrowException) as error:
            raise unreadable(self._storage, part, error) from error

    def _rollup_after(self, after: int) -> tuple[Part, ...]:
        """The roll-up files committed after a generation. Raises Fault E-LAKE-007 when one began before it."""
        parts = self._manifest.of(ROLLUP, after=after)
        if any(part.earliest <= after for part in parts):
            raise Fault(
                "E-LAKE-007",
                "The roll-up was compacted past generation {after}; read all of it again, "
                "or what is newer than {last}.",
                after=after,
                last=max(part.generation for part in parts if part.earliest <= after),
            )
        return parts


def unreadable(storage: Storage, part: Part, error: Exception) -> Unavailable:
    """A file of the lake that the disk or its content refuses."""
    return Unavailable(
        "E-LAKE-003",
        "The lake file {path} cannot be read: {reason}; restore it from a backup.",
        path=f"{storage.address}/{part.path}",
        reason=error,
    )
