"""Files followed while they grow: through rotation, truncation, new files and half-written lines.

Rotation by renaming: the old file stays open and is read on until nobody has written to it for a while; the new one is
begun. Rotation by copying and truncating: the copy beside it takes over where we were. Both also work when the rotation
happened while nobody followed, as long as the old file lies in the same folder and is not compressed.
"""

from __future__ import annotations

import glob
import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from seawall.ingest.compression import GZIP_MAGIC, ZSTD_MAGIC
from seawall.ingest.inputs import printable
from seawall.ingest.interface import Format
from seawall.ingest.live.blocks import Block
from seawall.ingest.live.state import HEAD_BYTES, Head, Position
from seawall.ingest.live.streams import Segment
from seawall.ingest.live.watched import UNKNOWN_BOUND, Followed, Watched

LOOK_SECONDS = 0.2  # between looks at what files there are; more where a look takes long
LOOK_SHARE = 20  # of our time a look may take: one part in so many
QUIET_SECONDS = 3.0  # nobody writes to a renamed file any more; daemons reopen at once or when told by a signal
TWIN_SECONDS = 10.0  # how long a copy of a followed file waits for the original to be truncated
TWIN_BYTES = 64  # equal beginnings shorter than this say nothing
Identity = tuple[int, int]  # device and inode
Signature = tuple[int, int, int, int]  # and time of change and size: an inode may be used again
Say = Callable[[str], None]


class Follower:
    """Follows files, folders and patterns. ``close`` it."""

    def __init__(self, targets: Sequence[str], positions: Iterable[Position], wanted: Format | None, say: Say) -> None:
        """``positions``: how far earlier runs came. ``say`` hears about what cannot be followed, once each."""
        self._targets = list(targets)
        self._known = {position.key: position for position in positions}
        self._wanted = wanted
        self._say = say
        self._open: dict[Identity, Watched] = {}
        self._passed_over: set[Signature] = set()
        self._twins: dict[Identity, float] = {}
        self._told: set[str] = set()
        self._next_look = 0.0

    def resume(self) -> None:
        """Open what is there, and what was renamed or copied away while nobody followed."""
        self._look()
        for position in list(self._known.values()):
            opened = {watched.key for watched in self._open.values()}
            if not position.ended and position.key not in opened and self._concerns(Path(position.path)):
                self._find_again(position)

    def poll(self, *, reading: bool = True) -> tuple[list[Block], dict[str, Followed]]:
        """New blocks, and the files that they and what has ended belong to.

        Without ``reading``: none, but files that are new, renamed or truncated are held open.
        """
        now = time.monotonic()
        if now >= self._next_look:
            self._look()
            took = time.monotonic() - now
            self._next_look = now + max(LOOK_SECONDS, took * LOOK_SHARE)
        blocks: list[Block] = []
        files: dict[str, Followed] = {}
        for identity, watched in list(self._open.items()):
            if watched.size != watched.at and watched.replaced():
                watched = self._turned_over(identity, watched)
            if not reading:
                continue
            got = self._read(identity, watched)
            if (followed := watched.followed) is not None and (got or watched.ended):
                files[watched.key] = followed
                blocks += got
        return blocks, files

    def behind(self) -> bool:
        """True while some file holds more than was read."""
        return any(
            watched.format is not None and not watched.unknown and watched.size > watched.at
            for watched in self._open.values()
        )

    def unrecognised(self) -> list[str]:
        """Files that were named and hold lines of no format that we know, as sentences."""
        return [
            f"{watched.label}: no known log format; name it with --format"
            for watched in self._open.values()
            if watched.format is None and watched.size and not watched.unknown and not self._is_wide()
        ]

    def follow_own(self, segment: Segment) -> None:
        """Follow a spool file of ours from where it is known to be, or note that it gets no more lines."""
        status = segment.path.stat()
        identity = (status.st_dev, status.st_ino)
        if identity not in self._open:
            watched = self._watch(segment.path, status, own=True)
            watched.format, watched.sensor = segment.format, segment.sensor
            self._open[identity] = watched
        if segment.ended:
            self._open[identity].gone = True

    def end_own(self) -> None:
        """No spool file of ours gets more lines."""
        for watched in self._open.values():
            watched.gone = watched.gone or watched.own

    def close(self) -> None:
        """Let go of all files."""
        for watched in self._open.values():
            watched.close()
        self._open = {}

    def _read(self, identity: Identity, watched: Watched) -> list[Block]:
        if not self._can_be_read(watched):
            if watched.gone:
                self._let_go(identity, watched)
            return []
        blocks = watched.read()
        quiet = 0.0 if watched.own else QUIET_SECONDS
        if watched.gone and time.monotonic() - watched.grew >= quiet and watched.size <= watched.at:
            blocks += watched.finish()
            self._let_go(identity, watched)
        return blocks

    def _can_be_read(self, watched: Watched) -> bool:
        """Whether the file is a log of a known format; what is told otherwise is told once."""
        if watched.unknown:
            return False
        if not watched.recognise(self._wanted, named=not self._is_wide()):
            if watched.size > UNKNOWN_BOUND:
                self._tell(f"{watched.label}: no known log format; name it with --format")
            return False
        if watched.at == 0 and watched.is_no_list():
            self._tell(f"{watched.label}: it is no list of lines; take it in with seawall ingest")
            watched.unknown = True
            return False
        return True

    def _let_go(self, identity: Identity, watched: Watched) -> None:
        watched.close()
        del self._open[identity]
        if (followed := watched.followed) is not None:
            self._known[watched.key] = _ended(watched, followed)

    def _look(self) -> None:
        """Open files that are new; notice those that have gone from their path."""
        there: dict[Identity, Path] = {}
        signatures: set[Signature] = set()
        for path, status in self._there():
            identity = (status.st_dev, status.st_ino)
            signature = (*identity, status.st_mtime_ns, status.st_size)
            signatures.add(signature)
            there.setdefault(identity, path)
            if identity in self._open:
                self._open[identity].path = path
            elif signature not in self._passed_over and not self._meet(path, status):
                self._passed_over.add(signature)
        for identity, watched in self._open.items():
            watched.gone = watched.gone or not (watched.own or identity in there or _is_at(watched.path, identity))
        self._passed_over &= signatures

    def _there(self) -> Iterator[tuple[Path, os.stat_result]]:
        for target in self._targets:
            names: Iterable[str]
            if Path(target).is_dir():
                names = (str(Path(parent, name)) for parent, _, files in os.walk(target) for name in sorted(files))
            elif glob.has_magic(target) and not Path(target).exists():
                names = sorted(glob.glob(target, recursive=True))  # noqa: PTH207 - absolute patterns too
            else:
                names = [target]
            for name in names:
                try:
                    status = Path(name).stat()
                except (OSError, ValueError):
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield Path(name), status

    def _meet(self, path: Path, status: os.stat_result) -> bool:
        """A file that is not open: new, or one of an earlier run. False when it needs no look before it changes."""
        identity = (status.st_dev, status.st_ino)
        try:
            start = _start_of(path)
        except OSError as error:
            self._tell(f"{printable(path)}: {error.strerror or error}")
            return True
        if start[:2] == GZIP_MAGIC or start[:4] == ZSTD_MAGIC:
            return False
        known = self._position_of(identity, start, status.st_size)
        if known is not None and known.ended and status.st_size <= known.offset:
            return False
        if known is None and self._is_twin(identity, start):
            return True
        self._open[identity] = self._watch(path, status)
        return True

    def _watch(self, path: Path, status: os.stat_result, *, own: bool = False) -> Watched:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        start = os.pread(descriptor, HEAD_BYTES, 0)
        position = self._position_of((status.st_dev, status.st_ino), start, status.st_size)
        if position is None:
            position = self._begun(path, status, start)
        return Watched(path, position, descriptor, own=own)

    def _begun(self, path: Path, status: os.stat_result, start: bytes) -> Position:
        """A file never seen before."""
        head = Head.of(start)
        number = 0
        while (key := f"{status.st_dev:x}-{status.st_ino:x}-{head.digest[:8]}-{number}") in self._known:
            number += 1
        position = Position(key, str(path), status.st_dev, status.st_ino, head)
        self._known[key] = position
        return position

    def _position_of(self, identity: Identity, start: bytes, size: int) -> Position | None:
        """The latest position of this inode, if its content can be the same."""
        fitting = [
            position
            for position in self._known.values()
            if (position.device, position.inode) == identity and position.head.fits(start) and size >= position.offset
        ]
        return fitting[-1] if fitting else None

    def _is_twin(self, identity: Identity, start: bytes) -> bool:
        """True for a while for what looks like a copy of an open file: that one may be truncated next."""
        heads = [watched.head for watched in self._open.values() if watched.head.length >= TWIN_BYTES]
        if not any(head.fits(start) for head in heads):
            return False
        return time.monotonic() - self._twins.setdefault(identity, time.monotonic()) < TWIN_SECONDS

    def _turned_over(self, identity: Identity, watched: Watched) -> Watched:
        """The content was replaced in place: the copy made of it takes over, and the file begins anew."""
        if (copy := self._copy_of(watched.path, watched.head, watched.at, identity)) is not None:
            path, status = copy
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            self._open[(status.st_dev, status.st_ino)] = watched.handed_over(path, status, descriptor)
        elif watched.cutter.waiting:
            self._tell(f"{watched.label}: it was truncated in the middle of a line, whose beginning is lost")
        self._known[watched.key] = _moved(watched)
        descriptor = os.open(watched.path, os.O_RDONLY | os.O_CLOEXEC)
        status = os.fstat(descriptor)
        if (status.st_dev, status.st_ino) != identity:  # renamed at this very moment: the next look finds both
            os.close(descriptor)
            return watched
        fresh = Watched(watched.path, self._begun(watched.path, status, watched.start(HEAD_BYTES)), descriptor)
        watched.close()
        self._open[identity] = fresh
        return fresh

    def _find_again(self, position: Position) -> None:
        """A file of an earlier run that is not where it was: renamed, or copied and truncated, or lost."""
        path = Path(position.path)
        for other, status in _beside(path):
            identity = (status.st_dev, status.st_ino)
            same = identity == (position.device, position.inode)
            if identity in self._open or status.st_size < position.offset or not same:
                continue
            if position.head.fits(_start_of(other)):
                self._take_over(position, other, status)
                return
        copy = self._copy_of(path, position.head, position.offset, (position.device, position.inode))
        if copy is not None:
            self._take_over(position, *copy)
        else:
            self._tell(
                f"{printable(path)}: it was rotated away; what stood behind byte {position.offset} was not read. "
                "If it was compressed, take it in with seawall ingest"
            )
            self._known[position.key] = _replaced(position, ended=True)

    def _take_over(self, position: Position, path: Path, status: os.stat_result) -> None:
        found = Watched(
            path,
            _replaced(position, path=str(path), device=status.st_dev, inode=status.st_ino),
            os.open(path, os.O_RDONLY | os.O_CLOEXEC),
        )
        found.gone = True
        self._open[(status.st_dev, status.st_ino)] = found

    def _copy_of(self, path: Path, head: Head, offset: int, but: Identity) -> tuple[Path, os.stat_result] | None:
        """A file beside ``path`` with the same beginning, at least as long as we have read."""
        if head.length < TWIN_BYTES:
            return None
        for other, status in _beside(path):
            identity = (status.st_dev, status.st_ino)
            if identity != but and identity not in self._open and status.st_size >= offset:
                try:
                    if head.fits(_start_of(other)):
                        return other, status
                except OSError:
                    continue
        return None

    def _concerns(self, path: Path) -> bool:
        """Whether this run follows the path, or what lies in its folder."""
        return any(
            Path(target) == path or Path(target) in path.parents or (glob.has_magic(target) and path.match(target))
            for target in self._targets
        )

    def _is_wide(self) -> bool:
        """Whether folders or patterns were named: then what is no log is passed over."""
        return any(Path(target).is_dir() or glob.has_magic(target) for target in self._targets)

    def _tell(self, sentence: str) -> None:
        if sentence not in self._told:
            self._told.add(sentence)
            self._say(sentence)


def _ended(watched: Watched, followed: Followed) -> Position:
    return _replaced(_moved(watched), ended=followed.ended, format=followed.format.name)


def _moved(watched: Watched) -> Position:
    return _replaced(
        watched.position,
        path=str(watched.path),
        device=watched.device,
        inode=watched.inode,
        head=watched.head,
        offset=watched.at,
    )


def _replaced(position: Position, **changes: object) -> Position:
    from msgspec.structs import replace

    return replace(position, **changes)


def _start_of(path: Path) -> bytes:
    with path.open("rb", buffering=0) as file:
        return file.read(HEAD_BYTES) or b""


def _is_at(path: Path, identity: Identity) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return (status.st_dev, status.st_ino) == identity


def _beside(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Regular files in the folder of ``path``, by name."""
    try:
        names = sorted(entry.name for entry in os.scandir(path.parent))
    except OSError:
        return
    for name in names:
        other = path.parent / name
        try:
            status = other.stat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield other, status
