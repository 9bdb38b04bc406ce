"""Real resolvers on loopback as secondaries of our primary, each with an upstream that knows every name."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from enforce.resolver_files import MAKERS

ANSWER = "203.0.113.80"  # what the upstream says of every name, if it does not say otherwise
NXDOMAIN = 3
TYPES = {"A": 1, "AAAA": 28, "SOA": 6, "CNAME": 5}


def free_port() -> int:
    """A port that is free over UDP and TCP just now."""
    for _ in range(50):
        with socket.socket() as tcp, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            try:
                udp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def question(name: str, kind: str = "A", id_: int = 4711) -> bytes:
    """A plain question with recursion desired."""
    labels = b"".join(bytes((len(label),)) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", id_, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", TYPES[kind], 1)


class Upstream:
    """Answers every question for an A record with one address, every other with nothing. ``special``: by name."""

    def __init__(self, special: Mapping[str, str] | None = None) -> None:
        self.special = dict(special or {})
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                data, peer = self._socket.recvfrom(4096)
            except OSError:
                return
            if data:
                self._socket.sendto(self._answer(data), peer)

    def _answer(self, data: bytes) -> bytes:
        at, parts = 12, []
        while data[at]:
            parts.append(data[at + 1 : at + 1 + data[at]].decode())
            at += data[at] + 1
        kind, end = struct.unpack_from("!H", data, at + 1)[0], at + 5
        address = self.special.get(".".join(parts).lower(), ANSWER)
        body = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 300, 4) + socket.inet_aton(address) if kind == 1 else b""
        head = data[:2] + struct.pack("!HHHHH", 0x8580, 1, 1 if body else 0, 0, 0)
        return head + data[12:end] + body

    def close(self) -> None:
        """Stop answering."""
        self._socket.close()


class Answer(msgspec.Struct, frozen=True):
    """What a resolver said. ``addresses``: of type A."""

    rcode: int
    addresses: tuple[str, ...]

    @property
    def blocked(self) -> bool:
        """Whether the name does not exist for this resolver's clients."""
        return self.rcode == NXDOMAIN


class Resolver:
    """One running resolver; ``command`` starts it in the foreground."""

    def __init__(self, name: str, port: int, command: list[str], folder: Path, log: Path) -> None:
        self.name, self.port, self.log = name, port, log
        self._command, self._folder = command, folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers anything at all."""
        with (self._folder / "said").open("ab") as said:
            self._process = subprocess.Popen(self._command, cwd=self._folder, stdout=said, stderr=said)
        wait_for(lambda: self.ask("up.example") is not None, 20, self.said)

    def said(self) -> str:
        """What it complained of."""
        return (self._folder / "said").read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """At once, without a word."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def cpu_seconds(self) -> float:
        """What it has spent so far."""
        assert self._process is not None
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def memory_bytes(self) -> int:
        """What it holds in memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) * 1024

    def ask(self, name: str, kind: str = "A", seconds: float = 1.0) -> Answer | None:
        """Its answer, or None when there was none in time."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(seconds)
            try:
                asking.connect(("127.0.0.1", self.port))
                asking.send(question(name, kind))
                return read_answer(asking.recv(4096))
            except OSError:
                return None

    def blocks(self, name: str) -> bool:
        """Whether the name is answered with "does not exist"."""
        found = self.ask(name)
        return found is not None and found.blocked

    def passes(self, name: str) -> bool:
        """Whether the name is answered as the upstream does."""
        found = self.ask(name)
        return found is not None and ANSWER in found.addresses


def read_answer(data: bytes) -> Answer:
    """Code and addresses of an answer."""
    count, at = struct.unpack_from("!H", data, 6)[0], 12
    while data[at]:
        at += data[at] + 1
    at += 5
    addresses = []
    for _ in range(count):
        while data[at] and data[at] < 0xC0:
            at += data[at] + 1
        at += 2 if data[at] else 1
        kind, _, _, length = struct.unpack_from("!HHIH", data, at)
        if kind == 1:
            addresses.append(socket.inet_ntoa(data[at + 10 : at + 14]))
        at += 10 + length
    return Answer(data[3] & 15, tuple(addresses))


def wait_for(ready: Callable[[], bool], seconds: float, said: Callable[[], str] = lambda: "") -> float:
    """Seconds until it was so. Fails when it never was."""
    began = time.monotonic()
    while not ready():
        assert time.monotonic() - began < seconds, f"not within {seconds} s. {said()}"
        time.sleep(0.005)
    return time.monotonic() - began


@contextmanager
def resolver(name: str, folder: Path, primary: int, upstream: Upstream, key_file: Path | None = None,
             port: int | None = None, *, parts: bool = False) -> Iterator[Resolver]:  # fmt: skip
    """A running resolver of that name."""
    folder.mkdir(exist_ok=True, parents=True)
    port = port or free_port()
    more = {"parts": True} if parts else {}
    command = MAKERS[name](folder, port, primary, upstream.port, key_file, **more)
    made = Resolver(name, port, command, folder, folder / "rpz.log")
    made.start()
    try:
        yield made
    finally:
        made.kill()
