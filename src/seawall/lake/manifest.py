"""The manifest: the one file that says which files make up the lake.

A commit writes the new manifest beside the old one, fsyncs it, renames it over the old one and fsyncs the folder, so a
reader sees either all of a commit or nothing of it, whenever the machine stops.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import msgspec

from seawall.model import Fault, Unavailable
from seawall.model.unreadable import UNREADABLE

MANIFEST = "manifest.json"
LAYOUT_VERSION = 1
OBSERVATIONS = "observations"
ROLLUP = "rollup"
DERIVED = "derived"


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """One immutable Parquet file. ``first`` and ``last``: least and greatest time of its rows, microseconds UTC.

    A merged file holds rows of several generations; one of observations then has a column ``generation`` too.
    """

    path: str  # relative to the lake, POSIX separators
    kind: str  # observations | rollup | derived
    generation: int  # in which its rows were committed; the last one of a merged file's
    rows: int
    name: str = ""  # of a derived data set
    day: int | None = None  # days since 1970-01-01 UTC; of roll-ups only when all rows are of one day
    side: str = ""
    first: int = 0
    last: int = 0
    since: int = 0  # the first generation of a merged file's rows; 0: as ``generation``
    placed: bool = False  # a roll-up with one row a key, in the order of ``places``, which stand beside it

    @property
    def earliest(self) -> int:
        """The generation of its oldest rows."""
        return self.since or self.generation


class Manifest(msgspec.Struct, frozen=True):
    """The whole lake at one generation."""

    version: int = LAYOUT_VERSION
    generation: int = 0
    next_event: int = 1  # event numbers below this are given away, for ever
    next_part: int = 1
    parts: tuple[Part, ...] = ()
    notes: dict[str, str] = {}

    def of(self, kind: str, *, name: str = "", after: int = 0) -> tuple[Part, ...]:
        """The parts of one kind (and derived name) with rows committed in generations > ``after``.

        A merged file may hold earlier rows as well: where ``earliest`` is not > ``after``.
        """
        return tuple(p for p in self.parts if p.kind == kind and p.name == name and p.generation > after)

    def days(self, kind: str) -> frozenset[int]:
        """The UTC days (since 1970-01-01) that have a file of their own of this kind."""
        return frozenset(part.day for part in self.parts if part.kind == kind and part.day is not None)


def load(folder: Path) -> Manifest:
    """The manifest of the lake in ``folder``; an empty one when there is none yet.

    Raises Fault E-LAKE-002 when it cannot be read, was written by a newer Seawall, or names a file outside the lake.
    """
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except (OSError, *UNREADABLE) as error:
        raise Fault(
            "E-LAKE-002", "Cannot use {path}: {reason}; restore it from a backup.", path=path, reason=error
        ) from None
    return usable(manifest, path)


def usable(manifest: Manifest, path: object) -> Manifest:
    """``manifest`` itself. Raises Fault E-LAKE-002 when it is newer than we are, or names a file outside the lake."""
    if manifest.version > LAYOUT_VERSION:
        raise Fault(
            "E-LAKE-002",
            "Cannot use {path}: {reason}; restore it from a backup.",
            path=path,
            reason="it was written by a newer version",
        )
    for part in manifest.parts:
        relative = PurePosixPath(part.path)
        if relative.is_absolute() or ".." in relative.parts:
            raise Fault(
                "E-LAKE-002",
                "Cannot use {path}: {reason}; restore it from a backup.",
                path=path,
                reason="it names a file outside the lake",
            )
    return manifest


def save(folder: Path, manifest: Manifest) -> None:
    """Make ``manifest`` the lake's manifest in one step. Raises Unavailable E-LAKE-004 when the disk refuses."""
    fresh = folder / f"{MANIFEST}.new"
    try:
        with fresh.open("wb") as file:
            file.write(msgspec.json.encode(manifest))
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(folder / MANIFEST)
        sync_folder(folder)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise disk_refused(folder, error) from error


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the bytes of ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_refused(folder: Path, error: object) -> Unavailable:
    """The fault for a write that did not succeed."""
    return Unavailable(
        "E-LAKE-004",
        "The lake in {folder} could not be written: {reason}; nothing was changed. Free some space and run it again.",
        folder=folder,
        reason=error,
    )
