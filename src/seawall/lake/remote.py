"""A copy of a lake in a bucket that speaks S3: pushed by the node that owns it, pulled by machines that only read.

What lies in the bucket is what ``storage.bucket`` says: a lake that lives there can be pulled like a copy, and a node
that sets ``lake.folder`` to a copy makes it a lake that lives there, to which nobody pushes any more.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from seawall.lake.locks import no_readers, one_reader, only_writer
from seawall.lake.manifest import Manifest, load, save, sync_file, sync_folder
from seawall.lake.storage.bucket import DATA, MANIFESTS, Bucket, Head, manifest_name
from seawall.model import Fault, Unavailable

COPY_OF = "copy.of"
"""Note of a pulled lake: the address it came from."""
COPIED = "copy.generation"
"""Note of a pulled lake: the owner's generation that it holds."""
_LOCK = "push.lock"


class Moved(msgspec.Struct, frozen=True):
    """What a push or pull did."""

    generation: int
    files: int  # sent or fetched now
    bytes: int
    removed: int  # objects or files that no manifest needs any more


class RemoteLake:
    """The copy at one address. Calls that endpoint and nothing else."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        self.url = bucket.url

    @classmethod
    def open(cls, url: str, endpoint: str) -> RemoteLake:
        """The copy at ``s3://bucket/prefix``. Raises what ``Bucket.open`` does."""
        return cls(Bucket.open(url, endpoint))

    def newest(self) -> Head | None:
        """The copy as it is now; None when nothing was ever pushed. Raises Unavailable E-LAKE-032."""
        return self._bucket.newest()

    def push(self, folder: Path, owner: str) -> Moved:
        """Bring the copy up to the lake in ``folder``. Equal states send nothing.

        Raises Fault E-LAKE-033 when the copy is another node's or ahead of this lake, E-LAKE-034 when the server has
        no conditional writes, Unavailable E-LAKE-032 when it does not answer, E-LAKE-035 when another push was first.
        """
        with _one_push(folder), one_reader(folder):
            manifest, before = load(folder), self.newest()
            if COPY_OF in manifest.notes:
                raise self._not_ours("this lake is itself a copy")
            if before is not None and before.owner != owner:
                raise self._not_ours("another node owns it")
            if before is not None and before.manifest == manifest:
                return Moved(manifest.generation, 0, 0, 0)
            if before is not None and before.manifest.generation >= manifest.generation:
                raise self._not_ours("it is ahead of this lake, which may come from a backup")
            with self._bucket.answers():
                self._bucket.probe()
                sent = self._send(folder, manifest)
                known = before or Head("", manifest, id=secrets.token_hex(8))
                self._create(Head(owner, manifest, known.id, secrets.token_hex(8), known.commit))
                removed = self._clear(manifest, before)
            return Moved(manifest.generation, len(sent), sum(sent), removed)

    def pull(self, folder: Path) -> Moved:
        """Make the lake in ``folder`` what the copy is. What was derived here since the last pull is forgotten.

        Raises Fault E-LAKE-036 when there is no copy, E-LAKE-037 when ``folder`` holds a lake of its own, Unavailable
        E-LAKE-032 when the server does not answer, E-LAKE-038 while somebody reads the lake.
        """
        if (copy := self.newest()) is None:
            raise Fault("E-LAKE-036", "There is no lake at {url}; run 'seawall lake push' on its node.", url=self.url)
        folder.mkdir(parents=True, exist_ok=True)
        with only_writer(folder, None):
            held = load(folder)
            if held.generation and held.notes.get(COPY_OF) != self.url:
                raise Fault(
                    "E-LAKE-037", "{folder} holds a lake that is no copy of {url}.", folder=folder, url=self.url
                )
            notes = {**copy.manifest.notes, COPY_OF: self.url, COPIED: str(copy.manifest.generation)}
            manifest = msgspec.structs.replace(copy.manifest, notes=notes)
            arriving = folder / "temporary" / f"pull-{os.getpid()}"
            try:
                with self._bucket.answers():
                    fetched = self._fetch(folder, held, manifest, arriving)
                return self._settle(folder, held, manifest, arriving, fetched)
            finally:
                shutil.rmtree(arriving, ignore_errors=True)

    def _send(self, folder: Path, manifest: Manifest) -> list[int]:
        """Every file that is not there yet; their sizes. What stands beside a file under its name goes with it."""
        held = {one.name: one.size for below in DATA for one in self._bucket.listed(below)}
        sent = []
        for part in manifest.parts:
            path = folder / part.path
            for one in sorted(path.parent.glob(f"{path.name}*")):
                name = one.relative_to(folder).as_posix()
                if held.get(name) != one.stat().st_size:
                    self._bucket.files.put_file(str(one), self._bucket.full(name))
                    sent.append(one.stat().st_size)
        return sent

    def _create(self, head: Head) -> None:
        if not self._bucket.create(head):
            raise Unavailable("E-LAKE-035", "Another push of this lake to {url} was first; run it again.", url=self.url)

    def _clear(self, manifest: Manifest, before: Head | None) -> int:
        """Remove what neither this push nor the one before needs: somebody may still be pulling that one."""
        kept = [manifest] if before is None else [manifest, before.manifest]
        paths = {part.path for one in kept for part in one.parts}
        manifests = {manifest_name(one.generation) for one in kept}
        gone = [held.name for held in self._bucket.listed(MANIFESTS) if held.name not in manifests]
        gone += [held.name for below in DATA for held in self._bucket.listed(below) if _part_of(held.name) not in paths]
        self._bucket.remove(gone)
        return len(gone)

    def _fetch(self, folder: Path, held: Manifest, manifest: Manifest, arriving: Path) -> dict[str, int]:
        """Files that are not here, or were made here under the same name; name -> size."""
        copied = int(held.notes.get(COPIED, "0"))
        ours = {part.path for part in held.parts if part.generation <= copied and (folder / part.path).exists()}
        wanted = {part.path for part in manifest.parts} - ours
        fetched: dict[str, int] = {}
        for name in [held.name for below in DATA for held in self._bucket.listed(below)] if wanted else []:
            if _part_of(name) in wanted:
                target = arriving / name
                target.parent.mkdir(parents=True, exist_ok=True)
                self._bucket.files.get_file(self._bucket.full(name), str(target))
                sync_file(target)
                fetched[name] = target.stat().st_size
        if missing := wanted - fetched.keys():
            raise FileNotFoundError(f"{min(missing)} is not there")
        return fetched

    def _settle(
        self, folder: Path, held: Manifest, manifest: Manifest, arriving: Path, fetched: dict[str, int]
    ) -> Moved:
        with no_readers(folder) as alone:
            if not alone:
                raise Unavailable("E-LAKE-038", "Somebody is reading the lake in {folder}; try again.", folder=folder)
            for relative in fetched:
                (folder / relative).parent.mkdir(parents=True, exist_ok=True)
                (arriving / relative).replace(folder / relative)
            for parent in {parent for relative in fetched for parent in (folder / relative).parents}:
                if parent.is_relative_to(folder):
                    sync_folder(parent)
            save(folder, manifest)
            gone = {part.path for part in held.parts} - {part.path for part in manifest.parts}
            for path in gone:
                for one in (folder / path).parent.glob(f"{Path(path).name}*"):
                    one.unlink(missing_ok=True)
        return Moved(manifest.generation, len(fetched), sum(fetched.values()), len(gone))

    def _not_ours(self, reason: str) -> Fault:
        return Fault("E-LAKE-033", "Cannot push to {url}: {reason}.", url=self.url, reason=reason)


def _part_of(name: str) -> str:
    """The file to which one belongs that stands beside it: ``x.parquet.places`` -> ``x.parquet``."""
    head, dot, _ = name.partition(".parquet")
    return head + dot


@contextmanager
def _one_push(folder: Path) -> Iterator[None]:
    """One push of a lake at a time, from any of the machines that share its folder."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
