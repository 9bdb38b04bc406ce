"""The relay of the quiet demonstration: a process of its own, told over standard input what time it is meant to be.

What anybody lays into its mailboxes is also kept in a folder, as an operator that records everything would, so that the
demonstration can search it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from seawall.exchange.relay import DEFAULT_BOUNDS
from seawall.exchange.relay.paths import token_text
from seawall.exchange.relay.server import Books, Mailboxes, RelayRole, RelayServer, make_relay
from seawall.model import Clock, Unavailable

BOUNDS = msgspec.structs.replace(DEFAULT_BOUNDS, requests_per_second=1_000.0, requests_at_once=10_000.0)
"""A day goes by in a minute."""
RECORD = "recorded"


class Ticket(NamedTuple):
    """A mailbox of this relay: its id in hex, and files with the tokens."""

    mailbox: str
    read_token: Path
    write_token: Path


class RelayProcess:
    """The relay below ``folder`` in a process of its own. Use as a context manager."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self._clock = folder, clock
        self.recorded = folder / RECORD
        self.pin = make_relay(folder, "demonstration", [RelayRole.MAILBOX], clock(), BOUNDS).pin
        self.recorded.mkdir()
        self.url = ""
        self._process: subprocess.Popen[str] | None = None

    def mailbox(self, name: str) -> Ticket:
        """A new mailbox; only before the relay serves."""
        with Books(self.folder) as books:
            made = Mailboxes(books, BOUNDS).add()
        files = []
        for kind, token in (("read", made.read), ("write", made.write)):
            path = self.folder / f"{name}.{kind}.token"
            path.touch(mode=0o600)
            path.write_text(token_text(token) + "\n", "ascii")
            files.append(path)
        return Ticket(made.id.hex(), *files)

    def __enter__(self) -> RelayProcess:
        """Start it. Raises Unavailable E-DEMO-003 when it does not answer."""
        command = [sys.executable, "-c", "from seawall.flow.demo.relay import main; main()", str(self.folder)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - ourselves
        self.url = self.tell_time()
        return self

    def __exit__(self, *_: object) -> None:
        """End it: it stops when nobody tells it the time any more."""
        if self._process is not None and self._process.stdin is not None and self._process.stdout is not None:
            self._process.stdin.close()
            self._process.wait(30)
            self._process.stdout.close()

    def tell_time(self) -> str:
        """Move its clock to ours; returns its address."""
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise RuntimeError("the relay is not running")
        process.stdin.write(f"{self._clock()}\n")
        process.stdin.flush()
        answer = process.stdout.readline().strip()
        if not answer:
            raise Unavailable("E-DEMO-003", "The demonstration's relay ended; run it again.")
        return answer


class _Recording:
    """An application that keeps the body of every request in a file before it is answered."""

    def __init__(self, inner: Any, folder: Path) -> None:
        self._inner, self._folder, self._count = inner, folder, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Hand on what comes, and keep it."""
        body = bytearray()

        async def received() -> Any:
            message = await receive()
            body.extend(message.get("body", b""))
            return message

        await self._inner(scope, received, send)
        if body:
            self._count += 1
            (self._folder / f"{self._count:06d}.bin").write_bytes(body)


def main() -> None:
    """Serve until standard input ends; each line of it is the moment, in microseconds UTC."""
    told = [int(sys.stdin.readline())]
    folder = Path(sys.argv[1])
    server = RelayServer(folder, port=0, clock=lambda: told[0], bounds=BOUNDS)
    server.app = _Recording(server.app, folder / RECORD)  # type: ignore[assignment]  # the same application, overheard
    with server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        for line in sys.stdin:
            told[0] = int(line)
            sys.stdout.write(f"{server.url}\n")
            sys.stdout.flush()
