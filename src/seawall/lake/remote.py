"""A copy of a lake in a bucket that speaks S3: pushed by the node that owns it, pulled by machines that only read.

    PREFIX/manifests/000000000042.json   one for each push, named by the lake's generation, never written over
    PREFIX/observations/..., rollup/..., derived/...   the lake's own files under their own paths

A push sends the files first and then creates its manifest on the condition that no object of that name exists, which
the server decides (``If-None-Match: *``). So a copy is whole or not there, and of two pushes of one generation one
hears that it was second. Whoever reads takes the manifest with the greatest number. Nobody lists files to find rows.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from seawall.lake.locks import no_readers, one_reader, only_writer
from seawall.lake.manifest import Manifest, load, save, sync_file, sync_folder
from seawall.model import Fault, Unavailable

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

COPY_OF = "copy.of"
"""Note of a pulled lake: the address it came from."""
COPIED = "copy.generation"
"""Note of a pulled lake: the owner's generation that it holds."""
_MANIFESTS = "manifests"
_PROBE = "conditional-writes"
_LOCK = "push.lock"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Copy(msgspec.Struct, frozen=True):
    """What one push made visible."""

    owner: str  # the id of the node whose lake it is
    manifest: Manifest


class Moved(msgspec.Struct, frozen=True):
    """What a push or pull did."""

    generation: int
    files: int  # sent or fetched now
    bytes: int
    removed: int  # objects or files that no manifest needs any more


class RemoteLake:
    """The copy at one address. Calls that endpoint and nothing else."""

    def __init__(self, files: AbstractFileSystem, url: str) -> None:
        self._files = files
        self._root = url.removeprefix("s3://").rstrip("/")
        self.url = url

    @classmethod
    def open(cls, url: str, endpoint: str) -> RemoteLake:
        """The copy at ``s3://bucket/prefix``; the credentials are those of AWS's usual variables and files.

        Raises Fault E-LAKE-030 for an address that cannot be used, E-LAKE-031 without the ``s3`` extra.
        """
        plain = urlsplit(endpoint)
        if not url.startswith("s3://") or not url.removeprefix("s3://").strip("/"):
            raise _unusable(url, "it must read s3://bucket/prefix")
        if plain.scheme == "http" and plain.hostname not in _LOOPBACK:
            raise _unusable(endpoint, "telemetry would travel in the clear; use https")
        try:
            import s3fs
        except ImportError:
            raise Fault(
                "E-LAKE-031", "A lake on S3 needs packages that are not here; run pip install 'seawall[s3]'."
            ) from None
        # without this the library asks a well-known address on the local network for credentials
        os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")
        client = {"endpoint_url": endpoint} if endpoint else {}
        return cls(s3fs.S3FileSystem(client_kwargs=client, use_listings_cache=False, skip_instance_cache=True), url)

    def newest(self) -> Copy | None:
        """The copy as it is now; None when nothing was ever pushed. Raises Unavailable E-LAKE-032."""
        with self._answers():
            names = self._listed(_MANIFESTS)
            return msgspec.json.decode(self._files.cat_file(max(names)), type=Copy) if names else None

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
            with self._answers():
                self._probe()
                sent = self._send(folder, manifest)
                self._create(manifest, Copy(owner, manifest))
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
                with self._answers():
                    fetched = self._fetch(folder, held, manifest, arriving)
                return self._settle(folder, held, manifest, arriving, fetched)
            finally:
                shutil.rmtree(arriving, ignore_errors=True)

    def _probe(self) -> None:
        """A server that lets a second conditional write pass cannot keep two pushes apart."""
        name = f"{self._root}/{_PROBE}"
        if not self._files.exists(name):
            self._files.pipe_file(name, b"", mode="create")
        try:
            self._files.pipe_file(name, b"", mode="create")
        except OSError:
            return
        raise Fault(
            "E-LAKE-034", "The server of {url} ignores conditional writes; a lake cannot be kept there.", url=self.url
        )

    def _send(self, folder: Path, manifest: Manifest) -> list[int]:
        """Every file that is not there yet; their sizes. What stands beside a file under its name goes with it."""
        held = {
            name: facts["size"] for name, facts in self._files.find(self._root, detail=True, withdirs=False).items()
        }
        sent = []
        for part in manifest.parts:
            path = folder / part.path
            for one in sorted(path.parent.glob(f"{path.name}*")):
                name = f"{self._root}/{one.relative_to(folder).as_posix()}"
                if held.get(name) != one.stat().st_size:
                    self._files.put_file(str(one), name)
                    sent.append(one.stat().st_size)
        return sent

    def _create(self, manifest: Manifest, copy: Copy) -> None:
        name = self._manifest_name(manifest)
        try:
            self._files.pipe_file(name, msgspec.json.encode(copy), mode="create")
        except OSError as error:
            if not self._files.exists(name):
                raise
            raise Unavailable(
                "E-LAKE-035", "Another push of this lake to {url} was first; run it again.", url=self.url
            ) from error

    def _clear(self, manifest: Manifest, before: Copy | None) -> int:
        """Remove what neither this push nor the one before needs: somebody may still be pulling that one."""
        kept = [manifest] if before is None else [manifest, before.manifest]
        paths = {f"{self._root}/{part.path}" for one in kept for part in one.parts}
        manifests = {self._manifest_name(one) for one in kept}
        gone = [name for name in self._listed(_MANIFESTS) if name not in manifests]
        for kind in ("observations", "rollup", "derived"):
            gone += [name for name in self._listed(kind) if _part_of(name) not in paths]
        for name in gone:
            self._files.rm_file(name)
        return len(gone)

    def _fetch(self, folder: Path, held: Manifest, manifest: Manifest, arriving: Path) -> dict[str, int]:
        """Files that are not here, or were made here under the same name; name -> size."""
        copied = int(held.notes.get(COPIED, "0"))
        ours = {part.path for part in held.parts if part.generation <= copied and (folder / part.path).exists()}
        wanted = {part.path for part in manifest.parts} - ours
        fetched: dict[str, int] = {}
        for kind in sorted({PurePosixPath(path).parts[0] for path in wanted}):
            for name in self._listed(kind):
                relative = name.removeprefix(f"{self._root}/")
                if _part_of(relative) in wanted:
                    target = arriving / relative
                    target.parent.mkdir(parents=True, exist_ok=True)
                    self._files.get_file(name, str(target))
                    sync_file(target)
                    fetched[relative] = target.stat().st_size
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

    def _listed(self, kind: str) -> list[str]:
        return sorted(self._files.find(f"{self._root}/{kind}"))

    def _manifest_name(self, manifest: Manifest) -> str:
        return f"{self._root}/{_MANIFESTS}/{manifest.generation:012d}.json"

    def _not_ours(self, reason: str) -> Fault:
        return Fault("E-LAKE-033", "Cannot push to {url}: {reason}.", url=self.url, reason=reason)

    @contextmanager
    def _answers(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError

        try:
            yield
        except (OSError, BotoCoreError, msgspec.MsgspecError) as error:
            raise Unavailable(
                "E-LAKE-032", "The copy at {url} cannot be used: {reason}.", url=self.url, reason=str(error)[:300]
            ) from error


def _part_of(name: str) -> str:
    """The file to which one belongs that stands beside it: ``x.parquet.places`` -> ``x.parquet``."""
    head, dot, _ = name.partition(".parquet")
    return head + dot


def _unusable(address: str, reason: str) -> Fault:
    return Fault("E-LAKE-030", "Cannot keep a copy of the lake at {address}: {reason}.", address=address, reason=reason)


@contextmanager
def _one_push(folder: Path) -> Iterator[None]:
    """One push of a lake at a time, from any of the machines that share its folder."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
