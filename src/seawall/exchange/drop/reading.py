"""Reading a drop: signature first, then the whole body, and only then the first object.

The order: (1) the file is copied to where nobody pulls it out; (2) the first line is opened with the keys of known
peers; (3) ``check`` reads everything once: counts, digests, sizes, nesting, nothing before or behind; (4) ``pages``
gives the objects. The caller owes what stands between: is it for us, is the peer verified, does it fit its chain.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import zstandard

from seawall.exchange.drop.bounds import DropBounds
from seawall.exchange.drop.header import DROP_TYPE, Header, link_of, not_a_drop, read_header, too_large
from seawall.exchange.nesting import nested_deeper
from seawall.identity import dsse
from seawall.identity.between_us import is_between_us
from seawall.model import Fault, Refused

COPY_BYTES = 1 << 20
READ_BYTES = 1 << 18


class Drop:
    """One carried file whose signature held. ``signer`` names whose key it was."""

    def __init__(self, copy: IO[bytes], signer: str, header: Header, link: str, bounds: DropBounds) -> None:
        self._copy = copy
        self._bounds = bounds
        self.signer = signer
        self.header = header
        self.link = link

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._copy.close()

    def check(self) -> None:
        """Read everything once. Raises Refused E-EXCHANGE-204 (cut short), -205 (altered), -206 (object bounds)."""
        lines = _unpacked(self._copy, self._bounds)
        _first_line(lines, self._bounds)
        try:
            for part in self.header.parts:
                digest, size = hashlib.sha256(), 0
                for body in self._bodies(lines, part.objects):
                    digest.update(body + b"\n")
                    size += len(body) + 1
                    if size > part.bytes:  # what the header counts is within the bounds: nothing beyond it is unpacked
                        raise altered()
                    if nested_deeper(body, self._bounds.nesting):
                        raise _unbearable()
                if size != part.bytes or digest.hexdigest() != part.sha256:
                    raise altered()
            if lines.read(1):
                raise altered()
        except zstandard.ZstdError:
            raise altered() from None

    def pages(self) -> Iterator[tuple[str, list[bytes]]]:
        """(circle, bodies) page by page. Call ``check`` before."""
        lines = _unpacked(self._copy, self._bounds)
        _first_line(lines, self._bounds)
        for part in self.header.parts:
            page: list[bytes] = []
            for body in self._bodies(lines, part.objects):
                page.append(body)
                if len(page) == self._bounds.page_objects:
                    yield part.circle, page
                    page = []
            if page:
                yield part.circle, page

    def _bodies(self, lines: io.BufferedReader, count: int) -> Iterator[bytes]:
        for _ in range(count):
            line = lines.readline(self._bounds.object_bytes + 2)
            if not line.endswith(b"\n"):
                raise _unbearable() if len(line) > self._bounds.object_bytes else _cut_short()
            yield line[:-1]


def open_drop(
    path: Path,
    folder: Path,
    keys: Iterable[tuple[str, bytes]],
    bounds: DropBounds,
    *,
    between: Callable[[bytes, str], tuple[str, bytes]] | None = None,
) -> Drop:
    """Copy ``path`` into ``folder`` (nameless) and open it with the first of ``keys`` (name, Ed25519) that signed it.

    ``between(envelope, type)`` says whose a proof is that is no signature, and of what, or raises Refused. Raises Fault
    E-EXCHANGE-201 (no drop), -202 (cannot be read), Refused E-EXCHANGE-203 (too large), -207 (nobody that we know
    signed it).
    """
    copy = _copied(path, folder, bounds)
    try:
        envelope = _first_line(_unpacked(copy, bounds), bounds)
        proven = between is not None and _is_between_us(envelope)
        signer, payload = between(envelope, DROP_TYPE) if between and proven else _opened(envelope, keys)
        header = read_header(payload, bounds)
    except BaseException:
        copy.close()
        raise
    return Drop(copy, signer, header, link_of(header, payload), bounds)


def _is_between_us(envelope: bytes) -> bool:
    try:
        return is_between_us(envelope)
    except Refused:
        raise not_a_drop() from None


def _opened(envelope: bytes, keys: Iterable[tuple[str, bytes]]) -> tuple[str, bytes]:
    for name, public in keys:
        try:
            return name, dsse.verify(envelope, DROP_TYPE, [public])
        except Refused as refused:
            if refused.code != "E-IDENTITY-012":
                raise not_a_drop() from None
    raise Refused("E-EXCHANGE-207", "Nobody whose card we hold signed this drop, or it was altered; it was not read.")


def _copied(path: Path, folder: Path, bounds: DropBounds) -> IO[bytes]:
    copy = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - the Drop closes it
    size = 0
    try:
        with path.open("rb") as source:
            while size <= bounds.file_bytes and (piece := source.read(COPY_BYTES)):
                size += len(piece)
                copy.write(piece)
    except OSError as error:
        copy.close()
        raise Fault("E-EXCHANGE-202", "The drop {path} cannot be read: {reason}.", path=path,
                    reason=error.strerror or error) from None  # fmt: skip
    except BaseException:
        copy.close()
        raise
    if size > bounds.file_bytes:
        copy.close()
        raise too_large()
    return copy


def _unpacked(copy: IO[bytes], bounds: DropBounds) -> io.BufferedReader:
    copy.seek(0)
    decoder = zstandard.ZstdDecompressor(max_window_size=bounds.window_bytes)
    stream = decoder.stream_reader(copy, read_across_frames=True, closefd=False)
    return io.BufferedReader(stream, READ_BYTES)


def _first_line(lines: io.BufferedReader, bounds: DropBounds) -> bytes:
    try:
        line = lines.readline(bounds.header_bytes)
    except zstandard.ZstdError:
        raise not_a_drop() from None
    if not line.endswith(b"\n"):
        raise not_a_drop()
    return line[:-1]


def _cut_short() -> Fault:
    return Refused("E-EXCHANGE-204", "The drop is cut short; nothing of it was taken in: copy it again.")


def altered() -> Fault:
    """The one answer to what is not as it was signed or sealed."""
    return Refused("E-EXCHANGE-205", "The drop is not what its maker signed; nothing of it was taken in.")


def _unbearable() -> Fault:
    return Refused(
        "E-EXCHANGE-206", "The drop holds an object that is too long or nested too deeply; nothing of it was taken in."
    )
