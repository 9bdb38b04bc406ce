"""What a consumer is handed, as bytes: the whole list in its format, or what changed. Written once, read by many.

Each is written to a file without a name, so that a list of a million lines costs no memory, a slow reader holds no
lock, and nothing is left behind when the process ends. A node with a vault keeps them in memory: plain text of what
its store seals never touches the disk.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

import msgspec

from seawall.flow.node import Node, open_vault
from seawall.flow.protect import rate_of
from seawall.flow.served_feeds_lines import types_of
from seawall.model import Observable, rfc3339
from seawall.model.directive import Action, Directive
from seawall.model.served_feed import FeedLine, FeedTerms, ServedFeed
from seawall.protect import FEEDS
from seawall.protect.feeds import text
from seawall.protect.interface import Heading

CHUNK = 1 << 16  # bytes of one piece of an answer
BUFFER = 1 << 20
LEVEL = 5  # of gzip: lists of addresses hardly get smaller beyond it


class Written(msgspec.Struct, frozen=True, weakref=True, eq=False):
    """Bytes that may be handed out, in an open file without a name; it closes with the last who holds this."""

    file: BinaryIO
    length: int

    def pieces(self) -> Iterator[bytes]:
        """The bytes from the beginning; several readers at once do not disturb each other."""
        place = 0
        while place < self.length and (piece := os.pread(self.file.fileno(), CHUNK, place)):
            yield piece
            place += len(piece)


class WrittenList(msgspec.Struct, frozen=True):
    """The files of a whole list."""

    sequence: int
    at: int  # microseconds UTC
    files: dict[str, Written]
    lines: int
    left_out: dict[str, int]  # rule -> how many lines the format cannot carry
    zipped: dict[str, Written]  # filled as they are asked for


def write_list(node: Node, feed: ServedFeed, at: int) -> WrittenList:
    """The whole list in the consumer's format. Raises OSError when there is no room for it."""
    files: dict[str, BinaryIO] = {}

    def sink(name: str) -> BinaryIO:
        files[name] = _nameless(node)
        return files[name]

    writer = FEEDS[feed.terms.format].open(
        sink, Heading(made_at=at, rate=rate_of(node), sinkhole=tuple(node.settings.rpz.sinkhole))
    )
    count, left_out = 0, Counter[str]()
    for line in node.store.served_feeds.lines(feed.number):
        objection = writer.add(_directive(line))
        count += objection is None
        if objection is not None:
            left_out[objection.rule] += 1
    for _, objection in writer.finish():
        count -= 1
        left_out[objection.rule] += 1
    done = {name: _done(file) for name, file in files.items()}
    return WrittenList(feed.sequence, at, done, count, dict(left_out), {})


def write_changes(node: Node, feed: ServedFeed, since: int) -> Written:
    """What changed behind a sequence, a line each: ``+ type end value`` came or changed, ``- type - value`` went.

    What is neither blocked nor only watched says so: ``+rate-limit type end value``.

    The value stands last, because some types may hold blanks.
    """
    file = _nameless(node)
    for line in node.store.served_feeds.lines(feed.number, after=since, gone=True):
        end = "-" if line.gone else rfc3339(line.expires_at)
        value = line.value.replace("\r", " ").replace("\n", " ")
        file.write(f"{_sign(line)} {line.type.value} {end} {value}\n".encode("utf-8", "replace"))
    return _done(file)


def write_pieces(node: Node, pieces: Iterable[bytes]) -> Written:
    """Any other document, piece by piece."""
    file = _nameless(node)
    for piece in pieces:
        file.write(piece)
    return _done(file)


def zipped(node: Node, written: Written) -> Written:
    """The same, compressed; equal bytes give equal bytes."""
    file = _nameless(node)
    with gzip.GzipFile(filename="", mode="wb", compresslevel=LEVEL, fileobj=file, mtime=0) as packed:
        for piece in written.pieces():
            packed.write(piece)
    return _done(file)


def _sign(line: FeedLine) -> str:
    if line.gone:
        return "-"
    return "+" if line.action in (Action.BLOCK, Action.WATCH) else f"+{line.action}"


def sole_file(terms: FeedTerms) -> str | None:
    """The file that a consumer means who names none; None when its format has several for it."""
    feed = FEEDS[terms.format]
    if not feed.folder:
        return feed.files[0]
    kinds = {text.KINDS[kind] for kind in types_of(terms)} if terms.format == text.NAME and not terms.watch else set()
    return f"block-{kinds.pop()}.txt" if len(kinds) == 1 else None


def _nameless(node: Node) -> BinaryIO:
    if open_vault(node.folder) is not None:
        return os.fdopen(os.memfd_create("seawall-feed", os.MFD_CLOEXEC), "w+b", buffering=BUFFER)
    return cast(BinaryIO, tempfile.TemporaryFile(dir=node.folder / "store", buffering=BUFFER))


def _done(file: BinaryIO) -> Written:
    file.flush()
    written = Written(file, os.fstat(file.fileno()).st_size)
    weakref.finalize(written, file.close)
    return written


def _directive(line: FeedLine) -> Directive:
    return Directive(
        action=line.action,
        observable=Observable(line.type, line.value),
        expires_at=line.expires_at,
        reason=line.reason,
        release=line.release,
        undo_id=line.undo_id,
        source=line.source,
        indicator_id=line.indicator_id,
    )


def digest(written: Written) -> str:
    """SHA-256 of the bytes, lower hex."""
    found = hashlib.sha256()
    for piece in written.pieces():
        found.update(piece)
    return found.hexdigest()
