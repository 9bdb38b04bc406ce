"""Suricata's command socket: one JSON document a message, version 0.2 of its protocol (Suricata 7 user guide, 17.2)."""

from __future__ import annotations

import json
import socket
from pathlib import Path

from seawall.model import Unavailable

VERSION = "0.2"
SECONDS = 20.0
MAX_ANSWER = 1 << 20


class SuricataSocket:
    """One connection, opened when first used and again after a break."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._socket: socket.socket | None = None
        self.connections = 0  # opened so far: another number, perhaps another engine

    def ask(self, command: str, **arguments: str) -> tuple[bool, str]:
        """Whether Suricata did it, and what it said. Raises Unavailable E-PROTECT-073 when it cannot be reached."""
        document: dict[str, object] = {"command": command}
        if arguments:
            document["arguments"] = arguments
        for attempt in (1, 2):
            try:
                answer = self._exchange(document)
                return answer.get("return") == "OK", str(answer.get("message", ""))[:300]
            except (OSError, ValueError) as error:
                self.close()
                if attempt == 2:
                    raise Unavailable(
                        "E-PROTECT-073", "Suricata's socket {path} does not answer: {reason}.",
                        path=self._path, reason=error,
                    ) from None  # fmt: skip
        raise AssertionError("unreachable")

    def close(self) -> None:
        """End the connection; the next question opens another."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _exchange(self, document: dict[str, object]) -> dict[str, object]:
        if self._socket is None:
            opened = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            opened.settimeout(SECONDS)
            opened.connect(str(self._path))
            self._socket = opened
            self.connections += 1
            if self._say({"version": VERSION}).get("return") != "OK":
                raise ValueError("it speaks another version")
        return self._say(document)

    def _say(self, document: dict[str, object]) -> dict[str, object]:
        if self._socket is None:
            raise ValueError("not connected")
        self._socket.sendall(json.dumps(document).encode() + b"\n")
        held = b""
        while True:
            part = self._socket.recv(65_536)
            if not part or len(held) > MAX_ANSWER:
                raise ValueError("it hung up")
            held += part
            try:
                answer: dict[str, object] = json.loads(held)
            except ValueError:
                continue
            return answer
