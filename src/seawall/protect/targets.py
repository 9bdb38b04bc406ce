"""Where an export goes: standard output, a file, or a folder. A file becomes visible whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from seawall.model import Fault
from seawall.protect.interface import Feed, Sink

_BUFFER = 1 << 20  # bytes


@contextmanager
def opened(feed: Feed, target: Path | BinaryIO | None) -> Iterator[Sink]:
    """A sink for ``feed``; None is a dry run that keeps nothing.

    Raises Fault E-PROTECT-003 when the feed wants a folder and got a stream, E-PROTECT-004 when the target cannot be
    written. On any exception nothing new is visible at the target.
    """
    if target is None:
        with _scratch() as sink:
            yield sink
    elif not isinstance(target, Path):
        if feed.folder:
            raise Fault(
                "E-PROTECT-003", "An export to {feed} is a folder; name one with -o instead of standard output.",
                feed=feed.name,
            )  # fmt: skip
        stream = target
        yield lambda _name: stream
    else:
        with _replacing(feed, target) as sink:
            yield sink


@contextmanager
def _scratch() -> Iterator[Sink]:
    with ExitStack() as files:
        yield lambda _name: files.enter_context(Path(os.devnull).open("wb", buffering=_BUFFER))


@contextmanager
def _replacing(feed: Feed, target: Path) -> Iterator[Sink]:
    """Write beside the target, fsync, rename; in a folder the files are renamed in the feed's order reversed.

    The first file of a folder feed is the one that names the others, so it appears last.
    """
    folder = target if feed.folder else target.parent
    mark = f".{secrets.token_hex(4)}.part"
    written: dict[Path, tuple[Path, BinaryIO]] = {}

    def sink(name: str) -> BinaryIO:
        final = folder / name if feed.folder else target
        part = final.with_name(final.name + mark)
        written[final] = part, part.open("xb", buffering=_BUFFER)
        return written[final][1]

    try:
        if feed.folder:
            folder.mkdir(parents=True, exist_ok=True)
        yield sink
        for _, file in written.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        for final, (part, _) in reversed(written.items()):
            part.replace(final)
        _fsync_folder(folder)
    except OSError as error:
        raise Fault(
            "E-PROTECT-004",
            "Cannot write the export to {target}: {reason}; the earlier one, if any, is unchanged.",
            target=target,
            reason=error.strerror or error,
        ) from None
    finally:
        for part, file in written.values():
            with suppress(OSError):
                file.close()
            part.unlink(missing_ok=True)


def _fsync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
