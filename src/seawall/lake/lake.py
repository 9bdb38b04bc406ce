"""The lake as a place: opens snapshots for readers and the one writer, commits, and sweeps away what nobody needs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from seawall.lake.computing import ComputingSession, computing_session
from seawall.lake.engines.duckdb import DuckDBSession, connect
from seawall.lake.files import PLACES
from seawall.lake.interface import LakeSession, LakeWriter, OnWait
from seawall.lake.locks import no_readers, one_reader, only_writer
from seawall.lake.manifest import Manifest, disk_refused, load, save
from seawall.lake.writer import DuckDBWriter
from seawall.model import Fault
from seawall.settings import LakeSettings

ENGINES = ("duckdb", "spark")
DATA_FOLDERS = ("observations", "rollup", "derived")
TEMPORARY = "temporary"


class Lake:
    """A folder of telemetry. Any number of readers and one writer at a time, in any number of processes."""

    def __init__(self, folder: Path, settings: LakeSettings) -> None:
        self.folder = folder
        self._settings = settings
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._to_sweep = True

    @classmethod
    def open(cls, folder: Path, settings: LakeSettings | None = None) -> Lake:
        """The lake in ``folder``, made when absent.

        Raises Fault E-LAKE-001 for an engine we do not have, E-LAKE-002 for a manifest we cannot use, and
        Unavailable E-LAKE-004 when the folder cannot be made.
        """
        settings = settings or LakeSettings()
        if settings.engine not in ENGINES:
            raise Fault(
                "E-LAKE-001",
                "There is no lake engine {name}; use one of {known}.",
                name=repr(settings.engine),
                known=", ".join(ENGINES),
            )
        folder = folder.absolute()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_refused(folder, error) from error
        load(folder)
        return cls(folder, settings)

    @contextmanager
    def reading(self) -> Iterator[LakeSession]:
        """A snapshot of now: what is committed later does not show in it."""
        with one_reader(self.folder):
            session = DuckDBSession(self.folder, load(self.folder), self._connection())
            try:
                yield session
            finally:
                session.close()

    @contextmanager
    def computing(self) -> Iterator[ComputingSession]:
        """A snapshot of now on the engine of the settings. Raises what ``computing_session`` does."""
        with one_reader(self.folder):
            session = computing_session(self.folder, load(self.folder), self._settings, self._connection)
            try:
                yield session
            finally:
                session.close()

    @contextmanager
    def scratch(self) -> Iterator[LakeSession]:
        """A session over no files at all, for SQL on what is registered or named in the query. It takes no lock."""
        session = DuckDBSession(self.folder, Manifest(), self._connection())
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def writing(self, on_wait: OnWait | None = None) -> Iterator[LakeWriter]:
        """The one writer. Waits for another after telling ``on_wait`` who it is; an exception discards everything."""
        with self.merging(on_wait) as writer:
            yield writer

    @contextmanager
    def merging(self, on_wait: OnWait | None = None) -> Iterator[DuckDBWriter]:
        """``writing`` for the lake's own maintenance, which works on files."""
        with only_writer(self.folder, on_wait):
            manifest = load(self.folder)
            if self._to_sweep:
                self._to_sweep = not sweep(self.folder, manifest)
            writer = DuckDBWriter(self.folder, manifest, self._connection())
            try:
                yield writer
                self._commit(writer, manifest)
            except OSError as error:
                raise disk_refused(self.folder, error) from error
            finally:
                if not writer.committed and load(self.folder).generation == manifest.generation:
                    writer.discard()
                writer.close()

    def tidy(self, on_wait: OnWait | None = None) -> bool:
        """Remove the files that nobody needs any more; False when a reader is there, a later writer does it then."""
        with only_writer(self.folder, on_wait):
            swept = sweep(self.folder, load(self.folder))
        self._to_sweep = not swept
        return swept

    def _commit(self, writer: DuckDBWriter, before: Manifest) -> None:
        if (pending := writer.pending) is None:
            return
        writer.make_durable()
        save(self.folder, pending)
        writer.committed = True
        self._to_sweep = self._to_sweep or not set(before.parts) <= set(pending.parts)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._engine is None:
            spill = self.folder / TEMPORARY
            spill.mkdir(exist_ok=True)  # the engine makes the last folder of its path only
            self._engine = connect(self._settings, spill / str(os.getpid()))
        return self._engine


def sweep(folder: Path, manifest: Manifest) -> bool:
    """Remove the files that no manifest names and no reader can need; False when a reader is there, try later.

    Call it only while holding the writer lock: an unnamed file is then a killed writer's, or one replaced earlier.
    """
    with no_readers(folder) as alone:
        if not alone:
            return False
        named = {folder / part.path for part in manifest.parts}
        named |= {path.with_name(path.name + PLACES) for path in named}
        for name in DATA_FOLDERS:
            for path in (folder / name).rglob("part-*"):
                if path not in named:
                    path.unlink(missing_ok=True)
        for left in (folder / TEMPORARY).glob("*"):
            if left.name != str(os.getpid()):
                shutil.rmtree(left, ignore_errors=True)
        return True
