"""HAProxy's stats socket: one command, or one payload of many entries, a connection (Management Guide 2.6, 9.3)."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

from seawall.model import Unavailable

SECONDS = 30.0
MAX_ANSWER = 64 << 20  # bytes; a map of a million entries is not listed
MAX_PAYLOAD = 12_000  # bytes: HAProxy reads a command into one buffer of 16,384 (tune.bufsize)
MAX_SAID = 300  # characters of a complaint that are repeated


class HaproxySocket:
    """Where to reach one HAProxy; the socket needs ``level admin``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def ask(self, command: str) -> str:
        """What HAProxy says to a command; empty: done. Raises Unavailable E-PROTECT-074 when it cannot be reached."""
        held = bytearray()
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as opened:
                opened.settimeout(SECONDS)
                opened.connect(str(self._path))
                opened.sendall(command.encode("ascii") + b"\n")
                opened.shutdown(socket.SHUT_WR)
                while len(held) <= MAX_ANSWER and (part := opened.recv(1 << 16)):
                    held += part
        except (OSError, UnicodeError) as error:
            raise Unavailable(
                "E-PROTECT-074", "HAProxy's socket {path} does not answer: {reason}.", path=self._path, reason=error
            ) from None
        return held.decode("utf-8", "replace").strip()

    def add(self, target: str, entries: Mapping[str, int]) -> dict[str, str]:
        """Add entries to a map (or ``@version map``), many a payload; what HAProxy said of those that it refused."""
        refused: dict[str, str] = {}
        for part in _parts(entries):
            refused |= self._added(target, part)
        return refused

    def _added(self, target: str, part: list[str]) -> dict[str, str]:
        """A payload is taken up to its first bad entry, which HAProxy names: that one is left out, the rest follows."""
        refused: dict[str, str] = {}
        while part:
            said = self.ask(f"add map {target} <<\n" + "".join(part))
            if not said:
                break
            bad = next((n for n, line in enumerate(part) if f"'{line.split()[0]}'" in said), None)
            if bad is None:
                return refused | {line.split()[0]: said[:MAX_SAID] for line in part}
            refused[part[bad].split()[0]] = said[:MAX_SAID]
            part = part[bad + 1 :]
        return refused


def _parts(entries: Mapping[str, int]) -> Iterator[list[str]]:
    part: list[str] = []
    size = 0
    for value, end in entries.items():
        line = f"{value} {end}\n"
        if size + len(line) > MAX_PAYLOAD:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part
