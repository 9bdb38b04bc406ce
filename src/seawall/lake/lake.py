"""The lake as a place: opens snapshots for readers and the one writer, and commits."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from seawall.lake.computing import ComputingSession, computing_session
from seawall.lake.engines.duckdb import DuckDBSession, connect
from seawall.lake.interface import LakeSession, LakeWriter, OnWait
from seawall.lake.manifest import Manifest, disk_refused
from seawall.lake.storage import Storage, storage_of
from seawall.lake.storage.local import TEMPORARY
from seawall.lake.writer import DuckDBWriter
from seawall.model import Fault
from seawall.settings import LakeSettings

ENGINES = ("duckdb", "spark")


class Lake:
    """A place of telemetry. Any number of readers and one writer at a time, in any number of processes."""

    def __init__(self, storage: Storage, settings: LakeSettings) -> None:
        self.storage = storage
        self.folder = storage.home
        self._settings = settings
        self._engine: duckdb.DuckDBPyConnection | None = None
        self._to_sweep = True

    @classmethod
    def open(cls, folder: Path, settings: LakeSettings | None = None) -> Lake:
        """The lake in ``folder``, made when absent; or that of ``settings.folder`` on S3, of which some is kept there.

        Raises Fault E-LAKE-001 for an engine we do not have, E-LAKE-002 for a manifest we cannot use, what
        ``storage_of`` does, and Unavailable E-LAKE-032 when a server does not answer.
        """
        settings = settings or LakeSettings()
        if settings.engine not in ENGINES:
            raise Fault(
                "E-LAKE-001",
                "There is no lake engine {name}; use one of {known}.",
                name=repr(settings.engine),
                known=", ".join(ENGINES),
            )
        lake = cls(storage_of(folder, settings), settings)
        lake.manifest()
        return lake

    def manifest(self) -> Manifest:
        """The newest manifest."""
        return self.storage.load()

    @contextmanager
    def reading(self) -> Iterator[LakeSession]:
        """A snapshot of now: what is committed later does not show in it."""
        with self.storage.reading():
            session = DuckDBSession(self.storage, self.manifest(), self._connection())
            try:
                yield session
            finally:
                session.close()

    @contextmanager
    def computing(self) -> Iterator[ComputingSession]:
        """A snapshot of now on the engine of the settings. Raises what ``computing_session`` does."""
        with self.storage.reading():
            session = computing_session(self.storage, self.manifest(), self._settings, self._connection)
            try:
                yield session
            finally:
                session.close()

    @contextmanager
    def scratch(self) -> Iterator[LakeSession]:
        """A session over no files at all, for SQL on what is registered or named in the query. It takes no lock."""
        session = DuckDBSession(self.storage, Manifest(), self._connection())
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
        with self.storage.writing(on_wait):
            manifest = self.manifest()
            if self._to_sweep:
                self._to_sweep = not self.storage.sweep(manifest, thorough=False)
            writer = DuckDBWriter(self.storage, manifest, self._connection())
            try:
                yield writer
                self._commit(writer, manifest)
            except OSError as error:
                raise disk_refused(self.storage.home, error) from error
            finally:
                if not writer.committed:
                    self.storage.discard(manifest, writer.made)
                writer.close()

    def tidy(self, on_wait: OnWait | None = None) -> bool:
        """Remove the files that nobody needs any more; False when a reader is there, a later writer does it then."""
        with self.storage.writing(on_wait):
            swept = self.storage.sweep(self.manifest(), thorough=True)
        self._to_sweep = not swept
        return swept

    def _commit(self, writer: DuckDBWriter, before: Manifest) -> None:
        if (pending := writer.pending) is None:
            return
        self.storage.commit(before, pending, writer.made)
        writer.committed = True
        self._to_sweep = self._to_sweep or not set(before.parts) <= set(pending.parts)

    def _connection(self) -> duckdb.DuckDBPyConnection:
        if self._engine is None:
            spill = self.folder / TEMPORARY
            spill.mkdir(exist_ok=True)  # the engine makes the last folder of its path only
            self._engine = connect(self._settings, spill / str(os.getpid()))
            self.storage.attach(self._engine)
        return self._engine
