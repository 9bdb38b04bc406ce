"""A lake that lives in a bucket: several machines' collectors write to it, each with a node folder of its own.

A writer makes its files on this machine, sends them, and creates the manifest of the next generation (``bucket``) while
it holds the lease (``lease``). Readers take no lock in the bucket: a file that was replaced stays for GRACE, so a
snapshot that is read for longer than that may miss it.

This machine keeps what it wrote, and of the roll-up and derived data sets what it read, up to a bound (decision 0009).
Everything else is read from the bucket, only the columns and row groups that are asked for. Files never change under a
name, and names hold a token drawn by their writer, so what is kept is never stale and two writers never meet.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from seawall.lake.files import PLACES
from seawall.lake.locks import no_readers, one_reader, only_writer
from seawall.lake.manifest import OBSERVATIONS, Manifest, Part
from seawall.lake.storage.bucket import DATA, MANIFESTS, Bucket, Head, Retired
from seawall.lake.storage.lease import Writers, lost
from seawall.lake.storage.local import TEMPORARY, beside, made, sweep_temporary
from seawall.model import Clock, Unavailable, system_clock

if TYPE_CHECKING:
    import duckdb

SENT_AT_ONCE = 4
SENT_BYTES = 16 << 20  # of a larger file at once; with SENT_AT_ONCE it bounds what sending holds in memory
GRACE = 24 * 3_600_000_000  # microseconds that a replaced file stays for whoever reads an earlier state
STATES_AT_ONCE = 16  # commits after which earlier manifests are looked at once
STATES_KEPT = 3_600_000_000  # microseconds that the manifests of earlier states stay
_KEPT = "files"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES)  # on this machine; the bucket may be fine


class S3Storage:
    """See ``interface.Storage``."""

    def __init__(self, bucket: Bucket, home: Path, bound: int, clock: Clock = system_clock) -> None:
        self.home = made(home.absolute())
        self._bucket = bucket
        self._writers = Writers(bucket)
        self._bound = bound  # bytes of files kept on this machine
        self._kept = -1  # bytes of them now, as far as this process knows
        self._clock = clock
        self._id = secrets.token_hex(8)  # of a lake that is not there yet
        self._probed = False

    @classmethod
    def open(cls, url: str, endpoint: str, home: Path, bound: int) -> S3Storage:
        """The lake at ``s3://bucket/prefix``. Raises what ``Bucket.open`` does, Unavailable E-LAKE-004."""
        return cls(Bucket.open(url, endpoint), home, bound)

    @property
    def address(self) -> str:
        """The bucket and prefix."""
        return self._bucket.url

    @property
    def files(self) -> Path:
        """Of this lake only: an emptied bucket is another lake."""
        return self.home / _KEPT / self._id

    def load(self) -> Manifest:
        """The newest in the bucket."""
        head = self._bucket.newest()
        if head is None:
            return Manifest()
        self._id = head.id or self._id
        return head.manifest

    def reading(self) -> AbstractContextManager[None]:
        """Keep the files on this machine; those in the bucket stay for GRACE."""
        return one_reader(self.home)

    @contextmanager
    def writing(self, on_wait: Callable[[str], None] | None) -> Iterator[None]:
        """First among this machine's processes, then among all."""
        with only_writer(self.home, on_wait):
            if not self._probed:
                with self._bucket.answers():
                    self._bucket.probe()
                self._probed = True
            self._make_room()
            with one_reader(self.home), self._writers.only_writer(on_wait):
                yield

    def name(self, stem: str, generation: int, number: int) -> str:
        """With a token: a writer that was taken over has the same numbers as its successor."""
        return f"{stem}/part-{generation:06d}-{number:06d}-{secrets.token_hex(8)}.parquet"

    def commit(self, before: Manifest, pending: Manifest, made: Collection[Path]) -> None:
        """Send the files, then create the manifest. In order: still ours? send; still ours? create; does it stand?"""
        with self._bucket.answers():
            self._writers.check()
            known = self._bucket.newest()
            if (known.manifest.generation if known else 0) != before.generation:
                raise lost(self._bucket.url)
            self._send(pending, made)
            now = self._clock()
            gone = {part.path for part in before.parts} - {part.path for part in pending.parts}
            retired = [*(known.retired if known else ()), *(Retired(path, now) for path in sorted(gone))]
            past = [one for one in retired if one.at < now - GRACE]
            head = Head(
                "",
                pending,
                self._id,
                secrets.token_hex(8),
                known.commit if known else "",
                tuple(one for one in retired if one.at >= now - GRACE),
            )
            self._writers.check()
            if not self._bucket.create(head) or not self._bucket.follows(head):
                raise lost(self._bucket.url)
        with suppress(Unavailable), self._bucket.answers():  # committed; ``sweep`` finds what this misses
            self._bucket.remove(_with_places([one.path for one in past]))
            if pending.generation % STATES_AT_ONCE == 0:
                self._clear_states()

    def discard(self, before: Manifest, made: Collection[Path]) -> None:
        """Here only: whether the server knows the manifest may be unknown, and files that nobody names go in time."""
        for path in made:
            path.unlink(missing_ok=True)

    def sweep(self, manifest: Manifest, *, thorough: bool) -> bool:
        """``thorough``: list the lake and remove what no state of the last GRACE names."""
        if not thorough:
            return True
        now = self._clock()
        with self._bucket.answers():
            head = self._bucket.newest()
            if head is None:
                return True
            paths = [part.path for part in head.manifest.parts]
            paths += [one.path for one in head.retired if one.at >= now - GRACE]
            needed = set(_with_places(paths))
            self._writers.check()
            before = self._clear_states() - GRACE
            for below in (*DATA, f"{TEMPORARY}/"):
                there = self._bucket.listed(below)
                # a younger file may be on its way into a commit
                self._bucket.remove([held.name for held in there if held.name not in needed and held.modified < before])
        return True

    def texts(self, parts: Sequence[Part]) -> list[str]:
        """Paths of what is here, addresses in the bucket of the rest."""
        return [str(here) if (here := self._here(part)) else self._url(part.path) for part in parts]

    def attach(self, engine: duckdb.DuckDBPyConnection) -> None:
        """By the same client that everything else here uses."""
        engine.register_filesystem(self._bucket.files)

    @contextmanager
    def opened(self, part: Part) -> Iterator[Any]:
        """Its path here, or the object in the bucket."""
        if (here := self._here(part)) is not None:
            yield here
            return
        with self._bucket.answers(), self._bucket.files.open(self._bucket.full(part.path), "rb") as file:
            yield file

    def places(self, part: Part) -> np.ndarray:
        """Mapped when they are here, else read whole: 8 bytes a row."""
        if (here := self._here(part)) is not None and beside(here).exists():
            return np.memmap(beside(here), dtype="<i8", mode="r")
        with self._bucket.answers():
            return np.frombuffer(self._bucket.files.cat_file(self._bucket.full(part.path + PLACES)), dtype="<i8")

    def shared(self, path: str) -> str:
        """By the scheme of Hadoop's own client."""
        return f"s3a://{self._bucket.full(path)}"

    def share(self, path: str) -> None:
        """Sent, and not kept here."""
        with self._bucket.answers():
            self._bucket.files.put_file(str(self.home / path), self._bucket.full(path))
        (self.home / path).unlink()

    def below(self, path: str) -> list[str]:
        """By a listing."""
        prefix = f"{path}/"
        with self._bucket.answers():
            names = [held.name for held in self._bucket.listed(prefix)]
        # deeper ones are of tasks that were not counted
        return [self._url(name) for name in names if name.endswith(".parquet") and "/" not in name[len(prefix) :]]

    def unshare(self, path: str) -> None:
        """Here and in the bucket."""
        shutil.rmtree(self.home / path, ignore_errors=True)
        with suppress(Unavailable), self._bucket.answers():
            self._bucket.remove([held.name for held in self._bucket.listed(f"{path}/")])

    def size(self, parts: Sequence[Part]) -> int:
        """By a listing."""
        wanted = set(_with_places([part.path for part in parts]))
        with self._bucket.answers():
            return sum(held.size for below in DATA for held in self._bucket.listed(below) if held.name in wanted)

    def _send(self, pending: Manifest, made: Collection[Path]) -> None:
        """Every new file that the manifest names, several at once."""
        named = set(_with_places([part.path for part in pending.parts]))
        paths = {path.relative_to(self.files).as_posix(): path for path in made if path.exists()}
        sent = sorted(paths.keys() & named)
        if sent:
            local, remote = [str(paths[name]) for name in sent], [self._bucket.full(name) for name in sent]
            self._bucket.files.put(local, remote, batch_size=SENT_AT_ONCE, chunksize=SENT_BYTES)

    def _here(self, part: Part) -> Path | None:
        """The file on this machine, fetched if it is of a kind that is asked for as a whole and there is room."""
        path = self.files / part.path
        if path.exists():
            with suppress(OSError):
                os.utime(path)  # the longest unused leave first
            return path
        if part.kind == OBSERVATIONS or self._size_kept() >= self._bound:
            return None
        with self._bucket.answers():
            try:
                self._fetch(part, path)
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    raise
                self._kept = max(self._kept, self._bound)  # not tried again before room is made
                return None
        return path

    def _fetch(self, part: Part, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        for name in [part.path + PLACES, part.path] if part.placed else [part.path]:  # the file itself comes last
            fresh = path.with_name(f".{secrets.token_hex(4)}")
            try:
                self._bucket.files.get_file(self._bucket.full(name), str(fresh))
                self._kept += fresh.stat().st_size
                fresh.replace(self.files / name)
            finally:
                fresh.unlink(missing_ok=True)

    def _size_kept(self) -> int:
        if self._kept < 0:
            self._kept = sum(size for _, size, _ in self._all_kept())
        return self._kept

    def _all_kept(self) -> list[tuple[float, int, Path]]:
        found = []
        for path in (self.home / _KEPT).rglob("*"):
            with suppress(FileNotFoundError):
                if path.is_file():
                    facts = path.stat()
                    found.append((facts.st_mtime, facts.st_size, path))
        return sorted(found)

    def _make_room(self) -> None:
        """Remove what was not used for the longest time, down to half of the bound, when nobody here reads."""
        with no_readers(self.home) as alone:
            if not alone:
                return
            sweep_temporary(self.home)
            kept = self._all_kept()
            self._kept = sum(size for _, size, _ in kept)
            if self._kept < self._bound:
                return
            for _, size, path in kept:
                if self._kept <= self._bound // 2:
                    break
                path.unlink(missing_ok=True)
                self._kept -= size

    def _clear_states(self) -> int:
        """Remove the manifests of earlier states; the moment of the newest by the server's own clock."""
        *earlier, newest = self._bucket.listed(MANIFESTS)
        self._bucket.remove([held.name for held in earlier if held.modified < newest.modified - STATES_KEPT])
        return newest.modified

    def _url(self, path: str) -> str:
        return f"s3://{self._bucket.full(path)}"


def _with_places(paths: list[str]) -> list[str]:
    return [*paths, *(path + PLACES for path in paths)]
