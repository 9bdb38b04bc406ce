"""NOTIFY (RFC 1996): each resolver is told of each change of each zone until it says that it heard.

What is lost is sent again after half a second, then ever more seldom; and secondaries ask by themselves besides (the
SOA's refresh), so a resolver that never hears us lags, and no more than that.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress

from seawall.protect.rpz import tsig, wire
from seawall.protect.rpz.settings import Secondary
from seawall.protect.rpz.triggers import wire_name

WAITS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)  # seconds before the next try; the last one for ever
APART = 0.1  # seconds between two notices of different changes: a resolver rebuilds its zone for each


class Line(asyncio.DatagramProtocol):
    """One socket for all that one secondary is told; an answer goes to the notices of the zone that it names."""

    def __init__(self, notices: Sequence[Notices]) -> None:
        self._of_zone = {each.zone: each for each in notices}

    async def run(self, to: tuple[str, int]) -> None:
        """Tell of every zone, until cancelled. ``to``: where the secondary hears NOTIFY."""
        transport = await self._socket(to)
        try:
            async with asyncio.TaskGroup() as group:
                for each in self._of_zone.values():
                    group.create_task(each.run(transport.sendto))
        finally:
            transport.close()

    async def _socket(self, to: tuple[str, int]) -> asyncio.DatagramTransport:
        """Tried again while there is no way to the secondary, as before the network is up."""
        while True:
            try:
                transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, remote_addr=to)
            except OSError:
                await asyncio.sleep(WAITS[-1])
            else:
                return transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        """What cannot be read, or is about no zone of ours, is as if it had not come."""
        with suppress(wire.Malformed):
            answer = wire.read(data)
            if (notices := self._of_zone.get(answer.name)) is not None:
                notices.answered(data, answer)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there: the next try comes."""


class Notices:
    """One zone's notices to one secondary. ``soa``: version and SOA record of the zone now."""

    def __init__(
        self,
        secondary: Secondary,
        zone: bytes,
        soa: Callable[[], tuple[int, bytes]],
        secret: bytes,
        seconds: Callable[[], int],
    ) -> None:
        self.zone, self._soa, self._secret, self._seconds = zone, soa, secret, seconds
        self._key = wire_name(secondary.key.lower().rstrip("."))
        self._changed = asyncio.Event()
        self._sent: dict[int, tuple[int, bytes]] = {}  # message id -> version, MAC
        self.heard = 0  # the version that the secondary last said it heard of
        self.tries = 0  # since then

    def poke(self) -> None:
        """There is a new version."""
        self.tries = 0
        self._changed.set()

    async def run(self, send: Callable[[bytes], None]) -> None:
        """Tell and tell again, until cancelled."""
        while True:
            self._changed.clear()
            version, soa = self._soa()
            if version == self.heard:
                await self._changed.wait()
                continue
            with suppress(OSError):  # nobody listens there yet
                send(self._message(version, soa))
            wait = WAITS[min(self.tries, len(WAITS) - 1)]
            self.tries += 1
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), wait)
            await asyncio.sleep(APART)

    def answered(self, data: bytes, answer: wire.Message) -> None:
        """An answer counts when it is to a question of ours, says no error, and is signed as the question was."""
        version, mac = self._sent.get(answer.id, (0, b""))
        if not version or answer.opcode != wire.NOTIFY or answer.rcode != wire.NO_ERROR:
            return
        if not answer.flags & wire.RESPONSE or (mac and not tsig.good_answer(data, answer, self._secret, mac)):
            return
        if version > self.heard:
            self.heard = version
            self._sent.clear()
            self._changed.set()

    def _message(self, version: int, soa: bytes) -> bytes:
        """SOA in the answer section is the new one, a hint (RFC 1996 section 3.7)."""
        id_ = secrets.randbelow(1 << 16)
        flags = wire.NOTIFY << 11 | wire.AUTHORITATIVE
        message = wire.HEADER.pack(id_, flags, 1, 1, 0, 0) + self.zone + _SOA_IN + soa
        mac = b""
        if self._secret:
            signer = tsig.Signer(self._key, self._secret)
            message = signer.sign(message, self._seconds())
            mac = signer.mac
        if len(self._sent) > 16:
            self._sent.clear()
        self._sent[id_] = (version, mac)
        return message


_SOA_IN = b"\x00\x06\x00\x01"
