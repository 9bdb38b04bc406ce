"""Syslog received: UDP datagrams (RFC 5426), TCP connections (RFC 6587), datagrams of a Unix socket.

A thread of its own reads the sockets and writes each message to its stream at once, whatever the rest of the tail does;
the kernel's buffers are asked to be large. Datagrams that the kernel dropped nevertheless are counted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import queue
import resource
import selectors
import socket
import stat
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from seawall.ingest.live.framing import Framing
from seawall.ingest.live.streams import Segment, Streams
from seawall.model import Fault

if TYPE_CHECKING:
    from _typeshed import FileDescriptorLike

SCHEMES = ("syslog+udp", "syslog+tcp", "syslog+unix")
DEFAULT_PORT = 514
BUFFER_BYTES = 64 << 20  # asked of the kernel for each datagram socket; it may give less
CONNECTIONS = 1024  # at once, and at most half of the descriptors we may have; more wait in the kernel's queue
DATAGRAM_BYTES = 65_535
PIECE_BYTES = 256 << 10
DATAGRAMS_A_TURN = 1000
POLL_SECONDS = 0.2
PROC_TABLES = ("/proc/net/udp", "/proc/net/udp6")


def is_address(source: str) -> bool:
    """Whether a source is to be listened at, not a path."""
    return source.partition("://")[0] in SCHEMES


class Listener:
    """Listens from construction on. ``close`` it.

    Raises Fault E-INGEST-063 for an address that cannot be understood, E-INGEST-064 for one that cannot be had.
    """

    def __init__(self, addresses: Sequence[str], streams: Streams) -> None:
        self._streams = streams
        self._selector = selectors.DefaultSelector()
        self._datagrams: list[socket.socket] = []
        self._paths: list[Path] = []
        self._news: queue.SimpleQueue[Segment | BaseException] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._open = 0
        self._bound = max(1, min(CONNECTIONS, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2))
        self._closed_doors: list[FileDescriptorLike] = []  # listening sockets while nobody may enter
        self._closed_until = 0.0  # monotonic seconds
        try:
            for address in addresses:
                self._bind(address)
        except BaseException:
            self._release()
            raise
        self._thread = threading.Thread(target=self._run, name="listening", daemon=True)
        self._thread.start()

    def news(self) -> list[Segment]:
        """Spool files that began or ended since the last call. Raises what went wrong in the thread."""
        found: list[Segment] = []
        with contextlib.suppress(queue.Empty):
            while True:
                one = self._news.get_nowait()
                if isinstance(one, BaseException):
                    raise one
                found.append(one)
        return found

    def dropped(self) -> int:
        """Datagrams that the kernel dropped because nobody read them in time; 0 where it does not tell."""
        inodes = {str(os.fstat(one.fileno()).st_ino) for one in self._datagrams if one.fileno() >= 0}
        total = 0
        for table in PROC_TABLES:
            with contextlib.suppress(OSError):
                for line in Path(table).read_text("ascii").splitlines()[1:]:
                    fields = line.split()
                    if len(fields) >= 13 and fields[9] in inodes:
                        total += int(fields[12])
        return total

    def close(self) -> None:
        """Stop listening; what was received is in the streams. Closing again does nothing."""
        if self._stopping.is_set():
            return
        self._stopping.set()
        self._thread.join()
        self._release()
        self._streams.close()

    def _bind(self, address: str) -> None:
        parts = urlsplit(address)
        try:
            if parts.scheme == "syslog+unix":
                self._bind_unix(Path(parts.path))
                return
            host, port = parts.hostname, parts.port or DEFAULT_PORT
        except ValueError:
            host, port = None, 0
        except OSError as error:
            raise _unavailable(address, error) from error
        if host is None or parts.path not in ("", "/"):
            raise Fault(
                "E-INGEST-063",
                "{address} is no address to listen at; write syslog+udp://HOST:PORT, syslog+tcp://HOST:PORT or "
                "syslog+unix:///PATH.",
                address=repr(address[:100]),
            )
        try:
            self._bind_port(parts.scheme, host, port)
        except OSError as error:
            raise _unavailable(address, error) from error

    def _bind_port(self, scheme: str, host: str, port: int) -> None:
        kind = socket.SOCK_DGRAM if scheme == "syslog+udp" else socket.SOCK_STREAM
        family, _, _, _, place = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_NUMERICHOST)[0]
        made = socket.socket(family, kind)
        self._selector.register(
            made, selectors.EVENT_READ, self._accept if kind == socket.SOCK_STREAM else self._datagram
        )
        if kind == socket.SOCK_STREAM:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(place)
            made.listen(128)
        else:
            _enlarge(made)
            self._datagrams.append(made)
            made.bind(place)
        made.setblocking(False)

    def _bind_unix(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            if stat.S_ISSOCK(path.lstat().st_mode):
                path.unlink()  # left by a process that died
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._selector.register(made, selectors.EVENT_READ, self._datagram)
        _enlarge(made)
        made.bind(str(path))
        self._paths.append(path)
        made.setblocking(False)

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                for key, _ in self._selector.select(POLL_SECONDS):
                    key.data(key.fileobj)
                self._open_doors()
            self._drain()
        except BaseException as error:
            self._news.put(error)

    def _drain(self) -> None:
        """What has arrived when the tail is told to end."""
        for key in list(self._selector.get_map().values()):
            if key.data == self._datagram:
                key.data(key.fileobj)

    def _datagram(self, one: socket.socket) -> None:
        for _ in range(DATAGRAMS_A_TURN):
            try:
                message, sender = one.recvfrom(DATAGRAM_BYTES)
            except BlockingIOError:
                return
            self._put(message, sender[0] if isinstance(sender, tuple) else "")

    def _accept(self, one: socket.socket) -> None:
        if self._closed_doors:  # the event is older than the closing
            return
        try:
            connection, sender = one.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):  # others have taken the descriptors
                self._close_doors(POLL_SECONDS)
            return
        connection.setblocking(False)
        self._open += 1
        if self._open >= self._bound:
            self._close_doors()
        framing = Framing()
        self._selector.register(
            connection, selectors.EVENT_READ, lambda talking: self._hear(talking, framing, str(sender[0]))
        )

    def _close_doors(self, seconds: float = 0.0) -> None:
        """A door that nobody may enter would wake us without end. It stays closed for so long at least."""
        self._closed_doors = [key.fileobj for key in self._selector.get_map().values() if key.data == self._accept]
        for door in self._closed_doors:
            self._selector.unregister(door)
        self._closed_until = time.monotonic() + seconds

    def _open_doors(self) -> None:
        if self._closed_doors and self._open < self._bound and time.monotonic() >= self._closed_until:
            for door in self._closed_doors:
                self._selector.register(door, selectors.EVENT_READ, self._accept)
            self._closed_doors = []

    def _hear(self, connection: socket.socket, framing: Framing, sender: str) -> None:
        try:
            got = connection.recv(PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            got = b""
        for message in framing.feed(got) if got else framing.finish():
            self._put(message, sender)
        if not got:
            self._selector.unregister(connection)
            connection.close()
            self._open -= 1

    def _put(self, message: bytes, sender: str) -> None:
        for segment in self._streams.put(message, sender):
            self._news.put(segment)

    def _release(self) -> None:
        for door in [*self._closed_doors, *(key.fileobj for key in self._selector.get_map().values())]:
            door.close()  # type: ignore[union-attr]
        self._selector.close()
        for path in self._paths:
            path.unlink(missing_ok=True)


def _enlarge(made: socket.socket) -> None:
    """As large a buffer as we may have; root may pass the system's own bound."""
    force = getattr(socket, "SO_RCVBUFFORCE", 33)
    try:
        made.setsockopt(socket.SOL_SOCKET, force, BUFFER_BYTES)
    except OSError:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)


def _unavailable(address: str, error: OSError) -> Fault:
    return Fault(
        "E-INGEST-064",
        "Cannot listen at {address}: {reason}.",
        address=repr(address[:100]),
        reason=error.strerror or error,
    )
