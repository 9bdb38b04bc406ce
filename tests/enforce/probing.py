"""Probes that decide by real packets: one each ten milliseconds, and the moment from which none came back."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from enforce.netns import Space

EVERY = 0.01  # seconds between probes
PATIENCE = 0.06  # seconds for an answer; namespaces answer in well under a millisecond
IN_A_ROW = 3  # probes that must agree before a change is believed


class Probe:
    """``once`` answers True when traffic passes. Moments are of the clock ``time.time``."""

    def __init__(self, once: Callable[[], bool], held: socket.socket | None = None) -> None:
        self._once, self._held = once, held

    def close(self) -> None:
        """End its socket."""
        if self._held is not None:
            self._held.close()

    def passes(self) -> bool:
        """Whether traffic passes now, by a majority of three."""
        return sum(self._once() for _ in range(3)) >= 2

    def until(self, passing: bool, seconds: float = 30.0, every: float = EVERY) -> float | None:
        """The moment at which the first of several probes in a row was sent that came out so; None: it never did."""
        end = time.time() + seconds
        first, row = 0.0, 0
        while time.time() < end:
            began = time.time()
            if self._once() is passing:
                first, row = (began, 1) if row == 0 else (first, row + 1)
                if row >= IN_A_ROW:
                    return first
            else:
                row = 0
            time.sleep(max(0.0, every - (time.time() - began)))
        return None


@contextmanager
def echo(space: Space, address: str, port: int = 9_999) -> Iterator[None]:
    """Every datagram to ``address`` inside ``space`` goes back to where it came from."""
    with answering(space, address, port, lambda data: data):
        yield


@contextmanager
def answering(space: Space, address: str, port: int, answer: Callable[[bytes], bytes]) -> Iterator[None]:
    """Datagrams to ``address`` are answered."""
    listening = space.udp(address, port)
    stopping = threading.Event()
    listening.settimeout(0.2)

    def work() -> None:
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError, OSError):
                data, peer = listening.recvfrom(4_096)
                listening.sendto(answer(data), peer)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join(5)
        listening.close()


def datagrams(space: Space, source: str, target: str, port: int = 9_999) -> Probe:
    """From an attacker's address to an echo."""
    return _asking(space.udp(source, 0), target, port, lambda number: struct.pack("!H", number), lambda _: True)


def requests(space: Space, source: str, target: str, port: int) -> Probe:
    """HTTP requests from an attacker's address; a refusal counts as stopped."""

    def once() -> bool:
        def connected() -> socket.socket:
            return socket.create_connection((target, port), timeout=1, source_address=(source, 0))

        connection = http.client.HTTPConnection(target, port, timeout=1)
        try:
            connection.sock = space.within(connected)
            connection.request("GET", "/", headers={"Host": "service.example"})
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()

    return Probe(once)


def questions(space: Space, name: str, target: str, port: int) -> Probe:
    """DNS questions; only an answer with an address passes (not NXDOMAIN, not silence)."""
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))

    def question(number: int) -> bytes:
        return struct.pack("!HHHHHH", number, 0x100, 1, 0, 0, 0) + labels + b"\0\0\1\0\1"

    def answered(data: bytes) -> bool:
        return data[3] & 15 == 0 and struct.unpack_from("!H", data, 6)[0] > 0

    return _asking(space.udp("0.0.0.0", 0), target, port, question, answered, patience=0.5)  # noqa: S104 - of a test


def _asking(
    held: socket.socket,
    target: str,
    port: int,
    question: Callable[[int], bytes],
    good: Callable[[bytes], bool],
    patience: float = PATIENCE,
) -> Probe:
    """Numbered datagrams; the answer begins with the same two bytes."""
    numbers = itertools.count(1)
    held.connect((target, port))

    def once() -> bool:
        number = next(numbers) & 0xFFFF
        end = time.monotonic() + patience
        try:
            held.send(question(number))
            while (left := end - time.monotonic()) > 0:
                held.settimeout(left)
                data = held.recv(4_096)
                if data[:2] == number.to_bytes(2):
                    return good(data)
        except OSError:  # refused, or no answer in time
            return False
        return False

    return Probe(once, held)
