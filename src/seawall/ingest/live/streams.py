"""What a listener received, in spool files of our own, one stream for each sensor and format.

    syslog/STREAM/stream.json     whose lines these are
    syslog/STREAM/NUMBER.log      lines as received, or the JSON within them; the number is never used again

A line is in its file before the next one is read from the socket, so a killed tail finds it there; it is on the disk a
moment later (``syncing``). A file is removed when its lines are in the lake.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import xxhash

from seawall.ingest.formats import FORMATS, recognise
from seawall.ingest.interface import Engine, Format, Reader
from seawall.ingest.live.state import unwritable
from seawall.ingest.live.syncing import Syncing
from seawall.ingest.records import LineRefused, Record, RecordReader
from seawall.ingest.syslog_line import parse_header
from seawall.model.unreadable import UNREADABLE

STREAMS_OPEN = 200  # files open at once; others are opened again when they get lines
SEGMENT_BYTES = 16 << 20
SENSOR_LENGTH = 255  # RFC 5424 6: HOSTNAME has at most 255 characters
GUESSES = 10_000  # remembered senders
STREAM = "stream.json"
FOLDER = "syslog"


class Unknown:
    """A line of no format that we know: rejected, so that it is counted and kept in quarantine."""

    name = "unknown"

    def recognises(self, head: bytes) -> bool:
        """Nothing is recognised as unknown."""
        return False

    def plausible(self, head: bytes) -> bool:
        """Nor taken for it."""
        return False

    def unfold(self, whole: bytes) -> bytes | None:
        """Lines already."""
        return None

    def reader(self, engine: Engine) -> Reader:
        """Rejects every line."""
        return RecordReader(self, engine)

    def decode(self, line: bytes) -> Sequence[Record]:
        """No line is good. Raises LineRefused."""
        raise LineRefused("unknown-format", "it is of no log format that we know")


class StreamFacts(msgspec.Struct, frozen=True):
    """Whose lines a stream holds."""

    format: str
    sensor: str


class Segment(msgspec.Struct, frozen=True):
    """One file of a stream; ``ended``: it gets no more lines."""

    path: Path
    format: Format
    sensor: str
    ended: bool


class _Stream(msgspec.Struct):
    folder: Path
    facts: StreamFacts
    format: Format
    number: int
    path: Path = Path()  # of the file that is open
    descriptor: int = -1
    size: int = 0


class Streams:
    """Writes received lines. One thread uses it."""

    def __init__(self, folder: Path, wanted: Format | None) -> None:
        self._folder = folder / FOLDER
        self._wanted = wanted
        self._streams: dict[StreamFacts, _Stream] = {}
        self._used: OrderedDict[StreamFacts, None] = OrderedDict()
        self._guesses: dict[tuple[str, bytes], Format] = {}
        self._syncing = Syncing()

    def put(self, message: bytes, sender: str) -> list[Segment]:
        """Write one message down; the files that began or ended with it. Raises Unavailable E-INGEST-061."""
        header = parse_header(message, year_of=None)
        sensor = (header.host or sender)[:SENSOR_LENGTH]
        body = header.body.strip()
        is_json = body.startswith(b"{")
        line = (body if is_json else message.strip()).replace(b"\n", b" ").replace(b"\r", b" ")
        if not line:
            return []
        format = self._wanted or self._guess(sensor, line)
        try:
            return self._write(StreamFacts(format.name, sensor), format, line + b"\n")
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def close(self) -> None:
        """Let go of the files, which are on the disk then. Raises Unavailable E-INGEST-061."""
        for stream in self._streams.values():
            _shut(stream)
        try:
            self._syncing.close()
        except OSError as error:
            raise unwritable(self._folder, error) from error

    def _guess(self, sensor: str, line: bytes) -> Format:
        """The format of a line; lines of one sensor that begin alike are of one format."""
        key = (sensor, line[:8])
        if (found := self._guesses.get(key)) is None:
            found = recognise(line + b"\n") or UNKNOWN
            if len(self._guesses) >= GUESSES:
                self._guesses.clear()
            self._guesses[key] = found
        return found

    def _write(self, facts: StreamFacts, format: Format, line: bytes) -> list[Segment]:
        news: list[Segment] = []
        stream = self._streams.get(facts)
        if stream is None:
            stream = self._streams[facts] = self._begun(facts, format)
        if stream.size >= SEGMENT_BYTES:
            news.append(_segment(stream, ended=True))
            _shut(stream)
            stream.number, stream.size = max(stream.number, time.time_ns()) + 1, 0
        if stream.descriptor < 0:
            stream.path = _path(stream)
            stream.descriptor = os.open(stream.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            stream.size = os.fstat(stream.descriptor).st_size
            self._syncing.wrote(stream.folder)
        os.write(stream.descriptor, line)
        self._syncing.wrote(stream.path)
        if not stream.size:
            news.append(_segment(stream, ended=False))
        stream.size += len(line)
        self._used[facts] = None
        self._used.move_to_end(facts)
        if len(self._used) > STREAMS_OPEN:
            _shut(self._streams[self._used.popitem(last=False)[0]])
        return news

    def _begun(self, facts: StreamFacts, format: Format) -> _Stream:
        name = xxhash.xxh3_128_hexdigest(msgspec.json.encode(facts))
        folder = self._folder / name
        folder.mkdir(parents=True, exist_ok=True)
        if _facts_of(folder) != facts:
            fresh = folder / f"{STREAM}.new"
            fresh.write_bytes(msgspec.json.encode(facts))
            fresh.replace(folder / STREAM)
            for path in (folder / STREAM, self._folder, self._folder.parent):
                self._syncing.wrote(path)
        numbers = [int(path.stem) for path in folder.glob("*.log") if path.stem.isdigit()]
        return _Stream(folder, facts, format, max([*numbers, time.time_ns()]) + 1)


UNKNOWN = Unknown()


def left_over(folder: Path) -> Iterator[Segment]:
    """Files that an earlier tail did not bring into the lake; of unknown format when it is not known whose they are."""
    for stream in sorted({path.parent for path in (folder / FOLDER).glob("*/*.log")}):
        facts = _facts_of(stream) or StreamFacts(UNKNOWN.name, "")
        format = next((format for format in FORMATS if format.name == facts.format), UNKNOWN)
        for path in sorted(stream.glob("*.log")):
            yield Segment(path, format, facts.sensor, ended=True)


def _facts_of(stream: Path) -> StreamFacts | None:
    """None when nothing tells, as after a loss of power."""
    try:
        return msgspec.json.decode((stream / STREAM).read_bytes(), type=StreamFacts)
    except (OSError, *UNREADABLE):
        return None


def _path(stream: _Stream) -> Path:
    return stream.folder / f"{stream.number}.log"


def _segment(stream: _Stream, *, ended: bool) -> Segment:
    return Segment(_path(stream), stream.format, stream.facts.sensor, ended)


def _shut(stream: _Stream) -> None:
    if stream.descriptor >= 0:
        os.close(stream.descriptor)
        stream.descriptor = -1
