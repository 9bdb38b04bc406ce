"""Syslog messages out of a byte stream: octet counting and line ends, told apart message by message (RFC 6587 3.4)."""

from __future__ import annotations

import re

from seawall.ingest.interface import LINE_BOUND

_COUNT = re.compile(rb"([1-9]\d{0,6}) (?=<)")
_COUNT_BEGUN = re.compile(rb"[1-9]\d{0,6} ?")
ENDS = re.compile(rb"[\n\0]")


class Framing:
    """The messages of one connection."""

    def __init__(self) -> None:
        self._rest = b""
        self._wanted = 0  # octets of a counted message that has begun
        self._surplus = 0  # octets of it that are dropped, because it is longer than any line may be

    def feed(self, got: bytes) -> list[bytes]:
        """The messages that are complete."""
        self._rest += got
        made: list[bytes] = []
        while (message := self._next()) is not None:
            if message:
                made.append(message)
        return made

    def finish(self) -> list[bytes]:
        """The connection was closed: what is left, though it may be half a message."""
        rest, self._rest = self._rest, b""
        return [rest] if rest.strip() else []

    def _next(self) -> bytes | None:
        if self._wanted:
            return self._counted()
        if (count := _COUNT.match(self._rest)) is not None:
            self._rest = self._rest[count.end() :]
            self._wanted = int(count[1])
            return self._counted()
        if len(self._rest) < 9 and _COUNT_BEGUN.fullmatch(self._rest):
            return None  # the count itself is not complete
        if (end := ENDS.search(self._rest)) is not None:
            message, self._rest = self._rest[: end.start()], self._rest[end.end() :]
            return message
        if len(self._rest) > LINE_BOUND + 1:
            self._rest = self._rest[: LINE_BOUND + 1]  # it will be rejected as too long
        return None

    def _counted(self) -> bytes | None:
        if self._wanted > LINE_BOUND + 1:
            self._surplus += self._wanted - LINE_BOUND - 1
            self._wanted = LINE_BOUND + 1
        if len(self._rest) < self._wanted + self._surplus:
            return None
        message, self._rest = self._rest[: self._wanted], self._rest[self._wanted + self._surplus :]
        self._wanted = self._surplus = 0
        return message.rstrip(b"\n\0")
